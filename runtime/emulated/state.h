#pragma once
// What all parts of the emulated driver share: settings, errors, contexts.
//
// Nothing here is ever destroyed: threads of streams may still run while the process ends.

#include "runtime/cuda/driver.h"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>

namespace skein::runtime::emulated {

using namespace cuda;

class Stream;

/// What goes wrong inside; never leaves an entry point. An empty text keeps what is known of the code already.
struct Failure {
  CUresult code;
  std::string text;
};

/// From the environment, read once.
struct Settings {
  int devices = 1;                        // SKEIN_EMULATED_GPUS
  std::size_t memory = std::size_t{4} << 30;  // SKEIN_EMULATED_MEMORY, bytes of each device
  unsigned delay = 0;                     // SKEIN_EMULATED_DELAY_US, before each operation of a stream
  int capability = 90;                    // SKEIN_EMULATED_CAPABILITY, ten times the major number and the minor
  int version = 12040;                    // SKEIN_EMULATED_DRIVER_VERSION, as cuDriverGetVersion gives it
  std::uint64_t seed = 0;                 // SKEIN_EMULATED_SEED, of the order of blocks and threads; 0: in order
};
const Settings& settings();

/// Remembers what happened, for cuGetErrorString.
void describe(CUresult code, const std::string& text) noexcept;
/// What was last described of the code, or what it means in general; lives for ever.
const char* description(CUresult code) noexcept;

/// The primary context of a device; there are no others.
struct Context {
  int device = 0;
  std::atomic<std::uint64_t> reachable{0};  // devices whose memory its kernels may touch, a bit each
  std::atomic<CUresult> error{CUDA_SUCCESS};
  std::mutex mutex;
  Stream* default_stream = nullptr;

  /// Of an operation that nobody waits for: the first error is that of every later call.
  void fail(CUresult code, const std::string& text) noexcept;
  void check() const {
    if (CUresult code = error.load()) throw Failure{code, {}};
  }
};

void initialise();
/// Throws if cuInit was not called.
void require_initialised();
Context& context_of(CUdevice device);
Context* current_context_or_null();
void set_current_context(Context* context);
/// Of this thread; throws if there is none or if it has failed.
Context& current_context();

/// The result of an entry point's body, which may throw.
template <class Body>
CUresult guarded(Body&& body) noexcept {
  try {
    body();
    return CUDA_SUCCESS;
  } catch (const Failure& failure) {
    if (!failure.text.empty()) describe(failure.code, failure.text);
    return failure.code;
  } catch (const std::bad_alloc&) {
    return CUDA_ERROR_OUT_OF_MEMORY;
  } catch (...) {
    return CUDA_ERROR_UNKNOWN;
  }
}

/// Throws CUDA_ERROR_INVALID_VALUE.
inline void require(bool holds, const char* what) {
  if (!holds) throw Failure{CUDA_ERROR_INVALID_VALUE, what};
}

}  // namespace skein::runtime::emulated
