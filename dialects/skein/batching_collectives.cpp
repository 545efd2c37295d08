// Batching rules of collectives. Over mesh axes each example takes part on its own. Over the vmapped axis the examples are the
// ranks: what moves between devices there moves within the batch dimension here.
#include "dialects/skein/batching_rules.h"

namespace skein::ir {

using namespace mlir;

static int64_t numberOf(Operation* op, llvm::StringRef name) { return op->getAttrOfType<IntegerAttr>(name).getInt(); }

static bool isTiled(Operation* op) { return op->getAttrOfType<BoolAttr>("tiled").getValue(); }

static NamedAttribute axesAttribute(Batcher& r, AxesAttr axes) { return r.b.getNamedAttr("axes", axes); }

/// The axes without the vmapped one; null if none is left.
static AxesAttr otherAxes(Batcher& r, AxesAttr axes) {
  llvm::SmallVector<StringAttr> names;
  llvm::SmallVector<int64_t> sizes;
  for (auto [name, count] : llvm::zip(axes.getNames(), axes.getSizes())) {
    if (name.getValue() == r.axis) continue;
    names.push_back(name);
    sizes.push_back(count);
  }
  return names.empty() ? AxesAttr() : AxesAttr::get(r.b.getContext(), names, sizes);
}

// ---- over mesh axes ----

/// Ops that name dimensions: these move up by one for what is batched; what is not travels apart, and once.
static MaybeExamples batchApart(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands, llvm::ArrayRef<NamedAttribute> changes) {
  Examples all(operands.size());
  for (bool batched : {false, true}) {
    llvm::SmallVector<Value> group;
    for (const Batched& v : operands)
      if (v.batched == batched) group.push_back(v.value);
    if (group.empty()) continue;
    Operation* made = r.again(op, group, batched ? changes : llvm::ArrayRef<NamedAttribute>());
    if (!made) return failure();
    unsigned next = 0;
    for (size_t i = 0; i < operands.size(); ++i)
      if (operands[i].batched == batched) all[i] = Batched{made->getResult(next++), batched};
  }
  return all;
}

static MaybeExamples batchOverMesh(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  if (llvm::isa<AllGatherOp, PsumScatterOp>(op)) return batchApart(r, op, operands, {r.number("dim", numberOf(op, "dim") + 1)});
  if (llvm::isa<AllToAllOp>(op)) {
    NamedAttribute changes[] = {r.number("split_dim", numberOf(op, "split_dim") + 1), r.number("concat_dim", numberOf(op, "concat_dim") + 1)};
    return batchApart(r, op, operands, changes);
  }
  // psum, pmax, pmin, ppermute, pvary and axis_index do not look at the shape.
  Operation* made = r.again(op, valuesOf(operands));
  if (!made) return failure();
  Examples all;
  for (unsigned i = 0; i < made->getNumResults(); ++i) all.push_back(Batched{made->getResult(i), i < operands.size() && operands[i].batched});
  return all;
}

// ---- over the vmapped axis ----

/// What psum (also the first half of psum_scatter), pmax or pmin makes of all examples: the same for each.
static Value reduceExamples(Batcher& r, Operation* op, Batched v) {
  auto& b = r.b;
  if (llvm::isa<PmaxOp>(op)) return v.batched ? Value(ReduceMaxOp::create(b, v.value, Dims{0})) : v.value;
  if (llvm::isa<PminOp>(op)) return v.batched ? Value(ReduceMinOp::create(b, v.value, Dims{0})) : v.value;
  if (v.batched) return ReduceSumOp::create(b, v.value, Dims{0});
  auto type = arrayType(v.value);
  return MulOp::create(b, v.value, r.splat(type.getShape(), type.getElementType(), r.size));
}

/// First over the examples, then over the rest of the axes.
static MaybeExamples batchAllReduce(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands, AxesAttr rest) {
  llvm::SmallVector<Value> reduced;
  for (const Batched& v : operands) reduced.push_back(reduceExamples(r, op, v));
  if (rest) return r.results(r.again(op, reduced, {axesAttribute(r, rest)}), false);
  Examples all;
  for (Value v : reduced) all.push_back(Batched{v, false});
  return all;
}

/// Dimension `dim` joined with the next.
static Value merged(Batcher& r, Value v, int64_t dim) {
  Dims shape(arrayType(v).getShape());
  shape[dim] *= shape[dim + 1];
  shape.erase(shape.begin() + dim + 1);
  return ReshapeOp::create(r.b, v, shape);
}

/// Dimension `dim` as one of the examples and what is left.
static Value cut(Batcher& r, Value v, int64_t dim) {
  Dims shape(arrayType(v).getShape());
  shape[dim] /= r.size;
  shape.insert(shape.begin() + dim, r.size);
  return ReshapeOp::create(r.b, v, shape);
}

static Batched gatherExamples(Batcher& r, Operation* op, Batched operand) {
  int64_t dim = numberOf(op, "dim");
  Value all = r.whole(operand);
  all = r.transposed(all, fromFront(arrayType(all).getRank(), dim));
  return Batched{isTiled(op) ? merged(r, all, dim) : all, false};
}

static Batched scatterExamples(Batcher& r, PsumScatterOp op, Batched operand) {
  int64_t dim = op.getDim();
  Value sum = reduceExamples(r, op, operand);
  if (op.getTiled()) sum = cut(r, sum, dim);
  return Batched{r.transposed(sum, toFront(arrayType(sum).getRank(), dim)), true};
}

static Batched exchangeExamples(Batcher& r, AllToAllOp op, Batched operand) {
  int64_t split = op.getSplitDim(), concat = op.getConcatDim();
  Value all = r.whole(operand);
  if (op.getTiled()) all = cut(r, all, split + 1);
  // Dimension 0 counts the senders, split + 1 the receivers, who become the batch.
  Dims order;
  for (int64_t d = 1; d < arrayType(all).getRank(); ++d)
    if (d != split + 1) order.push_back(d);
  order.insert(order.begin() + concat, 0);
  order.insert(order.begin(), split + 1);
  all = r.transposed(all, order);
  return Batched{op.getTiled() ? merged(r, all, concat + 1) : all, true};
}

static MaybeExamples permuteExamples(Batcher& r, PpermuteOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  llvm::SmallVector<int32_t> sources(r.size, 0);
  llvm::SmallVector<bool> receives(r.size, false);
  auto pairs = op.getPairs();
  for (size_t i = 0; i + 1 < pairs.size(); i += 2) {
    sources[pairs[i + 1]] = static_cast<int32_t>(pairs[i]);
    receives[pairs[i + 1]] = true;
  }
  Dims line = r.leading({});
  RankedTensorType indices = makeType(line, b.getI32Type(), {}), flags = makeType(line, b.getI1Type(), {});
  Value from = ConstantOp::create(b, indices, DenseElementsAttr::get(indices, llvm::ArrayRef<int32_t>(sources)));
  Value mask;
  if (llvm::is_contained(receives, false)) mask = ConstantOp::create(b, flags, DenseElementsAttr::get(flags, llvm::ArrayRef<bool>(receives)));
  Examples all;
  for (const Batched& v : operands) {
    Value moved = TakeOp::create(b, r.whole(v), from, 0);
    Batched received{moved, true};
    if (mask) {
      auto type = arrayType(moved);
      received = r.choose(mask, received, Batched{r.splat(type.getShape(), type.getElementType(), 0), true});
    }
    all.push_back(received);
  }
  return all;
}

/// The rank over several axes, row-major in the order named, of which the vmapped axis is one.
static MaybeExamples exampleIndex(Batcher& r, AxisIndexOp op) {
  auto& b = r.b;
  AxesAttr axes = op.getAxes();
  Dims line = r.leading({});
  Type dtype = b.getI32Type();
  Value rank;
  int64_t stride = 1;
  for (int64_t k = static_cast<int64_t>(axes.getNames().size()) - 1; k >= 0; --k) {
    Value index;
    if (axes.getNames()[k].getValue() == r.axis) {
      index = r.iota(line, dtype, 0);
    } else {
      Value device = AxisIndexOp::create(b, AxesAttr::get(b.getContext(), axes.getNames().slice(k, 1), axes.getSizes().slice(k, 1)));
      index = r.whole(Batched{device, false});
    }
    if (stride != 1) index = MulOp::create(b, index, r.splat(line, dtype, stride));
    rank = rank ? Value(AddOp::create(b, index, rank)) : index;
    stride *= axes.getSizes()[k];
  }
  return oneValue(rank, true);
}

MaybeExamples batchCollective(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  AxesAttr axes = op->getAttrOfType<AxesAttr>("axes");
  bool overExamples = !r.axis.empty() && llvm::any_of(axes.getNames(), [&](StringAttr name) { return name.getValue() == r.axis; });
  if (!overExamples) return batchOverMesh(r, op, operands);
  AxesAttr rest = otherAxes(r, axes);
  if (auto index = llvm::dyn_cast<AxisIndexOp>(op)) return exampleIndex(r, index);
  if (llvm::isa<PvaryOp>(op)) {
    if (!rest) return Examples(operands);
    return r.results(r.again(op, operands[0].value, {axesAttribute(r, rest)}), operands[0].batched);
  }
  std::string name = r.axis.str();
  if (op->hasAttr("groups"))
    return cannotBatch(op, "axis_index_groups do not go with the vmapped axis " + name + "; reshape the batch and nest two vmaps to work on groups of examples");
  if (r.active)
    return cannotBatch(op, "it is over the vmapped axis " + name + " under a predicate that differs between the examples: some of them would not take part; make the "
                               "predicate the same for all, with pmax or psum of it over " + name);
  if (llvm::isa<PsumOp, PmaxOp, PminOp>(op)) return batchAllReduce(r, op, operands, rest);
  if (rest) return cannotBatch(op, "it is over the vmapped axis " + name + " and others at once; do it over one after the other");
  if (auto permute = llvm::dyn_cast<PpermuteOp>(op)) return permuteExamples(r, permute, operands);
  Examples all;
  for (const Batched& v : operands) {
    if (auto scatter = llvm::dyn_cast<PsumScatterOp>(op))
      all.push_back(scatterExamples(r, scatter, v));
    else if (auto exchange = llvm::dyn_cast<AllToAllOp>(op))
      all.push_back(exchangeExamples(r, exchange, v));
    else if (llvm::isa<AllGatherOp>(op))
      all.push_back(gatherExamples(r, op, v));
    else
      return cannotBatch(op, "vmap has no rule for this collective over the vmapped axis " + name);
  }
  return all;
}

}  // namespace skein::ir
