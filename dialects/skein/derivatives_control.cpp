// Derivatives of ops with regions. Forward mode: the same op with tangents beside the values. Reverse mode: an op whose regions
// compute the values again and walk them backwards; a loop keeps what its carry was at each turn for that.
#include "dialects/skein/derivatives_rules.h"
#include "llvm/ADT/SetVector.h"
#include "mlir/IR/SymbolTable.h"

namespace skein::ir {

using namespace mlir;

bool isInside(Value v, Block& block) {
  for (Block* at = v.getParentBlock(); at;) {
    if (at == &block) return true;
    Operation* around = at->getParentOp();
    at = around ? around->getBlock() : nullptr;
  }
  return false;
}

void eraseDead(Block& block) {
  for (Operation& op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op)) op.erase();
}

void dropEffects(Operation* op) {
  llvm::SmallVector<Operation*> effects;
  op->walk([&](Operation* inner) {
    if (llvm::isa<PrintOp, CheckOp>(inner)) effects.push_back(inner);
  });
  for (Operation* effect : effects) effect->erase();
}

std::optional<int64_t> integerOf(Value v) {
  Operation* op = v.getDefiningOp();
  auto element = llvm::dyn_cast<IntegerType>(arrayType(v).getElementType());
  if (!op || !element || element.getWidth() == 1) return std::nullopt;
  if (auto constant = llvm::dyn_cast<ConstantOp>(op)) {
    auto value = llvm::dyn_cast<DenseElementsAttr>(constant.getValue());
    if (!value || !value.isSplat()) return std::nullopt;
    APInt bits = value.getSplatValue<APInt>();
    return element.isUnsigned() ? static_cast<int64_t>(bits.getZExtValue()) : bits.getSExtValue();
  }
  if (llvm::isa<PvaryOp, ConvertOp, ReshapeOp, BroadcastOp>(op)) return integerOf(op->getOperand(0));
  if (!llvm::isa<AddOp, SubOp, MulOp>(op)) return std::nullopt;
  auto x = integerOf(op->getOperand(0)), y = integerOf(op->getOperand(1));
  if (!x || !y) return std::nullopt;
  return llvm::isa<AddOp>(op) ? *x + *y : llvm::isa<SubOp>(op) ? *x - *y : *x * *y;
}

Block* calleeOf(CallOp call, OpBuilder& b) {
  Operation* found = SymbolTable::lookupNearestSymbolFrom(call, call.getCalleeAttr());
  // The call may stand in a program that is still apart from its module.
  Operation* around = b.getInsertionBlock()->getParentOp();
  if (!found && around) found = SymbolTable::lookupNearestSymbolFrom(around, call.getCalleeAttr());
  return found && found->getNumRegions() == 1 && !found->getRegion(0).empty() ? &found->getRegion(0).front() : nullptr;
}

namespace {

using Regions = llvm::SmallVector<std::unique_ptr<Region>>;

/// A block to fill, in a region of its own: what fails half-way leaves nothing behind.
Block& newBlock(Regions& regions, TypeRange arguments, Location loc) {
  regions.push_back(std::make_unique<Region>());
  Block& block = regions.back()->emplaceBlock();
  for (Type type : arguments) block.addArgument(type, loc);
  return block;
}
OpBuilder endOf(Block& block, MLIRContext* context) {
  OpBuilder b(context);
  b.setInsertionPointToEnd(&block);
  return b;
}

Operation* createLike(OpBuilder& b, Operation* op, ValueRange operands, TypeRange results, Regions& regions) {
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.addTypes(results);
  state.addAttributes(op->getAttrs());
  for (auto& region : regions) state.addRegion(std::move(region));
  return b.create(state);
}

mlir::ArrayAttr attributes(OpBuilder& b, llvm::ArrayRef<Attribute> list) { return b.getArrayAttr(list); }

/// The axes that a spec names.
Axes axesOf(SpecAttr spec) {
  Axes axes;
  for (Attribute dim : spec.getDims())
    for (Attribute axis : llvm::cast<mlir::ArrayAttr>(dim)) axes.push_back(llvm::cast<StringAttr>(axis));
  return axes;
}

}  // namespace

