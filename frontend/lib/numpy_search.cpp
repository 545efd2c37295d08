// Sorting, searching, sets, and elements picked by place or condition.
#include <skein/control.h>

#include <bit>

#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

/// In the order of sorting: NaN are the greatest, and equal to each other.
Array comes_before(const Array& a, const Array& b) {
  Array before = less(a, b);
  return is_floating(a.dtype()) ? logical_or(before, logical_and(isnan(b), logical_not(isnan(a)))) : before;
}

Array splat(const Shape& shape, const Array& value, DType dtype) {
  return shape.empty() ? reshape(cast(value, dtype), {}) : broadcast_to(cast(value, dtype), shape);
}

/// Indices from the start; negative ones count from the end.
Array from_start(const Array& index, std::int64_t size) {
  Array i = as_index(index);
  return is_unsigned(index.dtype()) ? i : where(less(i, 0), i + Array(size), i);
}

/// `scatter` of any dtype: bool as int32.
Array placed(const Array& into, const Array& at_places, const Array& values) {
  if (!is_bool(into.dtype())) return scatter("set", into, at_places, values);
  return cast(scatter("set", cast(into, int32), at_places, cast(values, int32)), bool_);
}

/// x and indices of shapes that agree but for the axis, and each index's place in the flattened x.
struct Picked {
  Array x, index, linear;
};
Picked picked_along(const Array& given, const Array& indices, std::int64_t axis) {
  if (!is_integer(impl_of(indices)->dtype)) fail("indices are integers, not " + describe(indices));
  if (rank_of(given) != rank_of(indices))
    fail("indices have as many dimensions as the array; here are " + describe(indices) + " and " + describe(given));
  Shape x_shape = given.shape(), shape = indices.shape();
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i == place(axis) || shape[i] == x_shape[i]) continue;
    if (shape[i] != 1 && x_shape[i] != 1)
      fail("but for axis " + std::to_string(axis) + " the indices, " + describe(indices) + ", broadcast with " +
           describe(given));
    shape[i] = x_shape[i] = shape[i] == 1 ? x_shape[i] : shape[i];
  }
  std::int64_t size = x_shape[place(axis)], stride = 1;
  Picked result{broadcast_to(given, x_shape), broadcast_to(from_start(indices, size), shape), {}};
  if (x_shape.volume() > INT32_MAX) result.index = cast(result.index, int64);
  DType dtype = result.index.dtype();
  for (std::size_t i = shape.size(); i-- > 0; stride *= x_shape[i]) {
    Array at_dim = i == place(axis) ? clip(result.index, 0, Array(std::max<std::int64_t>(size - 1, 0)))
                                    : emit_iota(shape, dtype, static_cast<std::int64_t>(i));
    Array step = at_dim * Array(stride);
    result.linear = result.linear.empty() ? step : result.linear + step;
  }
  return result;
}

}  // namespace

Array detail::search_sorted(const Array& sorted, const Array& values, bool right) {
  std::int64_t size = sorted.size();
  DType dtype = index_dtype(size);
  Array start = splat(values.shape(), 0, dtype);
  if (!size) return start;
  using Bounds = std::pair<Array, Array>;
  auto steps = static_cast<std::int64_t>(std::bit_width(static_cast<std::uint64_t>(size)));
  Bounds found = fori_loop(
      0, steps,
      [&](const Array&, const Bounds& bounds) {
        const Array &low = bounds.first, &high = bounds.second;
        Array middle = low + right_shift(high - low, 1);
        Array there = take(sorted, minimum(middle, Array(size - 1)));
        Array beyond = right ? logical_not(comes_before(values, there)) : comes_before(there, values);
        Array open = less(low, high), up = logical_and(open, beyond), down = logical_and(open, logical_not(beyond));
        return Bounds{where(up, middle + 1, low), where(down, middle, high)};
      },
      Bounds{start, splat(values.shape(), Array(size), dtype)});
  return found.first;
}

