// The error function, its complement and its inverse.
#include "compiler/codegen/math_lanes.h"

namespace skein::compiler::math {

// Up to 1: x + x P(x^2). Beyond: 1 - exp(Q(|x|)), where Q is minimax for the absolute error of the result.
Num emitErf(Num x) {
  Num a = abs(x), z = x * x;
  Num p =
      x.isDouble()
          ? polynomial(z, {0x1.06eba8214db69p-3, -0x1.812746b0379fep-2, 0x1.ce2f21a043773p-4, -0x1.b82ce312b4d8ap-6,
                           0x1.565bcd147db6ap-8, -0x1.c02db510a4673p-11, 0x1.f9a3470837a19p-14, -0x1.f4d4f90a06f79p-17,
                           0x1.ba0cffa3179afp-20, -0x1.60fa904d1cd38p-23, 0x1.090786087a597p-26, -0x1.b24675c32a5e6p-30,
                           0x1.cc717f6c32359p-33, -0x1.8cd9b21379165p-36})
          : polynomial(z, {0x1.06eba8p-3, -0x1.812744p-2, 0x1.ce2ea6p-4, -0x1.b822cap-6, 0x1.55e918p-8, -0x1.ba3ddap-11,
                           0x1.cb4264p-14, -0x1.28c80cp-17});
  Num far = atMost(a, x.isDouble() ? 6 : 4);
  Num q = x.isDouble()
              ? polynomial(
                    far, {-0x1.6b3fc3781b974p-23, -0x1.20dd57e2cf7c5p0, -0x1.45f41bf05af3p-1, -0x1.a4dba66f3ecf9p-4,
                          0x1.389e0d41f0da8p-6, 0x1.225e7d463f54ap-12, -0x1.ceb5d467f2e8dp-10, 0x1.4e6a5784dab51p-11,
                          -0x1.652e2767351b2p-15, -0x1.2c32466009e5p-14, 0x1.7e24be9834682p-15, -0x1.180784e459fc8p-16,
                          0x1.25996791315d6p-18, -0x1.ce14cfaa26043p-21, 0x1.117351f881912p-23, -0x1.dadaf7c49e2acp-27,
                          0x1.1e50bb05d1f94p-30, -0x1.acfc5e863da3bp-35, 0x1.2cd80bf441666p-40})
              : polynomial(far, {0x1.fb2aa6p-14, -0x1.2111eap0, -0x1.44bd0ep-1, -0x1.b5c7bep-4, 0x1.855d9ep-6,
                                 -0x1.b30e6ep-9, 0x1.6a2088p-14, 0x1.1d3298p-14, -0x1.b27acep-17, 0x1.b4ec4cp-21});
  return select(a > 1, copysign(1 - expInside(q), x), fma(x, p, x));
}

// erfc(x) = exp(-x^2) g((x - k) / (x + k)) / (1 + 2x), where g is close to 1 for all x >= 0 (Shepherd and Laframboise,
// "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in 0 <= x < infinity", 1981).
Num emitErfc(Num x) {
  Num a = atMost(abs(x), x.isDouble() ? 27.3 : 10.5);
  double k = x.isDouble() ? 4 : 2;
  Num reciprocal = 1 / (a + k);
  Num q = (a - k) * reciprocal;
  q = fma(fma(-a, q, fma(q + 1, -k, a)), reciprocal, q);  // for the result is sensitive to q near 0
  Num g = x.isDouble()
              ? polynomial(
                    q, {0x1.3ba5916e9fd7fp+0,   -0x1.1df1ad154a28fp-3,  0x1.f7f5df66fd6cfp-7,   0x1.16ecefcfa5471p-4,
                        -0x1.9ddb23c3e897dp-4,  0x1.7fee004e104ffp-4,   -0x1.0fb06dfe54d96p-4,  0x1.3079edf6c6ee2p-5,
                        -0x1.09623882b47a8p-6,  0x1.49c67272bc8e9p-8,   -0x1.8d4a9c2f59232p-11, -0x1.a1df18737d3a0p-13,
                        0x1.3be0694efbeeap-13,  -0x1.995a93ac439d5p-16, -0x1.788d35f5e644cp-17, 0x1.7f32b87f34db8p-18,
                        0x1.3baf8911d0285p-22,  -0x1.bb621c5050d36p-21, 0x1.3f2ea7b05acaep-24,  0x1.d9bc1962d2fc4p-24,
                        -0x1.2ecd44c322773p-26, -0x1.e45a192ee5194p-27, 0x1.da769edb6c09fp-30,  0x1.4e8f49fded5fdp-30})
              : polynomial(q, {0x1.46e80ep0, -0x1.7bf61cp-4, -0x1.54080ap-3, 0x1.4ffc8ap-3, -0x1.bc10a6p-5,
                               -0x1.08371ep-7, 0x1.1b0a5ep-7, 0x1.5a2d02p-10, -0x1.436188p-10, -0x1.a88966p-12});
  Num twice = a + a, d = twice + 1, part = d - 1;
  Num dLow = (1 - (d - part)) + (twice - part);  // d + dLow = 1 + 2 a
  Num inverse = 1 / d, quotient = g * inverse, square = a * a;
  Num rest = fma(-quotient, d, g) - quotient * dLow;
  Num scaled = quotient + fma(rest, inverse, quotient * fma(-a, a, square));
  Num value = emitExp(-square) * scaled;
  return select(x < 0, 2 - value, value);
}

// Giles, "Approximating the erfinv function", GPU Computing Gems 2, 2011: w = -log(1 - x^2), the result p(w) x.
static Num inverse(Num x, Num w) {
  Num p = x;
  if (!x.isDouble()) {
    Mask central = w < 5;
    Num u = select(central, w - 2.5, sqrt(w) - 3);
    const double near[] = {2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
                           -0.00125372503, -0.00417768164, 0.246640727,    1.50140941};
    const double far[] = {-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
                          -0.0076224613,   0.00943887047,  1.00167406,    2.83297682};
    p = select(*x.lanes, central, near[0], far[0]);
    for (int i = 1; i < 9; ++i) p = fma(p, u, select(*x.lanes, central, near[i], far[i]));
  } else {
    Num root = sqrt(w);
    Num near = polynomial(
        w - 3.125,
        {1.6536545626831027356,      0.24015818242558961693,     -0.0060336708714301490533,  -0.00074070253416626697512,
         0.0001867342080340571352,   -1.3882523362786468719e-05, -1.3654692000834678645e-06, 4.2347877827932403518e-07,
         -2.9070369957882005086e-08, -4.1126339803469836976e-09, 1.051212273321532285e-09,   -5.4154120542946279317e-11,
         -1.2975133253453532498e-11, 2.6335093153082322977e-12,  -8.1519341976054721522e-14, -4.0545662729752068639e-14,
         6.6376381343583238325e-15,  2.0972767875968561637e-17,  -1.333171662854620906e-16,  1.115787767802518096e-17,
         1.2858480715256400167e-18,  -1.685059138182016589e-19,  -3.6444120640178196996e-21});
    Num far = polynomial(
        root - 3.25,
        {3.0838856104922207635, 1.0052589676941592334, 0.005370914553590063617, -0.0037512085075692412107,
         0.0024914420961078508066, -0.0016882755560235047313, 0.00095328937973738049703, -0.0003550375203628474796,
         2.4031110387097893999e-05, 6.8284851459573175448e-05, -4.7318229009055733981e-05, 1.2475304481671778723e-05,
         2.9234449089955446044e-06, -4.013867526981545969e-06, 1.5027403968909827627e-06, 1.8239629214389227755e-08,
         -2.7517406297064545428e-07, 9.0756561938885390979e-08, 2.2137376921775787049e-09});
    Num farther =
        polynomial(root - 5, {4.8499064014085844221, 1.0103004648645343977, -0.00013871931833623122026,
                              -0.00021503011930044477347, 7.5995277030017761139e-05, -1.9681778105531670567e-05,
                              4.5260625972231537039e-06, -9.9298272942317002539e-07, 2.2900482228026654717e-07,
                              -6.7711997758452339498e-08, 2.9147953450901080826e-08, -1.4960026627149240478e-08,
                              7.6157012080783393804e-09, -3.7894654401267369937e-09, 1.5076572693500548083e-09,
                              -2.5556418169965252055e-10, -2.7109920616438573243e-11});
    p = select(w < 6.25, near, select(w < 16, far, farther));
  }
  Num a = abs(x);
  Num value = select(a == 1, copysign(infinity(x), x), p * x);
  return select(a > 1, nan(x), value);
}

// Step by step as XLA has it: the rounding of x^2 costs digits near 1.
Num emitErfInv(Num x) { return inverse(x, -log1pInside(-(x * x))); }

Num emitErfInvExact(Num x) {
  Num square = x * x;
  return inverse(x, -log1pInside(-square, fma(-x, x, square)));
}

}  // namespace skein::compiler::math
