// The elementwise family: tables of closed forms over widened elements.
#include <limits>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"
#include "compiler/interp/special_functions.h"

namespace skein::compiler::interp {

template <class Function>
using Table = llvm::StringMap<Function>;

// ---- real numbers ----

static Real signOf(Real x) { return x > 0 ? 1 : x < 0 ? -1 : x; }  // zeros keep their sign, NaN stays
static Real maximum(Real x, Real y) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<Real>::quiet_NaN();
  if (x == y) return std::signbit(x) ? y : x;  // 0 is greater than -0
  return x > y ? x : y;
}
static Real minimum(Real x, Real y) { return -maximum(-x, -y); }

static const Table<Real (*)(Real)>& realUnary() {
  static const Table<Real (*)(Real)> table = {
      {"neg", [](Real x) { return -x; }},
      {"abs", [](Real x) { return std::fabs(x); }},
      {"sign", signOf},
      {"exp", [](Real x) { return std::exp(x); }},
      {"exp2", [](Real x) { return std::exp2(x); }},
      {"expm1", [](Real x) { return std::expm1(x); }},
      {"log", [](Real x) { return std::log(x); }},
      {"log2", [](Real x) { return std::log2(x); }},
      {"log10", [](Real x) { return std::log10(x); }},
      {"log1p", [](Real x) { return std::log1p(x); }},
      {"sqrt", [](Real x) { return std::sqrt(x); }},
      {"rsqrt", [](Real x) { return 1 / std::sqrt(x); }},
      {"cbrt", [](Real x) { return std::cbrt(x); }},
      {"sin", [](Real x) { return std::sin(x); }},
      {"cos", [](Real x) { return std::cos(x); }},
      {"tan", [](Real x) { return std::tan(x); }},
      {"asin", [](Real x) { return std::asin(x); }},
      {"acos", [](Real x) { return std::acos(x); }},
      {"atan", [](Real x) { return std::atan(x); }},
      {"sinh", [](Real x) { return std::sinh(x); }},
      {"cosh", [](Real x) { return std::cosh(x); }},
      {"tanh", [](Real x) { return std::tanh(x); }},
      {"asinh", [](Real x) { return std::asinh(x); }},
      {"acosh", [](Real x) { return std::acosh(x); }},
      {"atanh", [](Real x) { return std::atanh(x); }},
      {"erf", [](Real x) { return std::erf(x); }},
      {"erfc", [](Real x) { return std::erfc(x); }},
      {"erf_inv", inverseErf},
      {"lgamma", [](Real x) { return std::lgamma(x); }},
      {"digamma", digamma},
      {"logistic", [](Real x) { return 1 / (1 + std::exp(-x)); }},
      {"floor", [](Real x) { return std::floor(x); }},
      {"ceil", [](Real x) { return std::ceil(x); }},
      {"trunc", [](Real x) { return std::trunc(x); }},
      {"round", [](Real x) { return std::round(x); }},
      {"round_even", [](Real x) { return std::nearbyint(x); }},
  };
  return table;
}

static const Table<Real (*)(Real, Real)>& realBinary() {
  static const Table<Real (*)(Real, Real)> table = {
      {"add", [](Real x, Real y) { return x + y; }},
      {"sub", [](Real x, Real y) { return x - y; }},
      {"mul", [](Real x, Real y) { return x * y; }},
      {"div", [](Real x, Real y) { return x / y; }},
      {"rem", [](Real x, Real y) { return std::fmod(x, y); }},
      {"pow", [](Real x, Real y) { return std::pow(x, y); }},
      {"atan2", [](Real x, Real y) { return std::atan2(x, y); }},
      {"maximum", maximum},
      {"minimum", minimum},
      {"copysign", [](Real x, Real y) { return std::copysign(x, y); }},
  };
  return table;
}

