// x^y = 2^(y log2 x): the logarithm needs as many more digits than the result as the exponent has.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

// The exponents of 0 and infinity are infinite.
static Num exponentAtEnds(Num a, Num e) {
  return select(a == 0, -infinity(a), select(a == infinity(a), infinity(a), e));
}

// |x|^y of float32, with the logarithm as a float64 polynomial (relative error below 2^-38).
static Num magnitudeSingle(Num a, Num y) {
  Lanes wide{a.lanes->b, a.lanes->b.getF64Type(), a.lanes->width, a.lanes->target};
  auto [e, f] = splitExponent(a);
  Num u = widen(f, wide);
  Num p = polynomial(u, {0x1.71547652b58d8p0, -0x1.71547651b5cb4p-1, 0x1.ec709de34dc7ap-2, -0x1.7154788a8e28bp-2,
                         0x1.2776b6c85cf08p-2, -0x1.ec6f2cc82f5a9p-3, 0x1.a61b7dc979e66p-3, -0x1.7188f45fa1b22p-3,
                         0x1.481fd59e713eep-3, -0x1.23d4d3225c7f1p-3, 0x1.0acab630b2f5ap-3, -0x1.13bd82413d538p-3,
                         0x1.0f74f47ec7a23p-3, -0x1.1dc076b2a2a1fp-4});
  Num t = clamp(widen(y, wide) * fma(u, p, widen(exponentAtEnds(a, e), wide)), -200, 200);
  Rounded n = roundInteger(narrow(t, *a.lanes));
  Num r = narrow(t - widen(n.number, wide), *a.lanes);
  return scale(exp2Kernel(r), n);
}

namespace {
// The unevaluated sum of two numbers (Dekker, "A floating-point technique for extending the available precision", 1971).
struct Pair {
  Num high, low;
};
}  // namespace

// a + b for |a| >= |b| or a = 0.
static Pair sum(Num a, Num b) {
  Num s = a + b;
  return {s, b - (s - a)};
}
static Pair product(Pair a, Pair b) {
  Num p = a.high * b.high;
  return {p, fma(a.high, b.high, -p) + fma(a.high, b.low, a.low * b.high)};
}

// |x|^y of float64: log|x| = e ln 2 + 2 atanh(s), s = (m - 1) / (m + 1), as a pair (relative error below 2^-64).
static Num magnitudeDouble(Num a, Num y) {
  auto [e, f] = splitExponent(a);
  Num below = f + 2, belowLow = f - (below - 2), inverse = 1 / below;
  Num sHigh = f * inverse;
  Pair s{sHigh, fma(-sHigh, belowLow, fma(-sHigh, below, f)) * inverse};
  Pair z = product(s, s);
  Num tail = z.high * polynomial(z.high, {0x1.999999999999ap-2, 0x1.2492492492302p-2, 0x1.c71c71c74aee7p-3, 0x1.745d173e6b057p-3,
                                          0x1.3b13a91c93164p-3, 0x1.1115782a1a3d5p-3, 0x1.e010f7543def2p-4,
                                          0x1.db0085d07db36p-4});
  Pair w = sum(num(a, 0x1.5555555555555p-1), tail);  // 2/3 + 2/5 s^2 + ...
  w.low = w.low + 0x1.5555555555555p-55;
  Pair rest = product(product(s, z), w);
  Pair log = sum(e * 0x1.62e42fefa3000p-1, s.high + s.high);
  Pair both = sum(log.high, rest.high);
  Num low = both.low + (log.low + (fma(e, 0x1.3de6af278ece6p-42, s.low + s.low) + rest.low));
  log = sum(both.high, low);
  log.high = select(a == 0, -infinity(a), select(a == infinity(a), infinity(a), log.high));

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
