#pragma once
// A compiled program that can be run, as the compiler hands it over.

#include "runtime/abi.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace skein::runtime {

struct Executable {
  skein_program entry = nullptr;
  int inputs = 0;
  int outputs = 0;
  std::vector<std::int64_t> output_bytes;
  std::int64_t arena_bytes = 0;  // temporary memory of the entry program
  bool may_fail = false;         // contains a check, a mesh or anything else that can end the run early
  bool parallel = false;         // has work worth more than one thread
  std::int64_t work = 0;         // nanoseconds on one core, estimated
  bool on_gpus = false;          // its buffers and arena are memory of GPUs
  std::shared_ptr<void> code;    // keeps the machine code alive
  std::shared_ptr<void> kernels;  // what GPUs have loaded of it
};

/// A program's kernels, loaded where they are launched; unloaded with the last handle, which must go before the code.
std::shared_ptr<void> loaded_kernels(const skein_gpu_module*);

/// Runs the program on the calling thread (and the pool's threads, where it is parallel), from any number of threads at
/// once. `buffers` are its inputs, then its outputs. Throws the first error of any device, after all devices have
/// ended.
void run(const Executable&, std::span<void* const> buffers);
/// The same with buffers of the host, of these sizes, wherever the program runs; returns when the outputs are there.
void run_from_host(const Executable&, std::span<void* const> buffers, std::span<const std::size_t> bytes);

}  // namespace skein::runtime
