#pragma once
// What the type rules of several families share. Diagnostics are written for the user; the numbers are docs/spec.md's.

#include <optional>

#include "dialects/skein/types.h"

namespace skein::ir {

enum class Domain { Any, Number, RealNumber, Ordered, Integer, Bits, Float, Inexact, Complex };
enum class Image { Same, Bool, Real, Complex, Index };

using MaybeLoc = std::optional<mlir::Location>;
using Types = llvm::SmallVectorImpl<mlir::Type>;

/// Reports `message` as the op's error, prefixed by its constraint's number, and fails.
mlir::LogicalResult refuse(MaybeLoc loc, llvm::StringRef constraint, const llvm::Twine& message);
/// An op's name without the dialect's prefix.
llvm::StringRef plainName(llvm::StringRef op);
/// "float32[3], int32[4]"
std::string describeAll(mlir::TypeRange types);
std::string describeShape(llvm::ArrayRef<int64_t> shape);

bool inDomain(mlir::Type element, Domain domain);
mlir::LogicalResult checkDomain(MaybeLoc loc, llvm::StringRef op, mlir::Type element, Domain domain);
/// The dtype that `image` makes of an operand's.
mlir::Type imageOf(mlir::Type element, Image image);
/// Fails unless every entry is a different dimension of an array of that rank.
mlir::LogicalResult checkDims(MaybeLoc loc, llvm::StringRef constraint, llvm::ArrayRef<int64_t> dims, mlir::RankedTensorType type);

mlir::LogicalResult inferElementwise(MaybeLoc, llvm::StringRef op, mlir::ValueRange operands, Domain, Image, Types& results);
mlir::LogicalResult inferReduce(MaybeLoc, llvm::StringRef op, mlir::ValueRange operands, llvm::ArrayRef<int64_t> dims, Domain, Image,
                                Types& results);
mlir::LogicalResult inferAllReduce(MaybeLoc, llvm::StringRef op, mlir::ValueRange operands, AxesAttr axes, mlir::ArrayAttr groups,
                                   Types& results);

/// Folds of elementwise ops: identities (x + 0, x * 1, ...) and splats of constants.
mlir::OpFoldResult foldElementwise(mlir::Operation* op, llvm::ArrayRef<mlir::Attribute> operands);

}  // namespace skein::ir