// ---- forward ----

LogicalResult Forward::pushLoop(OpBuilder& b, Operation* op) {
  bool counted = llvm::isa<ForOp>(op);
  unsigned bounds = counted ? 2 : 0, first = counted ? 1 : 0;
  auto inits = op->getOperands().drop_front(bounds);
  Activity activity([this](Value v) { return static_cast<bool>(tangent(v)); });
  activity.visit(op);
  llvm::SmallVector<unsigned> active;
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    if (activity(op->getResult(i))) active.push_back(i);
  if (active.empty()) {
    copy(b, op);
    return success();
  }

  Emitter e(b, op->getLoc(), mesh_);
  Values operands;
  for (Value operand : op->getOperands()) operands.push_back(value(operand));
  llvm::SmallVector<Type> types(op->getResultTypes());
  for (unsigned i : active) {
    Type type = op->getResult(i).getType();
    operands.push_back(e.fit(tangent(inits[i]), type));
    types.push_back(type);
  }
  Regions regions;
  if (!counted) {
    Block& cond = op->getRegion(0).front();
    Block& block = newBlock(regions, types, op->getLoc());
    for (auto [old, now] : llvm::zip(cond.getArguments(), block.getArguments())) set(old, now, {});
    OpBuilder inside = endOf(block, b.getContext());
    for (Operation& inner : cond) inside.clone(inner, values_);
  }
  Block& body = op->getRegion(op->getNumRegions() - 1).front();
  llvm::SmallVector<Type> arguments;
  if (counted) arguments.push_back(body.getArgument(0).getType());
  llvm::append_range(arguments, types);
  Block& block = newBlock(regions, arguments, op->getLoc());
  for (auto [old, now] : llvm::zip(body.getArguments(), block.getArguments())) set(old, now, {});
  unsigned tangents = first + op->getNumResults();  // where they begin
  for (auto [k, i] : llvm::enumerate(active)) set(body.getArgument(first + i), block.getArgument(first + i), block.getArgument(tangents + k));
  OpBuilder inside = endOf(block, b.getContext());
  if (failed(run(inside, body))) return failure();
  Emitter end(inside, op->getLoc(), mesh_);
  Operation* yield = body.getTerminator();
  Values yields;
  for (Value v : yield->getOperands()) yields.push_back(value(v));
  for (unsigned i : active) yields.push_back(end.fit(tangent(yield->getOperand(i)), op->getResult(i).getType()));
  YieldOp::create(inside, op->getLoc(), yields);

  Operation* made = createLike(b, op, operands, types, regions);
  for (unsigned i = 0; i < op->getNumResults(); ++i) set(op->getResult(i), made->getResult(i), {});
  for (auto [k, i] : llvm::enumerate(active)) set(op->getResult(i), made->getResult(i), made->getResult(op->getNumResults() + k));
  return success();
}

LogicalResult Forward::pushSwitch(OpBuilder& b, SwitchOp op) {
  Regions regions;
  unsigned count = op->getNumResults();
  llvm::SmallVector<bool> active(count, false);
  llvm::SmallVector<Values> values, tangents;  // of each branch
  for (Region& branch : op.getBranches()) {
    OpBuilder inside = endOf(newBlock(regions, {}, op.getLoc()), b.getContext());
    if (failed(run(inside, branch.front()))) return failure();
    values.emplace_back();
    tangents.emplace_back();
    for (auto [i, v] : llvm::enumerate(branch.front().getTerminator()->getOperands())) {
      values.back().push_back(value(v));
      tangents.back().push_back(tangent(v));
      if (tangents.back().back()) active[i] = true;
    }
  }
  llvm::SmallVector<Type> types(op->getResultTypes());
  for (unsigned i = 0; i < count; ++i)
    if (active[i]) types.push_back(op->getResult(i).getType());
  for (unsigned k = 0; k < regions.size(); ++k) {
    OpBuilder inside = endOf(regions[k]->front(), b.getContext());
    Emitter end(inside, op.getLoc(), mesh_);
    for (unsigned i = 0; i < count; ++i)
      if (active[i]) values[k].push_back(end.fit(tangents[k][i], op->getResult(i).getType()));
    YieldOp::create(inside, op.getLoc(), values[k]);
  }
  Operation* made = createLike(b, op, ValueRange(value(op.getIndex())), types, regions);
  for (unsigned i = 0, next = count; i < count; ++i) set(op->getResult(i), made->getResult(i), active[i] ? Value(made->getResult(next++)) : Value());
  return success();
}

