#include "compiler/codegen/gpu/kernel_emitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

GpuKernelCode emitGpuKernel(Builder& b, const KernelRequest& request, llvm::StringRef name) { return GpuKernelEmitter(b, request, name).emit(); }

GpuKernelEmitter::GpuKernelEmitter(Builder& b, const KernelRequest& request, llvm::StringRef name)
    : b(b), request(request), name(name), op(request.op), body(op->getRegion(0).front()), terminator(body.getTerminator()) {
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) memory[argument] = request.inputs[i].strides;
}

GpuKernelCode GpuKernelEmitter::emit() {
  auto isLong = [](Operation* inner) { return inner && isReduction(inner) && !isInlineReduce(inner); };
  bool reduces = llvm::all_of(terminator->getOperands(), [&](Value root) { return root.getDefiningOp() && isReduction(root.getDefiningOp()); }) &&
                 llvm::any_of(terminator->getOperands(), [&](Value root) { return isLong(root.getDefiningOp()); });
  if (reduces)
    emitReduce();
  else if (llvm::any_of(body, [&](Operation& inner) { return isLong(&inner); }))
    emitRows();
  else
    emitMap();
  return std::move(code);
}

GpuKernelEmitter::Function GpuKernelEmitter::startFunction(llvm::StringRef suffix) {
  auto global = LLVM::LLVMPointerType::get(b.getContext(), static_cast<unsigned>(NVVM::NVVMMemorySpace::Global)), generic = LLVM::LLVMPointerType::get(b.getContext());
  llvm::SmallVector<Type> types;
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    if (!request.byValue[i])
      types.push_back(global);
    else
      types.append(llvm::isa<ComplexType>(arrayType(argument).getElementType()) ? 2 : 1, b.getI64Type());
  }
  types.append(request.outputs.size() + 1, global);
  Function f;
  f.op = func::FuncOp::create(b, (name + suffix).str(), b.getFunctionType(types, {}));
  Block* entry = f.op.addEntryBlock();
  b.setInsertionPointToStart(entry);
  unsigned next = 0;
  auto pointer = [&]() -> Value { return LLVM::AddrSpaceCastOp::create(b, generic, entry->getArgument(next++)); };
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (request.byValue[i]) {
      Type element = arrayType(body.getArgument(i)).getElementType(), type = signless(element);
      auto part = [&]() -> Value {
        Value bits = entry->getArgument(next++);
        unsigned width = type.getIntOrFloatBitWidth();
        if (width < 64) bits = arith::TruncIOp::create(b, b.getIntegerType(width), bits);
        return bits.getType() == type ? bits : Value(arith::BitcastOp::create(b, type, bits));
      };
      Elem value{part(), {}};
      if (llvm::isa<ComplexType>(element)) value.im = part();
      f.scalars.push_back(value);
      f.inputs.push_back({});
      continue;
    }
    if (request.inputConstant[i]) {  // read past the caches' coherence
      f.op.setArgAttr(next, LLVM::LLVMDialect::getNoAliasAttrName(), b.getUnitAttr());
      f.op.setArgAttr(next, LLVM::LLVMDialect::getReadonlyAttrName(), b.getUnitAttr());
    }
    f.scalars.push_back({});
    f.inputs.push_back({pointer(), request.inputs[i].strides, request.inputConstant[i], request.inputs[i].dense});
  }
  for (const Layout& layout : request.outputs) f.outputs.push_back({pointer(), layout.strides, false, layout.dense});
  f.scratch = pointer();
  auto number = [&](auto id) -> Value {
    return arith::IndexCastOp::create(b, b.getI32Type(), id);
  };
  f.thread32 = number(gpu::ThreadIdOp::create(b, gpu::Dimension::x));
  f.block32 = number(gpu::BlockIdOp::create(b, gpu::Dimension::x));
  return f;
}

void GpuKernelEmitter::finishFunction(Function& f, int64_t grid, int64_t block) {
  func::ReturnOp::create(b);
  code.stages.push_back({f.op.getSymName().str(), grid, block});
  b.setInsertionPointAfter(f.op);
}

void GpuKernelEmitter::bindInputs(ElementEmitter& e, const Function& f) {
  for (auto [i, argument] : llvm::enumerate(body.getArguments())) {
    if (request.byValue[i])
      e.bind(argument, f.scalars[i]);
    else
      e.bind(argument, f.inputs[i]);
  }
}

Value GpuKernelEmitter::wide(Value number32) { return arith::ExtUIOp::create(b, b.getI64Type(), number32); }

