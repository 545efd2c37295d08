#pragma once
// Machine code: from the LLVM dialect to an object, and from an object into this process.

#include <memory>
#include <string>

#include "compiler/codegen/kernel.h"
#include "mlir/IR/BuiltinOps.h"

namespace skein::compiler {

/// What the kernels are compiled for: this machine.
Target hostTarget();
/// Names the CPU, its features and the compiler: part of every cache key.
const std::string& targetName();

/// Lowers scf, arith, math, vector and func to the LLVM dialect.
void lowerToLLVM(mlir::ModuleOp module);
/// Optimised machine code, as a relocatable object; `dump`: the folder that optimised.ll goes to, or "".
std::string compileObject(mlir::ModuleOp module, const std::string& dump);

/// The object linked into the process; the handle keeps it.
struct LinkedCode {
  std::shared_ptr<void> keep;
  void* entry = nullptr;
  void* kernels = nullptr;  // its skein_gpu_module, of a program for GPUs
};
LinkedCode linkObject(const std::string& object, const std::string& entry, bool hasKernels);

}  // namespace skein::compiler
