// Bessel functions, logsumexp, and functions of neural networks.
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Chebyshev coefficients, the first one doubled, in the intervals of Cephes (Moshier 1989, i0.c and i1.c): of
// exp(-x) I0(x) and exp(-x) I1(x) / x in x / 4 - 1 up to 8, and of exp(-x) sqrt(x) I(x) in 16 / x - 1 beyond.
// Computed with 40 digits.
constexpr double i0_near[] = {
    0.67679527440947608,    -0.3046826723431984,     0.17162090152220878,    -0.094901097048047644,
    0.049305284239670708,   -0.023737414805899469,   0.010546460394594998,   -0.0043243099950505759,
    0.0016394756169413358,  -0.00057637557453858237, 0.00018850288509584166, -5.7541950100821037e-5,
    1.6448448070728897e-5,  -4.4167383584587506e-6,  1.1173875391201037e-6,  -2.6707938539406117e-7,
    6.0469950225419189e-8,  -1.300025009986248e-8,   2.6598237246823867e-9,  -5.1897956016352629e-10,
    9.6758090353732369e-11, -1.7268262914415557e-11, 2.9550526631296398e-12, -4.8564467831119295e-13,
    7.6761854986049356e-14, -1.1685332877993452e-14, 1.715391285555133e-15,  -2.4312798465479547e-16,
    3.3307945188222381e-17, -4.4153416464793394e-18};
constexpr double i0_far[] = {
    0.80449041101410883,     0.0033691164782556941,   6.889758346916824e-5,    2.8913705208347565e-6,
    2.0489185894690637e-7,   2.2666689904981781e-8,   3.3962320257083863e-9,   4.9406023882249696e-10,
    1.1889147107846438e-11,  -3.1499165279632414e-11, -1.3215811840447713e-11, -1.7941785315068061e-12,
    7.1801244513836662e-13,  3.8527783827421427e-13,  1.5400862175214098e-14,  -4.1505693472872221e-14,
    -9.5548466988283076e-15, 3.8116806693526224e-15,  1.7725601330565264e-15,  -3.4254856196772191e-16,
    -2.8276239805165835e-16, 3.4612228676974611e-17,  4.46562142029676e-17,    -4.8305044859441821e-18,
    -7.233180487874754e-18};
constexpr double i1_near[] = {
    0.25258718644363365,    -0.17641651835783406,    0.1026436586898471,     -0.052945981208094991,
    0.024726449030626517,   -0.010564084894626198,   0.0041564229443128882,  -0.0015135724506312531,
    0.00051228595616857577, -0.00016176081582589675, 4.7815651075500542e-5,  -1.3273163656039436e-5,
    3.4702513081376785e-6,  -8.5687202646954547e-7,  2.0032947535521353e-7,  -4.4450591287963281e-8,
    9.3815373864957718e-9,  -1.8872497517228293e-9,  3.625590281552117e-10,  -6.6634897235020277e-11,
    1.1736186298890902e-11, -1.9839743977649437e-12, 3.2237933659455747e-13, -5.0421855047279117e-14,
    7.6006842947354069e-15, -1.1055969477353863e-15, 1.5536319577362005e-16, -2.1114212143581661e-17,
    2.7779141127610464e-18};
constexpr double i1_far[] = {
    0.77857623501828012,     -0.0097610974913614684,  -0.00011058893876262372, -3.8825648088776904e-6,
    -2.5122362378702089e-7,  -2.6314688468895195e-8,  -3.835380385964237e-9,   -5.5897434621965838e-10,
    -1.8974958123505412e-11, 3.2526035830154882e-11,  1.4125807436613781e-11,  2.0356285441470895e-12,
    -7.1985517762459085e-13, -4.0835511110921973e-13, -2.1015418427726643e-14, 4.2724400167119514e-14,
    1.0420276984128803e-14,  -3.8144030724370078e-15, -1.8803547755107824e-15, 3.3082023109209283e-16,
    2.9626289976459501e-16,  -3.209525921993424e-17,  -4.6503053684893583e-17, 4.4143483230717079e-18,
    7.5172963108421048e-18};

