// What a program asks of the runtime: contractions, sorting, collectives, effects; and constant data.
#include "compiler/codegen/gpu/kernel.h"
#include "compiler/codegen/math.h"
#include "compiler/codegen/program_emitter.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"
#include "runtime/abi.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

std::pair<std::string, int> userLine(Location loc) {
  if (auto file = llvm::dyn_cast<FileLineColLoc>(loc)) return {file.getFilename().str(), static_cast<int>(file.getLine())};
  if (auto named = llvm::dyn_cast<NameLoc>(loc)) return userLine(named.getChildLoc());
  if (auto fused = llvm::dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (auto line = userLine(part); line.second > 0) return line;
  if (auto site = llvm::dyn_cast<CallSiteLoc>(loc)) return userLine(site.getCallee());
  return {"", 0};
}

// ---- descriptors ----

static LLVM::LLVMPointerType pointerType(Builder& b) { return LLVM::LLVMPointerType::get(b.getContext()); }

static std::string freshName(ModuleOp module, llvm::StringRef stem) {
  // Names need only differ within the module.
  static thread_local uint64_t counter = 0;
  std::string name;
  do name = (stem + "_" + llvm::Twine(counter++)).str();
  while (module.lookupSymbol(name));
  return name;
}

Value ProgramEmitter::addressOf(llvm::StringRef symbol) { return LLVM::AddressOfOp::create(b, pointerType(b), symbol); }

Value ProgramEmitter::globalText(llvm::StringRef text) {
  OpBuilder outer = OpBuilder::atBlockBegin(module.getBody());
  std::string name = freshName(module, "text");
  std::string zeroEnded = text.str() + '\0';
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), zeroEnded.size());
  LLVM::GlobalOp::create(outer, b.getLoc(), type, true, LLVM::Linkage::Internal, name, outer.getStringAttr(zeroEnded));
  return addressOf(name);
}

Value ProgramEmitter::globalIntegers(llvm::ArrayRef<int64_t> values, unsigned width) {
  if (values.empty()) return LLVM::ZeroOp::create(b, pointerType(b));
  OpBuilder outer = OpBuilder::atBlockBegin(module.getBody());
  std::string name = freshName(module, "list");
  Type element = b.getIntegerType(width);
  auto type = LLVM::LLVMArrayType::get(element, values.size());
  llvm::SmallVector<APInt> bits;
  for (int64_t v : values) bits.emplace_back(width, v, true, true);
  auto data = DenseElementsAttr::get(RankedTensorType::get({static_cast<int64_t>(values.size())}, element), bits);
  LLVM::GlobalOp::create(outer, b.getLoc(), type, true, LLVM::Linkage::Internal, name, data);
  return addressOf(name);
}

/// A constant struct: fields are constants or addresses of other globals, re-created inside the global's initialiser.
Value ProgramEmitter::globalStruct(llvm::StringRef hint, llvm::ArrayRef<Value> fields) {
  OpBuilder outer = OpBuilder::atBlockEnd(module.getBody());
  std::string name = freshName(module, hint);
  llvm::SmallVector<Type> types;
  for (Value field : fields) types.push_back(field.getType());
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), types);
  auto global = LLVM::GlobalOp::create(outer, b.getLoc(), type, true, LLVM::Linkage::Internal, name, Attribute());
  Block* block = outer.createBlock(&global.getInitializerRegion());
  outer.setInsertionPointToStart(block);
  Value aggregate = LLVM::UndefOp::create(outer, b.getLoc(), type);
  for (auto [i, field] : llvm::enumerate(fields)) {
    Operation* clone = outer.clone(*field.getDefiningOp());
    aggregate = LLVM::InsertValueOp::create(outer, b.getLoc(), aggregate, clone->getResult(0), llvm::ArrayRef<int64_t>{static_cast<int64_t>(i)});
  }
  LLVM::ReturnOp::create(outer, b.getLoc(), aggregate);
  return addressOf(name);
}

