// Compiled and interpreted programs.
#include "frontend/jit/backend.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <list>
#include <mutex>
#include <sstream>
#include <unordered_map>

#include "compiler/compile.h"
#include "compiler/interp/interpreter.h"
#include "dialects/skein/types.h"
#include "frontend/trace/emit.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "runtime/device.h"
#include "runtime/executable.h"
#include "runtime/mpi/world.h"
#include "runtime/print.h"

namespace skein::detail {
namespace {

class CompiledBackend : public Backend {
 public:
  explicit CompiledBackend(std::shared_ptr<const compiler::Program> program) : program_(std::move(program)) {}
  void run(std::span<void* const> buffers) const override { runtime::run(program_->executable, buffers); }
  int alias(int result) const override {
    return result < static_cast<int>(program_->aliases.size()) ? program_->aliases[static_cast<std::size_t>(result)]
                                                               : -1;
  }
  bool on_gpus() const override { return program_->executable.on_gpus; }
  std::string text() const override { return program_->text(); }
  std::string cost() const override { return program_->costJson; }
  std::string memory() const override { return program_->memoryJson; }

 private:
  std::shared_ptr<const compiler::Program> program_;
};

std::string print(mlir::ModuleOp module, bool locations) {
  std::string text;
  llvm::raw_string_ostream out(text);
  mlir::OpPrintingFlags flags;
  if (locations) flags.enableDebugInfo(true, false);
  module->print(out, flags);
  return text;
}

class InterpretedBackend : public Backend {
 public:
  explicit InterpretedBackend(mlir::ModuleOp module) : text_(print(module, true)), context_(compiler::makeContext()) {
    module_ = mlir::parseSourceString<mlir::ModuleOp>(text_, context_.get());
    auto type = module_->lookupSymbol<mlir::func::FuncOp>("main").getFunctionType();
    for (mlir::Type input : type.getInputs()) inputs_.push_back(describe(input));
  }
  void run(std::span<void* const> buffers) const override {
    std::lock_guard lock(mutex_);  // MLIR's folders may touch the context
    std::vector<HostArray> values = inputs_;
    for (std::size_t i = 0; i < values.size(); ++i)
      std::copy_n(static_cast<const char*>(buffers[i]), values[i].data.size(),
                  reinterpret_cast<char*>(values[i].data.data()));
    std::vector<HostArray> results = interpret(*module_, values);
    for (std::size_t i = 0; i < results.size(); ++i)
      std::copy_n(reinterpret_cast<const char*>(results[i].data.data()), results[i].data.size(),
                  static_cast<char*>(buffers[inputs_.size() + i]));
  }
  std::string text() const override { return text_; }
  std::string cost() const override { return "{}"; }
  std::string memory() const override { return "{}"; }

 private:
  using HostArray = compiler::HostArray;
  static std::vector<HostArray> interpret(mlir::ModuleOp module, const std::vector<HostArray>& inputs) {
    std::ostringstream out;
    auto results = compiler::interpret(module, inputs, {.out = &out});
    std::string text = std::move(out).str();
    if (!text.empty()) {
      text.pop_back();  // the last line's end
      runtime::print_line(text);
    }
    return results;
  }
  static HostArray describe(mlir::Type type) {
    auto array = ir::arrayType(type);
    HostArray host;
    host.dtype = *ir::dtypeOf(array.getElementType());
    host.shape.assign(array.getShape().begin(), array.getShape().end());
    host.data.resize(static_cast<std::size_t>(array.getNumElements()) * itemsize(host.dtype));
    return host;
  }

  std::string text_;
  std::unique_ptr<mlir::MLIRContext> context_;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::vector<HostArray> inputs_;
  mutable std::mutex mutex_;
};

/// The programs used last, by their text with its locations (which errors of a run name).
class Kept {
 public:
  std::shared_ptr<const Backend> find(const std::string& text) {
    std::lock_guard lock(mutex_);
    auto found = index_.find(text);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }
  void add(const std::string& text, std::shared_ptr<const Backend> backend) {
    std::lock_guard lock(mutex_);
    if (index_.count(text)) return;
    entries_.emplace_front(text, std::move(backend));
    index_[entries_.front().first] = entries_.begin();
    while (entries_.size() > limit) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

 private:
  static constexpr std::size_t limit = 128;
  std::mutex mutex_;
  std::list<std::pair<std::string, std::shared_ptr<const Backend>>> entries_;
  std::unordered_map<std::string_view, decltype(entries_)::iterator> index_;
};

}  // namespace

std::shared_ptr<const Backend> make_backend(mlir::ModuleOp module, const std::vector<int>& donated, bool keep) {
  static auto* kept = new Kept;  // not destroyed: programs may run until the very end
  std::string text;
  if (keep) {
    text = print(module, true);
    if (auto found = kept->find(text)) return found;
  }
  static const bool interpreted = [] {
    const char* chosen = std::getenv("SKEIN_EXECUTE");
    return chosen && std::strcmp(chosen, "interpreter") == 0;
  }();
  std::shared_ptr<const Backend> backend;
  compiler::CompileOptions options{.donated = donated};
  if (const runtime::mpi::World* world = runtime::mpi::world()) {
    const runtime::mpi::Process& me = world->processes()[static_cast<std::size_t>(world->rank())];
    options.firstDevice = me.first_device, options.devices = me.devices;
  }
  options.gpu = runtime::gpu_architecture(), options.emulated = runtime::platform() == runtime::Platform::emulated;
  if (interpreted && runtime::mpi::world())
    throw UserError("SKEIN_EXECUTE=interpreter runs a mesh in one process alone; start one process, or leave it unset",
                    current_op(), current_location());
  if (interpreted)
    backend = std::make_shared<InterpretedBackend>(module);
  else
    backend = std::make_shared<CompiledBackend>(compiler::compile(module, options));
  if (keep) kept->add(text, backend);
  return backend;
}

}  // namespace skein::detail
