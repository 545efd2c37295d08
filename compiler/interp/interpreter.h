#pragma once
// The reference interpreter: what a program means. Slow and obvious; every backend is compared with it.

#include <functional>
#include <iosfwd>
#include <vector>

#include "compiler/interp/host_array.h"
#include "mlir/IR/BuiltinOps.h"

namespace skein::compiler {

struct InterpretOptions {
  std::ostream* out = nullptr;  // where `print` writes; std::cout if null
  /// Fails where devices differ in a value whose type says that they do not: a test of the type rules.
  bool checkVarying = false;
  /// Sees what each op computed on a device, and may change it; a sum over devices is seen once, with the arrays of
  /// all.
  std::function<void(mlir::Operation*, llvm::ArrayRef<const HostArray*> operands,
                     llvm::MutableArrayRef<HostArray> results)>
      observe = {};
};

/// Runs func @main of the module on the inputs. Throws UserError for a failed `check`, for inputs that do not fit and
/// for an axis that no shard_map around binds.
std::vector<HostArray> interpret(mlir::ModuleOp module, llvm::ArrayRef<HostArray> inputs,
                                 const InterpretOptions& options = {});

/// Whether the interpreter has a meaning for the op ("skein.add").
bool interpreterKnows(llvm::StringRef opName);

}  // namespace skein::compiler