llvm::SmallVector<Value, 3> ProgramEmitter::siteFields(Operation* op) {
  auto [file, line] = userLine(op->getLoc());
  auto named = op->getAttrOfType<StringAttr>("op");
  llvm::StringRef opName = named ? named.getValue() : ir::plainName(op->getName().getStringRef());
  return {globalText(opName), globalText(file), number(line, 32)};
}

void ProgramEmitter::call(llvm::StringRef callee, llvm::ArrayRef<Value> arguments) { callFor(callee, {}, arguments); }

Value ProgramEmitter::callFor(llvm::StringRef callee, Type result, llvm::ArrayRef<Value> arguments) {
  auto declared = module.lookupSymbol<LLVM::LLVMFuncOp>(callee);
  if (!declared) {
    OpBuilder outer = OpBuilder::atBlockBegin(module.getBody());
    llvm::SmallVector<Type> types;
    for (Value argument : arguments) types.push_back(argument.getType());
    auto type = LLVM::LLVMFunctionType::get(result ? result : LLVM::LLVMVoidType::get(b.getContext()), types);
    declared = LLVM::LLVMFuncOp::create(outer, b.getLoc(), callee, type);
  }
  auto callOp = LLVM::CallOp::create(b, declared, ValueRange(arguments));
  return result ? callOp.getResult() : Value();
}

Value ProgramEmitter::pointerArray(llvm::ArrayRef<Value> pointers) {
  if (pointers.empty()) return LLVM::ZeroOp::create(b, pointerType(b));
  Value array = stackSlot(pointerType(b), pointers.size());
  for (auto [i, pointer] : llvm::enumerate(pointers)) {
    Value place = LLVM::GEPOp::create(b, pointerType(b), pointerType(b), array, llvm::ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)}, LLVM::GEPNoWrapFlags::inbounds);
    LLVM::StoreOp::create(b, pointer, place, 8);
  }
  return array;
}

static int64_t dtypeNumber(Type element) { return static_cast<int64_t>(*ir::dtypeOf(element)); }

void ProgramEmitter::emitConstant(ir::ConstantOp op) {
  auto type = arrayType(op.getResult());
  if (type.getRank() == 0) return emitScalar(op);
  auto value = llvm::cast<DenseElementsAttr>(op.getValue());
  // As it lies in memory: bool a byte, complex two parts.
  int64_t count = volume(type.getShape());
  std::string bytes;
  auto append = [&](const APInt& bits) {
    for (unsigned i = 0; i < std::max(8u, bits.getBitWidth()); i += 8)
      bytes.push_back(static_cast<char>(bits.getBitWidth() < 8 ? bits.getZExtValue() : bits.extractBitsAsZExtValue(8, i)));
  };
  if (llvm::isa<ComplexType>(type.getElementType())) {
    for (const auto& number : value.getValues<std::complex<APFloat>>()) append(number.real().bitcastToAPInt()), append(number.imag().bitcastToAPInt());
  } else if (llvm::isa<FloatType>(type.getElementType())) {
    for (const APFloat& number : value.getValues<APFloat>()) append(number.bitcastToAPInt());
  } else {
    for (const APInt& number : value.getValues<APInt>()) append(number);
  }
  if (count == 0) bytes.push_back(0);
  OpBuilder outer = OpBuilder::atBlockBegin(module.getBody());
  std::string name = freshName(module, "data");
  auto arrayOfBytes = LLVM::LLVMArrayType::get(b.getI8Type(), bytes.size());
  LLVM::GlobalOp::create(outer, op.getLoc(), arrayOfBytes, true, LLVM::Linkage::Internal, name, outer.getStringAttr(bytes), 64);
  Slot slot;
  slot.pointer = addressOf(name);
  if (onGpu()) slot.pointer = callFor("skein_gpu_constant", pointerType(b), {context, moduleDescriptor(), slot.pointer, number(static_cast<int64_t>(bytes.size()))});
  slot.layout = {denseStrides(type.getShape()), true};
  slots[op.getResult()] = slot;
}

// ---- kernels of a GPU ----

static constexpr llvm::StringLiteral kGpuImage = "skein_gpu_image";

/// The address of the program's skein_gpu_module.
Value ProgramEmitter::moduleDescriptor() { return addressOf(kGpuModule); }

