// Batching rules of ops whose operands say where they read or write. Where the examples have the same places, dimensions move up
// by one. Where they differ, batch and indexed dimension become one, in which an example's places start at example * size.
#include "dialects/skein/batching_rules.h"

namespace skein::ir {

using namespace mlir;

/// The dtype of indices below `count`.
static Type indexType(Batcher& r, int64_t count) { return count <= INT32_MAX ? r.b.getI32Type() : r.b.getI64Type(); }

static Type elementOf(Value v) { return arrayType(v).getElementType(); }

static int64_t greatest(Type element) {
  auto integer = llvm::cast<IntegerType>(element);
  unsigned bits = integer.getWidth() - (integer.isUnsigned() ? 0 : 1);
  return bits >= 63 ? INT64_MAX : (int64_t(1) << bits) - 1;
}

/// Indices of narrow dtypes in int32, which holds them all.
static Value widened(Batcher& r, Value indices) {
  return llvm::cast<IntegerType>(elementOf(indices)).getWidth() < 32 ? r.converted(indices, r.b.getI32Type()) : indices;
}

/// Integers clamped to low..high; a dtype that ends below `high` needs no bound there.
static Value clamped(Batcher& r, Value v, int64_t low, int64_t high) {
  auto shape = arrayType(v).getShape();
  Value least = r.splat(shape, elementOf(v), low), most = r.splat(shape, elementOf(v), std::min(high, greatest(elementOf(v))));
  return ClampOp::create(r.b, least, v, most);
}

/// Behind the batch, `first` dimensions and the `second` after them change places.
static Dims exchanged(int64_t rank, int64_t first, int64_t second) {
  Dims order;
  order.push_back(0);
  for (int64_t d = 0; d < second; ++d) order.push_back(1 + first + d);
  for (int64_t d = 0; d < first; ++d) order.push_back(1 + d);
  for (int64_t d = 1 + first + second; d < rank; ++d) order.push_back(d);
  return order;
}

/// [batch, ..., n, ...] as [batch * n, ...]; `dim` is the place of n without the batch.
static Value flattened(Batcher& r, Value v, int64_t dim) {
  Value moved = r.transposed(v, exchanged(arrayType(v).getRank(), dim, 1));
  auto shape = arrayType(moved).getShape();
  Dims flat(shape.drop_front());
  flat[0] = shape[0] * shape[1];
  return ReshapeOp::create(r.b, moved, flat);
}

/// example * n, for indices of all examples, in that dtype.
static Value offsets(Batcher& r, llvm::ArrayRef<int64_t> shape, Type element, int64_t n) {
  Value example = r.iota(shape, element, 0);
  return MulOp::create(r.b, example, r.splat(shape, element, n));
}

/// `take` of an example along `dim`; `inside`: the indices are in range.
static Batched take(Batcher& r, Batched operand, Batched indices, int64_t dim, bool inside = false) {
  if (!indices.batched) {
    Value taken = TakeOp::create(r.b, operand.value, indices.value, operand.batched ? dim + 1 : dim);
    return Batched{taken, operand.batched};
  }
  if (!operand.batched) {
    Value taken = TakeOp::create(r.b, operand.value, indices.value, dim);
    return Batched{r.transposed(taken, toFront(arrayType(taken).getRank(), dim)), true};
  }
  int64_t n = arrayType(operand.value).getDimSize(dim + 1), spread = arrayType(indices.value).getRank() - 1;
  Type wide = indexType(r, r.size * n);
  Value own = indices.value;
  if (!inside) own = clamped(r, widened(r, own), 0, std::max<int64_t>(n - 1, 0));
  Value places = AddOp::create(r.b, r.converted(own, wide), offsets(r, arrayType(own).getShape(), wide, n));
  Value taken = TakeOp::create(r.b, flattened(r, operand.value, dim), places, 0);
  return Batched{r.transposed(taken, exchanged(arrayType(taken).getRank(), spread, dim)), true};
}

static MaybeExamples batchScatter(Batcher& r, ScatterOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Batched indices = operands[1];
  int64_t dim = op.getDim();
  Value operand = r.whole(operands[0]), updates = r.whole(operands[2]);
  if (!indices.batched) return r.results(r.again(op, {operand, indices.value, updates}, {r.number("dim", dim + 1)}), true);
  auto single = arrayType(op.getOperand());
  int64_t n = single.getDimSize(dim), spread = arrayType(indices.value).getRank() - 1;
  Value own = widened(r, indices.value);
  auto shape = arrayType(own).getShape();
  Type dtype = elementOf(own), wide = indexType(r, r.size * n);
  Value valid = GeOp::create(b, own, r.splat(shape, dtype, 0));
  if (n <= greatest(dtype)) valid = AndOp::create(b, valid, Value(LtOp::create(b, own, r.splat(shape, dtype, n))));
  // What is out of an example's range is out of the whole's.
  Value places = AddOp::create(b, r.converted(own, wide), offsets(r, shape, wide, n));
  places = SelectOp::create(b, valid, places, r.splat(shape, wide, r.size * n));
  Value moved = r.transposed(updates, exchanged(arrayType(updates).getRank(), dim, spread));
  Value flat = flattened(r, operand, dim);
  // The batch is the first dimension of the indices, so the updates' shape fits as it is.
  Operation* made = r.again(op, {flat, places, moved}, {r.number("dim", 0)});
  if (!made) return failure();
  Dims split = r.leading(arrayType(flat).getShape().drop_front(), n);
  Value result = ReshapeOp::create(b, made->getResult(0), r.leading(split));
  return oneValue(r.transposed(result, exchanged(single.getRank() + 1, 1, dim)), true);
}

/// The starts' clamped values, in the dtype of indices below `count`.
static Batched clampedStart(Batcher& r, Batched start, int64_t last, int64_t count) {
  return Batched{r.converted(clamped(r, widened(r, start.value), 0, last), indexType(r, count)), start.batched};
}

static MaybeExamples batchDynamicSlice(Batcher& r, DynamicSliceOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Batched operand = operands[0];
  auto starts = operands.drop_front();
  Dims shape(arrayType(op.getOperand()).getShape()), sizes(op.getSizes());
  int64_t rank = shape.size();
  // First the dimensions whose start is the same for all; the rest stays whole. A start of a whole window means 0.
  Dims ragged, window = sizes;
  Value zero = r.splat({}, b.getI32Type(), 0);
  llvm::SmallVector<Value> first;
  if (operand.batched) first.push_back(zero);
  for (int64_t d = 0; d < rank; ++d) {
    first.push_back(starts[d].batched ? zero : starts[d].value);
    if (!starts[d].batched || sizes[d] == shape[d]) continue;
    ragged.push_back(d);
    window[d] = shape[d];
  }
  if (window != shape) operand.value = DynamicSliceOp::create(b, operand.value, first, operand.batched ? r.leading(window) : window);
  if (ragged.empty()) return Examples{operand};
  if (ragged.size() == 1) {
    int64_t d = ragged[0];
    Value start = clampedStart(r, starts[d], shape[d] - sizes[d], shape[d]).value;
    Dims each = r.leading(llvm::ArrayRef(sizes[d]));
    Value indices = AddOp::create(b, r.broadcast(start, each, Dims{0}), r.iota(each, elementOf(start), 1));
    return Examples{take(r, operand, Batched{indices, true}, d, true)};
  }
  // Several: they become one dimension in front, indexed row-major.
  Dims order = ragged, each = r.leading({});
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(ragged, d)) order.push_back(d);
  int64_t count = 1;
  for (int64_t d : ragged) {
    count *= shape[d];
    each.push_back(sizes[d]);
  }
  Value indices;
  for (auto [k, d] : llvm::enumerate(ragged)) {
    Value start = clampedStart(r, starts[d], shape[d] - sizes[d], count).value;
    Value own = AddOp::create(b, r.broadcast(start, each, Dims{0}), r.iota(each, elementOf(start), static_cast<int64_t>(k) + 1));
    if (indices) {
      Value rows = MulOp::create(b, indices, r.splat(each, elementOf(start), shape[d]));
      own = AddOp::create(b, rows, own);
    }
    indices = own;
  }
  Dims flat;
  flat.push_back(count);
  for (int64_t d : llvm::ArrayRef(order).drop_front(ragged.size())) flat.push_back(window[d]);
  Value moved = r.transposed(operand.value, operand.batched ? r.leading(shifted(order), 0) : order);
  moved = ReshapeOp::create(b, moved, operand.batched ? r.leading(flat) : flat);
  Batched taken = take(r, Batched{moved, operand.batched}, Batched{indices, true}, 0, true);
  Dims back;
  back.push_back(0);
  for (int64_t d = 0; d < rank; ++d) back.push_back(1 + (llvm::find(order, d) - order.begin()));
  return oneValue(r.transposed(taken.value, back), true);
}

