#pragma once
// The CUDA driver, cuBLAS and NCCL, found at run time: the real ones, or the emulated driver in their place.

#include "runtime/cuda/driver.h"

#include <string>

namespace skein::runtime::cuda {

struct Driver {
#define SKEIN_DECLARE(name, parameters) CUresult(*name) parameters = nullptr;
  SKEIN_CUDA_DRIVER(SKEIN_DECLARE)
#undef SKEIN_DECLARE
};
struct Blas {
#define SKEIN_DECLARE(name, parameters) cublasStatus_t(*name) parameters = nullptr;
  SKEIN_CUBLAS(SKEIN_DECLARE)
#undef SKEIN_DECLARE
};
struct Nccl {
#define SKEIN_DECLARE(name, parameters) ncclResult_t(*name) parameters = nullptr;
  SKEIN_NCCL(SKEIN_DECLARE)
#undef SKEIN_DECLARE
};

/// Loaded at the first call. Throws RuntimeError that says what was looked for and where, or that the driver is too old.
const Driver& driver();
const Blas& blas();
/// Null where the machine has no NCCL, or SKEIN_NCCL=off: collectives then go through the host.
const Nccl* nccl();

/// Whether the emulated driver stands in (SKEIN_PLATFORM=emulated).
bool emulated();
/// Whether a driver with a GPU is there; never throws.
bool any_gpu() noexcept;

/// Throws RuntimeError for what a call of the driver gave, with the driver's own words.
void check(CUresult result, const char* call);

}  // namespace skein::runtime::cuda
