#include "compiler/codegen/program_emitter.h"
#include "compiler/transforms/device_scalars.h"

#include <set>

#include "dialects/skein/typing.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

static Layout denseLayout(RankedTensorType type) { return {denseStrides(type.getShape()), true}; }
static int64_t bytesOf(RankedTensorType type) { return volume(type.getShape()) * byteSize(type.getElementType()); }
/// Ops whose results are computed in registers of the program itself.
static bool isScalarOp(Operation* op) {
  if (!isElementRule(op) || isReduction(op) || op->hasAttr(kDeviceScalar)) return false;
  return llvm::all_of(op->getOperandTypes(), [](Type t) { return arrayType(t).getRank() == 0; }) &&
         llvm::all_of(op->getResultTypes(), [](Type t) { return arrayType(t).getRank() == 0; });
}

ProgramEmitter::ProgramEmitter(ModuleOp module, ModuleOp kernels, const Target& target, llvm::StringRef name, ir::AxesAttr mesh)
    : module(module), kernels(kernels), target(target), b(module.getLoc(), module.getContext()), name(name), mesh(mesh) {}

void ProgramEmitter::start(llvm::StringRef symbol) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  b.setInsertionPointToEnd(module.getBody());
  function = func::FuncOp::create(b, symbol, b.getFunctionType({pointer, pointer, pointer}, {}));
  Block* entry = function.addEntryBlock();
  context = entry->getArgument(0);
  buffers = entry->getArgument(1);
  arenaBase = entry->getArgument(2);
  b.setInsertionPointToStart(entry);
  code.entry = symbol;
}

void ProgramEmitter::emitMain(func::FuncOp source, llvm::ArrayRef<int> donated) {
  start(name);
  if (onGpu()) deviceScalars = findDeviceScalars(source);
  Block& block = source.getBody().front();
  Operation* terminator = block.getTerminator();
  int64_t inputs = block.getNumArguments();
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    Slot slot;
    slot.pointer = loadPointer(buffers, i);
    slot.layout = denseLayout(typeOf(argument));
    slots[argument] = slot;
  }
  llvm::SmallVector<Value> outputs;
  llvm::DenseSet<Value> placed;
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    outputs.push_back(loadPointer(buffers, inputs + i));
    if (placed.insert(value).second) destinations[value] = {outputs.back(), denseLayout(typeOf(value))};
    code.aliases.push_back(-1);
  }
  // A donated input may be overwritten by an output of its type that a kernel makes element by element.
  llvm::DenseSet<int> taken;
  for (auto [i, value] : llvm::enumerate(terminator->getOperands()))
    for (int input : donated) {
      Value argument = block.getArgument(input);
      Operation* producer = value.getDefiningOp();
      if (!producer || taken.contains(input) || argument.getType() != value.getType()) continue;
      auto kernel = llvm::dyn_cast<ir::KernelOp>(producer);
      if (!kernel || kernel->hasAttr("window") || !readBefore(argument, kernel, block) || llvm::count(kernel.getInputs(), argument) != 1) continue;
      auto isDense = [](Value) { return true; };
      Value inside = kernel.getBody().getArgument(llvm::find(kernel.getInputs(), argument) - kernel.getInputs().begin());
      bool flat = mayOverwrite(kernel.getBody().front().getTerminator()->getOperands(), inside, isDense);
      if (!flat) continue;
      code.aliases[i] = input;
      producer->setAttr("in_place", b.getUnitAttr());
      taken.insert(input);
      break;
    }
  emitBlock(block);
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    Slot& slot = slotOf(value);
    auto type = typeOf(value);
    if (slot.pointer && slot.pointer == outputs[i]) continue;
    if (slot.scalar.re) {
      storeScalar(outputs[i], type.getElementType(), slot.scalar);
    } else {
      copy(pointerOf(value), slot.layout, outputs[i], denseLayout(type), type);
    }
  }
  func::ReturnOp::create(b);
  code.arenaBytes = arena.size();
}

// ---- liveness ----

Operation* ProgramEmitter::lastUse(Value value) {
  Operation* last = nullptr;
  Block* block = value.getParentBlock();
  llvm::SmallVector<Value> pending{value};
  for (size_t i = 0; i < pending.size(); ++i) {
    for (Operation* user : pending[i].getUsers()) {
      Operation* here = block->findAncestorOpInBlock(*user);
      if (here && (!last || last->isBeforeInBlock(here))) last = here;
    }
    if (auto aliases = aliasesOf.find(pending[i]); aliases != aliasesOf.end()) llvm::append_range(pending, aliases->second);
  }
  return last;
}

