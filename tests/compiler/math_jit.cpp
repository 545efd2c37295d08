#include "tests/compiler/math_jit.h"

#include "compiler/codegen/math.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace skein::test {
using namespace mlir;

struct CompiledFunction::Impl {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

static OwningOpRef<ModuleOp> emitLoop(MLIRContext& context, const std::string& name, int operands, bool isDouble,
                                      int width) {
  auto location = UnknownLoc::get(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  ImplicitLocOpBuilder b(location, &context);
  b.setInsertionPointToEnd(module->getBody());
  Type pointer = LLVM::LLVMPointerType::get(&context), i64 = b.getI64Type();
  auto function = LLVM::LLVMFuncOp::create(
      b, "entry",
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&context), {pointer, pointer, pointer, pointer, i64}));
  Block* block = function.addEntryBlock(b);
  b.setInsertionPointToStart(block);
  Type element = isDouble ? Type(b.getF64Type()) : Type(b.getF32Type());
  Type type = width ? Type(VectorType::get({width}, element)) : element;
  auto integer = [&](int64_t v) -> Value { return arith::ConstantOp::create(b, b.getI64IntegerAttr(v)); };
  auto loop = scf::ForOp::create(b, integer(0), block->getArgument(4), integer(width ? width : 1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto at = [&](int i) -> Value {
      return LLVM::GEPOp::create(b, pointer, element, block->getArgument(i), ValueRange{loop.getInductionVar()});
    };
    SmallVector<Value> values;
    for (int i = 0; i < operands; ++i) values.push_back(LLVM::LoadOp::create(b, type, at(i), isDouble ? 8 : 4));
    LLVM::StoreOp::create(b, compiler::math::emit(b, name, values), at(3), isDouble ? 8 : 4);
  }
  LLVM::ReturnOp::create(b, ValueRange{});
  return module;
}

CompiledFunction::CompiledFunction(const std::string& name, int operands, bool isDouble, int width, bool plain)
    : impl(std::make_unique<Impl>()) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::cantFail(llvm::orc::JITTargetMachineBuilder::detectHost());
  auto features = llvm::sys::getHostCPUFeatures();
  compiler::math::TargetScope scope(
      {.avx512 = !plain && features["avx512f"] && features["avx512vl"] && features["avx512dq"]});

  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<arith::ArithDialect, cf::ControlFlowDialect, LLVM::LLVMDialect, mlir::math::MathDialect,
                      scf::SCFDialect, vector::VectorDialect>();
  registerBuiltinDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  auto module = emitLoop(context, name, operands, isDouble, width);
  PassManager passes(&context);
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createConvertIndexToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  if (failed(passes.run(*module))) llvm::report_fatal_error("the conversion of a function failed");

  auto llvmContext = std::make_unique<llvm::LLVMContext>();
  auto code = translateModuleToLLVMIR(*module, *llvmContext);
  if (!code) llvm::report_fatal_error("the translation of a function failed");
  auto machine = llvm::cantFail(builder.createTargetMachine());
  code->setDataLayout(machine->createDataLayout());
  code->setTargetTriple(machine->getTargetTriple());
  llvm::PassBuilder pipeline(machine.get());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  pipeline.registerModuleAnalyses(modules);
  pipeline.registerCGSCCAnalyses(graphs);
  pipeline.registerFunctionAnalyses(functions);
  pipeline.registerLoopAnalyses(loops);
  pipeline.crossRegisterProxies(loops, functions, graphs, modules);
  pipeline.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(*code, modules);

  impl->jit = llvm::cantFail(llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create());
  char prefix = impl->jit->getDataLayout().getGlobalPrefix();
  impl->jit->getMainJITDylib().addGenerator(
      llvm::cantFail(llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(prefix)));
  llvm::cantFail(impl->jit->addIRModule(llvm::orc::ThreadSafeModule(std::move(code), std::move(llvmContext))));
  entry = llvm::cantFail(impl->jit->lookup("entry"))
              .toPtr<void (*)(const void*, const void*, const void*, void*, int64_t)>();
}

CompiledFunction::~CompiledFunction() = default;

}  // namespace skein::test
