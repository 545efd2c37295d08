// Exponentials and hyperbolic functions.
//
// x = n ln 2 + r with |r| <= ln(2) / 2 (Cody and Waite), e^x = 2^n e^r, and e^r from a polynomial that is minimax for
// the precision (Sollya's fpminimax; its relative error is below 2^-26 and 2^-55).
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

static constexpr double log2e = 0x1.71547652b82fep0;

namespace {
struct Reduced {
  Rounded n;
  Num r;
};
}  // namespace

// The fused multiply-adds are exact up to the last, as both parts of ln 2 have all the digits of the type.
static Reduced reduce(Num x) {
  Rounded n = roundScaled(x, log2e);
  Num r = fma(n.number, x.isDouble() ? -0x1.62e42fefa39efp-1 : -0x1.62e43p-1, x);
  r = fma(n.number, x.isDouble() ? -0x1.abc9e3b39803fp-56 : 0x1.05c61p-29, r);
  return {n, r};
}

// (e^r - 1 - r) / r^2
static Num exponentialTail(Num r) {
  if (!r.isDouble()) return polynomial(r, {0.5, 0x1.5554dcp-3, 0x1.55556ap-5, 0x1.120c86p-7, 0x1.6cad1cp-10});
  return polynomial(r, {0x1.0000000000001p-1, 0x1.555555555554dp-3, 0x1.5555555553c91p-5, 0x1.11111111144f1p-7,
                        0x1.6c16c178ce3dcp-10, 0x1.a01a018c3be65p-13, 0x1.a019b8235ee8fp-16, 0x1.71de59889406ap-19,
                        0x1.28928c564e1e2p-22, 0x1.aead53f52ea4cp-26});
}
static Num expKernel(Num r) { return fma(fma(exponentialTail(r), r, 1), r, 1); }
static Num expm1Kernel(Num r) { return fma(r * r, exponentialTail(r), r); }

static Num insideRange(Num x) { return x.isDouble() ? clamp(x, -746, 710.5) : clamp(x, -104.5, 89.5); }

Num emitExp(Num x) {
  Reduced part = reduce(insideRange(x));
  return scale(expKernel(part.r), part.n);
}

Num expOfSum(Num x, Num low) {
  Reduced part = reduce(insideRange(x));
  return scale(expKernel(part.r + low), part.n);
}

Num expInside(Num x) {
  Reduced part = reduce(x);
  return expKernel(part.r) * powerOfTwo(part.n.value());
}

Num exp2Kernel(Num r) {
  Num q =
      r.isDouble()
          ? polynomial(r, {0x1.62e42fefa39efp-1, 0x1.ebfbdff82c598p-3, 0x1.c6b08d704a1abp-5, 0x1.3b2ab6fba1ebbp-7,
                           0x1.5d87fe788092dp-10, 0x1.4309130949191p-13, 0x1.ffcbfcffa02bbp-17, 0x1.62bfd4c8c43a2p-20,
                           0x1.b523e09a08522p-24, 0x1.e605ce51cb30bp-28, 0x1.eb53f7ec0e7b9p-32})
          : polynomial(r, {0x1.62e43p-1, 0x1.ebfbdep-3, 0x1.c6af9cp-5, 0x1.3b2c54p-7, 0x1.5ef5fap-10, 0x1.427e4p-13});
  return fma(q, r, 1);
}

Num emitExp2(Num x) {
  Num inside = x.isDouble() ? clamp(x, -1076, 1025) : clamp(x, -151, 129);
  Rounded n = roundInteger(inside);
  return scale(exp2Kernel(inside - n.number), n);
}

// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), for x small enough that 2^n is a number.
static Num expm1Inside(Num x) {
  Reduced part = reduce(x);
  Num power = powerOfTwo(part.n.value());
  return fma(expm1Kernel(part.r), power, power - 1);
}

Num emitExpm1(Num x) {
  Reduced part = reduce(x.isDouble() ? clamp(x, -40, 710) : clamp(x, -20, 89));
  Int n = part.n.value();
  // 2^n may be just beyond the largest number where the result is not: it is then computed by halves.
  Mask large = n > 64;
  Num power = powerOfTwo(n + select(large, integer(n, -1), integer(n, 0)));
  Num result = fma(expm1Kernel(part.r), power, power - 1);
  return copysign(select(large, result + result, result), x);
}

Num emitLogistic(Num x) {
  Num e = emitExp(-abs(x));
  return select(x < 0, e, 1) / (1 + e);
}

Num emitTanh(Num x) {
  Num twice = abs(x) * 2;
  Num e = expm1Inside(atMost(twice, x.isDouble() ? 40 : 20));
  return copysign(e / (e + 2), x);
}

Num emitSinh(Num x) {
  Num a = abs(x);
  Reduced part = reduce(atMost(a, x.isDouble() ? 710.7 : 89.6));
  // Where e^-x does not matter, a quarter of e^x: e^x itself may be too large.
  Mask large = a > 25;
  Int n = part.n.value();
  Num power = powerOfTwo(n + select(large, integer(n, -2), integer(n, 0)));
  Num e = fma(expm1Kernel(part.r), power, power - select(*x.lanes, large, 0.0, 1.0));
  return copysign(select(large, e * 2, 0.5 * (e + e / (e + 1))), x);
}

Num emitCosh(Num x) {
  Reduced part = reduce(atMost(abs(x), x.isDouble() ? 710.7 : 89.6));
  Num power = powerOfTwo(part.n.value() - 2);
  Num quarter = fma(expm1Kernel(part.r), power, power);
  return fma(quarter, 2, 0.125 / quarter);
}

}  // namespace skein::compiler::math
