// Distributions whose samples are functions of uniform and normal numbers, in JAX's order of operations
// (jax/_src/random); those of loops are in rejection.cpp.
#include <skein/distributions.h>
#include <skein/ops.h>

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "frontend/lib/sampler.h"

namespace skein::random {
namespace {

using detail::Call;
using detail::cast;
using detail::describe;
using detail::emit;
using detail::emit_splat;
using detail::fail;
using detail::Key;
using Where = std::source_location;

Array halved(const Array& x) { return emit("mul", {x, emit_splat(x.shape(), 0.5, x.dtype())}); }

Array exponentials(const Words& key, std::int64_t n, DType dtype) { return -log1p(-unit(key, n, dtype)); }

/// Lengths of n normal vectors of three dimensions.
Array maxwells(const Words& key, std::int64_t n, DType dtype) {
  Array x = reshape(normal_of(key, 3 * n, dtype), {n, 3});
  return sqrt(sum(x * x, {.axis = 1}));
}

/// The parameter's dtype, or float32 where that is no floating one.
DType computing_dtype(const Array& parameter) {
  detail::check_usable(parameter);
  return is_floating(parameter.dtype()) ? parameter.dtype() : float32;
}

}  // namespace

// ---- without parameters ----

Array cauchy(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.cauchy", at);
  DType dtype = float_dtype(options);
  return sample("random.cauchy", key, {}, shape, dtype, [&](const Words& words, In, std::int64_t n) {
    return tan((between(words, n, dtype, epsilon_of(dtype), 1) - 0.5) * std::numbers::pi);
  });
}

Array laplace(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.laplace", at);
  DType dtype = float_dtype(options);
  return sample("random.laplace", key, {}, shape, dtype, [&](const Words& words, In, std::int64_t n) {
    Array u = between(words, n, dtype, epsilon_of(dtype) / 2 - 1, 1);
    return sign(u) * log1p(-abs(u));
  });
}

Array logistic(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.logistic", at);
  DType dtype = float_dtype(options);
  return sample("random.logistic", key, {}, shape, dtype, [&](const Words& words, In, std::int64_t n) {
    Array x = between(words, n, dtype, least_of(dtype), 1);
    return log(x) - log1p(-x);
  });
}

Array gumbel(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.gumbel", at);
  DType dtype = float_dtype(options);
  return sample("random.gumbel", key, {}, shape, dtype,
                [&](const Words& words, In, std::int64_t n) { return gumbels(words, n, dtype); });
}

Array maxwell(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.maxwell", at);
  DType dtype = float_dtype(options);
  return sample("random.maxwell", key, {}, shape, dtype,
                [&](const Words& words, In, std::int64_t n) { return maxwells(words, n, dtype); });
}

Array rademacher(const Array& key, const Shape& shape, const Options& options, Where at) {
  Call call("random.rademacher", at);
  DType dtype = options.dtype.value_or(int32);
  if (!is_integer(dtype) && !is_floating(dtype))
    fail(fmt::format("the dtype is an integer or a floating one, not {}", name(dtype)));
  return sample("random.rademacher", key, {}, shape, dtype,
                [&](const Words& words, In, std::int64_t n) { return signs(words, n, dtype); });
}

// ---- with parameters ----

Array truncated_normal(const Array& key, const Array& lower, const Array& upper, const SampleShape& shape,
                       const Options& options, Where at) {
  Call call("random.truncated_normal", at);
  DType dtype = float_dtype(options);
  return sample("random.truncated_normal", key, {{"lower", lower}, {"upper", upper}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) {
                  Array root = emit_splat({n}, std::sqrt(2.0), dtype);
                  Array u = scaled(unit(words, n, dtype), erf(in[0] / root), erf(in[1] / root));
                  // Rounding does not bring the numbers to the bounds.
                  double infinity = std::numeric_limits<double>::infinity();
                  return clip(normal_from(u), nextafter(in[0], emit_splat({n}, infinity, dtype)),
                              nextafter(in[1], emit_splat({n}, -infinity, dtype)));
                });
}

Array lognormal(const Array& key, const Array& sigma, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.lognormal", at);
  DType dtype = float_dtype(options);
  return sample("random.lognormal", key, {{"sigma", sigma}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) { return exp(normal_of(words, n, dtype) * in[0]); });
}

Array double_sided_maxwell(const Array& key, const Array& loc, const Array& scale, const SampleShape& shape,
                           const Options& options, Where at) {
  Call call("random.double_sided_maxwell", at);
  DType dtype = float_dtype(options);
  return sample("random.double_sided_maxwell", key, {{"loc", loc}, {"scale", scale}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) {
                  Array lengths = maxwells(split_at(words, 0), n, dtype);
                  return fused(signs(split_at(words, 1), n, dtype) * lengths, in[1], in[0]);
                });
}

Array rayleigh(const Array& key, const Array& scale, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.rayleigh", at);
  DType dtype = float_dtype(options);
  return sample(
      "random.rayleigh", key, {{"scale", scale}}, shape, dtype,
      [&](const Words& words, In in, std::int64_t n) { return in[0] * sqrt(log(unit(words, n, dtype)) * -2.0); });
}

Array pareto(const Array& key, const Array& b, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.pareto", at);
  DType dtype = float_dtype(options);
  return sample("random.pareto", key, {{"b", b}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) { return exp(exponentials(words, n, dtype) / in[0]); });
}

Array weibull_min(const Array& key, const Array& scale, const Array& concentration, const SampleShape& shape,
                  const Options& options, Where at) {
  Call call("random.weibull_min", at);
  DType dtype = float_dtype(options);
  return sample("random.weibull_min", key, {{"scale", scale}, {"concentration", concentration}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) {
                  Array exponent = emit_splat({n}, 1, dtype) / in[1];
                  return emit("pow", {exponentials(words, n, dtype), exponent}) * in[0];
                });
}

Array wald(const Array& key, const Array& mean, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.wald", at);
  DType dtype = float_dtype(options);
  return sample("random.wald", key, {{"mean", mean}}, shape, dtype, [&](const Words& words, In in, std::int64_t n) {
    const Array& m = in[0];
    Array v = normal_of(split_at(words, 0), n, dtype), z = unit(split_at(words, 1), n, dtype);
    Array y = v * v, m2 = m * m;
    Array root = sqrt(fused(m * 4.0, y, m2 * (y * y)));
    // The differences cancel: equal numbers want the roundings that XLA's contractions leave.
    Array x = fused(-halved(m), root, fused(m2 * y, emit_splat({n}, 0.5, dtype), m));
    return where(z <= m / (m + x), x, m2 / x);
  });
}

Array triangular(const Array& key, const Array& left, const Array& mode, const Array& right, const SampleShape& shape,
                 const Options& options, Where at) {
  Call call("random.triangular", at);
  DType dtype = float_dtype(options);
  return sample("random.triangular", key, {{"left", left}, {"mode", mode}, {"right", right}}, shape, dtype,
                [&](const Words& words, In in, std::int64_t n) {
                  const Array &low = in[0], &top = in[1], &high = in[2];
                  Array u = unit(words, n, dtype), width = high - low;
                  Array rising = low + sqrt(u * width * (top - low));
                  Array falling = high - sqrt((emit_splat({n}, 1, dtype) - u) * width * (high - top));
                  return where(u < (top - low) / width, rising, falling);
                });
}

Array geometric(const Array& key, const Array& p, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.geometric", at);
  DType dtype = integer_dtype(options), computing = computing_dtype(p);
  return sample(
      "random.geometric", key, {{"p", p}}, shape, computing,
      [&](const Words& words, In in, std::int64_t n) {
        Array u = unit(words, n, computing), one = emit_splat({n}, 1, computing);
        u = where(u == 0, one, u);
        return cast(floor(log(u) / log1p(-in[0])) + 1, dtype);
      },
      Key(dtype));
}

// ---- categories ----

Array categorical(const Array& key, const Array& logits, const SampleShape& shape, const CategoricalOptions& options,
                  Where at) {
  Call call("random.categorical", at);
  check_key(key);
  detail::check_usable(logits);
  if (is_complex(logits.dtype())) fail(fmt::format("the logits are real, not {}", describe(logits)));
  if (logits.shape().empty())
    fail(fmt::format("the logits have a dimension of categories; {} has none", describe(logits)));
  auto rank = static_cast<std::int64_t>(logits.ndim());
  std::int64_t axis = detail::normal_axis(options.axis, rank, logits);
  std::int64_t categories = logits.shape()[static_cast<std::size_t>(axis)];
  Shape rest = logits.shape();
  rest.erase(static_cast<std::size_t>(axis));
  Shape result = shape.given() ? shape.shape() : rest;
  check_shape(result);
  check_broadcast(logits, rest, result, "the logits without their axis");
  if (categories == 0 && result.volume() > 0) fail(fmt::format("there are no categories in {}", describe(logits)));
  DType dtype = computing_dtype(logits);
  std::size_t leading = result.size() - rest.size();
  if (!options.replace) {
    Shape tail(result.begin() + leading, result.end());
    if (!(tail == rest))
      fail(fmt::format("without replacement the shape ends in {}, as the logits do; this is {}", to_string(rest),
                       to_string(result)));
    std::int64_t draws = Shape(result.begin(), result.begin() + leading).volume();
    if (draws > categories)
      fail(fmt::format("{} different categories cannot be drawn from {}; allow .replace", draws, categories));
  }
  auto build = [&](In in) {
    Words words = words_of(in[0]);
    if (options.replace) {
      Shape all = result;
      std::size_t place = leading + static_cast<std::size_t>(axis);
      all.insert(place, categories);
      Array sums = reshape(gumbels(words, all.volume(), dtype), all) + in[1];
      return std::vector<Array>{argmax(sums, {.axis = static_cast<std::int64_t>(place)})};
    }
    Array sums = reshape(gumbels(words, in[1].size(), dtype), in[1].shape()) + in[1];
    Array order = argsort(moveaxis(sums, static_cast<int>(axis), -1), {.axis = -1, .descending = true});
    Shape stops = order.shape();
    stops[stops.size() - 1] = Shape(result.begin(), result.begin() + leading).volume();
    std::vector<std::int64_t> zeros(stops.size(), 0), ones(stops.size(), 1);
    Array first = emit("slice", {order}, {{"starts", zeros}, {"stops", stops.to_vector()}, {"strides", ones}});
    return std::vector<Array>{reshape(moveaxis(first, -1, 0), result)};
  };
  return detail::staged_all("random.categorical", std::vector<Array>{key, cast(logits, dtype)},
                            Key(result, axis, options.replace), build)[0];
}

}  // namespace skein::random
