#pragma once
// What random numbers are made of, within a program: keys as pairs of words, counted words, bits, numbers of one dimension.

#include <skein/array.h>

#include "frontend/trace/emit.h"

namespace skein::random {

/// A pair of words of one shape: a key (scalars), or what threefry makes.
struct Words {
  Array high, low;
};

/// The words of a key, uint32[2], and back.
Words words_of(const Array& key);
Array key_of(const Words& words);

/// Threefry-2x32 of counters under a key.
Words threefry(const Words& key, const Words& counter);
/// The i-th key of a split.
Words split_at(const Words& key, std::int64_t i);
/// The words of n counters from 0 on, 64-bit numbers in two words: the high one is 0 up to 2^32.
Words counted(const Words& key, std::int64_t n);

/// n random words of an unsigned dtype.
Array bits_of(const Words& key, std::int64_t n, DType dtype);
/// n numbers in [0, 1): random bits as the mantissa of a number in [1, 2), less 1.
Array unit(const Words& key, std::int64_t n, DType dtype);
/// Numbers in [0, 1) brought to [low, high), of one shape and dtype.
Array scaled(const Array& unit, const Array& low, const Array& high);
/// n numbers of the normal distribution, of a real dtype.
Array normal_of(const Words& key, std::int64_t n, DType dtype);

DType unsigned_of_size(std::size_t bytes);
/// A constant of that shape.
Array splat(const Shape& shape, std::int64_t value, DType dtype);

}  // namespace skein::random
