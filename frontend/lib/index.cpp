// x(...) and x.at(...): windows are read and written with dynamic_slice and dynamic_update_slice, arrays of indices take.
#include <skein/array.h>
#include <skein/ops.h>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "frontend/lib/index_plan.h"
#include "frontend/trace/emit.h"

namespace skein {
namespace detail {
namespace {

/// An integer scalar or array of indices into `size` elements: counted from the end where negative (JAX).
Array from_the_end(const Array& index, std::int64_t size) {
  bool wide = itemsize(index.dtype()) == 8 || size > INT32_MAX || index.dtype() == uint32;
  Array i = cast(index, wide ? int64 : int32);
  if (is_unsigned(index.dtype())) return i;
  return where(i < 0, i + cast(size, i.dtype()), i);
}

/// The operands of a program for a plan: the array, the starts of its windows, the arrays of indices.
class Window {
 public:
  Window(const Array& x, IndexPlan& plan) : plan_(plan), operands_{x}, given_(static_cast<int>(plan.scalars.size())) {
    // Outside a trace the known places are operands too, so that all of them share one program.
    if (!tracing())
      for (IndexedDim& dim : plan.dims)
        if (dim.dynamic < 0 && dim.gather < 0 && dim.window > 0 && dim.window < x.shape()[static_cast<std::size_t>(&dim - plan.dims.data())]) {
          dim.dynamic = static_cast<int>(plan.scalars.size());
          plan.scalars.push_back(x.size() <= INT32_MAX ? array(static_cast<std::int32_t>(dim.start)) : array(dim.start));
        }
    for (const Array& scalar : plan.scalars) operands_.push_back(scalar);
    first_array_ = operands_.size();
    for (const Array& indices : plan.arrays) operands_.push_back(indices);
  }

  std::vector<Array>& operands() { return operands_; }

  // ---- within the program, on its operands ----

  /// The elements that are taken, in the order asked for.
  Array take(std::span<const Array> in) const {
    std::vector<std::int64_t> starts, stops, steps;
    for (const IndexedDim& dim : plan_.dims) {
      if (dim.dynamic >= 0) return pick(read(in));
      starts.push_back(dim.start), stops.push_back(dim.start + dim.window), steps.push_back(dim.step);
    }
    if (plan_.counts() == in[0].shape()) return reversed(in[0]);
    return reversed(emit("slice", {in[0]}, {{"starts", starts}, {"stops", stops}, {"strides", steps}}));
  }

  /// The window of x as it stands, without steps.
  Array read(std::span<const Array> in) const {
    const Shape& shape = in[0].shape();
    std::vector<std::int64_t> starts, stops, sizes;
    bool dynamic = false, all = true;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d) {
      const IndexedDim& dim = plan_.dims[d];
      dynamic |= dim.dynamic >= 0;
      all &= dim.window == shape[d];
      starts.push_back(dim.start), stops.push_back(dim.start + dim.window), sizes.push_back(dim.window);
    }
    if (all) return in[0];
    if (!dynamic)
      return emit("slice", {in[0]}, {{"starts", starts}, {"stops", stops}, {"strides", std::vector<std::int64_t>(starts.size(), 1)}});
    std::vector<Array> operands{in[0]};
    for (Array& start : this->starts(in)) operands.push_back(std::move(start));
    return emit_all("dynamic_slice", operands, {{"sizes", sizes}})[0];
  }

  /// x with the window replaced.
  Array write(std::span<const Array> in, const Array& window) const {
    if (window.shape() == in[0].shape()) return window;
    std::vector<Array> operands{in[0], window};
    for (Array& start : starts(in)) operands.push_back(std::move(start));
    return emit_all("dynamic_update_slice", operands)[0];
  }

  /// The opposite of take: values in the order asked for at their places in the window, zeros between them.
  Array spread(const Array& values) const {
    Array window = reversed(values);
    if (!stepped()) return window;
    std::vector<std::int64_t> nothing(plan_.dims.size(), 0), interior;
    for (const IndexedDim& dim : plan_.dims) interior.push_back(dim.step - 1);
    return emit("pad", {window, cast(0, window.dtype())}, {{"low", nothing}, {"high", nothing}, {"interior", interior}});
  }