static const Table<bool (*)(Real, Real)>& realCompare() {
  static const Table<bool (*)(Real, Real)> table = {
      {"eq", [](Real x, Real y) { return x == y; }}, {"ne", [](Real x, Real y) { return x != y; }},
      {"lt", [](Real x, Real y) { return x < y; }},  {"le", [](Real x, Real y) { return x <= y; }},
      {"gt", [](Real x, Real y) { return x > y; }},  {"ge", [](Real x, Real y) { return x >= y; }},
  };
  return table;
}

// ---- complex numbers ----

static Complex complexExpm1(Complex z) {
  // exp(z) - 1 without cancellation near 0.
  Real x = z.real(), y = z.imag(), half = std::sin(y / 2);
  return {std::expm1(x) * std::cos(y) - 2 * half * half, std::exp(x) * std::sin(y)};
}
static Complex complexLog1p(Complex z) {
  Real x = z.real(), y = z.imag();
  return {std::log1p(x * (2 + x) + y * y) / 2, std::atan2(y, 1 + x)};
}
static Complex complexPow(Complex x, Complex y) {
  if (y == Complex(0)) return 1;
  if (x != Complex(0)) return std::exp(y * std::log(x));
  if (y.imag() != 0) return Complex(std::nan(""), std::nan(""));
  return y.real() > 0 ? 0 : std::numeric_limits<Real>::infinity();
}

static const Table<Complex (*)(Complex)>& complexUnary() {
  static const Table<Complex (*)(Complex)> table = {
      {"neg", [](Complex z) { return -z; }},
      {"sign", [](Complex z) { return z == Complex(0) ? z : z / std::abs(z); }},
      {"exp", [](Complex z) { return std::exp(z); }},
      {"expm1", complexExpm1},
      {"log", [](Complex z) { return std::log(z); }},
      {"log1p", complexLog1p},
      {"sqrt", [](Complex z) { return std::sqrt(z); }},
      {"rsqrt", [](Complex z) { return 1.0 / std::sqrt(z); }},
      {"sin", [](Complex z) { return std::sin(z); }},
      {"cos", [](Complex z) { return std::cos(z); }},
      {"tan", [](Complex z) { return std::tan(z); }},
      {"sinh", [](Complex z) { return std::sinh(z); }},
      {"cosh", [](Complex z) { return std::cosh(z); }},
      {"tanh", [](Complex z) { return std::tanh(z); }},
      {"logistic", [](Complex z) { return 1.0 / (1.0 + std::exp(-z)); }},
      {"conj", [](Complex z) { return std::conj(z); }},
  };
  return table;
}
static const Table<Real (*)(Complex)>& complexToReal() {
  static const Table<Real (*)(Complex)> table = {
      {"abs", [](Complex z) { return std::abs(z); }},
      {"real", [](Complex z) { return z.real(); }},
      {"imag", [](Complex z) { return z.imag(); }},
  };
  return table;
}
static const Table<Complex (*)(Complex, Complex)>& complexBinary() {
  static const Table<Complex (*)(Complex, Complex)> table = {
      {"add", [](Complex x, Complex y) { return x + y; }},
      {"sub", [](Complex x, Complex y) { return x - y; }},
      {"mul", [](Complex x, Complex y) { return x * y; }},
      {"div", [](Complex x, Complex y) { return x / y; }},
      {"pow", complexPow},
  };
  return table;
}

// ---- integers, and bools as integers of one bit; results are cut to the width when they are stored ----

