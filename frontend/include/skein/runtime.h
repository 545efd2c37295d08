#pragma once
// The process's devices, and waiting.

#include <skein/tree.h>

#include <string>
#include <vector>

namespace skein {

/// What may be chosen before the first use; 0: what the environment says (SKEIN_CPU_DEVICES, SKEIN_THREADS), or one
/// device.
struct InitializeOptions {
  int cpu_devices = 0;
  int threads = 0;  // of each device
};
/// Before anything else. Throws UserError if the devices are in use already and would change.
SKEIN_API void initialize(InitializeOptions = {}, std::source_location = std::source_location::current());

struct Device {
  int id = 0;
  std::string kind;  // "cpu"
};
SKEIN_API std::vector<Device> devices();

/// Waits until all arrays of a tree have their values; errors of their programs are thrown here.
template <class T>
const T& block_until_ready(const T& tree, std::source_location where = std::source_location::current()) {
  detail::each_leaf(tree, [&](const Array& leaf) {
    if (!leaf.empty()) leaf.block_until_ready(where);
  });
  return tree;
}
/// Waits for prints and callbacks.
SKEIN_API void effects_barrier();

}  // namespace skein