bool ProgramEmitter::diesAt(Value value, Operation* op) { return value.getParentBlock() == op->getBlock() && lastUse(value) == op; }

void ProgramEmitter::release(const std::shared_ptr<Place>& place) {
  if (--place->users > 0) return;
  if (place->parts.empty()) return arena.release(place->offset, place->bytes);
  for (const auto& part : place->parts) arena.release(part->offset, part->bytes);
}

void ProgramEmitter::releaseAfter(Operation* op) {
  for (auto& place : temporaries) release(place);
  temporaries.clear();
  llvm::SmallVector<Value> done;
  auto consider = [&](Value value) {
    if (value.getParentBlock() != op->getBlock()) return;
    auto slot = slots.find(value);
    if (slot == slots.end() || !slot->second.place) return;
    Operation* last = lastUse(value);
    if (!last || last == op) done.push_back(value);
  };
  llvm::SetVector<Value> seen;
  op->walk([&](Operation* inner) {
    for (Value operand : inner->getOperands()) seen.insert(operand);
  });
  for (Value result : op->getResults()) seen.insert(result);
  // With the last alias of a value ends the value.
  for (size_t i = 0; i < seen.size(); ++i)
    if (auto source = sourceOf.find(seen[i]); source != sourceOf.end()) seen.insert(source->second);
  for (Value value : seen) consider(value);
  for (Value value : done) {
    release(std::move(slots[value].place));
  }
}

void ProgramEmitter::emitBlock(Block& block) {
  for (Operation& op : block.without_terminator()) {
    b.setLoc(op.getLoc());
    emitOp(&op);
    for (Value result : op.getResults()) settle(result);
    releaseAfter(&op);
  }
}

void ProgramEmitter::emitOp(Operation* op) {
  llvm::TypeSwitch<Operation*>(op)
      .Case<ir::KernelOp>([&](auto o) { emitKernelOp(o); })
      .Case<ir::ForOp>([&](auto o) { emitFor(o); })
      .Case<ir::WhileOp>([&](auto o) { emitWhile(o); })
      .Case<ir::SwitchOp>([&](auto o) { emitSwitch(o); })
      .Case<ir::ShardMapOp>([&](auto o) { emitShardMap(o); })
      .Case<ir::DotGeneralOp>([&](auto o) { emitDot(o); })
      .Case<ir::SortOp>([&](auto o) { emitSort(o); })
      .Case<ir::ScatterOp>([&](auto o) { emitScatter(o); })
      .Case<ir::CumulativeOp>([&](auto o) { emitCumulative(o); })
      .Case<ir::FftOp>([&](auto o) { emitFft(o); })
      .Case<ir::CholeskyOp, ir::TriangularSolveOp, ir::LuOp, ir::QrOp, ir::EighOp, ir::SvdOp, ir::SvdvalsOp, ir::EigOp, ir::EigvalsOp>([&](auto o) { emitLinalg(o); })
      .Case<ir::AxisIndexOp>([&](auto o) { emitAxisIndex(o); })
      .Case<ir::PrintOp, ir::CheckOp>([&](auto o) { emitMessage(o); })
      .Case<ir::ReshapeOp, ir::PvaryOp>([&](auto o) {
        if (isScalarOp(o)) return emitScalar(o);
        // The same bytes under another type.
        Value operand = o->getOperand(0), result = o->getResult(0);
        bool reshapes = llvm::isa<ir::ReshapeOp>(o.getOperation());
        Slot from = slotOf(operand), slot;
        if (reshapes && from.pointer && !from.layout.dense) {
          slot = allocate(arrayType(result));
          copy(from.pointer, from.layout, slot.pointer, denseLayout(arrayType(operand)), arrayType(operand));
          slots[result] = slot;
          return;
        }
        if (!from.pointer && onGpu()) {
          slot = allocate(arrayType(result));
          storeScalar(slot.pointer, arrayType(operand).getElementType(), from.scalar);
          slots[result] = slot;
          return;
        }
        slot.pointer = pointerOf(operand);
        slot.layout = reshapes || !from.pointer ? denseLayout(arrayType(result)) : from.layout;
        slot.place = from.place;
        if (slot.place) ++slot.place->users;
        slots[result] = slot;
        setAlias(result, operand);
      })
      .Case<ir::ConstantOp>([&](auto o) { emitConstant(o); })
      .Default([&](Operation* other) {
        if (other->hasTrait<ir::OpTrait::Collective>()) return emitCollective(other);
        emitScalar(other);
      });
}

