#include "tests/differential/perturb.h"

#include <cmath>

#include "compiler/interp/number.h"
#include "dialects/skein/dialect.h"

namespace skein::compiler::test {

using interp::Complex;
using interp::loadComplex;
using interp::loadReal;
using interp::Real;

/// From -1 to 1, a function of its arguments alone (SplitMix64's finaliser).
static double noise(std::uint64_t seed, std::uint64_t salt, double value) {
  std::uint64_t x = seed * 0x9e3779b97f4a7c15u ^ salt ^ std::bit_cast<std::uint64_t>(value);
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return static_cast<double>((x ^ x >> 31) >> 11) * 0x1p-52 - 1;
}

static double epsilonOf(DType dtype) {
  switch (real_dtype(dtype)) {
    case DType::float16:
      return 0x1p-10;
    case DType::bfloat16:
      return 0x1p-7;
    case DType::float32:
      return 0x1p-23;
    default:
      return 0x1p-52;
  }
}

/// The distance to the next number, at least that of the least normal ones.
static double ulpOf(DType dtype, double value) {
  double least = real_dtype(dtype) == float64 ? 0x1p-1022 : dtype == float16 ? 0x1p-14 : 0x1p-126;
  return std::max(std::fabs(value), least) * epsilonOf(dtype);
}

/// Whether a sum of these terms is exact in any order: all are multiples of a unit of which the dtype can count the
/// total.
class ExactSum {
 public:
  void add(double term) {
    if (term == 0) return;
    if (!std::isfinite(term)) return;  // infinities and NaN do not round
    int exponent;
    double fraction = std::frexp(std::fabs(term), &exponent);
    auto digits = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
    unit_ = std::min(unit_, exponent - 53 + std::countr_zero(digits));
    total_ += std::fabs(term);
  }
  bool holds(DType dtype) const { return total_ == 0 || total_ * epsilonOf(dtype) < 2 * std::ldexp(1.0, unit_); }
  double total() const { return total_; }

 private:
  int unit_ = 5000;
  double total_ = 0;
};

static void move(HostArray& array, std::int64_t i, std::uint64_t seed, std::uint64_t salt, double distance) {
  if (is_complex(array.dtype)) {
    Complex z = loadComplex(array, i);
    if (std::isfinite(std::abs(z)))
      interp::store(array, i,
                    Complex(z.real() + distance * noise(seed, salt, z.real()),
                            z.imag() + distance * noise(seed, salt + 1, z.imag())));
  } else if (Real x = loadReal(array, i); std::isfinite(x)) {
    interp::store(array, i, x + distance * noise(seed, salt, x));
  }
}

/// Whether the rounded result of one arithmetic op is the exact one.
static bool isExact(llvm::StringRef name, llvm::ArrayRef<const HostArray*> operands, std::int64_t i, Real result) {
  auto x = [&](int operand) { return loadReal(*operands[operand], i); };
  if (result == 0 || !std::isfinite(result)) return true;
  using Wide = long double;
  if (name == "add") return Wide(x(0)) + x(1) == result && Wide(x(0)) + x(1) - x(0) == x(1);
  if (name == "sub") return Wide(x(0)) - x(1) == result && Wide(x(0)) - x(1) - x(0) == -x(1);
  if (name == "mul") return std::fma(x(0), x(1), -result) == 0;
  if (name == "div") return std::fma(result, x(1), -x(0)) == 0;
  if (name == "sqrt") return std::fma(result, result, -x(0)) == 0;
  return false;
}

static void perturbArithmetic(std::uint64_t seed, std::uint64_t salt, llvm::StringRef name,
                              llvm::ArrayRef<const HostArray*> operands, HostArray& result) {
  bool rounded = llvm::is_contained({"add", "sub", "mul", "div", "sqrt", "fma"}, name),
       complex = is_complex(operands[0]->dtype);
  bool sum = name == "add" || name == "sub";
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    if (rounded && !complex && isExact(name, operands, i, loadReal(result, i))) continue;
    double size = is_complex(result.dtype) ? std::abs(loadComplex(result, i)) : loadReal(result, i);
    if (complex && sum) {
      Complex exact = loadComplex(*operands[0], i) + (name == "add" ? 1.0 : -1.0) * loadComplex(*operands[1], i);
      if (exact == loadComplex(result, i)) continue;
    }
    if (complex && name == "mul") {  // parts may cancel: exact where products and sums are
      Complex x = loadComplex(*operands[0], i), y = loadComplex(*operands[1], i);
      ExactSum re, im;
      re.add(x.real() * y.real()), re.add(x.imag() * y.imag()), im.add(x.real() * y.imag()),
          im.add(x.imag() * y.real());
      if (re.holds(result.dtype) && im.holds(result.dtype)) continue;
      size = std::abs(x) * std::abs(y);
    }
    if (name == "fma") {
      double product = loadReal(*operands[0], i) * loadReal(*operands[1], i);
      ExactSum terms;
      terms.add(product), terms.add(loadReal(*operands[2], i));
      if (terms.holds(result.dtype)) continue;
    }
    // Elementary functions: 4 ULP; of 16-bit floats they are computed in float32 and rounded.
    double ulps = rounded && !complex ? 1 : itemsize(real_dtype(result.dtype)) == 2 ? 1.5 : 6;
    move(result, i, seed, salt, ulps * ulpOf(result.dtype, size));
  }
}

