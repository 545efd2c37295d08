// The shape family: each element of a result is an element of an operand, or a constant.
#include <limits>
#include <optional>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace skein::compiler::interp {

/// Each element of the result is the operand's at `source(index)`; what has no source stays as it is.
static void pull(HostArray& result, const HostArray& operand,
                 llvm::function_ref<std::optional<Index>(const Index&)> source) {
  std::int64_t at = 0;
  forEachIndex(result.shape, [&](const Index& index) {
    if (auto from = source(index)) copyElement(result, at, operand, offsetOf(operand.shape, *from));
    ++at;
  });
}

static Results evaluateConstant(mlir::Operation* op, Operands) {
  HostArray result = emptyResult(op);
  mlir::ElementsAttr value = llvm::cast<ir::ConstantOp>(op).getValue();
  std::int64_t count = result.volume();
  std::size_t size = itemsize(result.dtype);
  if (auto dense = llvm::dyn_cast<mlir::DenseElementsAttr>(value)) {
    if (is_bool(result.dtype)) {  // stored in bits
      for (auto [i, element] : llvm::enumerate(dense.getValues<bool>())) store(result, i, element);
    } else {
      llvm::ArrayRef<char> raw = dense.getRawData();
      for (std::int64_t i = 0; i < count; ++i)
        std::memcpy(result.data.data() + i * size, raw.data() + (dense.isSplat() ? 0 : i * size), size);
    }
    return {result};
  }
  if (auto resource = llvm::dyn_cast<mlir::DenseResourceElementsAttr>(value)) {
    mlir::AsmResourceBlob* blob = resource.getRawHandle().getBlob();
    if (!blob || blob->getData().size() != result.data.size())
      throwInternalError(op, "the data of a constant are missing");
    std::memcpy(result.data.data(), blob->getData().data(), result.data.size());
    return {result};
  }
  throwInternalError(op, "a constant of an unknown kind");
}

static Results evaluateIota(mlir::Operation* op, Operands) {
  HostArray result = emptyResult(op);
  auto dim = llvm::cast<ir::IotaOp>(op).getDim();
  std::int64_t at = 0;
  forEachIndex(result.shape, [&](const Index& index) {
    Integer value = index[dim];
    if (is_complex(result.dtype))
      store(result, at++, Complex(static_cast<Real>(value)));
    else if (is_floating(result.dtype))
      store(result, at++, static_cast<Real>(value));
    else
      store(result, at++, value);
  });
  return {result};
}

static Results evaluateReshape(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  result.data = operands[0]->data;
  return {result};
}

static Results evaluateBroadcast(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto dims = llvm::cast<ir::BroadcastOp>(op).getDims();
  pull(result, *operands[0], [&](const Index& index) {
    Index from;
    for (auto [i, dim] : llvm::enumerate(dims)) from.push_back(operands[0]->shape[i] == 1 ? 0 : index[dim]);
    return from;
  });
  return {result};
}

static Results evaluateTranspose(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto permutation = llvm::cast<ir::TransposeOp>(op).getPermutation();
  pull(result, *operands[0], [&](const Index& index) {
    Index from(index.size());
    for (auto [i, dim] : llvm::enumerate(permutation)) from[dim] = index[i];
    return from;
  });
  return {result};
}

static Results evaluateConcatenate(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto dim = llvm::cast<ir::ConcatenateOp>(op).getDim();
  std::int64_t start = 0;
  for (const HostArray* operand : operands) {
    std::int64_t size = operand->shape[dim];
    pull(result, *operand, [&](const Index& index) -> std::optional<Index> {
      if (index[dim] < start || index[dim] >= start + size) return std::nullopt;
      Index from = index;
      from[dim] -= start;
      return from;
    });
    start += size;
  }
  return {result};
}

static Results evaluateSlice(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto slice = llvm::cast<ir::SliceOp>(op);
  pull(result, *operands[0], [&](const Index& index) {
    Index from;
    for (auto [start, stride, i] : llvm::zip_equal(slice.getStarts(), slice.getStrides(), index))
      from.push_back(start + stride * i);
    return from;
  });
  return {result};
}

