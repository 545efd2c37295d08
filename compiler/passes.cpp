#include "compiler/passes.h"

#include "compiler/codegen/cpu/jit.h"
#include "compiler/codegen/program.h"
#include "compiler/transforms/device_scalars.h"
#include "compiler/transforms/transforms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassRegistry.h"
#include "skein/base/error.h"

namespace skein::compiler {

using namespace mlir;

namespace {

struct Step {
  const char* argument;
  const char* description;
  void (*run)(ModuleOp);
};

func::FuncOp mainOf(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main) throw UserError("the module has no function @main", "skein-opt");
  return main;
}

template <void (*rewrite)(func::FuncOp)>
void onEachFunction(ModuleOp module) {
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal()) rewrite(function);
}

void inlineModule(ModuleOp module) {
  mainOf(module);
  inlineCalls(module);
}

void emitModule(ModuleOp module) {
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
  emitProgram(*code, {}, mainOf(module), {}, hostTarget());
  module.getBodyRegion().takeBody(code->getBodyRegion());
}

/// The kernels stand in a module of their own inside.
void emitForGpu(ModuleOp module) {
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
  ModuleOp kernels = ModuleOp::create(module.getLoc(), "kernels");
  Target target = hostTarget();
  target.gpu = "sm_90";
  emitProgram(*code, kernels, mainOf(module), {}, target);
  code->push_back(kernels);
  module.getBodyRegion().takeBody(code->getBodyRegion());
}

constexpr Step kSteps[] = {
    {"skein-inline", "inline the calls of @main", inlineModule},
    {"skein-powers", "powers and reciprocal roots in their cheapest form", onEachFunction<cheapenPowers>},
    {"skein-contractions", "contractions as matrix products, or as products and sums", onEachFunction<lowerContractions>},
    {"skein-collectives", "collectives over the leading dimension", onEachFunction<lowerCollectives>},
    {"skein-sorts", "sorts along the last dimension", onEachFunction<lowerSorts>},
    {"skein-fusion", "group ops into kernels", onEachFunction<fuse>},
    {"skein-emit", "@main as scf, arith, vector and llvm, for this machine", emitModule},
    {"skein-device-scalars", "mark the scalars that a GPU computes", onEachFunction<markDeviceScalars>},
    {"skein-emit-gpu", "@main as a program that launches kernels, and these, for a GPU", emitForGpu},
    {"skein-llvm", "scf, arith, math, vector and func as llvm", lowerToLLVM},
};

class StepPass : public PassWrapper<StepPass, OperationPass<ModuleOp>> {
 public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(StepPass)

  explicit StepPass(const Step& step) : step(&step) {}
  StringRef getArgument() const final { return step->argument; }
  StringRef getDescription() const final { return step->description; }
  StringRef getName() const final { return step->argument; }
  void getDependentDialects(DialectRegistry& registry) const final {
    registry.insert<ir::SkeinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect, LLVM::LLVMDialect,
                    math::MathDialect, NVVM::NVVMDialect, scf::SCFDialect, ub::UBDialect, vector::VectorDialect>();
  }
  void runOnOperation() final {
    try {
      step->run(getOperation());
    } catch (const Error& error) {  // MLIR is compiled without exceptions
      getOperation().emitError(error.what());
      signalPassFailure();
    }
  }

 private:
  const Step* step;
};

}  // namespace

void registerPasses() {
  for (const Step& step : kSteps) registerPass([&step]() -> std::unique_ptr<Pass> { return std::make_unique<StepPass>(step); });
}

}  // namespace skein::compiler
