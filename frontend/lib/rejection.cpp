// Distributions whose samples come of loops: the gamma distribution and what is made of it, counts. The elements' loops
// are one, whose turns the elements that are done sit out.
#include <skein/control.h>
#include <skein/distributions.h>
#include <skein/ops.h>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "frontend/lib/sampler.h"

namespace skein::random {

using detail::Call;
using detail::cast;
using detail::emit;
using detail::emit_splat;
using detail::fail;
using detail::Key;
using detail::Leaves;
using detail::while_leaves;
using Where = std::source_location;

// ---- the gamma distribution ----

namespace {

/// Numbers x of the normal distribution and v = 1 + c x, drawn again until v is positive; where they are not wanted,
/// any.
std::pair<Array, Array> proposals(const Words& keys, const Array& wanted, const Array& c) {
  Array one = emit_splat(c.shape(), 1, c.dtype()), zero = emit_splat(c.shape(), 0, c.dtype());
  auto body = [&](const Leaves& state) -> Leaves {
    Array again = state[3] <= 0;
    Words now{state[0], state[1]};
    Words next = split_each(now, 0);
    Array x = normal_each(split_each(now, 1), c.dtype()), v = fused(x, c, one);
    return {where(again, next.high, state[0]), where(again, next.low, state[1]), where(again, x, state[2]),
            where(again, v, state[3])};
  };
  Leaves last = while_leaves([](const Leaves& state) { return any(state[3] <= 0); }, body,
                             {keys.high, keys.low, zero, where(wanted, -one, one)});
  return {last[2], last[3]};
}

}  // namespace

Array gammas(const Words& key, const Array& a, bool log_space) {
  std::int64_t n = a.size();
  DType dtype = a.dtype();
  auto constant = [&](double value) { return emit_splat({n}, value, dtype); };
  Array one = constant(1), large = a >= one;
  // Below 1 a number of a + 1 times u^(1/a).
  Array d = where(large, a, a + one) - constant(1.0 / 3), c = constant(1.0 / 3) / sqrt(d);
  auto rejected = [&](const Array& x2, const Array& v, const Array& u) {
    Array outside = u >= one - constant(0.0331) * (x2 * x2);
    return outside & (log(u) >= x2 * constant(0.5) + d * (one - v + log(v)));
  };
  Words keys = counted(key, n), first = split_each(keys, 0), second = split_each(keys, 1);
  auto body = [&](const Leaves& state) -> Leaves {
    Words now{state[0], state[1]};
    const Array& wanted = state[3];
    Words next = split_each(now, 0);
    auto [x, w] = proposals(split_each(now, 1), wanted, c);
    Array u = unit_each(split_each(now, 2), dtype), v = w * w * w;
    return {next.high, next.low, where(wanted, v, state[2]), wanted & rejected(x * x, v, u)};
  };
  Leaves last = while_leaves([](const Leaves& state) { return any(state[3]); }, body,
                             {first.high, first.low, one, emit_splat({n}, true, bool_)});
  const Array& v = last[2];
  if (log_space) {
    Array logs = log1p(-unit_each(second, dtype)), zero = constant(0);
    return log(d) + log(v) + where(large | (logs == zero), zero, logs * (one / a));
  }
  return d * v * where(large, one, emit("pow", {one - unit_each(second, dtype), one / a}));
}

Array gamma(const Array& key, const Array& a, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.gamma", at);
  return sample("random.gamma", key, {{"a", a}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) { return gammas(words, in[0], false); });
}

Array loggamma(const Array& key, const Array& a, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.loggamma", at);
  return sample("random.loggamma", key, {{"a", a}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) { return gammas(words, in[0], true); });
}

// ---- what is made of it ----

namespace {

Array chisquares(const Words& key, const Array& df) {
  Array two = emit_splat(df.shape(), 2, df.dtype());
  return exp(gammas(key, df / two, true)) * two;
}

Array generalized_normals(const Words& key, const Array& p) {
  Array inverse = emit_splat(p.shape(), 1, p.dtype()) / p;
  Array lengths = emit("pow", {gammas(split_at(key, 0), inverse, false), inverse});
  return signs(split_at(key, 1), p.size(), p.dtype()) * lengths;
}

}  // namespace

Array chisquare(const Array& key, const Array& df, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.chisquare", at);
  return sample("random.chisquare", key, {{"df", df}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) { return chisquares(words, in[0]); });
}

Array f(const Array& key, const Array& dfnum, const Array& dfden, const SampleShape& shape, const Options& options,
        Where at) {
  Call call("random.f", at);
  return sample("random.f", key, {{"dfnum", dfnum}, {"dfden", dfden}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) {
                  Array over = chisquares(split_at(words, 1), in[0]), under = chisquares(split_at(words, 0), in[1]);
                  return (over / in[0]) / (under / in[1]);
                });
}

Array t(const Array& key, const Array& df, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.t", at);
  DType dtype = float_dtype(options);
  return sample("random.t", key, {{"df", df}}, shape, dtype, [&](const Words& words, In in, std::int64_t n) {
    Array half = in[0] / emit_splat({n}, 2, dtype);
    return normal_of(split_at(words, 0), n, dtype) * sqrt(half / gammas(split_at(words, 1), half, false));
  });
}

Array beta(const Array& key, const Array& a, const Array& b, const SampleShape& shape, const Options& options,
           Where at) {
  Call call("random.beta", at);
  return sample("random.beta", key, {{"a", a}, {"b", b}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) {
                  Array one = gammas(split_at(words, 0), in[0], true), other = gammas(split_at(words, 1), in[1], true);
                  Array greater = maximum(one, other);
                  one = exp(one - greater), other = exp(other - greater);
                  return one / (one + other);
                });
}

Array dirichlet(const Array& key, const Array& alpha, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.dirichlet", at);
  detail::check_usable(alpha);
  if (alpha.shape().empty() || alpha.shape().back() == 0)
    fail(fmt::format("alpha has a last dimension of concentrations, one at least; it is {}", detail::describe(alpha)));
  std::int64_t k = alpha.shape().back();
  Shape all = shape.given() ? shape.shape() : Shape(alpha.shape().begin(), alpha.shape().end() - 1);
  all.push_back(k);
  return sample("random.dirichlet", key, {{"alpha", alpha}}, all, float_dtype(options),
                [&](const Words& words, In in, std::int64_t n) {
                  Array logs = reshape(gammas(words, in[0], true), {n / k, k});
                  Array sizes = exp(logs - max(logs, {.axis = 1, .keepdims = true}));
                  return reshape(sizes / sum(sizes, {.axis = 1, .keepdims = true}), {n});
                });
}

Array generalized_normal(const Array& key, const Array& p, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.generalized_normal", at);
  return sample("random.generalized_normal", key, {{"p", p}}, shape, float_dtype(options),
                [](const Words& words, In in, std::int64_t) { return generalized_normals(words, in[0]); });
}

Array ball(const Array& key, std::int64_t d, const Array& p, const Shape& shape, const Options& options, Where at) {
  Call call("random.ball", at);
  if (d < 0) fail(fmt::format("a ball has no {} dimensions", d));
  detail::check_usable(p);
  if (!p.shape().empty()) fail(fmt::format("p is a scalar, not {}", detail::describe(p)));
  DType dtype = float_dtype(options);
  check_shape(shape);
  std::int64_t points = shape.volume();
  Shape all = shape;
  all.push_back(d);
  return sample("random.ball", key, {{"p", p}}, all, dtype, [&](const Words& words, In in, std::int64_t n) {
    if (n == 0) return in[0];
    Array g = generalized_normals(split_at(words, 0), in[0]), e = -log1p(-unit(split_at(words, 1), points, dtype));
    Array powers = sum(reshape(emit("pow", {abs(g), in[0]}), {points, d}), {.axis = 1});
    std::vector<std::int64_t> zero{0}, stop{points}, one{1};
    Array exponent = emit("slice", {in[0]}, {{"starts", zero}, {"stops", stop}, {"strides", one}});
    Array radius = emit("pow", {powers + e, emit_splat({points}, 1, dtype) / exponent});
    return reshape(reshape(g, {points, d}) / reshape(radius, {points, 1}), {n});
  });
}

// ---- counts ----

namespace {

/// Products of uniform numbers until they are less than exp(-lam), in logarithms. JAX's loops draw for all elements in
/// every turn, as long as one of them goes on; so do these, for equal numbers.
Array poissons_by_products(const Words& key, const Array& lam, DType dtype) {
  std::int64_t n = lam.size();
  Array bound = -lam;
  auto body = [&](const Leaves& state) -> Leaves {
    Words now{state[2], state[3]};
    Words next = split_at(now, 0);
    Array count = where(state[1] > bound, state[0] + emit_splat({n}, 1, dtype), state[0]);
    return {count, state[1] + log(unit(split_at(now, 1), n, float32)), next.high, next.low};
  };
  Leaves last = while_leaves([&](const Leaves& state) { return any(state[1] > bound); }, body,
                             {emit_splat({n}, 0, dtype), emit_splat({n}, 0, float32), key.high, key.low});
  return last[0] - emit_splat({n}, 1, dtype);
}

Array poissons_by_rejection(const Words& key, const Array& lam, DType dtype) {
  std::int64_t n = lam.size();
  auto constant = [&](double value) { return emit_splat({n}, value, float32); };
  Array log_lam = log(lam);
  Array b = fused(constant(2.53), sqrt(lam), constant(0.931)), a = fused(constant(0.02483), b, constant(-0.059));
  Array inverse_alpha = constant(1.1239) + constant(1.1328) / (b - constant(3.4));
  Array v_r = constant(0.9277) - constant(3.6224) / (b - constant(2));
  auto body = [&](const Leaves& state) -> Leaves {
    Words now{state[2], state[3]};
    Words next = split_at(now, 0);
    Array u = unit(split_at(now, 1), n, float32) - constant(0.5), v = unit(split_at(now, 2), n, float32);
    Array from_edge = constant(0.5) - abs(u);
    Array k = floor(fused(constant(2) * a / from_edge + b, u, lam) + constant(0.43));
    Array s = log(v * inverse_alpha / (a / (from_edge * from_edge) + b));
    Array bound = k * log_lam - lam - lgamma(k + constant(1));
    Array surely = (from_edge >= constant(0.07)) & (v <= v_r);
    Array never = (k < constant(0)) | ((from_edge < constant(0.013)) & (v > from_edge));
    Array accepted = surely | (!never & (s <= bound));
    return {where(accepted, k, state[0]), state[1] | accepted, next.high, next.low};
  };
  Leaves last = while_leaves([](const Leaves& state) { return any(!state[1]); }, body,
                             {constant(-1), emit_splat({n}, false, bool_), key.high, key.low});
  return cast(last[0], dtype);
}

}  // namespace

Array poisson(const Array& key, const Array& lam, const SampleShape& shape, const Options& options, Where at) {
  Call call("random.poisson", at);
  DType dtype = integer_dtype(options);
  return sample(
      "random.poisson", key, {{"lam", lam}}, shape, float32,
      [&](const Words& words, In in, std::int64_t n) {
        auto constant = [&](double value) { return emit_splat({n}, value, float32); };
        const Array& rate = in[0];
        Array small = !(rate >= constant(10));  // NaN too
        Array by_products = poissons_by_products(words, where(small, rate, constant(0)), dtype);
        Array by_rejection = poissons_by_rejection(words, where(small, constant(1e5), rate), dtype);
        Array count = where(small, by_products, by_rejection);
        return where(rate == constant(0), emit_splat({n}, 0, dtype), count);
      },
      Key(dtype));
}

namespace {

/// Waiting times between successes added up until they exceed the count.
Array binomials_by_waiting(const Words& key, const Array& count, const Array& p) {
  std::int64_t n = p.size();
  DType dtype = p.dtype();
  Array log_failure = log1p(-p), one = emit_splat({n}, 1, dtype), zero = emit_splat({n}, 0, dtype);
  auto body = [&](const Leaves& state) -> Leaves {
    Words now{state[2], state[3]};
    Words next = split_at(now, 1);
    Array wait = ceil(log(unit(split_at(now, 0), n, dtype)) / log_failure);
    return {where(state[1] <= count, state[0] + one, state[0]), state[1] + wait, next.high, next.low};
  };
  Leaves last =
      while_leaves([&](const Leaves& state) { return any(state[1] <= count); }, body, {zero, zero, key.high, key.low});
  return last[0] - one;
}

/// What Stirling's formula for log k! lacks: known for k < 10, an asymptotic series beyond.
Array stirling_tail(const Array& k) {
  static constexpr double known[] = {0.0810614667953272,  0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
                                     0.0166446911898211,  0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
                                     0.00925546218271273, 0.00833056343336287};
  auto constant = [&](double value) { return emit_splat(k.shape(), value, k.dtype()); };
  Array small = k <= constant(9), bounded = clip(k, constant(0), constant(9)), next = bounded + constant(1);
  Array square = next * next;
  Array series = constant(1.0 / 360) - constant(1.0 / 1260) / square;
  Array tail = (constant(1.0 / 12) - series / square) / next;
  Array whole = floor(bounded);
  for (int i = 0; i < 10; ++i) tail = where(small & (whole == constant(i)), constant(known[i]), tail);
  return tail;
}

Array binomials_by_rejection(const Words& key, const Array& count, const Array& p) {
  std::int64_t n = p.size();
  DType dtype = p.dtype();
  auto constant = [&](double value) { return emit_splat({n}, value, dtype); };
  Array one = constant(1), half = constant(0.5);
  Array deviation = sqrt(count * p * (one - p));
  Array b = fused(constant(2.53), deviation, constant(1.15));
  Array a = fused(constant(0.01), p, fused(constant(0.0248), b, constant(-0.0873)));
  Array c = fused(count, p, half), v_r = constant(0.92) - constant(4.2) / b, r = p / (one - p);
  Array alpha = (constant(2.83) + constant(5.1) / b) * deviation, m = floor((count + one) * p);
  Array tail_m = stirling_tail(m), tail_rest = stirling_tail(count - m), beyond_m = count - m + one;
  auto body = [&](const Leaves& state) -> Leaves {
    Words now{state[2], state[3]};
    Words next = split_at(now, 0);
    Array u = unit(split_at(now, 1), n, dtype) - half, v = unit(split_at(now, 2), n, dtype);
    Array from_edge = half - abs(u);
    Array k = floor(fused(constant(2) * a / from_edge + b, u, c));
    Array s = log(v * alpha / (a / (from_edge * from_edge) + b)), beyond_k = count - k + one;
    Array bound = (m + half) * log((m + one) / (r * beyond_m)) + (count + one) * log(beyond_m / beyond_k) +
                  (k + half) * log(r * beyond_k / (k + one)) + tail_m + tail_rest - stirling_tail(k) -
                  stirling_tail(count - k);
    Array surely = (from_edge >= constant(0.07)) & (v <= v_r), never = (k < constant(0)) | (k > count);
    Array accepted = surely | (!never & (s <= bound));
    return {where(accepted, k, state[0]), state[1] | accepted, next.high, next.low};
  };
  // Nothing can be accepted where the deviation is NaN: of infinitely many trials without a chance.
  Leaves last = while_leaves([](const Leaves& state) { return any(!state[1]); }, body,
                             {constant(-1), isnan(deviation), key.high, key.low});
  return last[0];
}

}  // namespace

Array binomial(const Array& key, const Array& n, const Array& p, const SampleShape& shape, const Options& options,
               Where at) {
  Call call("random.binomial", at);
  DType dtype = float_dtype(options);
  detail::check_usable(p);
  DType computing = is_floating(p.dtype()) ? p.dtype() : float32;
  return sample(
      "random.binomial", key, {{"n", n}, {"p", p}}, shape, computing,
      [&](const Words& words, In in, std::int64_t size) {
        auto constant = [&](double value, DType d) { return emit_splat({size}, value, d); };
        Array zero = constant(0, computing), trials = in[0];
        // Successes or failures, whichever are rarer.
        Array rare = in[1] < constant(0.5, computing);
        Array q = where(rare, in[1], constant(1, computing) - in[1]);
        Array no_count = !(trials >= zero), infinite = isinf(trials), no_chance = isnan(q), invalid = !(q >= zero);
        q = where(invalid, constant(0.01, computing), q);
        Array few = no_count | (trials * q <= constant(10, computing));
        trials = floor(trials);
        Array waited = binomials_by_waiting(words, where(few, trials, zero), q);
        Array chosen = binomials_by_rejection(words, where(few, constant(1e4, computing), trials),
                                              where(few, constant(0.5, computing), q));
        Array count = cast(where(few, waited, chosen), dtype);
        invalid = invalid | no_count;
        count = where(invalid, constant(std::numeric_limits<double>::quiet_NaN(), dtype), count);
        count = where(infinite & !invalid, constant(std::numeric_limits<double>::infinity(), dtype), count);
        return where(rare | no_count | no_chance | infinite, count, cast(trials, dtype) - count);
      },
      Key(dtype));
}

}  // namespace skein::random
