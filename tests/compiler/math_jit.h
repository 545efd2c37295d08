#pragma once
// One elementary function, compiled for this machine as a loop over arrays: vectors of `width` lanes, or scalars.

#include <cstdint>
#include <memory>
#include <string>

namespace skein::test {

class CompiledFunction {
 public:
  /// `width` 0: scalars. `plain`: without instructions of AVX-512 that other machines lack.
  CompiledFunction(const std::string& name, int operands, bool isDouble, int width, bool plain = false);
  ~CompiledFunction();
  /// out[i] = f(a[i], b[i], c[i]) for i < n, a multiple of the width; operands beyond the function's are not read.
  void operator()(const void* a, const void* b, const void* c, void* out, int64_t n) const { entry(a, b, c, out, n); }

 private:
  struct Impl;
  std::unique_ptr<Impl> impl;
  void (*entry)(const void*, const void*, const void*, void*, int64_t) = nullptr;
};

}  // namespace skein::test