LogicalResult Forward::pushShardMap(OpBuilder& b, ShardMapOp op) {
  Block& body = op.getBody().front();
  Values operands;
  llvm::SmallVector<Type> arguments(body.getArgumentTypes()), types(op->getResultTypes());
  llvm::SmallVector<Attribute> inSpecs(op.getInSpecs().begin(), op.getInSpecs().end()), outSpecs(op.getOutSpecs().begin(), op.getOutSpecs().end());
  llvm::SmallVector<unsigned> of;  // operands with a tangent
  for (Value operand : op.getOperands()) operands.push_back(value(operand));
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    Value t = tangent(op->getOperand(i));
    if (!t) continue;
    operands.push_back(t);
    arguments.push_back(body.getArgument(i).getType());
    inSpecs.push_back(inSpecs[i]);
    of.push_back(i);
  }
  Regions regions;
  Block& block = newBlock(regions, arguments, op.getLoc());
  for (auto [old, now] : llvm::zip(body.getArguments(), block.getArguments())) set(old, now, {});
  for (auto [k, i] : llvm::enumerate(of)) set(body.getArgument(i), block.getArgument(i), block.getArgument(body.getNumArguments() + k));
  OpBuilder inside = endOf(block, b.getContext());
  AxesAttr outer = mesh_;
  mesh_ = op.getMesh();
  LogicalResult done = run(inside, body);
  mesh_ = outer;
  if (failed(done)) return failure();
  Values yields, tangents;
  llvm::SmallVector<unsigned> active;
  for (Value v : body.getTerminator()->getOperands()) yields.push_back(value(v));
  for (auto [i, v] : llvm::enumerate(body.getTerminator()->getOperands())) {
    Value t = tangent(v);
    if (!t) continue;
    yields.push_back(t);
    types.push_back(op->getResult(i).getType());
    outSpecs.push_back(outSpecs[i]);
    active.push_back(i);
  }
  YieldOp::create(inside, op.getLoc(), yields);
  auto made = ShardMapOp::create(b, op.getLoc(), types, operands, op.getMesh(), attributes(b, inSpecs), attributes(b, outSpecs), op.getCheckVma());
  made.getBody().takeBody(*regions[0]);
  for (unsigned i = 0; i < op->getNumResults(); ++i) set(op->getResult(i), made->getResult(i), {});
  for (auto [k, i] : llvm::enumerate(active)) set(op->getResult(i), made->getResult(i), made->getResult(op->getNumResults() + k));
  return success();
}

LogicalResult Forward::pushCall(OpBuilder& b, CallOp op) {
  Block* callee = calleeOf(op, b);
  if (!callee) return emitError(op.getLoc()) << "call: there is no function @" << op.getCallee() << " to derive";
  if (depth_ == 100) return emitError(op.getLoc()) << "call: @" << op.getCallee() << " calls itself; a program ends: use a loop";
  // All are read before any is set: the callee may be the caller.
  Values values, tangents;
  for (Value operand : op.getOperands()) values.push_back(value(operand)), tangents.push_back(tangent(operand));
  for (auto [i, argument] : llvm::enumerate(callee->getArguments())) set(argument, values[i], tangents[i]);
  ++depth_;
  LogicalResult done = run(b, *callee);
  --depth_;
  if (failed(done)) return failure();
  for (auto [result, returned] : llvm::zip(op->getResults(), callee->getTerminator()->getOperands())) set(result, value(returned), tangent(returned));
  return success();
}