Value GpuKernelEmitter::globalThread(const Function& f, int64_t block, int64_t threads) {
  // As 32 bits where they are enough: divisions by the shape's sizes are then narrow ones.
  if (threads < (int64_t(1) << 31) - block) {
    Value first = arith::MulIOp::create(b, f.block32, arith::ConstantIntOp::create(b, block, 32));
    return wide(arith::AddIOp::create(b, first, f.thread32));
  }
  Value first = arith::MulIOp::create(b, wide(f.block32), arith::ConstantIntOp::create(b, block, 64));
  return arith::AddIOp::create(b, first, wide(f.thread32));
}

void GpuKernelEmitter::when(Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, condition, static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  if (!otherwise) return;
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

bool GpuKernelEmitter::flatDense(Value root) const {
  return followsFlatIndex(root, [&](Value v) {
    auto argument = llvm::dyn_cast<BlockArgument>(v);
    return argument && argument.getOwner() == &body && (request.byValue[argument.getArgNumber()] || request.inputs[argument.getArgNumber()].dense);
  });
}

// ---- maps: every element of the results by itself ----

/// Elements of one thread: what one load of 16 bytes brings of the widest array.
int64_t GpuKernelEmitter::elementsOfThread(llvm::ArrayRef<Value> roots) const {
  int64_t widest = 4;
  for (Value root : roots) widest = std::max(widest, byteSize(arrayType(root).getElementType()));
  for (Value argument : body.getArguments())
    if (arrayType(argument).getRank() > 0) widest = std::max(widest, byteSize(arrayType(argument).getElementType()));
  bool loops = false;
  op->getRegion(0).walk([&](ir::ForOp) { loops = true; });
  return loops ? 1 : std::max<int64_t>(1, 16 / widest);
}

void GpuKernelEmitter::emitMap() {
  llvm::SmallVector<Value> roots(terminator->getOperands());
  // A window: only the update is computed, the rest of the array is in its place already.
  auto window = op->hasAttr("window") ? roots[0].getDefiningOp<ir::DynamicUpdateSliceOp>() : ir::DynamicUpdateSliceOp();
  if (window) roots = {window.getUpdate()};
  auto shape = arrayType(roots[0]).getShape();
  int64_t total = volume(shape);
  if (total == 0) return;
  bool flat = !window && llvm::all_of(roots, [&](Value root) { return flatDense(root); }) && llvm::all_of(request.outputs, [](const Layout& l) { return l.dense; });
  Function f = startFunction("");

  auto storeAll = [&](ElementEmitter& e, const Position& where) {
    llvm::SmallVector<Index> starts;
    if (window)
      for (auto [d, start] : llvm::enumerate(window.getStarts())) starts.push_back(windowStart(e, start, arrayType(window.getOperand()).getDimSize(d), shape[d]));
    llvm::SmallVector<Elem> values;
    for (Value root : roots) values.push_back(e.emit(root, where));
    Position at = where;
    for (auto [d, start] : llvm::enumerate(starts)) at.dims[d] = e.plus(at.dims[d], start);
    for (auto [i, root] : llvm::enumerate(roots)) e.store(f.outputs[i], arrayType(root).getElementType(), at, values[i]);
  };
  auto oneElement = [&](Value index) {
    ElementEmitter e(b, 1);
    bindInputs(e, f);
    Index i{index, 1, 0, 0, {}};
    if (flat)
      storeAll(e, {{}, i});
    else
      storeAll(e, {e.delinearise(i, shape), {}});
  };
  const int64_t each = flat ? elementsOfThread(roots) : 1;
  if (!flat && !window && emitTransposed(f, roots)) return;
  const int64_t threads = (total + each - 1) / each, block = std::min<int64_t>(kBlock, (threads + kWarp - 1) / kWarp * kWarp);
  Value thread = globalThread(f, block, threads), last = arith::ConstantIntOp::create(b, total, 64);
  if (each == 1) {
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, thread, last), [&] { oneElement(thread); });
  } else {
    Value first = arith::MulIOp::create(b, thread, arith::ConstantIntOp::create(b, each, 64));
    Value end = arith::AddIOp::create(b, first, arith::ConstantIntOp::create(b, each, 64));
    Value whole = arith::AndIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ule, end, last), aligned(f));
    when(
        whole,
        [&] {
          ElementEmitter e(b, each);
          e.aligned = true;
          bindInputs(e, f);
          storeAll(e, {{}, Index{first, 1, 0, 1, {}}});
        },
        [&] {
          auto loop = scf::ForOp::create(b, first, arith::MinUIOp::create(b, end, last), arith::ConstantIntOp::create(b, 1, 64));
          OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToStart(loop.getBody());
          oneElement(loop.getInductionVar());
        });
  }
  finishFunction(f, (threads + block - 1) / block, block);
}

