#pragma once
// From a skein.kernel op to GPU kernels: functions of the gpu dialect's thread and block numbers, shuffles and barriers.
//
// The elements come from the same rules as on the CPU (lowering/element.h); here is only who computes which: a thread a few
// elements of a map, a warp or a block a row of a reduction, a block a tile of columns.

#include "compiler/codegen/kernel.h"

namespace skein::compiler {

/// One launch. All stages of a kernel take the same parameters: inputs, outputs, then the scratch buffer, eight bytes each;
/// scalars that the program holds are passed by value (complex ones as two).
struct GpuStage {
  std::string name;
  int64_t grid = 0;   // blocks
  int64_t block = 0;  // threads of one
};

struct GpuKernelCode {
  llvm::SmallVector<GpuStage, 2> stages;
  int64_t scratchBytes = 0;
};

/// Emits the kernel's functions into the module that `b` stands in.
GpuKernelCode emitGpuKernel(Builder& b, const KernelRequest& request, llvm::StringRef name);

}  // namespace skein::compiler
