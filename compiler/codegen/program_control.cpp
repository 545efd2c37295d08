// Loops and branches of a program. An array in a carry is a pointer: a turn writes the next value into a spare buffer and
// exchanges the two, or writes over the old one where each element is read before it is written.
#include "compiler/codegen/program_emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

static Layout denseLayout(RankedTensorType type) { return {denseStrides(type.getShape()), true}; }

bool readBefore(Value value, ir::KernelOp kernel, Block& body, bool itself) {
  for (Operation* user : value.getUsers()) {
    Operation* here = body.findAncestorOpInBlock(*user);
    if (here == kernel && itself) continue;
    if (here == kernel || !here->isBeforeInBlock(kernel)) return false;
    auto piece = llvm::dyn_cast<ir::KernelOp>(user);
    if (!llvm::isa<ir::ReshapeOp, ir::PvaryOp>(user) && !(piece && pieceOf(piece))) continue;
    if (!readBefore(user->getResult(0), kernel, body, /*itself=*/false)) return false;
  }
  return true;
}

/// The op that makes the yielded value may write over the carry's old value.
static bool canOverwrite(Value yielded, Value argument, Block& body) {
  auto kernel = yielded.getDefiningOp<ir::KernelOp>();
  if (!kernel || kernel->getBlock() != &body) return false;
  // Nobody else reads the old value, in this op or after it.
  if (!readBefore(argument, kernel, body)) return false;
  if (llvm::count(kernel.getInputs(), argument) > 1) return false;
  Operation* terminator = kernel.getBody().front().getTerminator();
  unsigned result = llvm::cast<OpResult>(yielded).getResultNumber();
  if (kernel->hasAttr("window")) {
    auto update = terminator->getOperand(result).getDefiningOp<ir::DynamicUpdateSliceOp>();
    auto operand = llvm::dyn_cast<BlockArgument>(update.getOperand());
    return operand && kernel.getInputs()[operand.getArgNumber()] == argument && llvm::hasSingleElement(operand.getUses());
  }
  auto read = llvm::find(kernel.getInputs(), argument);
  auto isDense = [](Value) { return true; };
  auto roots = terminator->getOperands();
  if (read == kernel.getInputs().end())
    return llvm::all_of(roots, [&](Value root) { return root.getDefiningOp() && !isReduction(root.getDefiningOp()); });
  return mayOverwrite(roots, kernel.getBody().getArgument(read - kernel.getInputs().begin()), isDense);
}

ProgramEmitter::Carry ProgramEmitter::startCarry(Operation* op, ValueRange inits, Block& body, ValueRange arguments, ValueRange results, int64_t turns) {
  Carry carry;
  Operation* terminator = body.getTerminator();
  for (auto [k, init] : llvm::enumerate(inits)) {
    Carry::Item item;
    item.type = typeOf(init);
    Value yielded = terminator->getOperand(k);
    if (inRegisters(results[k])) {
      item.scalar = true;
      item.first = carry.values.size();
      Elem e = scalarOf(init);
      carry.values.push_back(e.re);
      if (e.im) carry.values.push_back(e.im);
      carry.items.push_back(item);
      continue;
    }
    item.layout = denseLayout(item.type);
    if (auto argument = llvm::dyn_cast<BlockArgument>(yielded); argument && argument.getOwner() == &body)
      for (auto [m, other] : llvm::enumerate(arguments))
        if (other == yielded && !inRegisters(other)) item.passes = m;
    for (const auto& before : carry.items)
      if (item.passes >= 0 && before.passes == item.passes) item.passes = -1;  // passed on twice: the second is a copy
    item.inPlace = item.passes < 0 && canOverwrite(yielded, arguments[k], body);
    for (const auto& other : carry.items)
      if (other.passes == static_cast<int>(k)) item.inPlace = false;  // somebody takes the old buffer
    carry.items.push_back(item);
  }
  for (size_t k = 0; k < carry.items.size(); ++k)
    for (size_t j = 0; j < carry.items.size(); ++j)
      if (carry.items[j].passes == static_cast<int>(k)) carry.items[k].inPlace = false;

  for (auto [k, item] : llvm::enumerate(carry.items)) {
    if (item.scalar) continue;
    Value init = inits[k];
    bool needsSpare = !item.inPlace && item.passes < 0;
    // The result's destination serves as one of the buffers, so that the last turn ends in it where the count is known.
    auto wanted = destinations.find(results[k]);
    bool mayPlace = wanted != destinations.end() && wanted->second.layout.dense && (item.inPlace || needsSpare);
    bool inCurrent = mayPlace && (item.inPlace || turns < 0 || turns % 2 == 0);
    Slot& from = slotOf(init);
    item.first = carry.values.size();
    // The loop may write over the initial value's buffer where nobody reads it again, the loop's own body included.
    bool readInside = llvm::any_of(init.getUsers(), [&](Operation* user) { return op->isProperAncestor(user); });
    bool takeOver = !inCurrent && !readInside && from.place && from.place->users == 1 && diesAt(init, op) && from.layout.dense && llvm::count(inits, init) == 1;
    if (takeOver) {
      carry.values.push_back(from.pointer);
      carry.places.push_back(std::move(from.place));
    } else {
      Value into;
      if (inCurrent) {
        into = wanted->second.pointer;
      } else {
        Slot own = allocate(item.type);
        carry.places.push_back(own.place);
        into = own.pointer;
      }
      // The slot may have moved: allocation does not touch it, but take no chances with references into the map.
      Slot source = slotOf(init);
      copy(source.pointer ? source.pointer : pointerOf(init), source.pointer ? source.layout : item.layout, into, item.layout, item.type);
      carry.values.push_back(into);
    }
    if (needsSpare) {
      item.spare = carry.values.size();
      if (mayPlace && !inCurrent) {
        carry.values.push_back(wanted->second.pointer);
      } else {
        Slot own = allocate(item.type);
        carry.places.push_back(own.place);
        carry.values.push_back(own.pointer);
      }
    }
  }
  return carry;
}

