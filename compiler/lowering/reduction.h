#pragma once
// How each reduction accumulates: in short runs of the element type (`step`), folded into a wider total.
//
// Sums of floats are at least as exact as pairwise summation, whatever the length: few elements (vectors that are loaded
// together, in pairs; rows of a column, at most kSumRows) are added in their own precision, and these sums in float64. In
// float64 itself a total is two numbers, the second what the additions to the first have lost (Neumaier, 1974).
// Moments keep a running mean, take deviations from it within a block, and merge blocks as Chan, Golub and LeVeque (1983) do.

#include "compiler/lowering/element.h"

namespace skein::compiler {

constexpr int64_t kSumRows = 8;

class Reduction {
 public:
  Reduction(ElementEmitter& emitter, mlir::Operation* op);

  mlir::Operation* op;
  mlir::Type element;  // of the operand

  using Values = llvm::SmallVector<mlir::Value, 2>;
  /// A run that holds nothing yet; `lanes`: of vectors, 0: of scalars; `wide`: sums of floats in float64.
  Values start(int64_t lanes, bool wide = false);
  /// One more element, or vector of elements (where `mask` is set, if there is one), of as many lanes as the run, more or
  /// fewer; `index` along the reduced dimension; `total`: what the blocks before gave.
  Values step(llvm::ArrayRef<mlir::Value> run, Elem x, mlir::Value index, llvm::ArrayRef<mlir::Value> total, mlir::Value mask = {});
  /// A sum whose total is two numbers, the second what additions to the first have lost: in float64 there is nothing wider.
  bool compensated() const;
  bool addsFloats() const { return kind == Kind::Sum && !llvm::isa<mlir::IntegerType>(element); }
  /// The run of these terms, added in pairs.
  Values sumOf(llvm::ArrayRef<Elem> terms, bool lanes);
  /// The run of all lanes together.
  Values horizontal(llvm::ArrayRef<mlir::Value> run);
  /// A total of nothing; `first`: some element of the data.
  Values startTotal(Elem first);
  /// The total with a run of `count` elements added to the `before` elements it holds (both f64).
  Values fold(llvm::ArrayRef<mlir::Value> total, mlir::Value before, llvm::ArrayRef<mlir::Value> run, mlir::Value count);
  Values combine(llvm::ArrayRef<mlir::Value> x, mlir::Value countX, llvm::ArrayRef<mlir::Value> y, mlir::Value countY);
  llvm::SmallVector<Elem, 2> finish(llvm::ArrayRef<mlir::Value> total);

  /// How many lanes a run has best, where so many vectors are taken at a time.
  int64_t runLanes(int64_t lanes, int64_t vectors) const { return kind == Kind::Moments ? lanes * vectors : lanes; }
  llvm::SmallVector<mlir::Type, 2> runTypes(int64_t lanes, bool wide);
  llvm::SmallVector<mlir::Type, 2> totalTypes();  // of scalars

 private:
  enum class Kind { Sum, Prod, Max, Min, And, Or, Argmax, Argmin, Moments } kind;
  ElementEmitter& e;
  Builder& b;
  bool is_float, is_unsigned, is_complex;
  mlir::Type runElement;  // of one value of a run
  Values merge(llvm::ArrayRef<mlir::Value> x, llvm::ArrayRef<mlir::Value> y);  // two runs, or two totals but of moments
  Values fitted(Values x, int64_t lanes);  // halves merged until so many lanes are left, or filled up with nothing
  mlir::Value better(mlir::Value x, mlir::Value xi, mlir::Value y, mlir::Value yi);
  mlir::Value widened(mlir::Value v);
  mlir::Value splat(mlir::Value scalar, mlir::Value like);
};

}  // namespace skein::compiler
