// Averages, quantiles, covariances, counting.
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
}  // namespace

Array average(const Array& x, const AverageOptions& o, Where at) {
  Call call("average", at);
  if (o.weights.empty()) return mean(x, {.axis = o.axis, .keepdims = o.keepdims});
  List axes = axes_in(x, o.axis);
  bool alike = impl_of(o.weights)->shape == x.shape();
  if (!alike && (axes.size() != 1 || rank_of(o.weights) != 1 || o.weights.size() != length_of(x, axes[0])))
    fail("weights have the array's shape, or are a vector along the one axis; here are " + describe(o.weights) +
         " and " + describe(x));
  Joined joined = join_operands({x, o.weights}, Want::inexact);
  auto build = [&](In in) {
    Array v = cast(in[0], joined.dtype), w = cast(in[1], joined.dtype);
    if (!alike) {
      Shape shape = Shape::filled(v.shape().size(), 1);
      shape[place(axes[0])] = w.size();
      w = reshape(w, shape);
    }
    ReduceOptions options{.axis = axes, .keepdims = o.keepdims};
    return std::vector<Array>{with_weak(sum(v * w, options) / sum(w, options), joined.weak)};
  };
  return staged_all("average", joined.operands, Key(axes, o.keepdims, alike, joined.dtype, joined.weak), build)[0];
}

// ---- quantiles ----

namespace {

/// Between two neighbours in the sorted array, exact at both.
Array between(const Array& low, const Array& high, const Array& t) {
  Array step = high - low;
  Array value = where(greater_equal(t, 0.5), high - step * (1 - t), low + step * t);
  return where(equal(low, high), low, value);  // also of two infinities
}

/// Of the last dimension of v, at positions [q] or [..., q] among its elements, counted in float64.
Array at_positions(const Array& sorted, const Array& position, std::string_view method, bool by_row) {
  std::int64_t last = sorted.shape().back() - 1;
  auto pick = [&](const Array& p) {
    Array i = cast(clip(p, 0, Array(last)), index_dtype(last));
    return by_row ? take_along(sorted, i, rank_of(sorted) - 1) : take(sorted, i, {.axis = -1});
  };
  if (method == "lower") return pick(floor(position));
  if (method == "higher") return pick(ceil(position));
  if (method == "nearest") return pick(round(position));
  Array below = floor(position), low = pick(below), high = pick(ceil(position));
  Array t = method == "midpoint" ? where(equal(below, position), 0, 0.5) : position - below;
  return between(low, high, cast(t, low.dtype()));
}

Array quantile_of(const char* name, const Array& x, const Array& q, double hundred, const QuantileOptions& o,
                  bool skip_nan) {
  DType dtype = inexact_dtype(impl_of(x)->dtype);
  std::string method(o.method);
  if (method != "linear" && method != "lower" && method != "higher" && method != "midpoint" && method != "nearest")
    fail("the method is \"linear\", \"lower\", \"higher\", \"midpoint\" or \"nearest\", not \"" + method + "\"");
  if (is_complex(dtype)) fail("complex numbers have no order, as " + describe(x));
  if (is_complex(impl_of(q)->dtype)) fail("q is real, not " + describe(q));
  if (auto number = known_number(q); number && !(*number >= 0 && *number <= hundred))
    fail("q is between 0 and " + std::to_string(static_cast<int>(hundred)) + ", not " + std::to_string(*number));
  List axes = axes_in(x, o.axis), order;
  Shape rest, kept = x.shape();
  std::int64_t count = 1;
  for (std::int64_t i = 0; i < rank_of(x); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) {
      order.push_back(i), rest.push_back(length_of(x, i));
    } else {
      count *= length_of(x, i), kept[place(i)] = 1;
    }
  }
  order.insert(order.end(), axes.begin(), axes.end());
  Shape result_shape = q.shape();
  for (std::int64_t size : o.keepdims ? kept : rest) result_shape.push_back(size);
  if (!count || !result_shape.volume()) return full(result_shape, not_a_number, dtype);