void addImage(ModuleOp module, const std::string& image) {
  OpBuilder outer = OpBuilder::atBlockBegin(module.getBody());
  Location loc = module.getLoc();
  auto bytes = LLVM::LLVMArrayType::get(outer.getI8Type(), image.size());
  LLVM::GlobalOp::create(outer, loc, bytes, true, LLVM::Linkage::Internal, kGpuImage, outer.getStringAttr(image), 16);
  auto pointer = LLVM::LLVMPointerType::get(outer.getContext());
  auto type = LLVM::LLVMStructType::getLiteral(outer.getContext(), {pointer, outer.getI64Type()});
  auto global = LLVM::GlobalOp::create(outer, loc, type, true, LLVM::Linkage::External, kGpuModule, Attribute());
  outer.createBlock(&global.getInitializerRegion());
  Value aggregate = LLVM::UndefOp::create(outer, loc, type);
  aggregate = LLVM::InsertValueOp::create(outer, loc, aggregate, LLVM::AddressOfOp::create(outer, loc, pointer, kGpuImage), llvm::ArrayRef<int64_t>{0});
  Value size = LLVM::ConstantOp::create(outer, loc, outer.getI64Type(), outer.getI64IntegerAttr(static_cast<int64_t>(image.size())));
  aggregate = LLVM::InsertValueOp::create(outer, loc, aggregate, size, llvm::ArrayRef<int64_t>{1});
  LLVM::ReturnOp::create(outer, loc, aggregate);
}

void ProgramEmitter::launch(const KernelRequest& request, llvm::StringRef kernelName, llvm::ArrayRef<Value> inputs, llvm::ArrayRef<Value> outputs) {
  Builder into(b.getLoc(), b.getContext());
  into.setInsertionPointToEnd(kernels.getBody());
  GpuKernelCode kernel = emitGpuKernel(into, request, kernelName);
  if (kernel.stages.empty()) return;
  llvm::SmallVector<Value> parameters;
  auto asPointer = [&](Value scalar) -> Value { return LLVM::IntToPtrOp::create(b, pointerType(b), bitsOf(scalar)); };
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!request.byValue[i]) {
      parameters.push_back(input);
      continue;
    }
    Elem scalar = scalarOf(request.op->getOperand(i));
    parameters.push_back(asPointer(scalar.re));
    if (scalar.im) parameters.push_back(asPointer(scalar.im));
  }
  llvm::append_range(parameters, outputs);
  int64_t scratch = -1;
  if (kernel.scratchBytes > 0) {
    scratch = arena.take(kernel.scratchBytes);
    parameters.push_back(offsetPointer(arenaBase, number(scratch)));
  } else {
    parameters.push_back(LLVM::ZeroOp::create(b, pointerType(b)));
  }
  Value list = pointerArray(parameters);
  for (const GpuStage& stage : kernel.stages) {
    llvm::SmallVector<Value> fields{moduleDescriptor(), globalText(stage.name), number(stage.block, 32)};
    llvm::append_range(fields, siteFields(request.op));
    call("skein_gpu_launch", {context, globalStruct("launch", fields), number(stage.grid), number(static_cast<int64_t>(parameters.size()), 32), list});
  }
  if (scratch >= 0) arena.release(scratch, kernel.scratchBytes);
}

// ---- contractions and sorting ----

void ProgramEmitter::emitDot(ir::DotGeneralOp op) {
  // The contraction pass has left [batch, m, k] x [batch, k, n], each matrix perhaps stored as its transpose.
  auto lhs = arrayType(op.getLhs()), out = arrayType(op.getResult());
  bool batched = !op.getLhsBatch().empty();
  int64_t first = batched ? 1 : 0;
  bool transposeA = op.getLhsContract()[0] == first, transposeB = op.getRhsContract()[0] == first + 1;
  int64_t batch = batched ? out.getDimSize(0) : 1, m = out.getDimSize(first), n = out.getDimSize(first + 1), k = lhs.getDimSize(op.getLhsContract()[0]);
  Value a = densePointerOf(op.getLhs()), bb = densePointerOf(op.getRhs()), c = result(op.getResult());
  Value descriptor = globalStruct("matmul", {number(dtypeNumber(lhs.getElementType()), 32), number(transposeA, 32), number(transposeB, 32), number(batch), number(m), number(n), number(k),
                                             number(transposeA ? m : k), number(transposeB ? k : n), number(n), number(m * k), number(k * n), number(m * n)});
  code.work += loopFactor * static_cast<double>(batch) * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) * 0.02;
  code.parallel = true;
  code.mayFail = true;  // a BLAS library may be missing
  call("skein_matmul_run", {context, descriptor, a, bb, c});
}

