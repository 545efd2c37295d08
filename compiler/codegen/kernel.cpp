#include "compiler/codegen/kernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

KernelEmitter::KernelEmitter(Builder& b, const KernelRequest& request, llvm::StringRef name)
    : b(b), request(request), name(name), op(request.op), body(op->getRegion(0).front()), terminator(body.getTerminator()) {
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) memory[argument] = request.inputs[i].strides;
}

KernelCode KernelEmitter::emit() {
  bool reduces = llvm::any_of(terminator->getOperands(), [](Value root) { return root.getDefiningOp() && isReduction(root.getDefiningOp()) && !isInlineReduce(root.getDefiningOp()); });
  bool rows = false;
  for (Operation& inner : body) rows |= isReduction(&inner) && !isInlineReduce(&inner);
  bool allReduce = llvm::all_of(terminator->getOperands(), [](Value root) { return root.getDefiningOp() && isReduction(root.getDefiningOp()); });
  if (reduces && allReduce)
    emitReduce();
  else if (rows)
    emitRows();
  else
    emitMap();
  return std::move(code);
}

KernelCode emitKernel(Builder& b, const KernelRequest& request, llvm::StringRef name) { return KernelEmitter(b, request, name).emit(); }

KernelEmitter::Function KernelEmitter::startFunction(llvm::StringRef suffix) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = b.getFunctionType({pointer, b.getI64Type(), b.getI64Type()}, {});
  auto function = func::FuncOp::create(b, (name + suffix).str(), type);
  function.setPrivate();
  Block* entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  Function f;
  f.op = function;
  f.begin = entry->getArgument(1);
  f.end = entry->getArgument(2);
  int64_t slot = 0;
  auto argument = [&] {
    Value place = LLVM::GEPOp::create(b, pointer, pointer, entry->getArgument(0), llvm::ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(slot++)}, LLVM::GEPNoWrapFlags::inbounds);
    return LLVM::LoadOp::create(b, pointer, place, 8).getResult();
  };
  // That stores leave the inputs alone holds for one call: large kernels, which say so, are never inlined into a loop that
  // exchanges buffers from call to call. Small ones say nothing and may be inlined.
  constexpr int64_t kSmall = 256;
  int64_t elements = 0;
  for (Value v : body.getArguments()) elements = std::max(elements, volume(arrayType(v).getShape()));
  for (Value v : op.getResults()) elements = std::max(elements, volume(arrayType(v).getShape()));
  Attribute scope;
  if (elements > kSmall) {
    auto domain = LLVM::AliasScopeDomainAttr::get(b.getContext());
    scope = LLVM::AliasScopeAttr::get(domain);
    function->setAttr("passthrough", b.getArrayAttr({b.getStringAttr("noinline")}));
  }
  for (auto [i, layout] : llvm::enumerate(request.inputs)) {
    f.inputPointers.push_back(argument());
    f.inputs.push_back({f.inputPointers.back(), layout.strides, request.inputConstant[i], layout.dense, scope});
  }
  for (const Layout& layout : request.outputs) f.outputs.push_back({argument(), layout.strides, false, layout.dense, scope});
  f.scratch = argument();
  return f;
}

void KernelEmitter::finishFunction(Function& f, int64_t items, double itemCost) {
  func::ReturnOp::create(b);
  code.stages.push_back({f.op, items, itemCost});
  b.setInsertionPointAfter(f.op);
}

void KernelEmitter::bindInputs(ElementEmitter& e, const Function& f) {
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) e.bind(argument, f.inputs[i]);
}

int64_t KernelEmitter::lanesFor(llvm::ArrayRef<Value> roots) const {
  // The narrowest dtype that is computed with decides; wider ones take several registers a vector.
  int64_t least = 8;
  auto consider = [&](Type type) {
    Type element = signless(arrayType(type).getElementType());
    if (element.isInteger(1)) return;
    least = std::min<int64_t>(least, std::max<int64_t>(element.getIntOrFloatBitWidth() / 8, llvm::isa<FloatType>(element) ? 4 : 1));
  };
  for (Value root : roots) consider(root.getType());
  op->getRegion(0).walk([&](Operation* inner) {
    for (Value result : inner->getResults())
      if (arrayType(result).getRank() > 0) consider(result.getType());
  });
  for (Value argument : body.getArguments())
    if (arrayType(argument).getRank() > 0) consider(argument.getType());
  return std::max<int64_t>(request.target.vectorBytes / std::max<int64_t>(least, 4), 2);
}

