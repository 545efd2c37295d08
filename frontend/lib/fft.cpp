// Fourier transforms: which axes, how long, scaled by what; the op transforms the last dimensions.
#include <skein/fft.h>

#include <cmath>

#include "frontend/lib/numpy_parts.h"

namespace skein::fft {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

enum class Kind { fft, ifft, rfft, irfft };
bool inverts(Kind kind) { return kind == Kind::ifft || kind == Kind::irfft; }
const char* name_of(Kind kind) {
  switch (kind) {
    case Kind::fft:
      return "fft";
    case Kind::ifft:
      return "ifft";
    case Kind::rfft:
      return "rfft";
    case Kind::irfft:
      break;
  }
  return "irfft";
}

/// The dtype that a transform works on.
DType operand_dtype(const Array& x, Kind kind) {
  DType d = impl_of(x)->dtype;
  if (kind != Kind::rfft) return is_complex(d) ? d : d == float64 ? complex128 : complex64;
  if (is_complex(d)) fail("takes real numbers, not " + describe(x) + "; use fft, or real first");
  return d == float64 ? float64 : float32;
}

/// By what the op's result is multiplied: the op divides where it inverts.
double scale_of(std::string_view norm, const List& lengths, Kind kind) {
  double n = 1;
  for (std::int64_t length : lengths) n *= static_cast<double>(length);
  if (norm == "backward") return 1;
  if (norm == "ortho") return inverts(kind) ? std::sqrt(n) : 1 / std::sqrt(n);
  if (norm == "forward") return inverts(kind) ? n : 1 / n;
  fail("the norm is \"backward\", \"ortho\" or \"forward\", not \"" + std::string(norm) + "\"");
}

/// The norm of a transform that is computed by one of the other direction.
std::string_view swapped(std::string_view norm) {
  return norm == "backward" ? "forward" : norm == "forward" ? "backward" : norm;
}

struct Plan {
  Kind kind;
  List axes, lengths;
  double scale;
  bool conj_before = false, conj_after = false;
};

Array transformed(const char* name, const Array& x, const Plan& plan) {
  for (std::int64_t length : plan.lengths)
    if (length < 1) fail("the length of a transform is 1 or more, not " + std::to_string(length));
  const DType dtype = operand_dtype(x, plan.kind);
  auto build = [&](In in) {
    Array v = cast(in[0], dtype);
    if (plan.conj_before) v = conj(v);
    const std::size_t rank = v.shape().size();
    // Cropped or padded at the end of each axis.
    List none(rank, 0), high(rank, 0), order, inverse(rank, 0);
    bool fits = true;
    for (std::size_t i = 0; i < plan.axes.size(); ++i) {
      const bool half = plan.kind == Kind::irfft && i + 1 == plan.axes.size();
      const std::int64_t want = half ? plan.lengths[i] / 2 + 1 : plan.lengths[i];
      high[place(plan.axes[i])] = want - length_of(v, plan.axes[i]);
      fits = fits && high[place(plan.axes[i])] == 0;
    }
    if (!fits) v = emit("pad", {v, cast(Array(0), dtype)}, {{"low", none}, {"high", high}, {"interior", none}});
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(rank); ++d)
      if (std::find(plan.axes.begin(), plan.axes.end(), d) == plan.axes.end()) order.push_back(d);
    order.insert(order.end(), plan.axes.begin(), plan.axes.end());
    for (std::size_t i = 0; i < rank; ++i) inverse[place(order[i])] = static_cast<std::int64_t>(i);
    v = emit("fft", {transpose(v, order)}, {{"kind", std::string(name_of(plan.kind))}, {"lengths", plan.lengths}});
    v = transpose(v, inverse);
    if (plan.scale != 1) v = v * Array(plan.scale);
    return plan.conj_after ? conj(v) : v;
  };
  Key key(name_of(plan.kind), plan.axes, plan.lengths, plan.scale, plan.conj_before, plan.conj_after);
  return staged(name, {x}, key, build);
}

void check_rank(const Array& x) {
  if (rank_of(x) == 0) fail("wants one dimension or more, not " + describe(x));
}

/// `hermitian`: hfft and ihfft, by the real transforms of the other direction.
Array one(const char* name, Kind kind, const Array& x, const Options& o, Where at, bool hermitian = false) {
  Call call(name, at);
  check_rank(x);
  const std::int64_t axis = normal_axis(o.axis, rank_of(x), x), size = length_of(x, axis);
  const List lengths{o.n.value_or(kind == Kind::irfft ? 2 * (size - 1) : size)};
  const double scale = scale_of(hermitian ? swapped(o.norm) : o.norm, lengths, kind);
  return transformed(name, x,
                     {kind, {axis}, lengths, scale, hermitian && kind == Kind::irfft, hermitian && kind == Kind::rfft});
}

