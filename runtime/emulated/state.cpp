#include "runtime/emulated/state.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <vector>

namespace skein::runtime::emulated {
namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::strtoull(text, nullptr, 0) : otherwise;
}

// Texts are handed out as plain pointers, so they stay.
struct Texts {
  std::mutex mutex;
  std::set<std::string> all;
  std::map<CUresult, const char*> latest;
};
Texts& texts() {
  static Texts* instance = new Texts;
  return *instance;
}

std::atomic<bool> initialised{false};
thread_local Context* current = nullptr;

std::vector<Context*> make_contexts() {
  std::vector<Context*> contexts;
  for (int device = 0; device < settings().devices; ++device) {
    contexts.push_back(new Context);
    contexts.back()->device = device;
    contexts.back()->reachable = std::uint64_t{1} << device;
  }
  return contexts;
}

}  // namespace

const Settings& settings() {
  static const Settings instance = [] {
    Settings s;
    s.devices = static_cast<int>(std::clamp<std::uint64_t>(number("SKEIN_EMULATED_GPUS", 1), 0, 64));
    s.memory = std::max<std::size_t>(number("SKEIN_EMULATED_MEMORY", s.memory), 4096);
    s.delay = static_cast<unsigned>(number("SKEIN_EMULATED_DELAY_US", 0));
    s.capability = static_cast<int>(number("SKEIN_EMULATED_CAPABILITY", 90));
    s.version = static_cast<int>(number("SKEIN_EMULATED_DRIVER_VERSION", 12040));
    s.seed = number("SKEIN_EMULATED_SEED", 0);
    return s;
  }();
  return instance;
}

void describe(CUresult code, const std::string& text) noexcept try {
  Texts& t = texts();
  std::lock_guard lock(t.mutex);
  t.latest[code] = t.all.insert(text).first->c_str();
} catch (...) {  // without memory, without a text
}

const char* description(CUresult code) noexcept {
  {
    Texts& t = texts();
    std::lock_guard lock(t.mutex);
    if (auto found = t.latest.find(code); found != t.latest.end()) return found->second;
  }
  switch (code) {
    case CUDA_SUCCESS: return "no error";
    case CUDA_ERROR_INVALID_VALUE: return "invalid argument";
    case CUDA_ERROR_OUT_OF_MEMORY: return "out of memory";
    case CUDA_ERROR_NOT_INITIALIZED: return "initialization error";
    case CUDA_ERROR_NO_DEVICE: return "no CUDA-capable device is detected";
    case CUDA_ERROR_INVALID_DEVICE: return "invalid device ordinal";
    case CUDA_ERROR_INVALID_IMAGE: return "device kernel image is invalid";
    case CUDA_ERROR_INVALID_CONTEXT: return "invalid device context";
    case CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED: return "peer access is already enabled";
    case CUDA_ERROR_NO_BINARY_FOR_GPU: return "no kernel image is available for execution on the device";
    case CUDA_ERROR_INVALID_PTX: return "a PTX JIT compilation failed";
    case CUDA_ERROR_INVALID_HANDLE: return "invalid resource handle";
    case CUDA_ERROR_NOT_FOUND: return "named symbol not found";
    case CUDA_ERROR_NOT_READY: return "device not ready";
    case CUDA_ERROR_ILLEGAL_ADDRESS: return "an illegal memory access was encountered";
    case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: return "too many resources requested for launch";
    case CUDA_ERROR_LAUNCH_FAILED: return "unspecified launch failure";
    case CUDA_ERROR_MISALIGNED_ADDRESS: return "misaligned address";
    case CUDA_ERROR_NOT_SUPPORTED: return "operation not supported";
    default: return "unknown error";
  }
}

void Context::fail(CUresult code, const std::string& text) noexcept {
  std::lock_guard lock(mutex);
  if (error.load() != CUDA_SUCCESS) return;
  if (!text.empty()) describe(code, text);  // before anyone can see the error
  error.store(code);
}

void initialise() { initialised.store(true); }

void require_initialised() {
  if (!initialised.load()) throw Failure{CUDA_ERROR_NOT_INITIALIZED, {}};
}

Context& context_of(CUdevice device) {
  static const auto& contexts = *new std::vector<Context*>(make_contexts());
  if (device < 0 || device >= settings().devices) throw Failure{CUDA_ERROR_INVALID_DEVICE, {}};
  return *contexts[static_cast<std::size_t>(device)];
}

Context* current_context_or_null() { return current; }
void set_current_context(Context* context) { current = context; }

Context& current_context() {
  require_initialised();
  if (!current) throw Failure{CUDA_ERROR_INVALID_CONTEXT, {}};
  current->check();
  return *current;
}

}  // namespace skein::runtime::emulated