// ---- values ----

/// How a value of the program's entry is split over a mesh, if it is: as its argument's attribute says, or as the shard_map that
/// made it; a loop's and a branch's values are as those that they come from.
static std::pair<ir::AxesAttr, ir::SpecAttr> shardingOf(Value value) {
  if (auto argument = llvm::dyn_cast<BlockArgument>(value)) {
    Operation* owner = argument.getOwner()->getParentOp();
    unsigned number = argument.getArgNumber();
    if (auto main = llvm::dyn_cast<func::FuncOp>(owner)) {
      auto attribute = main.getArgAttrOfType<DictionaryAttr>(number, "skein.sharding");
      if (!attribute) return {};
      return {attribute.getAs<ir::AxesAttr>("mesh"), attribute.getAs<ir::SpecAttr>("spec")};
    }
    if (auto loop = llvm::dyn_cast<ir::ForOp>(owner)) return number == 0 ? std::pair<ir::AxesAttr, ir::SpecAttr>() : shardingOf(loop.getInits()[number - 1]);
    if (auto loop = llvm::dyn_cast<ir::WhileOp>(owner)) return shardingOf(loop.getInits()[number]);
    return {};
  }
  unsigned number = llvm::cast<OpResult>(value).getResultNumber();
  Operation* producer = value.getDefiningOp();
  if (auto map = llvm::dyn_cast<ir::ShardMapOp>(producer)) return {map.getMesh(), llvm::cast<ir::SpecAttr>(map.getOutSpecs()[number])};
  if (auto loop = llvm::dyn_cast<ir::ForOp>(producer)) return shardingOf(loop.getInits()[number]);
  if (auto loop = llvm::dyn_cast<ir::WhileOp>(producer)) return shardingOf(loop.getInits()[number]);
  if (auto branch = llvm::dyn_cast<ir::SwitchOp>(producer)) return shardingOf(branch.getBranches().front().front().getTerminator()->getOperand(number));
  return {};
}

RankedTensorType ProgramEmitter::typeOf(Value value) {
  auto type = arrayType(value);
  if (target.devices == 0 || mesh) return type;
  RankedTensorType& stored = storedTypes[value];
  if (stored) return stored;
  stored = type;
  auto [axes, spec] = shardingOf(value);
  if (!axes) return stored;
  llvm::SmallVector<int64_t> shape(type.getShape()), positions;
  for (auto [d, entry] : llvm::enumerate(spec.getDims()))
    for (Attribute axis : llvm::cast<mlir::ArrayAttr>(entry)) {
      int64_t position = llvm::find(axes.getNames(), llvm::cast<StringAttr>(axis)) - axes.getNames().begin();
      if (axes.getSizes()[position] == 1) continue;
      positions.push_back(position);
      shape[d] /= axes.getSizes()[position];
    }
  if (positions.empty()) return stored;
  // Devices of this process that differ along no axis of the spec hold the same block.
  std::set<llvm::SmallVector<int64_t>> blocks;
  int64_t last = std::min(target.firstDevice + target.devices, volume(axes.getSizes()));
  for (int64_t rank = target.firstDevice; rank < last; ++rank) {
    llvm::SmallVector<int64_t> place(axes.getSizes().size()), named;
    for (int64_t axis = place.size(), rest = rank; axis-- > 0; rest /= axes.getSizes()[axis]) place[axis] = rest % axes.getSizes()[axis];
    for (int64_t position : positions) named.push_back(place[position]);
    blocks.insert(named);
  }
  shape.insert(shape.begin(), static_cast<int64_t>(blocks.size()));
  return stored = RankedTensorType::get(shape, type.getElementType());
}

Slot& ProgramEmitter::slotOf(Value value) {
  auto found = slots.find(value);
  assert(found != slots.end() && "a value is emitted before it is used");
  return found->second;
}

void ProgramEmitter::setAlias(Value alias, Value source) {
  aliasesOf[source].push_back(alias);
  sourceOf[alias] = source;
}

