// asin, acos, atan, atan2.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

// pi/2 = high + low, to twice the precision.
static double halfPiHigh(Num x) { return x.isDouble() ? 0x1.921fb54442d18p0 : 0x1.921fb6p0; }
static double halfPiLow(Num x) { return x.isDouble() ? 0x1.1a62633145c07p-54 : -0x1.777a5cp-25; }

namespace {
struct Arcsine {
  Num s, value;  // value = asin(s)
  Mask big;      // |x| > 1/2: s = sqrt((1 - |x|) / 2), asin|x| = pi/2 - 2 asin(s)
};
}  // namespace

static Arcsine arcsine(Num x) {
  Num a = abs(x);
  Mask big = a > 0.5;
  Num z = select(big, fma(a, -0.5, 0.5), a * a);
  Num s = select(big, sqrt(z), a);
  Num p = x.isDouble()
              ? polynomial(z, {0x1.5555555555556p-3, 0x1.3333333332dc8p-4, 0x1.6db6db6e442c1p-5, 0x1.f1c71c1478d8p-6,
                               0x1.6e8bb30e1c28fp-6, 0x1.1c4d1a72c5216p-6, 0x1.c9d1fdd61605p-7, 0x1.780afe2f80d06p-7,
                               0x1.52eb6f895202p-7, 0x1.603767b8fb4fcp-8, 0x1.20a9e6ec8a105p-6, -0x1.f16fdd590c269p-7,
                               0x1.dabb963a8da74p-6})
              : polynomial(z, {0x1.55555ep-3, 0x1.332684p-4, 0x1.70c00ep-5, 0x1.b1d57ap-6, 0x1.39379ep-5});
  return {s, fma(s * z, p, s), big};
}

Num emitAsin(Num x) {
  auto [s, value, big] = arcsine(x);
  Num rest = fma(value, -2, halfPiLow(x)) + halfPiHigh(x);
  return copysign(select(big, rest, value), x);
}

Num emitAcos(Num x) {
  auto [s, value, big] = arcsine(x);
  Num twice = value + value;
  Num far = select(x < 0, (2 * halfPiHigh(x)) - (twice - 2 * halfPiLow(x)), twice);
  Num near = halfPiHigh(x) - (copysign(value, x) - halfPiLow(x));
  return select(big, far, near);
}

// The angle of the point (x, y), both non-negative and not both infinite. With the larger of both as denominator the
// quotient is at most 1; above tan(pi/8), atan(q) = pi/4 + atan((q - 1) / (q + 1)).
static Num angle(Num y, Num x) {
  Mask steep = x < y;
  Num n = select(steep, x, y), d = select(steep, y, x);
  Mask upper = n > d * 0x1.a827999fcef32p-2;
  Num t = select(upper, n - d, n) / select(upper, n + d, d);
  t = select(d == 0, n, t);  // 0 / 0
  Num z = t * t;
  Num p =
      x.isDouble()
          ? polynomial(z, {-0x1.5555555555555p-2, 0x1.9999999999816p-3, -0x1.2492492481dbdp-3, 0x1.c71c71bcb44adp-4,
                           -0x1.745d156a12817p-4, 0x1.3b137c5a8934fp-4, -0x1.110d32a1fa3e6p-4, 0x1.e17f88108884p-5,
                           -0x1.abce40e079e38p-5, 0x1.721f2ae167bf7p-5, -0x1.14d208e523a8fp-5, 0x1.fbd71fd7f0721p-7})
          : polynomial(z, {-0x1.555554p-2, 0x1.99970ap-3, -0x1.241d38p-3, 0x1.b7e37p-4, -0x1.07d3cap-4});
  Num value = fma(t * z, p, t);
  value = select(upper, value + 0.5 * halfPiLow(x) + 0.5 * halfPiHigh(x), value);
  return select(steep, halfPiHigh(x) - (value - halfPiLow(x)), value);
}

Num emitAtan(Num x) { return copysign(angle(abs(x), num(x, 1)), x); }

Num emitAtan2(Num y, Num x) {
  Num ay = abs(y), ax = abs(x);
  // Both infinite count as equal. Huge ones are made smaller, since their sum may be infinite, tiny ones larger.
  Mask bothInfinite = (ay == infinity(y)) & (ax == infinity(x));
  double huge = x.isDouble() ? 0x1p1000 : 0x1p120;
  Num factor = select((ay > huge) | (ax > huge), num(x, 0.125),
                      select(*x.lanes, (ay < 1 / huge) & (ax < 1 / huge), 0x1p60, 1.0));
  Num value = angle(select(bothInfinite, 1.0, ay * factor), select(bothInfinite, 1.0, ax * factor));
  Int one = integer(*x.lanes, x.isDouble() ? 0x3ff0000000000000 : 0x3f800000);
  Mask left =
      fromBits((bitsOf(x) & (x.isDouble() ? std::numeric_limits<int64_t>::min() : -(int64_t(1) << 31))) | one) < 0;
  value = select(left, 2 * halfPiHigh(x) - (value - 2 * halfPiLow(x)), value);
  return copysign(value, y);
}

}  // namespace skein::compiler::math
