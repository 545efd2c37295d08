// The generator: choosing, fitting values to each other, main and shard_map.
#include "tests/differential/generate.h"

#include "mlir/IR/Verifier.h"
#include "tests/differential/generator.h"

namespace skein::compiler::test {

static constexpr std::int64_t mostElements = 400;

mlir::Value Generator::add(mlir::Value value) {
  if (volumeOf(value) <= mostElements) scope.values.push_back(value);
  return value;
}

mlir::Value Generator::anyOf(bool (*fits)(DType)) {
  for (int i = 0; i < 8; ++i)
    if (mlir::Value value = any(); fits(dtypeOf(value))) return value;
  std::vector<DType> fitting;
  for (int d = 0; d < dtype_count; ++d)
    if (fits(static_cast<DType>(d))) fitting.push_back(static_cast<DType>(d));
  return add(toDtype(any(), random.of(fitting)));
}

Sizes Generator::smallShape(int maxRank) {
  Sizes shape;
  int rank = random.between(0, maxRank);
  for (int i = 0; i < rank; ++i)
    shape.push_back(random.chance(4) ? 0 : random.among({1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 11, 13, 17, 31}));
  std::int64_t volume = 1;
  for (std::int64_t& size : shape) {
    if (volume * size > mostElements) size = 1;
    if (size > 0) volume *= size;
  }
  return shape;
}

mlir::Value Generator::fresh(DType dtype, const Sizes& shape) {
  return add(constant(randomArray(random, dtype, shape)));
}

mlir::Value Generator::toDtype(mlir::Value value, DType dtype) {
  if (dtypeOf(value) == dtype) return value;
  if (is_complex(dtypeOf(value)) && !is_complex(dtype)) value = emit("real", value);
  return dtypeOf(value) == dtype ? value : emit("convert", value, this->dtype(dtype));
}

mlir::Value Generator::broadcastScalar(mlir::Value scalar, const Sizes& shape) {
  return emit("broadcast", scalar, {list("shape", shape), list("dims", {})});
}

mlir::Value Generator::toShape(mlir::Value value, const Sizes& shape) {
  Sizes from = shapeOf(value);
  if (from == shape) return value;
  std::int64_t have = volumeOf(value), want = 1;
  for (std::int64_t size : shape) want *= size;
  if (have == want) return emit("reshape", value, list("shape", shape));
  if (have == 0) return splat(dtypeOf(value), shape, 1);
  mlir::Value flat = emit("reshape", value, list("shape", {have}));
  if (have > want)
    return emit("reshape", emit("slice", flat, {list("starts", {0}), list("stops", {want}), list("strides", {1})}),
                list("shape", shape));
  mlir::Value one =
      emit("slice", flat, {list("starts", {have / 2}), list("stops", {have / 2 + 1}), list("strides", {1})});
  return broadcastScalar(emit("reshape", one, list("shape", {})), shape);
}

mlir::Value Generator::varyingOver(mlir::Value value, llvm::ArrayRef<GridAxis> axes) {
  llvm::SmallVector<mlir::StringAttr> names;
  llvm::SmallVector<std::int64_t> sizes;
  for (const GridAxis& axis : axes)
    if (!llvm::is_contained(ir::varying(value.getType()), axis.name))
      names.push_back(axis.name), sizes.push_back(axis.size);
  return names.empty() ? value : emit("pvary", value, this->axes(names, sizes));
}

mlir::Value Generator::asType(mlir::Value value, mlir::Type type) {
  auto array = ir::arrayType(type);
  return varyingOver(toShape(toDtype(value, *ir::dtypeOf(array.getElementType())), array.getShape().vec()), scope.axes);
}

/// At least a half, where it is a number: many functions are well conditioned there, and zeros have no sign.
mlir::Value Generator::positive(mlir::Value value) {
  return emit("add", {emit("abs", value), splat(dtypeOf(value), shapeOf(value), 0.5)});
}

/// Complex numbers in the square of side 2 around 0.
mlir::Value Generator::tame(mlir::Value z) {
  return emit("complex", {emit("tanh", emit("real", z)), emit("tanh", emit("imag", z))});
}
/// Complex numbers far from the branch cuts.
mlir::Value Generator::rightHalf(mlir::Value z) {
  return emit("complex", {positive(emit("real", z)), emit("imag", z)});
}

/// An integer scalar from 0 to count - 1.
mlir::Value Generator::index(std::int64_t count) {
  mlir::Value value = anyOf(is_integer);
  value = toShape(value, {});
  DType dtype = dtypeOf(value);
  return emit("clamp", {splat(dtype, {}, 0), value, splat(dtype, {}, static_cast<double>(count - 1))});
}

void Generator::ops(int count) {
  using Step = void (Generator::*)();
  std::vector<Step> steps;
  auto weigh = [&](int weight, Step step) { steps.insert(steps.end(), weight, step); };
  weigh(8, &Generator::unary);
  weigh(8, &Generator::binary);
  weigh(4, &Generator::ternary);
  weigh(3, &Generator::conversion);
  weigh(7, &Generator::shape);
  weigh(3, &Generator::window);
  weigh(5, &Generator::reduction);
  weigh(2, &Generator::contraction);
  weigh(2, &Generator::sorting);
  weigh(1, &Generator::randomBits);
  weigh(2, &Generator::algebra);
  weigh(1, &Generator::check);
  if (scope.depth < 2) weigh(3, &Generator::control);
  if (scope.depth == 0) weigh(1, &Generator::call);
  if (!scope.axes.empty()) {
    weigh(8, &Generator::collective);
    weigh(5, &Generator::exchange);
  }
  for (int i = 0; i < count; ++i) (this->*random.of(steps))();
}

// ---- shard_map ----

void Generator::mesh() {
  // One to three axes, one to eight devices.
  std::vector<std::vector<std::int64_t>> grids = {{1},    {2},    {3},    {4},    {6},       {8},      {2, 2},
                                                  {2, 3}, {3, 2}, {4, 2}, {1, 4}, {2, 2, 2}, {2, 1, 3}};
  const auto& sizes = random.of(grids);
  std::vector<GridAxis> axes;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    axes.push_back({b.getStringAttr(std::string(1, static_cast<char>('x' + i))), sizes[i]});

  // Specs draw each axis at most once.
  auto drawSpec = [&](std::size_t rank, std::vector<GridAxis> must, std::vector<GridAxis> may) {
    std::vector<std::vector<GridAxis>> dims(rank);
    if (rank > 0)
      for (const auto& group : {must, may})
        for (const GridAxis& axis : group) random.of(dims).push_back(axis);
    for (auto& dim : dims) random.shuffle(dim);
    return dims;
  };
  auto toSpec = [&](const std::vector<std::vector<GridAxis>>& dims) {
    llvm::SmallVector<mlir::Attribute> entries;
    for (const auto& dim : dims) {
      llvm::SmallVector<mlir::Attribute> names;
      for (const GridAxis& axis : dim) names.push_back(axis.name);
      entries.push_back(b.getArrayAttr(names));
    }
    while (!entries.empty() && llvm::cast<mlir::ArrayAttr>(entries.back()).empty() && random.chance(50))
      entries.pop_back();
    return ir::SpecAttr::get(b.getContext(), b.getArrayAttr(entries));
  };
  auto parts = [](const std::vector<GridAxis>& dim) {
    std::int64_t product = 1;
    for (const GridAxis& axis : dim) product *= axis.size;
    return product;
  };

  std::vector<mlir::Value> operands;
  llvm::SmallVector<mlir::Attribute> inSpecs, outSpecs;
  llvm::SmallVector<mlir::Type> blocks;
  int count = random.between(1, 4);
  for (int i = 0; i < count; ++i) {
    mlir::Value value = any();
    std::vector<GridAxis> may, split;
    for (const GridAxis& axis : axes)
      if (random.chance(70)) may.push_back(axis);
    Sizes block = smallShape(2), global = block;
    auto dims = drawSpec(block.size(), {}, may);
    for (std::size_t d = 0; d < dims.size(); ++d)
      global[d] *= parts(dims[d]), split.insert(split.end(), dims[d].begin(), dims[d].end());
    operands.push_back(toShape(value, global));
    inSpecs.push_back(toSpec(dims));
    llvm::SmallVector<mlir::StringAttr> names;
    for (const GridAxis& axis : split) names.push_back(axis.name);
    blocks.push_back(ir::makeType(block, ir::arrayType(operands.back()).getElementType(), names));
  }

  // The body.
  mlir::Location loc = b.getUnknownLoc();
  auto region = std::make_unique<mlir::Region>();
  mlir::Block* block = &region->emplaceBlock();
  llvm::SmallVector<mlir::Type> results;
  {
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(block);
    Scope outer = scope;
    scope.axes = axes;
    if (random.chance(50)) scope.values.clear();  // else what stands outside is seen inside
    for (mlir::Type type : blocks) scope.values.push_back(block->addArgument(type, loc));
    add(emit("axis_index", {}, axesOf(someAxes())));
    ops(random.between(6, 18));
    std::vector<mlir::Value> yielded;
    int outputs = random.between(2, 6);
    for (int i = 0; i < outputs; ++i) {
      mlir::Value value =
          random.chance(70)
              ? scope.values[scope.values.size() - 1 - random.bits() % std::min<std::size_t>(scope.values.size(), 6)]
              : any();
      std::vector<GridAxis> must, may;
      for (const GridAxis& axis : axes) {
        if (llvm::is_contained(ir::varying(value.getType()), axis.name))
          must.push_back(axis);
        else if (random.chance(20))
          may.push_back(axis);
      }
      if (shapeOf(value).empty() && !must.empty()) value = emit("reshape", value, list("shape", {1}));
      Sizes global = shapeOf(value);
      auto dims = drawSpec(global.size(), must, may);
      for (std::size_t d = 0; d < dims.size(); ++d) global[d] *= parts(dims[d]);
      yielded.push_back(value);
      outSpecs.push_back(toSpec(dims));
      results.push_back(ir::makeType(global, ir::arrayType(value).getElementType(), {}));
    }
    emitAll("yield", yielded);
    scope = outer;
  }
  mlir::OperationState state(loc, "skein.shard_map");
  state.addOperands(operands);
  state.addTypes(results);
  llvm::SmallVector<mlir::StringAttr> names;
  llvm::SmallVector<std::int64_t> counts;
  for (const GridAxis& axis : axes) names.push_back(axis.name), counts.push_back(axis.size);
  state.addAttribute("mesh", ir::AxesAttr::get(b.getContext(), names, counts));
  state.addAttribute("in_specs", b.getArrayAttr(inSpecs));
  state.addAttribute("out_specs", b.getArrayAttr(outSpecs));
  state.addRegion(std::move(region));
  for (mlir::Value result : b.create(state)->getResults()) scope.values.push_back(result);
}

std::vector<mlir::Value> Generator::program(mlir::func::FuncOp function, std::vector<HostArray>& inputs) {
  main = function;
  llvm::SmallVector<mlir::Type> types;
  int count = random.between(1, 4);
  for (int i = 0; i < count; ++i) {
    inputs.push_back(randomArray(
        random, static_cast<DType>(random.chance(40) ? static_cast<int>(float32) : random.between(0, dtype_count - 1)),
        smallShape()));
    types.push_back(ir::makeType(inputs.back().shape, ir::elementType(b.getContext(), inputs.back().dtype), {}));
  }
  main.setFunctionType(b.getFunctionType(types, {}));
  b.setInsertionPointToEnd(main.addEntryBlock());
  scope.values.assign(main.getArguments().begin(), main.getArguments().end());
  bool sharded = random.chance(65);
  ops(random.between(0, sharded ? 8 : 22));
  std::size_t before = scope.values.size();
  if (sharded) {
    mesh();
    before = scope.values.size();
    ops(random.between(0, 4));
  }
  std::vector<mlir::Value> results;
  // What the mesh gave, what came last, and something of the rest.
  if (sharded) results.assign({scope.values[before - 1], scope.values[before - 2]});
  results.push_back(scope.values.back());
  for (int i = random.between(0, 3); i > 0; --i) results.push_back(any());
  return results;
}

RandomProgram generate(mlir::MLIRContext& context, std::uint64_t seed) {
  mlir::OpBuilder builder(&context);
  mlir::Location loc = builder.getUnknownLoc();
  RandomProgram program;
  program.module = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToEnd(program.module->getBody());
  auto main = mlir::func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
  Generator generator(builder, seed);
  std::vector<mlir::Value> results = generator.program(main, program.inputs);
  mlir::func::ReturnOp::create(builder, loc, results);
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), mlir::ValueRange(results).getTypes()));
  if (mlir::failed(mlir::verify(*program.module)))
    throw std::runtime_error("the generator built a wrong program, seed " + std::to_string(seed));
  return program;
}

}  // namespace skein::compiler::test