bool KernelEmitter::flatDense(Value root) const {
  return followsFlatIndex(root, [&](Value v) {
    for (auto [i, argument] : llvm::enumerate(body.getArguments()))
      if (argument == v) return request.inputs[i].dense;
    return false;
  });
}

int64_t KernelEmitter::chooseLaneDim(llvm::ArrayRef<Value> roots, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> reduced, int64_t width,
                                     llvm::ArrayRef<Layout> outputs, bool* strided) {
  llvm::SmallVector<Load> loads;
  for (Value root : roots) llvm::append_range(loads, loadsOf(root, memory));
  int64_t best = -1;
  double bestCost = 0;
  double compute = 0;
  for (Value root : roots) compute += computeCost(root);
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    if (shape[d] <= 1) continue;
    bool isReduced = llvm::is_contained(reduced, d);
    double cost = compute;
    bool gathers = false;
    for (const Load& load : loads) {
      // What stays the same while the loops inside the lanes turn is read once, whatever it costs.
      bool hoisted = !isReduced && !reduced.empty() && llvm::all_of(reduced, [&](int64_t r) { return load.strides[r] == 0; }) && !load.irregular;
      int64_t stride = load.strides[d];
      double one = stride == 0 && !load.irregular ? 0.3 : (stride == 1 || stride == -1) && !load.irregular ? 1 : 14;
      if (hoisted) one *= 0.02;
      gathers |= one > 10;
      cost += one * static_cast<double>(load.times);
    }
    for (const Layout& layout : outputs) {
      int64_t stride = layout.strides[d];
      cost += stride == 1 ? 1 : 20;
      gathers |= stride != 1;
    }
    double used = static_cast<double>(shape[d]) / static_cast<double>((shape[d] + width - 1) / width * width);
    cost /= used;
    if (best < 0 || cost <= bestCost) {
      best = d;
      bestCost = cost;
      if (strided) *strided = gathers;
    }
  }
  return best;
}

Value KernelEmitter::f64(Value integer) { return arith::SIToFPOp::create(b, b.getF64Type(), integer); }

llvm::SmallVector<Value> KernelEmitter::laneLoop(ElementEmitter& parent, const Function& f, Value begin, Value end, int64_t step, ValueRange inits, LaneBody body,
                                                 llvm::function_ref<void(ElementEmitter&)> prepare, bool streaming, int64_t vectors) {
  Value length = arith::SubIOp::create(b, end, begin);
  Value stepValue = parent.constant(step);
  Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, length, stepValue), stepValue);
  Value middle = arith::AddIOp::create(b, begin, whole);
  auto run = [&](Value at, int64_t width, Value mask, ValueRange carried) {
    ElementEmitter e(b, width, mask);
    e.streaming = streaming;
    bindInputs(e, f);
    if (prepare) prepare(e);
    return body(e, Index{at, 1, 0, 1, {}}, carried);
  };
  auto loop = scf::ForOp::create(b, begin, middle, stepValue, inits, [](OpBuilder&, Location, Value, ValueRange) {});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto results = run(loop.getInductionVar(), step, {}, loop.getRegionIterArgs());
    scf::YieldOp::create(b, results);
  }
  // What is left, a masked vector at a time.
  const int64_t width = step / vectors;
  auto masked = [&](Value at, ValueRange carried) {
    llvm::SmallVector<int64_t> steps;
    for (int64_t l = 0; l < width; ++l) steps.push_back(l);
    auto type = VectorType::get(width, b.getI64Type());
    Value lanes = arith::ConstantOp::create(b, DenseElementsAttr::get(type, llvm::ArrayRef(steps)));
    Value left = vectorOf(b, arith::SubIOp::create(b, end, at), width);
    return run(at, width, arith::CmpIOp::create(b, arith::CmpIPredicate::slt, lanes, left), carried);
  };
  OpBuilder::InsertionGuard guard(b);
  if (vectors > 1) {
    auto tail = scf::ForOp::create(b, middle, end, parent.constant(width), loop.getResults(), [](OpBuilder&, Location, Value, ValueRange) {});
    b.setInsertionPointToStart(tail.getBody());
    scf::YieldOp::create(b, masked(tail.getInductionVar(), tail.getRegionIterArgs()));
    return llvm::SmallVector<Value>(tail.getResults());
  }
  Value rest = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, middle, end);
  auto tail = scf::IfOp::create(b, TypeRange(ValueRange(loop.getResults())), rest, /*withElseRegion=*/!inits.empty());
  b.setInsertionPointToStart(tail.thenBlock());
  auto results = masked(middle, loop.getResults());
  if (!inits.empty()) {  // without results the branch has its end already
    scf::YieldOp::create(b, results);
    b.setInsertionPointToStart(tail.elseBlock());
    scf::YieldOp::create(b, loop.getResults());
  }
  return llvm::SmallVector<Value>(tail.getResults());
}

