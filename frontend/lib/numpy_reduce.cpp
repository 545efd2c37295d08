// Reductions without NaN, running sums, differences.
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// A reduction made of reductions: `build` gets the array and the options with `where` in the program.
template <class Options, class Build>
Array reduction(const char* name, const Array& x, const Options& o, Key key, Build&& build) {
  List axes = axes_in(x, o.axis);
  key.add(axes).add(o.keepdims).add(o.dtype ? static_cast<int>(*o.dtype) : -1);
  std::vector<Array> operands{x};
  if (!o.where.empty()) operands.push_back(o.where);
  auto all_of = [&](In in) {
    Options inside = o;
    inside.axis = AxisList(axes);
    inside.where = in.size() > 1 ? in[1] : Array();
    return std::vector<Array>{build(in[0], inside)};
  };
  return staged_all(name, operands, key, all_of)[0];
}

/// The same where NaN take no part.
template <class Options, class Build>
Array without_nan(const char* name, const Array& x, const Options& o, Key key, Build&& build) {
  bool exact = !is_inexact(impl_of(x)->dtype);
  return reduction(name, x, o, std::move(key), [&](const Array& v, Options inside) {
    if (!exact) {
      Array numbers = logical_not(isnan(v));
      inside.where = inside.where.empty() ? numbers : logical_and(numbers, inside.where);
    }
    return build(v, inside);
  });
}

Array extreme_number(const char* name, const Array& x, const ReduceOptions& o, Where at, bool greatest) {
  Call call(name, at);
  return without_nan(name, x, o, {}, [&](const Array& v, const ReduceOptions& inside) {
    Array result = greatest ? max(v, inside) : min(v, inside);
    if (!is_inexact(v.dtype())) return result;
    return where(any(inside.where, {.axis = inside.axis, .keepdims = inside.keepdims}), result, not_a_number);
  });
}

Array extreme_place(const char* name, const Array& x, const ReduceOptions& o, Where at, bool greatest) {
  Call call(name, at);
  if (!o.where.empty() || o.dtype) fail("takes .axis and .keepdims only");
  bool given = o.axis.given();
  std::int64_t axis = given ? axis_in(x, o.axis) : 0;
  ReduceOptions options{.axis = given ? AxisList(axis) : AxisList(), .keepdims = o.keepdims};
  if (!is_inexact(impl_of(x)->dtype)) return greatest ? argmax(x, options) : argmin(x, options);
  return staged(name, {x}, Key(given, axis, o.keepdims), [&](In in) {
    Array nan = isnan(in[0]), v = where(nan, greatest ? -infinity : infinity, in[0]);
    return where(all(nan, options), -1, greatest ? argmax(v, options) : argmin(v, options));
  });
}

}  // namespace

Array ptp(const Array& x, const ReduceOptions& o, Where at) {
  Call call("ptp", at);
  return reduction("ptp", x, o, {},
                   [](const Array& v, const ReduceOptions& inside) { return max(v, inside) - min(v, inside); });
}

Array nansum(const Array& x, const ReduceOptions& o, Where at) {
  Call call("nansum", at);
  return without_nan("nansum", x, o, {}, [](const Array& v, const ReduceOptions& inside) { return sum(v, inside); });
}
Array nanprod(const Array& x, const ReduceOptions& o, Where at) {
  Call call("nanprod", at);
  return without_nan("nanprod", x, o, {}, [](const Array& v, const ReduceOptions& inside) { return prod(v, inside); });
}
Array nanmean(const Array& x, const ReduceOptions& o, Where at) {
  Call call("nanmean", at);
  return without_nan("nanmean", x, o, {}, [](const Array& v, const ReduceOptions& inside) { return mean(v, inside); });
}
Array nanvar(const Array& x, const VarOptions& o, Where at) {
  Call call("nanvar", at);
  return without_nan("nanvar", x, o, Key(o.ddof),
                     [](const Array& v, const VarOptions& inside) { return var(v, inside); });
}
Array nanstd(const Array& x, const VarOptions& o, Where at) {
  Call call("nanstd", at);
  return without_nan("nanstd", x, o, Key(o.ddof),
                     [](const Array& v, const VarOptions& inside) { return std(v, inside); });
}
Array nanmax(const Array& x, const ReduceOptions& o, Where at) { return extreme_number("nanmax", x, o, at, true); }
Array nanmin(const Array& x, const ReduceOptions& o, Where at) { return extreme_number("nanmin", x, o, at, false); }
Array nanargmax(const Array& x, const ReduceOptions& o, Where at) { return extreme_place("nanargmax", x, o, at, true); }
Array nanargmin(const Array& x, const ReduceOptions& o, Where at) {
  return extreme_place("nanargmin", x, o, at, false);
}