void ProgramEmitter::bindCarry(const Carry& carry, ValueRange now, ValueRange arguments) {
  for (auto [k, item] : llvm::enumerate(carry.items)) {
    Slot slot;
    if (item.scalar) {
      slot.scalar.re = now[item.first];
      if (llvm::isa<ComplexType>(item.type.getElementType())) slot.scalar.im = now[item.first + 1];
    } else {
      slot.pointer = now[item.first];
      slot.layout = item.layout;
    }
    slots[arguments[k]] = slot;
  }
}

void ProgramEmitter::bindSpares(const Carry& carry, ValueRange now, Block& body) {
  llvm::DenseSet<Value> placed;
  for (auto [k, item] : llvm::enumerate(carry.items)) {
    Value yielded = body.getTerminator()->getOperand(k);
    if (item.scalar || item.passes >= 0 || yielded.getParentBlock() != &body || !yielded.getDefiningOp() || !placed.insert(yielded).second) continue;
    destinations[yielded] = {now[item.inPlace ? item.first : item.spare], item.layout};
    if (item.inPlace) yielded.getDefiningOp()->setAttr("in_place", b.getUnitAttr());
  }
}

llvm::SmallVector<Value> ProgramEmitter::nextCarry(const Carry& carry, ValueRange now, Block& body) {
  llvm::SmallVector<Value> next(now.begin(), now.end());
  Operation* terminator = body.getTerminator();
  llvm::SmallVector<bool> passed(carry.items.size(), false);
  for (const auto& item : carry.items)
    if (item.passes >= 0) passed[item.passes] = true;
  // Buffers that held an old value which nobody carries on: they become spares.
  llvm::SmallVector<std::pair<RankedTensorType, Value>> released;
  for (auto [k, item] : llvm::enumerate(carry.items))
    if (!item.scalar && !item.inPlace && !passed[k]) released.push_back({item.type, now[item.first]});
  for (auto [k, item] : llvm::enumerate(carry.items)) {
    Value yielded = terminator->getOperand(k);
    if (item.scalar) {
      Elem e = scalarOf(yielded);
      next[item.first] = e.re;
      if (e.im) next[item.first + 1] = e.im;
      continue;
    }
    if (item.passes >= 0) {
      next[item.first] = now[carry.items[item.passes].first];
      continue;
    }
    Value target = now[item.inPlace ? item.first : item.spare];
    Slot slot = slotOf(yielded);
    if (slot.pointer != target) copy(slot.pointer ? slot.pointer : pointerOf(yielded), slot.pointer ? slot.layout : item.layout, target, item.layout, item.type);
    next[item.first] = target;
    if (item.inPlace) continue;
    auto free = llvm::find_if(released, [&](const auto& r) { return r.first.getShape() == item.type.getShape() && byteSize(r.first.getElementType()) == byteSize(item.type.getElementType()); });
    assert(free != released.end() && "as many buffers become free as are filled");
    next[item.spare] = free->second;
    released.erase(free);
  }
  return next;
}