void ProgramEmitter::setScalar(Value value, Elem elem) {
  Slot slot;
  slot.scalar = elem;
  slots[value] = slot;
}

Elem ProgramEmitter::scalarOf(Value value) {
  Slot& slot = slotOf(value);
  if (slot.scalar.re) return slot.scalar;
  if (onGpu()) {
    Type element = arrayType(value).getElementType(), type = signless(element), memory = memoryType(element);
    const unsigned bits = memory.getIntOrFloatBitWidth();
    auto part = [&](int64_t which) -> Value {
      Value place = which ? offsetPointer(slot.pointer, number(bits / 8)) : slot.pointer;
      Value word = callFor("skein_gpu_load", b.getI64Type(), {context, place, number(bits / 8, 32)});
      if (type.isInteger(1)) return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, word, number(0));
      if (bits < 64) word = arith::TruncIOp::create(b, b.getIntegerType(bits), word);
      return word.getType() == type ? word : Value(arith::BitcastOp::create(b, type, word));
    };
    Elem read{part(0), {}};
    if (llvm::isa<ComplexType>(element)) read.im = part(1);
    return read;
  }
  ElementEmitter e(b, 1);
  e.bind(value, Storage{slot.pointer, {}, false, true});
  return e.emit(value, {llvm::SmallVector<Index, 4>(arrayType(value).getRank(), e.at(0)), {}});
}

bool ProgramEmitter::inRegisters(Value value) const { return arrayType(value).getRank() == 0 && !deviceScalars.contains(value); }

/// A scalar's bits, as 64 of them.
Value ProgramEmitter::bitsOf(Value scalar) {
  const unsigned bits = scalar.getType().getIntOrFloatBitWidth();
  Value word = llvm::isa<FloatType>(scalar.getType()) ? Value(arith::BitcastOp::create(b, b.getIntegerType(bits), scalar)) : scalar;
  return bits < 64 ? Value(arith::ExtUIOp::create(b, b.getI64Type(), word)) : word;
}

void ProgramEmitter::storeScalar(Value pointer, Type element, Elem value) {
  if (!onGpu()) {
    ElementEmitter e(b, 1);
    return e.store({pointer, {}, false, true}, element, {}, value);
  }
  const int64_t bytes = memoryType(element).getIntOrFloatBitWidth() / 8;
  call("skein_gpu_store", {context, pointer, bitsOf(value.re), number(bytes, 32)});
  if (value.im) call("skein_gpu_store", {context, offsetPointer(pointer, number(bytes)), bitsOf(value.im), number(bytes, 32)});
}

Value ProgramEmitter::stackSlot(Type type, int64_t count) {
  OpBuilder::InsertionGuard guard(b);
  Block& entry = function.getBody().front();
  b.setInsertionPointToStart(&entry);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::AllocaOp::create(b, pointer, type, number(count), 16);
}

Value ProgramEmitter::pointerOf(Value value) {
  Slot& slot = slotOf(value);
  if (slot.pointer) return slot.pointer;
  Type element = arrayType(value).getElementType();
  if (onGpu()) {
    Elem scalar = slot.scalar;
    Slot temporary = allocate(arrayType(value));
    temporaries.push_back(temporary.place);  // until the op that asked is emitted
    storeScalar(temporary.pointer, element, scalar);
    return temporary.pointer;
  }
  Value pointer = stackSlot(memoryType(element), llvm::isa<ComplexType>(element) ? 2 : 1);
  ElementEmitter e(b, 1);
  e.store({pointer, {}, false, true}, element, {}, slot.scalar);
  return pointer;
}

Value ProgramEmitter::densePointerOf(Value value) {
  Slot& slot = slotOf(value);
  if (!slot.pointer || slot.layout.dense) return pointerOf(value);
  auto type = typeOf(value);
  Slot temporary = allocate(type);
  copy(slot.pointer, slot.layout, temporary.pointer, temporary.layout, type);
  temporaries.push_back(temporary.place);  // until the op that asked is emitted
  return temporary.pointer;
}

Value ProgramEmitter::offsetPointer(Value pointer, Value bytes) {
  return LLVM::GEPOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), b.getI8Type(), pointer, ValueRange{bytes}, LLVM::GEPNoWrapFlags::inbounds);
}

Value ProgramEmitter::number(int64_t value, unsigned width) { return arith::ConstantIntOp::create(b, value, width); }

