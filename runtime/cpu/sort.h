#pragma once
// Sorting of rows, with arrays that are carried along.

#include "runtime/cpu/pool.h"

#include <skein/base/dtype.h>

#include <cstdint>
#include <span>

namespace skein::runtime::cpu {

/// Whether sorting so much is faster with other threads' help: many rows, or long ones.
bool worth_threads(std::int64_t rows, std::int64_t length);

/// Sorts each of `rows` rows of `length` keys ascending and stable (NaN last, -0 equal to 0; complex numbers by real,
/// then imaginary part), and moves the payloads' elements with their keys. In place.
void sort_rows(DType, std::int64_t rows, std::int64_t length, void* keys, std::span<const std::int32_t> payload_bytes,
               void* const* payloads, std::span<Worker* const> workers);

}  // namespace skein::runtime::cpu