static Integer power(Integer x, Integer y, IntegerKind kind) {
  if (kind.isSigned && y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;  // 1 / x^-y, towards zero; of 0 too
  std::uint64_t result = 1, square = static_cast<std::uint64_t>(x);
  for (std::uint64_t rest = kind.bits(y); rest; rest >>= 1, square *= square)
    if (rest & 1) result *= square;
  return static_cast<Integer>(result);
}
static Integer divide(Integer x, Integer y, IntegerKind kind) {
  if (y == 0) return -1;  // all ones
  if (!kind.isSigned) return static_cast<Integer>(static_cast<std::uint64_t>(x) / static_cast<std::uint64_t>(y));
  return y == -1 ? static_cast<Integer>(-static_cast<std::uint64_t>(x))
                 : x / y;  // the least divided by -1 wraps to itself
}
static Integer remainder(Integer x, Integer y, IntegerKind kind) {
  if (y == 0) return x;
  if (!kind.isSigned) return static_cast<Integer>(static_cast<std::uint64_t>(x) % static_cast<std::uint64_t>(y));
  return y == -1 ? 0 : x % y;
}
/// Shifts by the width or more, and by what is negative, move all bits out.
static bool shiftsOut(Integer by, IntegerKind kind) { return kind.bits(by) >= static_cast<std::uint64_t>(kind.width); }

static const Table<Integer (*)(Integer, IntegerKind)>& integerUnary() {
  static const Table<Integer (*)(Integer, IntegerKind)> table = {
      {"neg", [](Integer x, IntegerKind) { return static_cast<Integer>(-static_cast<std::uint64_t>(x)); }},
      {"abs",
       [](Integer x, IntegerKind k) {
         return k.isSigned && x < 0 ? static_cast<Integer>(-static_cast<std::uint64_t>(x)) : x;
       }},
      {"sign", [](Integer x, IntegerKind k) { return Integer(x == 0         ? 0
                                                             : k.less(x, 0) ? -1
                                                                            : 1); }},
      {"not", [](Integer x, IntegerKind) { return ~x; }},
      {"popcnt", [](Integer x, IntegerKind k) { return Integer(std::popcount(k.bits(x))); }},
      {"clz", [](Integer x, IntegerKind k) { return Integer(std::countl_zero(k.bits(x)) - (64 - k.width)); }},
  };
  return table;
}

static const Table<Integer (*)(Integer, Integer, IntegerKind)>& integerBinary() {
  using U = std::uint64_t;
  static const Table<Integer (*)(Integer, Integer, IntegerKind)> table = {
      {"add",
       [](Integer x, Integer y, IntegerKind k) { return k.isBool() ? x | y : static_cast<Integer>(U(x) + U(y)); }},
      {"sub", [](Integer x, Integer y, IntegerKind) { return static_cast<Integer>(U(x) - U(y)); }},
      {"mul", [](Integer x, Integer y, IntegerKind) { return static_cast<Integer>(U(x) * U(y)); }},
      {"div", divide},
      {"rem", remainder},
      {"pow", power},
      {"maximum", [](Integer x, Integer y, IntegerKind k) { return k.less(x, y) ? y : x; }},
      {"minimum", [](Integer x, Integer y, IntegerKind k) { return k.less(y, x) ? y : x; }},
      {"and", [](Integer x, Integer y, IntegerKind) { return x & y; }},
      {"or", [](Integer x, Integer y, IntegerKind) { return x | y; }},
      {"xor", [](Integer x, Integer y, IntegerKind) { return x ^ y; }},
      {"shl",
       [](Integer x, Integer y, IntegerKind k) { return shiftsOut(y, k) ? 0 : static_cast<Integer>(U(x) << y); }},
      {"shr_logical",
       [](Integer x, Integer y, IntegerKind k) { return shiftsOut(y, k) ? 0 : static_cast<Integer>(k.bits(x) >> y); }},
      {"shr_arithmetic",
       [](Integer x, Integer y, IntegerKind k) {
         Integer extended =
             static_cast<Integer>(k.bits(x) << (64 - k.width)) >> (64 - k.width);  // of unsigned ones too
         return extended >> (shiftsOut(y, k) ? 63 : y);
       }},
  };
  return table;
}

static const Table<bool (*)(Integer, Integer, IntegerKind)>& integerCompare() {
  static const Table<bool (*)(Integer, Integer, IntegerKind)> table = {
      {"eq", [](Integer x, Integer y, IntegerKind) { return x == y; }},
      {"ne", [](Integer x, Integer y, IntegerKind) { return x != y; }},
      {"lt", [](Integer x, Integer y, IntegerKind k) { return k.less(x, y); }},
      {"le", [](Integer x, Integer y, IntegerKind k) { return !k.less(y, x); }},
      {"gt", [](Integer x, Integer y, IntegerKind k) { return k.less(y, x); }},
      {"ge", [](Integer x, Integer y, IntegerKind k) { return !k.less(x, y); }},
  };
  return table;
}

// ---- ops ----

template <class T, class Function, class... Extra>
static void apply(HostArray& result, Operands operands, Function function, Extra... extra) {
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    if constexpr (std::is_invocable_v<Function, T, T, Extra...>)
      store(result, i, function(load<T>(*operands[0], i), load<T>(*operands[1], i), extra...));
    else
      store(result, i, function(load<T>(*operands[0], i), extra...));
  }
}