void KernelEmitter::storing(const Function& f, llvm::ArrayRef<size_t> outputs, int64_t lane, llvm::function_ref<void(bool)> body) {
  constexpr int64_t kBeyondCaches = int64_t(24) << 20;
  int64_t bytes = 0;
  bool aligned = !op->hasAttr("window") && lane >= -1;  // -2: vectors do not lie one after another
  for (size_t i : outputs) {
    auto type = arrayType(op.getResult(i));
    int64_t size = byteSize(type.getElementType());
    bytes += volume(type.getShape()) * size;
    aligned &= size >= 4;
    for (int64_t d = 0; lane >= 0 && d < type.getRank(); ++d) {
      int64_t stride = request.outputs[i].strides[d];
      aligned &= d == lane ? stride == 1 : type.getDimSize(d) == 1 || stride * size % 64 == 0;
    }
  }
  if (!aligned || bytes < kBeyondCaches || request.target.vectorBytes < 32) return body(false);
  Value together = arith::ConstantIntOp::create(b, 0, 64);
  for (size_t i : outputs) together = arith::OrIOp::create(b, together, LLVM::PtrToIntOp::create(b, b.getI64Type(), f.outputs[i].pointer));
  Value rest = arith::AndIOp::create(b, together, arith::ConstantIntOp::create(b, 63, 64));
  Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, arith::ConstantIntOp::create(b, 0, 64));
  auto branch = scf::IfOp::create(b, fits, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body(true);
  // Stores past the caches are in nobody's order until a fence.
  LLVM::CallIntrinsicOp::create(b, b.getStringAttr("llvm.x86.sse.sfence"), ValueRange{});
  b.setInsertionPointToStart(branch.elseBlock());
  body(false);
}

// ---- maps: every element of the results by itself ----

/// Vectors that are computed side by side, so that the long chains of dependent operations of dear functions fill the pipeline.
static int64_t vectorsTogether(double cycles) { return cycles > 70 ? 4 : cycles > 24 ? 2 : 1; }

static double nanosecondsPerVector(double cycles) { return 1.5 + cycles * 0.4; }