// ---- reverse: loops ----

Values Tape::capturedBy(llvm::MutableArrayRef<Region> regions) const {
  llvm::SetVector<Value> found;
  for (Region& region : regions)
    region.walk([&](Operation* inner) {
      for (Value v : inner->getOperands())
        if (active_.contains(v) && !isInside(v, region.front())) found.insert(v);
    });
  return Values(found.begin(), found.end());
}

/// The turn's number as an index, from the counter.
static Value rowOf(Emitter& e, Value counter, int64_t low) {
  Type element = arrayType(counter).getElementType();
  if (element.getIntOrFloatBitWidth() < 32) counter = e.convert(counter, e.getI32Type());
  return low == 0 ? counter : e.sub(counter, e.integer(counter.getType(), low));
}
/// Indices of row `row` of a stack of arrays of that rank.
static Values startsOf(Emitter& e, Value row, int64_t rank) {
  Values starts(rank + 1, e.scalar(arrayType(row).getElementType(), 0));
  starts[0] = row;
  return starts;
}
static Dims withRows(int64_t rows, llvm::ArrayRef<int64_t> shape) {
  Dims all{rows};
  llvm::append_range(all, shape);
  return all;
}

void Tape::emitFor(OpBuilder& b, ForOp op) {
  Activity activity([this](Value v) { return active_.contains(value(v)); });
  activity.visit(op);
  Loop loop;
  loop.carries = op->getNumResults();
  for (unsigned i = 0; i < loop.carries; ++i)
    if (activity(op->getResult(i))) loop.active.push_back(i);
  auto made = llvm::cast<ForOp>(b.clone(*op, map_));
  if (again_) dropEffects(made);
  if (loop.active.empty()) return;
  auto low = integerOf(made.getLow()), high = integerOf(made.getHigh());
  if (low && high) {
    loop.low = *low;
    loop.turns = std::max<int64_t>(*high - *low, 0);
    loop.captured = capturedBy(made->getRegions());
    loop.end = made.getBody().front().getTerminator();
    if (loop.turns > 0) made = stack(made, loop);
    loops_[made.getOperation()] = loop;
  }
  for (unsigned i = 0; i < loop.carries; ++i) map(op->getResult(i), made->getResult(i));
  for (unsigned i : loop.active) active_.insert(made->getResult(i));
  ops_.push_back(made.getOperation());
}

