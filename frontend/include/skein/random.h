#pragma once
// Random numbers that depend on a key and on the element's place alone, never on the number of devices: Threefry-2x32
// with 20 rounds (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011), counters laid out as
// JAX does by default. A key is uint32[2]; it makes the same numbers every time: split it, or fold a number in, for others.

#include <skein/array.h>

namespace skein::random {

/// Which dtype (bits: uint32; randint: int32; others: float32) and, for uniform, which interval: [0, 1).
struct Options {
  std::optional<DType> dtype = {};
  Array minval = {};
  Array maxval = {};
};

/// The key of an integer seed: its high and its low 32 bits. The high ones are 0 for seeds of 32 bits and fewer.
SKEIN_API Array key(const Array& seed, std::source_location = std::source_location::current());
/// `n` keys that are independent of each other: uint32[n,2].
SKEIN_API Array split(const Array& key, std::int64_t n = 2, std::source_location = std::source_location::current());
/// As many keys as the shape has elements: uint32[shape...,2].
SKEIN_API Array split(const Array& key, const Shape& shape, std::source_location = std::source_location::current());
/// The key of a key and a number, an integer scalar: of a rank, of a step.
SKEIN_API Array fold_in(const Array& key, const Array& data, std::source_location = std::source_location::current());

/// Random bits in uint8, uint16, uint32 or uint64.
SKEIN_API Array bits(const Array& key, const Shape& shape = {}, const Options& = {}, std::source_location = std::source_location::current());
/// Numbers in [minval, maxval), which broadcast to the shape.
SKEIN_API Array uniform(const Array& key, const Shape& shape = {}, const Options& = {}, std::source_location = std::source_location::current());
/// Numbers with mean 0 and variance 1; complex ones have it altogether.
SKEIN_API Array normal(const Array& key, const Shape& shape = {}, const Options& = {}, std::source_location = std::source_location::current());
/// Integers in [low, high), which broadcast to the shape; `low` where that is empty.
SKEIN_API Array randint(const Array& key, const Shape& shape, const Array& low, const Array& high, const Options& = {},
                        std::source_location = std::source_location::current());
/// True with probability p, which broadcasts to the shape (by default it has it).
SKEIN_API Array bernoulli(const Array& key, const Array& p = 0.5, const std::optional<Shape>& shape = {},
                          std::source_location = std::source_location::current());
/// Numbers with density exp(-x).
SKEIN_API Array exponential(const Array& key, const Shape& shape = {}, const Options& = {},
                            std::source_location = std::source_location::current());

struct PermutationOptions {
  int axis = 0;
  bool independent = false;  // each line along the axis in an order of its own
};
/// 0 ... n - 1 in random order: int32[n].
SKEIN_API Array permutation(const Array& key, std::int64_t n, std::source_location = std::source_location::current());
/// The array with its slices along an axis in random order.
SKEIN_API Array permutation(const Array& key, const Array& x, const PermutationOptions& = {},
                            std::source_location = std::source_location::current());

struct ChoiceOptions {
  bool replace = true;
  Array p = {};
  int axis = 0;
};
/// A sample of 0 ... n - 1. Throws UserError for more than n without replacement.
SKEIN_API Array choice(const Array& key, std::int64_t n, const Shape& shape = {}, const ChoiceOptions& = {},
                       std::source_location = std::source_location::current());
/// A sample of the array's slices along an axis, whose place the shape takes.
SKEIN_API Array choice(const Array& key, const Array& from, const Shape& shape = {}, const ChoiceOptions& = {},
                       std::source_location = std::source_location::current());

}  // namespace skein::random