void ProgramEmitter::emitSort(ir::SortOp op) {
  // The contraction pass has moved the sorted dimension last.
  auto keys = arrayType(op.getOperands()[0]);
  int64_t length = keys.getShape().back(), rows = length ? volume(keys.getShape()) / length : 0;
  llvm::SmallVector<Value> places;
  for (auto [operand, value] : llvm::zip(op.getOperands(), op.getResults())) {
    Value pointer = result(value);
    Slot from = slotOf(operand);
    copy(from.pointer, from.layout, pointer, slots[value].layout, arrayType(operand));
    places.push_back(pointer);
  }
  llvm::SmallVector<int64_t> bytes;
  for (Value operand : op.getOperands().drop_front()) bytes.push_back(byteSize(arrayType(operand).getElementType()));
  Value widths = globalIntegers(bytes, 32);
  code.work += loopFactor * static_cast<double>(rows) * static_cast<double>(length) * 50;
  code.parallel |= rows * length > 10000;
  call("skein_sort", {context, number(dtypeNumber(keys.getElementType()), 32), number(rows), number(length), places[0], number(bytes.size(), 32), widths,
                      pointerArray(llvm::ArrayRef(places).drop_front())});
}

static int64_t joinNumber(llvm::StringRef kind) {
  return llvm::StringSwitch<int64_t>(kind).Cases({"add", "sum"}, SKEIN_JOIN_ADD).Cases({"mul", "prod"}, SKEIN_JOIN_MUL).Case("min", SKEIN_JOIN_MIN).Case("max", SKEIN_JOIN_MAX).Default(SKEIN_JOIN_SET);
}

/// The sizes before a dimension, of it, and behind it.
static std::array<int64_t, 3> around(RankedTensorType type, int64_t dim) {
  return {volume(type.getShape().take_front(dim)), type.getDimSize(dim), volume(type.getShape().drop_front(dim + 1))};
}

void ProgramEmitter::emitScatter(ir::ScatterOp op) {
  auto type = arrayType(op.getResult()), indices = arrayType(op.getIndices());
  Value which = densePointerOf(op.getIndices()), what = densePointerOf(op.getUpdates());
  Value target = result(op.getResult()), from = pointerOf(op.getOperand());
  Slot slot = slotOf(op.getOperand());
  copy(from, slot.pointer ? slot.layout : slots[op.getResult()].layout, target, slots[op.getResult()].layout, type);
  auto [outer, size, inner] = around(type, op.getDim());
  Value descriptor = globalStruct("scatter", {number(dtypeNumber(type.getElementType()), 32), number(dtypeNumber(indices.getElementType()), 32), number(joinNumber(op.getKind()), 32),
                                              number(outer), number(size), number(inner), number(volume(indices.getShape()))});
  const double work = static_cast<double>(volume(arrayType(op.getUpdates()).getShape())) * 3;
  code.work += loopFactor * work;
  code.parallel |= work > 3e5;
  call("skein_scatter_run", {context, descriptor, target, which, what});
}

void ProgramEmitter::emitCumulative(ir::CumulativeOp op) {
  auto type = arrayType(op.getResult());
  Value from = densePointerOf(op.getOperand()), to = result(op.getResult());
  auto [outer, size, inner] = around(type, op.getDim());
  Value descriptor = globalStruct("cumulative", {number(dtypeNumber(type.getElementType()), 32), number(joinNumber(op.getKind()), 32), number(op.getReverse(), 32), number(outer), number(size), number(inner)});
  code.work += loopFactor * static_cast<double>(volume(type.getShape())) * 2;
  code.parallel |= volume(type.getShape()) > 100000;
  call("skein_cumulative_run", {context, descriptor, from, to});
}

