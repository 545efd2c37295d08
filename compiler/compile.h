#pragma once
// From a traced program to something that runs.

#include <memory>
#include <string>
#include <vector>

#include "mlir/IR/BuiltinOps.h"
#include "runtime/executable.h"

namespace skein::compiler {

/// A context with every dialect that the compiler uses; one for each thread that compiles.
std::unique_ptr<mlir::MLIRContext> makeContext();

struct Program {
  runtime::Executable executable;
  std::vector<int> aliases;  // per output: the donated input whose buffer it reuses, or -1
  std::string text() const;  // the program after all passes of the dialect
  std::string irText, costJson, memoryJson;
};

struct CompileOptions {
  std::vector<int> donated;  // inputs whose buffers may be overwritten
  /// Where the process is one of several: the first of its devices among all, and how many they are. Arrays that are split over
  /// processes (arguments with the attribute skein.sharding, results of shard_map) are then the process's own blocks, one
  /// behind the other.
  std::int64_t firstDevice = 0, devices = 0;
  /// The architecture of the GPUs that the program is for ("sm_90"), "" for this host; `emulated`: they are the emulated ones.
  std::string gpu = {};
  bool emulated = false;
};

/// Compiles `func @main` of the module, which is rewritten on the way. Throws UserError, RuntimeError (a cache folder that
/// cannot be used) or InternalError.
std::shared_ptr<const Program> compile(mlir::ModuleOp module, const CompileOptions& options = {});

/// The kernels of `func @main` as PTX for a GPU ("sm_90").
std::string kernelsAsPtx(mlir::ModuleOp module, const std::string& gpu);

}  // namespace skein::compiler
