#include "compiler/codegen/cpu/jit.h"

#include <dlfcn.h>

#include <cmath>
#include <mutex>

#include "compiler/codegen/program.h"
#include "compiler/log.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "runtime/symbols.h"
#include "skein/base/error.h"

namespace skein::compiler {

namespace {

struct Host {
  std::string cpu, features, triple;
  std::unique_ptr<llvm::TargetMachine> machine() const {
    std::string error;
    const llvm::Target* target = llvm::TargetRegistry::lookupTarget(llvm::Triple(triple), error);
    if (!target) throw InternalError("no code generator for " + triple + ": " + error, "compile");
    llvm::TargetOptions options;
    options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
    return std::unique_ptr<llvm::TargetMachine>(
        target->createTargetMachine(llvm::Triple(triple), cpu, features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default, true));
  }
};

const Host& host() {
  static const Host instance = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    Host h;
    h.cpu = llvm::sys::getHostCPUName().str();
    llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
    // The bfloat16 conversions of AVX-512 flush subnormal numbers.
    features["avx512bf16"] = features["avxneconvert"] = false;
    for (auto& feature : features) h.features += (h.features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
    h.triple = llvm::sys::getProcessTriple();
    return h;
  }();
  return instance;
}

// LLVM rounds to bfloat16 by a library call where the processor has no instruction for it; the C library here has none.
__bf16 truncateSingle(float x) {
  auto bits = __builtin_bit_cast(uint32_t, x);
  bits = x != x ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
  return __builtin_bit_cast(__bf16, static_cast<uint16_t>(bits >> 16));
}
__bf16 truncateDouble(double x) {
  // Through float32 rounded to odd, so that only the second rounding counts.
  float single = static_cast<float>(x);
  auto bits = __builtin_bit_cast(uint32_t, single);
  if (std::abs(static_cast<double>(single)) > std::abs(x)) --bits;
  if (static_cast<double>(single) != x && x == x) bits |= 1;
  return truncateSingle(__builtin_bit_cast(float, bits));
}

[[noreturn]] void fail(const std::string& what, llvm::Error error) { throw InternalError(what + ": " + llvm::toString(std::move(error)), "compile"); }

llvm::orc::LLJIT& jit() {
  static llvm::orc::LLJIT* instance = [] {
    host();
    llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(host().triple)};
    auto created = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(builder).create();
    if (!created) fail("the linker of compiled code does not start", created.takeError());
    auto& lljit = *created->release();
    llvm::orc::SymbolMap symbols;
    auto add = [&](const char* name, auto* function) {
      symbols[lljit.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
    };
    for (const runtime::Symbol& symbol : runtime::abi_symbols()) add(symbol.name, symbol.address);
    add("__truncsfbf2", &truncateSingle);
    add("__truncdfbf2", &truncateDouble);
    if (auto error = lljit.getMainJITDylib().define(llvm::orc::absoluteSymbols(symbols))) fail("the runtime's entry points", std::move(error));
    // libm is there; vectors of its functions live in a library of their own.
    ::dlopen("libmvec.so.1", RTLD_NOW | RTLD_GLOBAL);
    auto process = llvm::orc::DynamicLibrarySearchGenerator::GetForCurrentProcess(lljit.getDataLayout().getGlobalPrefix());
    if (!process) fail("the process' symbols", process.takeError());
    lljit.getMainJITDylib().addGenerator(std::move(*process));
    return &lljit;
  }();
  return *instance;
}

}  // namespace

Target hostTarget() {
  Target target;
  const std::string& features = host().features;
  auto has = [&](const char* feature) { return ("," + features + ",").find(std::string(",+") + feature + ",") != std::string::npos; };
  target.vectorBytes = has("avx512f") && has("avx512vl") && has("avx512bw") && has("avx512dq") ? 64 : has("avx2") ? 32 : 16;
  return target;
}

const std::string& targetName() {
  static const std::string name = host().triple + "/" + host().cpu + "/" + host().features + "/llvm" LLVM_VERSION_STRING;
  return name;
}

void lowerToLLVM(mlir::ModuleOp module) {
  mlir::MLIRContext* context = module.getContext();
  mlir::LowerToLLVMOptions options(context);
  mlir::LLVMTypeConverter types(context, options);
  mlir::RewritePatternSet patterns(context);
  mlir::populateSCFToControlFlowConversionPatterns(patterns);
  mlir::arith::populateArithToLLVMConversionPatterns(types, patterns);
  mlir::populateMathToLLVMConversionPatterns(types, patterns);
  mlir::populateVectorToLLVMConversionPatterns(types, patterns);
  mlir::cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  mlir::populateFuncToLLVMConversionPatterns(types, patterns);
  mlir::LLVMConversionTarget target(*context);
  target.addLegalOp<mlir::ModuleOp>();
  if (mlir::failed(mlir::applyFullConversion(module, target, std::move(patterns)))) throw InternalError("a kernel does not lower to LLVM", "compile");
}

std::string compileObject(mlir::ModuleOp module, const std::string& dump) {
  llvm::LLVMContext context;
  auto machine = host().machine();
  auto translated = mlir::translateModuleToLLVMIR(module, context);
  if (!translated) throw InternalError("a kernel does not translate to LLVM", "compile");
  translated->setDataLayout(machine->createDataLayout());
  translated->setTargetTriple(llvm::Triple(host().triple));
  std::string width = std::to_string(hostTarget().vectorBytes * 8);
  for (llvm::Function& function : *translated) {
    function.addFnAttr("target-cpu", host().cpu);
    function.addFnAttr("target-features", host().features);
    function.addFnAttr("prefer-vector-width", width);
    function.addFnAttr("min-legal-vector-width", width);
    function.addFnAttr("no-builtins");
    if (!function.isDeclaration() && (function.getName().contains("_kernel") || function.getName().contains("_copy"))) function.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graph;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // Kernels come vectorised and blocked from the emitter.
  tuning.LoopVectorization = false;
  tuning.SLPVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder passes(machine.get(), tuning);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(graph);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, graph, modules);
  auto pipeline = passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2);
  pipeline.run(*translated, modules);
  if (!dump.empty()) {
    std::error_code code;
    llvm::raw_fd_ostream out(dump + "/optimised.ll", code);
    if (!code) translated->print(out, nullptr);
  }
  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager emit;
  if (machine->addPassesToEmitFile(emit, stream, nullptr, llvm::CodeGenFileType::ObjectFile)) throw InternalError("no object code for this machine", "compile");
  emit.run(*translated);
  return std::string(object.begin(), object.end());
}

