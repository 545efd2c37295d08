// Logarithms and inverse hyperbolic functions.
//
// x = 2^e (1 + f) with 1 + f in [3/4, 3/2), log x = e ln 2 + log(1 + f). In float32, log(1 + f) is a minimax
// polynomial; in float64, with s = f / (2 + f), it is the series of 2 atanh(s) as in Sun's fdlibm, which is shorter.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

namespace {
// Constants as a sum of two: `high` * e is exact.
struct TwoPart {
  double high, low;
};
}  // namespace

static int64_t threeQuarterBits(const Lanes& lanes) { return lanes.isDouble() ? 0x3fe8000000000000 : 0x3f400000; }

Parts splitExponent(Num x) {
  const Lanes& lanes = *x.lanes;
  if (hasExponentInstructions(lanes)) {
    Num mantissa = mantissaByInstruction(x);
    return {exponentByInstruction(x) - exponentByInstruction(mantissa), mantissa - 1, true};
  }
  int m = lanes.mantissaBits();
  Mask subnormal = x < (lanes.isDouble() ? 0x1p-1022 : 0x1p-126);
  Int bits = bitsOf(select(subnormal, x * (lanes.isDouble() ? 0x1p52 : 0x1p23), x));
  Int e = (bits - threeQuarterBits(lanes)) >> m;
  Num f = fromBits(bits - (e << m)) - 1;
  return {toNum(e - select(subnormal, integer(e, m), integer(e, 0))), f, false};
}

Num log1pTail(Num f) {
  if (!f.isDouble()) {
    Num q = polynomial(f, {-0.5, 0x1.55555ep-2, -0x1.00006ap-2, 0x1.998992p-3, -0x1.54f708p-3, 0x1.267aa4p-3,
                           -0x1.0ba0eap-3, 0x1.c0058ap-4, -0x1.a948ep-5});
    return f * f * q;
  }
  Num s = f / (2 + f), z = s * s, half = 0.5 * f * f;
  Num r = z * polynomial(z, {0x1.5555555555555p-1, 0x1.9999999999ff2p-2, 0x1.24924923cf9dfp-2, 0x1.c71c72ed6a316p-3,
                             0x1.745ca8d84c218p-3, 0x1.3b2a41fc65664p-3, 0x1.0e84d332e21a7p-3, 0x1.16cef187db0b3p-3});
  return fma(s, half + r, -half);
}

// The value where x is finite and positive, else what C says.
static Num atEnds(Num x, Num value, bool done) {
  if (done) return value;
  value = select(x > 0, value, select(*x.lanes, x == 0, -__builtin_inf(), __builtin_nan("")));
  return select(x == infinity(x), x, value);
}

Num emitLog(Num x) {
  auto [e, f, ends] = splitExponent(x);
  TwoPart ln2 =
      x.isDouble() ? TwoPart{0x1.62e42fefa3000p-1, 0x1.3de6af278ece6p-42} : TwoPart{0x1.62e4p-1, 0x1.7f7d1cp-20};
  Num tail = fma(e, ln2.low, log1pTail(f));
  return atEnds(x, fma(e, ln2.high, f + tail), ends);
}

// log(x) / log(base): 1 / log(base) as a sum of two to full precision, and log(2) / log(base) for the exponent.
static Num logOfBase(Num x, TwoPart inverse, TwoPart ofTwo) {
  auto [e, f, ends] = splitExponent(x);
  Num tail = fma(log1pTail(f), inverse.high, f * inverse.low);
  if (ofTwo.low != 0) tail = fma(e, ofTwo.low, tail);
  Num value = fma(f, inverse.high, tail);
  return atEnds(x, ofTwo.high == 1 ? e + value : fma(e, ofTwo.high, value), ends);
}

Num emitLog2(Num x) {
  TwoPart inverse =
      x.isDouble() ? TwoPart{0x1.71547652b82fep0, 0x1.777d0ffda0d24p-56} : TwoPart{0x1.715476p0, 0x1.4ae0cp-26};
  return logOfBase(x, inverse, {1, 0});
}

Num emitLog10(Num x) {
  if (x.isDouble())
    return logOfBase(x, {0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57}, {0x1.34413509f6000p-2, 0x1.9fef311f12b36p-42});
  return logOfBase(x, {0x1.bcb7b2p-2, -0x1.5b235ep-27}, {0x1.344p-2, 0x1.3509f8p-18});
}

// 1 + x = 2^e (1 + f), where f must not lose what 1 + x loses: f = 2^-e x + (2^-e - 1).
Num log1pInside(Num x, std::optional<Num> low) {
  const Lanes& lanes = *x.lanes;
  int m = lanes.mantissaBits();
  Int e = (bitsOf(1 + x) - threeQuarterBits(lanes)) >> m;
  Int shift = e << m;
  int64_t four = int64_t(lanes.bias() + 2) << m;  // the bits of 4: 4 * 2^-e is a normal number for every e
  Num power = fromBits(integer(lanes, four) - shift);
  Num f = fromBits(bitsOf(x) - shift) + fma(power, 0.25, -1);
  if (low) f = fma(*low * 0.25, power, f);
  TwoPart ln2 =
      x.isDouble() ? TwoPart{0x1.62e42fefa3000p-1, 0x1.3de6af278ece6p-42} : TwoPart{0x1.62e4p-1, 0x1.7f7d1cp-20};
  Num number = toNum(e);
  Num value = fma(number, ln2.high, f + fma(number, ln2.low, log1pTail(f)));
  return select(x < infinity(x), value, x);
}

Num emitLog1p(Num x) {
  Num value = select(x > -1, log1pInside(x), select(*x.lanes, x == -1, -__builtin_inf(), __builtin_nan("")));
  return copysign(value, x);
}

// Beyond this 1 does not matter beside x.
static double hugeArgument(Num x) { return x.isDouble() ? 0x1p60 : 0x1p30; }

Num emitAsinh(Num x) {
  Num a = abs(x);
  Mask huge = a > hugeArgument(x);
  Num square = a * a;
  Num argument = select(huge, a, a + square / (1 + sqrt(square + 1)));
  Num ln2 = select(*x.lanes, huge, 0x1.62e42fefa39efp-1, 0.0);
  return copysign(log1pInside(argument) + ln2, x);
}

Num emitAcosh(Num x) {
  Mask huge = x > hugeArgument(x);
  Num t = x - 1;
  Num argument = select(huge, x, t + sqrt(t * (t + 2)));
  Num ln2 = select(*x.lanes, huge, 0x1.62e42fefa39efp-1, 0.0);
  return select(x < 1, nan(x), log1pInside(argument) + ln2);
}

Num emitAtanh(Num x) {
  Num a = abs(x);
  Num value = 0.5 * log1pInside((a + a) / (1 - a));
  return copysign(select(a > 1, nan(x), value), x);
}

}  // namespace skein::compiler::math
