#include "compiler/interp/special_functions.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace skein::compiler::interp {

double inverseErf(double y) {
  if (std::isnan(y) || std::fabs(y) > 1) return std::numeric_limits<double>::quiet_NaN();
  if (std::fabs(y) == 1) return std::copysign(std::numeric_limits<double>::infinity(), y);
  if (y == 0) return y;
  // A first guess (Winitzki 2008, relative error below 0.004), then Halley's method in extended precision.
  long double tail = 1 - static_cast<long double>(std::fabs(y));
  long double logarithm = std::log1p(-static_cast<long double>(y) * y);
  constexpr long double a = 0.147L;
  long double half = 2 / (std::numbers::pi_v<long double> * a) + logarithm / 2;
  long double x = std::sqrt(std::sqrt(half * half - logarithm / a) - half);
  for (int i = 0; i < 4; ++i) {
    // Near 1 the error of erf would drown the tail that erfc still resolves.
    long double error = std::fabs(y) > 0.5 ? tail - std::erfc(x) : std::erf(x) - std::fabs(static_cast<long double>(y));
    long double slope = 2 / std::sqrt(std::numbers::pi_v<long double>) * std::exp(-x * x);
    long double step = error / slope;
    x -= step / (1 + x * step);
  }
  return static_cast<double>(y < 0 ? -x : x);
}

double digamma(double argument) {
  long double x = argument;
  if (std::isnan(x)) return argument;
  if (x <= 0 && x == std::floor(x)) return std::numeric_limits<double>::quiet_NaN();
  long double result = 0;
  if (x < 0) {  // reflection; tan has period pi, so only the fraction counts
    long double fraction = x - std::nearbyint(x);
    result = -std::numbers::pi_v<long double> / std::tan(std::numbers::pi_v<long double> * fraction);
    x = 1 - x;
  }
  for (; x < 20; ++x) result -= 1 / x;  // psi(x) = psi(x + 1) - 1/x
  // Abramowitz & Stegun 6.3.18: the asymptotic series in 1/x^2.
  long double s = 1 / (x * x);
  long double series =
      s * (1.0L / 12 -
           s * (1.0L / 120 - s * (1.0L / 252 - s * (1.0L / 240 - s * (1.0L / 132 - s * (691.0L / 32760 - s / 12))))));
  return static_cast<double>(result + std::log(x) - 1 / (2 * x) - series);
}

}  // namespace skein::compiler::interp
