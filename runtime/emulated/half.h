#pragma once
// The two 16-bit floating-point types as bits, rounded to nearest even.

#include <bit>
#include <cmath>
#include <cstdint>

namespace skein::runtime::emulated {

inline float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t{h & 0x8000u} << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | mantissa << 13);
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * (static_cast<float>(mantissa) * 0x1p-24f);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

inline std::uint16_t float_to_half(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<std::uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<std::uint16_t>(sign | 0x7c00);  // 65520 and more
  if (magnitude < 0x38800000)  // less than the least normal number: units of 2^-24
    return static_cast<std::uint16_t>(
        sign | static_cast<std::uint32_t>(std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24f)));
  const std::uint32_t rebiased = magnitude - (112u << 23);
  return static_cast<std::uint16_t>(sign | (rebiased + 0xfff + (rebiased >> 13 & 1)) >> 13);
}

inline float bfloat_to_float(std::uint16_t b) { return std::bit_cast<float>(std::uint32_t{b} << 16); }

inline std::uint16_t float_to_bfloat(float x) {
  auto bits = std::bit_cast<std::uint32_t>(x);
  bits = x != x ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  return static_cast<std::uint16_t>(bits >> 16);
}

/// To float32 rounded to odd, so that only a second rounding counts.
inline float narrow_to_odd(double x) {
  const float single = static_cast<float>(x);
  if (x != x || static_cast<double>(single) == x) return single;
  auto bits = std::bit_cast<std::uint32_t>(single);
  if (std::abs(static_cast<double>(single)) > std::abs(x)) --bits;
  return std::bit_cast<float>(bits | 1);
}

}  // namespace skein::runtime::emulated
