// Gathers and scatters: windows at computed starts. Common forms are one take or scatter along a dimension, all others go through
// flat indices of the operand.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

/// How a window lies in the operand; for a scatter the updates take the place of the result.
struct Numbers {
  Dims offset;                // the result's dimensions that are the window's
  Dims collapsed;             // the operand's dimensions of which the window has one element, and no dimension
  Dims operandBatch, indexBatch;
  Dims map;                   // the operand's dimension that each component of an index belongs to
  int64_t vector = 0;         // the indices' dimension that holds the components
};

void check(Importer& in, const Numbers& n, RankedTensorType operand, RankedTensorType indices, int64_t resultRank) {
  auto inside = [&](const Dims& dims, int64_t rank, const char* what) {
    llvm::SmallDenseSet<int64_t> seen;
    for (int64_t d : dims)
      if (d < 0 || d >= rank || !seen.insert(d).second) in.refuse(llvm::Twine(what) + " names a dimension that is not there, or one twice");
  };
  inside(n.offset, resultRank, "its window");
  inside(n.collapsed, operand.getRank(), "its list of dimensions without a window");
  inside(n.operandBatch, operand.getRank(), "its list of batching dimensions");
  inside(n.indexBatch, indices.getRank(), "its list of the indices' batching dimensions");
  inside(n.map, operand.getRank(), "its map of indices");
  if (n.vector < 0 || n.vector > indices.getRank()) in.refuse("index_vector_dim is no dimension of the indices");
  int64_t components = n.vector == indices.getRank() ? 1 : indices.getDimSize(n.vector);
  if (components != static_cast<int64_t>(n.map.size())) in.refuse("its indices have " + llvm::Twine(components) + " components for " + llvm::Twine(n.map.size()) + " dimensions");
  if (n.operandBatch.size() != n.indexBatch.size()) in.refuse("its batching dimensions come in pairs");
  if (!llvm::isa<IntegerType>(indices.getElementType())) in.refuse("its indices are integers");
  int64_t window = operand.getRank() - static_cast<int64_t>(n.collapsed.size() + n.operandBatch.size());
  if (window != static_cast<int64_t>(n.offset.size())) in.refuse("its window has " + llvm::Twine(window) + " dimensions, not " + llvm::Twine(n.offset.size()));
  int64_t batch = indices.getRank() - (n.vector < indices.getRank() ? 1 : 0);
  if (resultRank != batch + window) in.refuse("its result has another number of dimensions than indices and window make");
}

/// The indices' dimensions without the one that holds components.
Dims batchShape(const Numbers& n, RankedTensorType indices) {
  Dims shape(indices.getShape());
  if (n.vector < indices.getRank()) shape.erase(shape.begin() + n.vector);
  return shape;
}

/// Component k of every index.
Value component(Importer& in, const Numbers& n, Value indices, int64_t k) {
  auto type = arrayType(indices);
  if (n.vector == type.getRank()) return indices;
  Dims starts(type.getRank(), 0), stops(type.getShape());
  starts[n.vector] = k, stops[n.vector] = k + 1;
  return in.reshape(in.slice(indices, starts, stops), batchShape(n, type));
}

/// Every index in a dtype that can be compared with all sizes.
Value widened(Importer& in, Value v) {
  auto element = llvm::cast<IntegerType>(arrayType(v).getElementType());
  return element.getWidth() < 32 ? in.convert(v, in.b.getI32Type()) : v;
}

struct Flat {
  Value start;    // of each window, in the operand's flat order, of the batch's shape
  Value inside;   // bool: the whole window lies in the operand; null where starts were clamped
  Type index;
};

/// The batch's place among the result's dimensions, in order.
Dims batchDims(const Numbers& n, int64_t rank) {
  Dims dims;
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(n.offset, d)) dims.push_back(d);
  return dims;
}