void ProgramEmitter::finishCarry(const Carry& carry, ValueRange last, ValueRange results) {
  // Which buffer holds which result is known at run time only: all of them are free after the last use of any.
  auto all = std::make_shared<Place>();
  all->parts.assign(carry.places.begin(), carry.places.end());
  for (auto [k, item] : llvm::enumerate(carry.items)) {
    Slot slot;
    if (!item.scalar) {
      slot.place = all;
      ++all->users;
    }
    if (item.scalar) {
      slot.scalar.re = last[item.first];
      if (llvm::isa<ComplexType>(item.type.getElementType())) slot.scalar.im = last[item.first + 1];
    } else {
      slot.pointer = last[item.first];
      slot.layout = item.layout;
      auto wanted = destinations.find(results[k]);
      if (wanted != destinations.end()) {
        // Which of the buffers holds the result is known at run time only.
        Value elsewhere = LLVM::ICmpOp::create(b, LLVM::ICmpPredicate::ne, slot.pointer, wanted->second.pointer);
        auto guard = scf::IfOp::create(b, elsewhere, false);
        OpBuilder::InsertionGuard point(b);
        b.setInsertionPointToStart(guard.thenBlock());
        copy(slot.pointer, slot.layout, wanted->second.pointer, wanted->second.layout, item.type);
        slot.pointer = wanted->second.pointer;
        slot.layout = wanted->second.layout;
      }
    }
    slots[results[k]] = slot;
  }
}

/// The number of turns where the bounds are constants, else -1.
static int64_t turnsOf(ir::ForOp op) {
  auto low = op.getLow().getDefiningOp<ir::ConstantOp>(), high = op.getHigh().getDefiningOp<ir::ConstantOp>();
  if (!low || !high) return -1;
  auto value = [](ir::ConstantOp c) { return llvm::cast<DenseElementsAttr>(c.getValue()).getSplatValue<APInt>().getSExtValue(); };
  return std::max<int64_t>(0, value(high) - value(low));
}

void ProgramEmitter::emitFor(ir::ForOp op) {
  Type counter = arrayType(op.getLow()).getElementType();
  auto wide = [&](Value v) -> Value {
    Value scalar = scalarOf(v).re;
    if (scalar.getType().isInteger(64)) return scalar;
    return counter.isUnsignedInteger() ? Value(arith::ExtUIOp::create(b, b.getI64Type(), scalar)) : Value(arith::ExtSIOp::create(b, b.getI64Type(), scalar));
  };
  Value low = wide(op.getLow()), high = wide(op.getHigh());
  Block& body = op.getBody().front();
  ValueRange arguments = body.getArguments().drop_front();
  int64_t turns = turnsOf(op);
  Carry carry = startCarry(op, op.getInits(), body, arguments, op.getResults(), turns);
  auto loop = scf::ForOp::create(b, low, high, number(1), carry.values, [](OpBuilder&, Location, Value, ValueRange) {});
  double factor = loopFactor;
  loopFactor *= static_cast<double>(turns >= 0 ? turns : 10);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value i = loop.getInductionVar();
    if (signless(counter) != i.getType()) i = arith::TruncIOp::create(b, signless(counter), i);
    setScalar(body.getArgument(0), {i, {}});
    bindCarry(carry, loop.getRegionIterArgs(), arguments);
    bindSpares(carry, loop.getRegionIterArgs(), body);
    emitBlock(body);
    auto next = nextCarry(carry, loop.getRegionIterArgs(), body);
    scf::YieldOp::create(b, next);
  }
  loopFactor = factor;
  finishCarry(carry, loop.getResults(), op.getResults());
}

