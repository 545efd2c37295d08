#pragma once
// What the elementary functions should give: float32 from the C library in higher precision, float64 from MPFR.

#include <string>
#include <vector>

namespace skein::test {

struct Reference {
  std::string name;
  int operands = 1;
  double low = -4, high = 4;  // where the interesting part of its domain lies, and where its speed is measured
  double allowed32 = 4, allowed64 = 4;  // units in the last place
};

/// Every function, in the order of the report.
const std::vector<Reference>& references();

/// The distance of `got` from the exact f(x, y, z), in units in the last place of the exact result; infinite where one
/// is NaN, infinite or a zero of the other sign and the other is not.
double errorOf(const Reference& f, float got, float x, float y, float z);
double errorOf(const Reference& f, double got, double x, double y, double z);

}  // namespace skein::test
