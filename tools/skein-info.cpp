// Says what Skein finds on this machine: cores, devices, libraries, versions.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"

#if __has_include("runtime/device.h")
#include "runtime/device.h"
#define SKEIN_HAS_DEVICES 1
#endif

static void line(const char* what, const std::string& value) { std::printf("%-12s %s\n", what, value.c_str()); }

int main() {
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
  for (const auto& device : skein::runtime::devices())
    line("device", std::to_string(device.id) + ": " + device.kind + ", " + std::to_string(device.threads) +
                       (device.threads == 1 ? " thread" : " threads"));
#endif
  // What steers Skein from outside.
  for (const char* name :
       {"SKEIN_CPU_DEVICES", "SKEIN_THREADS", "SKEIN_CACHE_DIR", "SKEIN_BLAS_CORETYPE", "SKEIN_LOG", "SKEIN_DUMP_IR"})
    if (const char* value = std::getenv(name)) line("environment", std::string(name) + "=" + value);
  return 0;
}
