// Says what Skein finds on this machine: cores, devices, libraries, versions. With --mesh, started by srun or mpirun: what each
// process has.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"

#if __has_include("runtime/device.h")
#include "runtime/cuda/gpu.h"
#include "runtime/device.h"
#include "runtime/mpi/launcher.h"
#include "runtime/mpi/world.h"
#include "skein/base/error.h"
#define SKEIN_HAS_DEVICES 1
#endif

static void line(const char* what, const std::string& value) { std::printf("%-12s %s\n", what, value.c_str()); }

#ifdef SKEIN_HAS_DEVICES
/// A table of all processes, printed by the first one.
static int mesh() try {
  using namespace skein::runtime;
  const mpi::Launcher launcher = mpi::detect_launcher();
  configure({.processes = launcher.local_processes, .process = launcher.local_rank});
  if (launcher.processes > 1) mpi::join({.devices = static_cast<int>(devices().size()), .threads = devices()[0].threads});
  if (!mpi::world()) {
    std::printf("one process, alone: %zu device(s) of %d thread(s)\n", devices().size(), devices()[0].threads);
    return 0;
  }
  if (mpi::world()->rank() != 0) return 0;
  std::printf("%d processes, started by %s, joined by %s\n", mpi::world()->size(), launcher.name.c_str(), mpi::world()->transport_name().c_str());
  std::printf("%7s  %-20s %8s  %-10s %-16s %-7s %s\n", "process", "host", "pid", "devices", "on", "threads", "cores");
  int number = 0;
  for (const mpi::Process& p : mpi::world()->processes()) {
    const std::string ids = std::to_string(p.first_device) + (p.devices > 1 ? "-" + std::to_string(p.first_device + p.devices - 1) : "");
    std::printf("%7d  %-20s %8ld  %-10s %-16s %-7d %s\n", number++, p.host.c_str(), p.pid, ids.c_str(), p.gpus.empty() ? "cpu" : p.gpus.c_str(), p.threads, p.cores.c_str());
  }
  return 0;
} catch (const skein::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
#endif

int main(int argc, char** argv) {
#ifdef SKEIN_HAS_DEVICES
  if (argc > 1 && std::string(argv[1]) == "--mesh") return mesh();
#endif
  line("skein", SKEIN_VERSION);
  line("LLVM, MLIR", LLVM_VERSION_STRING);
  line("target", llvm::sys::getDefaultTargetTriple());
  auto features = llvm::sys::getHostCPUFeatures();
  auto has = [&](const char* name) { return features.lookup(name); };
  std::string vectors = has("avx512f") ? "AVX-512"
                        : has("avx2")  ? "AVX2"
                        : has("avx")   ? "AVX"
                        : has("sse2")  ? "SSE2"
                        : has("neon")  ? "NEON"
                                       : "none known";
  line("CPU", llvm::sys::getHostCPUName().str() + ", vectors: " + vectors);
#ifdef SKEIN_HAS_DEVICES
  line("cores", std::to_string(skein::runtime::core_count()));
  try {
    for (const auto& device : skein::runtime::devices()) {
      const std::string what = device.kind == "cpu" ? std::to_string(device.threads) + (device.threads == 1 ? " thread" : " threads") : skein::runtime::cuda::describe(device.id);
      line("device", std::to_string(device.id) + ": " + device.kind + ", " + what);
    }
  } catch (const skein::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
#endif
  // What steers Skein from outside.
  for (const char* name :
       {"SKEIN_PLATFORM", "SKEIN_CPU_DEVICES", "SKEIN_EMULATED_GPUS", "SKEIN_THREADS", "SKEIN_TIMEOUT", "SKEIN_CACHE_DIR", "SKEIN_BLAS_CORETYPE", "SKEIN_LOG", "SKEIN_DUMP_IR"})
    if (const char* value = std::getenv(name)) line("environment", std::string(name) + "=" + value);
  return 0;
}
