// The fft family: sums over the roots of unity, one dimension after another.
#include <numbers>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

/// Along one dimension of `sizes`: each element the sum over k of element k times exp(sign 2 pi i j k / n).
static void transformAlong(std::vector<Complex>& data, const Index& sizes, std::size_t dim, double sign) {
  const std::int64_t n = sizes[dim];
  std::int64_t inner = 1;
  for (std::size_t d = dim + 1; d < sizes.size(); ++d) inner *= sizes[d];
  std::vector<Complex> roots(static_cast<std::size_t>(n)), row(roots.size());
  for (std::int64_t k = 0; k < n; ++k) roots[k] = std::polar(1.0, sign * 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  const auto count = static_cast<std::int64_t>(data.size());
  for (std::int64_t block = 0; block < count; block += n * inner)
    for (std::int64_t i = block; i < block + inner; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double real = 0, imag = 0;  // a product of complex numbers, without what C++ does about infinities
        for (std::int64_t k = 0, root = 0; k < n; ++k, root = (root + j) % n) {
          const Complex x = data[i + k * inner], w = roots[root];
          real += x.real() * w.real() - x.imag() * w.imag();
          imag += x.real() * w.imag() + x.imag() * w.real();
        }
        row[j] = {real, imag};
      }
      for (std::int64_t j = 0; j < n; ++j) data[i + j * inner] = row[j];
    }
}

static Results evaluateFft(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray& operand = *operands[0];
  auto fft = llvm::cast<ir::FftOp>(op);
  const std::string kind = fft.getKind().str();
  const auto lengths = fft.getLengths();
  const bool real = kind == "rfft", toReal = kind == "irfft", inverse = kind == "ifft" || toReal;
  if (result.volume() == 0) return {result};
  std::vector<Complex> data(static_cast<std::size_t>(operand.volume()));
  for (std::int64_t i = 0; i < operand.volume(); ++i) data[i] = real ? Complex(loadReal(operand, i)) : loadComplex(operand, i);

  Index sizes = operand.shape;
  const std::size_t first = sizes.size() - lengths.size(), last = sizes.size() - 1;
  const double sign = inverse ? 1 : -1;
  for (std::size_t dim = first; dim < last; ++dim) transformAlong(data, sizes, dim, sign);
  const std::int64_t n = lengths.back(), half = n / 2 + 1;
  if (toReal) {
    // The other half are the conjugates; numbers that are their own conjugates are real.
    std::vector<Complex> whole(data.size() / static_cast<std::size_t>(half) * static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(whole.size()); ++i) {
      const std::int64_t row = i / n, k = i % n;
      const Complex value = k < half ? data[row * half + k] : std::conj(data[row * half + n - k]);
      whole[i] = k == 0 || 2 * k == n ? Complex(value.real()) : value;
    }
    data = std::move(whole);
    sizes[last] = n;
  }
  transformAlong(data, sizes, last, sign);
  double scale = 1;
  if (inverse)
    for (std::int64_t length : lengths) scale /= static_cast<double>(length);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    const Complex value = data[real ? i / half * n + i % half : i];
    if (toReal)
      store(result, i, value.real() * scale);
    else
      store(result, i, Complex(value.real() * scale, value.imag() * scale));
  }
  return {result};
}

void addFft(Meanings& meanings) { define<ir::FftOp>(meanings, evaluateFft); }

}  // namespace skein::compiler::interp
