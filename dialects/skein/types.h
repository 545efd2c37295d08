#pragma once
// Traced types: builtin ranked tensors whose encoding holds varying axes and dynamic sizes.

#include <skein/base/dtype.h>

#include <optional>
#include <string>

#include "dialects/skein/dialect.h"

namespace skein::ir {

using Axes = llvm::SmallVector<mlir::StringAttr, 2>;  // sorted by name

mlir::RankedTensorType arrayType(mlir::Value value);
mlir::RankedTensorType arrayType(mlir::Type type);

/// The mesh axes over which values of the type vary, sorted.
llvm::ArrayRef<mlir::StringAttr> varying(mlir::Type type);
/// The union of the axes of all types.
Axes joinVarying(mlir::TypeRange types);
/// A static array type that varies over `axes`.
mlir::RankedTensorType makeType(llvm::ArrayRef<int64_t> shape, mlir::Type element, llvm::ArrayRef<mlir::StringAttr> axes);
/// The same shape and dtype, varying over `axes` instead; sizes of dynamic dimensions stay.
mlir::RankedTensorType withVarying(mlir::RankedTensorType type, llvm::ArrayRef<mlir::StringAttr> axes);
/// The same with another dtype.
mlir::RankedTensorType withElement(mlir::RankedTensorType type, mlir::Type element);

/// The MLIR element type of a dtype, and back (nothing for a type that no dtype has).
mlir::Type elementType(mlir::MLIRContext* context, DType dtype);
std::optional<DType> dtypeOf(mlir::Type element);

/// As the user reads it: float32[10000,3]{V:gpus}, float32[n<=15,3]. `meshOrder` orders the axes; others follow by name.
std::string describe(mlir::Type type, llvm::ArrayRef<std::string> meshOrder = {});

}  // namespace skein::ir