/// Where windows differ between examples: each element is the update's inside of the window, the operand's outside.
static MaybeExamples updateRagged(Batcher& r, DynamicUpdateSliceOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Batched operand = operands[0], update = operands[1];
  auto starts = operands.drop_front(2);
  auto shape = arrayType(op.getOperand()).getShape(), window = arrayType(op.getUpdate()).getShape();
  if (llvm::is_contained(window, 0)) return Examples{operand};
  Dims full = r.leading(shape);
  Value inside;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    int64_t n = shape[d], w = window[d];
    if (w == n) continue;
    Batched start = clampedStart(r, starts[d], n - w, n);
    Type dtype = elementOf(start.value);
    Dims line, place;
    if (start.batched) line.push_back(r.size), place.push_back(0);
    line.push_back(n);
    place.push_back(d + 1);
    Value position = r.iota(line, dtype, start.batched ? 1 : 0);
    Value begin = r.broadcast(start.value, line, start.batched ? Dims{0} : Dims{});
    Value offset = SubOp::create(b, position, begin);
    Value above = GeOp::create(b, offset, r.splat(line, dtype, 0)), below = LtOp::create(b, offset, r.splat(line, dtype, w));
    Value within = AndOp::create(b, above, below);
    within = r.broadcast(within, full, place);
    inside = inside ? Value(AndOp::create(b, inside, within)) : within;
    // A window of one is repeated below.
    if (w > 1) update = take(r, update, Batched{clamped(r, offset, 0, w - 1), start.batched}, d, true);
  }
  Dims dims;
  for (int64_t d = update.batched ? 0 : 1; d <= static_cast<int64_t>(shape.size()); ++d) dims.push_back(d);
  Value fresh = r.broadcast(update.value, full, dims);
  Value result = SelectOp::create(b, inside, fresh, r.whole(operand));
  return oneValue(result, true);
}

