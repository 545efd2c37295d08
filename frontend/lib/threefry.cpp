// Threefry's words and the numbers made of them, in JAX's order of operations (jax/_src/random).
#include "frontend/lib/threefry.h"

#include "frontend/lib/sampler.h"

#include <skein/ops.h>

#include <cmath>
#include <span>

namespace skein::random {

using detail::cast;
using detail::emit;
using detail::emit_all;
using detail::emit_iota;
using detail::emit_splat;

Words words_of(const Array& key) {
  auto word = [&](std::int64_t i) {
    using Dims = std::vector<std::int64_t>;
    return reshape(emit("slice", {key}, {{"starts", Dims{i}}, {"stops", Dims{i + 1}}, {"strides", Dims{1}}}), {});
  };
  return {word(0), word(1)};
}

Array key_of(const Words& words) { return concatenate({reshape(words.high, {1}), reshape(words.low, {1})}); }

Array splat(const Shape& shape, std::int64_t value, DType dtype) { return emit_splat(shape, value, dtype); }

Words threefry(const Words& key, const Words& counter) {
  const Shape& shape = counter.low.shape();
  auto words = emit_all("threefry", std::vector<Array>{broadcast_to(key.high, shape), broadcast_to(key.low, shape), counter.high, counter.low});
  return {words[0], words[1]};
}

Words split_at(const Words& key, std::int64_t i) { return threefry(key, {splat({}, i >> 32, uint32), splat({}, i & 0xffffffff, uint32)}); }

Words counted(const Words& key, std::int64_t n) {
  Shape shape{n};
  if (n <= std::int64_t{1} << 32) return threefry(key, {splat(shape, 0, uint32), emit_iota(shape, uint32, 0)});
  Array counter = emit_iota(shape, uint64, 0);
  return threefry(key, {cast(emit("shr_logical", {counter, splat(shape, 32, uint64)}), uint32), cast(counter, uint32)});
}

Array bits_of(const Words& key, std::int64_t n, DType dtype) {
  Words words = counted(key, n);
  if (dtype == uint64) {
    Array high = emit("shl", {cast(words.high, uint64), splat({n}, 32, uint64)});
    return emit("or", {high, cast(words.low, uint64)});
  }
  return cast(emit("xor", {words.high, words.low}), dtype);  // narrow dtypes keep the low bits
}

DType unsigned_of_size(std::size_t bytes) { return bytes == 1 ? uint8 : bytes == 2 ? uint16 : bytes == 4 ? uint32 : uint64; }

// ---- floating numbers ----

Array unit(const Words& key, std::int64_t n, DType dtype) {
  int mantissa = dtype == float16 ? 10 : dtype == bfloat16 ? 7 : dtype == float32 ? 23 : 52;
  std::int64_t one = dtype == float16 ? 0x3c00 : dtype == bfloat16 ? 0x3f80 : dtype == float32 ? 0x3f800000 : 0x3ff0000000000000;
  DType word = unsigned_of_size(itemsize(dtype));
  int random_bits = mantissa < 8 ? 8 : 8 * static_cast<int>(itemsize(dtype));
  Array bits = cast(bits_of(key, n, unsigned_of_size(static_cast<std::size_t>(random_bits / 8))), word);
  Array number = emit("or", {emit("shr_logical", {bits, splat({n}, random_bits - mantissa, word)}), splat({n}, one, word)});
  return emit("sub", {emit("bitcast", {number}, {{"dtype", dtype}}), splat({n}, 1, dtype)});
}

// Of single and double precision in one rounding, as XLA contracts it.
Array scaled(const Array& unit, const Array& low, const Array& high) {
  Array range = emit("sub", {high, low});
  bool fused = unit.dtype() == float32 || unit.dtype() == float64;
  Array moved = fused ? emit("fma", {unit, range, low}) : emit("add", {emit("mul", {unit, range}), low});
  return emit("maximum", {low, moved});
}

Array normal_of(const Words& key, std::int64_t n, DType dtype) {
  int mantissa = dtype == float16 ? 10 : dtype == bfloat16 ? 7 : dtype == float32 ? 23 : 52;
  Array above = std::ldexp(1.0, -mantissa - 1) - 1;  // the next number after -1
  Array u = scaled(unit(key, n, dtype), emit_splat({n}, above, dtype), emit_splat({n}, 1, dtype));
  return normal_from(u);
}

}  // namespace skein::random