static Results evaluateTable(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  DType dtype = operands[0]->dtype;
  llvm::StringRef name = op->getName().stripDialect();
  // Looks the op up in the table; applies it where the table has it.
  auto tried = [&](const auto& table, auto zero, auto... extra) {
    auto found = table.find(name);
    if (found == table.end()) return false;
    apply<decltype(zero)>(result, operands, found->second, extra...);
    return true;
  };
  bool done;
  if (is_complex(dtype)) {
    done = tried(complexUnary(), Complex()) || tried(complexToReal(), Complex()) || tried(complexBinary(), Complex());
  } else if (is_floating(dtype)) {
    done = tried(realUnary(), Real()) || tried(realBinary(), Real()) || tried(realCompare(), Real());
  } else {
    IntegerKind kind = kindOf(dtype);
    done = tried(integerUnary(), Integer(), kind) || tried(integerBinary(), Integer(), kind) ||
           tried(integerCompare(), Integer(), kind);
  }
  if (!done) throwInternalError(op, "the interpreter has no meaning for this op on " + std::string(skein::name(dtype)));
  return {result};
}

static Results evaluateEquality(mlir::Operation* op, Operands operands) {
  if (!is_complex(operands[0]->dtype)) return evaluateTable(op, operands);
  HostArray result = emptyResult(op);
  bool wanted = llvm::isa<ir::EqOp>(op);
  for (std::int64_t i = 0; i < result.volume(); ++i)
    store(result, i, (loadComplex(*operands[0], i) == loadComplex(*operands[1], i)) == wanted);
  return {result};
}

static Results evaluateIsFinite(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    Complex z = loadComplex(*operands[0], i);
    store(result, i, std::isfinite(z.real()) && std::isfinite(z.imag()));
  }
  return {result};
}

static Results evaluateComplex(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  for (std::int64_t i = 0; i < result.volume(); ++i)
    store(result, i, Complex(loadReal(*operands[0], i), loadReal(*operands[1], i)));
  return {result};
}

/// The next number of a small format towards `to`: its bits count up with the magnitude.
static std::uint16_t nextBits(SmallFloat format, std::uint16_t bits, std::uint16_t to) {
  double x = format.decode(bits), y = format.decode(to);
  if (std::isnan(x) || std::isnan(y)) return format.encode(std::nan(""));
  if (x == y) return to;
  if (x == 0) return static_cast<std::uint16_t>((to & 0x8000) | 1);
  return static_cast<std::uint16_t>((x < y) == (x > 0) ? bits + 1 : bits - 1);
}
static Results evaluateNextafter(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    auto small = [&](SmallFloat format) {
      setElement(result, i,
                 nextBits(format, element<std::uint16_t>(*operands[0], i), element<std::uint16_t>(*operands[1], i)));
    };
    switch (result.dtype) {
      case DType::float16:
        small(float16Format);
        break;
      case DType::bfloat16:
        small(bfloat16Format);
        break;
      case DType::float32:
        setElement(result, i, std::nextafter(element<float>(*operands[0], i), element<float>(*operands[1], i)));
        break;
      default:
        setElement(result, i, std::nextafter(element<double>(*operands[0], i), element<double>(*operands[1], i)));
    }
  }
  return {result};
}

