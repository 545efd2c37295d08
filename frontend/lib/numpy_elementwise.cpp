// Elementwise functions made of others.
#include <skein/control.h>

#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();

void check_real(const Array& x) {
  if (is_complex(impl_of(x)->dtype)) fail("takes no complex numbers, as " + describe(x));
}
void check_integer(const Array& x) {
  if (!is_integer(impl_of(x)->dtype)) fail("wants integers, not " + describe(x));
}
}  // namespace

// ---- other names ----

// clang-format off
#define ALIAS(name, other) Array name(const Array& x, Where at) { Call call(#name, at); return other(x, at); }
ALIAS(acos, arccos) ALIAS(asin, arcsin) ALIAS(atan, arctan) ALIAS(acosh, arccosh) ALIAS(asinh, arcsinh)
ALIAS(atanh, arctanh) ALIAS(absolute, abs) ALIAS(conjugate, conj) ALIAS(degrees, rad2deg) ALIAS(radians, deg2rad)
ALIAS(bitwise_invert, bitwise_not) ALIAS(invert, bitwise_not) ALIAS(gammaln, lgamma) ALIAS(fix, trunc)
ALIAS(expit, sigmoid)
#undef ALIAS
#define ALIAS(name, other) \
  Array name(const Array& a, const Array& b, Where at) { Call call(#name, at); return other(a, b, at); }
ALIAS(atan2, arctan2) ALIAS(pow, power) ALIAS(mod, remainder) ALIAS(true_divide, divide)
ALIAS(bitwise_left_shift, left_shift) ALIAS(bitwise_right_shift, right_shift);
#undef ALIAS
// clang-format on

// ---- one operand ----

Array fabs(const Array& x, Where at) {
  Call call("fabs", at);
  check_real(x);
  return inexact("fabs", x, {}, [](const Array& v) { return emit("abs", {v}); });
}
Array rint(const Array& x, Where at) {
  Call call("rint", at);
  check_real(x);
  return inexact("rint", x, {}, [](const Array& v) { return emit("round_even", {v}); });
}

Array signbit(const Array& x, Where at) {
  Call call("signbit", at);
  check_real(x);
  DType dtype = x.dtype();
  if (is_bool(dtype) || is_unsigned(dtype)) return zeros(x.shape(), bool_);
  if (is_integer(dtype)) return less(x, 0);
  DType bits = itemsize(dtype) == 2 ? int16 : itemsize(dtype) == 4 ? int32 : int64;
  return staged("signbit", {x}, Key(bits), [&](In in) { return less(bitcast(in[0], bits), 0); });
}

Array sinc(const Array& x, Where at) {
  Call call("sinc", at);
  return inexact("sinc", x, {}, [](const Array& v) {
    Array angle = v * M_PI, zero = equal(v, 0), safe = where(zero, 1, angle);
    return where(zero, 1, sin(safe) / safe);
  });
}

namespace {
Array is_value(const Array& x, double value) {
  check_real(x);
  return is_floating(x.dtype()) ? equal(x, value) : zeros(x.shape(), bool_);
}
}  // namespace
Array isposinf(const Array& x, Where at) {
  Call call("isposinf", at);
  return is_value(x, infinity);
}
Array isneginf(const Array& x, Where at) {
  Call call("isneginf", at);
  return is_value(x, -infinity);
}
Array isreal(const Array& x, Where at) {
  Call call("isreal", at);
  return is_complex(impl_of(x)->dtype) ? equal(imag(x), 0) : ones(x.shape(), bool_);
}
Array iscomplex(const Array& x, Where at) {
  Call call("iscomplex", at);
  return is_complex(impl_of(x)->dtype) ? not_equal(imag(x), 0) : zeros(x.shape(), bool_);
}

Array logit(const Array& x, Where at) {
  Call call("logit", at);
  return inexact("logit", x, {}, [](const Array& v) {
    // Near 1/2 the logarithms of 1 + s and 1 - s keep the digits that x / (1 - x) loses.
    Array s = 2 * v - 1, middle = logical_and(greater(v, 0.3), less(v, 0.65)), near = where(middle, s, 0);
    return where(middle, log1p(near) - log1p(-near), log(v / (1 - v)));
  });
}
Array entr(const Array& x, Where at) {
  Call call("entr", at);
  return inexact("entr", x, {}, [](const Array& v) {
    Array positive_v = greater(v, 0), safe = where(positive_v, v, 1);
    Array rest = where(equal(v, 0), 0, where(less(v, 0), -infinity, v));
    return where(positive_v, -safe * log(safe), rest);
  });
}

Array round(const Array& x, int decimals, Where at) {
  Call call("round", at);
  check_real(x);
  DType dtype = x.dtype();
  if (decimals == 0) return round(x, at);
  double unit = std::pow(10.0, std::abs(decimals));
  if (is_floating(dtype))
    return inexact("round_to", x, Key(decimals), [&](const Array& v) {
      Array wide = is_half(dtype) ? cast(v, float32) : v;
      Array rounded = decimals > 0 ? round(wide * unit) / unit : round(wide / unit) * unit;
      return cast(where(isfinite(rounded), rounded, wide), dtype);  // too large to have such digits
    });
  if (decimals > 0 || is_bool(dtype)) return x;
  if (decimals < -18) return zeros_like(x);
  return elementwise_by("round_integer", {x}, Want::any, Key(decimals), [&](In in) {
    Array v = cast(in[0], int64), by = cast(Array(static_cast<std::int64_t>(unit)), int64);
    Array rest = remainder(v, by), down = floor_divide(v, by);
    Array odd = not_equal(remainder(down, 2), 0), twice = 2 * rest;
    Array up = logical_or(greater(twice, by), logical_and(equal(twice, by), odd));
    return cast((down + cast(up, int64)) * by, dtype);
  });
}
Array around(const Array& x, int decimals, Where at) {
  Call call("around", at);
  return round(x, decimals, at);
}

std::pair<Array, Array> modf(const Array& x, Where at) {
  Call call("modf", at);
  check_real(x);
  bool weak = x.weak();
  Array operand = cast(x, inexact_dtype(x.dtype()));
  auto parts = staged_all("modf", std::span(&operand, 1), Key(weak), [&](In in) {
    Array whole = trunc(in[0]), rest = where(isinf(in[0]), 0, in[0] - whole);
    return std::vector<Array>{with_weak(copysign(rest, in[0]), weak), with_weak(whole, weak)};
  });
  return {parts[0], parts[1]};
}

Array angle(const Array& z, bool deg, Where at) {
  Call call("angle", at);
  check_usable(z);
  return staged("angle", {z}, Key(deg), [&](In in) {
    Array radians_of = arctan2(imag(in[0]), real(in[0]));
    return deg ? rad2deg(radians_of) : radians_of;
  });
}

Array nan_to_num(const Array& x, NanToNumOptions o, Where at) {
  Call call("nan_to_num", at);
  DType dtype = impl_of(x)->dtype;
  if (!is_inexact(dtype)) return x;
  DType part = real_dtype(dtype);
  double most = part == float16    ? 65504.0
                : part == bfloat16 ? 0x1.fep127
                : part == float32  ? static_cast<double>(std::numeric_limits<float>::max())
                                   : std::numeric_limits<double>::max();
  double high = o.posinf.value_or(most), low = o.neginf.value_or(-most);
  return staged("nan_to_num", {x}, Key(o.nan, high, low), [&](In in) {
    auto replaced = [&](const Array& v) {
      return where(isnan(v), o.nan, where(equal(v, infinity), high, where(equal(v, -infinity), low, v)));
    };
    Array result = is_complex(dtype) ? complex(replaced(real(in[0])), replaced(imag(in[0]))) : replaced(in[0]);
    return with_weak(result, in[0].weak());
  });
}

Array unwrap(const Array& p, UnwrapOptions o, Where at) {
  Call call("unwrap", at);
  check_real(p);
  std::int64_t axis = normal_axis(o.axis, rank_of(p), p), size = length_of(p, axis);
  double half = o.period / 2, jump = std::max(o.discont.value_or(half), half);
  if (!(o.period > 0)) fail("the period is positive, not " + std::to_string(o.period));
  return inexact("unwrap", p, Key(axis, o.period, jump), [&](const Array& v) {
    if (size < 2) return v;
    Array step = cut(v, axis, 1, size) - cut(v, axis, 0, size - 1);
    Array within = remainder(step + half, o.period) - half;
    within = where(logical_and(equal(within, -half), greater(step, 0)), half, within);
    Array change = where(less(abs(step), jump), 0, within - step);
    Array corrected = cut(v, axis, 1, size) + cumsum(change, {.axis = axis});
    return concatenate({cut(v, axis, 0, 1), corrected}, {.axis = static_cast<int>(axis)});
  });
}

// ---- two operands ----

Array heaviside(const Array& x, const Array& middle, Where at) {
  Call call("heaviside", at);
  return elementwise("heaviside", {x, middle}, Want::inexact, [](In in) {
    const Array& v = in[0];
    Array step = where(less(v, 0), 0, where(greater(v, 0), 1, in[1]));
    return where(isnan(v), v, step);
  });
}
Array float_power(const Array& a, const Array& b, Where at) {
  Call call("float_power", at);
  return elementwise("float_power", {a, b}, Want::inexact, [](In in) { return emit("pow", {in[0], in[1]}); });
}
Array fmax(const Array& a, const Array& b, Where at) {
  Call call("fmax", at);
  return elementwise("fmax", {a, b}, Want::any, [](In in) {
    return where(isnan(in[0]), in[1], where(isnan(in[1]), in[0], maximum(in[0], in[1])));
  });
}
Array fmin(const Array& a, const Array& b, Where at) {
  Call call("fmin", at);
  return elementwise("fmin", {a, b}, Want::any, [](In in) {
    return where(isnan(in[0]), in[1], where(isnan(in[1]), in[0], minimum(in[0], in[1])));
  });
}
Array logaddexp2(const Array& a, const Array& b, Where at) {
  Call call("logaddexp2", at);
  return elementwise("logaddexp2", {a, b}, Want::inexact, [](In in) {
    Array difference = in[0] - in[1];
    Array soft = maximum(in[0], in[1]) + log1p(exp2(-abs(difference))) * (1 / M_LN2);
    return where(isnan(difference), in[0] + in[1], soft);  // of equal infinities
  });
}
Array xlogy(const Array& x, const Array& y, Where at) {
  Call call("xlogy", at);
  return elementwise("xlogy", {x, y}, Want::inexact, [](In in) {
    Array zero = logical_and(equal(in[0], 0), logical_not(isnan(in[1])));
    return where(zero, 0, in[0] * log(where(zero, 1, in[1])));
  });
}
Array xlog1py(const Array& x, const Array& y, Where at) {
  Call call("xlog1py", at);
  return elementwise("xlog1py", {x, y}, Want::inexact, [](In in) {
    Array zero = logical_and(equal(in[0], 0), logical_not(isnan(in[1])));
    return where(zero, 0, in[0] * log1p(where(zero, 0, in[1])));
  });
}
Array betaln(const Array& a, const Array& b, Where at) {
  Call call("betaln", at);
  return elementwise("betaln", {a, b}, Want::inexact,
                     [](In in) { return lgamma(in[0]) + lgamma(in[1]) - lgamma(in[0] + in[1]); });
}

namespace {
/// Euclid's algorithm, of all elements at once.
Array common_divisor(const Array& a, const Array& b) {
  using Pair = std::pair<Array, Array>;
  Pair last = while_loop([](const Pair& s) { return any(not_equal(s.second, 0)); },
                         [](const Pair& s) {
                           Array done = equal(s.second, 0);
                           Array rest = remainder(s.first, where(done, 1, s.second));
                           return Pair{where(done, s.first, s.second), where(done, s.second, rest)};
                         },
                         Pair{abs(a), abs(b)});
  return last.first;
}
}  // namespace
Array gcd(const Array& a, const Array& b, Where at) {
  Call call("gcd", at);
  check_integer(a), check_integer(b);
  return elementwise("gcd", {a, b}, Want::any, [](In in) { return common_divisor(in[0], in[1]); });
}
Array lcm(const Array& a, const Array& b, Where at) {
  Call call("lcm", at);
  check_integer(a), check_integer(b);
  return elementwise("lcm", {a, b}, Want::any, [](In in) {
    Array divisor = common_divisor(in[0], in[1]), zero = equal(divisor, 0);
    return where(zero, 0, floor_divide(abs(in[0]), where(zero, 1, divisor)) * abs(in[1]));
  });
}

std::pair<Array, Array> divmod(const Array& a, const Array& b, Where at) {
  Call call("divmod", at);
  return {floor_divide(a, b), remainder(a, b)};
}

Array ldexp(const Array& x, const Array& exponent, Where at) {
  Call call("ldexp", at);
  check_real(x);
  DType dtype = inexact_dtype(x.dtype()), given = impl_of(exponent)->dtype;
  if (!is_integer(given) && !is_bool(given)) fail("the exponent is an integer, not " + describe(exponent));
  bool weak = x.weak();
  return staged("ldexp", {cast(x, dtype), exponent}, Key(weak), [&](In in) {
    // A factor of a large power of 2 at a time: three of them reach from the least to the greatest number.
    DType work = is_half(dtype) ? float32 : dtype, bits = work == float64 ? int64 : int32;
    int bias = work == float64 ? 1023 : 127, mantissa = work == float64 ? 52 : 23;
    Shape shape = broadcast_shapes(in);
    Array y = broadcast_to(cast(in[0], work), shape);
    Array n = broadcast_to(cast(clip(cast(in[1], int64), -3 * bias, 3 * bias), bits), shape);
    for (int i = 0; i < 3; ++i) {
      Array step = clip(n, 1 - bias, bias);
      y = y * bitcast(left_shift(step + bias, mantissa), work);
      n = n - step;
    }
    return with_weak(cast(y, dtype), weak);
  });
}

// ---- comparing ----

Array isclose(const Array& a, const Array& b, CloseOptions o, Where at) {
  Call call("isclose", at);
  return elementwise_by(
      "isclose", {a, b}, Want::inexact, Key(o.rtol, o.atol, o.equal_nan),
      [&](In in) {
        Array near = less_equal(abs(in[0] - in[1]), o.atol + o.rtol * abs(in[1]));
        Array close = logical_or(logical_and(near, isfinite(in[1])), equal(in[0], in[1]));
        return o.equal_nan ? logical_or(close, logical_and(isnan(in[0]), isnan(in[1]))) : close;
      },
      false);
}
Array allclose(const Array& a, const Array& b, CloseOptions o, Where at) {
  Call call("allclose", at);
  return all(isclose(a, b, o));
}
Array array_equal(const Array& a, const Array& b, bool equal_nan, Where at) {
  Call call("array_equal", at);
  if (!(impl_of(a)->shape == impl_of(b)->shape)) return zeros({}, bool_);
  return elementwise_by(
      "array_equal", {a, b}, Want::any, Key(equal_nan),
      [&](In in) {
        Array same = equal(in[0], in[1]);
        return all(equal_nan ? logical_or(same, logical_and(isnan(in[0]), isnan(in[1]))) : same);
      },
      false);
}
Array array_equiv(const Array& a, const Array& b, Where at) {
  Call call("array_equiv", at);
  const Shape &left = impl_of(a)->shape, &right = impl_of(b)->shape;
  for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    std::int64_t m = left[left.size() - 1 - i], n = right[right.size() - 1 - i];
    if (m != n && m != 1 && n != 1) return zeros({}, bool_);
  }
  return all(equal(a, b));
}

}  // namespace skein