LinkedCode linkObject(const std::string& object, const std::string& entry, bool hasKernels) {
  static std::mutex mutex;
  static std::atomic<uint64_t> counter = 0;
  std::lock_guard lock(mutex);
  auto& lljit = jit();
  auto library = lljit.createJITDylib("program" + std::to_string(counter++));
  if (!library) fail("linking compiled code", library.takeError());
  library->addToLinkOrder(lljit.getMainJITDylib());
  auto buffer = llvm::MemoryBuffer::getMemBufferCopy(object, "skein");
  if (auto error = lljit.addObjectFile(*library, std::move(buffer))) fail("linking compiled code", std::move(error));
  auto symbol = lljit.lookup(*library, entry);
  if (!symbol) fail("linking compiled code", symbol.takeError());
  auto* dylib = &*library;
  std::shared_ptr<void> keep(dylib, [](void* p) {
    std::lock_guard lock(mutex);
    auto& session = jit().getExecutionSession();
    if (auto error = session.removeJITDylib(*static_cast<llvm::orc::JITDylib*>(p))) llvm::consumeError(std::move(error));
  });
  LinkedCode linked{keep, symbol->toPtr<void*>()};
  if (hasKernels) {
    auto kernels = lljit.lookup(*library, kGpuModule);
    if (!kernels) fail("linking compiled code", kernels.takeError());
    linked.kernels = kernels->toPtr<void*>();
  }
  return linked;
}

}  // namespace skein::compiler
