#include "runtime/cpu/kernels.h"

namespace skein::runtime::cpu {
namespace {

struct Kernels {
  bool (*reduce)(const ReduceArguments&);
  void (*copy_streaming)(void*, const void*, std::int64_t);
};

const Kernels& kernels() {
  static const Kernels chosen = [] {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("x86-64-v4")) return Kernels{v4::reduce, v4::copy_streaming};
    if (__builtin_cpu_supports("x86-64-v3")) return Kernels{v3::reduce, v3::copy_streaming};
#endif
    return Kernels{v2::reduce, v2::copy_streaming};
  }();
  return chosen;
}

}  // namespace

bool reduce(const ReduceArguments& arguments) { return kernels().reduce(arguments); }
void copy_streaming(void* to, const void* from, std::int64_t bytes) { kernels().copy_streaming(to, from, bytes); }

}  // namespace skein::runtime::cpu
