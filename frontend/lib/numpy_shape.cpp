// Stacking, padding, inserting, splitting.
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

std::vector<Array> each(const std::vector<Array>& arrays, Array (*change)(const Array&, Where)) {
  std::vector<Array> changed;
  for (const Array& array : arrays) changed.push_back(change(array, current_location()));
  return changed;
}

/// The parts between places: as Python's slices, whatever the places are.
std::vector<Array> parts_between(const char* name, const Array& x, std::int64_t axis, const Places& places) {
  std::int64_t size = length_of(x, axis);
  return staged_all(name, std::span(&x, 1), Key(axis, places), [&](In in) {
    std::vector<Array> pieces;
    std::int64_t start = 0;
    auto add = [&](std::int64_t stop) { pieces.push_back(cut(in[0], axis, start, std::max(start, stop))); };
    for (std::int64_t given : places) {
      std::int64_t stop = std::clamp<std::int64_t>(given < 0 ? given + size : given, 0, size);
      add(stop);
      start = stop;
    }
    add(size);
    return pieces;
  });
}

/// The axis, and the array flattened where none is given.
std::pair<Array, std::int64_t> along(const Array& x, const AlongOptions& o) {
  check_usable(x);
  if (!o.axis.given()) return {ravel(x), 0};
  return {x, axis_in(x, o.axis)};
}

/// A place counted from the start; `most`: the greatest one.
std::int64_t place_in(const Array& x, std::int64_t axis, std::int64_t given, std::int64_t most) {
  std::int64_t size = length_of(x, axis), from_start = given < 0 ? given + size : given;
  if (from_start < 0 || from_start > most)
    fail("place " + std::to_string(given) + " is out of range along axis " + std::to_string(axis) + " of " +
         describe(x) + ", which has " + std::to_string(size) + " elements there");
  return from_start;
}

Array host_indices(const List& places) {
  std::vector<std::int32_t> narrow(places.begin(), places.end());
  return from_data(narrow, Shape{static_cast<std::int64_t>(narrow.size())});
}

/// For each place of a padded dimension where its value comes from.
Array padding_source(std::int64_t before, std::int64_t size, std::int64_t after, std::string_view mode) {
  Array i = counter({before + size + after}, 0) - Array(before);
  if (mode == "edge" || size == 1) return clip(i, 0, Array(size - 1));
  if (mode == "wrap") return remainder(i, Array(size));
  std::int64_t period = mode == "reflect" ? 2 * (size - 1) : 2 * size;
  std::int64_t turn = mode == "reflect" ? period : period - 1;
  Array j = remainder(i, Array(period));
  return where(j < Array(size), j, Array(turn) - j);
}

}  // namespace

Array flatten(const Array& x, Where at) {
  Call call("flatten", at);
  return ravel(x);
}
Array concat(const std::vector<Array>& arrays, AxisOptions o, Where at) {
  Call call("concat", at);
  return concatenate(arrays, o);
}
Array permute_dims(const Array& x, const AxisList& axes, Where at) {
  Call call("permute_dims", at);
  return transpose(x, axes);
}
Array matrix_transpose(const Array& x, Where at) {
  Call call("matrix_transpose", at);
  if (rank_of(x) < 2) fail("wants two dimensions or more, not " + describe(x));
  return swapaxes(x, -1, -2);
}

Array atleast_1d(const Array& x, Where at) {
  Call call("atleast_1d", at);
  return rank_of(x) ? x : reshape(x, {1});
}
Array atleast_2d(const Array& x, Where at) {
  Call call("atleast_2d", at);
  return rank_of(x) > 1 ? x : reshape(x, {1, x.size()});
}
Array atleast_3d(const Array& x, Where at) {
  Call call("atleast_3d", at);
  std::int64_t rank = rank_of(x);
  if (rank > 2) return x;
  return rank == 2 ? expand_dims(x, 2) : reshape(x, {1, x.size(), 1});
}
Array vstack(const std::vector<Array>& arrays, Where at) {
  Call call("vstack", at);
  return concatenate(each(arrays, &atleast_2d));
}
Array hstack(const std::vector<Array>& arrays, Where at) {
  Call call("hstack", at);
  std::vector<Array> rows = each(arrays, &atleast_1d);
  return concatenate(rows, {.axis = rows.empty() || rows[0].ndim() == 1 ? 0 : 1});
}
Array dstack(const std::vector<Array>& arrays, Where at) {
  Call call("dstack", at);
  return concatenate(each(arrays, &atleast_3d), {.axis = 2});
}
Array column_stack(const std::vector<Array>& arrays, Where at) {
  Call call("column_stack", at);
  std::vector<Array> columns;
  for (const Array& array : arrays) columns.push_back(rank_of(array) > 1 ? array : reshape(array, {array.size(), 1}));
  return concatenate(columns, {.axis = 1});
}
std::vector<Array> broadcast_arrays(const std::vector<Array>& arrays, Where at) {
  Call call("broadcast_arrays", at);
  Shape shape = broadcast_shapes(arrays);
  std::vector<Array> wide;
  for (const Array& array : arrays) wide.push_back(broadcast_to(array, shape));
  return wide;
}
std::vector<Array> unstack(const Array& x, AxisOptions o, Where at) {
  Call call("unstack", at);
  std::int64_t axis = normal_axis(o.axis, rank_of(x), x);
  return staged_all("unstack", std::span(&x, 1), Key(axis), [&](In in) {
    std::vector<Array> slices;
    for (std::int64_t i = 0; i < length_of(in[0], axis); ++i)
      slices.push_back(squeeze(cut(in[0], axis, i, i + 1), axis));
    return slices;
  });
}

