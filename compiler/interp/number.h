#pragma once
// Elements of any dtype, widened: the interpreter computes in double, complex double and 64-bit integers and rounds
// each result to its dtype once.

#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <type_traits>

#include "compiler/interp/host_array.h"

namespace skein::compiler::interp {

using Real = double;
using Complex = std::complex<double>;

/// Bits of an integer of a dtype, sign- or zero-extended to 64; a bool is an unsigned integer of one bit.
using Integer = std::int64_t;

struct IntegerKind {
  int width;
  bool isSigned;
  bool isBool() const { return width == 1; }
  /// The greatest and least values, extended.
  Integer most() const { return static_cast<Integer>(~std::uint64_t{0} >> (64 - width + (isSigned ? 1 : 0))); }
  Integer least() const { return isSigned ? -most() - 1 : 0; }
  bool less(Integer a, Integer b) const {
    return isSigned ? a < b : static_cast<std::uint64_t>(a) < static_cast<std::uint64_t>(b);
  }
  /// The bits without the extension.
  std::uint64_t bits(Integer value) const {
    return static_cast<std::uint64_t>(value) & (~std::uint64_t{0} >> (64 - width));
  }
};

inline IntegerKind kindOf(DType dtype) {
  return {is_bool(dtype) ? 1 : static_cast<int>(8 * itemsize(dtype)), is_signed_integer(dtype)};
}
inline bool isIntegerOrBool(DType dtype) { return is_integer(dtype) || is_bool(dtype); }

/// A small binary floating format: bits of exponent and of fraction.
struct SmallFloat {
  int exponentBits, fractionBits;
  int leastExponent() const { return 2 - (1 << (exponentBits - 1)); }  // of normal numbers
  std::uint16_t infinity() const { return static_cast<std::uint16_t>(((1 << exponentBits) - 1) << fractionBits); }

  double decode(std::uint16_t bits) const {
    double sign = bits >> 15 ? -1.0 : 1.0;
    int magnitude = bits & 0x7fff, exponent = magnitude >> fractionBits,
        fraction = magnitude & ((1 << fractionBits) - 1);
    if (magnitude >= infinity()) return fraction ? std::copysign(std::nan(""), sign) : sign * HUGE_VAL;
    if (exponent == 0) return sign * std::ldexp(fraction, leastExponent() - fractionBits);
    return sign * std::ldexp(fraction + (1 << fractionBits), leastExponent() + exponent - 1 - fractionBits);
  }
  /// Rounds to the nearest, ties to even, beyond the largest number to infinity.
  std::uint16_t encode(double value) const {
    std::uint16_t sign = std::signbit(value) ? 0x8000 : 0;
    if (std::isnan(value)) return sign | infinity() | (1 << (fractionBits - 1));
    double magnitude = std::fabs(value);
    if (magnitude == 0) return sign;
    if (std::isinf(value)) return sign | infinity();
    int exponent = std::max(std::ilogb(magnitude), leastExponent());
    // In units of the last place; division by a power of two is exact, and the default rounding is to even.
    auto units = static_cast<long>(std::nearbyint(std::ldexp(magnitude, fractionBits - exponent)));
    long one = 1L << fractionBits;
    // A carry out of the fraction runs into the exponent, as it should.
    long bits =
        units < one ? units : ((static_cast<long>(exponent) - leastExponent() + 1) << fractionBits) + units - one;
    return static_cast<std::uint16_t>(sign | std::min<long>(bits, infinity()));
  }
};

inline constexpr SmallFloat float16Format{5, 10}, bfloat16Format{8, 7};

template <class T>
T element(const HostArray& array, std::int64_t i) {
  T value;
  std::memcpy(&value, array.data.data() + i * sizeof(T), sizeof(T));
  return value;
}
template <class T>
void setElement(HostArray& array, std::int64_t i, T value) {
  std::memcpy(array.data.data() + i * sizeof(T), &value, sizeof(T));
}

inline Integer loadInteger(const HostArray& array, std::int64_t i) {
  switch (array.dtype) {
    case DType::bool_:
      return element<std::uint8_t>(array, i) != 0;
    case DType::int8:
      return element<std::int8_t>(array, i);
    case DType::int16:
      return element<std::int16_t>(array, i);
    case DType::int32:
      return element<std::int32_t>(array, i);
    case DType::uint8:
      return element<std::uint8_t>(array, i);
    case DType::uint16:
      return element<std::uint16_t>(array, i);
    case DType::uint32:
      return element<std::uint32_t>(array, i);
    default:
      return element<std::int64_t>(array, i);
  }
}

inline Real loadReal(const HostArray& array, std::int64_t i) {
  switch (array.dtype) {
    case DType::float16:
      return float16Format.decode(element<std::uint16_t>(array, i));
    case DType::bfloat16:
      return bfloat16Format.decode(element<std::uint16_t>(array, i));
    case DType::float32:
      return element<float>(array, i);
    case DType::float64:
      return element<double>(array, i);
    case DType::uint64:
      return static_cast<double>(element<std::uint64_t>(array, i));
    default:
      return static_cast<double>(loadInteger(array, i));
  }
}

inline Complex loadComplex(const HostArray& array, std::int64_t i) {
  if (array.dtype == DType::complex64) return element<std::complex<float>>(array, i);
  if (array.dtype == DType::complex128) return element<Complex>(array, i);
  return loadReal(array, i);
}

/// Keeps the low bits of an integer; of a bool the lowest.
inline void store(HostArray& array, std::int64_t i, Integer value) {
  switch (itemsize(array.dtype)) {
    case 1:
      return setElement<std::uint8_t>(array, i, static_cast<std::uint8_t>(is_bool(array.dtype) ? value & 1 : value));
    case 2:
      return setElement<std::uint16_t>(array, i, static_cast<std::uint16_t>(value));
    case 4:
      return setElement<std::uint32_t>(array, i, static_cast<std::uint32_t>(value));
    default:
      return setElement<std::uint64_t>(array, i, static_cast<std::uint64_t>(value));
  }
}
inline void store(HostArray& array, std::int64_t i, Real value) {
  switch (array.dtype) {
    case DType::float16:
      return setElement(array, i, float16Format.encode(value));
    case DType::bfloat16:
      return setElement(array, i, bfloat16Format.encode(value));
    case DType::float32:
      return setElement(array, i, static_cast<float>(value));
    default:
      return setElement(array, i, value);
  }
}
inline void store(HostArray& array, std::int64_t i, Complex value) {
  if (array.dtype == DType::complex64) return setElement(array, i, std::complex<float>(value));
  setElement(array, i, value);
}
inline void store(HostArray& array, std::int64_t i, bool value) { setElement<std::uint8_t>(array, i, value); }

/// What C++ type an element is widened to.
template <class T>
T load(const HostArray& array, std::int64_t i) {
  if constexpr (std::is_same_v<T, Real>)
    return loadReal(array, i);
  else if constexpr (std::is_same_v<T, Complex>)
    return loadComplex(array, i);
  else
    return loadInteger(array, i);
}

/// Copies an element between arrays of one dtype.
inline void copyElement(HostArray& to, std::int64_t i, const HostArray& from, std::int64_t j) {
  std::size_t size = itemsize(to.dtype);
  std::memcpy(to.data.data() + i * size, from.data.data() + j * size, size);
}

}  // namespace skein::compiler::interp
