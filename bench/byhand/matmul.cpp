// The products of micro/matmul.cpp by calls of OpenBLAS, its kernel chosen for this machine whatever the environment says.
#include "bench/byhand/vector.h"
#include "bench/harness.h"

#include <dlfcn.h>
#include <stdexcept>

namespace {

using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
using Dgemm = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*, int);

struct Blas {
  Sgemm sgemm = nullptr;
  Dgemm dgemm = nullptr;
  Blas() {
#if defined(__AVX512F__)
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
#else
    unsetenv("OPENBLAS_CORETYPE");
#endif
    void* library = dlopen("libopenblas.so.0", RTLD_NOW);
    if (!library) throw std::runtime_error("libopenblas.so.0 is not here");
    sgemm = reinterpret_cast<Sgemm>(dlsym(library, "cblas_sgemm"));
    dgemm = reinterpret_cast<Dgemm>(dlsym(library, "cblas_dgemm"));
  }
};
const Blas& blas() {
  static const Blas found;
  return found;
}
constexpr int row_major = 101, plain = 111, transposed = 112;

template <class T>
auto matrices(std::int64_t count, T shift) {
  return shared(buffer<T>(count, [=](std::int64_t i) { return static_cast<T>(bench::number(i)) + shift; }));
}

void register_rows() {
  std::int64_t n = bench::sized(4096, 256), small = bench::sized(1024, 64);
  auto single = [](const char* name, std::int64_t size, std::int64_t batch, int transpose) {
    bench::row(name, [=] {
      auto count = batch * size * size;
      auto a = matrices(count, 0.f), b = matrices(count, 1.f), c = matrices(count, 0.f);
      int m = static_cast<int>(size);
      return [=] {
        for (std::int64_t i = 0; i < batch; ++i) {
          auto at = i * size * size;
          blas().sgemm(row_major, transpose, plain, m, m, m, 1, a.get() + at, m, b.get() + at, m, 0, c.get() + at, m);
        }
      };
    });
  };
  single("matmul_f32", n, 1, plain);
  single("matmul_transposed", n, 1, transposed);
  single("matmul_batched", small, 16, plain);
  bench::row("matmul_f64", [n] {
    auto a = matrices(n * n, 0.0), b = matrices(n * n, 1.0), c = matrices(n * n, 0.0);
    int m = static_cast<int>(n);
    return [=] { blas().dgemm(row_major, plain, plain, m, m, m, 1, a.get(), m, b.get(), m, 0, c.get(), m); };
  });
}

}  // namespace

BENCH_MAIN()
