#pragma once
// Which scalars of a program for a GPU are in the GPU's memory.
//
// A program for a GPU runs on the host and asks the GPU for kernels. Scalars that follow from constants, axis indices and loop
// counters alone it computes itself; all others depend on what the GPU computes, and reading them would wait for it. Those
// stay there, and the ops that compute them become kernels.

#include "dialects/skein/dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace skein::compiler {

llvm::DenseSet<mlir::Value> findDeviceScalars(mlir::func::FuncOp function);

/// The mark of an op on scalars that is computed by a kernel.
inline constexpr llvm::StringLiteral kDeviceScalar = "on_device";
void markDeviceScalars(mlir::func::FuncOp function);

}  // namespace skein::compiler
