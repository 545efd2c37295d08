#pragma once
// Array: a value of any rank and dtype, concrete or traced; its operators; how arrays are made.

#include <skein/base/dtype.h>
#include <skein/base/error.h>
#include <skein/base/export.h>
#include <skein/base/mesh.h>
#include <skein/base/none.h>
#include <skein/base/shape.h>
#include <skein/base/spec.h>

#include <complex>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace skein {

class Array;
class AtProxy;
class NamedSharding;
struct Index;
struct Shard;

namespace detail {
struct ArrayImpl;
SKEIN_API void retain(ArrayImpl*) noexcept;
SKEIN_API void release(ArrayImpl*) noexcept;
SKEIN_API ArrayImpl* make_scalar(std::int64_t value);
SKEIN_API ArrayImpl* make_scalar(std::uint64_t value);
SKEIN_API ArrayImpl* make_scalar(double value);
SKEIN_API ArrayImpl* make_scalar(std::complex<double> value);
SKEIN_API ArrayImpl* make_scalar(bool value);
SKEIN_API Array from_host(const void* data, const Shape& shape, DType dtype);
/// Waits for the value, checks that T's dtype is the array's, and gives the elements, dense and row-major.
SKEIN_API const void* host_data(const Array&, DType wanted, const char* op, std::source_location);
extern SKEIN_API const Index no_index;  // stands for an index that was not given
}  // namespace detail

/// A C++ value that converts to an Array: bool, integers, float, double and their complex.
template <class T>
concept Scalar = has_dtype<T>;

/// A handle of an immutable array: copying it copies no elements. Default-constructed it is empty, and any use of it a
/// UserError. C++ scalars convert to it implicitly and are weak: they take the dtype of what they meet.
class SKEIN_API Array {
 public:
  Array() noexcept = default;
  template <Scalar T>
  Array(T value) : impl_(detail::make_scalar(widen(value))) {}
  Array(const Array& other) noexcept : impl_(other.impl_) {
    if (impl_) detail::retain(impl_);
  }
  Array(Array&& other) noexcept : impl_(std::exchange(other.impl_, nullptr)) {}
  Array& operator=(const Array& other) noexcept {
    Array copy(other);
    std::swap(impl_, copy.impl_);
    return *this;
  }
  Array& operator=(Array&& other) noexcept {
    std::swap(impl_, other.impl_);
    return *this;
  }
  ~Array() {
    if (impl_) detail::release(impl_);
  }

  /// Whether there is no array at all.
  bool empty() const noexcept { return !impl_; }

  const Shape& shape(std::source_location = std::source_location::current()) const;
  DType dtype(std::source_location = std::source_location::current()) const;
  /// Number of dimensions.
  int ndim(std::source_location = std::source_location::current()) const;
  /// Number of elements.
  std::int64_t size(std::source_location = std::source_location::current()) const;
  std::int64_t nbytes(std::source_location = std::source_location::current()) const;
  /// Whether the dtype yields to that of a strong array: C++ scalars and what is computed from them alone.
  bool weak(std::source_location = std::source_location::current()) const;

  /// All elements, row-major. Throws UserError if T's dtype is not the array's, and inside a trace.
  template <class T>
  std::vector<T> to_vector(std::source_location where = std::source_location::current()) const {
    auto* data = static_cast<const T*>(detail::host_data(*this, dtype_of<T>(), "to_vector", where));
    return std::vector<T>(data, data + size(where));
  }
  /// The only element. Throws UserError if there are more or none, and as to_vector.
  template <class T>
  T item(std::source_location where = std::source_location::current()) const {
    check_one(where);
    return *static_cast<const T*>(detail::host_data(*this, dtype_of<T>(), "item", where));
  }
  /// The elements in place, row-major; valid as long as an Array holds them. Throws as to_vector.
  template <class T>
  const T* data(std::source_location where = std::source_location::current()) const {
    return static_cast<const T*>(detail::host_data(*this, dtype_of<T>(), "data", where));
  }
  const Array& block_until_ready(std::source_location = std::source_location::current()) const;