  return staged(name, {x, cast(q, float64)}, Key(axes, method, o.keepdims, hundred), [&](In in) {
    DType work = is_half(dtype) ? float32 : dtype;
    Shape flat = rest;
    flat.push_back(count);
    Array sorted = sort(reshape(transpose(cast(in[0], work), order), flat));  // NaN are last
    Array share = ravel(clip(in[1], 0, hundred)) / hundred;
    std::int64_t dim = rank_of(sorted) - 1;
    Array result;
    if (skip_nan) {
      Array numbers = sum(cast(logical_not(isnan(sorted)), float64), {.axis = dim, .keepdims = true});
      result = at_positions(sorted, share * maximum(numbers - 1, 0), method, true);
      result = where(equal(numbers, 0), not_a_number, result);
    } else {
      result = at_positions(sorted, share * static_cast<double>(count - 1), method, false);
      result = where(isnan(cut(sorted, dim, count - 1, count)), not_a_number, result);
    }
    return cast(reshape(moveaxis(result, -1, 0), result_shape), dtype);
  });
}

}  // namespace

Array quantile(const Array& x, const Array& q, const QuantileOptions& o, Where at) {
  Call call("quantile", at);
  return quantile_of("quantile", x, q, 1, o, false);
}
Array percentile(const Array& x, const Array& q, const QuantileOptions& o, Where at) {
  Call call("percentile", at);
  return quantile_of("percentile", x, q, 100, o, false);
}
Array nanquantile(const Array& x, const Array& q, const QuantileOptions& o, Where at) {
  Call call("nanquantile", at);
  return quantile_of("nanquantile", x, q, 1, o, true);
}
Array nanpercentile(const Array& x, const Array& q, const QuantileOptions& o, Where at) {
  Call call("nanpercentile", at);
  return quantile_of("nanpercentile", x, q, 100, o, true);
}
Array median(const Array& x, const MedianOptions& o, Where at) {
  Call call("median", at);
  return quantile_of("median", x, 0.5, 1, {.axis = o.axis, .keepdims = o.keepdims}, false);
}
Array nanmedian(const Array& x, const MedianOptions& o, Where at) {
  Call call("nanmedian", at);
  return quantile_of("nanmedian", x, 0.5, 1, {.axis = o.axis, .keepdims = o.keepdims}, true);
}

// ---- covariance ----

Array cov(const Array& m, const CovOptions& o, Where at) {
  Call call("cov", at);
  auto check = [](const Array& v) {
    if (rank_of(v) > 2) fail("wants two dimensions at most, not " + describe(v));
  };
  check(m);
  bool two = !o.y.empty(), frequencies = !o.fweights.empty(), weights = !o.aweights.empty();
  if (two) check(o.y);
  Joined joined = two ? join_operands({m, o.y}, Want::inexact) : join_operands({m}, Want::inexact);
  auto in_rows = [&](const Array& v) { return o.rowvar || v.ndim() < 2; };
  std::int64_t observations = in_rows(m) ? (m.ndim() ? m.shape().back() : 1) : m.shape()[0];
  std::vector<Array> operands = joined.operands;
  for (const Array* w : {&o.fweights, &o.aweights}) {
    if (w->empty()) continue;
    if (rank_of(*w) != 1 || w->size() != observations)
      fail("weights are a vector of the " + std::to_string(observations) + " observations, not " + describe(*w));
    operands.push_back(*w);
  }
  double ddof = o.ddof.value_or(o.bias ? 0 : 1);
  auto build = [&](In in) {
    DType dtype = joined.dtype;
    std::vector<Array> rows;
    for (std::size_t i = 0; i < (two ? 2u : 1u); ++i) {
      Array v = cast(in[i], dtype);
      rows.push_back(in_rows(v) ? atleast_2d(v) : transpose(v));
    }
    Array x = two ? concatenate(rows) : rows[0], w;
    std::size_t next = rows.size();
    if (frequencies) w = cast(in[next++], real_dtype(dtype));
    Array importance = weights ? cast(in[next], real_dtype(dtype)) : Array();
    if (weights) w = w.empty() ? importance : w * importance;
    Array centred, other, factor;
    if (w.empty()) {
      centred = x - mean(x, {.axis = 1, .keepdims = true});
      other = centred;
      factor = Array(std::max(static_cast<double>(observations) - ddof, 0.0));
    } else {
      Array total = sum(w);
      centred = x - sum(x * w, {.axis = 1, .keepdims = true}) / total;
      other = centred * w;
      factor = weights && ddof != 0 ? total - ddof * sum(w * importance) / total : total - ddof;
      factor = maximum(factor, 0);
    }
    Array result = matmul(centred, conj(transpose(other))) / factor;
    return std::vector<Array>{with_weak(squeeze(result), joined.weak)};
  };
  Key key(o.rowvar, frequencies, weights, ddof, joined.dtype, joined.weak);
  return staged_all("cov", operands, key, build)[0];
}