Array rot90(const Array& x, int k, std::pair<int, int> axes, Where at) {
  Call call("rot90", at);
  std::int64_t first = normal_axis(axes.first, rank_of(x), x), second = normal_axis(axes.second, rank_of(x), x);
  if (first == second) fail("the two axes are different; both are axis " + std::to_string(first));
  int turns = ((k % 4) + 4) % 4, a = static_cast<int>(first), b = static_cast<int>(second);
  if (!turns) return x;
  return staged("rot90", {x}, Key(turns, first, second), [&](In in) {
    if (turns == 1) return swapaxes(flip(in[0], b), a, b);
    if (turns == 2) return flip(in[0], List{first, second});
    return flip(swapaxes(in[0], a, b), b);
  });
}
Array fliplr(const Array& x, Where at) {
  Call call("fliplr", at);
  if (rank_of(x) < 2) fail("wants two dimensions or more, not " + describe(x));
  return flip(x, 1);
}
Array flipud(const Array& x, Where at) {
  Call call("flipud", at);
  if (rank_of(x) < 1) fail("wants one dimension or more, not " + describe(x));
  return flip(x, 0);
}

Array resize(const Array& x, const Shape& shape, Where at) {
  Call call("resize", at);
  std::int64_t have = impl_of(x)->shape.volume(), want = shape.volume();
  for (std::int64_t size : shape)
    if (size < 0) fail("a shape has no negative sizes; this is " + to_string(shape));
  if (!have || !want) return zeros(shape, x.dtype());
  return staged("resize", {x}, Key(shape), [&](In in) {
    Array repeated = tile(ravel(in[0]), {(want + have - 1) / have});
    return reshape(cut(repeated, 0, 0, want), shape);
  });
}

Array rollaxis(const Array& x, int axis, int start, Where at) {
  Call call("rollaxis", at);
  std::int64_t rank = rank_of(x), from = normal_axis(axis, rank, x);
  if (start < -rank || start > rank)
    fail("start " + std::to_string(start) + " is out of range for " + describe(x) + ", which has " +
         std::to_string(rank) + " dimensions");
  std::int64_t to = start < 0 ? start + rank : start;
  if (from < to) --to;
  return moveaxis(x, static_cast<int>(from), static_cast<int>(to));
}

Array pad(const Array& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, std::string_view mode,
          const PadOptions& o, Where at) {
  Call call("pad", at);
  if (mode == "constant") return pad(x, widths, o);
  if (mode != "edge" && mode != "reflect" && mode != "symmetric" && mode != "wrap")
    fail("the mode is \"constant\", \"edge\", \"reflect\", \"symmetric\" or \"wrap\", not \"" + std::string(mode) +
         "\"");
  std::int64_t rank = rank_of(x);
  if (widths.size() != 1 && static_cast<std::int64_t>(widths.size()) != rank)
    fail("one pair of widths, or one for each of the " + std::to_string(rank) + " dimensions of " + describe(x) +
         "; here are " + std::to_string(widths.size()));
  List before, after;
  for (std::int64_t i = 0; i < rank; ++i) {
    auto [low, high] = widths[widths.size() == 1 ? 0 : place(i)];
    if (low < 0 || high < 0) fail("widths are not negative; slice the array to crop it");
    if (low + high > 0 && !length_of(x, i))
      fail("axis " + std::to_string(i) + " of " + describe(x) + " is empty and grows by a constant only");
    before.push_back(low), after.push_back(high);
  }
  return staged("pad_mode", {x}, Key(before, after, mode), [&](In in) {
    Array v = in[0];
    for (std::int64_t i = 0; i < rank; ++i) {
      std::int64_t low = before[place(i)], high = after[place(i)];
      if (low + high > 0) v = take(v, padding_source(low, length_of(v, i), high, mode), {.axis = static_cast<int>(i)});
    }
    return v;
  });
}

Array append(const Array& x, const Array& values, const AlongOptions& o, Where at) {
  Call call("append", at);
  if (!o.axis.given()) return concatenate({ravel(x), ravel(values)});
  return concatenate({x, values}, {.axis = static_cast<int>(axis_in(x, o.axis))});
}

