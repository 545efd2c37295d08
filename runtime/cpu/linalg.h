#pragma once
// Factorisations of matrices by the LAPACK of the system, which OpenBLAS contains: what compiled programs call for the linalg family.

#include "runtime/abi.h"
#include "runtime/cpu/pool.h"

#include <cstddef>
#include <span>
#include <vector>

namespace skein::runtime::cpu {

/// Each matrix of the batch, split over this thread and the workers. Inputs and outputs are dense and do not overlap. NaN where there
/// is no factorisation. Throws RuntimeError if there is no LAPACK.
void linalg(const skein_linalg&, const void* const* inputs, void* const* outputs, std::span<Worker* const> workers);
bool worth_threads(const skein_linalg&);

/// The bytes of each input and output.
struct LinalgSizes {
  std::vector<std::size_t> inputs, outputs;
};
LinalgSizes sizes_of(const skein_linalg&);

}  // namespace skein::runtime::cpu