Array corrcoef(const Array& m, const CorrcoefOptions& o, Where at) {
  Call call("corrcoef", at);
  Array c = cov(m, {.y = o.y, .rowvar = o.rowvar});
  if (c.ndim() == 0) return c / c;
  return staged("corrcoef", {c}, {}, [](In in) {
    Array spread = sqrt(real(diagonal(in[0])));
    Array r = in[0] / expand_dims(spread, 1) / expand_dims(spread, 0);
    return is_complex(r.dtype()) ? r : clip(r, -1, 1);
  });
}

// ---- counting ----

Array bincount(const Array& x, const BincountOptions& o, Where at) {
  Call call("bincount", at);
  if (rank_of(x) != 1 || !is_integer(x.dtype())) fail("wants a vector of integers, not " + describe(x));
  if (!o.weights.empty() && !(impl_of(o.weights)->shape == x.shape()))
    fail("weights have the array's shape; here are " + describe(o.weights) + " and " + describe(x));
  std::int64_t length = o.length;
  if (length < 0) {
    if (tracing()) fail("the number of bins depends on values; inside a program give it as .length");
    length = o.minlength;
    if (x.size()) length = std::max(length, astype(max(x), int64).item<std::int64_t>() + 1);
  }
  std::vector<Array> operands{x};
  if (!o.weights.empty()) operands.push_back(o.weights);
  return staged_all("bincount", operands, Key(length), [&](In in) {
    Array bins = maximum(as_index(in[0]), 0);
    Array amounts = in.size() > 1 ? cast(in[1], sum_dtype(in[1].dtype())) : ones(bins.shape(), int32);
    return std::vector<Array>{scatter("add", zeros({length}, amounts.dtype()), bins, amounts)};
  })[0];
}

namespace {

/// A dimension's bins: so many of one width, or between edges.
struct Bins {
  std::int64_t count = 0;
  Array edges;  // none: made from the values
};
Bins bins_of(const Array& bins) {
  if (auto number = known_number(bins)) {
    if (!(*number >= 1) || *number != std::floor(*number)) fail("there is at least one bin, a whole number of them");
    return {static_cast<std::int64_t>(*number), {}};
  }
  if (rank_of(bins) != 1 || bins.size() < 2)
    fail("bins are a C++ integer, or a vector of two edges or more, not " + describe(bins));
  return {bins.size() - 1, bins};
}

using Range = std::optional<std::pair<double, double>>;
void check_range(const Range& range) {
  if (range && !(range->first <= range->second)) fail("the range's first number is not above its second");
}
Key& add_range(Key& key, const Range& range) {
  return key.add(range.has_value()).add(range ? range->first : 0.0).add(range ? range->second : 0.0);
}

/// Edges of bins of one width over the range, else over the values.
Array even_edges(const Array& x, std::int64_t count, const Range& range) {
  DType dtype = x.dtype();
  if (range || !x.size()) {
    double low = range ? range->first : 0, high = range ? range->second : 1;
    if (low == high) low -= 0.5, high += 0.5;
    return linspace(low, high, count + 1, dtype);
  }
  Array low = min(x), high = max(x), same = equal(low, high);
  low = where(same, low - 0.5, low), high = where(same, high + 0.5, high);
  Array i = counter({count + 1}, 0);
  return where(equal(i, Array(count)), high, cast(i, dtype) * ((high - low) / static_cast<double>(count)) + low);
}

/// The bin of each element of a vector; `count` for those outside.
Array bin_of(const Array& x, const Array& edges, std::int64_t count) {
  Array first = element(edges, 0), last = element(edges, count);
  Array bin = search_sorted(edges, x, true) - 1;
  bin = where(equal(x, last), Array(count - 1), bin);
  return where(logical_and(greater_equal(x, first), less_equal(x, last)), bin, Array(count));
}

/// The same between even edges: the bin is computed, then corrected by the edges beside it, which are rounded differently.
Array even_bin_of(const Array& x, const Array& edges, std::int64_t count) {
  constexpr std::int64_t most = 1 << 20;  // the computed bin is off by one at most: float32 has 24 bits
  if (count > most) return bin_of(x, edges, count);
  DType exact = x.dtype() == float64 ? float64 : float32;
  Array first = element(edges, 0), last = element(edges, count);
  Array inside = logical_and(greater_equal(x, first), less_equal(x, last));
  Array start = cast(first, exact), width = cast(last, exact) - start;
  Array place = (cast(where(inside, x, first), exact) - start) * (static_cast<double>(count) / width);
  Array guess = cast(minimum(place, static_cast<double>(count - 1)), int32);
  Array below = less(x, take(edges, guess));
  Array above = logical_and(greater_equal(x, take(edges, guess + 1)), less(guess, Array(count - 1)));
  return where(inside, where(below, guess - 1, where(above, guess + 1, guess)), Array(count));
}

}  // namespace

