// Batching rules of ops whose attributes name dimensions: these move up by one.
#include "dialects/skein/batching_rules.h"

namespace skein::ir {

using namespace mlir;

static llvm::ArrayRef<int64_t> listOf(Operation* op, llvm::StringRef name) { return op->getAttrOfType<DenseI64ArrayAttr>(name).asArrayRef(); }

static MaybeExamples batchPad(Batcher& r, PadOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Batched operand = operands[0], value = operands[1];
  Dims low = r.leading(op.getLow(), 0), high = r.leading(op.getHigh(), 0), interior = r.leading(op.getInterior(), 0);
  if (!value.batched) return r.results(r.again(op, valuesOf(operands), {r.list("low", low), r.list("high", high), r.list("interior", interior)}), true);
  // Padded with something first; then each example's value goes wherever no element is.
  auto single = arrayType(op.getOperand());
  Value something = r.splat({}, single.getElementType(), 0), padded;
  if (operand.batched)
    padded = PadOp::create(b, operand.value, something, low, high, interior);
  else
    padded = PadOp::create(b, operand.value, something, op.getLow(), op.getHigh(), op.getInterior());
  Value ones = r.splat(single.getShape(), b.getI1Type(), 1), zero = r.splat({}, b.getI1Type(), 0);
  Value elements = PadOp::create(b, ones, zero, op.getLow(), op.getHigh(), op.getInterior());
  padded = r.whole(Batched{padded, operand.batched});
  Value filling = r.broadcast(value.value, arrayType(padded).getShape(), Dims{0});
  Value result = SelectOp::create(b, r.whole(Batched{elements, false}), padded, filling);
  return oneValue(result, true);
}

static MaybeExamples batchDotGeneral(Batcher& r, DotGeneralOp op, llvm::ArrayRef<Batched> operands) {
  bool left = operands[0].batched, right = operands[1].batched;
  auto moved = [&](llvm::ArrayRef<int64_t> dims, bool batched) { return batched ? shifted(dims) : Dims(dims); };
  Dims leftBatch = moved(op.getLhsBatch(), left), rightBatch = moved(op.getRhsBatch(), right);
  if (left && right) leftBatch.insert(leftBatch.begin(), 0), rightBatch.insert(rightBatch.begin(), 0);
  Operation* made = r.again(op, valuesOf(operands),
                            {r.list("lhs_batch", leftBatch), r.list("rhs_batch", rightBatch), r.list("lhs_contract", moved(op.getLhsContract(), left)),
                             r.list("rhs_contract", moved(op.getRhsContract(), right))});
  if (!made || (left && right)) return r.results(made, true);
  // Of one side alone: the examples are its first free dimension.
  int64_t place = op.getLhsBatch().size();
  if (right) place += arrayType(op.getLhs()).getRank() - static_cast<int64_t>(op.getLhsBatch().size() + op.getLhsContract().size());
  Value product = made->getResult(0);
  return oneValue(r.transposed(product, toFront(arrayType(product).getRank(), place)), true);
}

MaybeExamples batchDimensions(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  llvm::SmallVector<Value> values = valuesOf(operands);
  if (auto reshape = llvm::dyn_cast<ReshapeOp>(op)) return r.results(r.again(op, values, {r.list("shape", r.leading(reshape.getShape()))}), true);
  if (auto broadcast = llvm::dyn_cast<BroadcastOp>(op)) {
    Dims shape = r.leading(broadcast.getShape()), dims = r.leading(shifted(broadcast.getDims()), 0);
    return r.results(r.again(op, values, {r.list("shape", shape), r.list("dims", dims)}), true);
  }
  if (auto transpose = llvm::dyn_cast<TransposeOp>(op))
    return r.results(r.again(op, values, {r.list("permutation", r.leading(shifted(transpose.getPermutation()), 0))}), true);
  if (auto slice = llvm::dyn_cast<SliceOp>(op)) {
    Dims starts = r.leading(slice.getStarts(), 0), stops = r.leading(slice.getStops()), strides = r.leading(slice.getStrides(), 1);
    return r.results(r.again(op, values, {r.list("starts", starts), r.list("stops", stops), r.list("strides", strides)}), true);
  }
  if (auto pad = llvm::dyn_cast<PadOp>(op)) return batchPad(r, pad, operands);
  if (auto dot = llvm::dyn_cast<DotGeneralOp>(op)) return batchDotGeneral(r, dot, operands);
  if (llvm::isa<FftOp>(op)) return r.results(r.again(op, values), true);  // it works on the last dimensions
  if (llvm::isa<ConcatenateOp, SortOp, CumulativeOp>(op))
    return r.results(r.again(op, r.wholes(operands), {r.number("dim", op->getAttrOfType<IntegerAttr>("dim").getInt() + 1)}), true);
  if (llvm::isa<ReverseOp, ReduceSumOp, ReduceProdOp, ReduceMaxOp, ReduceMinOp, ReduceAndOp, ReduceOrOp, ArgmaxOp, ArgminOp, MomentsOp>(op))
    return r.results(r.again(op, values, {r.list("dims", shifted(listOf(op, "dims")))}), true);
  // Matrices are the last two dimensions; those before them are a batch.
  if (llvm::isa<CholeskyOp, TriangularSolveOp, LuOp, QrOp, EighOp, SvdOp, SvdvalsOp, EigOp, EigvalsOp>(op)) return r.results(r.again(op, r.wholes(operands)), true);
  return cannotBatch(op, "vmap has no rule for this op");
}

}  // namespace skein::ir