// ---- collectives ----

void ProgramEmitter::emitAxisIndex(ir::AxisIndexOp op) {
  Value rank = number(0);
  for (auto [axis, size] : llvm::zip(op.getAxes().getNames(), op.getAxes().getSizes())) {
    int64_t position = llvm::find(mesh.getNames(), axis) - mesh.getNames().begin();
    Value coordinate = callFor("skein_axis_index", b.getI64Type(), {context, number(position, 32)});
    rank = arith::AddIOp::create(b, arith::MulIOp::create(b, rank, number(size)), coordinate);
  }
  setScalar(op.getResult(), {arith::TruncIOp::create(b, b.getI32Type(), rank), {}});
}

void ProgramEmitter::emitCollective(Operation* op) {
  auto axes = op->getAttrOfType<ir::AxesAttr>("axes");
  int64_t ranks = volume(axes.getSizes());
  auto groups = op->getAttrOfType<mlir::ArrayAttr>("groups");
  int64_t groupSize = groups ? llvm::cast<DenseI64ArrayAttr>(groups[0]).size() : 0;
  int64_t members = groups ? groupSize : ranks;
  int64_t reduction = llvm::isa<ir::PmaxOp>(op) ? SKEIN_MAX : llvm::isa<ir::PminOp>(op) ? SKEIN_MIN : SKEIN_SUM;
  int64_t verb = llvm::TypeSwitch<Operation*, int64_t>(op)
                     .Case<ir::AllGatherOp>([](auto) { return SKEIN_ALL_GATHER; })
                     .Case<ir::PsumScatterOp>([](auto) { return SKEIN_REDUCE_SCATTER; })
                     .Case<ir::AllToAllOp>([](auto) { return SKEIN_ALL_TO_ALL; })
                     .Case<ir::PpermuteOp>([](auto) { return SKEIN_PERMUTE; })
                     .Default([](auto) { return SKEIN_ALL_REDUCE; });
  llvm::SmallVector<int64_t> positions, flatGroups, pairs, dtypes, counts;
  for (StringAttr axis : axes.getNames()) positions.push_back(llvm::find(mesh.getNames(), axis) - mesh.getNames().begin());
  if (groups)
    for (Attribute group : groups) llvm::append_range(flatGroups, llvm::cast<DenseI64ArrayAttr>(group).asArrayRef());
  if (auto permute = llvm::dyn_cast<ir::PpermuteOp>(op)) llvm::append_range(pairs, permute.getPairs());
  llvm::SmallVector<Value> inputs, outputs;
  int64_t bytes = 0;
  for (auto [operand, value] : llvm::zip(op->getOperands(), op->getResults())) {
    auto type = arrayType(operand);
    int64_t count = volume(type.getShape());
    if (verb == SKEIN_ALL_TO_ALL || verb == SKEIN_REDUCE_SCATTER) count /= members;
    dtypes.push_back(dtypeNumber(type.getElementType()));
    counts.push_back(count);
    bytes += volume(type.getShape()) * byteSize(type.getElementType());
    inputs.push_back(densePointerOf(operand));
  }
  for (Value value : op->getResults()) outputs.push_back(result(value));
  llvm::SmallVector<Value> fields{number(code.collectives++, 32), number(verb, 32), number(reduction, 32), number(positions.size(), 32), globalIntegers(positions, 32),
                                  number(groups ? groups.size() : 0, 32), number(groupSize, 32), globalIntegers(flatGroups, 32), number(pairs.size() / 2, 32), globalIntegers(pairs, 32),
                                  number(dtypes.size(), 32), globalIntegers(dtypes, 32), globalIntegers(counts, 64)};
  llvm::append_range(fields, siteFields(op));
  Value descriptor = globalStruct("collective", fields);
  code.mayFail = true;
  code.work += loopFactor * static_cast<double>(bytes) * 0.1;
  code.meetings += loopFactor;
  call("skein_collective_run", {context, descriptor, pointerArray(inputs), pointerArray(outputs)});
}