Array many(const char* name, Kind kind, const Array& x, const Sizes& s, const AxisList& list, std::string_view norm,
           Where at) {
  Call call(name, at);
  check_rank(x);
  const std::int64_t rank = rank_of(x), sizes = static_cast<std::int64_t>(s.sizes().size());
  List axes, lengths;
  if (list.given()) {
    for (std::int64_t axis : list.axes()) {
      axes.push_back(normal_axis(axis, rank, x));
      if (std::count(axes.begin(), axes.end(), axes.back()) > 1)
        fail("axis " + std::to_string(axis) + " is named twice");
    }
  } else {
    if (s.given() && sizes > rank)
      fail(std::to_string(sizes) + " sizes are more than " + describe(x) + " has dimensions");
    for (std::int64_t axis = s.given() ? rank - sizes : 0; axis < rank; ++axis) axes.push_back(axis);
  }
  if (axes.empty()) fail("wants one axis or more");
  if (s.given() && s.sizes().size() != axes.size())
    fail("wants one size for each axis; here are " + std::to_string(sizes) + " sizes and " +
         std::to_string(axes.size()) + " axes");
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::int64_t size = length_of(x, axes[i]);
    lengths.push_back(s.given() && s.sizes()[i] != -1 ? s.sizes()[i] : size);
    if (!s.given() && kind == Kind::irfft && i + 1 == axes.size()) lengths.back() = 2 * (size - 1);
  }
  return transformed(name, x, {kind, axes, lengths, scale_of(norm, lengths, kind)});
}

}  // namespace

Array fft(const Array& x, const Options& o, Where at) { return one("fft", Kind::fft, x, o, at); }
Array ifft(const Array& x, const Options& o, Where at) { return one("ifft", Kind::ifft, x, o, at); }
Array rfft(const Array& x, const Options& o, Where at) { return one("rfft", Kind::rfft, x, o, at); }
Array irfft(const Array& x, const Options& o, Where at) { return one("irfft", Kind::irfft, x, o, at); }
Array hfft(const Array& x, const Options& o, Where at) { return one("hfft", Kind::irfft, x, o, at, true); }
Array ihfft(const Array& x, const Options& o, Where at) { return one("ihfft", Kind::rfft, x, o, at, true); }

Array fft2(const Array& x, const Options2& o, Where at) { return many("fft2", Kind::fft, x, o.s, o.axes, o.norm, at); }
Array ifft2(const Array& x, const Options2& o, Where at) {
  return many("ifft2", Kind::ifft, x, o.s, o.axes, o.norm, at);
}
Array rfft2(const Array& x, const Options2& o, Where at) {
  return many("rfft2", Kind::rfft, x, o.s, o.axes, o.norm, at);
}
Array irfft2(const Array& x, const Options2& o, Where at) {
  return many("irfft2", Kind::irfft, x, o.s, o.axes, o.norm, at);
}
Array fftn(const Array& x, const OptionsN& o, Where at) { return many("fftn", Kind::fft, x, o.s, o.axes, o.norm, at); }
Array ifftn(const Array& x, const OptionsN& o, Where at) {
  return many("ifftn", Kind::ifft, x, o.s, o.axes, o.norm, at);
}
Array rfftn(const Array& x, const OptionsN& o, Where at) {
  return many("rfftn", Kind::rfft, x, o.s, o.axes, o.norm, at);
}
Array irfftn(const Array& x, const OptionsN& o, Where at) {
  return many("irfftn", Kind::irfft, x, o.s, o.axes, o.norm, at);
}

// ---- frequencies ----

namespace {

/// first, first + 1, ... below `stop`, then `behind` ... -1, each over n d.
Array frequencies(const char* name, std::int64_t n, double d, DType dtype, std::int64_t stop, std::int64_t behind,
                  Where at) {
  Call call(name, at);
  if (n < 1) fail("wants one sample or more, not " + std::to_string(n));
  if (d == 0 || !std::isfinite(d)) fail("the distance of samples is finite and not 0");
  if (!is_floating(dtype)) fail("gives a floating dtype, not " + std::string(skein::name(dtype)));
  const double unit = 1 / (static_cast<double>(n) * d);
  std::vector<double> values;
  for (std::int64_t i = 0; i < stop; ++i) values.push_back(static_cast<double>(i) * unit);
  for (std::int64_t i = behind; i < 0; ++i) values.push_back(static_cast<double>(i) * unit);
  Array result = from_data(values, {static_cast<std::int64_t>(values.size())});
  return dtype == float64 ? result : astype(result, dtype);
}

Array rolled(const char* name, const Array& x, const ShiftOptions& o, Where at, bool back) {
  Call call(name, at);
  const List axes = axes_in(x, o.axes);
  if (axes.empty()) return x;
  return staged(name, {x}, Key(axes), [&](In in) {
    Array v = in[0];
    for (std::int64_t axis : axes) {
      const std::int64_t half = length_of(v, axis) / 2;
      v = roll(v, back ? -half : half, {.axis = axis});
    }
    return v;
  });
}

}  // namespace

Array fftfreq(std::int64_t n, double d, DType dtype, Where at) {
  return frequencies("fftfreq", n, d, dtype, (n - 1) / 2 + 1, -(n / 2), at);
}
Array rfftfreq(std::int64_t n, double d, DType dtype, Where at) {
  return frequencies("rfftfreq", n, d, dtype, n / 2 + 1, 0, at);
}
Array fftshift(const Array& x, const ShiftOptions& o, Where at) { return rolled("fftshift", x, o, at, false); }
Array ifftshift(const Array& x, const ShiftOptions& o, Where at) { return rolled("ifftshift", x, o, at, true); }

}  // namespace skein::fft