  bool stepped() const {
    return std::any_of(plan_.dims.begin(), plan_.dims.end(), [](const IndexedDim& dim) { return dim.step > 1; });
  }
  /// Where a window with steps holds elements that are taken.
  Array taken(const Shape& window) const {
    Array mask;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d)
      if (std::int64_t step = plan_.dims[d].step; step > 1) {
        DType counter = window[d] > INT32_MAX ? int64 : int32;
        Array at = emit_iota(window, counter, static_cast<std::int64_t>(d));
        Array here = emit("eq", {emit("rem", {at, emit_splat(window, step, counter)}), emit_splat(window, 0, counter)});
        mask = mask.empty() ? here : emit("and", {mask, here});
      }
    return mask;
  }

  /// A bool scalar: all dynamic indices lie in the array; empty if there are none, or if they need no test.
  Array inside(std::span<const Array> in) const {
    Array all;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d)
      if (const IndexedDim& dim = plan_.dims[d]; dim.dynamic >= 0 && dim.dynamic < given_) {
        Array i = from_the_end(in[1 + static_cast<std::size_t>(dim.dynamic)], in[0].shape()[d]);
        Array here = (i >= 0) & (i < cast(in[0].shape()[d], i.dtype()));
        all = all.empty() ? here : all & here;
      }
    return all;
  }
  /// The same of the arrays of indices, elementwise.
  Array arrays_inside(std::span<const Array> in) const {
    Array all;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d)
      if (int g = plan_.dims[d].gather; g >= 0) {
        Array i = from_the_end(in[first_array_ + static_cast<std::size_t>(g)], in[0].shape()[d]);
        Array here = (i >= 0) & (i < cast(in[0].shape()[d], i.dtype()));
        all = all.empty() ? here : all & here;
      }
    return all.empty() ? all : broadcast_to(all, plan_.array_shape);
  }

  /// Takes the elements that the arrays of indices name, and gives the result its shape.
  Array finish(std::span<const Array> in, Array picked) const {
    if (plan_.arrays.empty()) return reshape(picked, plan_.result());
    // Without the dimensions of single integers; position[d] is where dimension d went.
    std::vector<std::int64_t> position(plan_.dims.size());
    Shape rest;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d) {
      position[d] = static_cast<std::int64_t>(rest.size());
      if (!plan_.dims[d].dropped) rest.push_back(picked.shape()[d]);
    }
    picked = reshape(picked, rest);
    // The dimensions before the arrays' in the result come first, then the arrays' own, to be merged, then the others.
    std::vector<std::int64_t> order, gathered;
    std::size_t block = 0;
    for (int part : plan_.out) {
      if (part == IndexPlan::array_block) {
        block = order.size();
        for (std::size_t d = 0; d < plan_.dims.size(); ++d)
          if (plan_.dims[d].gather >= 0) gathered.push_back(static_cast<std::int64_t>(d)), order.push_back(position[d]);
      } else if (part >= 0) {
        order.push_back(position[static_cast<std::size_t>(part)]);
      }
    }
    if (!std::is_sorted(order.begin(), order.end())) picked = transpose(picked, order);
    Shape merged = picked.shape();
    std::int64_t total = 1;
    for (std::size_t i = 0; i < gathered.size(); ++i) total *= merged[block], merged.erase(block);
    merged.insert(block, total);
    picked = reshape(picked, merged);

    Array index;  // row-major over the gathered dimensions
    for (std::int64_t d : gathered) {
      std::int64_t size = in[0].shape()[static_cast<std::size_t>(d)];
      Array i = from_the_end(in[first_array_ + static_cast<std::size_t>(plan_.dims[static_cast<std::size_t>(d)].gather)], size);
      if (gathered.size() > 1) {
        i = clip(i, 0, cast(std::max<std::int64_t>(size - 1, 0), i.dtype()));
        if (total > INT32_MAX) i = cast(i, int64);
        index = index.empty() ? i : index * cast(size, i.dtype()) + i;
      } else {
        index = i;
      }
    }
    index = broadcast_to(index, plan_.array_shape);
    return reshape(emit("take", {picked, index}, {{"dim", static_cast<std::int64_t>(block)}}), plan_.result());
  }

  const IndexPlan& plan() const { return plan_; }

 private:
  std::vector<Array> starts(std::span<const Array> in) const {
    std::vector<Array> result;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d) {
      const IndexedDim& dim = plan_.dims[d];
      if (dim.dynamic < 0) result.push_back(cast(dim.start, dim.start <= INT32_MAX ? int32 : int64));
      else if (dim.dynamic < given_) result.push_back(from_the_end(in[1 + static_cast<std::size_t>(dim.dynamic)], in[0].shape()[d]));
      else result.push_back(in[1 + static_cast<std::size_t>(dim.dynamic)]);
    }
    return result;
  }
  Array pick(const Array& window) const {
    Array picked = window;
    if (stepped()) {
      std::vector<std::int64_t> starts(plan_.dims.size(), 0), stops = window.shape().to_vector(), steps;
      for (const IndexedDim& dim : plan_.dims) steps.push_back(dim.step);
      picked = emit("slice", {picked}, {{"starts", starts}, {"stops", stops}, {"strides", steps}});
    }
    return reversed(picked);
  }
  Array reversed(const Array& values) const {
    std::vector<std::int64_t> dims;
    for (std::size_t d = 0; d < plan_.dims.size(); ++d)
      if (plan_.dims[d].reversed && plan_.dims[d].count() > 1) dims.push_back(static_cast<std::int64_t>(d));
    return dims.empty() ? values : emit("reverse", {values}, {{"dims", dims}});
  }

  const IndexPlan& plan_;
  std::vector<Array> operands_;
  int given_;  // scalars that the user gave: they may lie outside
  std::size_t first_array_ = 0;
};

