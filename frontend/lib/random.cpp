// Random numbers as programs of iota, threefry and elementwise ops, in JAX's order of operations (jax/_src/random).
// Numbers are made in one dimension and reshaped at the end, so that a kernel has one loop whatever the shape is.
#include <skein/ops.h>
#include <skein/random.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "frontend/lib/sampler.h"
#include "frontend/lib/threefry.h"
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"

namespace skein::random {
namespace {

using detail::Call;
using detail::cast;
using detail::emit;
using detail::emit_all;
using detail::emit_iota;
using detail::emit_splat;
using detail::fail;
using detail::Key;

Array run(const char* name, std::span<const Array> operands, const Key& key, const std::function<Array(std::span<const Array>)>& builder) {
  if (detail::tracing()) return builder(operands);
  return detail::staged_all(name, operands, key, [&](std::span<const Array> in) { return std::vector<Array>{builder(in)}; })[0];
}
Array run(const char* name, std::initializer_list<Array> operands, const Key& key, const std::function<Array(std::span<const Array>)>& builder) {
  return run(name, std::span<const Array>(operands.begin(), operands.size()), key, builder);
}

// ---- integers ----

/// The integer that a C++ number was, where the array is one.
std::optional<__int128> known_integer(const Array& array) {
  auto number = detail::known_number(array);
  if (!number) return std::nullopt;
  const detail::Literal& literal = array.impl()->literal;
  switch (literal.kind) {
    case detail::Literal::Kind::unsigned_integer: return static_cast<std::uint64_t>(literal.integer);
    case detail::Literal::Kind::real:
      // The caller converts such an array.
      return std::nullopt;
    default: return literal.integer;
  }
}

struct Range {
  __int128 least, greatest;
};
Range range_of(DType dtype) {
  int width = 8 * static_cast<int>(itemsize(dtype));
  if (is_unsigned(dtype)) return {0, (static_cast<__int128>(1) << width) - 1};
  return {-(static_cast<__int128>(1) << (width - 1)), (static_cast<__int128>(1) << (width - 1)) - 1};
}

/// (a 2^w + b) mod span, from two words a and b of w bits: the bias of a remainder shrinks to span / 2^2w.
Array spread_over(const Array& high_bits, const Array& low_bits, const Array& multiplier, const Array& span) {
  Array high = emit("mul", {emit("rem", {high_bits, span}), multiplier});
  return emit("rem", {emit("add", {high, emit("rem", {low_bits, span})}), span});
}

/// Of bounds that are known: span and multiplier are constants, and the high words are not made where they count nothing.
Array known_randint(const Words& key, std::int64_t n, __int128 low, __int128 high, DType dtype) {
  Range range = range_of(dtype);
  DType word = unsigned_of_size(itemsize(dtype));
  int width = 8 * static_cast<int>(itemsize(dtype));
  unsigned __int128 mask = (static_cast<unsigned __int128>(1) << width) - 1;
  bool beyond = high > range.greatest;
  low = std::min(std::max(low, range.least), range.greatest), high = std::min(std::max(high, range.least), range.greatest);
  // 0 stands for the whole range of the dtype, of which every word is a member.
  unsigned __int128 span = high <= low ? 1 : (static_cast<unsigned __int128>(high - low) + beyond) & mask;
  Array offset = bits_of(split_at(key, 1), n, word);
  if (span) {
    auto constant = [&](unsigned __int128 v) { return emit_splat({n}, static_cast<std::uint64_t>(v), word); };
    unsigned __int128 multiplier = (static_cast<unsigned __int128>(1) << (width / 2)) % span;
    multiplier = (multiplier * multiplier & mask) % span;
    if (multiplier) offset = spread_over(bits_of(split_at(key, 0), n, word), offset, constant(multiplier), constant(span));
    else offset = emit("rem", {offset, constant(span)});
  }
  Array start = is_unsigned(dtype) ? emit_splat({n}, static_cast<std::uint64_t>(low), dtype) : splat({n}, static_cast<std::int64_t>(low), dtype);
  return emit("add", {start, emit("bitcast", {offset}, {{"dtype", dtype}})});
}

/// An integer array in another dtype, numbers out of its range at its ends; exact.
Array clipped(const Array& value, DType dtype) {
  Range from = range_of(value.dtype()), to = range_of(dtype);
  auto bound = [](__int128 v) { return v > INT64_MAX ? Array(static_cast<std::uint64_t>(v)) : Array(static_cast<std::int64_t>(v)); };
  Array low = cast(bound(std::max(from.least, to.least)), value.dtype()), high = cast(bound(std::min(from.greatest, to.greatest)), value.dtype());
  return cast(clip(value, low, high), dtype);
}

Array array_randint(const Words& key, const Shape& shape, Array low, Array high, DType dtype) {
  std::int64_t n = shape.volume();
  DType word = unsigned_of_size(itemsize(dtype));
  int width = 8 * static_cast<int>(itemsize(dtype));
  auto integers = [](const Array& a) { return is_integer(a.dtype()) ? a : cast(a, int32); };
  low = integers(low), high = integers(high);
  Array greatest = clipped(cast(range_of(dtype).greatest > INT64_MAX ? Array(static_cast<std::uint64_t>(range_of(dtype).greatest))
                                                                      : Array(static_cast<std::int64_t>(range_of(dtype).greatest)), dtype), high.dtype());
  Array beyond = high > greatest;
  low = clipped(low, dtype), high = clipped(high, dtype);
  Array some = high > low, one = cast(1, word);
  Array span = where(some, bitcast(high - low, word), one);
  span = where(some & beyond, span + one, span);
  // Remainders by 0, which stands for the whole range, leave a word as it is.
  Array whole = span == cast(0, word), divisor = where(whole, one, span);
  Array multiplier = remainder(cast(std::int64_t{1} << (width / 2), word), divisor);
  multiplier = remainder(multiplier * multiplier, divisor);
  Array low_bits = reshape(bits_of(split_at(key, 1), n, word), shape), high_bits = reshape(bits_of(split_at(key, 0), n, word), shape);
  Array all_spans = broadcast_to(divisor, shape);
  Array offset = spread_over(high_bits, low_bits, broadcast_to(multiplier, shape), all_spans);
  offset = where(whole, low_bits, offset);
  return broadcast_to(low, shape) + bitcast(offset, dtype);
}

// ---- orders ----

/// Rounds of stable sorts by random words: as many as make equal keys in all of them improbable.
Array shuffled(Words key, Array x, std::int64_t axis) {
  double rounds = std::ceil(3 * std::log(static_cast<double>(std::max<std::int64_t>(1, x.size()))) / std::log(4294967295.0));
  Shape shape = x.shape();
  for (int i = 0; i < static_cast<int>(rounds); ++i) {
    Array order = reshape(bits_of(split_at(key, 1), shape.volume(), uint32), shape);
    key = split_at(key, 0);
    x = emit_all("sort", std::vector<Array>{order, x}, {{"dim", axis}})[1];
  }
  return x;
}

Array order_of(const Words& key, std::int64_t n) { return shuffled(key, emit_iota({n}, n > INT32_MAX ? int64 : int32, 0), 0); }

Array permuted(const Words& key, const Array& x, std::int64_t axis, bool independent) {
  if (independent || x.ndim() == 1) return shuffled(key, x, axis);
  return emit("take", {x, order_of(key, x.shape()[static_cast<std::size_t>(axis)])}, {{"dim", axis}});
}

}  // namespace

Array key(const Array& seed, std::source_location where) {
  Call call("random.key", where);
  detail::check_usable(seed);
  if (!seed.shape().empty() || !is_integer(seed.dtype()))
    fail(fmt::format("the seed is an integer scalar, not {}; for many keys split one", detail::describe(seed)));
  // The number may come with every call: an operand, so that all seeds share a program.
  return run("random.key", {cast(seed, seed.dtype())}, {}, [](std::span<const Array> in) {
    const Array& seed = in[0];
    if (itemsize(seed.dtype()) < 8) return key_of({splat({}, 0, uint32), cast(seed, uint32)});
    return key_of({cast(right_shift_logical(seed, 32), uint32), cast(seed, uint32)});
  });
}

Array split(const Array& key, std::int64_t n, std::source_location where) {
  if (n < 0) {
    Call call("random.split", where);
    fail(fmt::format("{} keys cannot be made", n));
  }
  return split(key, Shape(std::vector<std::int64_t>{n}), where);
}

Array split(const Array& key, const Shape& shape, std::source_location where) {
  Call call("random.split", where);
  check_key(key);
  check_shape(shape);
  return run("random.split", {key}, Key(shape), [&](std::span<const Array> in) {
    std::int64_t n = shape.volume();
    Words words = counted(words_of(in[0]), n);
    Shape keys = shape;
    keys.push_back(2);
    return reshape(concatenate({reshape(words.high, {n, 1}), reshape(words.low, {n, 1})}, {.axis = 1}), keys);
  });
}

Array fold_in(const Array& key, const Array& data, std::source_location where) {
  Call call("random.fold_in", where);
  check_key(key);
  detail::check_usable(data);
  if (!data.shape().empty() || !is_integer(data.dtype())) fail(fmt::format("the data is an integer scalar, not {}", detail::describe(data)));
  return run("random.fold_in", {key, cast(data, data.dtype())}, {}, [](std::span<const Array> in) {
    return key_of(threefry(words_of(in[0]), {splat({}, 0, uint32), cast(in[1], uint32)}));
  });
}

Array bits(const Array& key, const Shape& shape, const Options& options, std::source_location where) {
  Call call("random.bits", where);
  check_key(key);
  check_shape(shape);
  DType dtype = options.dtype.value_or(uint32);
  if (!is_unsigned(dtype)) fail(fmt::format("bits come as uint8, uint16, uint32 or uint64, not {}", name(dtype)));
  return run("random.bits", {key}, Key(shape, dtype),
             [&](std::span<const Array> in) { return reshape(bits_of(words_of(in[0]), shape.volume(), dtype), shape); });
}

Array uniform(const Array& key, const Shape& shape, const Options& options, std::source_location where) {
  Call call("random.uniform", where);
  check_key(key);
  check_shape(shape);
  DType dtype = float_dtype(options);
  std::vector<Array> operands{key};
  bool bounded = !options.minval.empty() || !options.maxval.empty();
  if (bounded) {
    operands.push_back(cast(options.minval.empty() ? Array(0) : options.minval, dtype));
    operands.push_back(cast(options.maxval.empty() ? Array(1) : options.maxval, dtype));
    check_broadcast(operands[1], operands[1].shape(), shape, "minval");
    check_broadcast(operands[2], operands[2].shape(), shape, "maxval");
  }
  return run("random.uniform", operands, Key(shape, dtype), [&](std::span<const Array> in) {
    std::int64_t n = shape.volume();
    Array u = unit(words_of(in[0]), n, dtype);
    if (!bounded) return reshape(u, shape);
    if (in[1].shape().empty() && in[2].shape().empty()) return reshape(scaled(u, broadcast_to(in[1], {n}), broadcast_to(in[2], {n})), shape);
    return scaled(reshape(u, shape), broadcast_to(in[1], shape), broadcast_to(in[2], shape));
  });
}

Array normal(const Array& key, const Shape& shape, const Options& options, std::source_location where) {
  Call call("random.normal", where);
  check_key(key);
  check_shape(shape);
  DType dtype = float_dtype(options, true);
  return run("random.normal", {key}, Key(shape, dtype), [&](std::span<const Array> in) {
    std::int64_t n = shape.volume();
    Words words = words_of(in[0]);
    if (!is_complex(dtype)) return reshape(normal_of(words, n, dtype), shape);
    DType real = real_dtype(dtype);
    auto part = [&](std::int64_t i) {
      return emit("div", {normal_of(split_at(words, i), n, real), emit_splat({n}, std::sqrt(2.0), real)});
    };
    return reshape(emit("complex", {part(0), part(1)}), shape);
  });
}

Array randint(const Array& key, const Shape& shape, const Array& low, const Array& high, const Options& options, std::source_location where) {
  Call call("random.randint", where);
  check_key(key);
  check_shape(shape);
  DType dtype = options.dtype.value_or(int32);
  if (!is_integer(dtype)) fail(fmt::format("the dtype is an integer one, not {}", name(dtype)));
  check_broadcast(low, low.shape(), shape, "low");
  check_broadcast(high, high.shape(), shape, "high");
  // Narrow integers are drawn as int32, so that their bias is no greater.
  bool narrow = itemsize(dtype) < 4;
  DType drawn = narrow ? int32 : dtype;
  Range range = range_of(dtype);
  auto least = known_integer(low), most = known_integer(high);
  if (least && most) {
    if (narrow) {
      least = std::clamp<__int128>(static_cast<std::int32_t>(*least), range.least, range.greatest);
      most = std::clamp<__int128>(static_cast<std::int32_t>(*most), range.least, range.greatest + 1);
    }
    Key program(shape, dtype);
    for (__int128 v : {*least, *most}) program.add(static_cast<std::int64_t>(v >> 64)).add(static_cast<std::int64_t>(v));
    return run("random.randint", {key}, program, [&](std::span<const Array> in) {
      return cast(reshape(known_randint(words_of(in[0]), shape.volume(), *least, *most, drawn), shape), dtype);
    });
  }
  return run("random.randint.of_arrays", {key, cast(low, low.dtype()), cast(high, high.dtype())}, Key(shape, dtype), [&](std::span<const Array> in) {
    if (!narrow) return array_randint(words_of(in[0]), shape, in[1], in[2], dtype);
    auto bound = [](__int128 v) { return Array(static_cast<std::int64_t>(v)); };
    Array from = clip(cast(in[1], int32), bound(range.least), bound(range.greatest));
    Array to = clip(cast(in[2], int32), bound(range.least), bound(range.greatest + 1));
    return cast(array_randint(words_of(in[0]), shape, from, to, int32), dtype);
  });
}

Array bernoulli(const Array& key, const Array& p, const std::optional<Shape>& shape, std::source_location where) {
  Call call("random.bernoulli", where);
  check_key(key);
  detail::check_usable(p);
  if (!is_floating(p.dtype())) fail(fmt::format("the probability has a floating dtype, not {}", name(p.dtype())));
  Shape result = shape.value_or(p.shape());
  check_shape(result);
  check_broadcast(p, p.shape(), result, "p");
  return run("random.bernoulli", {key, cast(p, p.dtype())}, Key(result), [&](std::span<const Array> in) {
    return less(reshape(unit(words_of(in[0]), result.volume(), in[1].dtype()), result), in[1]);
  });
}

Array exponential(const Array& key, const Shape& shape, const Options& options, std::source_location where) {
  Call call("random.exponential", where);
  check_key(key);
  check_shape(shape);
  DType dtype = float_dtype(options);
  return run("random.exponential", {key}, Key(shape, dtype), [&](std::span<const Array> in) {
    Array u = unit(words_of(in[0]), shape.volume(), dtype);
    return reshape(emit("neg", {emit("log1p", {emit("neg", {u})})}), shape);
  });
}

Array permutation(const Array& key, std::int64_t n, std::source_location where) {
  Call call("random.permutation", where);
  check_key(key);
  if (n < 0) fail(fmt::format("{} numbers have no order", n));
  return run("random.permutation.of", {key}, Key(n), [&](std::span<const Array> in) { return order_of(words_of(in[0]), n); });
}

Array permutation(const Array& key, const Array& x, const PermutationOptions& options, std::source_location where) {
  Call call("random.permutation", where);
  check_key(key);
  detail::check_usable(x);
  if (x.shape().empty()) fail(fmt::format("an array of one dimension at least is wanted, not {}; for 0 ... n-1 give n as an int", detail::describe(x)));
  std::int64_t axis = detail::normal_axis(options.axis, x.ndim(), x);
  return run("random.permutation", {key, x}, Key(axis, options.independent),
             [&](std::span<const Array> in) { return permuted(words_of(in[0]), in[1], axis, options.independent); });
}

namespace {

/// `from` is empty for a sample of 0 ... n - 1.
Array chosen_from(const Array& key, const Array& from, std::int64_t n, std::int64_t axis, const Shape& shape, const ChoiceOptions& options) {
  check_key(key);
  check_shape(shape);
  const bool weighted = !options.p.empty();
  if (weighted && (!is_floating(options.p.dtype()) || !(options.p.shape() == Shape{n})))
    fail(fmt::format("the weights (.p) are floats, one for each of the {} elements, not {}", n, detail::describe(options.p)));
  std::int64_t draws = shape.volume();
  if (draws > 0 && n <= 0) fail("there is nothing to choose from");
  if (!options.replace && draws > n) fail(fmt::format("{} different elements cannot be drawn from {}; allow .replace", draws, n));
  std::vector<Array> operands{key};
  if (!from.empty()) operands.push_back(from);
  if (weighted) operands.push_back(options.p);
  return run("random.choice", operands, Key(n, axis, shape, options.replace, weighted, from.empty()), [&](std::span<const Array> in) {
    Words words = words_of(in[0]);
    Array chosen;
    if (draws == 0) chosen = emit_splat(shape, 0, int32);
    else if (weighted) chosen = weighted_indices(words, in.back(), shape, options.replace);
    else if (options.replace) chosen = reshape(known_randint(words, draws, 0, n, int32), shape);
    else {
      std::vector<std::int64_t> zero{0}, stop{draws}, one{1};
      chosen = reshape(emit("slice", {order_of(words, n)}, {{"starts", zero}, {"stops", stop}, {"strides", one}}), shape);
    }
    return from.empty() ? chosen : emit("take", {in[1], chosen}, {{"dim", axis}});
  });
}

}  // namespace

Array choice(const Array& key, std::int64_t n, const Shape& shape, const ChoiceOptions& options, std::source_location where) {
  Call call("random.choice", where);
  return chosen_from(key, {}, n, 0, shape, options);
}

Array choice(const Array& key, const Array& from, const Shape& shape, const ChoiceOptions& options, std::source_location where) {
  Call call("random.choice", where);
  detail::check_usable(from);
  if (from.shape().empty()) fail(fmt::format("an array of one dimension at least is wanted, not {}; for 0 ... n-1 give n as an int", detail::describe(from)));
  std::int64_t axis = detail::normal_axis(options.axis, from.ndim(), from);
  return chosen_from(key, from, from.shape()[static_cast<std::size_t>(axis)], axis, shape, options);
}

}  // namespace skein::random