namespace {
/// `alone`: one place given as a number, before which several slices may go.
Array inserted(const Array& given, const Places& places, const Array& values, const AlongOptions& o, bool alone) {
  auto [x, axis] = along(given, o);
  if (rank_of(x) == 0) fail("a scalar has no axis");
  std::int64_t size = length_of(x, axis), count = static_cast<std::int64_t>(places.size());
  Array v = cast(values, x.dtype());
  if (rank_of(v) > rank_of(x)) fail("the values, " + describe(v) + ", have more dimensions than " + describe(x));
  Shape shape = v.shape();
  while (shape.size() < x.shape().size()) shape.insert(0, 1);
  v = reshape(v, shape);
  if (alone) v = moveaxis(v, 0, static_cast<int>(axis));
  if (count == 1) count = length_of(v, axis);
  Shape wide = x.shape();
  wide[place(axis)] = count;
  v = broadcast_to(v, wide);

  // Which slice goes where: those of x before the place, then the new ones, in the order of their places.
  std::vector<std::pair<std::int64_t, std::int64_t>> order;
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t wanted = places[places.size() == 1 ? 0 : place(i)];
    order.emplace_back(place_in(x, axis, wanted, size), size + i);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  List sources;
  std::int64_t next = 0;
  for (auto [where_to, source] : order) {
    while (next < where_to) sources.push_back(next++);
    sources.push_back(source);
  }
  while (next < size) sources.push_back(next++);
  if (sources.empty()) return x;
  int dim = static_cast<int>(axis);
  return staged("insert", {x, v, host_indices(sources)}, Key(axis), [&](In in) {
    return take(concatenate({in[0], in[1]}, {.axis = dim}), in[2], {.axis = dim});
  });
}
}  // namespace
Array insert(const Array& x, std::int64_t before, const Array& values, const AlongOptions& o, Where at) {
  Call call("insert", at);
  return inserted(x, Places{before}, values, o, true);
}
Array insert(const Array& x, const Places& places, const Array& values, const AlongOptions& o, Where at) {
  Call call("insert", at);
  if (places.empty()) return along(x, o).first;
  return inserted(x, places, values, o, false);
}

Array delete_(const Array& given, const Places& places, const AlongOptions& o, Where at) {
  Call call("delete_", at);
  auto [x, axis] = along(given, o);
  if (rank_of(x) == 0) fail("a scalar has no axis");
  std::vector<bool> gone(place(length_of(x, axis)), false);
  for (std::int64_t each_place : places) gone[place(place_in(x, axis, each_place, length_of(x, axis) - 1))] = true;
  List kept;
  for (std::size_t i = 0; i < gone.size(); ++i)
    if (!gone[i]) kept.push_back(static_cast<std::int64_t>(i));
  if (kept.size() == gone.size()) return x;
  return take(x, host_indices(kept), {.axis = static_cast<int>(axis)});
}
Array delete_(const Array& x, std::int64_t gone, const AlongOptions& o, Where at) {
  Call call("delete_", at);
  return delete_(x, Places{gone}, o, at);
}

// ---- splitting ----

std::vector<Array> split(const Array& x, const Places& places, AxisOptions o, Where at) {
  Call call("split", at);
  return parts_between("split_at", x, normal_axis(o.axis, rank_of(x), x), places);
}
std::vector<Array> array_split(const Array& x, const Places& places, AxisOptions o, Where at) {
  Call call("array_split", at);
  return parts_between("split_at", x, normal_axis(o.axis, rank_of(x), x), places);
}
std::vector<Array> array_split(const Array& x, std::int64_t parts, AxisOptions o, Where at) {
  Call call("array_split", at);
  if (parts < 1) fail("there is at least one part, not " + std::to_string(parts));
  std::int64_t axis = normal_axis(o.axis, rank_of(x), x), size = length_of(x, axis);
  Places places;
  for (std::int64_t i = 1; i < parts; ++i) places.push_back(i * (size / parts) + std::min(i, size % parts));
  return parts_between("split_at", x, axis, places);
}

namespace {
int split_axis(const Array& x, int axis) {
  if (rank_of(x) <= axis) fail("wants " + std::to_string(axis + 1) + " dimensions or more, not " + describe(x));
  return axis;
}
}  // namespace
std::vector<Array> vsplit(const Array& x, std::int64_t parts, Where at) {
  Call call("vsplit", at);
  split_axis(x, 1);
  return split(x, parts, {.axis = 0});
}
std::vector<Array> hsplit(const Array& x, std::int64_t parts, Where at) {
  Call call("hsplit", at);
  return split(x, parts, {.axis = split_axis(x, rank_of(x) == 1 ? 0 : 1)});
}
std::vector<Array> dsplit(const Array& x, std::int64_t parts, Where at) {
  Call call("dsplit", at);
  return split(x, parts, {.axis = split_axis(x, 2)});
}
std::vector<Array> vsplit(const Array& x, const Places& places, Where at) {
  Call call("vsplit", at);
  split_axis(x, 1);
  return split(x, places, {.axis = 0});
}
std::vector<Array> hsplit(const Array& x, const Places& places, Where at) {
  Call call("hsplit", at);
  return split(x, places, {.axis = split_axis(x, rank_of(x) == 1 ? 0 : 1)});
}
std::vector<Array> dsplit(const Array& x, const Places& places, Where at) {
  Call call("dsplit", at);
  return split(x, places, {.axis = split_axis(x, 2)});
}

}  // namespace skein