Array detail::take_along(const Array& x, const Array& indices, std::int64_t axis) {
  Picked p = picked_along(x, indices, axis);
  Shape shape = p.index.shape();
  if (!shape.volume()) return zeros(shape, x.dtype());
  if (!length_of(p.x, axis)) fail("axis " + std::to_string(axis) + " of " + describe(x) + " is empty");
  return take(ravel(p.x), p.linear);
}

// ---- sorting ----

namespace {
std::pair<Array, int> partitioned(const Array& x, std::int64_t kth, const PartitionOptions& o) {
  Array v = o.axis.given() ? x : ravel(x);
  std::int64_t axis = o.axis.given() ? axis_in(x, o.axis) : 0, size = length_of(v, axis);
  if (kth < -size || kth >= size)
    fail("kth " + std::to_string(kth) + " is out of range along axis " + std::to_string(axis) + " of " + describe(v));
  return {v, static_cast<int>(axis)};
}
}  // namespace
Array partition(const Array& x, std::int64_t kth, const PartitionOptions& o, Where at) {
  Call call("partition", at);
  auto v = partitioned(x, kth, o);
  return sort(v.first, {.axis = v.second});
}
Array argpartition(const Array& x, std::int64_t kth, const PartitionOptions& o, Where at) {
  Call call("argpartition", at);
  auto v = partitioned(x, kth, o);
  return argsort(v.first, {.axis = v.second});
}

namespace {
struct Greatest {
  Array values, places;
};
/// Greatest first and stable: the array is read backwards, sorted, and read backwards again.
Greatest greatest_by_sort(const Array& x, std::int64_t k, std::int64_t axis) {
  std::int64_t size = length_of(x, axis);
  Array operands[] = {reversed(x, axis), reversed(counter(x.shape(), axis), axis)};
  std::vector<Array> sorted = emit_all("sort", operands, {{"dim", axis}});
  return {reversed(cut(sorted[0], axis, size - k, size), axis), reversed(cut(sorted[1], axis, size - k, size), axis)};
}

/// The k greatest along the last axis lie in the k pieces whose greatest elements are the greatest, or in the rest behind
/// the pieces; in order of their places, so that the first of equal ones stays first. One pass, and sorts of few.
Greatest greatest_by_pieces(const Array& x, std::int64_t k, std::int64_t piece) {
  int axis = rank_of(x) - 1;
  std::int64_t size = length_of(x, axis), pieces = size / piece, whole = pieces * piece;
  auto last = [&](std::initializer_list<std::int64_t> sizes) {
    Shape shape(x.shape().begin(), x.shape().end() - 1);
    for (std::int64_t n : sizes) shape.push_back(n);
    return shape;
  };
  Array tops = max(reshape(cut(x, axis, 0, whole), last({pieces, piece})), {.axis = -1});
  Array chosen = sort(greatest_by_sort(tops, k, axis).places);
  Array places = reshape(expand_dims(chosen, -1) * Array(piece) + counter(last({k, piece}), axis + 1), last({k * piece}));
  places = concatenate({places, counter(last({size - whole}), axis) + Array(whole)}, {.axis = axis});
  Greatest of_few = greatest_by_sort(take_along(x, places, axis), k, axis);
  return {of_few.values, take_along(places, of_few.places, axis)};
}
}  // namespace

