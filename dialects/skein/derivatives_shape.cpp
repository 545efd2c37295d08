// Derivatives of the shape and indexing families: linear ops, each with the op that moves cotangents back.
#include <algorithm>

#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

Dims shapeOf(Value v) { return Dims(arrayType(v).getShape()); }
int64_t countOf(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}
Value scalarZero(Emitter& e, Value like) { return e.constant(RankedTensorType::get({}, arrayType(like).getElementType()), 0); }

/// The op on the tangents of its first `count` operands, zeros where there are none.
LogicalResult pushJoint(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, unsigned count, Values& results) {
  Values operands = valuesOf(op->getOperands());
  bool any = false;
  for (unsigned i = 0; i < count; ++i) {
    any |= static_cast<bool>(tangents[i]);
    operands[i] = tangents[i] ? tangents[i] : e.constant(operands[i].getType(), 0);
  }
  if (any) results[0] = e.rebuild(op, operands)->getResult(0);
  return success();
}

LogicalResult pullReshape(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, op->getOperand(0), e.reshape(cotangents[0], shapeOf(op->getOperand(0))));
  return success();
}

LogicalResult pullBroadcast(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto broadcast = llvm::cast<BroadcastOp>(op);
  auto shape = broadcast.getShape(), dims = broadcast.getDims();
  Dims from = shapeOf(broadcast.getOperand()), repeated;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    auto found = llvm::find(dims, d);
    if (found == dims.end() || (from[found - dims.begin()] == 1 && shape[d] != 1)) repeated.push_back(d);
  }
  Value ct = cotangents[0];
  if (!repeated.empty()) ct = e.make<ReduceSumOp>(ct, repeated);
  accounts.add(e, broadcast.getOperand(), e.reshape(ct, from));
  return success();
}

LogicalResult pullTranspose(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto permutation = llvm::cast<TransposeOp>(op).getPermutation();
  Dims inverse(permutation.size());
  for (auto [i, d] : llvm::enumerate(permutation)) inverse[d] = i;
  accounts.add(e, op->getOperand(0), e.make<TransposeOp>(cotangents[0], inverse));
  return success();
}

LogicalResult pushConcatenate(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  return pushJoint(e, op, tangents, op->getNumOperands(), results);
}
LogicalResult pullConcatenate(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  int64_t dim = llvm::cast<ConcatenateOp>(op).getDim();
  Dims starts(arrayType(cotangents[0]).getRank(), 0), stops = shapeOf(cotangents[0]), strides(starts.size(), 1);
  for (Value part : op->getOperands()) {
    stops[dim] = starts[dim] + arrayType(part).getDimSize(dim);
    if (accounts.wants(part)) accounts.add(e, part, e.make<SliceOp>(cotangents[0], starts, stops, strides));
    starts[dim] = stops[dim];
  }
  return success();
}

LogicalResult pullSlice(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto slice = llvm::cast<SliceOp>(op);
  Dims from = shapeOf(slice.getOperand()), size = shapeOf(slice.getResult()), low(slice.getStarts()), high, interior;
  for (size_t d = 0; d < from.size(); ++d) {
    int64_t stride = slice.getStrides()[d];
    int64_t spread = size[d] ? (size[d] - 1) * stride + 1 : 0;
    interior.push_back(stride - 1);
    high.push_back(from[d] - low[d] - spread);
  }
  accounts.add(e, slice.getOperand(), e.make<PadOp>(cotangents[0], scalarZero(e, cotangents[0]), low, high, interior));
  return success();
}

LogicalResult pullDynamicSlice(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto slice = llvm::cast<DynamicSliceOp>(op);
  Value from = slice.getOperand(), ct = cotangents[0];
  if (!accounts.wants(from)) return success();
  Values starts = valuesOf(slice.getStarts());
  Values all = starts;
  all.push_back(ct);
  // Windows add to what the account holds in place: a loop over the windows of an array costs no more than the array.
  Axes axes = joinVarying(ValueRange(all).getTypes());
  llvm::append_range(axes, varying(e.cotangentType(from.getType())));
  if (Value* sum = accounts.part(from, axes)) {
    Value window = e.add(e.make<DynamicSliceOp>(*sum, starts, slice.getSizes()), ct);
    *sum = e.make<DynamicUpdateSliceOp>(*sum, window, starts);
  } else {
    accounts.add(e, from, e.make<DynamicUpdateSliceOp>(e.constant(from.getType(), 0), ct, starts));
  }
  return success();
}

