#pragma once
// Discrete Fourier transforms, with the names, defaults and meaning of numpy.fft.
//
// float64 and complex128 are transformed in that precision, everything else in float32: bool and integers of any width
// become float32 or complex64. Sizes that are asked for crop the array at its end or pad it with zeros there. All have
// derivatives, work on batches (vmap) and inside shard_map, where each device transforms what it has.

#include <skein/ops.h>

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace skein::fft {

/// One size for each axis: {8, 6}; -1 stands for the array's own. none: all are the array's own.
class Sizes {
 public:
  Sizes() = default;
  Sizes(NoneType) {}
  Sizes(std::initializer_list<std::int64_t> sizes) : sizes_(sizes), given_(true) {}
  Sizes(const std::vector<std::int64_t>& sizes) : sizes_(sizes), given_(true) {}
  Sizes(const Shape& sizes) : sizes_(sizes.begin(), sizes.end()), given_(true) {}
  bool given() const { return given_; }
  const std::vector<std::int64_t>& sizes() const { return sizes_; }

 private:
  std::vector<std::int64_t> sizes_;
  bool given_ = false;
};

// `norm`, of n numbers in all: "backward": the inverse transform is divided by n; "forward": the other one is; "ortho":
// both are divided by sqrt(n).

struct Options {
  std::optional<std::int64_t> n = {};  // the length of the transform; of real results that of the result
  int axis = -1;
  std::string_view norm = "backward";
};
struct Options2 {
  Sizes s = {};
  AxisList axes = {-2, -1};
  std::string_view norm = "backward";
};
struct OptionsN {
  Sizes s = {};
  AxisList axes = {};  // all, or where sizes are given, as many of the last ones
  std::string_view norm = "backward";
};

// Throw UserError for an axis that is not there or named twice, for a length below 1, and for another `norm`.

/// sum over j of x[j] exp(-2 pi i j k / n): complex64 or complex128.
SKEIN_API Array fft(const Array&, const Options& = {}, SKEIN_WHERE);
/// The inverse: sum over k of x[k] exp(2 pi i j k / n), divided by n.
SKEIN_API Array ifft(const Array&, const Options& = {}, SKEIN_WHERE);
/// The first n / 2 + 1 numbers of the transform of real numbers, of which the others are conjugates. UserError for
/// complex ones.
SKEIN_API Array rfft(const Array&, const Options& = {}, SKEIN_WHERE);
/// The inverse of rfft: real numbers. n is 2 (m - 1) for m numbers unless given: what an odd one was must be said.
SKEIN_API Array irfft(const Array&, const Options& = {}, SKEIN_WHERE);
/// The transform, real, of n numbers that are conjugate to each other around the middle, given the first n / 2 + 1.
SKEIN_API Array hfft(const Array&, const Options& = {}, SKEIN_WHERE);
/// The inverse of hfft. UserError for complex numbers.
SKEIN_API Array ihfft(const Array&, const Options& = {}, SKEIN_WHERE);

/// Over two axes; the real transforms halve the last one named.
SKEIN_API Array fft2(const Array&, const Options2& = {}, SKEIN_WHERE);
SKEIN_API Array ifft2(const Array&, const Options2& = {}, SKEIN_WHERE);
SKEIN_API Array rfft2(const Array&, const Options2& = {}, SKEIN_WHERE);
SKEIN_API Array irfft2(const Array&, const Options2& = {}, SKEIN_WHERE);
/// Over any number of axes.
SKEIN_API Array fftn(const Array&, const OptionsN& = {}, SKEIN_WHERE);
SKEIN_API Array ifftn(const Array&, const OptionsN& = {}, SKEIN_WHERE);
SKEIN_API Array rfftn(const Array&, const OptionsN& = {}, SKEIN_WHERE);
SKEIN_API Array irfftn(const Array&, const OptionsN& = {}, SKEIN_WHERE);

/// The frequencies of fft's results for samples that are `d` apart, in cycles per unit of d: 0, 1, ..., -2, -1 over
/// n d. UserError unless n is positive, d is not 0 and the dtype is a floating one.
SKEIN_API Array fftfreq(std::int64_t n, double d = 1, DType = float32, SKEIN_WHERE);
/// Those of rfft's: 0, 1, ..., n / 2 over n d.
SKEIN_API Array rfftfreq(std::int64_t n, double d = 1, DType = float32, SKEIN_WHERE);
struct ShiftOptions {
  AxisList axes = {};
};
/// Frequency 0 moved to the middle of the named axes, or of all.
SKEIN_API Array fftshift(const Array&, const ShiftOptions& = {}, SKEIN_WHERE);
/// The inverse of fftshift, which differs from it for odd sizes.
SKEIN_API Array ifftshift(const Array&, const ShiftOptions& = {}, SKEIN_WHERE);

}  // namespace skein::fft
