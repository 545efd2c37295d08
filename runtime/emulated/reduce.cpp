#include "runtime/emulated/reduce.h"

#include "runtime/cuda/driver.h"
#include "runtime/emulated/half.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace skein::runtime::emulated {

using namespace cuda;

namespace {

template <class T>
struct Plain {
  using Stored = T;
  static T load(T x) { return x; }
  static T store(T x) { return x; }
};
struct Half {
  using Stored = std::uint16_t;
  static float load(Stored x) { return half_to_float(x); }
  static Stored store(float x) { return float_to_half(x); }
};
struct Bfloat {
  using Stored = std::uint16_t;
  static float load(Stored x) { return bfloat_to_float(x); }
  static Stored store(float x) { return float_to_bfloat(x); }
};

template <class T>
T combine(int op, T x, T y) {
  if constexpr (std::is_floating_point_v<T>) {
    switch (op) {
      case ncclSum: return x + y;
      case ncclProd: return x * y;
      case ncclMax: return std::fmax(x, y);
      default: return std::fmin(x, y);
    }
  } else {
    using Bits = std::make_unsigned_t<T>;  // sums and products go round
    switch (op) {
      case ncclSum: return static_cast<T>(static_cast<Bits>(x) + static_cast<Bits>(y));
      case ncclProd: return static_cast<T>(static_cast<Bits>(x) * static_cast<Bits>(y));
      case ncclMax: return std::max(x, y);
      default: return std::min(x, y);
    }
  }
}

template <class Type>
void reduce_as(int op, void* to, const std::vector<const void*>& inputs, std::size_t count) {
  using Stored = typename Type::Stored;
  for (std::size_t i = 0; i < count; ++i) {
    auto total = Type::load(static_cast<const Stored*>(inputs[0])[i]);
    for (std::size_t r = 1; r < inputs.size(); ++r)
      total = combine(op, total, Type::load(static_cast<const Stored*>(inputs[r])[i]));
    static_cast<Stored*>(to)[i] = Type::store(total);
  }
}

}  // namespace

std::size_t item_bytes(int dtype) {
  switch (dtype) {
    case ncclInt8:
    case ncclUint8: return 1;
    case ncclFloat16:
    case ncclBfloat16: return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32: return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64: return 8;
    default: return 0;
  }
}

const char* dtype_name(int dtype) {
  static constexpr const char* names[] = {"int8",   "uint8",   "int32",   "uint32",  "int64",
                                          "uint64", "float16", "float32", "float64", "bfloat16"};
  return dtype >= 0 && dtype < 10 ? names[dtype] : "unknown";
}

void reduce(int dtype, int op, void* to, const std::vector<const void*>& inputs, std::size_t count) {
  switch (dtype) {
    case ncclInt8: return reduce_as<Plain<std::int8_t>>(op, to, inputs, count);
    case ncclUint8: return reduce_as<Plain<std::uint8_t>>(op, to, inputs, count);
    case ncclInt32: return reduce_as<Plain<std::int32_t>>(op, to, inputs, count);
    case ncclUint32: return reduce_as<Plain<std::uint32_t>>(op, to, inputs, count);
    case ncclInt64: return reduce_as<Plain<std::int64_t>>(op, to, inputs, count);
    case ncclUint64: return reduce_as<Plain<std::uint64_t>>(op, to, inputs, count);
    case ncclFloat16: return reduce_as<Half>(op, to, inputs, count);
    case ncclFloat32: return reduce_as<Plain<float>>(op, to, inputs, count);
    case ncclFloat64: return reduce_as<Plain<double>>(op, to, inputs, count);
    case ncclBfloat16: return reduce_as<Bfloat>(op, to, inputs, count);
    default: return;
  }
}

}  // namespace skein::runtime::emulated
