#pragma once
// What is known of a compiled kernel, and one launch of it.

#include "runtime/emulated/state.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skein::runtime::emulated {

constexpr std::uint64_t most_shared = 48 * 1024;         // bytes of a block
constexpr std::uint64_t most_shared_opt_in = 227 * 1024;  // with cuFuncSetAttribute
constexpr std::uint64_t dynamic_shared_offset = std::uint64_t{4} << 20;  // in the window of shared memory
constexpr unsigned most_threads = 1024, warp_size = 32;

struct Range {
  std::uint64_t begin = 0, bytes = 0;
};

struct Parameter {
  std::size_t offset, bytes;  // in the packed buffer
};

class Module;

struct Kernel {
  std::string name, symbol;
  Module* module = nullptr;
  Context* context = nullptr;
  bool blocking = false;  // its threads may wait for each other
  std::vector<Parameter> parameters;
  std::size_t parameter_bytes = 0;
  std::vector<Range> shared;  // its arrays of fixed size, as offsets in the window
  std::uint64_t static_bytes = 0;
  std::atomic<std::uint64_t> dynamic_limit{most_shared};
  void (*entry)(const void* parameters) = nullptr;
  const std::vector<Range>* tables = nullptr;  // the module's other globals, as host addresses
};

struct Launch {
  std::shared_ptr<Module> module;  // kept until it has run
  const Kernel* kernel = nullptr;
  unsigned grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  std::uint64_t dynamic_bytes = 0;
  std::vector<std::max_align_t> parameters;  // packed
};

/// Runs all blocks on the calling thread; throws the first fault.
void run(const Launch& launch, Context& context);

}  // namespace skein::runtime::emulated
