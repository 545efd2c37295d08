// The compiler, read from top to bottom.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/cache.h"
#include "compiler/codegen/cpu/jit.h"
#include "compiler/codegen/gpu/ptx.h"
#include "compiler/codegen/program.h"
#include "compiler/compile.h"
#include "compiler/log.h"
#include "compiler/transforms/device_scalars.h"
#include "compiler/transforms/transforms.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/StringExtras.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "nlohmann/json.hpp"
#include "skein/base/error.h"

namespace skein::compiler {

using namespace mlir;

std::unique_ptr<MLIRContext> makeContext() {
  DialectRegistry registry;
  registry.insert<ir::SkeinDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect, gpu::GPUDialect, LLVM::LLVMDialect, math::MathDialect, NVVM::NVVMDialect, scf::SCFDialect, ub::UBDialect,
                  vector::VectorDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  auto context = std::make_unique<MLIRContext>(registry, MLIRContext::Threading::DISABLED);
  context->loadAllAvailableDialects();
  return context;
}

namespace {

std::string print(ModuleOp module, bool locations = false) {
  std::string text;
  llvm::raw_string_ostream out(text);
  OpPrintingFlags flags;
  if (locations) flags.enableDebugInfo(true, false);
  module.print(out, flags);
  return text;
}

/// Runs the steps, times them, and shows what each did.
class Steps {
 public:
  Steps(ModuleOp module, std::string folder, int first = 0) : module(module), folder(std::move(folder)), count(first) {}
  int done() const { return count; }

  /// `rewrites`: the step changes the module, which is worth comparing and showing.
  void run(const char* name, llvm::function_ref<void()> step, bool rewrites = true) {
    bool watched = !folder.empty() || logging("compile");
    std::string before = watched ? print(module) : "";
    auto start = std::chrono::steady_clock::now();
    step();
    double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (!watched) return;
    std::string after = print(module);
    char line[160];
    std::snprintf(line, sizeof line, "%-22s %8.2f ms%s", name, ms, rewrites && before == after ? "  unchanged" : "");
    log("compile", line);
    if (!folder.empty()) {
      char file[64];
      std::snprintf(file, sizeof file, "/%02d_%s.mlir", count++, name);
      std::ofstream(folder + file) << after;
    }
  }

