// Derivatives of the reduce and scan families.
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
llvm::ArrayRef<int64_t> dimsOf(Operation* op) { return op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef(); }

/// What was reduced over the op's dims, repeated along them.
Value spread(Emitter& e, Operation* op, Value reduced) {
  Dims shape = shapeOf(op->getOperand(0)), kept;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(dimsOf(op), d)) kept.push_back(d);
  return e.make<BroadcastOp>(reduced, shape, kept);
}

LogicalResult pullSum(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, op->getOperand(0), spread(e, op, cotangents[0]));
  return success();
}

// ---- greatest and least: those that are it share evenly ----

struct Ties {
  Value mask;   // which elements are the extreme
  Value count;  // how many, in the operand's dtype
};
Ties tiesOf(Emitter& e, Operation* op) {
  Value x = op->getOperand(0);
  Value mask = e.eq(x, spread(e, op, op->getResult(0)));
  return {mask, e.make<ReduceSumOp>(e.convert(mask, arrayType(x).getElementType()), dimsOf(op))};
}
LogicalResult pushExtreme(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Ties ties = tiesOf(e, op);
  results[0] = e.div(e.make<ReduceSumOp>(e.where(ties.mask, tangents[0]), dimsOf(op)), ties.count);
  return success();
}
LogicalResult pullExtreme(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Ties ties = tiesOf(e, op);
  accounts.add(e, op->getOperand(0), e.where(ties.mask, spread(e, op, e.div(cotangents[0], ties.count))));
  return success();
}

// ---- the product, as a tree of products: right whatever factors are zero, and as often as it is derived ----

/// The dims that are reduced as one leading dimension, the others as one behind it.
Value asRows(Emitter& e, Operation* op, Value v) {
  Dims order(dimsOf(op)), shape = shapeOf(v);
  int64_t rows = 1;
  for (int64_t d : order) rows *= shape[d];
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(dimsOf(op), d)) order.push_back(d);
  Value moved = e.make<TransposeOp>(v, order);
  int64_t columns = 1;
  for (int64_t d : llvm::ArrayRef(order).drop_front(dimsOf(op).size())) columns *= shape[d];
  return e.reshape(moved, {rows, columns});
}
Value fromRows(Emitter& e, Operation* op, Value rows) {
  Dims order(dimsOf(op)), shape = shapeOf(op->getOperand(0)), moved;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(dimsOf(op), d)) order.push_back(d);
  Dims inverse(order.size());
  for (auto [i, d] : llvm::enumerate(order)) inverse[d] = i, moved.push_back(shape[d]);
  return e.make<TransposeOp>(e.reshape(rows, moved), inverse);
}

Value rowsBetween(Emitter& e, Value rows, int64_t start, int64_t stop) {
  return e.make<SliceOp>(rows, Dims{start, 0}, Dims{stop, arrayType(rows).getDimSize(1)}, Dims{1, 1});
}
/// The two halves of the rows; the second is filled up with `fill`.
std::pair<Value, Value> halves(Emitter& e, Value rows, double fill) {
  int64_t count = arrayType(rows).getDimSize(0), half = (count + 1) / 2;
  Value first = rowsBetween(e, rows, 0, half), second = rowsBetween(e, rows, half, count);
  if (count - half != half) {
    Value value = e.constant(RankedTensorType::get({}, arrayType(rows).getElementType()), fill);
    second = e.make<PadOp>(second, value, Dims{0, 0}, Dims{1, 0}, Dims{0, 0});
  }
  return {first, second};
}

