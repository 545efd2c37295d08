#include "runtime/emulated/module.h"

#include "runtime/emulated/block.h"
#include "runtime/emulated/half.h"
#include "runtime/emulated/rewrite.h"

#include <cstring>

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ThreadSafeModule.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

namespace skein::runtime::emulated {
namespace {

[[noreturn]] void fail(CUresult code, const std::string& what, llvm::Error error) {
  throw Failure{code, what + ": " + llvm::toString(std::move(error))};
}

// ---- what the host's code generator calls where the processor has no instruction ----
// The 16-bit types travel in vector registers; to the calling convention the two are the same.

_Float16 single_to_half(float x) { return std::bit_cast<_Float16>(float_to_half(x)); }
_Float16 double_to_half(double x) { return single_to_half(narrow_to_odd(x)); }
float half_to_single(_Float16 x) { return half_to_float(std::bit_cast<std::uint16_t>(x)); }
_Float16 single_to_bfloat(float x) { return std::bit_cast<_Float16>(float_to_bfloat(x)); }
_Float16 double_to_bfloat(double x) { return single_to_bfloat(narrow_to_odd(x)); }

// ---- the compiler ----

struct Compiler {
  std::mutex mutex;  // it serves one module at a time
  std::unique_ptr<llvm::orc::LLJIT> jit;
  unsigned modules = 0;
};

llvm::orc::JITTargetMachineBuilder host_machine() {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  llvm::orc::JITTargetMachineBuilder builder{llvm::Triple(llvm::sys::getProcessTriple())};
  builder.setCPU(llvm::sys::getHostCPUName().str());
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  // The bfloat16 conversions of AVX-512 flush subnormal numbers.
  features["avx512bf16"] = features["avxneconvert"] = false;
  std::string text;
  for (auto& feature : features)
    text += (text.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  builder.setFeatures(text);
  // Kernels were optimised for the GPU already, and most of them run once.
  builder.setCodeGenOptLevel(llvm::CodeGenOptLevel::Less);
  return builder;
}

void define_helpers(llvm::orc::LLJIT& jit) {
  llvm::orc::SymbolMap symbols;
  auto add = [&](const char* name, void* address) {
    symbols[jit.mangleAndIntern(name)] = {llvm::orc::ExecutorAddr::fromPtr(address),
                                          llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  };
  for (const Helper& helper : helpers()) add(helper.name, helper.address);
  add("__truncsfhf2", reinterpret_cast<void*>(&single_to_half));
  add("__truncdfhf2", reinterpret_cast<void*>(&double_to_half));
  add("__extendhfsf2", reinterpret_cast<void*>(&half_to_single));
  add("__truncsfbf2", reinterpret_cast<void*>(&single_to_bfloat));
  add("__truncdfbf2", reinterpret_cast<void*>(&double_to_bfloat));
  if (llvm::Error error = jit.getMainJITDylib().define(llvm::orc::absoluteSymbols(std::move(symbols))))
    fail(CUDA_ERROR_UNKNOWN, "the emulated GPU's helpers", std::move(error));
}

Compiler& compiler() {
  static Compiler& instance = *[] {
    auto made = std::make_unique<Compiler>();
    auto jit = llvm::orc::LLJITBuilder()
                   .setJITTargetMachineBuilder(host_machine())
                   .setPlatformSetUp(llvm::orc::setUpInactivePlatform)
                   .create();
    if (!jit) fail(CUDA_ERROR_UNKNOWN, "the emulated GPU's compiler does not start", jit.takeError());
    made->jit = std::move(*jit);
    define_helpers(*made->jit);
    return made.release();
  }();
  return instance;
}

/// The bitcode behind the text, copied to where words are aligned.
std::unique_ptr<llvm::MemoryBuffer> bitcode_of(const char* image) {
  const std::size_t first = sizeof EMULATED_FIRST_LINE - 1, mark = sizeof EMULATED_MAGIC - 1;
  if (std::strncmp(image, EMULATED_FIRST_LINE, first) != 0)
    throw Failure{CUDA_ERROR_INVALID_IMAGE, "the image has no LLVM module for the emulated GPU"};
  const char* at = image + std::strlen(image) + 1;
  if (std::memcmp(at, EMULATED_MAGIC, mark) != 0)
    throw Failure{CUDA_ERROR_INVALID_IMAGE, "no LLVM module follows the image's text"};
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, at + mark, sizeof bytes);
  return llvm::MemoryBuffer::getMemBufferCopy(llvm::StringRef(at + mark + sizeof bytes, bytes), "image");
}

void check_module([[maybe_unused]] const llvm::Module& module) {
#ifndef NDEBUG
  std::string problem;
  llvm::raw_string_ostream stream(problem);
  if (llvm::verifyModule(module, &stream))
    throw Failure{CUDA_ERROR_INVALID_PTX, "a rewritten module is invalid: " + problem};
#endif
}

}  // namespace

struct Module::Code {
  llvm::orc::ThreadSafeModule waiting;      // until it is compiled
  llvm::orc::ResourceTrackerSP tracker;     // afterwards
  std::vector<Rewriter::Table> tables;
};

Module::Module(Context& context) : context(context) {}

std::shared_ptr<Module> Module::load(const void* image, Context& context) {
  require(image != nullptr, "no image");
  std::unique_ptr<llvm::MemoryBuffer> bitcode = bitcode_of(static_cast<const char*>(image));
  Compiler& c = compiler();
  auto llvm_context = std::make_unique<llvm::LLVMContext>();
  llvm_context->setDiscardValueNames(true);
  auto parsed = llvm::parseBitcodeFile(bitcode->getMemBufferRef(), *llvm_context);
  if (!parsed) fail(CUDA_ERROR_INVALID_IMAGE, "the image's LLVM module", parsed.takeError());
  unsigned number = 0;
  {
    std::lock_guard lock(c.mutex);
    number = c.modules++;
  }
  Rewriter rewriter(**parsed, c.jit->getDataLayout(), c.jit->getTargetTriple(),
                    "skein_emulated_module" + std::to_string(number));
  rewriter.run();
  check_module(**parsed);
  std::shared_ptr<Module> module(new Module(context));
  module->code_ = std::make_unique<Code>();
  module->code_->waiting = llvm::orc::ThreadSafeModule(std::move(*parsed), std::move(llvm_context));
  module->code_->tables = std::move(rewriter.tables);
  module->kernels_ = std::move(rewriter.kernels);
  for (auto& kernel : module->kernels_) {
    if (kernel->static_bytes > most_shared)
      throw Failure{CUDA_ERROR_INVALID_PTX, "kernel " + kernel->name + " has " + std::to_string(kernel->static_bytes) +
                                                " bytes of shared memory of fixed size; 49152 are the most"};
    kernel->module = module.get(), kernel->context = &context, kernel->tables = &module->tables_;
    kernel->dynamic_limit = most_shared - kernel->static_bytes;
  }
  module->handle = module;
  return module;
}

Module::~Module() {
  if (!code_ || !code_->tracker) return;
  std::lock_guard lock(compiler().mutex);
  if (llvm::Error error = code_->tracker->remove()) llvm::consumeError(std::move(error));
}

void Module::compile() {
  Compiler& c = compiler();
  std::lock_guard lock(c.mutex);
  code_->tracker = c.jit->getMainJITDylib().createResourceTracker();
  if (llvm::Error error = c.jit->addIRModule(code_->tracker, std::move(code_->waiting)))
    fail(CUDA_ERROR_INVALID_PTX, "a module for the emulated GPU", std::move(error));
  auto address_of = [&](const std::string& symbol) {
    auto found = c.jit->lookup(symbol);
    if (!found) fail(CUDA_ERROR_INVALID_PTX, "a module for the emulated GPU", found.takeError());
    return *found;
  };
  for (const Rewriter::Table& table : code_->tables)
    tables_.push_back({address_of(table.symbol).getValue(), table.bytes});
  for (auto& kernel : kernels_) kernel->entry = address_of(kernel->symbol).toPtr<void (*)(const void*)>();
}

Kernel& Module::kernel(const std::string& name) {
  std::lock_guard lock(mutex_);
  for (auto& kernel : kernels_) {
    if (kernel->name != name) continue;
    if (!kernel->entry) {
      if (code_->tracker) throw Failure{CUDA_ERROR_INVALID_PTX, {}};  // failed before
      compile();
    }
    return *kernel;
  }
  throw Failure{CUDA_ERROR_NOT_FOUND, "the module has no kernel " + name};
}

}  // namespace skein::runtime::emulated