/// Runs the builder in the trace, or as a program of its own.
Array build(const char* name, std::span<const Array> operands, const Key& key, const std::function<Array(std::span<const Array>)>& builder) {
  if (tracing()) return builder(operands);
  return staged_all(name, operands, key, [&](std::span<const Array> in) { return std::vector<Array>{builder(in)}; })[0];
}

enum class Mode { usual, clip, drop };

Mode read_mode(IndexOptions options) {
  if (options.mode.empty()) return Mode::usual;
  if (options.mode == "clip") return Mode::clip;
  if (options.mode == "drop" || options.mode == "fill") return Mode::drop;
  fail(fmt::format("the mode '{}' is unknown; it is \"clip\", \"drop\" or \"fill\"", options.mode));
}

/// What a gather of an element that is not there gives, as in JAX: NaN, the least integer, the greatest unsigned one, true.
Array fill_value(DType dtype) {
  if (is_bool(dtype)) return true;
  if (is_unsigned(dtype)) return cast(-1, dtype);
  if (is_integer(dtype)) return cast(std::numeric_limits<std::int64_t>::min() >> (64 - 8 * static_cast<int>(itemsize(dtype))), dtype);
  return cast(std::numeric_limits<double>::quiet_NaN(), dtype);
}

Array get(const char* name, const Array& x, std::span<const Index> indices, Mode mode) {
  IndexPlan plan = plan_index(x, indices);
  Window window(x, plan);
  Key key(static_cast<int>(mode));
  plan.describe(key);
  Array result = build(name, window.operands(), key, [&](std::span<const Array> in) {
    Array value = window.finish(in, window.take(in));
    if (mode != Mode::drop) return value;
    if (Array inside = window.inside(in); !inside.empty()) value = where(inside, value, fill_value(x.dtype()));
    if (Array inside = window.arrays_inside(in); !inside.empty()) {
      Shape aligned = inside.shape();  // the result's dimensions after the arrays' follow as ones
      const auto& out = plan.out;
      auto after = out.end() - std::find(out.begin(), out.end(), IndexPlan::array_block) - 1;
      for (std::ptrdiff_t i = 0; i < after; ++i) aligned.push_back(1);
      value = where(reshape(inside, aligned), value, fill_value(x.dtype()));
    }
    return value;
  });
  return with_weak(result, x.weak());
}

/// How an update meets what is there: as the op `combine` does (none: it replaces it), and as scatter names it.
struct Update {
  const char* combine;
  const char* scatter;
};

/// The dimension that one array of indices names while all others are whole, -1 if it is not so.
std::int64_t only_dimension(const IndexPlan& plan, const Array& x) {
  if (plan.arrays.size() != 1) return -1;
  std::int64_t found = -1;
  for (std::size_t d = 0; d < plan.dims.size(); ++d) {
    const IndexedDim& dim = plan.dims[d];
    if (dim.gather >= 0)
      found = static_cast<std::int64_t>(d);
    else if (dim.dropped || dim.dynamic >= 0 || dim.reversed || dim.step != 1 || dim.window != x.shape()[d])
      return -1;
    const int part = d < plan.out.size() ? plan.out[d] : IndexPlan::new_axis;
    if (part != (dim.gather >= 0 ? static_cast<int>(IndexPlan::array_block) : static_cast<int>(d))) return -1;
  }
  return plan.out.size() == plan.dims.size() ? found : -1;
}