Flat flatStarts(Importer& in, const Numbers& n, RankedTensorType operand, Value indices, llvm::ArrayRef<int64_t> sizes, bool clamps) {
  Dims strides = rowMajor(operand.getShape()), batch = batchShape(n, arrayType(indices));
  Flat flat;
  flat.index = volumeOf(operand.getShape()) < INT32_MAX ? in.b.getI32Type() : in.b.getI64Type();
  flat.start = in.splat(batch, flat.index, 0);
  auto add = [&](Value v, int64_t stride) { flat.start = in.emit("add", {flat.start, in.emit("mul", {v, in.splat(batch, flat.index, stride)})}); };
  for (auto [k, d] : llvm::enumerate(n.map)) {
    Value v = widened(in, component(in, n, indices, static_cast<int64_t>(k)));
    Type element = arrayType(v).getElementType();
    int64_t last = operand.getDimSize(d) - sizes[d];
    if (element.getIntOrFloatBitWidth() == 32 && last > INT32_MAX) v = in.convert(v, in.b.getI64Type()), element = in.b.getI64Type();
    Value low = in.splat(batch, element, 0), high = in.splat(batch, element, std::max<int64_t>(last, 0));
    if (!clamps) {
      Value fits = in.emit("and", {in.emit("ge", {v, low}), in.emit("le", {v, high})});
      if (last < 0) fits = in.emit("lt", {v, v});  // never
      flat.inside = flat.inside ? in.emit("and", {flat.inside, fits}) : fits;
    }
    add(in.convert(in.emit("clamp", {low, v, high}), flat.index), strides[d]);
  }
  for (auto [d, i] : llvm::zip(n.operandBatch, n.indexBatch)) {
    int64_t at = i - (i > n.vector ? 1 : 0);
    if (i == n.vector || batch[at] != operand.getDimSize(d)) in.refuse("its batching dimensions agree in size");
    add(in.iota(batch, flat.index, at), strides[d]);
  }
  return flat;
}

/// Flat indices of all elements of all windows, in the result's shape.
Value flatIndices(Importer& in, const Numbers& n, RankedTensorType operand, const Flat& flat, llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> shape) {
  Dims strides = rowMajor(operand.getShape()), batch = batchDims(n, static_cast<int64_t>(shape.size()));
  Value all = in.broadcast(flat.start, shape, batch);
  Dims offset = n.offset;
  llvm::sort(offset);
  size_t at = 0;
  for (int64_t d = 0; d < operand.getRank(); ++d) {
    if (llvm::is_contained(n.collapsed, d) || llvm::is_contained(n.operandBatch, d)) continue;
    int64_t place = offset[at++];
    if (sizes[d] != shape[place]) in.refuse("its result has other sizes than its window");
    if (sizes[d] == 1) continue;
    Value step = in.iota({sizes[d]}, flat.index, 0);
    step = in.emit("mul", {step, in.splat({sizes[d]}, flat.index, strides[d])});
    all = in.emit("add", {all, in.broadcast(step, shape, {place})});
  }
  return all;
}

/// Whole slices along one dimension: the dimension, or -1.
int64_t simpleDim(const Numbers& n, RankedTensorType operand, llvm::ArrayRef<int64_t> sizes) {
  if (n.map.size() != 1 || n.collapsed.size() != 1 || n.collapsed[0] != n.map[0] || !n.operandBatch.empty()) return -1;
  for (int64_t d = 0; d < operand.getRank(); ++d)
    if (d != n.map[0] && sizes[d] != operand.getDimSize(d)) return -1;
  return n.map[0];
}

/// Where each dimension of what `take` gives (the operand's before dim, the batch's, the operand's after) stands in the result.
Dims takeOrder(const Numbers& n, int64_t dim, int64_t rank) {
  Dims batch = batchDims(n, rank), offset = n.offset, order;
  llvm::sort(offset);
  for (int64_t d = 0; d < dim; ++d) order.push_back(offset[d]);
  llvm::append_range(order, batch);
  for (size_t d = static_cast<size_t>(dim); d < offset.size(); ++d) order.push_back(offset[d]);
  return order;
}

Dims inverse(const Dims& order) {
  Dims back(order.size(), 0);
  for (auto [i, d] : llvm::enumerate(order)) back[d] = static_cast<int64_t>(i);
  return back;
}

