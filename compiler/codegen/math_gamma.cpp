// log |gamma| and its derivative.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

// 1 / gamma(1 + s) for |s| <= 1/2: 1 + s Q(s), Q minimax but for a small factor (Chebyshev interpolation, its error is
// below 2^-110). As a pair of relative error 2^-104 or so, or else rounded to float64.
static Pair reciprocalGamma(Num s, bool pairs) {
  static constexpr int kTerms = 18;  // the rest of Q is below 2^-54
  static constexpr double high[kTerms] = {0x1.2788cfc6fb619p-1,  -0x1.4fcf4026afa2ep-1,  -0x1.5815e8fa27048p-5,
                                          0x1.5512320b43fbep-3,  -0x1.59af103c34092p-5,  -0x1.3b4af28483e21p-7,
                                          0x1.d919c527f60b2p-8,  -0x1.317112ce3a2a8p-10, -0x1.c364fe6f1563dp-13,
                                          0x1.0c8a78cd9f9d2p-13, -0x1.51ce8af47eabep-16, -0x1.4fad41fc34fbbp-20,
                                          0x1.302509dbc0de5p-20, -0x1.b9986666c225fp-23, 0x1.a44b7ba22c1c2p-28,
                                          0x1.57bc3fc384676p-28, -0x1.44b4cedc7abfep-30, 0x1.cae7675bb0276p-34};
  static constexpr double low[kTerms] = {-0x1.6cb90701fbfaap-58, 0x1.8a3db7a90c42ap-56,  0x1.b85ea59bc24afp-60,
                                         0x1.77e9bfd84d151p-57,  -0x1.ef8da023a1890p-59, -0x1.38dbcf410f850p-61,
                                         -0x1.a917160297d51p-62, 0x1.0b48930334b23p-64,  0x1.6726189e8db89p-69,
                                         -0x1.6195197d3db87p-67, 0x1.680f962e7e128p-77,  -0x1.c191cf9e541aap-76,
                                         -0x1.e420f9307f72dp-74, -0x1.5e1b62af1c223p-77, -0x1.19f41556fc7fbp-82,
                                         -0x1.0bf76a9d3f0aep-82, -0x1.4829d51e62199p-84, 0x1.d39ac763315bep-88};
  if (!pairs) {
    Num q = num(s, high[kTerms - 1]);
    for (int k = kTerms - 2; k >= 0; --k) q = fma(q, s, high[k]);
    return {fma(s, q, 1), num(s, 0)};
  }
  Pair q = {
      polynomial(s, {0x1.11d0654fcc73cp-37, -0x1.0423baa5069aap-38, 0x1.1f202ef552cf1p-41, -0x1.72cc0d70a1659p-46,
                     -0x1.817e51c6dfe74p-48, 0x1.61ac148f78717p-50, -0x1.0b07a8c647f0ep-53, 0x1.e020fd370aec6p-61}),
      num(s, 0)};
  for (int k = kTerms - 1; k >= 0; --k) {
    Pair p = product(q, s);
    q = anySum(p.high, num(s, high[k]));
    q.low = q.low + (p.low + low[k]);
  }
  Pair p = product(q, s), r = sum(num(s, 1), p.high);
  r.low = r.low + p.low;
  return r;
}

// log(x) for x positive and finite, as a pair with an error of some 2^-55 (absolute) or 2^-53 (relative) where x is
// close to 1.
static Pair logPair(Num x) {
  auto [e, f, ends] = splitExponent(x);
  Pair log = sum(e * 0x1.62e42fefa3000p-1, f);
  log.low = log.low + fma(e, 0x1.3de6af278ece6p-42, log1pTail(f));
  return log;
}

