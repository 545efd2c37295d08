// Type rules of the collectives.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

static int64_t product(llvm::ArrayRef<int64_t> sizes) {
  int64_t all = 1;
  for (int64_t size : sizes) all *= size;
  return all;
}

static std::string axesText(AxesAttr axes) {
  std::string text;
  for (auto [i, axis] : llvm::enumerate(axes.getNames())) text += (i ? "," : "") + axis.getValue().str();
  return text;
}

/// Checks axis_index_groups and gives the number of devices that take part: a group's size, or all ranks.
static FailureOr<int64_t> groupSize(MaybeLoc loc, llvm::StringRef op, AxesAttr axes, mlir::ArrayAttr groups) {
  int64_t ranks = product(axes.getSizes());
  if (!groups) return ranks;
  llvm::SmallVector<bool> seen(ranks, false);
  int64_t size = -1, count = 0;
  for (Attribute entry : groups) {
    auto group = llvm::dyn_cast<DenseI64ArrayAttr>(entry);
    if (!group || group.empty()) return refuse(loc, "collectives.C4", op + ": each of axis_index_groups is a list of ranks");
    if (size >= 0 && group.size() != size) return refuse(loc, "collectives.C4", op + ": axis_index_groups have different sizes");
    size = group.size();
    for (int64_t rank : group.asArrayRef()) {
      if (rank < 0 || rank >= ranks || seen[rank])
        return refuse(loc, "collectives.C4", op + ": rank " + llvm::Twine(rank) + " in axis_index_groups is named twice or outside 0.." + llvm::Twine(ranks - 1) +
                                                 " of axis " + axesText(axes));
      seen[rank] = true;
      ++count;
    }
  }
  if (count != ranks) return refuse(loc, "collectives.C4", op + ": axis_index_groups name " + llvm::Twine(count) + " of " + llvm::Twine(ranks) + " ranks of axis " + axesText(axes));
  return size;
}

static Axes withAxes(Type type, AxesAttr axes) {
  Axes all(varying(type));
  llvm::append_range(all, axes.getNames());
  return all;
}

LogicalResult inferAllReduce(MaybeLoc loc, llvm::StringRef op, ValueRange operands, AxesAttr axes, mlir::ArrayAttr groups, Types& results) {
  if (failed(groupSize(loc, plainName(op), axes, groups))) return failure();
  for (Value operand : operands) {
    auto type = arrayType(operand);
    Domain domain = op == PsumOp::getOperationName() ? Domain::Number : Domain::Ordered;
    if (failed(checkDomain(loc, op, type.getElementType(), domain))) return failure();
    Axes kept(varying(type));
    if (groups)
      kept = withAxes(type, axes);  // groups differ in their result
    else
      llvm::erase_if(kept, [&](StringAttr a) { return llvm::is_contained(axes.getNames(), a); });
    results.push_back(withVarying(type, kept));
  }
  return success();
}

static LogicalResult checkDim(MaybeLoc loc, llvm::StringRef op, int64_t dim, int64_t rank, Type type) {
  if (dim >= 0 && dim < rank) return success();
  return refuse(loc, "collectives.C1", op + ": dimension " + llvm::Twine(dim) + " is out of range for " + describe(type));
}

static LogicalResult checkDivides(MaybeLoc loc, llvm::StringRef op, int64_t dim, int64_t size, int64_t ranks, bool tiled, Type type, AxesAttr axes) {
  if (tiled ? size % ranks == 0 : size == ranks) return success();
  return refuse(loc, "collectives.C2", op + ": dimension " + llvm::Twine(dim) + " of " + describe(type) + " has size " + llvm::Twine(size) + ", which " +
                                           (tiled ? "is not divisible by" : "is not") + " the " + llvm::Twine(ranks) + " devices of axis " + axesText(axes) +
                                           (tiled ? "; pad it to a multiple" : "; use {.tiled = true} to split a larger one"));
}

LogicalResult AllGatherOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto ranks = groupSize(loc, "all_gather", adaptor.getAxes(), adaptor.getGroupsAttr());
  if (failed(ranks)) return failure();
  int64_t dim = adaptor.getDim();
  for (Value operand : adaptor.getOperands()) {
    auto type = arrayType(operand);
    SmallVector<int64_t> shape(type.getShape());
    if (failed(checkDim(loc, "all_gather", dim, type.getRank() + (adaptor.getTiled() ? 0 : 1), type))) return failure();
    if (adaptor.getTiled())
      shape[dim] *= *ranks;
    else
      shape.insert(shape.begin() + dim, *ranks);
    Axes axes = withAxes(type, adaptor.getAxes());
    if (adaptor.getInvariant() && !adaptor.getGroupsAttr()) llvm::erase_if(axes, [&](StringAttr a) { return llvm::is_contained(adaptor.getAxes().getNames(), a); });
    results.push_back(makeType(shape, type.getElementType(), axes));
  }
  return success();
}

