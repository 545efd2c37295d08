// Functions that move elements and compute none.
#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"
#include "frontend/trace/split.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;
using List = std::vector<std::int64_t>;

namespace {

/// Concrete elements under another shape: no program, the memory is shared.
Array same_elements(const Array& x, const Shape& shape) {
  auto* from = impl_of(x);
  check_concrete(x);
  check_whole(x);
  auto* impl = new ArrayImpl;
  Array result(impl);
  impl->dtype = from->dtype, impl->weak = from->weak, impl->literal = from->literal, impl->shape = shape;
  share_elements(*impl, *from);
  return result;
}

Array reshaped(const Array& x, const Shape& shape) {
  check_usable(x);
  if (x.shape() == shape) return x;
  if (!tracing()) return same_elements(x, shape);
  return with_weak(emit("reshape", {x}, {{"shape", shape.to_vector()}}), x.weak());
}

Array moved(const char* name, const Array& x, const Key& key, const std::function<Array(const Array&)>& build) {
  check_usable(x);
  return staged(name, {x}, key, [&](In in) { return with_weak(build(in[0]), in[0].weak()); });
}

List axes_of(const Array& x, const AxisList& list, std::int64_t rank) {
  List axes;
  for (std::int64_t axis : list.axes()) {
    axes.push_back(normal_axis(axis, rank, x));
    if (std::count(axes.begin(), axes.end(), axes.back()) > 1) fail("axis " + std::to_string(axis) + " is named twice");
  }
  return axes;
}

std::string list_text(const std::vector<Array>& arrays) {
  std::string text;
  for (const Array& array : arrays) text += (text.empty() ? "" : ", ") + describe(array);
  return text;
}

}  // namespace

Array reshape(const Array& x, const Shape& wanted, Where at) {
  Call call("reshape", at);
  impl_of(x);
  Shape shape = wanted;
  std::int64_t known = 1, open = -1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == -1) {
      if (open >= 0) fail("only one size may be -1, in " + to_string(wanted));
      open = static_cast<std::int64_t>(i);
    } else if (shape[i] < 0) {
      fail("a size is not negative, in " + to_string(wanted));
    } else {
      known *= shape[i];
    }
  }
  if (open >= 0 && known != 0 && x.size() % known == 0) shape[static_cast<std::size_t>(open)] = x.size() / known;
  if (shape.volume() != x.size() || (open >= 0 && shape[static_cast<std::size_t>(open)] < 0))
    fail(describe(x) + " has " + std::to_string(x.size()) + " elements; they do not fit into shape " +
         to_string(wanted));
  return reshaped(x, shape);
}

Array ravel(const Array& x, Where at) {
  Call call("ravel", at);
  impl_of(x);
  return reshaped(x, {x.size()});
}

Array transpose(const Array& x, const AxisList& list, Where at) {
  Call call("transpose", at);
  impl_of(x);
  std::int64_t rank = x.ndim();
  List order(static_cast<std::size_t>(rank));
  if (list.given()) {
    order = axes_of(x, list, rank);
    if (static_cast<std::int64_t>(order.size()) != rank)
      fail("the axes name each of the " + std::to_string(rank) + " dimensions of " + describe(x) + " once; here are " +
           std::to_string(order.size()));
  } else {
    std::iota(order.rbegin(), order.rend(), 0);
  }
  if (std::is_sorted(order.begin(), order.end())) return x;
  return moved("transpose", x, Key(order),
               [&](const Array& v) { return emit("transpose", {v}, {{"permutation", order}}); });
}

