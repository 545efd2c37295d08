#pragma once
// What stands behind the ABI's skein_context: one device during one run of a program.

#include "runtime/cpu/pool.h"

#include <csetjmp>
#include <cstdint>
#include <exception>
#include <span>

namespace skein::runtime::cpu {
class Run;
struct Device;
}  // namespace skein::runtime::cpu

namespace skein::runtime::cuda {
class Gpu;
}

struct skein_context {
  // Where the program goes when it cannot continue: compiled frames hold nothing that would have to be released.
  std::jmp_buf exit;
  skein::runtime::cpu::Run* run = nullptr;        // of the mesh in force; null in a program's entry
  skein::runtime::cpu::Device* device = nullptr;  // in that run
  int rank = 0;
  const std::int64_t* coordinates = nullptr;  // along the axes of the mesh
  // Threads that help this one. An entry program claims them when first it has something for them to do.
  std::span<skein::runtime::cpu::Worker* const> workers;
  skein::runtime::cpu::Team* team = nullptr;
  std::exception_ptr error;  // the first one of an entry program
  skein::runtime::cuda::Gpu* gpu = nullptr;  // that the program's kernels run on; null: they run here
};

namespace skein::runtime::cpu {

/// The threads that may help this device's program, claimed at the first call.
std::span<Worker* const> helpers(skein_context*);

/// Keeps the error, unless there was one before.
void record_error(skein_context*, std::exception_ptr) noexcept;
/// Leaves the program. The caller's frame must hold nothing that needs its destructor.
[[noreturn]] void abandon(skein_context*);
/// Whether another device has failed, so that going on is of no use.
bool hopeless(const skein_context*);

/// Runs f; if it throws, the error is kept and the program left.
template <class F>
void guarded(skein_context* context, F&& f) {
  bool failed = false;
  try {
    f();
  } catch (...) {
    record_error(context, std::current_exception());
    failed = true;
  }
  if (failed) abandon(context);
}

}  // namespace skein::runtime::cpu
