#pragma once
// How a kernel walks through memory: for each load, the stride along each dimension of the iteration space.

#include "compiler/lowering/element.h"

namespace skein::compiler {

struct Load {
  mlir::Value array;
  llvm::SmallVector<int64_t, 4> strides;  // in elements, along each dimension of the iteration space
  bool irregular = false;                 // not an affine function of it (an index array, a division)
  int64_t times = 1;                      // how often an element of the iteration space reads it
};

/// Loads that computing `root` (of the iteration space's shape) makes, given the strides of what lies in memory.
llvm::SmallVector<Load> loadsOf(mlir::Value root, const llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>>& memory);
/// The whole computation can follow the row-major flat index: no op needs the dimensions apart.
bool followsFlatIndex(mlir::Value root, llvm::function_ref<bool(mlir::Value)> isDense);
/// A result may overwrite `argument`: the computation follows the flat index, and no single element of the argument is read
/// for other elements of the results (a scalar taken out of it).
bool mayOverwrite(mlir::ValueRange roots, mlir::Value argument, llvm::function_ref<bool(mlir::Value)> isDense);
/// Rough cost of computing one element of `root`, in cycles of one vector operation (reductions inside included).
double computeCost(mlir::Value root);
double opCost(mlir::Operation* op);
/// A reduction short enough to be written out inside an element.
bool isInlineReduce(mlir::Operation* op);
bool isReduction(mlir::Operation* op);

}  // namespace skein::compiler