/// That every array begins at a multiple of 16 bytes; the same for all threads.
Value GpuKernelEmitter::aligned(const Function& f) {
  Value together;
  auto add = [&](const Storage& storage) {
    if (!storage.pointer) return;
    Value address = LLVM::PtrToIntOp::create(b, b.getI64Type(), storage.pointer);
    together = together ? Value(arith::OrIOp::create(b, together, address)) : address;
  };
  for (auto [i, input] : llvm::enumerate(f.inputs))
    if (arrayType(body.getArgument(i)).getRank() > 0) add(input);
  for (const Storage& output : f.outputs) add(output);
  Value rest = arith::AndIOp::create(b, together, arith::ConstantIntOp::create(b, 15, 64));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, rest, arith::ConstantIntOp::create(b, 0, 64));
}

/// Arrays that are read along another dimension than the results are written along come through a tile of shared memory, so
/// that both sides run along memory. Whether there are such arrays.
bool GpuKernelEmitter::emitTransposed(Function& f, llvm::ArrayRef<Value> roots) {
  auto shape = arrayType(roots[0]).getShape();
  const int64_t rank = static_cast<int64_t>(shape.size()), lane = rank - 1;
  if (rank < 2 || shape[lane] < kTile / 2) return false;
  for (const Layout& layout : request.outputs)
    if (layout.strides[lane] != 1) return false;
  // The other dimension is the same for all arrays that come this way; each is read at one place of the iteration space.
  int64_t other = -1;
  llvm::SmallVector<Load> loads, across;
  for (Value root : roots) llvm::append_range(loads, loadsOf(root, memory));
  for (const Load& load : loads) {
    if (load.irregular || load.times != 1) continue;
    for (int64_t d = 0; d < lane; ++d)
      if (load.strides[d] == 1 && load.strides[lane] > 1 && shape[d] >= kTile / 2 && (other < 0 || other == d)) other = d, across.push_back(load);
  }
  if (other < 0) return false;
  llvm::SmallVector<Value> arrays;
  for (const Load& load : across) {
    if (llvm::is_contained(arrays, load.array)) continue;
    // Only what is read through permutations and broadcasts alone stands at the tile's own place.
    if (llvm::count_if(loads, [&](const Load& l) { return l.array == load.array; }) != 1 || !readPermuted(load.array)) return false;
    arrays.push_back(load.array);
  }
  int64_t bytes = 0;
  for (Value array : arrays) bytes += kTile * (kTile + 1) * byteSize(arrayType(array).getElementType());
  if (bytes > kMostShared) return false;

  // Tiles along the two dimensions, blocks in the order of the rest.
  llvm::SmallVector<int64_t> outer(shape);
  const int64_t tilesLane = (shape[lane] + kTile - 1) / kTile, tilesOther = (shape[other] + kTile - 1) / kTile;
  outer[lane] = tilesLane, outer[other] = tilesOther;
  ElementEmitter scalars(b, 1);
  bindInputs(scalars, f);
  auto at = scalars.delinearise({wide(f.block32), 1, 0, 0, {}}, outer);
  Value tile = scalars.constant(kTile);
  Value firstLane = arith::MulIOp::create(b, scalars.value(at[lane]), tile), firstOther = arith::MulIOp::create(b, scalars.value(at[other]), tile);
  Value x = arith::RemUIOp::create(b, wide(f.thread32), tile), y = arith::DivUIOp::create(b, wide(f.thread32), tile);
  const int64_t rows = kBlock / kTile;

  // Each array's tile: threads run along the array's own memory.
  llvm::DenseMap<Value, Storage> tiles;
  for (Value array : arrays) {
    auto type = arrayType(array);
    const Load& load = *llvm::find_if(across, [&](const Load& l) { return l.array == array; });
    Type element = memoryType(type.getElementType());
    const int64_t parts = llvm::isa<ComplexType>(type.getElementType()) ? 2 : 1;
    Value shared = sharedMemory(element, kTile * (kTile + 1) * parts);
    for (int64_t k = 0; k < kTile / rows; ++k) {
      Value row = arith::AddIOp::create(b, y, scalars.constant(k * rows));
      Value i = arith::AddIOp::create(b, firstLane, row), j = arith::AddIOp::create(b, firstOther, x);
      Value inside = arith::AndIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, i, scalars.constant(shape[lane])),
                                           arith::CmpIOp::create(b, arith::CmpIPredicate::ult, j, scalars.constant(shape[other])));
      when(inside, [&] {
        ElementEmitter e(b, 1);
        bindInputs(e, f);
        Index offset = e.at(0);
        for (int64_t d = 0; d < rank; ++d) {
          Index index = d == lane ? Index{i, 1, 0, 0, {}} : d == other ? Index{j, 1, 0, 0, {}} : at[d];
          if (load.strides[d] != 0) offset = e.plus(offset, e.scaled(index, load.strides[d]));
        }
        Storage line = f.inputs[llvm::cast<BlockArgument>(array).getArgNumber()];
        Elem value = e.loadAt(line, type.getElementType(), offset);
        Index place = e.plus({row, kTile + 1, 0, 0, {}}, {x, 1, 0, 0, {}});
        e.storeAt({shared, {}, false, true}, type.getElementType(), place, value);
      });
    }
    // An element of the array at (i, j) lies in its tile at (i - firstLane, j - firstOther): an array whose strides are those of the tile,
    // beginning before it.
    Value before = arith::AddIOp::create(b, arith::MulIOp::create(b, firstLane, scalars.constant(kTile + 1)), firstOther);
    before = arith::SubIOp::create(b, scalars.constant(0), arith::MulIOp::create(b, before, scalars.constant(parts)));
    Value origin = LLVM::GEPOp::create(b, shared.getType(), element, shared, ValueRange{before}, LLVM::GEPNoWrapFlags::none);
    auto strides = request.inputs[llvm::cast<BlockArgument>(array).getArgNumber()].strides;
    for (auto [d, stride] : llvm::enumerate(strides)) {
      if (type.getDimSize(d) == 1)
        stride = 0;
      else if (stride == load.strides[lane])
        stride = kTile + 1;
      else
        stride = stride == 1 ? 1 : 0;
    }
    tiles[array] = {origin, strides, false, false};
  }
  gpu::BarrierOp::create(b);
  for (int64_t k = 0; k < kTile / rows; ++k) {
    Value row = arith::AddIOp::create(b, y, scalars.constant(k * rows));
    Value i = arith::AddIOp::create(b, firstLane, x), j = arith::AddIOp::create(b, firstOther, row);
    Value inside = arith::AndIOp::create(b, arith::CmpIOp::create(b, arith::CmpIPredicate::ult, i, scalars.constant(shape[lane])),
                                         arith::CmpIOp::create(b, arith::CmpIPredicate::ult, j, scalars.constant(shape[other])));
    when(inside, [&] {
      ElementEmitter e(b, 1);
      bindInputs(e, f);
      for (auto& [array, storage] : tiles) e.bind(array, storage);
      Position where;
      for (int64_t d = 0; d < rank; ++d) where.dims.push_back(d == lane ? Index{i, 1, 0, 0, {}} : d == other ? Index{j, 1, 0, 0, {}} : at[d]);
      llvm::SmallVector<Elem> values;
      for (Value root : roots) values.push_back(e.emit(root, where));
      for (auto [n, root] : llvm::enumerate(roots)) e.store(f.outputs[n], arrayType(root).getElementType(), where, values[n]);
    });
  }
  finishFunction(f, volume(outer), kBlock);
  return true;
}