static MaybeExamples batchDynamicUpdateSlice(Batcher& r, DynamicUpdateSliceOp op, llvm::ArrayRef<Batched> operands) {
  auto starts = operands.drop_front(2);
  auto shape = arrayType(op.getOperand()).getShape(), window = arrayType(op.getUpdate()).getShape();
  for (size_t d = 0; d < starts.size(); ++d)
    if (starts[d].batched && window[d] != shape[d]) return updateRagged(r, op, operands);
  // A start of a whole window means 0.
  bool batched = operands[0].batched || operands[1].batched;
  Value zero = r.splat({}, r.b.getI32Type(), 0);
  llvm::SmallVector<Value> values;
  for (const Batched& v : operands.take_front(2)) values.push_back(batched ? r.whole(v) : v.value);
  if (batched) values.push_back(zero);
  for (const Batched& start : starts) values.push_back(start.batched ? zero : start.value);
  return r.results(r.again(op, values), batched);
}

MaybeExamples batchIndexing(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  if (auto from = llvm::dyn_cast<TakeOp>(op)) return Examples{take(r, operands[0], operands[1], from.getDim())};
  if (auto scatter = llvm::dyn_cast<ScatterOp>(op)) return batchScatter(r, scatter, operands);
  if (auto slice = llvm::dyn_cast<DynamicSliceOp>(op)) return batchDynamicSlice(r, slice, operands);
  return batchDynamicUpdateSlice(r, llvm::cast<DynamicUpdateSliceOp>(op), operands);
}

}  // namespace skein::ir