// Stirling's series, for y from 10 on; infinite or NaN in `high` where the result is too large.
static Pair lgammaLarge(Num y) {
  Pair log = logPair(y);
  Num inverse = 1 / y;
  Num series = fma(inverse,
                   polynomial(inverse * inverse, {1.0 / 12, -1.0 / 360, 1.0 / 1260, -1.0 / 1680, 1.0 / 1188,
                                                  -691.0 / 360360, 1.0 / 156, -3617.0 / 122400, 43867.0 / 244188}),
                   -0x1.65b5a1b7ff5dfp-55);
  Pair less = sum(log.high, num(y, -1));
  less.low = less.low + log.low;
  Pair head = product(less, y);  // y (log y - 1) - log(y) / 2 + log(2 pi) / 2 + 1 / (12 y) - ...
  Pair value = sum(head.high, fma(log.high, -0.5, 0x1.d67f1c864beb5p-1));
  value.low = value.low + (head.low + fma(log.low, -0.5, series));
  return value;
}

// Between -20 and 10, with n the integer next to x and s = x - n:
//   gamma(x) = (x - 1) (x - 2) ... (s + 1) gamma(1 + s)  or  1 / gamma(x) = x (x + 1) ... s / gamma(1 + s).
// All factors are exact. lgamma is zero where the product is 1 or -1, and its logarithm has as many digits as what is
// left of the product without that 1: enough even for the float64 next to a zero if the product is a pair. Beyond,
// there is Stirling's series, and gamma(x) gamma(-x) = -pi / (x sin(pi x)).
static Num lgammaDouble(Num x, bool pairs) {
  Num a = abs(x);
  Mask near = (x > -20) & (x < 10);
  Num n = roundEven(x), s = x - n;

  Num whole = select(near, n, 1.0), fraction = select(near, s, 0.0);
  Mask positive = whole > 0;
  Num step = select(*x.lanes, positive, -1.0, 1.0), one = num(x, 1);
  // How many factors are to come, the next one, and their product so far.
  llvm::SmallVector<Num> state = {select(positive, whole - 1, 1 - whole), select(near, select(positive, x - 1, x), 1.0),
                                  one};
  if (pairs) state.push_back(num(x, 0));
  state = whileAny(
      state, [](llvm::ArrayRef<Num> now) { return now[0] > 0; },
      [&](llvm::ArrayRef<Num> now) -> llvm::SmallVector<Num> {
        Num factor = select(now[0] > 0, now[1], 1.0);
        Num left = now[0] - 1, following = now[1] + step;
        if (!pairs) return {left, following, now[2] * factor};
        Pair p = product(Pair{now[2], now[3]}, factor);
        p = sum(p.high, p.low);
        return {left, following, p.high, p.low};
      });
  Pair r = reciprocalGamma(fraction, pairs), inverse = r;  // inverse: 1 / gamma(x)
  if (pairs) {
    Pair factors{state[2], state[3]}, times = product(r, factors);
    Num quotient = r.high / factors.high;
    Num rest = fma(-quotient, factors.low, fma(-quotient, factors.high, r.high) + r.low);
    inverse = {select(positive, quotient, times.high), select(positive, rest / factors.high, times.low)};
    inverse.low = select(near, flipSign(inverse.low, bitsOf(inverse.high)), 0.0);
  } else {
    inverse.high = select(positive, r.high / state[2], r.high * state[2]);
  }
  Num reflected = a * abs(sinKernel(s * 0x1.921fb54442d18p1)) * 0x1.45f306dc9c883p-2;
  inverse.high = select(near, abs(inverse.high), select(x > 0, 1.0, reflected));

  Pair log = logPair(inverse.high);
  if (pairs) log.low = log.low + inverse.low / inverse.high;
  Pair large = lgammaLarge(select(near, 10.0, a));
  Mask finite = large.high < infinity(x);
  auto signedLarge = [&](Num part) { return select(near, 0.0, select(x > 0, -part, part)); };
  Pair both = anySum(log.high, signedLarge(large.high));
  Num value = 0 - (both.high + (both.low + (log.low + signedLarge(large.low))));  // 0 at 1 and 2, not -0
  value = select(finite & !(inverse.high == 0), value, infinity(x));
  return select(isNan(x), x, value);
}