 private:
  ModuleOp module;
  std::string folder;
  int count;
};

/// A folder of its own for each program, below the one that SKEIN_DUMP_IR names; none without it.
std::string dumpFolder() {
  const char* root = std::getenv("SKEIN_DUMP_IR");
  if (!root || !*root) return {};
  static std::atomic<int> programs = 0;
  char name[32];
  std::snprintf(name, sizeof name, "/program_%04d", programs++);
  std::filesystem::create_directories(std::string(root) + name);
  return std::string(root) + name;
}

void simplify(ModuleOp module) {
  // Folds and common subexpressions; two rounds reach what the first uncovers.
  MLIRContext* context = module.getContext();
  RewritePatternSet patterns(context);
  for (Dialect* dialect : context->getLoadedDialects())
    if (dialect->getNamespace() == ir::SkeinDialect::getDialectNamespace()) dialect->getCanonicalizationPatterns(patterns);
  FrozenRewritePatternSet frozen(std::move(patterns));
  PassManager passes(context);
  passes.addPass(createCSEPass());
  (void)applyPatternsGreedily(module, frozen);
  (void)passes.run(module);
}

std::string costOf(const ProgramCode& code, ModuleOp module) {
  nlohmann::json json;
  int64_t kernels = 0, bytes = 0;
  module.walk([&](ir::KernelOp op) {
    ++kernels;
    auto add = [&](Value v) { bytes += volume(ir::arrayType(v).getShape()) * byteSize(ir::arrayType(v).getElementType()); };
    for (Value v : op.getInputs()) add(v);
    for (Value v : op.getResults()) add(v);
  });
  json["kernels"] = kernels;
  json["kernel_bytes"] = bytes;
  json["estimated_seconds_one_core"] = code.work * 1e-9;
  return json.dump(2);
}

std::string memoryOf(const ProgramCode& code, llvm::ArrayRef<int64_t> inputs, llvm::ArrayRef<int64_t> outputs) {
  nlohmann::json json;
  auto sum = [](llvm::ArrayRef<int64_t> list) {
    int64_t all = 0;
    for (int64_t v : list) all += v;
    return all;
  };
  json["argument_bytes"] = sum(inputs);
  json["output_bytes"] = sum(outputs);
  json["temporary_bytes"] = code.arenaBytes;
  int64_t aliased = 0;
  for (auto [i, alias] : llvm::enumerate(code.aliases))
    if (alias >= 0) aliased += outputs[i];
  json["aliased_bytes"] = aliased;
  return json.dump(2);
}

/// From the traced program to kernels and what lies between them.
void formKernels(Steps& steps, ModuleOp module, func::FuncOp main, const Target& target) {
  steps.run("simplify", [&] { simplify(module); });
  steps.run("powers", [&] { cheapenPowers(main); });
  steps.run("contractions", [&] { lowerContractions(main); });
  steps.run("collectives", [&] { lowerCollectives(main); });
  steps.run("sorts", [&] { lowerSorts(main); });
  steps.run("simplify_again", [&] { simplify(module); });
  if (!target.gpu.empty()) steps.run("device_scalars", [&] { markDeviceScalars(main); });
  steps.run("fusion", [&] { fuse(main); });
}

int64_t bytesOf(Type type) { return volume(ir::arrayType(type).getShape()) * byteSize(ir::arrayType(type).getElementType()); }

}  // namespace

std::string Program::text() const { return irText; }

std::shared_ptr<const Program> compile(ModuleOp module, const CompileOptions& options) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main) throw UserError("the program has no function @main", "compile");
  llvm::SmallVector<int64_t> inputBytes, outputBytes;
  for (Type type : main.getArgumentTypes()) inputBytes.push_back(bytesOf(type));
  for (Type type : main.getResultTypes()) outputBytes.push_back(bytesOf(type));

  auto program = std::make_shared<Program>();
  auto finish = [&](const CachedProgram& cached) {
    const bool onGpus = !options.gpu.empty();
    LinkedCode linked = linkObject(cached.object, cached.entry, onGpus);
    auto& executable = program->executable;
    executable.entry = reinterpret_cast<skein_program>(linked.entry);
    executable.code = linked.keep;
    executable.on_gpus = onGpus;
    if (onGpus) executable.kernels = runtime::loaded_kernels(static_cast<skein_gpu_module*>(linked.kernels));
    executable.inputs = static_cast<int>(inputBytes.size());
    executable.outputs = static_cast<int>(outputBytes.size());
    executable.output_bytes.assign(outputBytes.begin(), outputBytes.end());
    executable.arena_bytes = cached.arenaBytes;
    executable.may_fail = cached.mayFail;
    executable.parallel = cached.parallel;
    executable.work = cached.work;
    program->aliases = cached.aliases;
    program->irText = cached.irText;
    program->costJson = cached.costJson;
    program->memoryJson = cached.memoryJson;
    return program;
  };

  std::string folder = dumpFolder();
  Steps steps(module, folder);
  steps.run("inline", [&] { inlineCalls(module); });
  Target target = hostTarget();
  target.firstDevice = options.firstDevice, target.devices = options.devices;
  target.gpu = options.gpu, target.emulated = options.emulated;
  std::string place = targetName();
  if (!target.gpu.empty()) place += "\n" + target.gpu + (target.emulated ? " emulated" : "");
  // With one device each, all processes run the same code.
  if (options.devices > 0) place += "\ndevices " + std::to_string(options.devices) + (options.devices > 1 ? " from " + std::to_string(options.firstDevice) : "");
  std::string key = cacheKey(print(module, true), options.donated, place);
  if (auto cached = loadCached(key)) return finish(*cached);

  formKernels(steps, module, main, target);
  CachedProgram made;
  made.irText = print(module);
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc());
  OwningOpRef<ModuleOp> kernels = ModuleOp::create(module.getLoc());
  ProgramCode emitted;
  Steps lowering(*code, folder, steps.done());
  lowering.run("emit", [&] { emitted = emitProgram(*code, *kernels, main, options.donated, target); });
  if (!target.gpu.empty()) lowering.run("kernels", [&] { addImage(*code, compileKernels(*kernels, target, folder)); });
  lowering.run("llvm", [&] { lowerToLLVM(*code); });
  lowering.run("machine_code", [&] { made.object = compileObject(*code, folder); }, /*rewrites=*/false);
  made.entry = emitted.entry;
  made.arenaBytes = emitted.arenaBytes;
  made.mayFail = emitted.mayFail;
  made.parallel = emitted.parallel;
  made.work = static_cast<int64_t>(emitted.work);
  made.aliases = emitted.aliases;
  made.costJson = costOf(emitted, module);
  made.memoryJson = memoryOf(emitted, inputBytes, outputBytes);
  storeCached(key, made);
  return finish(made);
}

std::string kernelsAsPtx(ModuleOp module, const std::string& gpu) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main) throw UserError("the program has no function @main", "compile");
  Target target = hostTarget();
  target.gpu = gpu;
  std::string folder = dumpFolder();
  Steps steps(module, folder);
  steps.run("inline", [&] { inlineCalls(module); });
  formKernels(steps, module, main, target);
  OwningOpRef<ModuleOp> code = ModuleOp::create(module.getLoc()), kernels = ModuleOp::create(module.getLoc());
  emitProgram(*code, *kernels, main, {}, target);
  std::string text = compileKernels(*kernels, target, folder);
  text.pop_back();  // the zero at its end
  return text;
}

}  // namespace skein::compiler