/// The loop with a stack for each part of the carry that the walk backwards reads.
ForOp Tape::stack(ForOp plain, Loop& loop) {
  MLIRContext* context = plain.getContext();
  Location loc = plain.getLoc();
  llvm::SmallVector<bool> read(loop.carries, true);
  {
    // A turn backwards on trial shows what is read. An error comes up again if it matters.
    ScopedDiagnosticHandler silent(context, [](Diagnostic&) { return success(); });
    Regions scratch;
    Block& trial = newBlock(scratch, plain.getBody().front().getArgumentTypes(), loc);
    OpBuilder inside = endOf(trial, context);
    Emitter e = at(inside, loc);
    Values rows, cotangents, sums;
    for (unsigned i = 0; i < loop.carries; ++i) rows.push_back(trial.getArgument(1 + i));
    for (unsigned i : loop.active) cotangents.push_back(trial.addArgument(e.cotangentType(rows[i].getType()), loc));
    for (Value v : loop.captured) sums.push_back(trial.addArgument(e.cotangentType(v.getType()), loc));
    if (succeeded(turnBack(inside, plain, loop, trial.getArgument(0), rows, cotangents, sums))) {
      llvm::append_range(cotangents, sums);
      YieldOp::create(inside, loc, cotangents);
      eraseDead(trial);
      for (unsigned i = 0; i < loop.carries; ++i) read[i] = !rows[i].use_empty();
    }
  }
  for (unsigned i = 0; i < loop.carries; ++i)
    if (read[i]) loop.stacked.push_back(i);
  if (loop.stacked.empty()) return plain;

  OpBuilder before(plain.getOperation());
  Emitter e = at(before, loc);
  Values operands = valuesOf(plain->getOperands());
  llvm::SmallVector<Type> types(plain->getResultTypes());
  for (unsigned i : loop.stacked) {
    auto type = arrayType(plain->getResult(i));
    types.push_back(makeType(withRows(loop.turns, type.getShape()), type.getElementType(), varying(type)));
    operands.push_back(e.fit({}, types.back()));
  }
  Regions regions;
  regions.push_back(std::make_unique<Region>());
  regions[0]->takeBody(plain.getBody());
  Block& body = regions[0]->front();
  Operation* yield = body.getTerminator();
  Operation* last = yield->getPrevNode();
  OpBuilder atEnd(context);
  atEnd.setInsertionPoint(yield);
  Emitter end = at(atEnd, loc);
  Value row = rowOf(end, body.getArgument(0), loop.low);
  Values yields = valuesOf(yield->getOperands());
  for (auto [k, i] : llvm::enumerate(loop.stacked)) {
    Value carry = body.getArgument(1 + i), stack = body.addArgument(types[loop.carries + k], loc);
    Value slice = end.make<ReshapeOp>(carry, withRows(1, arrayType(carry).getShape()));
    yields.push_back(end.make<DynamicUpdateSliceOp>(stack, slice, startsOf(end, row, arrayType(carry).getRank())));
  }
  yield->setOperands(yields);
  loop.end = last ? last->getNextNode() : &body.front();
  auto made = llvm::cast<ForOp>(createLike(before, plain, operands, types, regions));
  plain->erase();
  return made;
}

/// Computes a turn again from its carry, and pulls back the cotangents of what it yields: then those of the carry stand in their
/// place, and `sums` has what the captured values got.
LogicalResult Tape::turnBack(OpBuilder& b, ForOp op, const Loop& loop, Value counter, llvm::ArrayRef<Value> rows, Values& cotangents, Values& sums) {
  Block& body = op.getBody().front();
  Tape turn(mesh_, apart_, true);
  turn.map(body.getArgument(0), counter);
  for (unsigned i = 0; i < loop.carries; ++i) turn.map(body.getArgument(1 + i), rows[i]);
  for (unsigned i : loop.active) turn.want(rows[i]);
  for (Value v : loop.captured) turn.want(v);
  turn.emit(b, body.begin(), loop.end->getIterator());
  Accounts accounts(turn.active());
  for (auto [v, sum] : llvm::zip(loop.captured, sums)) accounts.set(v, sum);
  Operation* yield = body.getTerminator();
  Emitter e = at(b, op.getLoc());
  for (auto [i, ct] : llvm::zip(loop.active, cotangents)) accounts.add(e, turn.value(yield->getOperand(i)), ct);
  if (failed(turn.pull(b, accounts))) return failure();
  for (auto [k, i] : llvm::enumerate(loop.active)) {
    Value ct = accounts.get(e, rows[i]);
    cotangents[k] = ct ? ct : e.zeroCotangent(rows[i].getType());
  }
  for (auto [k, v] : llvm::enumerate(loop.captured)) sums[k] = accounts.get(e, v);
  return success();
}