Value ProgramEmitter::loadPointer(Value array, int64_t index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value place = LLVM::GEPOp::create(b, pointer, pointer, array, llvm::ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(index)}, LLVM::GEPNoWrapFlags::inbounds);
  return LLVM::LoadOp::create(b, pointer, place, 8);
}

Slot ProgramEmitter::allocate(RankedTensorType type) {
  Slot slot;
  slot.place = std::make_shared<Place>();
  slot.place->bytes = bytesOf(type);
  slot.place->offset = arena.take(slot.place->bytes);
  slot.place->users = 1;
  slot.pointer = offsetPointer(arenaBase, number(slot.place->offset));
  slot.layout = denseLayout(type);
  return slot;
}

Value ProgramEmitter::result(Value value) {
  auto type = typeOf(value);
  if (auto wanted = destinations.find(value); wanted != destinations.end() && wanted->second.layout.dense) {
    Slot slot;
    slot.pointer = wanted->second.pointer;
    slot.layout = wanted->second.layout;
    slots[value] = slot;
  } else {
    slots[value] = allocate(type);
  }
  return slots[value].pointer;
}

void ProgramEmitter::settle(Value value) {
  auto wanted = destinations.find(value);
  if (wanted == destinations.end()) return;
  auto found = slots.find(value);
  if (found == slots.end() || found->second.pointer == wanted->second.pointer) return;
  auto type = typeOf(value);
  if (found->second.scalar.re) return storeScalar(wanted->second.pointer, type.getElementType(), found->second.scalar);
  copy(found->second.pointer, found->second.layout, wanted->second.pointer, wanted->second.layout, type);
  if (found->second.place) release(found->second.place);
  Slot slot;
  slot.pointer = wanted->second.pointer;
  slot.layout = wanted->second.layout;
  slots[value] = slot;
}

// ---- kernels ----

void ProgramEmitter::copy(Value from, const Layout& fromLayout, Value to, const Layout& toLayout, RankedTensorType type) {
  if (volume(type.getShape()) == 0) return;
  if (fromLayout.dense && toLayout.dense && onGpu()) return call("skein_gpu_copy", {context, to, from, number(bytesOf(type))});
  if (fromLayout.dense && toLayout.dense && bytesOf(type) <= (1 << 16)) {
    LLVM::MemcpyOp::create(b, to, from, number(bytesOf(type)), false);
    return;
  }
  // A kernel with nothing to compute.
  OpBuilder holder(b.getContext());
  auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
  OperationState state(b.getLoc(), ir::KernelOp::getOperationName());
  state.addTypes(plain);
  Region* region = state.addRegion();
  Block* block = &region->emplaceBlock();
  block->addArgument(plain, b.getLoc());
  holder.setInsertionPointToEnd(block);
  ir::YieldOp::create(holder, b.getLoc(), block->getArguments());
  Operation* op = Operation::create(state);
  KernelRequest request{llvm::cast<ir::KernelOp>(op), {fromLayout}, {toLayout}, {true}, target, {false}};
  emitAndRun(request, "_copy", {from}, {to});
  op->destroy();
}

void ProgramEmitter::emitAndRun(KernelRequest& request, llvm::StringRef kind, llvm::ArrayRef<Value> inputs, llvm::ArrayRef<Value> outputs) {
  std::string kernelName = (name + kind + llvm::Twine(nextKernel++)).str();
  if (onGpu()) return launch(request, kernelName, inputs, outputs);
  Builder into(b.getLoc(), b.getContext());
  into.setInsertionPointToEnd(module.getBody());
  auto kernel = emitKernel(into, request, kernelName);
  llvm::SmallVector<Value> pointers(inputs);
  llvm::append_range(pointers, outputs);
  runKernel(kernel, pointers);
}