// ---- running sums ----

namespace {

/// The dimension, and whether the array is flattened first.
std::pair<std::int64_t, bool> running_axis(const Array& x, const AxisList& axis) {
  if (!axis.given()) return {0, true};
  return {axis_in(x, axis), false};
}

Array running(const char* name, const char* kind, const Array& x, const CumulativeOptions& o, Where at,
              bool skip_nan = false) {
  Call call(name, at);
  DType given = impl_of(x)->dtype;
  bool sums = std::string_view(kind) == "sum" || std::string_view(kind) == "prod";
  DType result = o.dtype.value_or(sums ? sum_dtype(given) : given);
  auto axis_and_flat = running_axis(x, o.axis);
  std::int64_t axis = axis_and_flat.first;
  bool flat = axis_and_flat.second, weak = x.weak() && !o.dtype;
  return staged(name, {x}, Key(axis, flat, result, weak, o.reverse), [&](In in) {
    DType work = is_bool(result) ? int32 : is_half(result) && sums ? float32 : result;
    Array v = cast(flat ? ravel(in[0]) : in[0], work);
    if (skip_nan && is_inexact(work)) v = where(isnan(v), std::string_view(kind) == "prod" ? 1 : 0, v);
    return with_weak(cast(cumulative(kind, v, axis, o.reverse), result), weak);
  });
}

Array cumulative_of(const char* name, const char* kind, const Array& x, const CumulativeSumOptions& o, Where at) {
  Call call(name, at);
  if (!o.axis.given() && rank_of(x) != 1) fail("wants .axis, since " + describe(x) + " is no vector");
  std::int64_t axis = o.axis.given() ? axis_in(x, o.axis) : 0;
  bool product = std::string_view(kind) == "prod";
  CumulativeOptions options{.axis = axis, .dtype = o.dtype};
  if (!o.include_initial) return running(name, kind, x, options, at);
  const char* program = product ? "cumulative_prod_from_one" : "cumulative_sum_from_zero";
  return staged(program, {x}, Key(axis, o.dtype ? static_cast<int>(*o.dtype) : -1), [&](In in) {
    Array sums = running(name, kind, in[0], options, at);
    Shape shape = sums.shape();
    shape[place(axis)] = 1;
    Array start = product ? ones(shape, sums.dtype()) : zeros(shape, sums.dtype());
    return with_weak(concatenate({start, sums}, {.axis = static_cast<int>(axis)}), sums.weak());
  });
}

}  // namespace

Array cumsum(const Array& x, const CumulativeOptions& o, Where at) { return running("cumsum", "sum", x, o, at); }
Array cumprod(const Array& x, const CumulativeOptions& o, Where at) { return running("cumprod", "prod", x, o, at); }
Array cummax(const Array& x, const CumulativeOptions& o, Where at) { return running("cummax", "max", x, o, at); }
Array cummin(const Array& x, const CumulativeOptions& o, Where at) { return running("cummin", "min", x, o, at); }
Array nancumsum(const Array& x, const CumulativeOptions& o, Where at) {
  return running("nancumsum", "sum", x, o, at, true);
}
Array nancumprod(const Array& x, const CumulativeOptions& o, Where at) {
  return running("nancumprod", "prod", x, o, at, true);
}
Array cumulative_sum(const Array& x, const CumulativeSumOptions& o, Where at) {
  return cumulative_of("cumulative_sum", "sum", x, o, at);
}
Array cumulative_prod(const Array& x, const CumulativeSumOptions& o, Where at) {
  return cumulative_of("cumulative_prod", "prod", x, o, at);
}

