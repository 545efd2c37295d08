#include "runtime/device.h"

#include "runtime/cuda/gpu.h"

#include <skein/base/error.h>

#include <sched.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <numeric>
#include <sstream>
#include <thread>

namespace skein::runtime {
namespace {

// The cores that a cgroup's quota amounts to, rounded up; 0 without a quota.
int quota_cores() {
  auto cores = [](double quota, double period) {
    return quota > 0 && period > 0 ? static_cast<int>(quota / period + 0.999) : 0;
  };
  std::vector<std::string> folders = {"/sys/fs/cgroup"};
  std::ifstream self("/proc/self/cgroup");
  for (std::string line; std::getline(self, line);)
    if (line.starts_with("0::") && line.size() > 4) folders.push_back("/sys/fs/cgroup" + line.substr(3));
  int least = 0;
  for (const std::string& folder : folders) {
    std::ifstream file(folder + "/cpu.max");
    std::string quota;
    double period = 0;
    if (!(file >> quota >> period) || quota == "max") continue;
    int n = cores(std::atof(quota.c_str()), period);
    if (n > 0) least = least ? std::min(least, n) : n;
  }
  double quota = 0, period = 0;
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (quota_file >> quota && period_file >> period)
    if (int n = cores(quota, period); n > 0) least = least ? std::min(least, n) : n;
  return least;
}

int count_cores() {
  int cores = static_cast<int>(allowed_cores().size());
  if (cores == 0) cores = static_cast<int>(std::thread::hardware_concurrency());
  if (int quota = quota_cores()) cores = std::min(cores, quota);
  return std::max(cores, 1);
}

int from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (!text || !*text) return 0;
  char* end = nullptr;
  long value = std::strtol(text, &end, 10);
  if (*end || value < 1 || value > 65536)
    throw UserError(std::string(name) + "=" + text + " is not a positive number", "initialize", "", 0);
  return static_cast<int>(value);
}

// The GPUs of this process, as the driver counts them. A launcher that starts several processes on a host gives each one of its
// GPUs; the emulated ones are every process's own.
std::vector<int> gpus_of_process(const DeviceConfig& config) {
  int count = 0;
  cuda::check(cuda::driver().cuDeviceGetCount(&count), "cuDeviceGetCount");
  if (count == 0) throw RuntimeError("the CUDA driver sees no GPU (CUDA_VISIBLE_DEVICES may hide them)", "initialize", "", 0);
  std::vector<int> all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), 0);
  // One that is visible alone was chosen for this process already.
  if (config.processes <= 1 || platform() == Platform::emulated || count == 1) return all;
  if (config.processes > count)
    throw UserError("this host has " + std::to_string(count) + " GPUs and " + std::to_string(config.processes) +
                        " processes; start one process for each GPU",
                    "initialize", "", 0);
  return {config.process};
}

struct State {
  std::mutex mutex;
  DeviceConfig config;
  bool fixed = false;
  std::vector<Device> devices;
  int total = 1;
};

State& state() {
  static auto* instance = new State;  // never destroyed: threads may outlive main
  return *instance;
}

State& fixed_state() {
  State& s = state();
  static const bool once = [&s] {
    std::lock_guard lock(s.mutex);
    if (!s.config.cpu_devices) s.config.cpu_devices = std::max(1, from_environment("SKEIN_CPU_DEVICES"));
    if (!s.config.threads) s.config.threads = from_environment("SKEIN_THREADS");
    int count = s.config.cpu_devices, cores = core_count();
    // A launcher that gives each process cores of its own has set its mask.
    if (static_cast<long>(allowed_cores().size()) == sysconf(_SC_NPROCESSORS_ONLN))
      cores = std::max(1, cores / std::max(1, s.config.processes));
    int each = s.config.threads ? s.config.threads : std::max(1, cores / count);
    if (platform() == Platform::cpu) {
      for (int i = 0; i < count; ++i) s.devices.push_back({i, "cpu", each});
    } else {
      const char* chosen = std::getenv("SKEIN_CPU_DEVICES");
      if (chosen && *chosen)
        throw UserError("SKEIN_CPU_DEVICES=" + std::string(chosen) + " says how many CPU devices there are, and the platform is " +
                            std::string(name(platform())) + "; unset it, or set SKEIN_PLATFORM=cpu",
                        "initialize", "", 0);
      for (int ordinal : gpus_of_process(s.config))
        s.devices.push_back({static_cast<int>(s.devices.size()), std::string(name(platform())), cores, ordinal});
    }
    s.total = cores;
    // Asked for explicitly, a device may have more threads than there are cores; all devices together may not, unless
    // one alone does.
    if (s.config.threads)
      s.total = std::max(s.config.threads,
                         static_cast<int>(std::min<long>(cores, static_cast<long>(s.config.threads) * count)));
    s.fixed = true;
    return true;
  }();
  (void)once;
  return s;
}

}  // namespace

void configure(const DeviceConfig& config, std::source_location location) {
  if (config.cpu_devices < 0 || config.threads < 0)
    throw UserError("the numbers of devices and threads must be positive", "initialize", location);
  State& s = state();
  std::lock_guard lock(s.mutex);
  if (!s.fixed) {
    if (config.cpu_devices) s.config.cpu_devices = config.cpu_devices;
    if (config.threads) s.config.threads = config.threads;
    s.config.processes = config.processes, s.config.process = config.process;
    return;
  }
  throw UserError("the devices are in use already (" + std::to_string(s.devices.size()) +
                      " of them); call initialize before anything else",
                  "initialize", location);
}

std::string_view name(Platform platform) {
  return platform == Platform::cpu ? "cpu" : platform == Platform::cuda ? "cuda" : "emulated";
}

Platform platform() {
  static const Platform chosen = [] {
    const char* text = std::getenv("SKEIN_PLATFORM");
    if (!text || !*text) return cuda::any_gpu() ? Platform::cuda : Platform::cpu;
    for (Platform known : {Platform::cpu, Platform::cuda, Platform::emulated})
      if (text == name(known)) return known;
    throw UserError("SKEIN_PLATFORM=" + std::string(text) + " is no platform; there are cpu, cuda and emulated", "initialize", "", 0);
  }();
  return chosen;
}

const std::vector<Device>& devices() { return fixed_state().devices; }

const std::vector<int>& allowed_cores() {
  static const auto* cores = [] {
    auto* numbers = new std::vector<int>;  // never destroyed: threads may outlive main
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
      for (int i = 0; i < CPU_SETSIZE; ++i)
        if (CPU_ISSET(i, &set)) numbers->push_back(i);
    return numbers;
  }();
  return *cores;
}

int core_count() {
  static const int cores = count_cores();
  return cores;
}

std::string gpu_architecture() { return platform() == Platform::cpu ? std::string() : cuda::architecture(); }

int total_threads() { return fixed_state().total; }
int requested_threads() { return fixed_state().config.threads; }

}  // namespace skein::runtime