Values gather(Importer& in, Operation& op) {
  if (op.getNumOperands() != 2) in.refuse("takes an operand and indices");
  std::string text = in.opaque("dimension_numbers");
  Numbers n{in.listIn(text, "offset_dims"), in.listIn(text, "collapsed_slice_dims"), in.listIn(text, "operand_batching_dims"),
            in.listIn(text, "start_indices_batching_dims"), in.listIn(text, "start_index_map"), in.numberIn(text, "index_vector_dim")};
  Value operand = in.operand(0), indices = in.operand(1);
  auto type = arrayType(operand), result = in.declared(op.getResult(0));
  Dims sizes = in.integers("slice_sizes");
  check(in, n, type, arrayType(indices), result.getRank());
  if (static_cast<int64_t>(sizes.size()) != type.getRank()) in.refuse("slice_sizes has one entry for each dimension");
  for (int64_t d = 0; d < type.getRank(); ++d) {
    bool single = llvm::is_contained(n.collapsed, d) || llvm::is_contained(n.operandBatch, d);
    if (sizes[d] < 0 || sizes[d] > type.getDimSize(d) || (single && sizes[d] > 1)) in.refuse("slice_sizes does not fit into " + ir::describe(type));
  }
  if (volumeOf(result.getShape()) == 0 || volumeOf(type.getShape()) == 0) return {in.splat(result.getShape(), result.getElementType(), 0)};
  Dims batch = batchShape(n, arrayType(indices));
  if (batch.empty()) {
    Values operands{operand};
    Value zero = in.splat({}, arrayType(indices).getElementType(), 0);
    operands.append(type.getRank(), zero);
    for (auto [k, d] : llvm::enumerate(n.map)) operands[1 + d] = component(in, n, indices, static_cast<int64_t>(k));
    return {in.reshape(in.emit("dynamic_slice", operands, {in.named("sizes", sizes)}), result.getShape())};
  }
  if (int64_t dim = simpleDim(n, type, sizes); dim >= 0) {
    Value taken = in.emit("take", {operand, component(in, n, indices, 0)}, {in.number("dim", dim)});
    return {in.transpose(taken, inverse(takeOrder(n, dim, result.getRank())))};
  }
  Flat flat = flatStarts(in, n, type, indices, sizes, true);
  Value all = flatIndices(in, n, type, flat, sizes, result.getShape());
  return {in.emit("take", {in.reshape(operand, {volumeOf(type.getShape())}), all}, {in.number("dim", 0)})};
}

/// scatter's kind for a region's; "" if there is none.
std::string scatterKind(const std::string& kind, Type element) {
  if (kind == "second") return "set";
  if (kind == "add" || kind == "mul" || kind == "min" || kind == "max") return kind;
  if (element.isInteger(1) && (kind == "or" || kind == "and")) return kind == "or" ? "max" : "min";
  return "";
}

/// Any region: update by update, in order.
Values scatterInTurn(Importer& in, Block& block, llvm::ArrayRef<Value> operands, llvm::ArrayRef<Value> updates, Value flatIndex, int64_t size) {
  int64_t count = volumeOf(arrayType(flatIndex).getShape());
  Type index = arrayType(flatIndex).getElementType();
  Value places = in.reshape(flatIndex, {count});
  Values inits, rows;
  for (Value v : operands) inits.push_back(in.reshape(v, {size}));
  for (Value v : updates) rows.push_back(in.reshape(v, {count}));
  llvm::SmallVector<Type> types, all;
  for (Value v : inits) types.push_back(v.getType());
  Value low = in.splat({}, index, 0), high = in.splat({}, index, count);
  all.push_back(low.getType());
  llvm::append_range(all, types);
  Values arguments{low, high};
  llvm::append_range(arguments, inits);
  auto element = [&](Value array, Value at) { return in.reshape(in.emit("dynamic_slice", {array, at}, {in.named("sizes", Dims{1})}), {}); };
  auto body = [&](ValueRange state) {
    Value turn = state[0], place = element(places, turn), inside = in.emit("lt", {place, in.splat({}, index, size)});
    Values sides;
    for (Value v : state.drop_front()) sides.push_back(element(v, place));
    for (Value v : rows) sides.push_back(element(v, turn));
    Values made = in.canVectorise(block) ? in.vectorise(block, sides, {}) : in.inlineBlock(block, sides), next;
    if (made.size() != operands.size()) in.refuse("its region returns one scalar for each operand");
    for (size_t i = 0; i < made.size(); ++i) {
      Value chosen = in.reshape(in.select(inside, made[i], sides[i]), {1});
      next.push_back(in.emit("dynamic_update_slice", {state[1 + i], chosen, place}));
    }
    return next;
  };
  return in.control("for", arguments, {}, types, {RegionFill{all, body}});
}