void ProgramEmitter::runKernel(const KernelCode& kernel, llvm::ArrayRef<Value> pointers) {
  llvm::SmallVector<Value> all(pointers);
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  int64_t scratch = -1;
  if (kernel.scratchBytes > 0) {
    scratch = arena.take(kernel.scratchBytes);
    all.push_back(offsetPointer(arenaBase, number(scratch)));
  } else {
    all.push_back(LLVM::ZeroOp::create(b, pointer));
  }
  Value arguments = pointerArray(all);
  for (KernelStage stage : kernel.stages) {
    double work = static_cast<double>(stage.items) * stage.itemCost;
    code.work += work * loopFactor;
    constexpr double kWorthThreads = 30e3;  // nanoseconds: below, waking other threads costs more than it gains
    if (stage.items > 1 && work > kWorthThreads) {
      code.parallel = true;
      int64_t grain = std::max<int64_t>(1, static_cast<int64_t>(10e3 / std::max(stage.itemCost, 1.0)));
      call("skein_parallel_for", {context, addressOf(stage.function.getSymName()), arguments, number(stage.items), number(grain)});
    } else if (stage.items > 0) {
      func::CallOp::create(b, stage.function, ValueRange{arguments, number(0), number(stage.items)});
    }
  }
  if (scratch >= 0) arena.release(scratch, kernel.scratchBytes);
}

std::optional<Piece> pieceOf(ir::KernelOp op) {
  constexpr int64_t kWorthView = 4096;
  if (op->getNumResults() != 1 || op->hasAttr("window") || bytesOf(arrayType(op.getResult(0))) < kWorthView) return {};
  Value root = op.getBody().front().getTerminator()->getOperand(0);
  int64_t first = 0;
  while (Operation* made = root.getDefiningOp()) {
    if (auto slice = llvm::dyn_cast<ir::SliceOp>(made)) {
      auto from = arrayType(slice.getOperand()).getShape(), to = arrayType(slice.getResult()).getShape();
      auto strides = denseStrides(from);
      bool whole = true;  // of the dimensions behind
      for (int64_t d = static_cast<int64_t>(from.size()) - 1; d >= 0; --d) {
        if (slice.getStrides()[d] != 1 || (!whole && to[d] != 1)) return {};
        whole &= to[d] == from[d];
        first += slice.getStarts()[d] * strides[d];
      }
    } else if (!llvm::isa<ir::ReshapeOp, ir::PvaryOp>(made)) {
      return {};
    }
    root = made->getOperand(0);
  }
  return Piece{llvm::cast<BlockArgument>(root).getArgNumber(), first};
}

void ProgramEmitter::emitKernelOp(ir::KernelOp op) {
  Operation* terminator = op.getBody().front().getTerminator();
  // A piece of an array is read where it lies. What the caller gave may be overwritten by a result.
  if (auto piece = pieceOf(op); piece && !destinations.count(op.getResult(0))) {
    Value source = op.getInputs()[piece->input];
    auto argument = llvm::dyn_cast<BlockArgument>(source);
    Slot from = slotOf(source);
    if (from.pointer && from.layout.dense && !(argument && llvm::isa<func::FuncOp>(argument.getOwner()->getParentOp()))) {
      auto type = arrayType(op.getResult(0));
      Slot slot;
      slot.pointer = offsetPointer(from.pointer, number(piece->first * byteSize(type.getElementType())));
      slot.layout = denseLayout(type);
      slot.place = from.place;
      if (slot.place) ++slot.place->users;
      slots[op.getResult(0)] = slot;
      setAlias(op.getResult(0), source);
      return;
    }
  }
  KernelRequest request{op, {}, {}, {}, target, {}};
  llvm::SmallVector<Value> pointers;
  for (Value input : op.getInputs()) {
    Slot& slot = slotOf(input);
    request.byValue.push_back(onGpu() && !slot.pointer);
    pointers.push_back(request.byValue.back() ? Value() : pointerOf(input));
    request.inputs.push_back(slot.pointer ? slot.layout : denseLayout(arrayType(input)));
  }
  bool empty = llvm::all_of(op.getResults(), [](Value v) { return volume(arrayType(v).getShape()) == 0; });
  auto isDense = [&](Value v) { return request.inputs[llvm::cast<BlockArgument>(v).getArgNumber()].dense; };
  llvm::DenseSet<Value> reused;
  for (auto [i, value] : llvm::enumerate(op.getResults())) {
    Value root = terminator->getOperand(i);
    auto type = arrayType(value);
    auto update = root.getDefiningOp<ir::DynamicUpdateSliceOp>();
    bool window = update && llvm::isa<BlockArgument>(update.getOperand()) && op->hasAttr("window");
    auto wanted = destinations.find(value);
    if (wanted != destinations.end()) {
      slots[value] = Slot{{}, wanted->second.pointer, wanted->second.layout, nullptr};
    } else {
      // Over an operand that dies here, where each element is read before it is written.
      Value over;
      for (auto [k, input] : llvm::enumerate(op.getInputs())) {
        Slot& slot = slots[input];
        bool elementwise = !window && slot.layout.dense && mayOverwrite(terminator->getOperands(), op.getBody().getArgument(k), isDense);
        bool isWindow = window && update.getOperand() == op.getBody().getArgument(k) && llvm::hasSingleElement(op.getBody().getArgument(k).getUses());
        if ((elementwise || isWindow) && slot.place && slot.place->users == 1 && diesAt(input, op) && !reused.contains(input) &&
            volume(arrayType(input).getShape()) == volume(type.getShape()) && byteSize(arrayType(input).getElementType()) == byteSize(type.getElementType())) {
          over = input;
          break;
        }
      }
      if (over) {
        reused.insert(over);
        Slot slot = slots[over];
        slot.layout = denseLayout(type);
        ++slot.place->users;
        slots[value] = slot;
      } else {
        slots[value] = allocate(type);
      }
    }
    if (window) {
      size_t from = llvm::cast<BlockArgument>(update.getOperand()).getArgNumber();
      if (pointers[from] != slots[value].pointer) {
        if (slots[value].layout.dense && request.inputs[from].dense) {
          // Values of the kernel's inputs, as seen from outside it.
          copyAround(pointers[from], slots[value].pointer, update);
        } else {
          copy(pointers[from], request.inputs[from], slots[value].pointer, slots[value].layout, type);
        }
      }
    }
    request.outputs.push_back(slots[value].layout);
  }
  for (size_t k = 0; k < op.getInputs().size(); ++k) {
    bool written = false;
    for (Value value : op.getResults()) written |= slots[value].pointer == pointers[k] || (slots[value].place && slots[value].place == slots[op.getInputs()[k]].place);
    // Outputs given from outside may be a carry that is overwritten in place.
    request.inputConstant.push_back(!written && !op->hasAttr("in_place"));
  }
  if (empty) return;
  llvm::SmallVector<Value> outputs;
  for (Value value : op.getResults()) outputs.push_back(slots[value].pointer);
  emitAndRun(request, "_kernel", pointers, outputs);
}