void ProgramEmitter::emitWhile(ir::WhileOp op) {
  Block &cond = op.getCond().front(), &body = op.getBody().front();
  Carry carry = startCarry(op, op.getInits(), body, body.getArguments(), op.getResults(), -1);
  auto loop = scf::WhileOp::create(b, TypeRange(ValueRange(carry.values)), carry.values);
  double factor = loopFactor;
  loopFactor *= 10;
  {
    OpBuilder::InsertionGuard guard(b);
    llvm::SmallVector<Location> locations(carry.values.size(), op.getLoc());
    TypeRange types = TypeRange(ValueRange(carry.values));
    Block* before = b.createBlock(&loop.getBefore(), {}, types, locations);
    bindCarry(carry, before->getArguments(), cond.getArguments());
    emitBlock(cond);
    scf::ConditionOp::create(b, scalarOf(cond.getTerminator()->getOperand(0)).re, before->getArguments());
    Block* after = b.createBlock(&loop.getAfter(), {}, types, locations);
    bindCarry(carry, after->getArguments(), body.getArguments());
    bindSpares(carry, after->getArguments(), body);
    emitBlock(body);
    scf::YieldOp::create(b, nextCarry(carry, after->getArguments(), body));
  }
  loopFactor = factor;
  finishCarry(carry, loop.getResults(), op.getResults());
}

void ProgramEmitter::emitSwitch(ir::SwitchOp op) {
  // Every branch puts its arrays into one place; scalars are results of the branch.
  llvm::SmallVector<Type> scalarTypes;
  for (Value value : op.getResults()) {
    auto type = arrayType(value);
    if (inRegisters(value)) {
      scalarTypes.push_back(signless(type.getElementType()));
      if (llvm::isa<ComplexType>(type.getElementType())) scalarTypes.push_back(scalarTypes.back());
    } else {
      result(value);
    }
  }
  Value index = scalarOf(op.getIndex()).re;
  Type element = arrayType(op.getIndex()).getElementType();
  if (!index.getType().isInteger(64)) index = element.isUnsignedInteger() ? Value(arith::ExtUIOp::create(b, b.getI64Type(), index)) : Value(arith::ExtSIOp::create(b, b.getI64Type(), index));
  double factor = loopFactor;
  loopFactor /= static_cast<double>(op.getBranches().size());
  // Branch k runs where index <= k; the last one takes the rest.
  std::function<llvm::SmallVector<Value>(size_t)> emitFrom = [&](size_t k) {
    auto emitBranch = [&]() {
      Block& block = op.getBranches()[k].front();
      llvm::DenseSet<Value> placed;
      for (auto [i, yielded] : llvm::enumerate(block.getTerminator()->getOperands()))
        if (!inRegisters(op.getResult(i)) && yielded.getParentBlock() == &block && placed.insert(yielded).second)
          destinations[yielded] = {slots[op.getResult(i)].pointer, slots[op.getResult(i)].layout};
      emitBlock(block);
      llvm::SmallVector<Value> scalars;
      for (auto [i, yielded] : llvm::enumerate(block.getTerminator()->getOperands())) {
        if (inRegisters(op.getResult(i))) {
          Elem e = scalarOf(yielded);
          scalars.push_back(e.re);
          if (e.im) scalars.push_back(e.im);
        } else {
          Slot from = slotOf(yielded);
          Slot to = slots[op.getResult(i)];
          if (from.scalar.re)
            storeScalar(to.pointer, arrayType(yielded).getElementType(), from.scalar);
          else if (from.pointer != to.pointer)
            copy(from.pointer, from.layout, to.pointer, to.layout, typeOf(yielded));
        }
      }
      return scalars;
    };
    if (k + 1 == op.getBranches().size()) return emitBranch();
    Value here = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, index, number(k));
    auto branch = scf::IfOp::create(b, scalarTypes, here, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    auto values = emitBranch();
    if (!scalarTypes.empty()) scf::YieldOp::create(b, values);  // without results the branch has its end already
    b.setInsertionPointToStart(branch.elseBlock());
    auto others = emitFrom(k + 1);
    if (!scalarTypes.empty()) scf::YieldOp::create(b, others);
    return llvm::SmallVector<Value>(branch.getResults());
  };
  auto scalars = emitFrom(0);
  loopFactor = factor;
  size_t next = 0;
  for (Value value : op.getResults()) {
    if (!inRegisters(value)) continue;
    Elem e{scalars[next++], {}};
    if (llvm::isa<ComplexType>(arrayType(value).getElementType())) e.im = scalars[next++];
    setScalar(value, e);
  }
}

}  // namespace skein::compiler
