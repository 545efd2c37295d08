// Checks, programs and numbers that the samplers share.
#include "frontend/lib/sampler.h"

#include <fmt/format.h>
#include <skein/ops.h>

#include <bit>
#include <cmath>

namespace skein::random {

using detail::cast;
using detail::describe;
using detail::emit;
using detail::emit_splat;
using detail::fail;

// ---- arguments ----

void check_key(const Array& key) {
  detail::check_usable(key);
  if (key.dtype() == uint32 && key.shape() == Shape{2}) return;
  std::string cure = "make one with sk::random::key(seed)";
  if (key.dtype() == uint32 && key.ndim() > 1 && key.shape().back() == 2)
    cure = "take one key of many by indexing: keys[i]";
  else if (key.dtype() == uint32 && key.ndim() == 1)
    cure = "a key has two words";
  fail(fmt::format("the key is uint32[2], not {}; {}", describe(key), cure));
}

void check_shape(const Shape& shape) {
  std::int64_t volume = 1;
  for (std::int64_t dim : shape) {
    if (dim < 0) fail(fmt::format("a shape has no negative sizes; this is {}", to_string(shape)));
    if (dim && __builtin_mul_overflow(volume, dim, &volume))
      fail(fmt::format("the shape {} has too many elements", to_string(shape)));
  }
}

void check_broadcast(const Array& value, const Shape& from, const Shape& shape, const char* what) {
  bool fits = from.size() <= shape.size();
  for (std::size_t i = 0; fits && i < from.size(); ++i)
    fits = from[i] == 1 || from[i] == shape[shape.size() - from.size() + i];
  if (!fits) fail(fmt::format("{}, {}, does not broadcast to the shape {}", what, describe(value), to_string(shape)));
}

DType float_dtype(const Options& options, bool complex_too) {
  DType dtype = options.dtype.value_or(float32);
  if (!is_floating(dtype) && !(complex_too && is_complex(dtype)))
    fail(fmt::format("the dtype is a floating one{}, not {}", complex_too ? " or complex" : "", name(dtype)));
  return dtype;
}

DType integer_dtype(const Options& options) {
  DType dtype = options.dtype.value_or(int32);
  if (!is_integer(dtype)) fail(fmt::format("the dtype is an integer one, not {}", name(dtype)));
  return dtype;
}

// ---- samples ----

namespace {
int mantissa_bits(DType dtype) { return dtype == float16 ? 10 : dtype == bfloat16 ? 7 : dtype == float32 ? 23 : 52; }

/// The value repeated to the shape, in one dimension.
Array flattened(const Array& value, const Shape& shape) {
  std::int64_t n = shape.volume();
  if (value.shape().empty()) return broadcast_to(value, {n});
  return reshape(broadcast_to(value, shape), {n});
}
}  // namespace

Array sample(const char* name, const Array& key, std::initializer_list<Parameter> parameters, const SampleShape& shape,
             DType dtype, const Draw& draw, const detail::Key& more) {
  check_key(key);
  std::vector<Array> operands{key};
  for (const Parameter& parameter : parameters) {
    detail::check_usable(parameter.value);
    if (is_complex(parameter.value.dtype()))
      fail(fmt::format("{} is real, not {}", parameter.name, describe(parameter.value)));
    operands.push_back(cast(parameter.value, dtype));
  }
  Shape result = shape.given() ? shape.shape() : detail::broadcast_shapes(In(operands).subspan(1));
  check_shape(result);
  for (const Parameter& parameter : parameters)
    check_broadcast(parameter.value, parameter.value.shape(), result, parameter.name);
  auto build = [&](In in) {
    std::vector<Array> values;
    for (const Array& value : in.subspan(1)) values.push_back(flattened(value, result));
    return std::vector<Array>{reshape(draw(words_of(in[0]), values, result.volume()), result)};
  };
  return detail::staged_all(name, operands, detail::Key(result, dtype, more.bytes()), build)[0];
}

// ---- numbers ----

double least_of(DType dtype) { return std::ldexp(1.0, dtype == float16 ? -14 : dtype == float64 ? -1022 : -126); }
double epsilon_of(DType dtype) { return std::ldexp(1.0, -mantissa_bits(dtype)); }

Array fused(const Array& a, const Array& b, const Array& c) {
  if (a.dtype() == float32 || a.dtype() == float64) return emit("fma", {a, b, c});
  return emit("add", {emit("mul", {a, b}), c});
}

Array between(const Words& key, std::int64_t n, DType dtype, double low, double high) {
  return scaled(unit(key, n, dtype), emit_splat({n}, low, dtype), emit_splat({n}, high, dtype));
}

Array signs(const Words& key, std::int64_t n, DType dtype) {
  Array positive = unit(key, n, itemsize(dtype) == 8 ? float64 : float32) < 0.5;
  return emit("select", {positive, emit_splat({n}, 1, dtype), emit_splat({n}, -1, dtype)});
}

Array gumbels(const Words& key, std::int64_t n, DType dtype) {
  return -log(-log(between(key, n, dtype, least_of(dtype), 1)));
}

Words split_each(const Words& keys, std::int64_t i) {
  Shape shape = keys.low.shape();
  return threefry(keys, {splat(shape, 0, uint32), splat(shape, i, uint32)});
}

Array unit_each(const Words& keys, DType dtype) {
  Words words = split_each(keys, 0);
  int mantissa = mantissa_bits(dtype);
  int random_bits = mantissa < 8 ? 8 : 8 * static_cast<int>(itemsize(dtype));
  DType word = unsigned_of_size(itemsize(dtype));
  Shape shape = words.low.shape();
  Array bits;
  if (dtype == float64)
    bits = emit("or", {emit("shl", {cast(words.high, uint64), splat(shape, 32, uint64)}), cast(words.low, uint64)});
  else
    bits = cast(cast(emit("xor", {words.high, words.low}), unsigned_of_size(static_cast<std::size_t>(random_bits / 8))),
                word);
  // The mantissa of a number in [1, 2).
  Array one = emit_splat(shape, 1, dtype), pattern = emit("bitcast", {one}, {{"dtype", word}});
  bits = emit("or", {emit("shr_logical", {bits, splat(shape, random_bits - mantissa, word)}), pattern});
  return emit("sub", {emit("bitcast", {bits}, {{"dtype", dtype}}), one});
}

Array normal_each(const Words& keys, DType dtype) {
  Array u = unit_each(keys, dtype);
  double above = epsilon_of(dtype) / 2 - 1;  // the next number after -1
  return normal_from(scaled(u, emit_splat(u.shape(), above, dtype), emit_splat(u.shape(), 1, dtype)));
}

// ---- weights ----

namespace {

Array part(const Array& x, std::int64_t start, std::int64_t stop) {
  using Dims = std::vector<std::int64_t>;
  return emit("slice", {x}, {{"starts", Dims{start}}, {"stops", Dims{stop}}, {"strides", Dims{1}}});
}

/// Sums of the first 1, 2, ... n elements, by doubling.
Array running_sums(Array x) {
  std::int64_t n = x.size();
  for (std::int64_t step = 1; step < n; step *= 2)
    x = x + concatenate({emit_splat({step}, 0, x.dtype()), part(x, 0, n - step)});
  return x;
}

/// Of each value how many elements of the sorted vector are less.
Array places(const Array& sorted, const Array& values) {
  Array low = splat(values.shape(), 0, int32), high = splat(values.shape(), sorted.size(), int32);
  for (int left = std::bit_width(static_cast<std::uint64_t>(sorted.size())); left > 0; --left) {
    Array middle = right_shift_logical(low + high, 1);
    Array below = values <= take(sorted, middle);
    low = where(below, low, middle), high = where(below, middle, high);
  }
  return high;
}

}  // namespace

Array weighted_indices(const Words& key, const Array& p, const Shape& shape, bool replace) {
  std::int64_t draws = shape.volume(), n = p.size();
  if (replace) {
    Array sums = running_sums(p), one = emit_splat({draws}, 1, p.dtype());
    Array r = part(sums, n - 1, n) * (one - unit(key, draws, p.dtype()));
    return reshape(places(sums, r), shape);
  }
  // The greatest of log p + Gumbel noise are a sample without replacement.
  Array order = argsort(gumbels(key, n, p.dtype()) + log(p), {.axis = 0, .descending = true});
  return reshape(part(order, 0, draws), shape);
}

}  // namespace skein::random
