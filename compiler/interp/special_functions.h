#pragma once
// Functions of a real number that the C++ library lacks.

namespace skein::compiler::interp {

/// The inverse of erf; +-infinity at +-1, NaN beyond.
double inverseErf(double y);
/// The derivative of log(gamma(x)); NaN at 0, at negative integers and at -infinity.
double digamma(double x);

}  // namespace skein::compiler::interp