void KernelEmitter::emitMap() {
  llvm::SmallVector<Value> roots(terminator->getOperands());
  // A window: only the update is computed, the rest of the array is in its place already.
  auto window = op->hasAttr("window") ? roots[0].getDefiningOp<ir::DynamicUpdateSliceOp>() : ir::DynamicUpdateSliceOp();
  if (window) roots = {window.getUpdate()};
  auto shape = arrayType(roots[0]).getShape();
  int64_t width = lanesFor(roots);
  double cycles = 1;
  bool loops = false;
  for (Value root : roots) cycles += computeCost(root);
  op->getRegion(0).walk([&](ir::ForOp) { loops = true; });
  bool flat = llvm::all_of(roots, [&](Value root) { return flatDense(root); }) && llvm::all_of(request.outputs, [](const Layout& l) { return l.dense; });
  int64_t total = volume(shape);
  Function f = startFunction("");
  flat &= !window;
  llvm::SmallVector<size_t> all;
  for (size_t i = 0; i < roots.size(); ++i) all.push_back(i);

  llvm::SmallVector<Index> starts;
  if (window) {
    ElementEmitter e(b, 1);
    bindInputs(e, f);
    for (auto [d, start] : llvm::enumerate(window.getStarts())) starts.push_back(windowStart(e, start, arrayType(window.getOperand()).getDimSize(d), shape[d]));
  }
  auto storeAll = [&](ElementEmitter& e, const Position& where) {
    llvm::SmallVector<Elem> values;
    for (Value root : roots) values.push_back(e.emit(root, where));
    Position at = where;
    for (auto [d, start] : llvm::enumerate(starts)) at.dims[d] = e.plus(at.dims[d], start);
    for (auto [i, root] : llvm::enumerate(roots)) e.store(f.outputs[i], arrayType(root).getElementType(), at, values[i]);
  };

  if (total == 0) {  // an empty window, too
    finishFunction(f, 0, 0);
    return;
  }
  if (total == 1) {
    ElementEmitter e(b, 1);
    bindInputs(e, f);
    storeAll(e, {llvm::SmallVector<Index, 4>(shape.size(), e.at(0)), {}});
    finishFunction(f, 1, cycles);
    return;
  }
  const int64_t vectors = loops ? 4 : vectorsTogether(cycles);
  width *= vectors;
  if (flat) {
    int64_t block = std::max<int64_t>(width, 1024);
    ElementEmitter scalars(b, 1);
    Value blockSize = scalars.constant(block);
    Value begin = arith::MulIOp::create(b, f.begin, blockSize);
    Value end = arith::MinSIOp::create(b, arith::MulIOp::create(b, f.end, blockSize), scalars.constant(total));
    storing(f, all, -1, [&](bool streaming) {
      laneLoop(scalars, f, begin, end, width, {}, [&](ElementEmitter& e, Index i, ValueRange) {
        storeAll(e, {{}, i});
        return llvm::SmallVector<Value>();
      }, nullptr, streaming, vectors);
    });
    finishFunction(f, (total + block - 1) / block, nanosecondsPerVector(cycles) * static_cast<double>(block * vectors) / static_cast<double>(width));
    return;
  }

  bool strided = false;
  int64_t lane = chooseLaneDim(roots, shape, {}, width, request.outputs, &strided);
  // Short dimensions inside the lanes are written out, so that what they share is computed once.
  constexpr int64_t kMostWrittenOut = 8;
  int64_t inner = lane + 1, writtenOut = 1;
  for (int64_t d = lane + 1; d < static_cast<int64_t>(shape.size()); ++d) writtenOut *= shape[d];
  if (writtenOut > kMostWrittenOut) inner = shape.size(), writtenOut = 1;
  // With gathers a block of lanes stays small, and consecutive items are rows of the same block: cache lines are used whole.
  int64_t block = strided ? 4 * width : 2048;
  int64_t blocks = (shape[lane] + block - 1) / block;
  llvm::SmallVector<int64_t> outer;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) outer.push_back(d == lane || d >= inner ? 1 : shape[d]);
  int64_t rows = volume(outer);

  ElementEmitter scalars(b, 1);
  storing(f, all, writtenOut == 1 && !strided ? lane : -2, [&](bool streaming) {
  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(items.getBody());
    Value item = items.getInductionVar();
    Value row = item, which = scalars.constant(0);
    if (blocks > 1 && strided) {
      which = arith::DivUIOp::create(b, item, scalars.constant(rows));
      row = arith::RemUIOp::create(b, item, scalars.constant(rows));
    } else if (blocks > 1) {
      row = arith::DivUIOp::create(b, item, scalars.constant(blocks));
      which = arith::RemUIOp::create(b, item, scalars.constant(blocks));
    }
    auto at = scalars.delinearise({row, 1, 0, 0, {}}, outer);
    Value begin = arith::MulIOp::create(b, which, scalars.constant(block));
    Value end = arith::MinSIOp::create(b, arith::AddIOp::create(b, begin, scalars.constant(block)), scalars.constant(shape[lane]));
    laneLoop(scalars, f, begin, end, width, {}, [&](ElementEmitter& e, Index i, ValueRange) {
      auto strides = denseStrides(shape.drop_front(std::min<int64_t>(inner, shape.size())));
      for (int64_t k = 0; k < writtenOut; ++k) {
        Position where;
        for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
          where.dims.push_back(d == lane ? i : d >= inner ? e.at(k / strides[d - inner] % shape[d]) : at[d]);
        storeAll(e, where);
      }
      return llvm::SmallVector<Value>();
    }, nullptr, streaming, vectors);
  }
  });
  double perItem = static_cast<double>((std::min(block, shape[lane]) + width - 1) / width * vectors * writtenOut);
  finishFunction(f, rows * blocks, perItem * nanosecondsPerVector(cycles + (strided ? 20 : 0)));
}

}  // namespace skein::compiler
