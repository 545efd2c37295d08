// x^y = 2^(y log2 x): the logarithm needs as many more digits than the result as the exponent has.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

static Num infiniteAtEnds(Num a, Num log) {
  return select(a == 0, -infinity(a), select(a == infinity(a), infinity(a), log));
}

// |x|^y of float32, with the logarithm as a float64 polynomial (relative error below 2^-33).
static Num magnitudeSingle(Num a, Num y) {
  Lanes wide{a.lanes->b, a.lanes->b.getF64Type(), a.lanes->width, a.lanes->target};
  auto [e, f, ends] = splitExponent(a);
  if (!ends) e = infiniteAtEnds(a, e);
  Num u = widen(f, wide);
  Num p = polynomial(u, {0x1.715476532ccf3p0, -0x1.71547633d6772p-1, 0x1.ec7099672f88fp-2, -0x1.71549e91b1965p-2,
                         0x1.27789d330c47bp-2, -0x1.ec65a33dfb63dp-3, 0x1.a584e63e803d1p-3, -0x1.71481d77f06dap-3,
                         0x1.51394017d65b3p-3, -0x1.391c013f992e6p-3, 0x1.d92ea89a9a72cp-4, -0x1.70548754ccbf5p-5});
  Num t = clamp(widen(y, wide) * fma(u, p, widen(e, wide)), -200, 200);
  Rounded n = roundInteger(narrow(t, *a.lanes));
  Num r = narrow(t - widen(n.number, wide), *a.lanes);
  return scale(exp2Kernel(r), n);
}

// |x|^y of float64: log|x| = e ln 2 + 2 atanh(s), s = (m - 1) / (m + 1), as a pair (relative error below 2^-64).
static Num magnitudeDouble(Num a, Num y) {
  auto [e, f, ends] = splitExponent(a);
  Num below = f + 2, belowLow = f - (below - 2), inverse = 1 / below;
  Num sHigh = f * inverse;
  Pair s{sHigh, fma(-sHigh, belowLow, fma(-sHigh, below, f)) * inverse};
  Pair z = product(s, s);
  Num tail = z.high * polynomial(z.high, {0x1.999999999999ap-2, 0x1.24924924922a6p-2, 0x1.c71c71c773183p-3,
                                          0x1.745d170ea5ab9p-3, 0x1.3b13c4119323ap-3, 0x1.110d59a25c596p-3,
                                          0x1.e2bee5e18e3edp-4, 0x1.a08d4ddd75adbp-4, 0x1.014d87c46ba6dp-3});
  Pair w = sum(num(a, 0x1.5555555555555p-1), tail);  // 2/3 + 2/5 s^2 + ...
  w.low = w.low + 0x1.5555555555555p-55;
  Pair rest = product(product(s, z), w);
  Pair log = sum(e * 0x1.62e42fefa3000p-1, s.high + s.high);
  Pair both = sum(log.high, rest.high);
  Num low = both.low + (log.low + (fma(e, 0x1.3de6af278ece6p-42, s.low + s.low) + rest.low));
  log = sum(both.high, low);
  log.high = infiniteAtEnds(a, log.high);

  Num t = y * log.high;
  Num tLow = fma(y, log.low, fma(y, log.high, -t));
  return expOfSum(t, select(abs(t) < 800, tLow, 0.0));
}

Num emitPow(Num x, Num y) {
  Num a = abs(x);
  // An infinite y is as good as a huge one, and 1^huge is 1.
  Num finite = x.isDouble() ? clamp(y, -0x1.fffffffffffffp1023, 0x1.fffffffffffffp1023)
                            : clamp(y, -0x1.fffffep127, 0x1.fffffep127);
  Num value = x.isDouble() ? magnitudeDouble(a, finite) : magnitudeSingle(a, finite);

  Num half = 0.5 * y;
  Mask whole = trunc(y) == y, odd = whole & !(trunc(half) == half);
  int64_t sign = x.isDouble() ? std::numeric_limits<int64_t>::min() : -(int64_t(1) << 31);
  value = flipSign(value, select(odd, bitsOf(x) & sign, integer(*x.lanes, 0)));
  Mask undefined = isNan(x) | isNan(y) | ((x < 0) & (a < infinity(a)) & !whole);
  value = select(undefined, nan(x), value);
  return select((y == 0) | (x == 1), 1, value);
}

}  // namespace skein::compiler::math