LogicalResult Tape::pullFor(OpBuilder& b, ForOp op, Accounts& accounts) {
  Location loc = op.getLoc();
  auto found = loops_.find(op.getOperation());
  if (found == loops_.end())
    return emitError(loc) << "fori_loop has no derivative in reverse mode here: it needs a fixed number of turns, and a bound is computed; use "
                             "scan, or fori_loop with constants for bounds, or forward mode (jvp, jacfwd)";
  const Loop& loop = found->second;
  Emitter e = at(b, loc);
  Values operands;  // the cotangents of the carry, then the captured values' sums so far
  llvm::SmallVector<Type> types;
  auto start = [&](Value v) {
    Value ct = accounts.get(e, v);
    operands.push_back(ct ? ct : e.zeroCotangent(v.getType()));
    types.push_back(operands.back().getType());
  };
  for (unsigned i : loop.active) start(op->getResult(i));
  size_t carried = operands.size();
  if (loop.turns == 0) {
    for (auto [k, i] : llvm::enumerate(loop.active)) accounts.add(e, op.getInits()[i], operands[k]);
    return success();
  }
  for (Value v : loop.captured) start(v);

  Type number = loop.turns > INT32_MAX ? e.getI64Type() : e.getI32Type();
  Value low = e.scalar(number, 0), high = e.scalar(number, loop.turns);
  llvm::SmallVector<Type> arguments{low.getType()};
  llvm::append_range(arguments, types);
  Regions regions;
  Block& block = newBlock(regions, arguments, loc);
  OpBuilder inside = endOf(block, b.getContext());
  Emitter in = at(inside, loc);
  Value row = in.sub(in.scalar(number, loop.turns - 1), block.getArgument(0));
  Block& body = op.getBody().front();
  auto counterType = arrayType(body.getArgument(0));
  Value counter = in.convert(row, counterType.getElementType());
  if (loop.low != 0) counter = in.add(counter, in.integer(counter.getType(), loop.low));
  counter = in.vary(counter, varying(counterType));
  Values rows;
  unsigned next = loop.carries;
  for (unsigned i = 0; i < loop.carries; ++i) {
    auto type = arrayType(body.getArgument(1 + i));
    if (llvm::is_contained(loop.stacked, i)) {
      Value window = in.make<DynamicSliceOp>(op->getResult(next++), startsOf(in, row, type.getRank()), withRows(1, type.getShape()));
      rows.push_back(in.make<ReshapeOp>(window, type.getShape()));
    } else {
      rows.push_back(in.fit({}, type));  // nothing that stays reads it
    }
  }
  Values cotangents, sums;
  for (auto [k, argument] : llvm::enumerate(block.getArguments().drop_front())) (k < carried ? cotangents : sums).push_back(argument);
  if (failed(turnBack(inside, op, loop, counter, rows, cotangents, sums))) return failure();
  llvm::append_range(cotangents, sums);
  YieldOp::create(inside, loc, cotangents);
  eraseDead(block);
  Values all{low, high};
  llvm::append_range(all, operands);
  Operation* back = createLike(b, op, all, types, regions);
  for (auto [k, v] : llvm::enumerate(loop.captured)) accounts.set(v, back->getResult(carried + k));
  for (auto [k, i] : llvm::enumerate(loop.active)) accounts.add(e, op.getInits()[i], back->getResult(k));
  return success();
}

// ---- reverse: switch, shard_map ----

LogicalResult Tape::pullSwitch(OpBuilder& b, SwitchOp op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Values captured = capturedBy(op->getRegions());
  if (captured.empty()) return success();
  // Devices may be in different branches: what a branch gives is summed outside.
  Axes apart(apart_);
  llvm::append_range(apart, varying(op.getIndex().getType()));
  Emitter e = at(b, op.getLoc());
  Emitter typing(b, op.getLoc(), mesh_, apart);
  llvm::SmallVector<Type> types;
  for (Value v : captured) types.push_back(typing.cotangentType(v.getType()));
  Regions regions;
  for (Region& branch : op.getBranches()) {
    Block& block = newBlock(regions, {}, op.getLoc());
    OpBuilder inside = endOf(block, b.getContext());
    Operation* yield = branch.front().getTerminator();
    Tape taken(mesh_, apart, true);
    for (Value v : captured) taken.want(v);
    taken.emit(inside, branch.front().begin(), yield->getIterator());
    Emitter in = taken.at(inside, op.getLoc());
    Accounts inner(taken.active());
    for (auto [yielded, ct] : llvm::zip(yield->getOperands(), cotangents)) inner.add(in, taken.value(yielded), ct);
    if (failed(taken.pull(inside, inner))) return failure();
    Values yields;
    for (Value v : captured) {
      Value ct = inner.get(in, v);
      yields.push_back(ct ? ct : in.zeroCotangent(v.getType()));
    }
    YieldOp::create(inside, op.getLoc(), yields);
    eraseDead(block);
  }
  Operation* back = createLike(b, op, ValueRange(op.getIndex()), types, regions);
  for (auto [v, ct] : llvm::zip(captured, back->getResults())) accounts.add(e, v, ct);
  return success();
}