LogicalResult pushDynamicUpdateSlice(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  return pushJoint(e, op, tangents, 2, results);
}
LogicalResult pullDynamicUpdateSlice(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto put = llvm::cast<DynamicUpdateSliceOp>(op);
  Values starts = valuesOf(put.getStarts());
  if (accounts.wants(put.getUpdate())) accounts.add(e, put.getUpdate(), e.make<DynamicSliceOp>(cotangents[0], starts, shapeOf(put.getUpdate())));
  if (accounts.wants(put.getOperand()))
    accounts.add(e, put.getOperand(), e.make<DynamicUpdateSliceOp>(cotangents[0], e.constant(put.getUpdate().getType(), 0), starts));
  return success();
}

LogicalResult pushPad(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  return pushJoint(e, op, tangents, 2, results);
}
LogicalResult pullPad(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto pad = llvm::cast<PadOp>(op);
  Value ct = cotangents[0];
  auto type = arrayType(pad.getOperand());
  if (accounts.wants(pad.getOperand())) {
    Dims low, high, strides, starts(type.getRank(), 0), none(type.getRank(), 0);
    for (int64_t d = 0; d < type.getRank(); ++d) {
      low.push_back(-pad.getLow()[d]);
      high.push_back(-pad.getHigh()[d]);
      strides.push_back(pad.getInterior()[d] + 1);
    }
    Value dense = e.make<PadOp>(ct, scalarZero(e, ct), low, high, none);
    accounts.add(e, pad.getOperand(), e.make<SliceOp>(dense, starts, shapeOf(dense), strides));
  }
  if (accounts.wants(pad.getValue())) {
    Type boolean = e.getI1Type();
    Value inner = e.integer(withElement(type, boolean), 0);
    Value padding = e.make<PadOp>(inner, e.scalar(boolean, 1), pad.getLow(), pad.getHigh(), pad.getInterior());
    Dims all;
    for (int64_t d = 0; d < type.getRank(); ++d) all.push_back(d);
    accounts.add(e, pad.getValue(), e.make<ReduceSumOp>(e.where(padding, ct), all));
  }
  return success();
}

LogicalResult pullReverse(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, op->getOperand(0), e.make<ReverseOp>(cotangents[0], llvm::cast<ReverseOp>(op).getDims()));
  return success();
}

// ---- indices ----

/// The greatest integer of a dtype, as far as sizes of dimensions go.
int64_t greatest(Type element) {
  auto integer = llvm::cast<IntegerType>(element);
  unsigned bits = integer.getWidth() - (integer.isUnsigned() ? 0 : 1);
  return bits >= 63 ? INT64_MAX : (int64_t{1} << bits) - 1;
}

/// The indices moved into range, as `take` does it.
Value clamped(Emitter& e, Value indices, int64_t size) {
  int64_t last = std::min(size - 1, greatest(arrayType(indices).getElementType()));
  return e.make<ClampOp>(e.integer(indices.getType(), 0), indices, e.integer(indices.getType(), last));
}

/// A bool for each index: whether it lies in range.
Value inRange(Emitter& e, Value indices, int64_t size) {
  Value wide = e.convert(indices, e.getI64Type());
  return e.make<AndOp>(e.make<GeOp>(wide, e.integer(wide.getType(), 0)), e.make<LtOp>(wide, e.integer(wide.getType(), size)));
}

/// A value for each index as one for each element of the updates.
Value forUpdates(Emitter& e, Value perIndex, int64_t dim, llvm::ArrayRef<int64_t> shape) {
  Dims dims;
  for (int64_t i = 0; i < arrayType(perIndex).getRank(); ++i) dims.push_back(dim + i);
  return e.make<BroadcastOp>(perIndex, shape, dims);
}