// ---- effects ----

void ProgramEmitter::emitMessage(Operation* op) {
  bool isCheck = llvm::isa<ir::CheckOp>(op);
  ValueRange values = isCheck ? op->getOperands().drop_front() : op->getOperands();
  llvm::SmallVector<int64_t> dtypes, ranks;
  llvm::SmallVector<Value> pointers, shapes;
  for (Value value : values) {
    auto type = arrayType(value);
    dtypes.push_back(dtypeNumber(type.getElementType()));
    ranks.push_back(type.getRank());
    shapes.push_back(globalIntegers(type.getShape(), 64));
    pointers.push_back(densePointerOf(value));
  }
  Value shapeList = shapes.empty() ? Value(LLVM::ZeroOp::create(b, pointerType(b))) : globalStruct("shapes", shapes);
  llvm::SmallVector<Value> fields{globalText(op->getAttrOfType<StringAttr>("format").getValue()), number(values.size(), 32), globalIntegers(dtypes, 32), globalIntegers(ranks, 32), shapeList};
  llvm::append_range(fields, siteFields(op));
  Value descriptor = globalStruct("message", fields);
  if (!isCheck) return call("skein_print", {context, descriptor, pointerArray(pointers)});
  code.mayFail = true;
  Value holds = arith::ExtUIOp::create(b, b.getI8Type(), scalarOf(op->getOperand(0)).re);
  call("skein_check", {context, holds, descriptor, pointerArray(pointers)});
}

// ---- shard_map ----

/// The device's first element of a block, in elements from the array's beginning, and whether the device is the one that
/// stands for all others along the axes that the spec does not name.
static std::pair<Value, Value> blockPlace(Builder& b, ir::AxesAttr mesh, ir::SpecAttr spec, RankedTensorType block, llvm::ArrayRef<int64_t> strides,
                                          llvm::function_ref<Value(int64_t)> coordinate) {
  auto number = [&](int64_t v) -> Value { return arith::ConstantIntOp::create(b, v, 64); };
  Value offset = number(0), leader;
  llvm::SmallVector<bool> named(mesh.getNames().size(), false);
  for (auto [d, entry] : llvm::enumerate(spec.getDims())) {
    Value index = number(0);
    for (Attribute axis : llvm::cast<mlir::ArrayAttr>(entry)) {
      int64_t position = llvm::find(mesh.getNames(), llvm::cast<StringAttr>(axis)) - mesh.getNames().begin();
      named[position] = true;
      index = arith::AddIOp::create(b, arith::MulIOp::create(b, index, number(mesh.getSizes()[position])), coordinate(position));
    }
    offset = arith::AddIOp::create(b, offset, arith::MulIOp::create(b, index, number(block.getDimSize(d) * strides[d])));
  }
  leader = arith::ConstantIntOp::create(b, 1, 1);
  for (size_t position = 0; position < named.size(); ++position)
    if (!named[position] && mesh.getSizes()[position] > 1)
      leader = arith::AndIOp::create(b, leader, arith::CmpIOp::create(b, arith::CmpIPredicate::eq, coordinate(position), number(0)));
  return {offset, leader};
}

static Layout blockLayout(llvm::ArrayRef<int64_t> globalStrides, RankedTensorType block) {
  auto own = denseStrides(block.getShape());
  bool dense = true;
  for (auto [d, size] : llvm::enumerate(block.getShape())) dense &= size == 1 || own[d] == globalStrides[d];
  return {llvm::SmallVector<int64_t, 4>(globalStrides), dense || volume(block.getShape()) <= 1};
}