/// Sums and products over dimensions, by what they are made of.
static void perturbReduction(std::uint64_t seed, std::uint64_t salt, mlir::Operation* op, const HostArray& operand,
                             HostArray& result, const HostArray* mean) {
  auto dims = op->getAttrOfType<mlir::DenseI64ArrayAttr>("dims").asArrayRef();
  std::vector<ExactSum> sums(result.volume()), imaginary(result.volume());
  std::vector<double> greatest(result.volume(), 0), deviations(result.volume(), 0);
  std::vector<std::int64_t> index(operand.shape.size(), 0);
  std::int64_t count = 0;
  for (std::int64_t at = 0; at < operand.volume(); ++at) {
    std::int64_t rest = at, to = 0, scale = 1;
    for (std::size_t dim = operand.shape.size(); dim-- > 0; rest /= operand.shape[dim])
      if (!llvm::is_contained(dims, static_cast<std::int64_t>(dim)))
        to += rest % operand.shape[dim] * scale, scale *= operand.shape[dim];
    Complex x = loadComplex(operand, at);
    sums[to].add(x.real());
    imaginary[to].add(x.imag());
    greatest[to] = std::max(greatest[to], std::abs(x));
    if (mean) deviations[to] += std::fabs(x.real() - loadReal(*mean, to));
  }
  if (result.volume() > 0) count = operand.volume() / result.volume();
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    double size = is_complex(result.dtype) ? std::abs(loadComplex(result, i)) : std::fabs(loadReal(result, i));
    double epsilon = epsilonOf(result.dtype);
    if (llvm::isa<ir::ReduceProdOp>(op)) {
      if (count > 1) move(result, i, seed, salt, static_cast<double>(count) * ulpOf(result.dtype, size));
    } else if (mean) {  // m2
      move(result, i, seed, salt, 4 * epsilon * (size + 2 * deviations[i] * greatest[i]));
    } else {
      bool exact = sums[i].holds(result.dtype) && imaginary[i].holds(result.dtype) && !llvm::isa<ir::MomentsOp>(op);
      double total = sums[i].total() + imaginary[i].total();
      if (llvm::isa<ir::MomentsOp>(op) && count > 0) total /= static_cast<double>(count);
      if (!exact) move(result, i, seed, salt, 2 * epsilon * total);
    }
  }
}

static void perturbDot(std::uint64_t seed, std::uint64_t salt, llvm::ArrayRef<const HostArray*> operands,
                       HostArray& result) {
  // Of all pairs of elements: a bound that does not need the dimensions.
  double greatest = 0, count = 1;
  ExactSum all;
  for (const HostArray* operand : operands) {
    double most = 0;
    for (std::int64_t i = 0; i < operand->volume(); ++i) {
      double size = std::abs(loadComplex(*operand, i));
      if (std::isfinite(size)) most = std::max(most, size);
      all.add(loadComplex(*operand, i).real());
      all.add(loadComplex(*operand, i).imag());
    }
    greatest = greatest == 0 ? most : greatest * most;
    count = std::max(count, static_cast<double>(operand->volume()));
  }
  // Short numbers, whose products' sums are exact.
  if (all.holds(itemsize(real_dtype(result.dtype)) == 8 ? float32 : bfloat16) &&
      greatest * count < 1 / epsilonOf(result.dtype) / 64)
    return;
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    double size = is_complex(result.dtype) ? std::abs(loadComplex(result, i)) : std::fabs(loadReal(result, i));
    move(result, i, seed, salt, 2 * epsilonOf(result.dtype) * std::max(size, greatest));
  }
}