/// Start indices, moved so that a window of shape `sizes` lies inside of `shape`.
static Index clampStarts(Operands starts, llvm::ArrayRef<std::int64_t> shape, llvm::ArrayRef<std::int64_t> sizes) {
  Index result;
  for (auto [start, size, window] : llvm::zip_equal(starts, shape, sizes)) {
    Integer value = loadInteger(*start, 0);
    if (start->dtype == DType::uint64 && value < 0) value = std::numeric_limits<Integer>::max();
    result.push_back(std::clamp<Integer>(value, 0, size - window));
  }
  return result;
}

static Results evaluateDynamicSlice(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  Index starts = clampStarts(operands.drop_front(), operands[0]->shape, result.shape);
  pull(result, *operands[0], [&](const Index& index) {
    Index from = index;
    for (std::size_t i = 0; i < from.size(); ++i) from[i] += starts[i];
    return from;
  });
  return {result};
}

static Results evaluateDynamicUpdateSlice(mlir::Operation* op, Operands operands) {
  HostArray result = *operands[0];
  const HostArray& update = *operands[1];
  Index starts = clampStarts(operands.drop_front(2), result.shape, update.shape);
  std::int64_t at = 0;
  forEachIndex(update.shape, [&](const Index& index) {
    Index to = index;
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += starts[i];
    copyElement(result, offsetOf(result.shape, to), update, at++);
  });
  return {result};
}

static Results evaluatePad(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto pad = llvm::cast<ir::PadOp>(op);
  auto low = pad.getLow(), interior = pad.getInterior();
  for (std::int64_t i = 0; i < result.volume(); ++i) copyElement(result, i, *operands[1], 0);
  pull(result, *operands[0], [&](const Index& index) -> std::optional<Index> {
    Index from;
    for (std::size_t i = 0; i < index.size(); ++i) {
      std::int64_t position = index[i] - low[i], step = interior[i] + 1;
      if (position < 0 || position % step || position / step >= operands[0]->shape[i]) return std::nullopt;
      from.push_back(position / step);
    }
    return from;
  });
  return {result};
}

static Results evaluateReverse(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto dims = llvm::cast<ir::ReverseOp>(op).getDims();
  pull(result, *operands[0], [&](const Index& index) {
    Index from = index;
    for (std::int64_t dim : dims) from[dim] = result.shape[dim] - 1 - from[dim];
    return from;
  });
  return {result};
}

static Results evaluateTake(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray &operand = *operands[0], &indices = *operands[1];
  auto dim = static_cast<std::int64_t>(llvm::cast<ir::TakeOp>(op).getDim());
  pull(result, operand, [&](const Index& index) {
    // The result's dimensions: before dim, the indices', after dim.
    auto middle = index.begin() + dim;
    Index from(index.begin(), middle);
    Integer chosen = loadInteger(indices, offsetOf(indices.shape, Index(middle, middle + indices.rank())));
    if (indices.dtype == DType::uint64 && chosen < 0) chosen = std::numeric_limits<Integer>::max();
    from.push_back(std::clamp<Integer>(chosen, 0, operand.shape[dim] - 1));
    from.insert(from.end(), middle + indices.rank(), index.end());
    return from;
  });
  return {result};
}

void addShape(Meanings& meanings) {
  define<ir::ConstantOp>(meanings, evaluateConstant);
  define<ir::IotaOp>(meanings, evaluateIota);
  define<ir::ReshapeOp>(meanings, evaluateReshape);
  define<ir::BroadcastOp>(meanings, evaluateBroadcast);
  define<ir::TransposeOp>(meanings, evaluateTranspose);
  define<ir::ConcatenateOp>(meanings, evaluateConcatenate);
  define<ir::SliceOp>(meanings, evaluateSlice);
  define<ir::DynamicSliceOp>(meanings, evaluateDynamicSlice);
  define<ir::DynamicUpdateSliceOp>(meanings, evaluateDynamicUpdateSlice);
  define<ir::PadOp>(meanings, evaluatePad);
  define<ir::ReverseOp>(meanings, evaluateReverse);
  define<ir::TakeOp>(meanings, evaluateTake);
}

}  // namespace skein::compiler::interp
