#pragma once
// Derivatives of programs, as rewriting: a block of ops becomes ops for values and tangents, or a pullback.
//
// Forward mode follows the chain rule op by op: beside each value stands its tangent, none where it is zero. Reverse mode emits
// the values, then walks them backwards with one cotangent each. Both work on blocks whose arguments are the inputs; what a
// block reads from outside is constant unless it is named. A derivative never varies over more mesh axes than its value: what a
// device contributes to a value that all share is summed (psum), whose own derivative is pvary.

#include <memory>

#include "dialects/skein/dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace skein::ir {

struct Derivatives {
  llvm::SmallVector<mlir::Value> values;    // what the block yields
  llvm::SmallVector<mlir::Value> tangents;  // of each; a null one is zero
};

/// Emits at `b` the block's ops with `arguments` for its arguments, and the tangents of what it yields. `tangents`: of each
/// argument, null where it is zero. `outside`: further values that the block reads, with their tangents. Failure: an op has no
/// derivative, which an error at the op's location says.
mlir::FailureOr<Derivatives> pushForward(mlir::OpBuilder& b, mlir::Block& block, mlir::ValueRange arguments, llvm::ArrayRef<mlir::Value> tangents,
                                         const llvm::DenseMap<mlir::Value, mlir::Value>& outside, AxesAttr mesh);

class Tape;

/// Reverse mode: the constructor's ops give the values, `pull` what each argument contributes.
class Pullback {
 public:
  /// Emits at `b` the block's ops with `arguments` for its arguments. `outside`: further values that the block reads, whose
  /// cotangents are wanted too. `mesh`: the axes in force, none outside shard_map.
  Pullback(mlir::OpBuilder& b, mlir::Block& block, mlir::ValueRange arguments, llvm::ArrayRef<mlir::Value> outside, AxesAttr mesh);
  /// What the block yields.
  llvm::ArrayRef<mlir::Value> values() const { return values_; }
  /// Emits at `b` the cotangents of the arguments, then of `outside`; a null one is zero. `cotangents`: of each value, null where
  /// it is zero. May be called several times.
  mlir::FailureOr<llvm::SmallVector<mlir::Value>> pull(mlir::OpBuilder& b, llvm::ArrayRef<mlir::Value> cotangents);

 private:
  llvm::SmallVector<mlir::Value> arguments_, outside_, values_;
  AxesAttr mesh_;
  std::shared_ptr<Tape> tape_;  // the ops as emitted; the block itself is read no more
};

/// A tensor type's zero, as a constant.
mlir::Value zeroOf(mlir::OpBuilder& b, mlir::Location loc, mlir::Type type);
/// Whether values of the type have derivatives: of floats and complex numbers.
bool isDifferentiable(mlir::Type type);

}  // namespace skein::ir
