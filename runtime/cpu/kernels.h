#pragma once
// Loops over elements, compiled once for each level of vector instructions that machines have.

#include <cstddef>
#include <cstdint>

namespace skein::runtime::cpu {

struct ReduceArguments {
  int dtype = 0;      // skein::DType
  int reduction = 0;  // skein::runtime::Reduction
  int inputs = 0;
  const void* const* input = nullptr;
  int outputs = 0;
  void* const* output = nullptr;  // all get the same; each may be one of the inputs
  std::int64_t begin = 0, end = 0;
  bool streaming = false;  // the result is too large to stay in the caches
};

/// output[i] = ((input0[i] + input1[i]) + ...) for begin <= i < end. Returns false for a dtype that has no such
/// reduction.
bool reduce(const ReduceArguments&);

/// memcpy that leaves the caches alone.
void copy_streaming(void* to, const void* from, std::int64_t bytes);

#define SKEIN_KERNELS(level)                                           \
  namespace level {                                                    \
  bool reduce(const ReduceArguments&);                                 \
  void copy_streaming(void* to, const void* from, std::int64_t bytes); \
  }
SKEIN_KERNELS(v2)
SKEIN_KERNELS(v3)
SKEIN_KERNELS(v4)
#undef SKEIN_KERNELS

}  // namespace skein::runtime::cpu