Values scatter(Importer& in, Operation& op) {
  unsigned count = op.getNumResults();
  if (count == 0 || op.getNumOperands() != 2 * count + 1 || op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock()) in.refuse("takes operands, indices and as many updates, and has one region");
  Block& block = op.getRegion(0).front();
  std::string text = in.opaque("scatter_dimension_numbers");
  Numbers n{in.listIn(text, "update_window_dims"), in.listIn(text, "inserted_window_dims"), in.listIn(text, "input_batching_dims"),
            in.listIn(text, "scatter_indices_batching_dims"), in.listIn(text, "scatter_dims_to_operand_dims"), in.numberIn(text, "index_vector_dim")};
  Values all = in.values(op.getOperands());
  llvm::ArrayRef<Value> operands = llvm::ArrayRef(all).take_front(count), updates = llvm::ArrayRef(all).drop_front(count + 1);
  Value indices = all[count];
  auto type = arrayType(operands[0]), update = arrayType(updates[0]);
  for (unsigned i = 0; i < count; ++i)
    if (arrayType(operands[i]).getShape() != type.getShape() || arrayType(updates[i]).getShape() != update.getShape() ||
        arrayType(operands[i]).getElementType() != arrayType(updates[i]).getElementType())
      in.refuse("operands agree in shape, and so do updates, whose dtypes are the operands'");
  check(in, n, type, arrayType(indices), update.getRank());
  // The window's sizes are the updates'.
  Dims sizes(type.getRank(), 1), offset = n.offset;
  llvm::sort(offset);
  size_t at = 0;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(n.collapsed, d) && !llvm::is_contained(n.operandBatch, d)) sizes[d] = update.getDimSize(offset[at++]);
  Values unchanged(operands);
  if (volumeOf(type.getShape()) == 0 || volumeOf(update.getShape()) == 0) return unchanged;
  llvm::SmallVector<std::string> kinds;
  for (unsigned i = 0; i < count; ++i) kinds.push_back(scatterKind(kindOf(block, i, count), arrayType(operands[i]).getElementType()));
  bool known = llvm::all_of(kinds, [](const std::string& kind) { return !kind.empty(); });

  Values results;
  if (int64_t dim = simpleDim(n, type, sizes); dim >= 0 && known) {
    Value places = component(in, n, indices, 0);
    Dims order = takeOrder(n, dim, update.getRank());
    for (unsigned i = 0; i < count; ++i)
      results.push_back(in.emit("scatter", {operands[i], places, in.transpose(updates[i], order)},
                                {in.number("dim", dim), in.named("kind", Attribute(in.b.getStringAttr(kinds[i])))}));
    return results;
  }
  int64_t size = volumeOf(type.getShape());
  Flat flat = flatStarts(in, n, type, indices, sizes, false);
  Value flatIndex = flatIndices(in, n, type, flat, sizes, update.getShape());
  if (flat.inside) {  // a window that does not lie wholly in the operand is dropped
    Value keep = in.broadcast(flat.inside, update.getShape(), batchDims(n, update.getRank()));
    flatIndex = in.select(keep, flatIndex, in.splat(update.getShape(), flat.index, size));
  }
  if (known) {
    for (unsigned i = 0; i < count; ++i) {
      Value made = in.emit("scatter", {in.reshape(operands[i], {size}), flatIndex, updates[i]},
                           {in.number("dim", 0), in.named("kind", Attribute(in.b.getStringAttr(kinds[i])))});
      results.push_back(in.reshape(made, type.getShape()));
    }
    return results;
  }
  for (Value v : scatterInTurn(in, block, operands, updates, flatIndex, size)) results.push_back(in.reshape(v, type.getShape()));
  return results;
}

}  // namespace

void addIndexing(Handlers& all) {
  all["stablehlo.gather"] = gather;
  all["stablehlo.scatter"] = scatter;
}

}  // namespace skein::compiler::stablehlo
