// The generator's collectives and control flow.
#include "tests/differential/generator.h"

namespace skein::compiler::test {

static bool isNumber(DType d) { return !is_bool(d); }
static bool isOrdered(DType d) { return !is_complex(d); }

/// Some axes of the mesh that collectives may run over here, in a random order; none if there are none.
std::vector<GridAxis> Generator::someAxes() {
  std::vector<GridAxis> allowed;
  for (const GridAxis& axis : scope.axes)
    if (!llvm::is_contained(scope.forbidden, axis.name)) allowed.push_back(axis);
  random.shuffle(allowed);
  if (!allowed.empty()) allowed.resize(random.between(1, static_cast<int>(allowed.size())));
  return allowed;
}

mlir::NamedAttribute Generator::axesOf(llvm::ArrayRef<GridAxis> chosen) {
  llvm::SmallVector<mlir::StringAttr> names;
  llvm::SmallVector<std::int64_t> sizes;
  for (const GridAxis& axis : chosen) names.push_back(axis.name), sizes.push_back(axis.size);
  return axes(names, sizes);
}

std::vector<mlir::NamedAttribute> Generator::collectiveAttributes(llvm::ArrayRef<GridAxis> chosen, std::int64_t& size,
                                                                  bool mayGroup) {
  size = 1;
  for (const GridAxis& axis : chosen) size *= axis.size;
  std::vector<mlir::NamedAttribute> attributes = {axesOf(chosen)};
  if (!mayGroup || !random.chance(25)) return attributes;
  Sizes ranks;
  for (std::int64_t i = 0; i < size; ++i) ranks.push_back(i);
  random.shuffle(ranks);
  std::vector<std::int64_t> divisors;
  for (std::int64_t i = 1; i <= size; ++i)
    if (size % i == 0) divisors.push_back(i);
  std::int64_t each = random.of(divisors);
  llvm::SmallVector<mlir::Attribute> groups;
  for (std::int64_t i = 0; i < size; i += each)
    groups.push_back(b.getDenseI64ArrayAttr(llvm::ArrayRef(ranks).slice(i, each)));
  attributes.push_back(b.getNamedAttr("groups", b.getArrayAttr(groups)));
  size = each;
  return attributes;
}

void Generator::collective() {
  auto chosen = someAxes();
  if (chosen.empty()) return;
  std::int64_t size;
  switch (random.between(0, 5)) {
    case 0:
      add(emit("axis_index", {}, axesOf(chosen)));
      return;
    case 1: {  // each rank sends and receives at most once
      std::int64_t ranks = 1;
      for (const GridAxis& axis : chosen) ranks *= axis.size;
      Sizes from, to, pairs;
      for (std::int64_t i = 0; i < ranks; ++i) from.push_back(i), to.push_back((i + 1) % ranks);
      if (random.chance(50)) random.shuffle(to);
      for (std::int64_t i = 0; i < ranks; ++i)
        if (random.chance(85)) pairs.insert(pairs.end(), {from[i], to[i]});
      for (mlir::Value value : emitAll(
               "ppermute", random.chance(30) ? std::vector<mlir::Value>{any(), any()} : std::vector<mlir::Value>{any()},
               {axesOf(chosen), list("pairs", pairs)}))
        add(value);
      return;
    }
    case 2: {
      auto attributes = collectiveAttributes(chosen, size);
      for (mlir::Value value : emitAll(random.among({"pmax", "pmin"}), anyOf(isOrdered), attributes)) add(value);
      return;
    }
    default: {
      auto attributes = collectiveAttributes(chosen, size);
      std::vector<mlir::Value> operands = {anyOf(isNumber)};
      if (random.chance(30)) operands.push_back(anyOf(isNumber));
      for (mlir::Value value : emitAll("psum", operands, attributes)) add(value);
    }
  }
}

/// Collectives that change shapes.
void Generator::exchange() {
  auto chosen = someAxes();
  if (chosen.empty()) return;
  std::int64_t size;
  auto attributes = collectiveAttributes(chosen, size);
  bool grouped = attributes.size() > 1, tiled = random.chance(60);
  attributes.push_back(flag("tiled", tiled));
  mlir::Value x = anyOf(isNumber);
  Sizes sizes = shapeOf(x);
  auto rank = static_cast<int>(sizes.size());
  int verb = random.between(0, 2);
  if (verb == 0) {
    if (tiled && rank == 0) x = emit("reshape", x, list("shape", {1})), rank = 1;
    if (volumeOf(x) * size > 400) return;
    attributes.push_back(number("dim", random.between(0, tiled ? rank - 1 : rank)));
    attributes.push_back(flag("invariant", !grouped && random.chance(40)));
    add(emit("all_gather", x, attributes));
    return;
  }
  // A dimension that the group can split.
  if (rank == 0) sizes = {1}, rank = 1;
  int dim = random.between(0, rank - 1);
  sizes[dim] = tiled ? size * (random.chance(5) ? 0 : random.between(1, 3)) : size;
  x = toShape(x, sizes);
  if (volumeOf(x) > 400) return;
  if (verb == 1) {
    attributes.push_back(number("dim", dim));
    add(emit("psum_scatter", x, attributes));
  } else {
    attributes.push_back(number("split_dim", dim));
    attributes.push_back(number("concat_dim", random.between(0, rank - 1)));
    add(emit("all_to_all", x, attributes));
  }
}

// ---- control flow; carries vary over all axes, so that whatever the body makes of them fits ----

std::vector<mlir::Value> Generator::carries(int count) {
  std::vector<mlir::Value> chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(varyingOver(any(), scope.axes));
  return chosen;
}

std::vector<mlir::StringAttr> Generator::forbiddenUnder(mlir::Type predicate) {
  auto forbidden = scope.forbidden;
  for (mlir::StringAttr axis : ir::varying(predicate)) forbidden.push_back(axis);
  return forbidden;
}

void Generator::body(mlir::Block* block, const std::vector<mlir::Value>& arguments, llvm::ArrayRef<mlir::Type> types,
                     mlir::Value first) {
  mlir::OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToEnd(block);
  std::size_t before = scope.values.size();
  ++scope.depth;
  scope.values.insert(scope.values.end(), arguments.begin(), arguments.end());
  // Mostly what the loop carries.
  for (int i = 0; i < 2; ++i) scope.values.insert(scope.values.end(), arguments.begin(), arguments.end());
  ops(random.between(1, 4));
  std::vector<mlir::Value> yielded;
  if (first) {
    // The counter of a while loop: one more than it was.
    yielded.push_back(emit("add", {first, splat(dtypeOf(first), {}, 1)}));
    types = types.drop_front();
  }
  for (mlir::Type type : types) {
    std::size_t recent = std::min<std::size_t>(scope.values.size() - before, 8);
    mlir::Value value = recent ? scope.values[scope.values.size() - 1 - random.bits() % recent] : any();
    value = asType(value, type);
    // A loop that only grows would overflow: floats are drawn back.
    if (is_floating(dtypeOf(value)) && random.chance(70)) value = emit("tanh", value);
    if (is_complex(dtypeOf(value))) value = tame(value);
    yielded.push_back(value);
  }
  emitAll("yield", yielded);
  scope.values.resize(before);
  --scope.depth;
}

void Generator::control() {
  mlir::Location loc = b.getUnknownLoc();
  Scope outer = scope;
  mlir::Value count = index(4);  // turns, or branches
  if (random.chance(40)) count = splat(dtypeOf(count), {}, random.between(0, 3));
  scope.forbidden = forbiddenUnder(count.getType());
  std::vector<mlir::Value> inits = carries(random.between(1, 3));
  auto types = llvm::to_vector(mlir::ValueRange(inits).getTypes());
  mlir::OperationState state(loc, "");
  auto block = [&](llvm::ArrayRef<mlir::Type> argumentTypes) {
    mlir::Block* made = &state.addRegion()->emplaceBlock();
    for (mlir::Type type : argumentTypes) made->addArgument(type, loc);
    return made;
  };
  auto argumentsOf = [](mlir::Block* made, unsigned from = 0) {
    return std::vector<mlir::Value>(made->args_begin() + from, made->args_end());
  };
  mlir::Type countType = count.getType();
  int kind = random.between(0, 2);
  if (kind == 0) {
    state.name = mlir::OperationName("skein.switch", b.getContext());
    state.addOperands(count);
    for (int i = random.between(1, 4); i > 0; --i) body(block({}), {}, types);
  } else {
    // From 0 (typed as the end is) below the end.
    llvm::SmallVector<GridAxis> same;
    for (const GridAxis& axis : scope.axes)
      if (llvm::is_contained(ir::varying(countType), axis.name)) same.push_back(axis);
    mlir::Value zero = varyingOver(splat(dtypeOf(count), {}, 0), same);
    if (kind == 1) {
      state.name = mlir::OperationName("skein.for", b.getContext());
      state.addOperands({zero, count});
      llvm::SmallVector<mlir::Type> argumentTypes = {countType};
      llvm::append_range(argumentTypes, types);
      mlir::Block* made = block(argumentTypes);
      body(made, argumentsOf(made), types);
    } else {
      state.name = mlir::OperationName("skein.while", b.getContext());
      inits.insert(inits.begin(), zero);
      types.insert(types.begin(), countType);
      mlir::Block* cond = block(types);
      {
        mlir::OpBuilder::InsertionGuard guard(b);
        b.setInsertionPointToEnd(cond);
        emitAll("yield", emit("lt", {cond->getArgument(0), count}));
      }
      mlir::Block* made = block(types);
      body(made, argumentsOf(made, 1), types, made->getArgument(0));
    }
    state.addOperands(inits);
  }
  state.addTypes(types);
  mlir::Operation* op = b.create(state);
  scope = outer;
  for (mlir::Value result : op->getResults()) add(result);
}

/// A function of its own, called with what stands here.
void Generator::call() {
  std::vector<mlir::Value> operands;
  for (int i = random.between(1, 3); i > 0; --i) operands.push_back(any());
  auto types = llvm::to_vector(mlir::ValueRange(operands).getTypes());
  auto module = llvm::cast<mlir::ModuleOp>(main->getParentOp());
  std::string name = "f" + std::to_string(std::distance(module.begin(), module.end()));
  std::vector<mlir::Value> results;
  {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(main);
    auto function = mlir::func::FuncOp::create(b, b.getUnknownLoc(), name, b.getFunctionType(types, {}));
    function.setPrivate();
    b.setInsertionPointToEnd(function.addEntryBlock());
    Scope outer = std::exchange(scope, {});
    scope.values.assign(function.getArguments().begin(), function.getArguments().end());
    scope.depth = 2;
    ops(random.between(1, 4));
    for (int i = random.between(1, 2); i > 0; --i)
      results.push_back(scope.values[scope.values.size() - i % scope.values.size() - 1]);
    mlir::func::ReturnOp::create(b, b.getUnknownLoc(), results);
    function.setFunctionType(b.getFunctionType(types, mlir::ValueRange(results).getTypes()));
    scope = outer;
  }
  mlir::OperationState state(b.getUnknownLoc(), "skein.call");
  state.addOperands(operands);
  state.addTypes(mlir::ValueRange(results).getTypes());
  state.addAttribute("callee", mlir::FlatSymbolRefAttr::get(b.getContext(), name));
  for (mlir::Value result : b.create(state)->getResults()) add(result);
}

/// One that holds.
void Generator::check() {
  mlir::Value p = toShape(anyOf(is_bool), {});
  mlir::Value holds = emit("or", {p, emit("not", p)});
  emitAll("check", {holds, any()}, b.getNamedAttr("format", b.getStringAttr("never: {}")));
}

}  // namespace skein::compiler::test