LogicalResult PsumScatterOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto ranks = groupSize(loc, "psum_scatter", adaptor.getAxes(), adaptor.getGroupsAttr());
  if (failed(ranks)) return failure();
  int64_t dim = adaptor.getDim();
  for (Value operand : adaptor.getOperands()) {
    auto type = arrayType(operand);
    if (failed(checkDomain(loc, "psum_scatter", type.getElementType(), Domain::Number)) || failed(checkDim(loc, "psum_scatter", dim, type.getRank(), type)) ||
        failed(checkDivides(loc, "psum_scatter", dim, type.getDimSize(dim), *ranks, adaptor.getTiled(), type, adaptor.getAxes())))
      return failure();
    SmallVector<int64_t> shape(type.getShape());
    if (adaptor.getTiled())
      shape[dim] /= *ranks;
    else
      shape.erase(shape.begin() + dim);
    results.push_back(makeType(shape, type.getElementType(), withAxes(type, adaptor.getAxes())));
  }
  return success();
}

LogicalResult AllToAllOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto ranks = groupSize(loc, "all_to_all", adaptor.getAxes(), adaptor.getGroupsAttr());
  if (failed(ranks)) return failure();
  int64_t split = adaptor.getSplitDim(), concat = adaptor.getConcatDim();
  for (Value operand : adaptor.getOperands()) {
    auto type = arrayType(operand);
    if (failed(checkDim(loc, "all_to_all", split, type.getRank(), type)) || failed(checkDim(loc, "all_to_all", concat, type.getRank(), type)) ||
        failed(checkDivides(loc, "all_to_all", split, type.getDimSize(split), *ranks, adaptor.getTiled(), type, adaptor.getAxes())))
      return failure();
    SmallVector<int64_t> shape(type.getShape());
    if (adaptor.getTiled()) {
      shape[split] /= *ranks;
      shape[concat] *= *ranks;
    } else {
      shape.erase(shape.begin() + split);
      shape.insert(shape.begin() + concat, *ranks);
    }
    results.push_back(makeType(shape, type.getElementType(), withAxes(type, adaptor.getAxes())));
  }
  return success();
}

LogicalResult PpermuteOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  int64_t ranks = product(adaptor.getAxes().getSizes());
  auto pairs = adaptor.getPairs();
  llvm::SmallVector<bool> sends(ranks, false), receives(ranks, false);
  for (size_t i = 0; i < pairs.size(); i += 2) {
    if (i + 1 >= pairs.size()) return refuse(loc, "ppermute.C1", "ppermute: pairs are source and destination");
    for (int64_t rank : {pairs[i], pairs[i + 1]})
      if (rank < 0 || rank >= ranks)
        return refuse(loc, "ppermute.C2", "ppermute: rank " + llvm::Twine(rank) + " of the pair {" + llvm::Twine(pairs[i]) + ", " + llvm::Twine(pairs[i + 1]) +
                                              "} is outside 0.." + llvm::Twine(ranks - 1) + " of axis " + axesText(adaptor.getAxes()));
    if (sends[pairs[i]] || receives[pairs[i + 1]])
      return refuse(loc, "ppermute.C3", "ppermute: " + llvm::Twine(sends[pairs[i]] ? "source " : "destination ") +
                                            llvm::Twine(sends[pairs[i]] ? pairs[i] : pairs[i + 1]) + " is named twice; each rank sends and receives at most once");
    sends[pairs[i]] = receives[pairs[i + 1]] = true;
  }
  for (Value operand : adaptor.getOperands()) results.push_back(withVarying(arrayType(operand), withAxes(operand.getType(), adaptor.getAxes())));
  return success();
}

LogicalResult AxisIndexOp::inferReturnTypes(MLIRContext* context, MaybeLoc, Adaptor adaptor, Types& results) {
  results.push_back(makeType({}, IntegerType::get(context, 32), adaptor.getAxes().getNames()));
  return success();
}

LogicalResult PvaryOp::inferReturnTypes(MLIRContext*, MaybeLoc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  results.push_back(withVarying(type, withAxes(type, adaptor.getAxes())));
  return success();
}
OpFoldResult PvaryOp::fold(FoldAdaptor) { return getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult(); }

}  // namespace skein::ir
