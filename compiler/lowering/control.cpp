// Loops whose body is elementwise run inside the kernel, one element (vector) at a time: the carry stays in registers.
#include "compiler/lowering/element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

static constexpr int64_t kTurnsBetweenLooks = 8;

static Value toI64(Builder& b, Value v, Type element) {
  if (v.getType().getIntOrFloatBitWidth() == 64) return v;
  return element.isUnsignedInteger() ? Value(arith::ExtUIOp::create(b, b.getI64Type(), v)) : Value(arith::ExtSIOp::create(b, b.getI64Type(), v));
}

/// Whether any bit of any lane differs.
static Value differ(Builder& b, Value x, Value y) {
  Type scalar = getElementTypeOrSelf(x.getType());
  auto vec = llvm::dyn_cast<VectorType>(x.getType());
  if (llvm::isa<FloatType>(scalar)) {
    Type bits = b.getIntegerType(scalar.getIntOrFloatBitWidth());
    if (vec) bits = VectorType::get(vec.getShape(), bits);
    x = arith::BitcastOp::create(b, bits, x);
    y = arith::BitcastOp::create(b, bits, y);
  }
  Value lanes = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, y);
  return vec ? Value(vector::ReductionOp::create(b, vector::CombiningKind::OR, lanes)) : lanes;
}

void emitElementLoop(ElementEmitter& e, Operation* op, const Position& at) {
  auto loop = llvm::cast<ir::ForOp>(op);
  Builder& b = e.b;
  Type counter = arrayType(loop.getLow()).getElementType();
  Value low = toI64(b, e.emitScalar(loop.getLow()).re, counter), high = toI64(b, e.emitScalar(loop.getHigh()).re, counter);
  Block& body = loop.getBody().front();
  auto positionOf = [&](Value v) { return arrayType(v).getRank() == 0 ? Position{} : at; };

  // The carry holds vectors where the loop works on several elements, scalars where it works on one or counts.
  bool oneElement = e.width == 1 || (at.flat ? at.flat->uniform() : llvm::all_of(at.dims, [](const Index& i) { return i.uniform(); }));
  llvm::SmallVector<Value> inits;
  llvm::SmallVector<bool> complex;
  for (Value init : loop.getInits()) {
    Elem first = e.emit(init, positionOf(init));
    complex.push_back(static_cast<bool>(first.im));
    bool lanes = !oneElement && arrayType(init).getRank() > 0;
    inits.push_back(lanes ? vectorOf(b, first.re, e.width) : first.re);
    if (first.im) inits.push_back(lanes ? vectorOf(b, first.im, e.width) : first.im);
  }
  // What the body reads from outside is emitted before the loop.
  loop.getBody().walk([&](Operation* inner) {
    for (Value operand : inner->getOperands())
      if (!loop.getBody().isAncestor(operand.getParentRegion())) e.emit(operand, positionOf(operand));
  });

  Value one = e.constant(1);
  // One turn of the body: the counter and the carry's values give the next ones.
  auto turn = [&](Value i, ValueRange carry) {
    ElementEmitter::Scope scope(e);
    Type want = signless(counter);
    if (want != i.getType()) i = arith::TruncIOp::create(b, want, i);
    e.remember(body.getArgument(0), {}, {i, {}});
    unsigned next = 0;
    for (auto [k, isComplex] : llvm::enumerate(complex)) {
      Elem value{carry[next++], {}};
      if (isComplex) value.im = carry[next++];
      e.remember(body.getArgument(k + 1), positionOf(body.getArgument(k + 1)), value);
    }
    llvm::SmallVector<Value> yields;
    for (Value yielded : body.getTerminator()->getOperands()) {
      Elem value = e.emit(yielded, positionOf(yielded));
      bool lanes = !oneElement && arrayType(yielded).getRank() > 0;
      yields.push_back(lanes ? vectorOf(b, value.re, e.width) : value.re);
      if (value.im) yields.push_back(lanes ? vectorOf(b, value.im, e.width) : value.im);
    }
    return yields;
  };
  auto turns = [&](Value from, Value to, ValueRange carry) {
    auto loop = scf::ForOp::create(b, from, to, one, carry, [](OpBuilder&, Location, Value, ValueRange) {});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    scf::YieldOp::create(b, turn(loop.getInductionVar(), loop.getRegionIterArgs()));
    return llvm::SmallVector<Value>(loop.getResults());
  };
  llvm::SmallVector<Value> last;
  if (!body.getArgument(0).use_empty()) {
    last = turns(low, high, inits);
  } else {
    // A turn that does not see the counter and changes nothing changes nothing ever after: look every few turns.
    Value every = e.constant(kTurnsBetweenLooks), yes = arith::ConstantIntOp::create(b, 1, 1);
    llvm::SmallVector<Value> state(inits);
    state.push_back(low);
    state.push_back(yes);
    auto loop = scf::WhileOp::create(b, TypeRange(ValueRange(state)), state);
    {
      OpBuilder::InsertionGuard guard(b);
      llvm::SmallVector<Location> locations(state.size(), op->getLoc());
      Block* before = b.createBlock(&loop.getBefore(), {}, TypeRange(ValueRange(state)), locations);
      ValueRange now = before->getArguments();
      Value i = now[state.size() - 2];
      Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, arith::AddIOp::create(b, i, every), high);
      scf::ConditionOp::create(b, arith::AndIOp::create(b, fits, now.back()), now);
      Block* after = b.createBlock(&loop.getAfter(), {}, TypeRange(ValueRange(state)), locations);
      now = after->getArguments();
      i = now[state.size() - 2];
      auto almost = turns(e.constant(1), every, now.drop_back(2));
      auto next = turn(i, almost);
      Value changed;
      for (auto [x, y] : llvm::zip(almost, next)) {
        Value differs = differ(b, x, y);
        changed = changed ? Value(arith::OrIOp::create(b, changed, differs)) : differs;
      }
      next.push_back(arith::AddIOp::create(b, i, every));
      next.push_back(changed);
      scf::YieldOp::create(b, next);
    }
    // Where nothing changes any more the rest of the turns is none.
    Value from = arith::SelectOp::create(b, loop.getResults().back(), loop.getResult(state.size() - 2), high);
    last = turns(from, high, loop.getResults().drop_back(2));
  }
  unsigned next = 0;
  for (auto [k, isComplex] : llvm::enumerate(complex)) {
    Elem value{last[next++], {}};
    if (isComplex) value.im = last[next++];
    e.remember(loop.getResult(k), positionOf(loop.getResult(k)), value);
  }
}

}  // namespace skein::compiler
