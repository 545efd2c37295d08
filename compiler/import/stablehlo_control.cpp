// Loops, branches and calls. A while that counts becomes a `for`, which can be differentiated.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

llvm::SmallVector<Type> typesOf(ValueRange values) {
  llvm::SmallVector<Type> types;
  for (Value v : values) types.push_back(v.getType());
  return types;
}

/// A loop `while (carry[counter] < limit) carry[counter] += 1`.
struct Counting {
  unsigned counter;
  Value limit;                   // a value outside of the loop or a constant inside of it
  std::optional<unsigned> kept;  // the carry that is the limit and never changes
};

std::optional<Counting> countingOf(Block& condition, Block& body) {
  Value test = condition.back().getNumOperands() == 1 ? condition.back().getOperand(0) : Value();
  Operation* compare = test ? test.getDefiningOp() : nullptr;
  if (!compare || compare->getBlock() != &condition || compare->getName().getStringRef() != "stablehlo.compare" || compare->getNumOperands() != 2 ||
      Importer::wordOf(compare->getAttr("comparison_direction")) != "LT")
    return std::nullopt;
  auto argument = llvm::dyn_cast<BlockArgument>(compare->getOperand(0));
  auto array = llvm::dyn_cast<RankedTensorType>(compare->getOperand(0).getType());
  if (!argument || argument.getOwner() != &condition || !array || !array.getElementType().isIntOrIndex() || array.getElementType().isInteger(1)) return std::nullopt;
  Counting found{argument.getArgNumber(), compare->getOperand(1), {}};
  auto returned = [&](unsigned i) { return i < body.back().getNumOperands() ? body.back().getOperand(i) : Value(); };
  Value next = returned(found.counter);
  Operation* add = next ? next.getDefiningOp() : nullptr;
  if (!add || add->getBlock() != &body || add->getName().getStringRef() != "stablehlo.add" || add->getNumOperands() != 2 || found.counter >= body.getNumArguments()) return std::nullopt;
  Value counter = body.getArgument(found.counter);
  if (!((add->getOperand(0) == counter && splatInteger(add->getOperand(1)) == 1) || (add->getOperand(1) == counter && splatInteger(add->getOperand(0)) == 1))) return std::nullopt;
  if (auto kept = llvm::dyn_cast<BlockArgument>(found.limit); kept && kept.getOwner() == &condition) {
    if (kept.getArgNumber() >= body.getNumArguments() || returned(kept.getArgNumber()) != Value(body.getArgument(kept.getArgNumber()))) return std::nullopt;
    found.kept = kept.getArgNumber();
  } else if (Operation* op = found.limit.getDefiningOp(); op && op->getBlock() == &condition && op->getName().getStringRef() != "stablehlo.constant") {
    return std::nullopt;
  }
  return found;
}

Values countingLoop(Importer& in, Operation& op, const Counting& loop, const Values& inits) {
  Block& body = op.getRegion(1).front();
  Value low = inits[loop.counter], high;
  if (loop.kept) {
    high = inits[*loop.kept];
  } else if (Operation* made = loop.limit.getDefiningOp(); made && made->getBlock() == &op.getRegion(0).front()) {
    auto elements = llvm::dyn_cast_or_null<DenseElementsAttr>(made->getAttr("value"));
    if (!elements) in.refuse("the limit of its condition is no dense<...> constant");
    high = in.constant(elements);
  } else {
    high = in.value(loop.limit);
  }
  if (low.getType() != high.getType()) in.refuse("the counter and its limit have different types");
  Values carry;
  for (size_t i = 0; i < inits.size(); ++i)
    if (i != loop.counter) carry.push_back(inits[i]);
  llvm::SmallVector<Type> types = typesOf(carry), arguments{low.getType()};
  llvm::append_range(arguments, types);
  auto turn = [&](ValueRange state) {
    Values all(state.drop_front());
    all.insert(all.begin() + loop.counter, state[0]);
    Values next = in.inlineBlock(body, all);
    if (next.size() != all.size()) in.refuse("its body returns another number of values than it takes");
    next.erase(next.begin() + loop.counter);
    return next;
  };
  Values operands{low, high};
  llvm::append_range(operands, carry);
  Values results = in.control("for", operands, {}, types, {RegionFill{arguments, turn}});
  results.insert(results.begin() + loop.counter, in.emit("maximum", {low, high}));
  return results;
}

Values whileOp(Importer& in, Operation& op) {
  if (op.getNumRegions() != 2 || !op.getRegion(0).hasOneBlock() || !op.getRegion(1).hasOneBlock() || op.getRegion(0).front().empty() || op.getRegion(1).front().empty())
    in.refuse("has a condition and a body");
  Block &condition = op.getRegion(0).front(), &body = op.getRegion(1).front();
  Values inits = in.values(op.getOperands(), true);
  for (Value v : inits)
    if (!v) in.refuse("tokens in a loop are not supported; export without effects");
  if (auto counting = countingOf(condition, body); counting && counting->counter < inits.size() && (!counting->kept || *counting->kept < inits.size()))
    return countingLoop(in, op, *counting, inits);
  auto types = typesOf(inits);
  return in.control("while", inits, {}, types,
                    {RegionFill{types, [&](ValueRange state) { return in.inlineBlock(condition, state); }},
                     RegionFill{types, [&](ValueRange state) { return in.inlineBlock(body, state); }}});
}