std::pair<Array, Array> top_k(const Array& x, std::int64_t k, LastAxisOptions o, Where at) {
  Call call("top_k", at);
  std::int64_t axis = normal_axis(o.axis, rank_of(x), x), size = length_of(x, axis);
  if (k < 0 || k > size)
    fail("k is " + std::to_string(k) + "; axis " + std::to_string(axis) + " of " + describe(x) + " has " +
         std::to_string(size) + " elements");
  auto results = staged_all("top_k", std::span(&x, 1), Key(k, axis), [&](In in) {
    std::int64_t piece = 1;
    while (k && piece * piece * 4 * k <= size) piece *= 2;  // as many pieces as elements in the chosen ones, about
    bool pieces = piece >= 16 && axis == rank_of(in[0]) - 1 && !is_complex(in[0].dtype()) && in[0].dtype() != bool_;
    Greatest g = pieces ? greatest_by_pieces(in[0], k, piece) : greatest_by_sort(in[0], k, axis);
    return std::vector<Array>{with_weak(g.values, in[0].weak()), g.places};
  });
  return {results[0], results[1]};
}

Array lexsort(const std::vector<Array>& keys, LastAxisOptions o, Where at) {
  Call call("lexsort", at);
  if (keys.empty()) fail("wants at least one key");
  std::int64_t axis = normal_axis(o.axis, rank_of(keys[0]), keys[0]);
  for (const Array& key : keys)
    if (!(impl_of(key)->shape == keys[0].shape()))
      fail("keys have one shape; here are " + describe(keys[0]) + " and " + describe(key));
  return staged_all("lexsort", keys, Key(axis), [&](In in) {
    Array order = counter(in[0].shape(), axis);
    for (const Array& key : in) {
      Array operands[] = {take_along(key, order, axis), order};
      order = emit_all("sort", operands, {{"dim", axis}})[1];
    }
    return std::vector<Array>{order};
  })[0];
}

// ---- searching ----

Array searchsorted(const Array& sorted, const Array& values, const SearchOptions& o, Where at) {
  Call call("searchsorted", at);
  bool right = o.side == "right", ordered = o.sorter.empty();
  if (!right && o.side != "left") fail("the side is \"left\" or \"right\", not \"" + std::string(o.side) + "\"");
  if (rank_of(sorted) != 1) fail("searches in a vector, not in " + describe(sorted));
  if (!ordered && (!(impl_of(o.sorter)->shape == sorted.shape()) || !is_integer(o.sorter.dtype())))
    fail("the sorter is an order of " + describe(sorted) + ", not " + describe(o.sorter));
  Joined joined = join_operands({sorted, values}, Want::number);
  if (is_complex(joined.dtype)) fail("complex numbers have no order here");
  std::vector<Array> operands = joined.operands;
  if (!ordered) operands.push_back(o.sorter);
  return staged_all("searchsorted", operands, Key(right, joined.dtype), [&](In in) {
    Array a = cast(in[0], joined.dtype);
    if (in.size() > 2 && a.size()) a = take(a, in[2]);
    return std::vector<Array>{search_sorted(a, cast(in[1], joined.dtype), right)};
  })[0];
}

Array digitize(const Array& x, const Array& bins, bool right, Where at) {
  Call call("digitize", at);
  if (rank_of(bins) != 1) fail("bins are a vector, not " + describe(bins));
  Joined joined = join_operands({x, bins}, Want::number);
  if (is_complex(joined.dtype)) fail("complex numbers have no order here");
  return staged_all("digitize", joined.operands, Key(right, joined.dtype), [&](In in) {
    Array v = cast(in[0], joined.dtype), edges = cast(in[1], joined.dtype);
    std::int64_t size = edges.size();
    Array up = search_sorted(edges, v, !right);
    if (size < 2) return std::vector<Array>{up};
    Array down = Array(size) - search_sorted(reversed(edges, 0), v, !right);
    return std::vector<Array>{where(less(element(edges, size - 1), element(edges, 0)), down, up)};
  })[0];
}