Array histogram_bin_edges(const Array& x, const HistogramOptions& o, Where at) {
  Call call("histogram_bin_edges", at);
  Bins bins = bins_of(o.bins);
  if (!bins.edges.empty()) return bins.edges;
  check_range(o.range);
  Key key(bins.count);
  add_range(key, o.range);
  return staged("histogram_bin_edges", {x}, key, [&](In in) {
    return even_edges(ravel(cast(in[0], inexact_dtype(in[0].dtype()))), bins.count, o.range);
  });
}

std::pair<Array, Array> histogram(const Array& x, const HistogramOptions& o, Where at) {
  Call call("histogram", at);
  Bins bins = bins_of(o.bins);
  bool given = !bins.edges.empty();
  check_range(o.range);
  if (is_complex(impl_of(x)->dtype)) fail("complex numbers have no order, as " + describe(x));
  if (!o.weights.empty() && !(impl_of(o.weights)->shape == x.shape()))
    fail("weights have the array's shape; here are " + describe(o.weights) + " and " + describe(x));
  Joined joined = given ? join_operands({x, bins.edges}, Want::inexact) : join_operands({x}, Want::inexact);
  std::vector<Array> operands = joined.operands;
  if (!o.weights.empty()) operands.push_back(o.weights);
  Key key(bins.count, given, o.density, joined.dtype);
  add_range(key, o.range);
  auto results = staged_all("histogram", operands, key, [&](In in) {
    Array v = ravel(cast(in[0], joined.dtype));
    Array edges = given ? cast(in[1], joined.dtype) : even_edges(v, bins.count, o.range);
    Array amounts = o.weights.empty() ? ones(v.shape(), int32) : ravel(in.back());
    amounts = cast(amounts, sum_dtype(amounts.dtype()));
    Array bin = given ? bin_of(v, edges, bins.count) : even_bin_of(v, edges, bins.count);
    Array counts = scatter("add", zeros({bins.count}, amounts.dtype()), bin, amounts);
    if (o.density) counts = cast(counts, joined.dtype) / (sum(cast(counts, joined.dtype)) * diff(edges));
    return std::vector<Array>{counts, edges};
  });
  return {results[0], results[1]};
}

