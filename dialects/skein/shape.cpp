// Type rules and folds of the shape family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

static int64_t volume(llvm::ArrayRef<int64_t> shape) {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

static LogicalResult checkLengths(MaybeLoc loc, llvm::StringRef constraint, llvm::StringRef op, RankedTensorType type,
                                  std::initializer_list<llvm::ArrayRef<int64_t>> lists) {
  for (auto list : lists)
    if (static_cast<int64_t>(list.size()) != type.getRank())
      return refuse(loc, constraint, op + " of " + describe(type) + " wants " + llvm::Twine(type.getRank()) + " entries, one for each dimension, not " +
                                         llvm::Twine(list.size()));
  return success();
}

static LogicalResult checkStarts(MaybeLoc loc, llvm::StringRef op, RankedTensorType type, ValueRange starts) {
  if (static_cast<int64_t>(starts.size()) != type.getRank())
    return refuse(loc, (op + ".C1").str(), op + " of " + describe(type) + " wants " + llvm::Twine(type.getRank()) + " start indices, not " + llvm::Twine(starts.size()));
  for (Value start : starts)
    if (arrayType(start).getRank() != 0 || !inDomain(arrayType(start).getElementType(), Domain::Integer))
      return refuse(loc, (op + ".C2").str(), op + ": start indices are integer scalars, not " + describe(start.getType()));
  return success();
}

LogicalResult ConstantOp::inferReturnTypes(MLIRContext*, MaybeLoc, Adaptor adaptor, Types& results) {
  results.push_back(adaptor.getValue().getShapedType());
  return success();
}
OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult IotaOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= static_cast<int64_t>(adaptor.getShape().size()))
    return refuse(loc, "iota.C1", "iota: axis " + llvm::Twine(dim) + " is out of range for shape " + describeShape(adaptor.getShape()));
  if (!inDomain(adaptor.getDtype(), Domain::Number)) return refuse(loc, "iota.C2", "iota has a numeric dtype, not bool");
  results.push_back(makeType(adaptor.getShape(), adaptor.getDtype(), {}));
  return success();
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (volume(type.getShape()) != volume(adaptor.getShape()))
    return refuse(loc, "reshape.C1", "reshape: " + describe(type) + " has " + llvm::Twine(volume(type.getShape())) + " elements, shape " +
                                         describeShape(adaptor.getShape()) + " wants " + llvm::Twine(volume(adaptor.getShape())));
  results.push_back(makeType(adaptor.getShape(), type.getElementType(), varying(type)));
  return success();
}
OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  if (auto inner = getOperand().getDefiningOp<ReshapeOp>()) {
    if (inner.getOperand().getType() == getType()) return inner.getOperand();
    setOperand(inner.getOperand());
    return getResult();
  }
  auto value = llvm::dyn_cast_or_null<DenseElementsAttr>(adaptor.getOperand());
  if (value && varying(getType()).empty()) return value.reshape(llvm::cast<ShapedType>(getType()));
  return {};
}

LogicalResult BroadcastOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  auto shape = adaptor.getShape();
  if (failed(checkLengths(loc, "broadcast.C1", "broadcast", type, {adaptor.getDims()}))) return failure();
  int64_t previous = -1;
  for (auto [i, dim] : llvm::enumerate(adaptor.getDims())) {
    if (dim <= previous || dim >= static_cast<int64_t>(shape.size()))
      return refuse(loc, "broadcast.C2", "broadcast: the operand's dimensions keep their order within the result's " + llvm::Twine(shape.size()) + " dimensions");
    previous = dim;
    int64_t size = type.getDimSize(i);
    if (size != 1 && size != shape[dim])
      return refuse(loc, "broadcast.C3", "broadcast: dimension " + llvm::Twine(i) + " of " + describe(type) + " has size " + llvm::Twine(size) +
                                             "; it cannot be broadcast to " + llvm::Twine(shape[dim]) + " of shape " + describeShape(shape));
  }
  results.push_back(makeType(shape, type.getElementType(), varying(type)));
  return success();
}
OpFoldResult BroadcastOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  auto value = llvm::dyn_cast_or_null<DenseElementsAttr>(adaptor.getOperand());
  if (value && value.isSplat() && varying(getType()).empty()) return value.resizeSplat(llvm::cast<ShapedType>(getType()));
  return {};
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkLengths(loc, "transpose.C1", "transpose", type, {adaptor.getPermutation()})) ||
      failed(checkDims(loc, "transpose.C2", adaptor.getPermutation(), type)))
    return failure();
  SmallVector<int64_t> shape;
  for (int64_t dim : adaptor.getPermutation()) shape.push_back(type.getDimSize(dim));
  results.push_back(makeType(shape, type.getElementType(), varying(type)));
  return success();
}
OpFoldResult TransposeOp::fold(FoldAdaptor) {
  bool identity = llvm::all_of(llvm::enumerate(getPermutation()), [](auto p) { return static_cast<int64_t>(p.index()) == p.value(); });
  return identity && getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult();
}