Array swapaxes(const Array& x, int a, int b, Where at) {
  Call call("swapaxes", at);
  List order(static_cast<std::size_t>(impl_of(x)->shape.size()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[static_cast<std::size_t>(normal_axis(a, x.ndim(), x))],
            order[static_cast<std::size_t>(normal_axis(b, x.ndim(), x))]);
  return transpose(x, order);
}

Array moveaxis(const Array& x, int source, int destination, Where at) {
  Call call("moveaxis", at);
  List order(static_cast<std::size_t>(impl_of(x)->shape.size()));
  std::iota(order.begin(), order.end(), 0);
  std::int64_t from = normal_axis(source, x.ndim(), x), to = normal_axis(destination, x.ndim(), x);
  order.erase(order.begin() + from);
  order.insert(order.begin() + to, from);
  return transpose(x, order);
}

Array broadcast_to(const Array& x, const Shape& shape, Where at) {
  Call call("broadcast_to", at);
  const Shape& have = impl_of(x)->shape;
  bool fits = have.size() <= shape.size();
  for (std::size_t i = 0; fits && i < have.size(); ++i) {
    std::int64_t size = shape[shape.size() - have.size() + i];
    fits = have[i] == 1 || have[i] == size;
  }
  if (!fits)
    fail(describe(x) + " does not broadcast to shape " + to_string(shape) +
         "; sizes of a dimension, counted from the last, are equal or 1");
  if (have == shape) return x;
  return moved("broadcast_to", x, Key(shape), [&](const Array& v) { return expand(v, shape); });
}

Array expand_dims(const Array& x, const AxisList& list, Where at) {
  Call call("expand_dims", at);
  impl_of(x);
  List axes = axes_of(x, list, x.ndim() + static_cast<std::int64_t>(list.axes().size()));
  std::sort(axes.begin(), axes.end());
  Shape shape = x.shape();
  for (std::int64_t axis : axes) shape.insert(static_cast<std::size_t>(axis), 1);
  return reshaped(x, shape);
}

Array squeeze(const Array& x, const AxisList& list, Where at) {
  Call call("squeeze", at);
  impl_of(x);
  List axes = axes_of(x, list, x.ndim());
  Shape shape;
  for (std::size_t i = 0; i < x.shape().size(); ++i) {
    bool named = std::count(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) > 0;
    if (named && x.shape()[i] != 1)
      fail("axis " + std::to_string(i) + " of " + describe(x) + " has size " + std::to_string(x.shape()[i]) +
           ", not 1");
    if (!(list.given() ? named : x.shape()[i] == 1)) shape.push_back(x.shape()[i]);
  }
  return reshaped(x, shape);
}

Array concatenate(const std::vector<Array>& arrays, AxisOptions o, Where at) {
  Call call("concatenate", at);
  if (arrays.empty()) fail("wants at least one array");
  std::vector<Array> operands = arrays;
  std::int64_t axis = normal_axis(o.axis, impl_of(arrays[0])->shape.size(), arrays[0]);
  const Shape& first = arrays[0].shape();
  for (const Array& array : arrays) {
    const Shape& shape = impl_of(array)->shape;
    bool fits = shape.size() == first.size();
    for (std::size_t i = 0; fits && i < shape.size(); ++i)
      fits = static_cast<std::int64_t>(i) == axis || shape[i] == first[i];
    if (!fits)
      fail("along axis " + std::to_string(axis) + " all other dimensions agree; these do not: " + list_text(arrays));
  }
  auto [dtype, weak] = promote_all(operands);
  auto build = [&, weak = weak](In in) {
    return std::vector<Array>{with_weak(emit_all("concatenate", in, {{"dim", axis}})[0], weak)};
  };
  return staged_all("concatenate", operands, Key(axis, weak), build)[0];
}

Array stack(const std::vector<Array>& arrays, AxisOptions o, Where at) {
  Call call("stack", at);
  if (arrays.empty()) fail("wants at least one array");
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(arrays[0])->shape.size()) + 1, arrays[0]);
  std::vector<Array> rows;
  for (const Array& array : arrays) {
    if (!(impl_of(array)->shape == arrays[0].shape()))
      fail("arrays of one shape are stacked; these differ: " + list_text(arrays));
    rows.push_back(expand_dims(array, axis));
  }
  return concatenate(rows, {.axis = static_cast<int>(axis)});
}

Array flip(const Array& x, const AxisList& list, Where at) {
  Call call("flip", at);
  impl_of(x);
  List dims = axes_of(x, list, x.ndim());
  if (!list.given()) {
    dims.resize(static_cast<std::size_t>(x.ndim()));
    std::iota(dims.begin(), dims.end(), 0);
  }
  return moved("flip", x, Key(dims), [&](const Array& v) { return emit("reverse", {v}, {{"dims", dims}}); });
}

/// x between two places along one dimension.
static Array part(const Array& x, std::int64_t dim, std::int64_t start, std::int64_t stop) {
  List starts(x.shape().size(), 0), stops = x.shape().to_vector(), strides(x.shape().size(), 1);
  starts[static_cast<std::size_t>(dim)] = start, stops[static_cast<std::size_t>(dim)] = stop;
  return emit("slice", {x}, {{"starts", starts}, {"stops", stops}, {"strides", strides}});
}

Array roll(const Array& x, std::int64_t shift, const RollOptions& o, Where at) {
  Call call("roll", at);
  impl_of(x);
  if (!o.axis.given()) return reshaped(roll(reshaped(x, {x.size()}), shift, {.axis = 0}), x.shape());
  List axes = axes_of(x, o.axis, x.ndim());
  return moved("roll", x, Key(shift, axes), [&](Array v) {
    for (std::int64_t axis : axes) {
      std::int64_t size = v.shape()[static_cast<std::size_t>(axis)];
      std::int64_t by = size ? ((shift % size) + size) % size : 0;
      if (by) v = emit("concatenate", {part(v, axis, size - by, size), part(v, axis, 0, size - by)}, {{"dim", axis}});
    }
    return v;
  });
}