  /// How the array is split over devices; a mesh of no axes for an array of one device.
  NamedSharding sharding(std::source_location = std::source_location::current()) const;
  /// The part of each device of this process, in rank order.
  std::vector<Shard> addressable_shards(std::source_location = std::source_location::current()) const;
  /// Elements in use along the first dimension, per device (an int32 array): all of them where none is counted.
  Array num(std::source_location = std::source_location::current()) const;

  /// x[i], x[mask], x[slice(...)]: the first dimension indexed.
  Array operator[](const Index& first) const;
  /// x(i, slice(1, -1), all, none, idx): NumPy's indexing; dimensions not named are kept whole.
  Array operator()(const Index& a, const Index& b = detail::no_index, const Index& c = detail::no_index,
                   const Index& d = detail::no_index, const Index& e = detail::no_index,
                   const Index& f = detail::no_index, const Index& g = detail::no_index,
                   const Index& h = detail::no_index) const;
  /// x.at(i, ...).set(v), .add, .mul, .min, .max, .get: a new array with those elements changed.
  AtProxy at(const Index& a, const Index& b = detail::no_index, const Index& c = detail::no_index,
             const Index& d = detail::no_index, const Index& e = detail::no_index, const Index& f = detail::no_index,
             const Index& g = detail::no_index, const Index& h = detail::no_index) const;

  /// For the library itself.
  explicit Array(detail::ArrayImpl* owned) noexcept : impl_(owned) {}
  detail::ArrayImpl* impl() const noexcept { return impl_; }

 private:
  template <class T>
  static auto widen(T value) {
    if constexpr (std::is_same_v<T, bool>)
      return value;
    else if constexpr (std::is_integral_v<T>)
      return static_cast<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(value);
    else if constexpr (std::is_floating_point_v<T>)
      return static_cast<double>(value);
    else
      return std::complex<double>(value);
  }
  void check_one(std::source_location) const;

  detail::ArrayImpl* impl_ = nullptr;
};

/// std::vector<bool> has no elements in place.
template <>
inline std::vector<bool> Array::to_vector<bool>(std::source_location where) const {
  auto* data = static_cast<const unsigned char*>(detail::host_data(*this, DType::bool_, "to_vector", where));
  return std::vector<bool>(data, data + size(where));
}

/// An operand of an operator: the conversion notes where the user wrote it.
struct Operand {
  Operand(const Array& a, std::source_location w = std::source_location::current()) : array(a), where(w) {}
  Operand(Array&& a, std::source_location w = std::source_location::current()) : array(std::move(a)), where(w) {}
  template <Scalar T>
  Operand(T value, std::source_location w = std::source_location::current()) : array(value), where(w) {}
  Array array;
  std::source_location where;
};

// Elementwise, broadcasting as NumPy, promoting as JAX. Shapes that do not broadcast are a UserError.
SKEIN_API Array operator+(const Operand&, const Operand&);
SKEIN_API Array operator-(const Operand&, const Operand&);
SKEIN_API Array operator*(const Operand&, const Operand&);
SKEIN_API Array operator/(const Operand&, const Operand&);  // true division: of integers float32
SKEIN_API Array operator%(const Operand&, const Operand&);  // the divisor's sign
SKEIN_API Array operator-(const Operand&);
SKEIN_API Array operator+(const Operand&);
SKEIN_API Array operator!(const Operand&);  // logical: of any dtype, bool
SKEIN_API Array operator~(const Operand&);
SKEIN_API Array operator&(const Operand&, const Operand&);
SKEIN_API Array operator|(const Operand&, const Operand&);
SKEIN_API Array operator^(const Operand&, const Operand&);
SKEIN_API Array operator<<(const Operand&, const Operand&);
SKEIN_API Array operator>>(const Operand&, const Operand&);  // arithmetic for signed integers, logical for unsigned
SKEIN_API Array operator==(const Operand&, const Operand&);
SKEIN_API Array operator!=(const Operand&, const Operand&);
SKEIN_API Array operator<(const Operand&, const Operand&);
SKEIN_API Array operator<=(const Operand&, const Operand&);
SKEIN_API Array operator>(const Operand&, const Operand&);
SKEIN_API Array operator>=(const Operand&, const Operand&);
inline Array& operator+=(Array& a, const Operand& b) { return a = Operand(a, b.where) + b; }
inline Array& operator-=(Array& a, const Operand& b) { return a = Operand(a, b.where) - b; }
inline Array& operator*=(Array& a, const Operand& b) { return a = Operand(a, b.where) * b; }
inline Array& operator/=(Array& a, const Operand& b) { return a = Operand(a, b.where) / b; }
inline Array& operator%=(Array& a, const Operand& b) { return a = Operand(a, b.where) % b; }
inline Array& operator&=(Array& a, const Operand& b) { return a = Operand(a, b.where) & b; }
inline Array& operator|=(Array& a, const Operand& b) { return a = Operand(a, b.where) | b; }
inline Array& operator^=(Array& a, const Operand& b) { return a = Operand(a, b.where) ^ b; }