/// Whether every use of the array on the way to the results keeps each element's place, up to the order of the dimensions.
bool GpuKernelEmitter::readPermuted(Value array) const {
  for (Operation* user : array.getUsers()) {
    if (user == terminator) continue;
    if (!llvm::isa<ir::TransposeOp, ir::PvaryOp, ir::BroadcastOp>(user) && !user->hasTrait<ir::OpTrait::Elementwise>()) return false;
    for (Value result : user->getResults())
      if (!readPermuted(result)) return false;
  }
  return true;
}

Value GpuKernelEmitter::sharedMemory(Type element, int64_t count) {
  OpBuilder::InsertionGuard guard(b);
  auto parent = b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto space = static_cast<unsigned>(NVVM::NVVMMemorySpace::Shared);
  std::string symbol = (name + "_shared" + llvm::Twine(sharedArrays++)).str();
  OpBuilder outer = OpBuilder::atBlockBegin(parent.getBody());
  auto type = LLVM::LLVMArrayType::get(element, count);
  LLVM::GlobalOp::create(outer, b.getLoc(), type, false, LLVM::Linkage::Internal, symbol, Attribute(), 16, space);
  Value place = LLVM::AddressOfOp::create(b, LLVM::LLVMPointerType::get(b.getContext(), space), symbol);
  return LLVM::AddrSpaceCastOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), place);
}

}  // namespace skein::compiler
