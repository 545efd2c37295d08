#include "tests/compiler/math_reference.h"

#include <mpfr.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include "compiler/interp/special_functions.h"

namespace skein::test {

const std::vector<Reference>& references() {
  static const std::vector<Reference> all = {
      {"exp", 1, -20, 20},
      {"exp2", 1, -20, 20},
      {"expm1", 1, -4, 4},
      {"log", 1, 0.01, 100},
      {"log2", 1, 0.01, 100},
      {"log10", 1, 0.01, 100},
      {"log1p", 1, -0.9, 10},
      {"sqrt", 1, 0, 100},
      {"rsqrt", 1, 0.01, 100},
      {"cbrt", 1, -100, 100},
      {"sin", 1, -30, 30},
      {"cos", 1, -30, 30},
      {"tan", 1, -30, 30},
      {"asin", 1, -1, 1},
      {"acos", 1, -1, 1},
      {"atan", 1, -4, 4},
      {"sinh", 1, -4, 4},
      {"cosh", 1, -4, 4},
      {"tanh", 1, -4, 4},
      {"asinh", 1, -4, 4},
      {"acosh", 1, 1, 10},
      {"atanh", 1, -1, 1},
      {"erf", 1, -3, 3},
      {"erfc", 1, -3, 9},
      {"erf_inv", 1, -1, 1, 64, 1e7},
      {"erf_inv_exact", 1, -1, 1},
      {"lgamma", 1, -4, 10},
      {"digamma", 1, -4, 10},
      {"logistic", 1, -9, 9},
      {"pow", 2, 0.1, 10},
      {"atan2", 2, -4, 4},
      {"floor", 1},
      {"ceil", 1},
      {"trunc", 1},
      {"round", 1},
      {"round_even", 1},
      {"nextafter", 2},
      {"copysign", 2},
      {"fma", 3},
      {"rem", 2, -100, 100},
      {"max", 2},
      {"min", 2},
  };
  return all;
}

// ---- float32, in float64

static double logistic(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
static double roundEven(double x) { return std::nearbyint(x); }
static double maximum(double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::quiet_NaN();
  return x == y ? (std::signbit(x) ? y : x) : std::max(x, y);
}
static double minimum(double x, double y) { return -maximum(-x, -y); }

static double digamma(double argument) {
  long double x = argument, result = 0;
  if (x < 0) {
    constexpr long double pi = std::numbers::pi_v<long double>;
    result = -pi / std::tan(pi * (x - std::nearbyint(x)));
    x = 1 - x;
  }
  for (; x < 20; ++x) result -= 1 / x;
  long double s = 1 / (x * x);
  long double series =
      s * (1.0L / 12 -
           s * (1.0L / 120 - s * (1.0L / 252 - s * (1.0L / 240 - s * (1.0L / 132 - s * (691.0L / 32760 - s / 12))))));
  return double(result + std::log(x) - 1 / (2 * x) - series);
}

static double exactSingle(const std::string& name, float x, float y, float z) {
  using Unary = double (*)(double);
  static const std::map<std::string, Unary> unary = {
      {"exp", std::exp},
      {"exp2", std::exp2},
      {"expm1", std::expm1},
      {"log", std::log},
      {"log2", std::log2},
      {"log10", std::log10},
      {"log1p", std::log1p},
      {"sqrt", std::sqrt},
      {"cbrt", std::cbrt},
      {"sin", std::sin},
      {"cos", std::cos},
      {"tan", std::tan},
      {"asin", std::asin},
      {"acos", std::acos},
      {"atan", std::atan},
      {"sinh", std::sinh},
      {"cosh", std::cosh},
      {"tanh", std::tanh},
      {"asinh", std::asinh},
      {"acosh", std::acosh},
      {"atanh", std::atanh},
      {"erf", std::erf},
      {"erfc", std::erfc},
      {"floor", std::floor},
      {"ceil", std::ceil},
      {"trunc", std::trunc},
      {"round", std::round},
      {"logistic", logistic},
      {"round_even", roundEven},
      {"erf_inv", compiler::interp::inverseErf},
      {"erf_inv_exact", compiler::interp::inverseErf},
      {"digamma", digamma},
      {"rsqrt", [](double v) { return 1 / std::sqrt(v); }},
      {"lgamma", [](double v) { return std::lgamma(v); }},
  };
  static thread_local const std::string* last = nullptr;
  static thread_local Unary function = nullptr;
  if (last != &name) {
    auto found = unary.find(name);
    function = found == unary.end() ? nullptr : found->second;
    last = &name;
  }
  if (function) return function(x);
  if (name == "pow") return std::pow(double(x), double(y));
  if (name == "atan2") return std::atan2(double(x), double(y));
  if (name == "nextafter") return std::nextafter(x, y);
  if (name == "copysign") return std::copysign(x, y);
  if (name == "fma") return std::fma(x, y, z);
  if (name == "rem") return std::fmod(x, y);
  if (name == "max") return maximum(x, y);
  return minimum(x, y);
}

// ---- float64, in MPFR

namespace {
struct Mpfr {
  mpfr_t v;
  Mpfr() { mpfr_init2(v, 140); }
  explicit Mpfr(double x) : Mpfr() { mpfr_set_d(v, x, MPFR_RNDN); }
  ~Mpfr() { mpfr_clear(v); }
  Mpfr(const Mpfr&) = delete;
};
}  // namespace

// Newton's method on erf, from the guess in extended precision.
static void inverseErf(mpfr_t r, double x) {
  mpfr_set_d(r, compiler::interp::inverseErf(x), MPFR_RNDN);
  if (x == 0 || !mpfr_number_p(r)) return;
  Mpfr error, slope, pi, wanted(x);
  mpfr_const_pi(pi.v, MPFR_RNDN);
  mpfr_sqrt(pi.v, pi.v, MPFR_RNDN);
  for (int i = 0; i < 2; ++i) {
    mpfr_erf(error.v, r, MPFR_RNDN);
    mpfr_sub(error.v, error.v, wanted.v, MPFR_RNDN);
    mpfr_sqr(slope.v, r, MPFR_RNDN);
    mpfr_exp(slope.v, slope.v, MPFR_RNDN);  // 1 / slope, but for the factor
    mpfr_mul(error.v, error.v, slope.v, MPFR_RNDN);
    mpfr_mul(error.v, error.v, pi.v, MPFR_RNDN);
    mpfr_div_ui(error.v, error.v, 2, MPFR_RNDN);
    mpfr_sub(r, r, error.v, MPFR_RNDN);
  }
}

static bool exactMpfr(mpfr_t r, const std::string& name, double x, double y) {
  using Unary = int (*)(mpfr_ptr, mpfr_srcptr, mpfr_rnd_t);
  static const std::map<std::string, Unary> unary = {
      {"exp", mpfr_exp},     {"exp2", mpfr_exp2},   {"expm1", mpfr_expm1}, {"log", mpfr_log},
      {"log2", mpfr_log2},   {"log10", mpfr_log10}, {"log1p", mpfr_log1p}, {"sqrt", mpfr_sqrt},
      {"cbrt", mpfr_cbrt},   {"sin", mpfr_sin},     {"cos", mpfr_cos},     {"tan", mpfr_tan},
      {"asin", mpfr_asin},   {"acos", mpfr_acos},   {"atan", mpfr_atan},   {"sinh", mpfr_sinh},
      {"cosh", mpfr_cosh},   {"tanh", mpfr_tanh},   {"asinh", mpfr_asinh}, {"acosh", mpfr_acosh},
      {"atanh", mpfr_atanh}, {"erf", mpfr_erf},     {"erfc", mpfr_erfc},   {"digamma", mpfr_digamma},
  };
  Mpfr a(x);
  if (auto found = unary.find(name); found != unary.end()) return found->second(r, a.v, MPFR_RNDN), true;
  if (name == "lgamma") {
    int sign;
    return mpfr_lgamma(r, &sign, a.v, MPFR_RNDN), true;
  }
  if (name.starts_with("erf_inv")) return inverseErf(r, x), true;
  if (name == "rsqrt") {  // not mpfr_rec_sqrt: IEEE 754 has -infinity at -0
    mpfr_sqrt(r, a.v, MPFR_RNDN);
    return mpfr_ui_div(r, 1, r, MPFR_RNDN), true;
  }
  if (name == "logistic") {  // 1 / (1 + e^-x)
    mpfr_neg(a.v, a.v, MPFR_RNDN);
    mpfr_exp(r, a.v, MPFR_RNDN);
    mpfr_add_ui(r, r, 1, MPFR_RNDN);
    return mpfr_ui_div(r, 1, r, MPFR_RNDN), true;
  }
  Mpfr b(y);
  if (name == "pow") return mpfr_pow(r, a.v, b.v, MPFR_RNDN), true;
  if (name == "atan2") return mpfr_atan2(r, a.v, b.v, MPFR_RNDN), true;
  return false;
}

static double exactDouble(const std::string& name, double x, double y, double z) {
  if (name == "floor") return std::floor(x);
  if (name == "ceil") return std::ceil(x);
  if (name == "trunc") return std::trunc(x);
  if (name == "round") return std::round(x);
  if (name == "round_even") return roundEven(x);
  if (name == "nextafter") return std::nextafter(x, y);
  if (name == "copysign") return std::copysign(x, y);
  if (name == "fma") return std::fma(x, y, z);
  if (name == "rem") return std::fmod(x, y);
  return name == "max" ? maximum(x, y) : minimum(x, y);
}

// ---- Errors

static constexpr double wrong = std::numeric_limits<double>::infinity();

// Poles of gamma are NaN for digamma, as in XLA.
static bool digammaPole(const Reference& f, double x) { return f.name == "digamma" && x <= 0 && x == std::floor(x); }

double errorOf(const Reference& f, float got, float x, float y, float z) {
  double exact = digammaPole(f, x) ? NAN : exactSingle(f.name, x, y, z);
  if (std::isnan(exact) || std::isnan(got)) return std::isnan(exact) && std::isnan(got) ? 0 : wrong;
  if (exact == 0 && got == 0) return std::signbit(exact) == std::signbit(got) ? 0 : wrong;
  if (std::isinf(exact) || std::isinf(got)) {
    if (double(got) == exact) return 0;
    // Beyond the largest number, infinity counts as the next one.
    if (std::signbit(exact) != std::signbit(got) || (std::isinf(exact) && !std::isinf(got) && std::fabs(got) < 3e38))
      return wrong;
    if (std::isinf(exact)) return 1;
    double magnitude = std::fabs(exact);
    return magnitude >= 0x1p128 ? 0 : (0x1p128 - magnitude) / 0x1p104;
  }
  if (std::fabs(exact) >= 0x1p128) return (std::fabs(exact - got)) / 0x1p104;
  int exponent = exact == 0 ? -126 : std::max(std::ilogb(exact), -126);
  return std::fabs(got - exact) / std::ldexp(1.0, exponent - 23);
}

double errorOf(const Reference& f, double got, double x, double y, double z) {
  thread_local Mpfr r, g;
  if (digammaPole(f, x) || !exactMpfr(r.v, f.name, x, y)) {
    double exact = digammaPole(f, x) ? NAN : exactDouble(f.name, x, y, z);
    if (std::isnan(exact) && std::isnan(got)) return 0;
    return exact == got && std::signbit(exact) == std::signbit(got) ? 0 : wrong;
  }
  if (mpfr_nan_p(r.v) || std::isnan(got)) return mpfr_nan_p(r.v) && std::isnan(got) ? 0 : wrong;
  if (mpfr_zero_p(r.v) && got == 0) return (mpfr_signbit(r.v) != 0) == std::signbit(got) ? 0 : wrong;
  if (mpfr_inf_p(r.v)) return std::isinf(got) && (mpfr_signbit(r.v) != 0) == std::signbit(got) ? 0 : wrong;
  int exponent = mpfr_zero_p(r.v) ? -1022 : std::max<int>(mpfr_get_exp(r.v) - 1, -1022);
  if (std::isinf(got)) {
    if (exponent >= 1024) return (mpfr_signbit(r.v) != 0) == std::signbit(got) ? 0 : wrong;
    mpfr_set_ui_2exp(g.v, 1, 1024, MPFR_RNDN);
    if (std::signbit(got)) mpfr_neg(g.v, g.v, MPFR_RNDN);
    exponent = 1023;
  } else {
    mpfr_set_d(g.v, got, MPFR_RNDN);
  }
  exponent = std::min(exponent, 1023);
  // Next to its zeros on the negative axis, digamma is the small difference of two terms of which each is rounded.
  if (f.name == "digamma" && x < 0) exponent = std::max(exponent, std::ilogb(std::log(2 - x) + 4));
  mpfr_sub(g.v, g.v, r.v, MPFR_RNDN);
  mpfr_mul_2si(g.v, g.v, 52 - exponent, MPFR_RNDN);
  return std::fabs(mpfr_get_d(g.v, MPFR_RNDN));
}

}  // namespace skein::test