Num emitLgamma(Num x) {
  if (x.isDouble()) return lgammaDouble(x, /*pairs=*/true);
  Lanes wide{x.lanes->b, x.lanes->b.getF64Type(), x.lanes->width, x.lanes->target};
  return narrow(lgammaDouble(widen(x, wide), /*pairs=*/false), *x.lanes);
}

// In [0, 4): psi(t) for t in [1, 2] from a polynomial beside the zero of psi, moved there by psi(t + 1) = psi(t) + 1/t.
static Num digammaSmall(Num y) {
  Num steps = floor(y) - 1;  // -1, 0, 1 or 2
  Num t = y - steps;
  Num distance = (t - 0x1.762d86356be3fp+0) - 0x1.b86a722197829p-54;  // from the zero
  Num psi = distance * polynomial(t - 1.5, {0x1.e6f0cbb873617p-1,   -0x1.b1cb63005ee5bp-2,  0x1.eca189b8e6d96p-3,
                                            -0x1.2feeeb98b0570p-3,  0x1.8512e5905dd72p-4,   -0x1.fb44201e47b48p-5,
                                            0x1.4de9aa0586825p-5,   -0x1.b9f8b4c77d9efp-6,  0x1.256475f55026cp-6,
                                            -0x1.8634c41be6af7p-7,  0x1.03c0062d5da4dp-7,   -0x1.5a16fedec2f90p-8,
                                            0x1.cd3e85814fdf6p-9,   -0x1.3261791211341p-9,  0x1.980cd9cddd2dep-10,
                                            -0x1.1a8f57e222028p-10, 0x1.7b4f44a239051p-11,  -0x1.7396a870c3e85p-12,
                                            0x1.dbf3f4569847fp-13,  -0x1.8d1d991c8f9c4p-12, 0x1.1089124bb5df7p-12});
  Num above = select(steps < 0, -1, select(steps == 2, t + (t + 1), num(y, 1)));
  Num below = select(steps < 0, y, select(steps == 2, t * (t + 1), t));
  return select(steps == 0, psi, psi + above / below);
}

// From 4 on: Abramowitz and Stegun 6.3.18, an asymptotic series, after six steps of the recurrence if y is below 10.
static Num digammaLarge(Num y) {
  Num above = num(y, 1), below = y;  // 1/y + ... + 1/(y + 5) = above / below
  for (int k = 1; k < 6; ++k) {
    Num next = y + k;
    above = fma(above, next, below);
    below = below * next;
  }
  Mask low = y < 10;
  Num far = select(low, y + 6, y);
  Num inverse = 1 / far, s = inverse * inverse;
  Num series = s * polynomial(s, {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12,
                                  -3617.0 / 8160});
  Num value = emitLog(far) - fma(inverse, 0.5, series);
  return select(low, value - above / below, value);
}

static Num digammaDouble(Num x) {
  Mask reflect = x < 0;
  Num y = select(reflect, 1 - x, x);
  Num value = select(y < 4, digammaSmall(clamp(y, 0, 4)), digammaLarge(y));
  // psi(x) = psi(1 - x) - pi cot(pi x), and cot has period 1.
  Num nearest = floor(x + 0.5);
  Num angle = (x - nearest) * 0x1.921fb54442d18p1;
  value = select(reflect, value - 0x1.921fb54442d18p1 / emitTan(angle), value);
  return select((x == floor(x)) & !(x > 0), nan(x), value);
}

Num emitDigamma(Num x) {
  if (x.isDouble()) return digammaDouble(x);
  Lanes wide{x.lanes->b, x.lanes->b.getF64Type(), x.lanes->width, x.lanes->target};
  return narrow(digammaDouble(widen(x, wide)), *x.lanes);
}

}  // namespace skein::compiler::math