std::pair<Array, std::vector<Array>> histogramdd(const Array& points, const HistogramDdOptions& o, Where at) {
  Call call("histogramdd", at);
  if (rank_of(points) != 2) fail("wants points as rows of a matrix, not " + describe(points));
  auto dims = place(length_of(points, 1));
  if (!dims || (o.bins.size() != 1 && o.bins.size() != dims))
    fail("bins for all dimensions, or for each of the " + std::to_string(dims) + "; here are " +
         std::to_string(o.bins.size()));
  if (!o.range.empty() && o.range.size() != dims)
    fail("a range for each of the " + std::to_string(dims) + " dimensions; here are " + std::to_string(o.range.size()));
  bool weighted = !o.weights.empty();
  if (weighted && (rank_of(o.weights) != 1 || o.weights.size() != length_of(points, 0)))
    fail("one weight for each point; here are " + describe(o.weights) + " and " + describe(points));
  std::vector<Bins> bins;
  std::vector<Array> operands{points};
  DType dtype = inexact_dtype(points.dtype());
  if (is_complex(dtype)) fail("complex numbers have no order, as " + describe(points));
  if (weighted) operands.push_back(o.weights);
  Key key(weighted, o.density);
  Shape shape;
  for (std::size_t d = 0; d < dims; ++d) {
    bins.push_back(bins_of(o.bins[o.bins.size() == 1 ? 0 : d]));
    Range range = o.range.empty() ? Range() : Range(o.range[d]);
    check_range(range);
    add_range(key, range).add(bins[d].count).add(!bins[d].edges.empty());
    if (!bins[d].edges.empty()) operands.push_back(bins[d].edges);
    shape.push_back(bins[d].count);
  }
  auto results = staged_all("histogramdd", operands, key, [&](In in) {
    std::size_t next = weighted ? 2 : 1;
    std::int64_t cells = shape.volume();
    Array cell, outside;
    std::vector<Array> all_results{Array()};
    for (std::size_t d = 0; d < dims; ++d) {
      auto column = static_cast<std::int64_t>(d);
      Array v = ravel(cast(cut(in[0], 1, column, column + 1), dtype));
      Range range = o.range.empty() ? Range() : Range(o.range[d]);
      bool even = bins[d].edges.empty();
      Array edges = even ? even_edges(v, bins[d].count, range) : cast(in[next++], dtype);
      Array bin = cast((even ? even_bin_of : bin_of)(v, edges, bins[d].count), index_dtype(cells));
      Array beyond = equal(bin, Array(bins[d].count));
      cell = d ? cell * Array(bins[d].count) + bin : bin;
      outside = d ? logical_or(outside, beyond) : beyond;
      all_results.push_back(edges);
    }
    DType amount = weighted && is_floating(in[1].dtype()) ? in[1].dtype() : dtype;
    Array amounts = weighted ? cast(in[1], amount) : ones(cell.shape(), amount);
    Array counts = scatter("add", zeros({cells}, amount), where(outside, Array(cells), cell), amounts);
    counts = reshape(counts, shape);
    if (o.density) {
      counts = counts / sum(counts);
      for (std::size_t d = 0; d < dims; ++d) {
        Shape along = Shape::filled(dims, 1);
        along[d] = shape[d];
        counts = counts / reshape(diff(all_results[d + 1]), along);
      }
    }
    all_results[0] = counts;
    return all_results;
  });
  return {results[0], std::vector<Array>(results.begin() + 1, results.end())};
}

Histogram2dResult histogram2d(const Array& x, const Array& y, const HistogramDdOptions& o, Where at) {
  Call call("histogram2d", at);
  if (rank_of(x) != 1 || rank_of(y) != 1 || x.size() != y.size())
    fail("wants two vectors of one length, not " + describe(x) + " and " + describe(y));
  auto [counts, edges] = histogramdd(stack({x, y}, {.axis = 1}), o);
  return {counts, edges[0], edges[1]};
}

// ---- segments ----

namespace {
Array segments_of(const char* name, const char* kind, const Array& data, const Array& ids, std::int64_t segments,
                  Where at) {
  Call call(name, at);
  if (rank_of(data) < 1 || rank_of(ids) != 1 || ids.size() != length_of(data, 0) || !is_integer(ids.dtype()))
    fail("ids are a vector of integers, one for each slice of the data; here are " + describe(ids) + " and " +
         describe(data));
  if (segments < 0) fail("the number of segments is not negative, as " + std::to_string(segments));
  std::string_view what(kind);
  return staged(name, {data, ids}, Key(segments), [&](In in) {
    DType dtype = in[0].dtype();
    bool sums = what == "add" || what == "mul";
    DType work = is_bool(dtype) ? int32 : sums && is_half(dtype) ? float32 : dtype;
    Shape shape = in[0].shape();
    shape[0] = segments;
    Array start = what == "add" ? Array(0) : what == "mul" ? Array(1) : cast(extreme_value(dtype, what == "min"), work);
    Array result = scatter(kind, full(shape, start, work), as_index(in[1]), cast(in[0], work));
    return is_bool(dtype) && sums ? result : cast(result, dtype);
  });
}
}  // namespace
Array segment_sum(const Array& data, const Array& ids, std::int64_t segments, Where at) {
  return segments_of("segment_sum", "add", data, ids, segments, at);
}
Array segment_prod(const Array& data, const Array& ids, std::int64_t segments, Where at) {
  return segments_of("segment_prod", "mul", data, ids, segments, at);
}
Array segment_max(const Array& data, const Array& ids, std::int64_t segments, Where at) {
  return segments_of("segment_max", "max", data, ids, segments, at);
}
Array segment_min(const Array& data, const Array& ids, std::int64_t segments, Where at) {
  return segments_of("segment_min", "min", data, ids, segments, at);
}

}  // namespace skein
