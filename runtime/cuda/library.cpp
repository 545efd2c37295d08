#include "runtime/cuda/library.h"

#include "runtime/device.h"
#include "runtime/plugins.h"

#include <skein/base/error.h>

#include <dlfcn.h>
#include <cstdlib>
#include <memory>
#include <vector>

namespace skein::runtime::cuda {
namespace {

constexpr int least_driver = 11080;  // the first that knows PTX 7.8

/// The first of the libraries that loads; what was tried otherwise.
void* open_one(const std::vector<std::string>& paths, std::string& tried) {
  for (const std::string& path : paths) {
    if (void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) return library;
    tried += (tried.empty() ? "" : "; ") + std::string(dlerror());
  }
  return nullptr;
}

std::vector<std::string> paths_of(std::vector<std::string> real) { return emulated() ? plugin_paths("SKEIN_EMULATED_DRIVER", "libskein_emulated.so") : real; }

template <class F>
bool find(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(library, name));
  return function != nullptr;
}

[[noreturn]] void fail(const std::string& text) { throw RuntimeError(text, "initialize", "", 0); }

std::unique_ptr<Driver> load_driver() {
  std::string tried;
  void* library = open_one(paths_of({"libcuda.so.1", "libcuda.so"}), tried);
  if (!library) fail((emulated() ? "the emulated driver was not found: " : "no CUDA driver was found: ") + tried + "; SKEIN_PLATFORM=cpu runs on the processor");
  auto table = std::make_unique<Driver>();
#define SKEIN_FIND(name, parameters)          \
  if (!find(library, #name, table->name))     \
    fail("the CUDA driver has no " #name ": it is too old; Skein needs one of CUDA 11.8 or later");
  SKEIN_CUDA_DRIVER(SKEIN_FIND)
#undef SKEIN_FIND
  const char* text = "no reason";
  if (CUresult result = table->cuInit(0)) {
    table->cuGetErrorString(result, &text);
    fail(std::string("the CUDA driver does not start: ") + text + "; SKEIN_PLATFORM=cpu runs on the processor");
  }
  int version = 0;
  table->cuDriverGetVersion(&version);
  if (version < least_driver)
    fail("the CUDA driver is of CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10) +
         "; Skein needs 11.8 or later");
  return table;
}

}  // namespace

bool emulated() { return platform() == Platform::emulated; }

const Driver& driver() {
  static const auto* table = load_driver().release();  // used until the very end
  return *table;
}

const Blas& blas() {
  static const auto* table = [] {
    std::string tried;
    void* library = open_one(paths_of({"libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"}), tried);
    if (!library)
      throw RuntimeError("contractions on a GPU need cuBLAS, which was not found: " + tried, "dot_general", "", 0);
    auto functions = std::make_unique<Blas>();
#define SKEIN_FIND(name, parameters)             \
  if (!find(library, #name, functions->name))    \
    throw RuntimeError("this cuBLAS has no " #name, "dot_general", "", 0);
    SKEIN_CUBLAS(SKEIN_FIND)
#undef SKEIN_FIND
    return functions.release();
  }();
  return *table;
}

const Nccl* nccl() {
  static const Nccl* table = []() -> const Nccl* {
    const char* wanted = std::getenv("SKEIN_NCCL");
    if (wanted && std::string(wanted) == "off") return nullptr;
    std::string tried;
    void* library = open_one(paths_of({"libnccl.so.2", "libnccl.so"}), tried);
    if (!library) return nullptr;
    auto functions = std::make_unique<Nccl>();
    bool all = true;
#define SKEIN_FIND(name, parameters) all &= find(library, #name, functions->name);
    SKEIN_NCCL(SKEIN_FIND)
#undef SKEIN_FIND
    return all ? functions.release() : nullptr;
  }();
  return table;
}

bool any_gpu() noexcept {
  // Nothing is started by looking: a driver without a device says so.
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) return false;
  CUresult (*init)(unsigned) = nullptr;
  CUresult (*count)(int*) = nullptr;
  int devices = 0;
  return find(library, "cuInit", init) && find(library, "cuDeviceGetCount", count) && init(0) == CUDA_SUCCESS &&
         count(&devices) == CUDA_SUCCESS && devices > 0;
}

void check(CUresult result, const char* call) {
  if (result == CUDA_SUCCESS) return;
  const char *name = "unknown error", *text = "";
  driver().cuGetErrorName(result, &name);
  driver().cuGetErrorString(result, &text);
  throw RuntimeError(std::string("the GPU reports ") + name + " in " + call + ": " + text, "gpu", "", 0);
}

}  // namespace skein::runtime::cuda
