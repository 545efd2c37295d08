#pragma once
// StableHLO, which is how JAX prints its programs, as Skein's own ops. Input is MLIR in generic form: text or bytecode,
// read with upstream MLIR alone. What has no meaning here is a UserError that names the op and its place in the file.

#include <string>

#include "dialects/skein/dialect.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace skein::compiler {

/// Reads a StableHLO module; `file` names it in errors. The ops stay unregistered, the context's settings what they were.
mlir::OwningOpRef<mlir::ModuleOp> parseStablehlo(llvm::StringRef text, const std::string& file, mlir::MLIRContext& context);

/// func @main of a StableHLO module, with all that it calls, as a new module in the same context that `compile` takes.
mlir::OwningOpRef<mlir::ModuleOp> importStablehlo(mlir::ModuleOp source);
/// The same from text or bytecode.
mlir::OwningOpRef<mlir::ModuleOp> importStablehlo(llvm::StringRef text, const std::string& file, mlir::MLIRContext& context);
/// The same from a file. RuntimeError if it cannot be read.
mlir::OwningOpRef<mlir::ModuleOp> importStablehloFile(const std::string& path, mlir::MLIRContext& context);

/// Appends the ops of func @main of a StableHLO module to a block and gives its results. The arguments have main's shapes
/// and dtypes. Inside shard_map, `varying` names axes with their sizes: all that is made here varies over them.
llvm::SmallVector<mlir::Value> inlineStablehlo(mlir::OpBuilder& builder, mlir::ModuleOp source, mlir::ValueRange arguments,
                                               ir::AxesAttr varying = {});

}  // namespace skein::compiler
