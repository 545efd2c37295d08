#pragma once
// Making a failing program small.

#include <functional>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace skein::compiler::test {

/// The smallest program found, by dropping results and replacing ops' results by operands and ones, for which `fails`
/// still holds; main keeps its arguments. Stops after `seconds`.
mlir::OwningOpRef<mlir::ModuleOp> shrink(mlir::ModuleOp module, const std::function<bool(mlir::ModuleOp)>& fails,
                                         double seconds);

}  // namespace skein::compiler::test