LogicalResult pullTake(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto take = llvm::cast<TakeOp>(op);
  Value from = take.getOperand(), indices = take.getIndices(), ct = cotangents[0];
  int64_t dim = take.getDim(), size = arrayType(from).getDimSize(dim);
  if (!accounts.wants(from) || countOf(arrayType(ct).getShape()) == 0) return success();
  Value places = clamped(e, indices, size);
  Values all{ct, places};
  Axes axes = joinVarying(ValueRange(all).getTypes());
  llvm::append_range(axes, varying(e.cotangentType(from.getType())));
  if (Value* sum = accounts.part(from, axes))
    *sum = e.make<ScatterOp>(*sum, places, ct, dim, llvm::StringRef("add"));
  else
    accounts.add(e, from, e.make<ScatterOp>(e.constant(from.getType(), 0), places, ct, dim, llvm::StringRef("add")));
  return success();
}

LogicalResult refuseScatter(Emitter& e, llvm::StringRef kind) {
  return e.emitError("scatter of kind " + kind + " has no derivative; scatter with set or add, or stop the derivative of what it writes");
}

LogicalResult pushScatter(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  auto scatter = llvm::cast<ScatterOp>(op);
  if (scatter.getKind() != "set" && scatter.getKind() != "add") return refuseScatter(e, scatter.getKind());
  bool add = scatter.getKind() == "add";
  if (add && !tangents[2]) {
    results[0] = tangents[0];
    return success();
  }
  Value operand = tangents[0] ? tangents[0] : e.constant(scatter.getOperand().getType(), 0);
  Value updates = tangents[2] ? tangents[2] : e.constant(scatter.getUpdates().getType(), 0);
  results[0] = e.make<ScatterOp>(operand, scatter.getIndices(), updates, scatter.getDim(), scatter.getKind());
  return success();
}

LogicalResult pullScatter(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto scatter = llvm::cast<ScatterOp>(op);
  if (scatter.getKind() != "set" && scatter.getKind() != "add") return refuseScatter(e, scatter.getKind());
  bool add = scatter.getKind() == "add";
  Value operand = scatter.getOperand(), indices = scatter.getIndices(), updates = scatter.getUpdates(), ct = cotangents[0];
  int64_t dim = scatter.getDim(), size = arrayType(operand).getDimSize(dim);
  Dims shape(arrayType(updates).getShape());
  if (accounts.wants(operand)) {
    bool nothing = add || countOf(shape) == 0;
    accounts.add(e, operand, nothing ? ct : e.make<ScatterOp>(ct, indices, e.constant(updates.getType(), 0), dim, llvm::StringRef("set")));
  }
  if (!accounts.wants(updates) || countOf(shape) == 0 || size == 0) return success();
  Value written = inRange(e, indices, size);
  int64_t count = countOf(arrayType(indices).getShape());
  if (!add && count > 1) {
    // Of several updates of one place only the one that stays counts: each writes its number, and looks whether it is still there.
    Type number = count > INT32_MAX ? e.getI64Type() : e.getI32Type();
    Value numbers = e.reshape(e.make<IotaOp>(Dims{count}, number, uint64_t{0}), arrayType(indices).getShape());
    Value none = e.integer(RankedTensorType::get({size}, number), -1);
    Value last = e.make<ScatterOp>(none, indices, numbers, uint64_t{0}, llvm::StringRef("set"));
    written = e.make<AndOp>(written, e.eq(e.make<TakeOp>(last, indices, uint64_t{0}), numbers));
  }
  Value taken = e.make<TakeOp>(ct, indices, static_cast<uint64_t>(dim));
  accounts.add(e, updates, e.where(forUpdates(e, written, dim, shape), taken));
  return success();
}

}  // namespace

void addShapeRules(Rules& rules) {
  addZeroRules<ConstantOp, IotaOp>(rules);
  addRule<ReshapeOp>(rules, pushLinear, pullReshape);
  addRule<BroadcastOp>(rules, pushLinear, pullBroadcast);
  addRule<TransposeOp>(rules, pushLinear, pullTranspose);
  addRule<ConcatenateOp>(rules, pushConcatenate, pullConcatenate);
  addRule<SliceOp>(rules, pushLinear, pullSlice);
  addRule<DynamicSliceOp>(rules, pushLinear, pullDynamicSlice);
  addRule<DynamicUpdateSliceOp>(rules, pushDynamicUpdateSlice, pullDynamicUpdateSlice);
  addRule<PadOp>(rules, pushPad, pullPad);
  addRule<ReverseOp>(rules, pushLinear, pullReverse);
  addRule<TakeOp>(rules, pushLinear, pullTake);
  addRule<ScatterOp>(rules, pushScatter, pullScatter);
}

}  // namespace skein::ir