void ProgramEmitter::emitBody(ir::ShardMapOp op, llvm::ArrayRef<Value> captured, llvm::ArrayRef<bool> split) {
  start(name);
  Block& block = op.getBody().front();
  llvm::DenseMap<int64_t, Value> coordinates;
  auto coordinate = [&](int64_t axis) {
    Value& v = coordinates[axis];
    if (!v) v = callFor("skein_axis_index", b.getI64Type(), {context, number(axis, 32)});
    return v;
  };
  // Which of the process's blocks is the device's, and whether another device before it has the same: then not the number, but
  // its complement, which is negative.
  llvm::DenseMap<Attribute, Value> places;
  auto blockOf = [&](ir::SpecAttr spec) {
    Value& v = places[spec];
    llvm::SmallVector<int64_t> positions;
    for (Attribute entry : spec.getDims())
      for (Attribute axis : llvm::cast<mlir::ArrayAttr>(entry)) positions.push_back(llvm::find(mesh.getNames(), llvm::cast<StringAttr>(axis)) - mesh.getNames().begin());
    if (!v) v = callFor("skein_shard_slot", b.getI64Type(), {context, number(positions.size(), 32), globalIntegers(positions, 32)});
    return v;
  };
  auto splits = [&](ir::SpecAttr spec) {
    return llvm::any_of(spec.getDims(), [&](Attribute entry) {
      return llvm::any_of(llvm::cast<mlir::ArrayAttr>(entry), [&](Attribute axis) {
        return mesh.getSizes()[llvm::find(mesh.getNames(), llvm::cast<StringAttr>(axis)) - mesh.getNames().begin()] > 1;
      });
    });
  };
  int64_t next = 0;
  for (auto [i, argument] : llvm::enumerate(block.getArguments())) {
    auto type = arrayType(argument), global = arrayType(op.getOperands()[i]);
    auto strides = denseStrides(global.getShape());
    if (split[i]) {
      Value place = blockOf(llvm::cast<ir::SpecAttr>(op.getInSpecs()[i]));
      place = arith::MaxSIOp::create(b, place, arith::SubIOp::create(b, number(-1), place));
      Slot slot;
      slot.pointer = offsetPointer(loadPointer(buffers, next++), arith::MulIOp::create(b, place, number(volume(type.getShape()) * byteSize(type.getElementType()))));
      slot.layout = {denseStrides(type.getShape()), true};
      slots[argument] = slot;
      continue;
    }
    auto [offset, leader] = blockPlace(b, mesh, llvm::cast<ir::SpecAttr>(op.getInSpecs()[i]), type, strides, coordinate);
    Slot slot;
    slot.pointer = offsetPointer(loadPointer(buffers, next++), arith::MulIOp::create(b, offset, number(byteSize(type.getElementType()))));
    slot.layout = blockLayout(strides, type);
    slots[argument] = slot;
  }
  for (Value value : captured) {
    Slot slot;
    slot.pointer = loadPointer(buffers, next++);
    slot.layout = {denseStrides(arrayType(value).getShape()), true};
    slots[value] = slot;
  }
  Operation* terminator = block.getTerminator();
  llvm::SmallVector<Destination> wanted;
  llvm::SmallVector<Value> onlyLeader(terminator->getNumOperands());  // condition under which a result is copied, where not always
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    auto type = arrayType(value), global = arrayType(op.getResult(i));
    auto strides = denseStrides(global.getShape());
    auto spec = llvm::cast<ir::SpecAttr>(op.getOutSpecs()[i]);
    auto [offset, leader] = blockPlace(b, mesh, spec, type, strides, coordinate);
    if (target.devices > 0) {  // the process's own first device that has the block stands for its others
      Value place = blockOf(spec), complement = arith::SubIOp::create(b, number(-1), place);
      if (target.devices > 1) leader = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, place, number(0));
      else leader = arith::ConstantIntOp::create(b, 1, 1);
      if (splits(spec)) {
        strides = denseStrides(type.getShape());
        offset = arith::MulIOp::create(b, arith::MaxSIOp::create(b, place, complement), number(volume(type.getShape())));
      }
    }
    Value pointer = offsetPointer(loadPointer(buffers, next++), arith::MulIOp::create(b, offset, number(byteSize(type.getElementType()))));
    Layout layout = blockLayout(strides, type);
    llvm::APInt always;
    bool everybody = matchPattern(leader, m_ConstantInt(&always));
    if (!everybody && !layout.dense) {
      onlyLeader[i] = leader;
    } else if (!everybody) {
      // Devices that hold the same value as the leader write theirs to memory of their own.
      Slot own = allocate(type);
      own.place->users = 1;
      pointer = arith::SelectOp::create(b, leader, pointer, own.pointer);
      layout = {denseStrides(type.getShape()), true};
    }
    wanted.push_back({pointer, layout});
    if (!onlyLeader[i] && !destinations.count(value) && value.getParentBlock() == &block && value.getDefiningOp()) destinations[value] = wanted.back();
  }
  emitBlock(block);
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    Slot slot = slotOf(value);
    auto type = arrayType(value);
    if (slot.pointer && slot.pointer == wanted[i].pointer) continue;
    OpBuilder::InsertionGuard guard(b);
    if (onlyLeader[i]) b.setInsertionPointToStart(scf::IfOp::create(b, onlyLeader[i], false).thenBlock());
    if (slot.scalar.re) {
      storeScalar(wanted[i].pointer, type.getElementType(), slot.scalar);
    } else {
      copy(slot.pointer, slot.layout, wanted[i].pointer, wanted[i].layout, type);
    }
  }
  func::ReturnOp::create(b);
  code.arenaBytes = arena.size();
}

