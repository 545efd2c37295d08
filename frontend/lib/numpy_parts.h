#pragma once
// What functions share that are composed of others: axes, keys, slices along an axis, scatters and running sums.

#include <skein/numpy.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"

namespace skein::detail {

using List = std::vector<std::int64_t>;

inline std::size_t place(std::int64_t dim) { return static_cast<std::size_t>(dim); }
inline std::int64_t rank_of(const Array& x) { return static_cast<std::int64_t>(impl_of(x)->shape.size()); }
inline std::int64_t length_of(const Array& x, std::int64_t dim) { return impl_of(x)->shape[place(dim)]; }
inline bool is_inexact(DType d) { return is_floating(d) || is_complex(d); }
inline bool is_half(DType d) { return d == float16 || d == bfloat16; }
/// Of integers and bool float32.
inline DType inexact_dtype(DType d) { return is_inexact(d) ? d : float32; }
/// The dtype in which sums are formed: bool and narrow integers in 32 bits.
inline DType sum_dtype(DType d) {
  if (is_bool(d) || (is_signed_integer(d) && itemsize(d) < 4)) return int32;
  if (is_unsigned(d) && itemsize(d) < 4) return uint32;
  return d;
}
/// The dtype of indices into so many elements.
inline DType index_dtype(std::int64_t size) { return size > INT32_MAX ? int64 : int32; }

/// The named axes, or all, in order; fails for one that is named twice.
inline List axes_in(const Array& x, const AxisList& list) {
  List axes;
  if (!list.given())
    for (std::int64_t i = 0; i < rank_of(x); ++i) axes.push_back(i);
  for (std::int64_t axis : list.axes()) {
    std::int64_t dim = normal_axis(axis, rank_of(x), x);
    if (std::find(axes.begin(), axes.end(), dim) != axes.end())
      fail("axis " + std::to_string(axis) + " is named twice");
    axes.push_back(dim);
  }
  std::sort(axes.begin(), axes.end());
  return axes;
}
/// The only axis named; fails for several.
inline std::int64_t axis_in(const Array& x, const AxisList& list) {
  if (list.axes().size() != 1) fail("works along one axis; here are " + std::to_string(list.axes().size()));
  return normal_axis(list.axes()[0], rank_of(x), x);
}

/// A slice along one dimension.
inline Array cut(const Array& x, std::int64_t dim, std::int64_t start, std::int64_t stop, std::int64_t step = 1) {
  List starts(x.shape().size(), 0), stops = x.shape().to_vector(), steps(x.shape().size(), 1);
  starts[place(dim)] = start, stops[place(dim)] = stop, steps[place(dim)] = step;
  return with_weak(emit("slice", {x}, {{"starts", starts}, {"stops", stops}, {"strides", steps}}), x.weak());
}
/// An element of a vector, as a scalar.
inline Array element(const Array& x, std::int64_t i) { return reshape(cut(x, 0, i, i + 1), {}); }
/// Each element's place along a dimension.
inline Array counter(const Shape& shape, std::int64_t dim) {
  return emit_iota(shape, index_dtype(shape[place(dim)]), dim);
}
inline Array reversed(const Array& x, std::int64_t dim) { return emit("reverse", {x}, {{"dims", List{dim}}}); }
/// Integers as int32 or int64, whichever holds them.
inline Array as_index(const Array& i) {
  DType d = i.dtype();
  return cast(i, (itemsize(d) == 8 && !i.weak()) || d == uint32 ? int64 : int32);
}

/// The operand with updates at indices along a dimension: "set", "add", "mul", "min" or "max". Indices out of range
/// are dropped; the updates have the shape of take(operand, indices).
inline Array scatter(const char* kind, const Array& operand, const Array& indices, const Array& updates,
                     std::int64_t dim = 0) {
  return emit("scatter", {operand, indices, updates}, {{"dim", dim}, {"kind", std::string(kind)}});
}
/// "sum", "prod", "max" or "min" of the elements up to each.
inline Array cumulative(const char* kind, const Array& x, std::int64_t dim, bool reverse = false) {
  return emit("cumulative", {x}, {{"dim", dim}, {"kind", std::string(kind)}, {"reverse", reverse}});
}
/// The greatest or the least value of a dtype.
inline Array extreme_value(DType d, bool greatest) {
  if (is_floating(d)) {
    double infinity = std::numeric_limits<double>::infinity();
    return cast(Array(greatest ? infinity : -infinity), d);
  }
  if (is_bool(d)) return Array(greatest);
  if (is_unsigned(d)) return cast(greatest ? Array(~std::uint64_t{0}) : Array(0), d);
  int unused = 64 - 8 * static_cast<int>(itemsize(d));
  return cast(Array(greatest ? INT64_MAX >> unused : INT64_MIN >> unused), d);
}

/// Where each value goes in a sorted vector of the same dtype (numpy_search.cpp); within a trace.
Array search_sorted(const Array& sorted, const Array& values, bool right);
/// take_along_axis within a trace (numpy_search.cpp).
Array take_along(const Array& x, const Array& indices, std::int64_t axis);

/// `elementwise` of a program that depends on `key` too.
template <class Build>
Array elementwise_by(const char* name, std::initializer_list<Array> operands, Want want, const Key& key, Build&& build,
                     bool weak_result = true) {
  Joined joined = join_operands(operands, want);
  auto all_of = [&](std::span<const Array> in) {
    Array result = build(std::span<const Array>(align(in, joined.dtype)));
    return std::vector<Array>{weak_result ? with_weak(result, joined.weak) : result};
  };
  return staged_all(name, joined.operands, Key(joined.dtype, joined.weak, key.bytes()), all_of)[0];
}
/// A function of one operand, in an inexact dtype; `build` gives a strong array.
template <class Build>
Array inexact(const char* name, const Array& x, const Key& key, Build&& build) {
  return elementwise_by(name, {x}, Want::inexact, key, [&](std::span<const Array> in) { return build(in[0]); });
}

}  // namespace skein::detail