/// How an array lies on a mesh.
class NamedSharding {
 public:
  NamedSharding() = default;
  NamedSharding(Mesh mesh, PartitionSpec spec) : mesh_(std::move(mesh)), spec_(std::move(spec)) {}
  const Mesh& mesh() const { return mesh_; }
  const PartitionSpec& spec() const { return spec_; }
  friend bool operator==(const NamedSharding&, const NamedSharding&) = default;

 private:
  Mesh mesh_;
  PartitionSpec spec_;
};
SKEIN_API std::ostream& operator<<(std::ostream&, const NamedSharding&);

/// What an array is, without its values: dtype, shape, and the axes over which it varies, in the mesh's order.
struct TypeInfo {
  DType dtype = DType::float32;
  Shape shape;
  std::vector<std::string> varying;
  bool weak = false;
  friend bool operator==(const TypeInfo&, const TypeInfo&) = default;
};
/// The array's type: prints as float32[2,2], inside shard_map float32[2,2]{V:nodes,gpus}.
SKEIN_API TypeInfo type_of(const Array&, std::source_location = std::source_location::current());
SKEIN_API std::string to_string(const TypeInfo&);
SKEIN_API std::ostream& operator<<(std::ostream&, const TypeInfo&);
/// The values, as NumPy prints them; of a traced array its type.
SKEIN_API std::ostream& operator<<(std::ostream&, const Array&);

// ---- making arrays ----

namespace detail {
template <class T, class List>
void append(std::vector<T>& out, Shape& shape, std::size_t depth, const List& list, std::source_location where) {
  auto length = static_cast<std::int64_t>(list.size());
  if (depth == shape.size()) shape.push_back(length);
  if (shape[depth] != length)
    throw UserError("lists of one level have one length; here are " + std::to_string(shape[depth]) + " and " +
                        std::to_string(length),
                    "array", where);
  for (const auto& entry : list) {
    if constexpr (Scalar<std::decay_t<decltype(entry)>>)
      out.push_back(entry);
    else
      append(out, shape, depth + 1, entry, where);
  }
}
template <class T, class List>
Array from_lists(const List& list, std::source_location where) {
  using Element = std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>;  // vector<bool> is not contiguous
  std::vector<Element> elements;
  Shape shape;
  append(elements, shape, 0, list, where);
  return from_host(elements.data(), shape, dtype_of<T>());
}
template <class T>
using Nested = std::initializer_list<T>;
}  // namespace detail

/// A scalar of exactly the C++ type's dtype (not weak).
template <Scalar T>
Array array(T value) {
  return detail::from_host(&value, {}, dtype_of<T>());
}
/// Nested lists of numbers: array({{1.f, 2.f}, {3.f, 4.f}}) is float32[2,2].
template <Scalar T>
Array array(detail::Nested<T> list, std::source_location where = std::source_location::current()) {
  return detail::from_lists<T>(list, where);
}
template <Scalar T>
Array array(detail::Nested<detail::Nested<T>> list, std::source_location where = std::source_location::current()) {
  return detail::from_lists<T>(list, where);
}
template <Scalar T>
Array array(detail::Nested<detail::Nested<detail::Nested<T>>> list,
            std::source_location where = std::source_location::current()) {
  return detail::from_lists<T>(list, where);
}
template <Scalar T>
Array array(detail::Nested<detail::Nested<detail::Nested<detail::Nested<T>>>> list,
            std::source_location where = std::source_location::current()) {
  return detail::from_lists<T>(list, where);
}
/// A vector of numbers, copied.
template <Scalar T>
Array array(const std::vector<T>& values, std::source_location where = std::source_location::current()) {
  return detail::from_lists<T>(values, where);
}