Array logcumsumexp(const Array& x, const CumulativeOptions& o, Where at) {
  Call call("logcumsumexp", at);
  auto axis_and_flat = running_axis(x, o.axis);
  std::int64_t axis = axis_and_flat.first;
  bool flat = axis_and_flat.second, weak = x.weak() && !o.dtype;
  DType dtype = inexact_dtype(o.dtype.value_or(impl_of(x)->dtype));
  return staged("logcumsumexp", {x}, Key(axis, flat, dtype, weak, o.reverse), [&](In in) {
    Array v = cast(flat ? ravel(in[0]) : in[0], dtype);
    std::int64_t size = length_of(v, axis);
    // Hillis and Steele 1986: after the step of width w each element has the 2 w before it. All sums stay logarithms.
    for (std::int64_t width = 1; width < size; width *= 2) {
      Shape shape = v.shape();
      shape[place(axis)] = width;
      Array nothing = full(shape, -infinity, dtype);
      Array moved = o.reverse ? concatenate({cut(v, axis, width, size), nothing}, {.axis = static_cast<int>(axis)})
                              : concatenate({nothing, cut(v, axis, 0, size - width)}, {.axis = static_cast<int>(axis)});
      v = logaddexp(v, moved);
    }
    return with_weak(v, weak);
  });
}

// ---- differences ----

Array diff(const Array& x, const DiffOptions& o, Where at) {
  Call call("diff", at);
  std::int64_t rank = rank_of(x);
  if (!rank) fail("wants one dimension or more, not " + describe(x));
  if (o.n < 0) fail("n is not negative, as " + std::to_string(o.n));
  std::int64_t axis = normal_axis(o.axis, rank, x);
  std::vector<Array> parts;
  for (const Array* part : {&o.prepend, &x, &o.append})
    if (!part->empty()) parts.push_back(*part);
  bool weak = promote_all(parts).second;
  return staged_all("diff", parts, Key(o.n, axis, weak, !o.prepend.empty()), [&](In in) {
    std::vector<Array> pieces;
    for (const Array& part : in) {
      Shape slice_shape = x.shape();
      slice_shape[place(axis)] = 1;
      pieces.push_back(part.shape().empty() ? broadcast_to(part, slice_shape) : part);
    }
    Array v = pieces.size() == 1 ? pieces[0] : concatenate(pieces, {.axis = static_cast<int>(axis)});
    for (std::int64_t i = 0; i < o.n; ++i) {
      std::int64_t size = length_of(v, axis);
      Array next = cut(v, axis, std::min<std::int64_t>(1, size), size);
      Array before = cut(v, axis, 0, std::max<std::int64_t>(size - 1, 0));
      v = is_bool(v.dtype()) ? not_equal(next, before) : next - before;
    }
    return std::vector<Array>{with_weak(v, weak)};
  })[0];
}

Array ediff1d(const Array& x, const Ediff1dOptions& o, Where at) {
  Call call("ediff1d", at);
  DType dtype = impl_of(x)->dtype;
  Array steps = diff(ravel(x));
  if (o.to_begin.empty() && o.to_end.empty()) return steps;
  std::vector<Array> parts;
  if (!o.to_begin.empty()) parts.push_back(ravel(cast(o.to_begin, dtype)));
  parts.push_back(steps);
  if (!o.to_end.empty()) parts.push_back(ravel(cast(o.to_end, dtype)));
  return concatenate(parts);
}

namespace {

/// The derivative along one axis; h: a scalar distance or a vector of coordinates.
Array gradient_along(const Array& f, Array h, std::int64_t axis, int order) {
  std::int64_t n = length_of(f, axis);
  auto slab = [&](std::int64_t start, std::int64_t stop) { return cut(f, axis, start, stop); };
  Array first = slab(0, 1), second = slab(1, 2), last = slab(n - 1, n), next_to_last = slab(n - 2, n - 1);
  Array inside, low, high;
  if (h.shape().empty()) {
    inside = (slab(2, n) - slab(0, n - 2)) / (2 * h);
    if (order == 1) {
      low = (second - first) / h, high = (last - next_to_last) / h;
    } else {
      low = (2 * second - 1.5 * first - 0.5 * slab(2, 3)) / h;
      high = (1.5 * last - 2 * next_to_last + 0.5 * slab(n - 3, n - 2)) / h;
    }
  } else {
    Shape shape = Shape::filled(f.shape().size(), 1);
    shape[place(axis)] = n;
    h = reshape(h, shape);
    Array steps = cut(h, axis, 1, n) - cut(h, axis, 0, n - 1);
    auto step = [&](std::int64_t start, std::int64_t stop) { return cut(steps, axis, start, stop); };
    Array a = step(0, n - 2), b = step(1, n - 1);
    inside =
        slab(0, n - 2) * (-b / (a * (a + b))) + slab(1, n - 1) * ((b - a) / (a * b)) + slab(2, n) * (a / (b * (a + b)));
    if (order == 1) {
      low = (second - first) / step(0, 1), high = (last - next_to_last) / step(n - 2, n - 1);
    } else {
      a = step(0, 1), b = step(1, 2);
      low = first * (-(2 * a + b) / (a * (a + b))) + second * ((a + b) / (a * b)) - slab(2, 3) * (a / (b * (a + b)));
      a = step(n - 3, n - 2), b = step(n - 2, n - 1);
      high = slab(n - 3, n - 2) * (b / (a * (a + b))) - next_to_last * ((a + b) / (a * b)) +
             last * ((2 * b + a) / (b * (a + b)));
    }
  }
  return concatenate({low, inside, high}, {.axis = static_cast<int>(axis)});
}

}  // namespace

