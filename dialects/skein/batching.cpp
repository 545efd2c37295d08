// The batching engine: op by op through a block; ops that work element by element, and what the families share.
#include "dialects/skein/batching.h"

#include "dialects/skein/batching_rules.h"
#include "dialects/skein/typing.h"
#include "skein/base/error.h"

namespace skein::ir {

using namespace mlir;

FailureOr<llvm::SmallVector<Batched>> batch(OpBuilder& b, Block& block, llvm::ArrayRef<Batched> arguments, int64_t size, llvm::StringRef axis, AxesAttr mesh) {
  return Batcher(b, size, axis, mesh).run(block, arguments);
}

LogicalResult cannotBatch(Operation* op, const llvm::Twine& why) {
  emitError(op->getLoc()) << plainName(op->getName().getStringRef()) << ": " << why.str();
  return failure();
}

llvm::SmallVector<Value> valuesOf(llvm::ArrayRef<Batched> values) {
  llvm::SmallVector<Value> plain;
  for (const Batched& v : values) plain.push_back(v.value);
  return plain;
}

Dims shifted(llvm::ArrayRef<int64_t> dims) {
  Dims all;
  for (int64_t d : dims) all.push_back(d + 1);
  return all;
}

Dims toFront(int64_t rank, int64_t from) {
  Dims order;
  order.push_back(from);
  for (int64_t d = 0; d < rank; ++d)
    if (d != from) order.push_back(d);
  return order;
}

Dims fromFront(int64_t rank, int64_t to) {
  Dims order;
  for (int64_t d = 1; d < rank; ++d) order.push_back(d);
  order.insert(order.begin() + to, 0);
  return order;
}

Batcher::Batcher(OpBuilder& at, int64_t size, llvm::StringRef axis, AxesAttr mesh) : b(at.getUnknownLoc(), at), size(size), axis(axis) {
  if (mesh) meshes.push_back(mesh);
}

// ---- the walk ----

MaybeExamples Batcher::run(Block& block, llvm::ArrayRef<Batched> arguments) {
  Location around = b.getLoc();
  for (auto [argument, value] : llvm::zip_equal(block.getArguments(), arguments)) map[argument] = value;
  Examples yielded;
  for (Operation& op : block) {
    if (op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      yielded = all(op.getOperands());
      break;
    }
    b.setLoc(op.getLoc());
    MaybeExamples made = visit(&op);
    if (failed(made)) return failure();
    for (auto [old, value] : llvm::zip_equal(op.getResults(), *made)) map[old] = value;
  }
  b.setLoc(around);
  return yielded;
}

MaybeExamples Batcher::visit(Operation* op) {
  Examples operands = all(op->getOperands());
  for (const Batched& v : operands)
    if (v.batched && !arrayType(v.value).hasStaticShape()) return cannotBatch(op, "vmap takes arrays of static shape, not " + describe(v.value.getType()));
  if (llvm::isa<ForOp, WhileOp, SwitchOp, CallOp, CustomJvpOp, CustomVjpOp, ShardMapOp, KernelOp>(op)) return batchControl(*this, op, operands);
  if (llvm::isa<PrintOp, CheckOp>(op)) return batchEffect(*this, op, operands);
  if (llvm::isa<AxisIndexOp, PvaryOp>(op) || op->hasTrait<ir::OpTrait::Collective>()) return batchCollective(*this, op, operands);
  if (!anyBatched(operands)) return results(again(op, valuesOf(operands)), false);
  if (op->hasTrait<ir::OpTrait::Elementwise>()) return results(again(op, wholes(operands)), true);
  if (llvm::isa<TakeOp, ScatterOp, DynamicSliceOp, DynamicUpdateSliceOp>(op)) return batchIndexing(*this, op, operands);
  return batchDimensions(*this, op, operands);
}

Batched Batcher::of(Value value) const {
  auto found = map.find(value);
  return found == map.end() ? Batched{value, false} : found->second;
}

Examples Batcher::all(ValueRange values) const {
  Examples found;
  for (Value v : values) found.push_back(of(v));
  return found;
}

// ---- ops ----

Operation* Batcher::again(Operation* op, ValueRange operands, llvm::ArrayRef<NamedAttribute> changes) {
  MLIRContext* context = op->getContext();
  OperationState state(op->getLoc(), op->getName());
  state.addOperands(operands);
  state.attributes = NamedAttrList(op->getAttrDictionary());
  for (NamedAttribute change : changes) state.attributes.set(change.getName(), change.getValue());
  if (auto* infer = op->getName().getInterface<InferTypeOpInterface>())
    if (failed(infer->inferReturnTypes(context, state.location, state.operands, state.attributes.getDictionary(context), OpaqueProperties(nullptr), {}, state.types)))
      return nullptr;
  return b.create(state);
}

MaybeExamples Batcher::results(Operation* made, bool batched) {
  if (!made) return failure();
  Examples all;
  for (Value v : made->getResults()) all.push_back(Batched{v, batched});
  return all;
}

NamedAttribute Batcher::number(llvm::StringRef name, int64_t value) { return b.getNamedAttr(name, b.getI64IntegerAttr(value)); }
NamedAttribute Batcher::list(llvm::StringRef name, llvm::ArrayRef<int64_t> values) { return b.getNamedAttr(name, b.getDenseI64ArrayAttr(values)); }

Operation* Batcher::build(llvm::StringRef name, ValueRange operands, llvm::ArrayRef<Type> results, Bodies& bodies, llvm::ArrayRef<NamedAttribute> attributes) {
  OperationState state(b.getLoc(), name);
  state.addOperands(operands);
  state.addTypes(results);
  state.addAttributes(attributes);
  for (std::unique_ptr<Region>& body : bodies) state.addRegion(std::move(body));
  return b.create(state);
}

// ---- with the batch dimension ----

Dims Batcher::leading(llvm::ArrayRef<int64_t> list, int64_t first) const {
  Dims all;
  all.push_back(first);
  llvm::append_range(all, list);
  return all;
}

Value Batcher::whole(Batched v) {
  if (v.batched) return v.value;
  auto type = arrayType(v.value);
  Dims dims;
  for (int64_t d = 0; d < type.getRank(); ++d) dims.push_back(d + 1);
  return broadcast(v.value, leading(type.getShape()), dims);
}

llvm::SmallVector<Value> Batcher::wholes(llvm::ArrayRef<Batched> values) {
  llvm::SmallVector<Value> all;
  for (const Batched& v : values) all.push_back(whole(v));
  return all;
}

Batched Batcher::choose(Value chosen, Batched yes, Batched no) {
  if (yes.value == no.value) return yes;
  Value first = whole(yes), second = whole(no);
  Value each = broadcast(chosen, arrayType(first).getShape(), Dims{0});
  Value result = SelectOp::create(b, each, first, second);
  return Batched{result, true};
}

Value Batcher::row(Value value, Value example) {
  Dims sizes(arrayType(value).getShape()), rest(arrayType(value).getShape().drop_front());
  sizes[0] = 1;
  Value zero = splat({}, b.getI32Type(), 0);
  llvm::SmallVector<Value> starts(sizes.size(), zero);
  starts[0] = example;
  Value cut = DynamicSliceOp::create(b, value, starts, sizes);
  return ReshapeOp::create(b, cut, rest);
}

void Batcher::forEach(llvm::function_ref<void(Value)> emit) {
  Bodies bodies;
  bodies.push_back(std::make_unique<Region>());
  Block& body = bodies[0]->emplaceBlock();
  llvm::SmallVector<Value> bounds;
  bounds.push_back(splat({}, b.getI32Type(), 0));
  bounds.push_back(splat({}, b.getI32Type(), size));
  Value example = body.addArgument(bounds[0].getType(), b.getLoc());
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&body);
    emit(example);
    YieldOp::create(b, ValueRange());
  }
  build(ForOp::getOperationName(), bounds, {}, bodies);
}