LogicalResult pushProduct(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Value x = asRows(e, op, op->getOperand(0)), t = asRows(e, op, tangents[0]);
  if (arrayType(x).getDimSize(0) == 0) return success();
  while (arrayType(x).getDimSize(0) > 1) {
    auto [x1, x2] = halves(e, x, 1);
    auto [t1, t2] = halves(e, t, 0);
    t = e.add(e.mul(t1, x2), e.mul(x1, t2));
    x = e.mul(x1, x2);
  }
  results[0] = e.reshape(t, shapeOf(op->getResult(0)));
  return success();
}
LogicalResult pullProduct(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value x = asRows(e, op, op->getOperand(0));
  if (arrayType(x).getDimSize(0) == 0) return success();
  llvm::SmallVector<std::pair<Value, Value>> levels;
  llvm::SmallVector<int64_t> counts;
  while (arrayType(x).getDimSize(0) > 1) {
    counts.push_back(arrayType(x).getDimSize(0));
    levels.push_back(halves(e, x, 1));
    x = e.mul(levels.back().first, levels.back().second);
  }
  Value ct = e.reshape(cotangents[0], shapeOf(x));
  for (size_t level = levels.size(); level-- > 0;) {
    auto [x1, x2] = levels[level];
    int64_t half = (counts[level] + 1) / 2;
    Value first = e.mul(ct, x2), second = e.mul(x1, ct);
    if (counts[level] - half != half) second = rowsBetween(e, second, 0, counts[level] - half);
    Values both{first, second};
    ct = e.make<ConcatenateOp>(both, uint64_t{0});
  }
  accounts.add(e, op->getOperand(0), fromRows(e, op, ct));
  return success();
}

// ---- moments: of n numbers, d mean = sum(t) / n and d m2 = 2 sum((x - mean) t) ----

double shareOf(Operation* op) {
  int64_t count = 1;
  for (int64_t d : dimsOf(op)) count *= arrayType(op->getOperand(0)).getDimSize(d);
  return count ? 1.0 / static_cast<double>(count) : 0;
}
Value twiceDeviation(Emitter& e, Operation* op) { return e.scale(e.sub(op->getOperand(0), spread(e, op, op->getResult(0))), 2); }

LogicalResult pushMoments(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  results[0] = e.scale(e.make<ReduceSumOp>(tangents[0], dimsOf(op)), shareOf(op));
  results[1] = e.make<ReduceSumOp>(e.mul(twiceDeviation(e, op), tangents[0]), dimsOf(op));
  return success();
}
LogicalResult pullMoments(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value x = op->getOperand(0);
  if (cotangents[0]) accounts.add(e, x, spread(e, op, e.scale(cotangents[0], shareOf(op))));
  if (cotangents[1]) accounts.add(e, x, e.mul(twiceDeviation(e, op), spread(e, op, cotangents[1])));
  return success();
}

// ---- running totals ----

/// Moved along dim by `by` places (forwards if positive); `fill` moves in.
Value shifted(Emitter& e, Value v, int64_t dim, int64_t by, double fill) {
  Dims low(arrayType(v).getRank(), 0), high = low, interior = low;
  low[dim] = by;
  high[dim] = -by;
  Value value = e.constant(RankedTensorType::get({}, arrayType(v).getElementType()), fill);
  return e.make<PadOp>(v, value, low, high, interior);
}

/// Running products by doubling: after the step of width s each is the product of 2s neighbours.
LogicalResult pushRunningProduct(Emitter& e, CumulativeOp op, Value t, Values& results) {
  int64_t dim = op.getDim(), size = arrayType(t).getDimSize(dim);
  Value y = op.getOperand();
  for (int64_t step = 1; step < size; step *= 2) {
    int64_t by = op.getReverse() ? -step : step;
    Value before = shifted(e, y, dim, by, 1);
    t = e.add(e.mul(t, before), e.mul(y, shifted(e, t, dim, by, 0)));
    y = e.mul(y, before);
  }
  results[0] = t;
  return success();
}
void pullRunningProduct(Emitter& e, CumulativeOp op, Value ct, Accounts& accounts) {
  int64_t dim = op.getDim(), size = arrayType(ct).getDimSize(dim);
  llvm::SmallVector<std::pair<Value, Value>> levels;
  llvm::SmallVector<int64_t> moves;
  Value y = op.getOperand();
  for (int64_t step = 1; step < size; step *= 2) {
    moves.push_back(op.getReverse() ? -step : step);
    levels.push_back({y, shifted(e, y, dim, moves.back(), 1)});
    y = e.mul(y, levels.back().second);
  }
  for (size_t level = levels.size(); level-- > 0;) {
    auto [now, before] = levels[level];
    ct = e.add(e.mul(ct, before), shifted(e, e.mul(ct, now), dim, -moves[level], 0));
  }
  accounts.add(e, op.getOperand(), ct);
}

