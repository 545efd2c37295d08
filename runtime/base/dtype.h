#pragma once
// Element types of arrays, and how they promote (JAX's lattice with weak types).

#include <skein/base/export.h>

#include <complex>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace skein {

enum class DType : std::uint8_t {
  bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
  float16, bfloat16, float32, float64, complex64, complex128,
};

inline constexpr int dtype_count = 15;

inline constexpr DType bool_ = DType::bool_;
inline constexpr DType int8 = DType::int8;
inline constexpr DType int16 = DType::int16;
inline constexpr DType int32 = DType::int32;
inline constexpr DType int64 = DType::int64;
inline constexpr DType uint8 = DType::uint8;
inline constexpr DType uint16 = DType::uint16;
inline constexpr DType uint32 = DType::uint32;
inline constexpr DType uint64 = DType::uint64;
inline constexpr DType float16 = DType::float16;
inline constexpr DType bfloat16 = DType::bfloat16;
inline constexpr DType float32 = DType::float32;
inline constexpr DType float64 = DType::float64;
inline constexpr DType complex64 = DType::complex64;
inline constexpr DType complex128 = DType::complex128;

namespace detail {
inline constexpr std::uint8_t itemsizes[dtype_count] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 2, 4, 8, 8, 16};
inline constexpr std::string_view dtype_names[dtype_count] = {
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128"};
}  // namespace detail

/// Bytes of one element.
constexpr std::size_t itemsize(DType d) { return detail::itemsizes[static_cast<int>(d)]; }

/// The dtype's name as it is printed: "float32", "bool".
constexpr std::string_view name(DType d) { return detail::dtype_names[static_cast<int>(d)]; }

/// The dtype of that name, if there is one.
constexpr std::optional<DType> dtype_from_name(std::string_view text) {
  for (int i = 0; i < dtype_count; ++i)
    if (detail::dtype_names[i] == text) return static_cast<DType>(i);
  return std::nullopt;
}

constexpr bool is_bool(DType d) { return d == DType::bool_; }
constexpr bool is_signed_integer(DType d) { return d >= DType::int8 && d <= DType::int64; }
constexpr bool is_unsigned(DType d) { return d >= DType::uint8 && d <= DType::uint64; }
constexpr bool is_integer(DType d) { return d >= DType::int8 && d <= DType::uint64; }
constexpr bool is_floating(DType d) { return d >= DType::float16 && d <= DType::float64; }
constexpr bool is_complex(DType d) { return d >= DType::complex64; }

/// The dtype whose elements are C++ values of type T; false where there is none.
template <class T>
inline constexpr bool has_dtype =
    std::is_same_v<T, bool> || (std::is_integral_v<T> && !std::is_same_v<T, wchar_t> && sizeof(T) <= 8) ||
    std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::complex<float>> ||
    std::is_same_v<T, std::complex<double>>;

/// The dtype of C++ values of type T (bool, integers by size and sign, float, double, their complex).
template <class T>
constexpr DType dtype_of() {
  static_assert(has_dtype<T>, "no dtype has this C++ type");
  if constexpr (std::is_same_v<T, bool>) return DType::bool_;
  else if constexpr (std::is_same_v<T, float>) return DType::float32;
  else if constexpr (std::is_same_v<T, double>) return DType::float64;
  else if constexpr (std::is_same_v<T, std::complex<float>>) return DType::complex64;
  else if constexpr (std::is_same_v<T, std::complex<double>>) return DType::complex128;
  else {
    constexpr int log2 = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return static_cast<DType>(static_cast<int>(std::is_signed_v<T> ? DType::int8 : DType::uint8) + log2);
  }
}

/// The real dtype of a complex one's parts; other dtypes are returned unchanged.
constexpr DType real_dtype(DType d) {
  return d == DType::complex64 ? DType::float32 : d == DType::complex128 ? DType::float64 : d;
}

/// The dtype that values of two dtypes join in, and whether it is weak (JAX's lattice; an int is weakly int32, a
/// float weakly float32, a complex weakly complex64; bool is never weak).
SKEIN_API std::pair<DType, bool> promote(DType a, bool weak_a, DType b, bool weak_b);

SKEIN_API std::ostream& operator<<(std::ostream&, DType);

}  // namespace skein