static Results evaluateClamp(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray &low = *operands[0], &operand = *operands[1], &high = *operands[2];
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    if (is_floating(result.dtype)) {
      store(result, i, minimum(maximum(loadReal(operand, i), loadReal(low, i)), loadReal(high, i)));
    } else {
      IntegerKind kind = kindOf(result.dtype);
      Integer value = loadInteger(operand, i);
      if (kind.less(value, loadInteger(low, i))) value = loadInteger(low, i);
      if (kind.less(loadInteger(high, i), value)) value = loadInteger(high, i);
      store(result, i, value);
    }
  }
  return {result};
}

static Results evaluateFma(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    Real a = loadReal(*operands[0], i), b = loadReal(*operands[1], i), c = loadReal(*operands[2], i);
    // In the dtype itself: a sum rounded to double and again to float is not rounded once.
    if (result.dtype == DType::float64)
      store(result, i, std::fma(a, b, c));
    else
      store(result, i,
            static_cast<Real>(std::fma(static_cast<float>(a), static_cast<float>(b), static_cast<float>(c))));
  }
  return {result};
}

static Results evaluateSelect(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  for (std::int64_t i = 0; i < result.volume(); ++i)
    copyElement(result, i, *operands[loadInteger(*operands[0], i) ? 1 : 2], i);
  return {result};
}

/// Towards zero, beyond the range its end, NaN 0.
static Integer saturate(Real value, IntegerKind kind) {
  if (std::isnan(value)) return 0;
  if (value >= std::ldexp(1.0, kind.width - (kind.isSigned ? 1 : 0))) return kind.most();
  if (value <= (kind.isSigned ? -std::ldexp(1.0, kind.width - 1) : 0.0)) return kind.least();
  return kind.isSigned ? static_cast<Integer>(value) : static_cast<Integer>(static_cast<std::uint64_t>(value));
}

static Results evaluateConvert(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray& from = *operands[0];
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    if (is_bool(result.dtype)) {
      store(result, i, isIntegerOrBool(from.dtype) ? loadInteger(from, i) != 0 : loadComplex(from, i) != Complex(0));
    } else if (is_integer(result.dtype)) {
      store(result, i,
            isIntegerOrBool(from.dtype) ? loadInteger(from, i) : saturate(loadReal(from, i), kindOf(result.dtype)));
    } else if (result.dtype == DType::float32 && isIntegerOrBool(from.dtype)) {
      // Not by way of double, which would round 64-bit integers twice.
      setElement(result, i,
                 from.dtype == DType::uint64 ? static_cast<float>(element<std::uint64_t>(from, i))
                                             : static_cast<float>(loadInteger(from, i)));
    } else if (is_floating(result.dtype)) {
      store(result, i, loadReal(from, i));
    } else {
      store(result, i, loadComplex(from, i));
    }
  }
  return {result};
}

static Results evaluateBitcast(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  result.data = operands[0]->data;
  return {result};
}

void addElementwise(Meanings& meanings) {
  auto addAll = [&](const auto& table) {
    for (const auto& entry : table) meanings["skein." + entry.first().str()] = {evaluateTable, nullptr};
  };
  addAll(realUnary());
  addAll(realBinary());
  addAll(realCompare());
  addAll(complexUnary());
  addAll(complexToReal());
  addAll(complexBinary());
  addAll(integerUnary());
  addAll(integerBinary());
  addAll(integerCompare());
  define<ir::EqOp>(meanings, evaluateEquality);
  define<ir::NeOp>(meanings, evaluateEquality);
  define<ir::IsFiniteOp>(meanings, evaluateIsFinite);
  define<ir::ComplexOp>(meanings, evaluateComplex);
  define<ir::NextafterOp>(meanings, evaluateNextafter);
  define<ir::ClampOp>(meanings, evaluateClamp);
  define<ir::FmaOp>(meanings, evaluateFma);
  define<ir::SelectOp>(meanings, evaluateSelect);
  define<ir::ConvertOp>(meanings, evaluateConvert);
  define<ir::BitcastOp>(meanings, evaluateBitcast);
}

}  // namespace skein::compiler::interp
