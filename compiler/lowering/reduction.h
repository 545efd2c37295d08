#pragma once
// How each reduction accumulates: in short runs of the element type (`step`), folded into a wider total.
//
// Sums of floats run in their own precision for a block of at most kBlockSteps elements a lane and are then added to a
// float64 total, so that the error does not grow with the length: at least as exact as pairwise summation. Moments keep
// a running mean, take deviations from it within a block, and merge blocks as Chan, Golub and LeVeque (1983) do.

#include "compiler/lowering/element.h"

namespace skein::compiler {

class Reduction {
 public:
  Reduction(ElementEmitter& emitter, mlir::Operation* op);

  mlir::Operation* op;
  mlir::Type element;  // of the operand

  using Values = llvm::SmallVector<mlir::Value, 2>;
  /// A run that holds nothing yet; `lanes`: of vectors.
  Values start(bool lanes);
  /// One more element; `index` along the reduced dimension; `total`: what the blocks before gave.
  Values step(llvm::ArrayRef<mlir::Value> run, Elem x, mlir::Value index, llvm::ArrayRef<mlir::Value> total);
  /// The run of all lanes together.
  Values horizontal(llvm::ArrayRef<mlir::Value> run);
  /// A total of nothing; `first`: some element of the data.
  Values startTotal(Elem first);
  /// The total with a run of `count` elements added to the `before` elements it holds (both f64).
  Values fold(llvm::ArrayRef<mlir::Value> total, mlir::Value before, llvm::ArrayRef<mlir::Value> run, mlir::Value count);
  Values combine(llvm::ArrayRef<mlir::Value> x, mlir::Value countX, llvm::ArrayRef<mlir::Value> y, mlir::Value countY);
  llvm::SmallVector<Elem, 2> finish(llvm::ArrayRef<mlir::Value> total);

  llvm::SmallVector<mlir::Type, 2> runTypes(bool lanes);
  llvm::SmallVector<mlir::Type, 2> totalTypes();  // of scalars

 private:
  enum class Kind { Sum, Prod, Max, Min, And, Or, Argmax, Argmin, Moments } kind;
  ElementEmitter& e;
  Builder& b;
  bool is_float, is_unsigned, is_complex;
  mlir::Type runElement;  // of one value of a run
  Values merge(llvm::ArrayRef<mlir::Value> x, llvm::ArrayRef<mlir::Value> y);  // two runs, or two totals but of moments
  mlir::Value better(mlir::Value x, mlir::Value xi, mlir::Value y, mlir::Value yi);
  mlir::Value widened(mlir::Value v);
  mlir::Value splat(mlir::Value scalar, mlir::Value like);
};

}  // namespace skein::compiler