/// For each element of a running maximum or minimum, the place in the flat operand of the first that has this value.
Value placesOfExtremes(Emitter& e, CumulativeOp op) {
  Value x = op.getOperand(), y = op.getResult();
  int64_t dim = op.getDim();
  Dims shape = shapeOf(x);
  int64_t count = countOf(shape), size = shape[dim], stride = 1;
  for (size_t d = dim + 1; d < shape.size(); ++d) stride *= shape[d];
  Type number = count > INT32_MAX ? e.getI64Type() : e.getI32Type();
  bool reverse = op.getReverse();
  Value along = e.make<IotaOp>(shape, number, static_cast<uint64_t>(dim));
  Value start = e.eq(along, e.integer(along.getType(), reverse ? size - 1 : 0));
  Value changed = e.make<AndOp>(e.eq(x, y), e.make<NeOp>(y, shifted(e, y, dim, reverse ? -1 : 1, 0)));
  Value record = e.make<OrOp>(start, changed);
  Value numbered = e.select(record, along, e.integer(along.getType(), reverse ? size - 1 : 0));
  Value found = e.make<CumulativeOp>(numbered, static_cast<uint64_t>(dim), llvm::StringRef(reverse ? "min" : "max"), reverse);
  Value flat = e.reshape(e.make<IotaOp>(Dims{count}, number, uint64_t{0}), shape);
  return e.add(flat, e.mul(e.sub(found, along), e.integer(along.getType(), stride)));
}

LogicalResult pushCumulative(Emitter& e, Operation* any, llvm::ArrayRef<Value> tangents, Values& results) {
  auto op = llvm::cast<CumulativeOp>(any);
  if (op.getKind() == "sum") return pushLinear(e, any, tangents, results);
  if (op.getKind() == "prod") return pushRunningProduct(e, op, tangents[0], results);
  int64_t count = countOf(shapeOf(tangents[0]));
  if (count) results[0] = e.make<TakeOp>(e.reshape(tangents[0], {count}), placesOfExtremes(e, op), uint64_t{0});
  return success();
}
LogicalResult pullCumulative(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<CumulativeOp>(any);
  Value ct = cotangents[0];
  if (op.getKind() == "sum") {
    accounts.add(e, op.getOperand(), e.make<CumulativeOp>(ct, op.getDim(), op.getKind(), !op.getReverse()));
  } else if (op.getKind() == "prod") {
    pullRunningProduct(e, op, ct, accounts);
  } else if (int64_t count = countOf(shapeOf(ct))) {
    Value zeros = e.constant(RankedTensorType::get({count}, arrayType(ct).getElementType()), 0);
    Value sums = e.make<ScatterOp>(zeros, placesOfExtremes(e, op), ct, uint64_t{0}, llvm::StringRef("add"));
    accounts.add(e, op.getOperand(), e.reshape(sums, shapeOf(ct)));
  }
  return success();
}

}  // namespace

void addReduceRules(Rules& rules) {
  addRule<ReduceSumOp>(rules, pushLinear, pullSum);
  addRule<ReduceProdOp>(rules, pushProduct, pullProduct);
  addRule<ReduceMaxOp>(rules, pushExtreme, pullExtreme);
  addRule<ReduceMinOp>(rules, pushExtreme, pullExtreme);
  addRule<MomentsOp>(rules, pushMoments, pullMoments);
  addRule<CumulativeOp>(rules, pushCumulative, pullCumulative);
  addZeroRules<ReduceAndOp, ReduceOrOp, ArgmaxOp, ArgminOp>(rules);
}

}  // namespace skein::ir