void Batcher::when(Value predicate, llvm::function_ref<void()> emit) {
  Bodies bodies;
  for (int k = 0; k < 2; ++k) {
    bodies.push_back(std::make_unique<Region>());
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&bodies.back()->emplaceBlock());
    if (k == 1) emit();
    YieldOp::create(b, ValueRange());
  }
  build(SwitchOp::getOperationName(), converted(predicate, b.getI32Type()), {}, bodies);
}

// ---- plain values ----

Value Batcher::splat(llvm::ArrayRef<int64_t> shape, Type element, int64_t value) {
  if (auto integer = llvm::dyn_cast<IntegerType>(element)) {
    RankedTensorType type = makeType(shape, element, {});
    llvm::APInt bits = llvm::APInt(64, static_cast<uint64_t>(value), true).sextOrTrunc(integer.getWidth());
    return ConstantOp::create(b, type, DenseElementsAttr::get(type, bits));
  }
  return converted(splat(shape, b.getI32Type(), value), element);
}

Value Batcher::iota(llvm::ArrayRef<int64_t> shape, Type element, int64_t dim) { return IotaOp::create(b, shape, element, dim); }

Value Batcher::broadcast(Value value, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> dims) {
  if (arrayType(value).getShape() == shape) return value;
  return BroadcastOp::create(b, value, shape, dims);
}

Value Batcher::transposed(Value value, llvm::ArrayRef<int64_t> order) {
  bool same = llvm::all_of(llvm::enumerate(order), [](auto d) { return static_cast<int64_t>(d.index()) == d.value(); });
  if (same) return value;
  return TransposeOp::create(b, value, order);
}

Value Batcher::converted(Value value, Type element) {
  if (arrayType(value).getElementType() == element) return value;
  return ConvertOp::create(b, value, TypeAttr::get(element));
}

Value Batcher::vary(Value value, llvm::ArrayRef<StringAttr> axes) {
  llvm::SmallVector<StringAttr> names;
  llvm::SmallVector<int64_t> sizes;
  for (StringAttr wanted : axes) {
    if (llvm::is_contained(varying(value.getType()), wanted)) continue;
    int64_t devices = 0;
    for (AxesAttr mesh : meshes)
      for (auto [name, count] : llvm::zip(mesh.getNames(), mesh.getSizes()))
        if (name == wanted) devices = count;
    if (devices == 0) throw InternalError("a value varies over axis " + wanted.getValue().str() + ", which no mesh in force has", "vmap");
    names.push_back(wanted);
    sizes.push_back(devices);
  }
  if (names.empty()) return value;
  return PvaryOp::create(b, value, AxesAttr::get(b.getContext(), names, sizes));
}

}  // namespace skein::ir