/// Copies shape.volume() elements, row-major.
template <Scalar T>
Array from_data(const T* data, const Shape& shape) {
  return detail::from_host(data, shape, dtype_of<T>());
}
namespace detail {
SKEIN_API void check_count(std::size_t have, const Shape& shape, const char* op, std::source_location);
SKEIN_API Array borrow(const void* data, const Shape& shape, DType dtype);
}  // namespace detail
/// Copies a span's elements. Throws UserError if there are not shape.volume() of them.
template <Scalar T, std::size_t N>
Array from_data(std::span<T, N> data, const Shape& shape,
                std::source_location where = std::source_location::current()) {
  detail::check_count(data.size(), shape, "from_data", where);
  return detail::from_host(data.data(), shape, dtype_of<std::remove_const_t<T>>());
}
template <Scalar T>
Array from_data(const std::vector<T>& data, const Shape& shape,
                std::source_location where = std::source_location::current()) {
  detail::check_count(data.size(), shape, "from_data", where);
  if constexpr (std::is_same_v<T, bool>) {
    std::vector<unsigned char> bytes(data.begin(), data.end());
    return detail::from_host(bytes.data(), shape, DType::bool_);
  } else {
    return detail::from_host(data.data(), shape, dtype_of<T>());
  }
}
/// Borrows the elements: they must outlive the array and every program that uses it, and not change.
template <Scalar T>
Array view(const T* data, const Shape& shape) {
  return detail::borrow(data, shape, dtype_of<T>());
}

SKEIN_API Array zeros(const Shape& shape, DType = float32, std::source_location = std::source_location::current());
SKEIN_API Array ones(const Shape& shape, DType = float32, std::source_location = std::source_location::current());
/// The dtype is the value's unless given.
SKEIN_API Array full(const Shape& shape, const Array& value, std::optional<DType> dtype = {},
                     std::source_location = std::source_location::current());
SKEIN_API Array zeros_like(const Array&, std::source_location = std::source_location::current());
SKEIN_API Array ones_like(const Array&, std::source_location = std::source_location::current());
SKEIN_API Array full_like(const Array&, const Array& value, std::source_location = std::source_location::current());
SKEIN_API Array eye(std::int64_t rows, DType = float32, std::source_location = std::source_location::current());

namespace detail {
SKEIN_API Array arange(double start, double stop, double step, DType, std::source_location);
template <class T>
constexpr DType counting_dtype() {
  return std::is_floating_point_v<T> ? DType::float32 : DType::int32;
}
}  // namespace detail
/// 0, 1, ... below `stop`: int32, or float32 for floating bounds.
template <Scalar T>
Array arange(T stop, std::optional<DType> dtype = {}, std::source_location where = std::source_location::current()) {
  return detail::arange(0, static_cast<double>(stop), 1, dtype.value_or(detail::counting_dtype<T>()), where);
}
/// start, start + step, ... below `stop`.
template <Scalar A, Scalar B>
Array arange(A start, B stop, std::common_type_t<A, B> step = 1, std::optional<DType> dtype = {},
             std::source_location where = std::source_location::current()) {
  return detail::arange(static_cast<double>(start), static_cast<double>(stop), static_cast<double>(step),
                        dtype.value_or(detail::counting_dtype<std::common_type_t<A, B>>()), where);
}
/// `count` numbers from start to stop, both included.
SKEIN_API Array linspace(double start, double stop, std::int64_t count = 50, DType = float32,
                         std::source_location = std::source_location::current());
/// The values in another dtype; of floats to integers they truncate.
SKEIN_API Array astype(const Array&, DType, std::source_location = std::source_location::current());

}  // namespace skein

#include <skein/index.h>