/// Factors of well conditioned matrices and transforms: each element errs by as much as the greatest may; what is no more
/// than that is 0 in every second run.
static void perturbAlgebra(std::uint64_t seed, std::uint64_t salt, HostArray& result) {
  double greatest = 0;
  for (std::int64_t i = 0; i < result.volume(); ++i)
    if (double size = std::abs(loadComplex(result, i)); std::isfinite(size)) greatest = std::max(greatest, size);
  const double error = 64 * ulpOf(result.dtype, greatest);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    const Complex z = loadComplex(result, i);
    auto part = [&](std::uint64_t which, double x) {
      if (!std::isfinite(x)) return x;
      bool vanishes = std::fabs(x) <= error && seed % 2;
      return vanishes ? 0 : x + error * noise(seed, salt + which, x);
    };
    if (is_complex(result.dtype))
      interp::store(result, i, Complex(part(0, z.real()), part(1, z.imag())));
    else
      interp::store(result, i, part(0, z.real()));
  }
}

void perturb(std::uint64_t seed, mlir::Operation* op, llvm::ArrayRef<const HostArray*> operands,
             llvm::MutableArrayRef<HostArray> results) {
  if (operands.empty() || results.empty()) return;
  DType dtype = results[0].dtype;
  if (!is_floating(dtype) && !is_complex(dtype)) return;
  llvm::StringRef name = op->getName().stripDialect();
  std::uint64_t salt = llvm::hash_value(name) & 0;  // names' hashes differ from run to run
  for (char c : name) salt = salt * 131 + static_cast<unsigned char>(c);
  if (llvm::isa<ir::ReduceSumOp, ir::ReduceProdOp>(op))
    return perturbReduction(seed, salt, op, *operands[0], results[0], nullptr);
  if (llvm::isa<ir::MomentsOp>(op)) {
    HostArray mean = results[0];
    perturbReduction(seed, salt, op, *operands[0], results[0], nullptr);
    return perturbReduction(seed, salt + 2, op, *operands[0], results[1], &mean);
  }
  if (llvm::isa<ir::DotGeneralOp>(op)) return perturbDot(seed, salt, operands, results[0]);
  if (llvm::isa<ir::PsumOp, ir::PsumScatterOp>(op)) {
    for (std::int64_t i = 0; i < results[0].volume(); ++i) {
      ExactSum real, imaginary;
      for (const HostArray* array : operands)
        real.add(loadComplex(*array, i).real()), imaginary.add(loadComplex(*array, i).imag());
      if (real.holds(dtype) && imaginary.holds(dtype)) continue;
      move(results[0], i, seed, salt, 2 * epsilonOf(dtype) * (real.total() + imaginary.total()));
    }
    return;
  }
  if (llvm::isa<ir::ConvertOp>(op)) {
    // 16-bit floats may be rounded twice, by way of float32.
    if (itemsize(dtype) == 2 && itemsize(operands[0]->dtype) > 4)
      for (std::int64_t i = 0; i < results[0].volume(); ++i)
        if (loadReal(*operands[0], i) != loadReal(results[0], i))
          move(results[0], i, seed, salt, ulpOf(dtype, loadReal(results[0], i)));
    return;
  }
  if (llvm::isa<ir::FftOp, ir::CholeskyOp, ir::TriangularSolveOp, ir::LuOp, ir::QrOp, ir::EighOp, ir::SvdOp, ir::SvdvalsOp, ir::EigOp, ir::EigvalsOp>(op)) {
    for (HostArray& result : results)
      if (is_floating(result.dtype) || is_complex(result.dtype)) perturbAlgebra(seed, salt++, result);
    return;
  }
  bool exact = llvm::is_contained(
                   {"neg", "sign", "floor", "ceil", "trunc", "round", "round_even", "real", "imag", "conj", "maximum",
                    "minimum", "nextafter", "copysign", "clamp", "select", "bitcast", "complex", "rem"},
                   name) ||
               (name == "abs" && !is_complex(operands[0]->dtype)) || (name == "sign" && !is_complex(dtype));
  if (name == "sign" && is_complex(dtype)) exact = false;
  if (op->hasTrait<ir::OpTrait::Elementwise>() && !exact) perturbArithmetic(seed, salt, name, operands, results[0]);
}

}  // namespace skein::compiler::test
