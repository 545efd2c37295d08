#pragma once
// The entry points that this library exports, as runtime/cuda/driver.h declares them: a definition of another type does
// not compile.

#include "runtime/cuda/driver.h"

namespace skein::runtime::emulated {

using namespace cuda;

extern "C" {
#define SKEIN_EMULATED_DRIVER(name, parameters) __attribute__((visibility("default"))) CUresult name parameters;
SKEIN_CUDA_DRIVER(SKEIN_EMULATED_DRIVER)
#define SKEIN_EMULATED_CUBLAS(name, parameters) __attribute__((visibility("default"))) cublasStatus_t name parameters;
SKEIN_CUBLAS(SKEIN_EMULATED_CUBLAS)
#define SKEIN_EMULATED_NCCL(name, parameters) __attribute__((visibility("default"))) ncclResult_t name parameters;
SKEIN_NCCL(SKEIN_EMULATED_NCCL)
}

}  // namespace skein::runtime::emulated