void ProgramEmitter::emitShardMap(ir::ShardMapOp op) {
  llvm::SetVector<Value> captured;
  op.getBody().walk([&](Operation* inner) {
    for (Value operand : inner->getOperands())
      if (!op.getBody().isAncestor(operand.getParentRegion())) captured.insert(operand);
  });
  llvm::SmallVector<Value> pointers;
  llvm::SmallVector<bool> split;  // operands of which this process has blocks
  for (Value operand : op.getOperands()) {
    pointers.push_back(densePointerOf(operand));
    split.push_back(typeOf(operand) != arrayType(operand));
  }
  for (Value value : captured) pointers.push_back(densePointerOf(value));
  for (Value value : op.getResults()) pointers.push_back(result(value));

  ProgramEmitter body(module, kernels, target, freshName(module, name + "_device"), op.getMesh());
  body.deviceScalars = deviceScalars;
  body.code.collectives = code.collectives;
  body.emitBody(op, captured.getArrayRef(), split);
  code.collectives = body.code.collectives;
  b.setLoc(op.getLoc());

  auto axes = op.getMesh();
  llvm::SmallVector<Value> names;
  for (StringAttr axis : axes.getNames()) names.push_back(globalText(axis.getValue()));
  Value nameList = names.empty() ? Value(LLVM::ZeroOp::create(b, pointerType(b))) : globalStruct("names", names);
  Value descriptor = globalStruct("mesh", {number(names.size(), 32), globalIntegers(axes.getSizes(), 64), nameList});
  Value address = addressOf(body.code.entry);  // a function of the func dialect until the whole module is lowered
  Value site = globalStruct("site", siteFields(op));
  code.mayFail = true;
  code.parallel = true;
  int64_t devices = volume(axes.getSizes());
  code.work += loopFactor * body.code.work * static_cast<double>(devices);
  // Devices that meet often and do little between are fastest in turn on one thread: a meeting is then a switch of
  // fibers, and costs less than one cache line's way between cores.
  constexpr double kWorthMeeting = 4e3;
  double work = body.code.meetings > 1 && body.code.work / body.code.meetings < kWorthMeeting ? 0 : body.code.work;
  call("skein_run_spmd", {context, descriptor, address, pointerArray(pointers), number(body.code.arenaBytes), number(static_cast<int64_t>(work)), site});
}

ProgramCode emitProgram(ModuleOp module, ModuleOp kernels, func::FuncOp function, llvm::ArrayRef<int> donated, const Target& target) {
  math::TargetScope scope({.avx512 = target.gpu.empty() && target.vectorBytes == 64});
  ProgramEmitter emitter(module, kernels, target, "skein_program", {});
  emitter.emitMain(function, donated);
  return emitter.code;
}

}  // namespace skein::compiler
