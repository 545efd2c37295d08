#pragma once
// The steps of the pipeline that rewrite the dialect; pipeline.cpp runs them in order.

#include "dialects/skein/dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace skein::compiler {

void inlineCalls(mlir::ModuleOp module);        // skein.call and its functions disappear, and rules of derivatives
void cheapenPowers(mlir::func::FuncOp);         // x ** -1.5, 1 / sqrt(x), x ** 2
void lowerContractions(mlir::func::FuncOp);     // dot_general: matrix products that a BLAS takes, or products and sums
void lowerCollectives(mlir::func::FuncOp);      // onto leading dimensions, one block after another
void lowerSorts(mlir::func::FuncOp);            // along the last dimension
void fuse(mlir::func::FuncOp);                  // kernels

}  // namespace skein::compiler