Values branches(Importer& in, Operation& op, Value index, llvm::ArrayRef<Region*> regions) {
  llvm::SmallVector<Type> types;
  for (Type type : op.getResultTypes()) {
    auto array = in.declared(type);
    types.push_back(in.varyOver ? ir::makeType(array.getShape(), array.getElementType(), in.varyOver.getNames()) : array);
  }
  // In a trace that varies over nothing, or over all axes, a branch's values have these types.
  llvm::SmallVector<RegionFill> fills;
  for (Region* region : regions) {
    if (!region->hasOneBlock() || region->front().getNumArguments() != 0) in.refuse("its branches take no arguments");
    fills.push_back(RegionFill{{}, [&in, region](ValueRange) { return in.inlineBlock(region->front(), {}); }});
  }
  return in.control("switch", {index}, {}, types, fills);
}

Values caseOp(Importer& in, Operation& op) {
  if (op.getNumOperands() != 1 || op.getNumRegions() == 0) in.refuse("has an index and branches");
  Value index = in.operand(0);
  if (arrayType(index).getRank() != 0 || arrayType(index).getElementType() != in.b.getI32Type()) in.refuse("its index is an int32 scalar");
  // Any index that names no branch, a negative one too, means the last.
  Type i32 = in.b.getI32Type();
  int64_t last = static_cast<int64_t>(op.getNumRegions()) - 1;
  index = in.select(in.emit("lt", {index, in.splat({}, i32, 0)}), in.splat({}, i32, last), index);
  llvm::SmallVector<Region*> regions;
  for (Region& region : op.getRegions()) regions.push_back(&region);
  return branches(in, op, index, regions);
}

Values ifOp(Importer& in, Operation& op) {
  if (op.getNumOperands() != 1 || op.getNumRegions() != 2) in.refuse("has a predicate and two branches");
  Value predicate = in.operand(0);
  if (arrayType(predicate).getRank() != 0 || !arrayType(predicate).getElementType().isInteger(1)) in.refuse("its predicate is a bool scalar");
  return branches(in, op, in.convert(predicate, in.b.getI32Type()), {&op.getRegion(1), &op.getRegion(0)});
}

/// JAX's own Threefry-2x32, printed as a loop: of two key words and two arrays of counters.
bool isThreefry(func::FuncOp function, Operation& op) {
  if (!function.getName().starts_with("threefry2x32") || op.getNumOperands() != 4 || op.getNumResults() != 2) return false;
  bool parity = false, left = false, right = false;
  auto holds = [](DenseIntElementsAttr list, std::initializer_list<uint64_t> wanted) {
    size_t i = 0;
    if (list.getNumElements() != static_cast<int64_t>(wanted.size())) return false;
    for (const APInt& v : list.getValues<APInt>())
      if (v.getZExtValue() != wanted.begin()[i++]) return false;
    return true;
  };
  for (Operation& inner : function.getBody().front()) {
    auto value = inner.getName().getStringRef() == "stablehlo.constant" ? llvm::dyn_cast_or_null<DenseIntElementsAttr>(inner.getAttr("value")) : DenseIntElementsAttr();
    if (!value || value.getElementType().getIntOrFloatBitWidth() != 32) continue;
    parity |= holds(value, {466688986});
    left |= holds(value, {13, 15, 26, 6});
    right |= holds(value, {17, 29, 16, 24});
  }
  return parity && left && right;
}

Values callOp(Importer& in, Operation& op) {
  bool composite = op.getName().getStringRef() == "stablehlo.composite";
  func::FuncOp function = in.function(in.symbol(composite ? "decomposition" : "callee"));
  Values operands = in.values(op.getOperands(), true);
  for (Value v : operands)
    if (!v) in.refuse("tokens and tuples as arguments are not supported; export without effects");
  if (isThreefry(function, op)) {
    auto shape = arrayType(operands[2]).getShape();
    bool fits = arrayType(operands[3]).getShape() == shape;
    for (Value& v : operands) {
      fits &= arrayType(v).getElementType() == in.b.getIntegerType(32, false);
      if (arrayType(v).getRank() == 0) v = in.broadcast(v, shape, {});
      fits &= arrayType(v).getShape() == shape;
    }
    if (fits) return in.emitAll("threefry", operands);
  }
  return in.call(function, operands);
}

Values customCall(Importer& in, Operation& op) {
  std::string name = in.symbol("call_target_name");
  // Hints alone, which change no value.
  if (name == "Sharding" || name == "annotate_device_placement" || name == "xla.sdy.FuncResultSharding" || name == "LayoutConstraint") return in.values(op.getOperands(), true);
  if (isLapackCall(name)) return lapackCall(in, op, name);
  in.refuse("of \"" + name + "\" is not supported: the file does not say what it computes. Export so that JAX writes plain ops: without callbacks, Pallas kernels or calls of libraries");
}

Values unsupportedRandom(Importer& in, Operation& op) {
  in.refuse("is not supported; use JAX's default random numbers, jax.config.update(\"jax_default_prng_impl\", \"threefry2x32\")");
}

}  // namespace

void addControl(Handlers& all) {
  all["stablehlo.while"] = whileOp;
  all["stablehlo.case"] = caseOp;
  all["stablehlo.if"] = ifOp;
  all["func.call"] = callOp;
  all["stablehlo.composite"] = callOp;
  all["stablehlo.custom_call"] = customCall;
  all["stablehlo.rng_bit_generator"] = unsupportedRandom;
  all["stablehlo.rng"] = unsupportedRandom;
}

}  // namespace skein::compiler::stablehlo
