#pragma once
// Matrix products by the BLAS library of the system, loaded when first used.

#include "runtime/abi.h"
#include "runtime/cpu/pool.h"

#include <span>
#include <string>

namespace skein::runtime::cpu {

/// C[b] = A[b] x B[b], split over this thread and the workers. Throws RuntimeError if there is no BLAS library.
void matmul(const skein_matmul&, const void* a, const void* b, void* c, std::span<Worker* const> workers);

/// Multiplications and additions below this are not worth a second thread.
bool worth_threads(const skein_matmul&);

/// The library and the kernels that it uses, "libopenblas.so.0 (SkylakeX)"; "" before the first use and without one.
std::string blas_description();

/// A Fortran routine of the library ("dpotrf_"), null if it has none of this name. Throws RuntimeError if there is none.
void* blas_symbol(const char* name);

}  // namespace skein::runtime::cpu
