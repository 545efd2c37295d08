#pragma once
// Fourier transforms by pocketfft: what compiled programs call for fft.

#include "runtime/abi.h"
#include "runtime/cpu/pool.h"

#include <cstddef>
#include <span>

namespace skein::runtime::cpu {

/// Transforms each of `batch` contiguous arrays of these lengths; `result` and `operand` do not overlap.
void fft(const skein_fft&, const void* operand, void* result, std::span<Worker* const> workers);
/// Whether it is worth more than one thread.
bool worth_threads(const skein_fft&);

/// How many bytes the operand and the result have.
struct FftBytes {
  std::size_t operand, result;
};
FftBytes bytes_of(const skein_fft&);

}  // namespace skein::runtime::cpu
