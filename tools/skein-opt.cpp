// Runs passes on a file of IR: mlir-opt for Skein.
#include "dialects/skein/dialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

#if __has_include("compiler/passes.h")
#include "compiler/passes.h"
#define SKEIN_HAS_PASSES 1
#endif

int main(int argc, char** argv) {
  mlir::DialectRegistry registry;
  registry.insert<skein::ir::SkeinDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect>();
  mlir::registerTransformsPasses();  // canonicalize, cse...
#ifdef SKEIN_HAS_PASSES
  skein::compiler::registerPasses();
#endif
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Skein's optimiser driver\n", registry));
}