Array isin(const Array& x, const Array& test_elements, IsinOptions o, Where at) {
  Call call("isin", at);
  Joined joined = join_operands({x, test_elements}, Want::number);
  return staged_all("isin", joined.operands, Key(o.invert, joined.dtype), [&](In in) {
    Array v = cast(in[0], joined.dtype), tests = ravel(cast(in[1], joined.dtype)), found;
    if (!tests.size()) {
      found = zeros(v.shape(), bool_);
    } else if (is_complex(joined.dtype)) {
      found = any(equal(expand_dims(v, -1), tests), {.axis = -1});
    } else {
      tests = sort(tests);
      found = equal(take(tests, minimum(search_sorted(tests, v, false), Array(tests.size() - 1))), v);
    }
    return std::vector<Array>{o.invert ? logical_not(found) : found};
  })[0];
}

// ---- sets ----

namespace {

/// Whether each element of a sorted vector is another than the one before it.
Array starts_of_runs(const Array& sorted, bool equal_nan) {
  std::int64_t size = sorted.size();
  Array before = cut(sorted, 0, 0, size - 1), after = cut(sorted, 0, 1, size), other = not_equal(before, after);
  if (equal_nan && is_floating(sorted.dtype()))
    other = logical_and(other, logical_not(logical_and(isnan(before), isnan(after))));
  return concatenate({ones({1}, bool_), other});
}

/// The size given; outside a program else the number that `count`, an int32 or int64 scalar, tells.
template <class Count>
std::int64_t size_or(std::int64_t size, const char* what, Count&& count) {
  if (size >= 0) return size;
  if (tracing()) fail(std::string(what) + " depends on values; inside a program give it as .size");
  return astype(count(), int64).template item<std::int64_t>();
}

std::vector<Array> unique_parts(const Array& x, const UniqueOptions& o, bool equal_nan) {
  check_usable(x);
  std::int64_t n = x.size();
  bool filled = !o.fill_value.empty();
  std::int64_t size = size_or(o.size, "the number of distinct elements", [&] {
    if (!n) return zeros({}, int32);
    return staged("unique_count", {x}, Key(equal_nan),
                  [&](In in) { return sum(starts_of_runs(sort(ravel(in[0])), equal_nan)); });
  });
  Array fill = cast(filled ? o.fill_value : Array(0), x.dtype());
  return staged_all("unique", std::vector<Array>{x, fill}, Key(size, filled, equal_nan), [&](In in) {
    Array flat = ravel(in[0]);
    DType dtype = flat.dtype(), index = index_dtype(n);
    if (!n)
      return std::vector<Array>{splat({size}, in[1], dtype), zeros({size}, index), zeros(in[0].shape(), index),
                                zeros({size}, index)};
    Array operands[] = {flat, counter({n}, 0)};
    std::vector<Array> sorted = emit_all("sort", operands, {{"dim", std::int64_t{0}}});
    Array starts = starts_of_runs(sorted[0], equal_nan), group = cumulative("sum", cast(starts, index), 0) - 1;
    Array target = where(starts, group, Array(size));  // out of range: dropped
    Array rest = filled ? in[1] : element(sorted[0], 0);
    return std::vector<Array>{
        placed(splat({size}, rest, dtype), target, sorted[0]),
        scatter("set", splat({size}, element(sorted[1], 0), index), target, sorted[1]),
        reshape(scatter("set", zeros({n}, index), sorted[1], group), in[0].shape()),
        scatter("add", zeros({size}, index), group, ones({n}, index)),
    };
  });
}

}  // namespace

UniqueAllResult unique_all(const Array& x, const UniqueOptions& o, Where at) {
  Call call("unique_all", at);
  auto parts = unique_parts(x, o, false);
  return {parts[0], parts[1], parts[2], parts[3]};
}
Array unique(const Array& x, const UniqueOptions& o, Where at) {
  Call call("unique", at);
  return unique_parts(x, o, true)[0];
}
Array unique_values(const Array& x, const UniqueOptions& o, Where at) {
  Call call("unique_values", at);
  return unique_parts(x, o, false)[0];
}
UniqueCountsResult unique_counts(const Array& x, const UniqueOptions& o, Where at) {
  Call call("unique_counts", at);
  auto parts = unique_parts(x, o, false);
  return {parts[0], parts[3]};
}
UniqueInverseResult unique_inverse(const Array& x, const UniqueOptions& o, Where at) {
  Call call("unique_inverse", at);
  auto parts = unique_parts(x, o, false);
  return {parts[0], parts[2]};
}

