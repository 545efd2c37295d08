#include "compiler/codegen/gpu/ptx.h"

#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "runtime/abi.h"
#include "skein/base/error.h"

namespace skein::compiler {

static std::unique_ptr<llvm::TargetMachine> machineFor(const std::string& architecture) {
  static const bool once = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)once;
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target) throw InternalError("this LLVM has no code generator for GPUs: " + error, "compile");
  llvm::TargetOptions options;
  // What may be contracted says so; elementary functions in two parts depend on each rounding.
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  // The oldest PTX that knows the architecture, so that old drivers load it.
  const bool three = architecture.size() > 5;  // sm_100 and later
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, architecture, three ? "+ptx86" : "+ptx78", options, llvm::Reloc::PIC_, std::nullopt, llvm::CodeGenOptLevel::Aggressive));
}

static void lowerKernels(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  mlir::LowerToLLVMOptions options(context);
  options.overrideIndexBitwidth(64);
  mlir::LLVMTypeConverter types(context, options);
  mlir::configureGpuToNVVMTypeConverter(types);
  mlir::RewritePatternSet patterns(context);
  mlir::populateSCFToControlFlowConversionPatterns(patterns);
  mlir::arith::populateArithToLLVMConversionPatterns(types, patterns);
  // Before the patterns that call NVIDIA's library: elementary functions are ours, what is left are instructions.
  mlir::populateMathToLLVMConversionPatterns(types, patterns, /*approximateLog1p=*/false, /*benefit=*/10);
  mlir::populateVectorToLLVMConversionPatterns(types, patterns);
  mlir::cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  mlir::populateFuncToLLVMConversionPatterns(types, patterns);
  mlir::populateGpuToNVVMConversionPatterns(types, patterns);
  mlir::LLVMConversionTarget target(*context);
  target.addLegalOp<mlir::ModuleOp>();
  target.addLegalDialect<mlir::NVVM::NVVMDialect>();
  if (mlir::failed(mlir::applyFullConversion(module, target, std::move(patterns)))) throw InternalError("a GPU kernel does not lower to LLVM", "compile");
  for (auto function : module.getOps<mlir::LLVM::LLVMFuncOp>())
    if (!function.isExternal()) function->setAttr(mlir::NVVM::NVVMDialect::getKernelFuncAttrName(), mlir::UnitAttr::get(context));
}

static void write(const std::string& file, llvm::function_ref<void(llvm::raw_ostream&)> print) {
  std::error_code code;
  llvm::raw_fd_ostream out(file, code);
  if (!code) print(out);
}

std::string compileKernels(mlir::ModuleOp kernels, const Target& target, const std::string& dump) {
  lowerKernels(kernels);
  llvm::LLVMContext context;
  auto machine = machineFor(target.gpu);
  auto module = mlir::translateModuleToLLVMIR(kernels, context);
  if (!module) throw InternalError("a GPU kernel does not translate to LLVM", "compile");
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(machine.get());
  machine->registerPassBuilderCallbacks(passes);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(graph);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, graph, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(*module, modules);
  if (!dump.empty()) write(dump + "/kernels.ll", [&](llvm::raw_ostream& out) { module->print(out, nullptr); });
  std::string image = target.emulated ? SKEIN_EMULATED_LINE : "";
  std::string bitcode;
  if (target.emulated) {
    llvm::raw_string_ostream out(bitcode);
    llvm::WriteBitcodeToFile(*module, out);
  }
  llvm::SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager emit;
  if (machine->addPassesToEmitFile(emit, stream, nullptr, llvm::CodeGenFileType::AssemblyFile)) throw InternalError("no code for this GPU", "compile");
  emit.run(*module);
  if (!dump.empty()) write(dump + "/kernels.ptx", [&](llvm::raw_ostream& out) { out << text; });
  image += text.str();
  image.push_back('\0');
  if (target.emulated) {
    const uint64_t size = bitcode.size();
    image += SKEIN_EMULATED_MAGIC;
    image.append(reinterpret_cast<const char*>(&size), sizeof size);
    image += bitcode;
  }
  return image;
}

}  // namespace skein::compiler