/// Clenshaw's recurrence, of the terms that the dtype can show.
Array chebyshev(const Array& y, std::span<const double> coefficients) {
  double least = y.dtype() == float64 ? 1e-18 : 1e-10;
  std::size_t count = coefficients.size();
  while (count > 1 && std::abs(coefficients[count - 1]) < least) --count;
  Array b1 = zeros_like(y), b2 = b1;
  for (std::size_t i = count; i-- > 1;) {
    Array next = 2 * y * b1 - b2 + coefficients[i];
    b2 = b1;
    b1 = next;
  }
  return y * b1 - b2 + coefficients[0] / 2;
}

/// exp(-|x|) I(x) of order 0 or 1, or without the first factor.
Array bessel(const char* name, const Array& x, Where at, int order, bool scaled) {
  Call call(name, at);
  if (is_complex(impl_of(x)->dtype)) fail("takes no complex numbers, as " + describe(x));
  return inexact(name, x, {}, [&](const Array& given) {
    DType dtype = given.dtype();
    Array v = is_half(dtype) ? cast(given, float32) : given, size = abs(v);
    Array small = less_equal(size, 8), low = where(small, size, 8), high = where(small, 8, size);
    std::span<const double> near_terms(i0_near), far_terms(i0_far);
    if (order == 1) near_terms = std::span<const double>(i1_near), far_terms = std::span<const double>(i1_far);
    Array near = chebyshev(low / 4 - 1, near_terms), far = chebyshev(16 / high - 1, far_terms) / sqrt(high);
    Array value = where(small, order == 1 ? near * low : near, far);
    if (!scaled) value = where(isinf(size), size, exp(size) * value);
    if (order == 1) value = where(less(v, 0), -value, value);
    return cast(value, dtype);
  });
}

}  // namespace

Array i0(const Array& x, Where at) { return bessel("i0", x, at, 0, false); }
Array i1(const Array& x, Where at) { return bessel("i1", x, at, 1, false); }
Array i0e(const Array& x, Where at) { return bessel("i0e", x, at, 0, true); }
Array i1e(const Array& x, Where at) { return bessel("i1e", x, at, 1, true); }

Array logsumexp(const Array& x, const LogSumExpOptions& o, Where at) {
  Call call("logsumexp", at);
  List axes = axes_in(x, o.axis);
  bool weighted = !o.b.empty();
  Joined joined = weighted ? join_operands({x, o.b}, Want::inexact) : join_operands({x}, Want::inexact);
  if (weighted && !(broadcast_shapes(joined.operands) == x.shape()))
    fail("the weights, " + describe(o.b) + ", do not broadcast to the array, " + describe(x));
  auto build = [&](In in) {
    std::vector<Array> aligned = align(in, joined.dtype);
    Array v = aligned[0];
    if (weighted) v = where(equal(aligned[1], 0), -infinity, v);
    Shape kept = v.shape();
    std::int64_t count = 1;
    for (std::int64_t axis : axes) count *= kept[place(axis)], kept[place(axis)] = 1;
    Array result;
    if (!count) {
      result = full(kept, -infinity, joined.dtype);
    } else {
      Array most = max(v, {.axis = axes, .keepdims = true});
      most = where(isfinite(most), most, 0);
      Array terms = exp(v - most);
      if (weighted) terms = terms * aligned[1];
      result = log(sum(terms, {.axis = axes, .keepdims = true})) + most;
    }
    return std::vector<Array>{with_weak(o.keepdims ? result : squeeze(result, axes), joined.weak)};
  };
  return staged_all("logsumexp", joined.operands, Key(axes, o.keepdims, weighted, joined.dtype, joined.weak), build)[0];
}

