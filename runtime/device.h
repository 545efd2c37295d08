#pragma once
// The devices of this process, and how many threads each may use.

#include <skein/base/export.h>

#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace skein::runtime {

enum class Platform : std::uint8_t { cpu, cuda, emulated };
/// SKEIN_PLATFORM, else cuda where a driver and a GPU are there, else cpu. Throws UserError for an unknown name.
Platform platform();
std::string_view name(Platform);

/// What may be chosen before the first use; 0 leaves it to the environment (SKEIN_CPU_DEVICES, SKEIN_THREADS).
struct DeviceConfig {
  int cpu_devices = 0;  // devices of this process
  int threads = 0;      // of each device
  int processes = 1;    // on this host, that share its cores and GPUs where none are given to each
  int process = 0;      // this one's number among them
};

struct Device {
  int id = 0;
  std::string kind;  // the platform's name
  int threads = 1;   // its share of the cores, at least one
  int ordinal = 0;   // of a GPU, as the driver counts
};

/// Chooses the devices. Throws UserError once they are in use and for negative numbers.
void configure(const DeviceConfig&, std::source_location location = std::source_location::current());

/// The devices of this process; the first call fixes the configuration.
const std::vector<Device>& devices();

/// What programs are compiled for where the devices are GPUs ("sm_90"); "" where they are the host's.
std::string gpu_architecture();

/// Cores that this process may use: its affinity mask and its cgroup's quota, not the machine's count.
int core_count();
/// The kernel's numbers of the cores in the affinity mask; they may be more than core_count() where there is a quota.
const std::vector<int>& allowed_cores();
/// Threads that a program outside a mesh, or all devices of a mesh together, may use.
int total_threads();
/// Threads of each device when SKEIN_THREADS or the configuration gives them, else 0: devices share the cores.
int requested_threads();

}  // namespace skein::runtime