LogicalResult Tape::pullShardMap(OpBuilder& b, ShardMapOp op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Location loc = op.getLoc();
  Block& body = op.getBody().front();
  Operation* yield = body.getTerminator();
  auto specOf = [](mlir::ArrayAttr specs, unsigned i) { return llvm::cast<SpecAttr>(specs[i]); };
  Values operands = valuesOf(op.getOperands()), captured = capturedBy(op->getRegions());
  llvm::SmallVector<Attribute> inSpecs(op.getInSpecs().begin(), op.getInSpecs().end()), outSpecs;
  Regions regions;
  Block& block = newBlock(regions, body.getArgumentTypes(), loc);
  OpBuilder inside = endOf(block, b.getContext());
  Tape device(op.getMesh(), llvm::ArrayRef<StringAttr>(), true);
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    device.map(body.getArgument(i), block.getArgument(i));
    if (accounts.wants(op->getOperand(i))) device.want(block.getArgument(i));
  }
  for (Value v : captured) device.want(v);
  device.emit(inside, body.begin(), yield->getIterator());
  Emitter in = device.at(inside, loc);

  Accounts inner(device.active());
  for (unsigned i = 0; i < op->getNumResults(); ++i) {
    if (!cotangents[i]) continue;
    SpecAttr spec = specOf(op.getOutSpecs(), i);
    Axes split = axesOf(spec);
    auto type = arrayType(yield->getOperand(i));
    operands.push_back(cotangents[i]);
    inSpecs.push_back(spec);
    Value ct = block.addArgument(makeType(type.getShape(), type.getElementType(), split), loc);
    // Of blocks that the caller promised to be equal (check_vma = false) the result is the first device's.
    Axes promised;
    for (StringAttr axis : varying(type))
      if (!llvm::is_contained(split, axis)) promised.push_back(axis);
    if (!promised.empty()) {
      Value rank = in.make<AxisIndexOp>(in.named(promised));
      Value isFirst = in.eq(rank, in.scalar(in.getI32Type(), 0));
      ct = in.where(in.make<BroadcastOp>(isFirst, type.getShape(), Dims()), ct);
    }
    inner.add(in, device.value(yield->getOperand(i)), ct);
  }
  if (failed(device.pull(inside, inner))) return failure();

  Values yields, targets;
  llvm::SmallVector<Type> types;
  auto leave = [&](Value target, Value ct, SpecAttr spec) {
    yields.push_back(in.sumBut(ct, axesOf(spec)));
    targets.push_back(target);
    types.push_back(target.getType());
    outSpecs.push_back(spec);
  };
  for (unsigned i = 0; i < body.getNumArguments(); ++i) {
    Value argument = block.getArgument(i);
    if (!inner.wants(argument)) continue;
    if (Value ct = inner.get(in, argument)) leave(op->getOperand(i), ct, specOf(op.getInSpecs(), i));
  }
  for (Value v : captured)
    if (Value ct = inner.get(in, v)) leave(v, ct, SpecAttr::get(b.getContext(), b.getArrayAttr({})));
  if (targets.empty()) return success();
  YieldOp::create(inside, loc, yields);
  eraseDead(block);
  auto back = ShardMapOp::create(b, loc, types, operands, op.getMesh(), attributes(b, inSpecs), attributes(b, outSpecs), op.getCheckVma());
  back.getBody().takeBody(*regions[0]);
  Emitter e = at(b, loc);
  for (auto [target, ct] : llvm::zip(targets, back->getResults())) accounts.add(e, target, ct);
  return success();
}