/// Copies what a window leaves of an array: slabs before and after it along each dimension.
void ProgramEmitter::copyAround(Value from, Value to, ir::DynamicUpdateSliceOp update) {
  auto type = arrayType(update.getOperand()), window = arrayType(update.getUpdate());
  Layout dense = denseLayout(type);
  llvm::SmallVector<int64_t> low;
  for (auto [d, start] : llvm::enumerate(update.getStarts())) {
    auto constant = start.getDefiningOp<ir::ConstantOp>();
    if (!constant) return copy(from, dense, to, dense, type);
    int64_t value = llvm::cast<DenseElementsAttr>(constant.getValue()).getSplatValue<APInt>().getSExtValue();
    low.push_back(std::clamp<int64_t>(value, 0, type.getDimSize(d) - window.getDimSize(d)));
  }
  llvm::SmallVector<int64_t> first(type.getRank(), 0), size(type.getShape());
  auto slab = [&](int64_t d, int64_t begin, int64_t end) {
    if (end <= begin) return;
    auto boxFirst = first, boxSize = size;
    boxFirst[d] = begin;
    boxSize[d] = end - begin;
    int64_t offset = 0;
    for (int64_t k = 0; k < type.getRank(); ++k) offset += boxFirst[k] * dense.strides[k];
    Value bytes = number(offset * byteSize(type.getElementType()));
    auto box = RankedTensorType::get(boxSize, type.getElementType());
    Layout layout{dense.strides, denseStrides(boxSize) == dense.strides};
    copy(offsetPointer(from, bytes), layout, offsetPointer(to, bytes), layout, box);
  };
  for (int64_t d = 0; d < type.getRank(); ++d) {
    slab(d, 0, low[d]);
    slab(d, low[d] + window.getDimSize(d), type.getDimSize(d));
    first[d] = low[d];
    size[d] = window.getDimSize(d);
  }
}

void ProgramEmitter::emitScalar(Operation* op) {
  ElementEmitter e(b, 1);
  for (Value operand : op->getOperands()) e.bind(operand, scalarOf(operand));
  for (Value result : op->getResults()) setScalar(result, e.emit(result, {}));
}

}  // namespace skein::compiler