/// Arrays among the indices: elements go to several places at once. In general their places in the flattened array are what the
/// same indices take of its positions.
Array scatter(const char* name, const Array& x, const IndexPlan& plan, std::span<const Index> indices, const Array& value, Mode mode, const Update& how) {
  const Shape result = plan.result();
  const std::int64_t dim = only_dimension(plan, x);
  Array which;
  if (dim >= 0) {
    const std::int64_t size = x.shape()[static_cast<std::size_t>(dim)];
    which = from_the_end(plan.arrays[0], size);
    if (mode == Mode::clip) which = clip(which, 0, cast(std::max<std::int64_t>(size - 1, 0), which.dtype()));
  } else {
    if (x.size() > INT32_MAX) fail("scattering through several indices into more than 2^31 elements is not there");
    Array positions = reshape(skein::arange(static_cast<int>(x.size())), x.shape());
    which = get(name, positions, indices, mode == Mode::clip ? Mode::usual : Mode::drop);
  }
  const std::vector<Array> operands{x, which, value};
  Array changed = build(name, operands, Key(dim, how.scatter, result), [&](std::span<const Array> in) {
    Array values = broadcast_to(cast(in[2], in[0].dtype()), result);
    if (dim >= 0) return emit("scatter", {in[0], in[1], values}, {{"dim", dim}, {"kind", std::string(how.scatter)}});
    Array flat = emit("scatter", {reshape(in[0], {-1}), reshape(in[1], {-1}), reshape(values, {-1})}, {{"dim", std::int64_t{0}}, {"kind", std::string(how.scatter)}});
    return reshape(flat, in[0].shape());
  });
  return with_weak(changed, x.weak());
}

Array update(const char* name, const Array& x, std::span<const Index> indices, const Array& value, Mode mode, const Update& how) {
  IndexPlan plan = plan_index(x, indices);
  check_usable(value);
  Shape result = plan.result();
  const Shape& given = value.shape();
  bool fits = given.size() <= result.size();
  for (std::size_t i = 0; fits && i < given.size(); ++i) {
    std::int64_t there = result[result.size() - given.size() + i];
    fits = given[i] == 1 || given[i] == there;
  }
  if (!fits) fail(fmt::format("the value {} cannot be broadcast to {}, the shape of what is indexed of {}", describe(value), to_string(result), describe(x)));
  if (result.volume() == 0) return x;
  if (!plan.arrays.empty()) return scatter(name, x, plan, indices, value, mode, how);

  Window window(x, plan);
  window.operands().push_back(value);
  Key key(static_cast<int>(mode));
  plan.describe(key);
  Array changed = build(name, window.operands(), key, [&](std::span<const Array> in) {
    Array values = reshape(broadcast_to(cast(in.back(), x.dtype()), result), plan.counts());
    Array test = mode == Mode::clip ? Array() : window.inside(in);
    bool needs_old = how.combine || window.stepped() || !test.empty();
    Array old = needs_old ? window.read(in) : Array();
    Array fresh = window.spread(values);
    if (how.combine) fresh = emit(how.combine, {old, fresh});
    if (window.stepped()) fresh = emit("select", {window.taken(old.shape()), fresh, old});
    if (!test.empty()) fresh = where(test, fresh, old);
    return window.write(in, fresh);
  });
  return with_weak(changed, x.weak());
}

}  // namespace

Array index(const Array& x, std::span<const Index> indices, std::source_location where) {
  Call call("index", where);
  return get("index", x, indices, Mode::usual);
}

}  // namespace detail

using detail::Call;

Array AtProxy::get(IndexOptions options) const {
  Call call("at.get", where_);
  return detail::get("at.get", array_, indices_, detail::read_mode(options));
}
Array AtProxy::set(const Array& value, IndexOptions options) const {
  Call call("at.set", where_);
  return detail::update("at.set", array_, indices_, value, detail::read_mode(options), {nullptr, "set"});
}
Array AtProxy::add(const Array& value, IndexOptions options) const {
  Call call("at.add", where_);
  return detail::update("at.add", array_, indices_, value, detail::read_mode(options), {"add", "add"});
}
Array AtProxy::mul(const Array& value, IndexOptions options) const {
  Call call("at.mul", where_);
  return detail::update("at.mul", array_, indices_, value, detail::read_mode(options), {"mul", "mul"});
}
Array AtProxy::min(const Array& value, IndexOptions options) const {
  Call call("at.min", where_);
  return detail::update("at.min", array_, indices_, value, detail::read_mode(options), {"minimum", "min"});
}
Array AtProxy::max(const Array& value, IndexOptions options) const {
  Call call("at.max", where_);
  return detail::update("at.max", array_, indices_, value, detail::read_mode(options), {"maximum", "max"});
}

}  // namespace skein