Array pad(const Array& x, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths, const PadOptions& o,
          Where at) {
  Call call("pad", at);
  std::size_t rank = impl_of(x)->shape.size();
  if (widths.size() != 1 && widths.size() != rank)
    fail("one pair of widths, or one for each of the " + std::to_string(rank) + " dimensions of " + describe(x) +
         "; here are " + std::to_string(widths.size()));
  List low, high, interior(rank, 0);
  for (std::size_t i = 0; i < rank; ++i) {
    const auto& width = widths[widths.size() == 1 ? 0 : i];
    if (width.first < 0 || width.second < 0) fail("widths are not negative; slice the array to crop it");
    low.push_back(width.first), high.push_back(width.second);
  }
  Array value = cast(o.value, x.dtype());
  return staged("pad", {x, value}, Key(low, high), [&](In in) {
    return with_weak(emit("pad", {in[0], in[1]}, {{"low", low}, {"high", high}, {"interior", interior}}), in[0].weak());
  });
}

Array tile(const Array& x, const Shape& repetitions, Where at) {
  Call call("tile", at);
  Shape shape = impl_of(x)->shape, times = repetitions;
  while (shape.size() < times.size()) shape.insert(0, 1);
  while (times.size() < shape.size()) times.insert(0, 1);
  Shape apart, wide, whole;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (times[i] < 0) fail("repetitions are not negative, in " + to_string(repetitions));
    apart.push_back(1), apart.push_back(shape[i]);
    wide.push_back(times[i]), wide.push_back(shape[i]);
    whole.push_back(times[i] * shape[i]);
  }
  return reshaped(broadcast_to(reshaped(x, apart), wide), whole);
}

Array repeat(const Array& x, std::int64_t count, AxisOptions o, Where at) {
  Call call("repeat", at);
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(x)->shape.size()), x);
  if (count < 0) fail("the count is not negative");
  Shape apart = x.shape(), wide, whole = x.shape();
  apart.insert(static_cast<std::size_t>(axis) + 1, 1);
  wide = apart;
  wide[static_cast<std::size_t>(axis) + 1] = count;
  whole[static_cast<std::size_t>(axis)] *= count;
  return reshaped(broadcast_to(reshaped(x, apart), wide), whole);
}

std::vector<Array> split(const Array& x, std::int64_t parts, AxisOptions o, Where at) {
  Call call("split", at);
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(x)->shape.size()), x);
  std::int64_t size = x.shape()[static_cast<std::size_t>(axis)];
  if (parts < 1 || size % parts)
    fail("axis " + std::to_string(axis) + " of " + describe(x) + " has size " + std::to_string(size) +
         ", which is not divisible into " + std::to_string(parts) + " parts");
  return staged_all("split", std::span(&x, 1), Key(parts, axis), [&](In in) {
    std::vector<Array> pieces;
    for (std::int64_t i = 0; i < parts; ++i)
      pieces.push_back(with_weak(part(in[0], axis, i * size / parts, (i + 1) * size / parts), in[0].weak()));
    return pieces;
  });
}

Array take(const Array& x, const Array& indices, AxisOptions o, Where at) {
  Call call("take", at);
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(x)->shape.size()), x);
  if (!is_integer(impl_of(indices)->dtype)) fail("indices are integers, not " + describe(indices));
  return staged("take", {x, indices}, Key(axis),
                [&](In in) { return with_weak(emit("take", {in[0], in[1]}, {{"dim", axis}}), in[0].weak()); });
}

namespace {
/// Start indices as integer scalars of one dtype.
std::vector<Array> starts_of(const Array& x, const std::vector<Array>& starts) {
  if (starts.size() != x.shape().size())
    fail("one start for each of the " + std::to_string(x.shape().size()) + " dimensions of " + describe(x) +
         "; here are " + std::to_string(starts.size()));
  std::vector<Array> all;
  for (const Array& start : starts) {
    if (!impl_of(start)->shape.empty() || !is_integer(start.dtype()))
      fail("starts are integer scalars, not " + describe(start));
    all.push_back(cast(start, start.weak() ? int32 : start.dtype()));
  }
  return all;
}
}  // namespace

Array dynamic_slice(const Array& x, const std::vector<Array>& starts, const Shape& sizes, Where at) {
  Call call("dynamic_slice", at);
  impl_of(x);
  std::vector<Array> operands{x};
  for (Array& start : starts_of(x, starts)) operands.push_back(std::move(start));
  return staged_all("dynamic_slice", operands, Key(sizes), [&](In in) {
    return std::vector<Array>{
        with_weak(emit_all("dynamic_slice", in, {{"sizes", sizes.to_vector()}})[0], in[0].weak())};
  })[0];
}

Array dynamic_update_slice(const Array& x, const Array& update, const std::vector<Array>& starts, Where at) {
  Call call("dynamic_update_slice", at);
  impl_of(x);
  std::vector<Array> operands{x, cast(update, x.dtype())};
  for (Array& start : starts_of(x, starts)) operands.push_back(std::move(start));
  return staged_all("dynamic_update_slice", operands, {}, [&](In in) {
    return std::vector<Array>{with_weak(emit_all("dynamic_update_slice", in)[0], in[0].weak())};
  })[0];
}

}  // namespace skein