LogicalResult ConcatenateOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  ValueRange operands = adaptor.getOperands();
  if (operands.empty()) return refuse(loc, "concatenate.C1", "concatenate wants at least one array");
  auto first = arrayType(operands[0]);
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= first.getRank())
    return refuse(loc, "concatenate.C2", "concatenate: axis " + llvm::Twine(dim) + " is out of range for " + describe(first));
  SmallVector<int64_t> shape(first.getShape());
  for (Value other : operands.drop_front()) {
    auto type = arrayType(other);
    bool fits = type.getRank() == first.getRank() && type.getElementType() == first.getElementType();
    for (int64_t i = 0; fits && i < first.getRank(); ++i) fits = i == dim || type.getDimSize(i) == first.getDimSize(i);
    if (!fits)
      return refuse(loc, "concatenate.C3", "concatenate along axis " + llvm::Twine(dim) + ": arrays agree in dtype and in all other dimensions; these do not: " +
                                               describeAll(operands.getTypes()));
    shape[dim] += type.getDimSize(dim);
  }
  results.push_back(makeType(shape, first.getElementType(), joinVarying(operands.getTypes())));
  return success();
}
OpFoldResult ConcatenateOp::fold(FoldAdaptor) {
  return getOperands().size() == 1 && getOperands()[0].getType() == getType() ? OpFoldResult(getOperands()[0]) : OpFoldResult();
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  auto starts = adaptor.getStarts(), stops = adaptor.getStops(), strides = adaptor.getStrides();
  if (failed(checkLengths(loc, "slice.C1", "slice", type, {starts, stops, strides}))) return failure();
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (strides[i] < 1 || starts[i] < 0 || stops[i] < starts[i] || stops[i] > type.getDimSize(i))
      return refuse(loc, "slice.C2", "slice " + llvm::Twine(starts[i]) + ":" + llvm::Twine(stops[i]) + ":" + llvm::Twine(strides[i]) +
                                         " does not lie within dimension " + llvm::Twine(i) + " of " + describe(type));
    shape.push_back((stops[i] - starts[i] + strides[i] - 1) / strides[i]);
  }
  results.push_back(makeType(shape, type.getElementType(), varying(type)));
  return success();
}
OpFoldResult SliceOp::fold(FoldAdaptor) { return getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult(); }

LogicalResult DynamicSliceOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  auto sizes = adaptor.getSizes();
  if (failed(checkStarts(loc, "dynamic_slice", type, adaptor.getStarts())) || failed(checkLengths(loc, "dynamic_slice.C3", "dynamic_slice", type, {sizes})))
    return failure();
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (sizes[i] < 0 || sizes[i] > type.getDimSize(i))
      return refuse(loc, "dynamic_slice.C4", "dynamic_slice: a window of shape " + describeShape(sizes) + " does not fit into " + describe(type));
  results.push_back(makeType(sizes, type.getElementType(), joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

LogicalResult DynamicUpdateSliceOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand()), update = arrayType(adaptor.getUpdate());
  if (failed(checkStarts(loc, "dynamic_update_slice", type, adaptor.getStarts()))) return failure();
  bool fits = type.getRank() == update.getRank() && type.getElementType() == update.getElementType();
  for (int64_t i = 0; fits && i < type.getRank(); ++i) fits = update.getDimSize(i) <= type.getDimSize(i);
  if (!fits) return refuse(loc, "dynamic_update_slice.C3", "dynamic_update_slice: the update " + describe(update) + " does not fit into " + describe(type));
  results.push_back(withVarying(type, joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

LogicalResult PadOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand()), value = arrayType(adaptor.getValue());
  auto low = adaptor.getLow(), high = adaptor.getHigh(), interior = adaptor.getInterior();
  if (failed(checkLengths(loc, "pad.C1", "pad", type, {low, high, interior}))) return failure();
  if (value.getRank() != 0 || value.getElementType() != type.getElementType())
    return refuse(loc, "pad.C2", "pad: the padding value is a scalar of the array's dtype, not " + describe(value) + " for " + describe(type));
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    int64_t size = type.getDimSize(i);
    int64_t padded = low[i] + high[i] + size + (size > 0 ? (size - 1) * interior[i] : 0);
    if (interior[i] < 0 || padded < 0)
      return refuse(loc, "pad.C3", "pad: dimension " + llvm::Twine(i) + " of " + describe(type) + " would get " + llvm::Twine(padded) + " elements");
    shape.push_back(padded);
  }
  results.push_back(makeType(shape, type.getElementType(), joinVarying(adaptor.getOperands().getTypes())));
  return success();
}
OpFoldResult PadOp::fold(FoldAdaptor) {
  auto zero = [](llvm::ArrayRef<int64_t> list) { return llvm::all_of(list, [](int64_t v) { return v == 0; }); };
  bool nothing = zero(getLow()) && zero(getHigh()) && zero(getInterior());
  return nothing && getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult();
}

LogicalResult ReverseOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  if (failed(checkDims(loc, "reverse.C1", adaptor.getDims(), arrayType(adaptor.getOperand())))) return failure();
  results.push_back(adaptor.getOperand().getType());
  return success();
}
OpFoldResult ReverseOp::fold(FoldAdaptor) { return getDims().empty() ? OpFoldResult(getOperand()) : OpFoldResult(); }

LogicalResult TakeOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand()), indices = arrayType(adaptor.getIndices());
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= type.getRank()) return refuse(loc, "take.C1", "take: axis " + llvm::Twine(dim) + " is out of range for " + describe(type));
  if (!inDomain(indices.getElementType(), Domain::Integer)) return refuse(loc, "take.C2", "take: indices are integers, not " + describe(indices));
  if (type.getDimSize(dim) == 0 && volume(indices.getShape()) != 0)
    return refuse(loc, "take.C3", "take: axis " + llvm::Twine(dim) + " of " + describe(type) + " is empty");
  SmallVector<int64_t> shape(type.getShape().take_front(dim));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, type.getShape().drop_front(dim + 1));
  results.push_back(makeType(shape, type.getElementType(), joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

}  // namespace skein::ir
