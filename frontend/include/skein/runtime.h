#pragma once
// The process's devices, and waiting.

#include <skein/tree.h>

#include <string>
#include <vector>

namespace skein {

/// What may be chosen before the first use; 0: what the environment says, or its default.
struct InitializeOptions {
  /// CPU devices of the program: of this process where it is alone, else spread over all processes as evenly as can be.
  /// SKEIN_CPU_DEVICES gives those of each process, and wins where there are several; default: one each.
  int cpu_devices = 0;
  int threads = 0;        // of each device (SKEIN_THREADS)
  double timeout = 0;     // seconds that one process waits for another (SKEIN_TIMEOUT); default: 600
  int communicator = -1;  // of the user's own, as MPI_Comm_c2f gives it: only its processes take part. -1: all
};
/// Before anything else: joins the processes that srun, mpirun or another launcher (PMIx, PMI) started together, each
/// of which calls it; alone where there is none. MPI is loaded at this point, and only where there are several; a
/// program that has initialised MPI itself (for more than one thread) may give a communicator. Throws UserError at the
/// second call, and once devices are in use; RuntimeError where MPI cannot be loaded or started.
SKEIN_API void initialize(InitializeOptions = {}, std::source_location = std::source_location::current());

struct Device {
  int id = 0;
  std::string kind;  // "cpu"
  int process = 0;
};
/// Of all processes, in the order of the processes.
SKEIN_API std::vector<Device> devices();
/// Of this process.
SKEIN_API std::vector<Device> local_devices();
/// This process among those that were started together: 0 to process_count() - 1.
SKEIN_API int process_index();
SKEIN_API int process_count();

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