// ---- what is not 0 ----

namespace {

/// Where a vector of conditions holds, `size` places, `rest` behind them; within a trace.
Array true_places(const Array& condition, std::int64_t size, const Array& rest) {
  std::int64_t n = condition.size();
  DType index = index_dtype(n);
  Array places = splat({size}, rest, index);
  if (!n) return places;
  Array nth = cumulative("sum", cast(condition, index), 0) - 1;
  return scatter("set", places, where(condition, nth, Array(size)), counter({n}, 0));
}

std::vector<Array> nonzero_parts(const Array& x, const NonzeroOptions& o) {
  if (!rank_of(x)) fail("a scalar has no dimensions; use sk::atleast_1d(x)");
  std::int64_t size = size_or(o.size, "the number of elements that are not 0", [&] { return count_nonzero(x); });
  std::vector<Array> operands{x, cast(o.fill_value, int32)};
  return staged_all("nonzero", operands, Key(size), [&](In in) {
    Array condition = cast(ravel(in[0]), bool_);
    Array places = true_places(condition, size, 0), used = less(counter({size}, 0), sum(condition));
    std::vector<Array> dims;
    Shape shape = in[0].shape();
    std::int64_t stride = 1;
    for (std::size_t i = shape.size(); i-- > 0; stride *= std::max<std::int64_t>(shape[i], 1)) {
      Array along = remainder(floor_divide(places, Array(stride)), Array(std::max<std::int64_t>(shape[i], 1)));
      dims.push_back(where(used, along, cast(in[1], along.dtype())));
    }
    std::reverse(dims.begin(), dims.end());
    return dims;
  });
}

}  // namespace

std::vector<Array> nonzero(const Array& x, const NonzeroOptions& o, Where at) {
  Call call("nonzero", at);
  return nonzero_parts(x, o);
}
Array flatnonzero(const Array& x, const NonzeroOptions& o, Where at) {
  Call call("flatnonzero", at);
  return nonzero_parts(ravel(x), o)[0];
}
Array argwhere(const Array& x, const NonzeroOptions& o, Where at) {
  Call call("argwhere", at);
  return stack(nonzero_parts(x, o), {.axis = 1});
}

Array compress(const Array& condition, const Array& given, const CompressOptions& o, Where at) {
  Call call("compress", at);
  if (rank_of(condition) != 1) fail("the condition is a vector, not " + describe(condition));
  Array x = o.axis.given() ? given : ravel(given);
  std::int64_t axis = o.axis.given() ? axis_in(x, o.axis) : 0;
  std::int64_t used = std::min(condition.size(), length_of(x, axis));
  std::int64_t size = size_or(o.size, "the number of slices that are kept", [&] {
    return staged("compress_count", {condition}, Key(used),
                  [&](In in) { return sum(cast(cut(cast(in[0], bool_), 0, 0, used), int32)); });
  });
  std::vector<Array> operands{condition, x, cast(o.fill_value, x.dtype())};
  return staged_all("compress", operands, Key(size, axis), [&](In in) {
    Shape shape = in[1].shape(), slots = Shape::filled(shape.size(), 1);
    shape[place(axis)] = slots[place(axis)] = size;
    Array rest = splat(shape, in[2], in[1].dtype());
    if (!used) return std::vector<Array>{rest};
    Array holds = cut(cast(in[0], bool_), 0, 0, used);
    Array kept = take(in[1], true_places(holds, size, 0), {.axis = static_cast<int>(axis)});
    Array there = reshape(less(counter({size}, 0), sum(holds)), slots);
    return std::vector<Array>{with_weak(where(there, kept, rest), in[1].weak())};
  })[0];
}
Array extract(const Array& condition, const Array& x, const NonzeroOptions& o, Where at) {
  Call call("extract", at);
  return compress(ravel(condition), ravel(x), {.size = o.size, .fill_value = o.fill_value});
}

