#pragma once
// An array in host memory: dense, row-major, a bool in one byte.

#include <skein/base/dtype.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

namespace skein::compiler {

struct HostArray {
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;

  /// Zeros.
  static HostArray zeros(DType dtype, std::vector<std::int64_t> shape) {
    HostArray result{dtype, std::move(shape), {}};
    result.data.resize(result.volume() * itemsize(dtype));
    return result;
  }
  /// The values of C++ type T, whose dtype the array gets.
  template <class T>
  static HostArray of(std::vector<std::int64_t> shape, const std::vector<T>& values) {
    HostArray result = zeros(dtype_of<T>(), std::move(shape));
    std::copy(values.begin(), values.end(), result.as<T>());
    return result;
  }
  template <class T>
  static HostArray scalar(T value) {
    return of<T>({}, {value});
  }

  std::int64_t rank() const { return static_cast<std::int64_t>(shape.size()); }
  std::int64_t volume() const {
    std::int64_t product = 1;
    for (std::int64_t size : shape) product *= size;
    return product;
  }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data.data());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data.data());
  }
  template <class T>
  std::vector<T> values() const {
    return std::vector<T>(as<T>(), as<T>() + volume());
  }

  friend bool operator==(const HostArray&, const HostArray&) = default;  // the same bits
};

}  // namespace skein::compiler