namespace nn {

Array sigmoid(const Array& x, Where at) {
  Call call("sigmoid", at);
  return skein::sigmoid(x, at);
}
Array log_sigmoid(const Array& x, Where at) {
  Call call("log_sigmoid", at);
  return inexact("log_sigmoid", x, {}, [](const Array& v) { return -logaddexp(-v, 0); });
}
Array relu(const Array& x, Where at) {
  Call call("relu", at);
  return maximum(x, 0);
}
Array relu6(const Array& x, Where at) {
  Call call("relu6", at);
  return clip(x, 0, 6);
}
Array softplus(const Array& x, Where at) {
  Call call("softplus", at);
  return logaddexp(x, 0);
}
Array soft_sign(const Array& x, Where at) {
  Call call("soft_sign", at);
  return inexact("soft_sign", x, {}, [](const Array& v) { return v / (1 + abs(v)); });
}
Array silu(const Array& x, Where at) {
  Call call("silu", at);
  return inexact("silu", x, {}, [](const Array& v) { return v * skein::sigmoid(v); });
}
Array swish(const Array& x, Where at) {
  Call call("swish", at);
  return silu(x, at);
}
Array elu(const Array& x, double alpha, Where at) {
  Call call("elu", at);
  return inexact("elu", x, Key(alpha), [&](const Array& v) {
    Array positive_v = greater(v, 0);
    return where(positive_v, v, alpha * expm1(where(positive_v, 0, v)));
  });
}
Array selu(const Array& x, Where at) {
  Call call("selu", at);
  constexpr double alpha = 1.6732632423543772848170429916717, scale = 1.0507009873554804934193349852946;
  return inexact("selu", x, {}, [&](const Array& v) { return scale * elu(v, alpha); });
}
Array celu(const Array& x, double alpha, Where at) {
  Call call("celu", at);
  return inexact("celu", x, Key(alpha),
                 [&](const Array& v) { return maximum(v, 0) + alpha * expm1(minimum(v, 0) / alpha); });
}
Array leaky_relu(const Array& x, double slope, Where at) {
  Call call("leaky_relu", at);
  return inexact("leaky_relu", x, Key(slope), [&](const Array& v) { return where(greater_equal(v, 0), v, slope * v); });
}
Array hard_tanh(const Array& x, Where at) {
  Call call("hard_tanh", at);
  return clip(x, -1, 1);
}
Array gelu(const Array& x, GeluOptions o, Where at) {
  Call call("gelu", at);
  return inexact("gelu", x, Key(o.approximate), [&](const Array& v) {
    if (!o.approximate) return 0.5 * v * erfc(v * -M_SQRT1_2);
    return 0.5 * v * (1 + tanh(M_2_SQRTPI * M_SQRT1_2 * (v + 0.044715 * (v * v * v))));
  });
}

namespace {
Array softened(const char* name, const Array& x, const SoftmaxOptions& o, bool logarithm) {
  List axes = axes_in(x, o.axis);
  return inexact(name, x, Key(axes), [&](const Array& v) {
    if (!v.size()) return v;
    Array shifted = v - max(v, {.axis = axes, .keepdims = true}), terms = exp(shifted);
    Array total = sum(terms, {.axis = axes, .keepdims = true});
    return logarithm ? shifted - log(total) : terms / total;
  });
}
}  // namespace
Array softmax(const Array& x, const SoftmaxOptions& o, Where at) {
  Call call("softmax", at);
  return softened("softmax", x, o, false);
}
Array log_softmax(const Array& x, const SoftmaxOptions& o, Where at) {
  Call call("log_softmax", at);
  return softened("log_softmax", x, o, true);
}

Array one_hot(const Array& indices, std::int64_t classes, OneHotOptions o, Where at) {
  Call call("one_hot", at);
  if (!is_integer(impl_of(indices)->dtype)) fail("indices are integers, not " + describe(indices));
  if (classes < 0) fail("the number of classes is not negative, as " + std::to_string(classes));
  std::int64_t axis = normal_axis(o.axis, rank_of(indices) + 1, indices);
  return staged("one_hot", {indices}, Key(classes, axis, o.dtype), [&](In in) {
    Array index = expand_dims(as_index(in[0]), axis);
    Shape shape = index.shape();
    shape[place(axis)] = classes;
    return cast(equal(index, emit_iota(shape, index.dtype(), axis)), o.dtype);
  });
}

}  // namespace nn
}  // namespace skein
