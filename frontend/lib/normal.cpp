// The normal distribution's numbers as XLA computes them: sqrt(2) times its inverse error function.
#include "frontend/lib/sampler.h"

#include <skein/ops.h>

#include <cmath>
#include <span>

namespace skein::random {

using detail::cast;
using detail::emit;
using detail::emit_splat;

namespace {

/// coefficients[0] x^n + ... + coefficients[n].
Array polynomial(const Array& x, std::span<const double> coefficients) {
  auto constant = [&](double c) { return emit_splat(x.shape(), c, x.dtype()); };
  Array value = constant(coefficients[0]);
  for (double c : coefficients.subspan(1)) value = emit("fma", {value, x, constant(c)});
  return value;
}

/// XLA's logarithm of normal float32 numbers in (0, 1] (Cephes' logf, three chains of its polynomial side by side).
Array log_of_xla(const Array& y) {
  auto constant = [&](double c) { return emit_splat(y.shape(), c, float32); };
  auto word = [&](std::int64_t w) { return splat(y.shape(), w, int32); };
  auto as = [](const Array& v, DType dtype) { return emit("bitcast", {v}, {{"dtype", dtype}}); };
  // y = mantissa 2^exponent with the mantissa between the square roots of 1/2 and 2.
  Array bits = as(y, int32);
  Array mantissa = as(emit("or", {emit("and", {bits, word(0x007fffff)}), word(0x3f000000)}), float32);
  Array exponent = cast(emit("sub", {emit("shr_logical", {bits, word(23)}), word(126)}), float32);
  Array small = emit("lt", {mantissa, constant(0.707106781186547524)});
  exponent = emit("sub", {exponent, emit("select", {small, constant(1), constant(0)})});
  Array x = emit("add", {emit("sub", {mantissa, constant(1)}), emit("select", {small, mantissa, constant(0)})});
  Array square = emit("mul", {x, x}), cube = emit("mul", {square, x});
  auto chain = [&](double a, double b, double c) {
    return emit("fma", {emit("fma", {x, constant(a), constant(b)}), x, constant(c)});
  };
  Array sum = chain(7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1);
  sum = emit("fma", {sum, cube, chain(-1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1)});
  sum = emit("fma", {sum, cube, chain(2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)});
  // log(2) in two parts.
  sum = emit("fma", {sum, cube, emit("mul", {exponent, constant(-2.12194440e-4)})});
  sum = emit("add", {emit("fma", {square, constant(-0.5), x}), sum});
  return emit("fma", {exponent, constant(0.693359375), sum});
}

/// XLA's inverse error function: Giles' polynomials ("Approximating the erfinv function", GPU Computing Gems, 2012) of
/// w = -log1p(-x^2), with XLA's log1p, whose rational function (Cephes) is used a little beyond its interval. The op
/// erf_inv is more exact in the tails, where x^2 is rounded here, but then the numbers would not be JAX's.
Array erf_inv_of_xla(const Array& x) {
  static constexpr double log1p_p[] = {
      4.5270000862445199635215e-5, 4.9854102823193375972212e-1, 6.5787325942061044846969e0, 2.9911919328553073277375e1,
      6.0949667980987787057556e1,  5.7112963590585538103336e1,  2.0039553499201281259648e1};
  static constexpr double log1p_q[] = {1.0,
                                       1.5062909083469192043167e1,
                                       8.3047565967967209469434e1,
                                       2.2176239823732856465394e2,
                                       3.0909872225312059774938e2,
                                       2.1642788614495947685003e2,
                                       6.0118660497603843919306e1};
  static constexpr double single_centre[] = {2.81022636e-08,  3.43273939e-07, -3.5233877e-06,
                                             -4.39150654e-06, 0.00021858087,  -0.00125372503,
                                             -0.00417768164,  0.246640727,    1.50140941};
  static constexpr double single_tail[] = {-0.000200214257, 0.000100950558, 0.00134934322,
                                           -0.00367342844,  0.00573950773,  -0.0076224613,
                                           0.00943887047,   1.00167406,     2.83297682};
  static constexpr double centre[] = {
      -3.6444120640178196996e-21, -1.685059138182016589e-19,  1.2858480715256400167e-18,  1.115787767802518096e-17,
      -1.333171662854620906e-16,  2.0972767875968561637e-17,  6.6376381343583238325e-15,  -4.0545662729752068639e-14,
      -8.1519341976054721522e-14, 2.6335093153082322977e-12,  -1.2975133253453532498e-11, -5.4154120542946279317e-11,
      1.051212273321532285e-09,   -4.1126339803469836976e-09, -2.9070369957882005086e-08, 4.2347877827932403518e-07,
      -1.3654692000834678645e-06, -1.3882523362786468719e-05, 0.0001867342080340571352,   -0.00074070253416626697512,
      -0.0060336708714301490533,  0.24015818242558961693,     1.6536545626831027356};
  static constexpr double flank[] = {
      2.2137376921775787049e-09,  9.0756561938885390979e-08, -2.7517406297064545428e-07, 1.8239629214389227755e-08,
      1.5027403968909827627e-06,  -4.013867526981545969e-06, 2.9234449089955446044e-06,  1.2475304481671778723e-05,
      -4.7318229009055733981e-05, 6.8284851459573175448e-05, 2.4031110387097893999e-05,  -0.0003550375203628474796,
      0.00095328937973738049703,  -0.0016882755560235047313, 0.0024914420961078508066,   -0.0037512085075692412107,
      0.005370914553590063617,    1.0052589676941592334,     3.0838856104922207635};
  static constexpr double tail[] = {-2.7109920616438573243e-11, -2.5556418169965252055e-10, 1.5076572693500548083e-09,
                                    -3.7894654401267369937e-09, 7.6157012080783393804e-09,  -1.4960026627149240478e-08,
                                    2.9147953450901080826e-08,  -6.7711997758452339498e-08, 2.2900482228026654717e-07,
                                    -9.9298272942317002539e-07, 4.5260625972231537039e-06,  -1.9681778105531670567e-05,
                                    7.5995277030017761139e-05,  -0.00021503011930044477347, -0.00013871931833623122026,
                                    1.0103004648645343977,      4.8499064014085844221};
  DType dtype = x.dtype();
  auto constant = [&](double c) { return emit_splat(x.shape(), c, dtype); };
  Array a = emit("neg", {emit("mul", {x, x})});
  Array squared = emit("mul", {a, a});
  Array rational = emit("div", {polynomial(a, log1p_p), polynomial(a, log1p_q)});
  Array near =
      emit("add", {a, emit("fma", {squared, constant(-0.5), emit("mul", {emit("mul", {a, squared}), rational})})});
  Array one_more = emit("add", {constant(1), a});
  Array far = dtype == float32 ? log_of_xla(one_more) : emit("log", {one_more});
  Array w = emit("neg", {emit("select", {emit("lt", {emit("neg", {a}), constant(std::sqrt(2.0) - 1)}), near, far})});
  Array root = emit("sqrt", {w});
  if (dtype == float32) {
    Array p = emit("select", {emit("lt", {w, constant(5)}), polynomial(emit("sub", {w, constant(2.5)}), single_centre),
                              polynomial(emit("sub", {root, constant(3)}), single_tail)});
    return emit("mul", {p, x});
  }
  Array p = emit("select",
                 {emit("lt", {w, constant(6.25)}), polynomial(emit("sub", {w, constant(3.125)}), centre),
                  emit("select", {emit("lt", {w, constant(16)}), polynomial(emit("sub", {root, constant(3.25)}), flank),
                                  polynomial(emit("sub", {root, constant(5)}), tail)})});
  return emit("mul", {p, x});
}

}  // namespace

Array normal_from(const Array& u) {
  DType dtype = u.dtype();
  // Half precision is computed in single, as XLA does.
  bool half = dtype == float16 || dtype == bfloat16;
  Array inverse = half ? cast(erf_inv_of_xla(cast(u, float32)), dtype) : erf_inv_of_xla(u);
  return emit("mul", {emit_splat(u.shape(), std::sqrt(2.0), dtype), inverse});
}

}  // namespace skein::random
