// Loops whose body is elementwise run inside the kernel, one element (vector) at a time: the carry stays in registers.
#include "compiler/lowering/element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

static Value toI64(Builder& b, Value v, Type element) {
  if (v.getType().getIntOrFloatBitWidth() == 64) return v;
  return element.isUnsignedInteger() ? Value(arith::ExtUIOp::create(b, b.getI64Type(), v)) : Value(arith::ExtSIOp::create(b, b.getI64Type(), v));
}

void emitElementLoop(ElementEmitter& e, Operation* op, const Position& at) {
  auto loop = llvm::cast<ir::ForOp>(op);
  Builder& b = e.b;
  Type counter = arrayType(loop.getLow()).getElementType();
  Value low = toI64(b, e.emitScalar(loop.getLow()).re, counter), high = toI64(b, e.emitScalar(loop.getHigh()).re, counter);
  Block& body = loop.getBody().front();
  auto positionOf = [&](Value v) { return arrayType(v).getRank() == 0 ? Position{} : at; };

  // The carry holds vectors where the loop works on arrays, scalars where it counts.
  llvm::SmallVector<Value> inits;
  llvm::SmallVector<bool> complex;
  for (Value init : loop.getInits()) {
    Elem first = e.emit(init, positionOf(init));
    complex.push_back(static_cast<bool>(first.im));
    bool lanes = e.width > 1 && arrayType(init).getRank() > 0;
    inits.push_back(lanes ? vectorOf(b, first.re, e.width) : first.re);
    if (first.im) inits.push_back(lanes ? vectorOf(b, first.im, e.width) : first.im);
  }
  // What the body reads from outside is emitted before the loop.
  loop.getBody().walk([&](Operation* inner) {
    for (Value operand : inner->getOperands())
      if (!loop.getBody().isAncestor(operand.getParentRegion())) e.emit(operand, positionOf(operand));
  });

  Value one = e.constant(1);
  auto forOp = scf::ForOp::create(b, low, high, one, inits, [](OpBuilder&, Location, Value, ValueRange) {});
  {
    OpBuilder::InsertionGuard guard(b);
    ElementEmitter::Scope scope(e);
    b.setInsertionPointToStart(forOp.getBody());
    Value i = forOp.getInductionVar();
    Type want = signless(counter);
    if (want != i.getType()) i = arith::TruncIOp::create(b, want, i);
    e.remember(body.getArgument(0), {}, {i, {}});
    unsigned next = 0;
    for (auto [k, isComplex] : llvm::enumerate(complex)) {
      Elem value{forOp.getRegionIterArg(next++), {}};
      if (isComplex) value.im = forOp.getRegionIterArg(next++);
      e.remember(body.getArgument(k + 1), positionOf(body.getArgument(k + 1)), value);
    }
    llvm::SmallVector<Value> yields;
    for (Value yielded : body.getTerminator()->getOperands()) {
      Elem value = e.emit(yielded, positionOf(yielded));
      bool lanes = e.width > 1 && arrayType(yielded).getRank() > 0;
      yields.push_back(lanes ? vectorOf(b, value.re, e.width) : value.re);
      if (value.im) yields.push_back(lanes ? vectorOf(b, value.im, e.width) : value.im);
    }
    scf::YieldOp::create(b, yields);
  }
  unsigned next = 0;
  for (auto [k, isComplex] : llvm::enumerate(complex)) {
    Elem value{forOp.getResult(next++), {}};
    if (isComplex) value.im = forOp.getResult(next++);
    e.remember(loop.getResult(k), positionOf(loop.getResult(k)), value);
  }
}

}  // namespace skein::compiler