// ---- elements by place ----

Array take_along_axis(const Array& x, const Array& indices, LastAxisOptions o, Where at) {
  Call call("take_along_axis", at);
  std::int64_t axis = normal_axis(o.axis, rank_of(x), x);
  check_usable(indices);
  return staged("take_along_axis", {x, indices}, Key(axis),
                [&](In in) { return with_weak(take_along(in[0], in[1], axis), in[0].weak()); });
}

Array put_along_axis(const Array& x, const Array& indices, const Array& values, AxisOptions o, Where at) {
  Call call("put_along_axis", at);
  std::int64_t axis = normal_axis(o.axis, rank_of(x), x);
  check_usable(indices);
  return staged("put_along_axis", {x, indices, cast(values, x.dtype())}, Key(axis), [&](In in) {
    Picked p = picked_along(in[0], in[1], axis);
    if (!(p.x.shape() == in[0].shape()))
      fail("the indices, " + describe(in[1]) + ", are wider than " + describe(in[0]));
    Shape shape = p.index.shape();
    if (!shape.volume() || !in[0].size()) return in[0];
    Array inside = logical_and(greater_equal(p.index, 0), less(p.index, Array(length_of(in[0], axis))));
    Array target = where(inside, p.linear, Array(in[0].size()));
    Array flat = placed(ravel(in[0]), ravel(target), ravel(broadcast_to(in[2], shape)));
    return with_weak(reshape(flat, in[0].shape()), in[0].weak());
  });
}

Array select(const std::vector<Array>& conditions, const std::vector<Array>& choices, const Array& default_value,
             Where at) {
  Call call("select", at);
  if (conditions.empty() || conditions.size() != choices.size())
    fail("wants a choice for each condition, and one at least; here are " + std::to_string(conditions.size()) +
         " conditions and " + std::to_string(choices.size()) + " choices");
  std::vector<Array> values = choices;
  values.push_back(default_value);
  auto joined = promote_all(values);
  bool weak = joined.second;
  std::vector<Array> operands = conditions;
  operands.insert(operands.end(), values.begin(), values.end());
  return staged_all("select", operands, Key(static_cast<std::int64_t>(conditions.size()), weak), [&](In in) {
    std::size_t count = conditions.size();
    Array result = in.back();
    for (std::size_t i = count; i-- > 0;) result = where(in[i], in[count + i], result);
    return std::vector<Array>{with_weak(result, weak)};
  })[0];
}

Array choose(const Array& indices, const std::vector<Array>& choices, ChooseOptions o, Where at) {
  Call call("choose", at);
  bool wraps = o.mode == "wrap";
  if (!wraps && o.mode != "clip") fail("the mode is \"clip\" or \"wrap\", not \"" + std::string(o.mode) + "\"");
  if (choices.empty()) fail("wants at least one choice");
  if (!is_integer(impl_of(indices)->dtype)) fail("indices are integers, not " + describe(indices));
  std::vector<Array> operands = choices;
  bool weak = promote_all(operands).second;
  operands.push_back(indices);
  return staged_all("choose", operands, Key(wraps, weak), [&](In in) {
    Array i = as_index(in.back()), count = Array(static_cast<std::int64_t>(in.size()) - 1);
    if (wraps) i = remainder(i, count);
    Array result = where(ones_like(i, bool_), in[0], in[0]);
    for (std::size_t k = 1; k + 1 < in.size(); ++k)
      result = where(greater_equal(i, Array(static_cast<std::int64_t>(k))), in[k], result);
    return std::vector<Array>{with_weak(result, weak)};
  })[0];
}

}  // namespace skein