std::vector<Array> gradient(const Array& f, const GradientOptions& o, Where at) {
  Call call("gradient", at);
  List axes;
  for (std::int64_t axis : o.axis.given() ? o.axis.axes() : axes_in(f, {}))
    axes.push_back(normal_axis(axis, rank_of(f), f));
  if (o.edge_order != 1 && o.edge_order != 2) fail("edge_order is 1 or 2, not " + std::to_string(o.edge_order));
  if (o.spacing.size() > 1 && o.spacing.size() != axes.size())
    fail("one spacing, or one for each of the " + std::to_string(axes.size()) + " axes; here are " +
         std::to_string(o.spacing.size()));
  DType dtype = inexact_dtype(impl_of(f)->dtype);
  bool weak = f.weak();
  std::vector<Array> operands{cast(f, dtype)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Array h = o.spacing.empty() ? Array(1) : o.spacing[o.spacing.size() == 1 ? 0 : i];
    std::int64_t size = length_of(f, axes[i]);
    if (size < o.edge_order + 1)
      fail("axis " + std::to_string(axes[i]) + " of " + describe(f) + " has fewer than " +
           std::to_string(o.edge_order + 1) + " elements");
    if (rank_of(h) > 1 || (rank_of(h) == 1 && h.size() != size))
      fail("a spacing is a number or a vector of the " + std::to_string(size) + " coordinates along axis " +
           std::to_string(axes[i]) + ", not " + describe(h));
    operands.push_back(cast(h, dtype));
  }
  if (axes.empty()) return {};
  return staged_all("gradient", operands, Key(axes, o.edge_order, weak), [&](In in) {
    std::vector<Array> results;
    for (std::size_t i = 0; i < axes.size(); ++i)
      results.push_back(with_weak(gradient_along(in[0], in[i + 1], axes[i], o.edge_order), weak));
    return results;
  });
}

Array trapezoid(const Array& y, const TrapezoidOptions& o, Where at) {
  Call call("trapezoid", at);
  std::int64_t axis = normal_axis(o.axis, rank_of(y), y);
  bool given = !o.x.empty();
  if (given && rank_of(o.x) == 1 && o.x.size() != length_of(y, axis))
    fail("x has one coordinate for each element along axis " + std::to_string(axis) + " of " + describe(y) +
         "; it is " + describe(o.x));
  Joined joined = given ? join_operands({y, o.x}, Want::inexact) : join_operands({y}, Want::inexact);
  auto build = [&](In in) {
    Array v = cast(in[0], joined.dtype), width = Array(o.dx);
    std::int64_t n = length_of(v, axis);
    if (given) {
      Array x = cast(in[1], joined.dtype);
      if (x.ndim() == 1) {
        Shape shape = Shape::filled(v.shape().size(), 1);
        shape[place(axis)] = n;
        x = reshape(x, shape);
      }
      width = diff(x, {.axis = static_cast<int>(axis)});
    }
    Array mean_of_two =
        (cut(v, axis, std::min<std::int64_t>(1, n), n) + cut(v, axis, 0, std::max<std::int64_t>(n - 1, 0))) * 0.5;
    return std::vector<Array>{with_weak(sum(width * mean_of_two, {.axis = axis}), joined.weak)};
  };
  return staged_all("trapezoid", joined.operands, Key(axis, given, o.dx, joined.dtype, joined.weak), build)[0];
}

}  // namespace skein