// ---- functions with derivatives of their own ----

/// Emits a region's ops with these arguments; gives what it yields. `again`: they have run before, for their effects.
static Values inlined(OpBuilder& b, Region& region, llvm::ArrayRef<Value> arguments, IRMapping map, bool again) {
  Block& block = region.front();
  for (auto [argument, value] : llvm::zip(block.getArguments(), arguments)) map.map(argument, value);
  for (Operation& op : block.without_terminator())
    if (!again || !llvm::isa<PrintOp, CheckOp>(op)) {
      Operation* made = b.clone(op, map);
      if (again) dropEffects(made);
    }
  Values yields;
  for (Value yielded : block.getTerminator()->getOperands()) yields.push_back(map.lookupOrDefault(yielded));
  return yields;
}

LogicalResult Forward::pushCustom(OpBuilder& b, CustomJvpOp op) {
  Emitter e(b, op.getLoc(), mesh_);
  Values arguments;
  for (Value operand : op.getOperands()) arguments.push_back(value(operand));
  for (auto [operand, now] : llvm::zip(op.getOperands(), Values(arguments))) arguments.push_back(e.fit(tangent(operand), now.getType()));
  Values yields = inlined(b, op.getRule(), arguments, values_, false);
  for (auto [i, result] : llvm::enumerate(op.getResults())) set(result, yields[i], yields[op->getNumResults() + i]);
  return success();
}

/// Forward mode goes through the function as if it stood here.
LogicalResult Forward::pushBody(OpBuilder& b, CustomVjpOp op) {
  Block& body = op.getBody().front();
  for (auto [argument, operand] : llvm::zip(body.getArguments(), op.getOperands())) set(argument, value(operand), tangent(operand));
  if (failed(run(b, body))) return failure();
  for (auto [result, yielded] : llvm::zip(op->getResults(), body.getTerminator()->getOperands())) set(result, value(yielded), tangent(yielded));
  return success();
}

/// The rule is linear in the tangents: its own derivative by them, where they are zero, is what carries cotangents back.
LogicalResult Tape::pullCustom(OpBuilder& b, CustomJvpOp op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Emitter e = at(b, op.getLoc());
  Block& rule = op.getRule().front();
  Tape linear(mesh_, apart_, true);
  Values tangents;
  for (auto [i, operand] : llvm::enumerate(op.getOperands())) {
    linear.map(rule.getArgument(i), operand);
    tangents.push_back(e.fit({}, operand.getType()));
    linear.map(rule.getArgument(op->getNumOperands() + i), tangents.back());
    linear.want(tangents.back());
  }
  linear.emit(b, rule.begin(), rule.getTerminator()->getIterator());
  Accounts inner(linear.active());
  for (auto [i, ct] : llvm::enumerate(cotangents)) inner.add(e, linear.value(rule.getTerminator()->getOperand(op->getNumResults() + i)), ct);
  if (failed(linear.pull(b, inner))) return failure();
  for (auto [operand, tangent] : llvm::zip(op.getOperands(), tangents))
    if (inner.wants(tangent)) accounts.add(e, operand, inner.get(e, tangent));
  return success();
}

/// What `forward` keeps is computed here; where the function did the same before, it is found to be the same.
void Tape::pullCustom(OpBuilder& b, CustomVjpOp op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Emitter e = at(b, op.getLoc());
  Values operands(op->operand_begin(), op->operand_end());
  Values kept = inlined(b, op.getForward(), operands, IRMapping(), true);
  Values arguments(kept.begin() + op->getNumResults(), kept.end());
  for (auto [ct, result] : llvm::zip(cotangents, op.getResults())) arguments.push_back(e.fit(ct, result.getType()));
  Values contributions = inlined(b, op.getBackward(), arguments, IRMapping(), false);
  for (auto [operand, contribution] : llvm::zip(op.getOperands(), contributions))
    if (accounts.wants(operand)) accounts.add(e, operand, contribution);
}

}  // namespace skein::ir
