// Runs passes on a file of IR: mlir-opt for Skein. With --from-stablehlo FILE prints a program of JAX in the dialect.
#include "compiler/compile.h"
#include "compiler/import/stablehlo.h"
#include "compiler/passes.h"
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

namespace {

int printImported(const char* file) {
  try {
    auto context = skein::compiler::makeContext();
    skein::compiler::importStablehloFile(file, *context)->print(llvm::outs());
    return 0;
  } catch (const std::exception& error) {
    llvm::errs() << error.what() << '\n';
    return 1;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && llvm::StringRef(argv[1]) == "--from-stablehlo") return printImported(argv[2]);
  mlir::DialectRegistry registry;
  registry.insert<skein::ir::SkeinDialect, mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect,
                  mlir::math::MathDialect, mlir::memref::MemRefDialect, mlir::scf::SCFDialect,
                  mlir::vector::VectorDialect>();
  mlir::registerTransformsPasses();  // canonicalize, cse...
  skein::compiler::registerPasses();
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Skein's optimiser driver\n", registry));
}
