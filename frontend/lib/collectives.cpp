// Collectives: axes bound to the mesh in force, operands made varying, one op for a whole tree.
#include <skein/collectives.h>
#include <skein/ops.h>

#include <algorithm>

#include "frontend/trace/impl.h"
#include "frontend/trace/region.h"

namespace skein {

using namespace detail;

namespace {

AxesValue bind(const AxisNames& axes) {
  const Mesh* mesh = mesh_in_force();
  if (axes.all()) return mesh ? AxesValue{mesh->axis_names(), mesh->shape().to_vector()} : AxesValue{};
  AxesValue bound;
  for (const std::string& axis : axes.names()) {
    if (!mesh || mesh->axis_position(axis) < 0) {
      std::string op = current_op();
      fail("found an unbound axis name: " + axis + ". To fix this, please call " + op +
           " under sk::shard_map with a mesh that has this axis; " +
           (mesh ? "the mesh in force is " + to_string(*mesh) : std::string("no mesh is in force here")));
    }
    if (std::find(bound.names.begin(), bound.names.end(), axis) != bound.names.end())
      fail("axis " + axis + " is named twice");
    bound.names.push_back(axis);
    bound.sizes.push_back(mesh->axis_size(axis));
  }
  return bound;
}

std::int64_t ranks(const AxesValue& axes) {
  std::int64_t count = 1;
  for (std::int64_t size : axes.sizes) count *= size;
  return count;
}

std::vector<Array> keep_weak(std::vector<Array> results, const std::vector<Array>& operands) {
  for (std::size_t i = 0; i < results.size(); ++i)
    results[i] = with_weak(results[i], operands[i].weak() && results[i].dtype() == operands[i].dtype());
  return results;
}

/// bool counts.
std::vector<Array> countable(std::vector<Array> leaves) {
  for (Array& leaf : leaves)
    if (is_bool(leaf.dtype())) leaf = cast(leaf, int32);
  return leaves;
}

std::vector<Array> all_reduce(const char* op, std::vector<Array> leaves, const AxesValue& axes,
                              const Groups& groups = {}) {
  if (axes.names.empty()) return leaves;
  for (Array& leaf : leaves) leaf = vary(leaf, axes.names);  // so that a replicated value counts once for each device
  std::vector<Attribute> attributes{{"axes", axes}};
  if (!groups.empty()) attributes.push_back({"groups", groups});
  return keep_weak(emit_all(op, leaves, attributes), leaves);
}

/// Of a single device: what is left of a collective over no axes.
Array alone(Collective kind, const Array& x, const CollectiveOptions& o) {
  switch (kind) {
    case Collective::all_gather:
      return o.tiled ? x : expand_dims(x, o.axis);
    case Collective::psum_scatter:
      return o.tiled ? x : squeeze(x, o.scatter_dimension);
    case Collective::all_to_all:
      return o.tiled ? x : moveaxis(x, o.split_axis, o.concat_axis);
    case Collective::pargmax:
    case Collective::pargmin:
      return zeros(x.shape(), int32);
    default:
      return x;
  }
}

/// The same bits as unsigned integers, in which a masked sum is exact.
DType bits_of(DType d) {
  return itemsize(d) == 1 ? uint8 : itemsize(d) == 2 ? uint16 : itemsize(d) == 4 ? uint32 : uint64;
}

std::vector<Array> broadcast_from(const std::vector<Array>& leaves, const AxesValue& axes, std::int64_t source) {
  if (source < 0 || source >= ranks(axes))
    fail("source " + std::to_string(source) + " is outside 0.." + std::to_string(ranks(axes) - 1));
  Array here = emit("axis_index", {}, {{"axes", axes}}) == source;
  std::vector<Array> sent;
  for (const Array& leaf : leaves) {
    Array v = is_bool(leaf.dtype())       ? cast(leaf, uint8)
              : is_floating(leaf.dtype()) ? bitcast(leaf, bits_of(leaf.dtype()))
                                          : leaf;
    sent.push_back(where(here, v, zeros(v.shape(), v.dtype())));
  }
  std::vector<Array> got = all_reduce("psum", sent, axes);
  for (std::size_t i = 0; i < got.size(); ++i) {
    DType d = leaves[i].dtype();
    got[i] = with_weak(is_bool(d) ? cast(got[i], d) : is_floating(d) ? bitcast(got[i], d) : got[i], leaves[i].weak());
  }
  return got;
}

std::vector<Array> extreme_rank(bool greatest, const std::vector<Array>& leaves, const AxesValue& axes) {
  std::vector<Array> best = all_reduce(greatest ? "pmax" : "pmin", leaves, axes), places;
  Array rank = emit("axis_index", {}, {{"axes", axes}});
  for (std::size_t i = 0; i < leaves.size(); ++i)
    places.push_back(where((leaves[i] == best[i]) | isnan(leaves[i]), rank, cast(Array(ranks(axes)), int32)));
  return all_reduce("pmin", places, axes);
}

}  // namespace

std::vector<Array> detail::collect(Collective kind, std::vector<Array> all, const AxisNames& names,
                                   const CollectiveOptions& o, std::int64_t source) {
  AxesValue axes = bind(names);
  std::vector<Array> leaves;
  for (const Array& leaf : all) {
    if (leaf.empty()) continue;
    check_usable(leaf);
    leaves.push_back(leaf);
  }
  Groups groups;
  for (const auto& group : o.axis_index_groups) groups.emplace_back(group.begin(), group.end());
  std::vector<Attribute> attributes{{"axes", axes}};
  if (!groups.empty()) attributes.push_back({"groups", groups});

  bool sums = kind == Collective::psum || kind == Collective::pmean || kind == Collective::psum_scatter;
  if (sums) leaves = countable(std::move(leaves));
  std::vector<Array> results;
  auto normal = [&](std::int64_t axis, bool one_more) {
    // Of one axis for all leaves, counted from the end it may mean different dimensions: the first leaf decides.
    return leaves.empty() ? axis : normal_axis(axis, leaves[0].ndim() + (one_more ? 1 : 0), leaves[0]);
  };
  if (leaves.empty()) {
    return all;
  } else if (axes.names.empty()) {
    for (const Array& leaf : leaves) results.push_back(alone(kind, leaf, o));
  } else {
    switch (kind) {
      case Collective::psum:
      case Collective::pmean:
        results = all_reduce("psum", leaves, axes, groups);
        break;
      case Collective::pmax:
        results = all_reduce("pmax", leaves, axes, groups);
        break;
      case Collective::pmin:
        results = all_reduce("pmin", leaves, axes, groups);
        break;
      case Collective::pargmax:
      case Collective::pargmin:
        results = extreme_rank(kind == Collective::pargmax, leaves, axes);
        break;
      case Collective::pbroadcast:
        results = broadcast_from(leaves, axes, source);
        break;
      case Collective::pvary:
        for (const Array& leaf : leaves) results.push_back(vary(leaf, axes.names));
        break;
      case Collective::all_gather:
        attributes.push_back({"dim", normal(o.axis, !o.tiled)});
        attributes.push_back({"tiled", o.tiled});
        attributes.push_back({"invariant", o.invariant});
        results = keep_weak(emit_all("all_gather", leaves, attributes), leaves);
        break;
      case Collective::psum_scatter:
        attributes.push_back({"dim", normal(o.scatter_dimension, false)});
        attributes.push_back({"tiled", o.tiled});
        results = keep_weak(emit_all("psum_scatter", leaves, attributes), leaves);
        break;
      case Collective::all_to_all:
        attributes.push_back({"split_dim", normal(o.split_axis, false)});
        attributes.push_back({"concat_dim", normal(o.concat_axis, false)});
        attributes.push_back({"tiled", o.tiled});
        results = keep_weak(emit_all("all_to_all", leaves, attributes), leaves);
        break;
    }
  }
  if (kind == Collective::pmean) {
    std::int64_t count = groups.empty() ? ranks(axes) : static_cast<std::int64_t>(groups[0].size());
    for (Array& result : results) result = result / count;
  }
  std::size_t next = 0;
  for (Array& leaf : all)
    if (!leaf.empty()) leaf = results[next++];
  return all;
}

std::vector<Array> detail::permute(std::vector<Array> all, const AxisNames& names,
                                   const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs) {
  AxesValue axes = bind(names);
  std::vector<Array> leaves;
  for (const Array& leaf : all)
    if (!leaf.empty()) leaves.push_back(leaf);
  if (leaves.empty()) return all;
  std::vector<std::int64_t> flat;
  for (auto [source, destination] : pairs) flat.push_back(source), flat.push_back(destination);
  std::vector<Array> results;
  if (axes.names.empty()) {
    for (const Array& leaf : leaves) results.push_back(pairs.empty() ? zeros_like(leaf) : leaf);
  } else {
    results = keep_weak(emit_all("ppermute", leaves, {{"axes", axes}, {"pairs", flat}}), leaves);
  }
  std::size_t next = 0;
  for (Array& leaf : all)
    if (!leaf.empty()) leaf = results[next++];
  return all;
}

Array axis_index(const AxisNames& names, std::source_location where) {
  Call call("axis_index", where);
  AxesValue axes = bind(names);
  return axes.names.empty() ? cast(Array(0), int32) : emit("axis_index", {}, {{"axes", axes}});
}

std::int64_t axis_size(const AxisNames& names, std::source_location where) {
  Call call("axis_size", where);
  return ranks(bind(names));
}

}  // namespace skein
