#pragma once
// GPU kernels as PTX: from the gpu and nvvm dialects through LLVM's NVPTX back end.

#include <string>

#include "compiler/codegen/kernel.h"
#include "mlir/IR/BuiltinOps.h"

namespace skein::compiler {

/// The kernels of a module as what the driver loads: PTX for the architecture `target.gpu`, and for the emulated driver behind
/// it the LLVM module that the back end was given (skein_gpu_module in runtime/abi.h). `dump`: the folder that kernels.ll and kernels.ptx go
/// to, or "".
std::string compileKernels(mlir::ModuleOp kernels, const Target& target, const std::string& dump);

}  // namespace skein::compiler
