#pragma once
// From a function of kernels, collectives and loops to the code that one device runs.
//
// Arrays get places as they are made: the caller's output where they are returned, a carry's next buffer where they are
// yielded, else a piece of the arena that is free again after the last use. Scalars stay in registers.

#include <string>

#include "compiler/codegen/kernel.h"

namespace skein::compiler {

struct ProgramCode {
  std::string entry;              // symbol: void(skein_context*, void* const* buffers, char* arena)
  int64_t arenaBytes = 0;         // of one device's temporaries
  double work = 0;                // nanoseconds on one core
  double meetings = 0;            // collectives that one device runs
  bool mayFail = false;           // holds checks or runs on a mesh
  bool parallel = false;
  int collectives = 0;            // their descriptors are numbered through
  std::vector<int> aliases;       // per output: the donated input that it overwrites, or -1
};

/// Emits the program `function` (after fusion) into `module`, as functions of the func, scf, arith, vector and LLVM dialects; kernels
/// for a GPU into `kernels`.
ProgramCode emitProgram(mlir::ModuleOp module, mlir::ModuleOp kernels, mlir::func::FuncOp function, llvm::ArrayRef<int> donated, const Target& target);
/// The symbol of a program's skein_gpu_module.
inline constexpr llvm::StringLiteral kGpuModule = "skein_gpu_module_of_program";
/// Puts what the kernels for a GPU were compiled to into the program that launches them.
void addImage(mlir::ModuleOp module, const std::string& image);

}  // namespace skein::compiler
