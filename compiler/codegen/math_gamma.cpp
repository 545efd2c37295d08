// log |gamma| and its derivative.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

Num emitLgamma(Num x) {
  if (x.isDouble()) return callLgamma(x);
  // glibc's lgammaf is 7 units off in places; its lgamma has digits to spare for float32.
  Lanes wide{x.lanes->b, x.lanes->b.getF64Type(), x.lanes->width, x.lanes->target};
  return narrow(callLgamma(widen(x, wide)), *x.lanes);
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
