// Factorisations and Fourier transforms: the libraries' work, and what it costs to reach it.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

sk::Array numbers(const sk::Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t size : shape) count *= size;
  return sk::from_data(bench::numbers(count), shape);
}
/// A square matrix with a strong diagonal, symmetric.
sk::Array matrix(std::int64_t n) {
  sk::Array a = numbers({n, n});
  return a + sk::transpose(a) + 2.0 * static_cast<double>(n) * sk::eye(n);
}

template <class F, class... Input>
void on(const char* name, F f, Input... input) {
  bench::row(name, [=] {
    return [data = std::tuple{input()...}, g = sk::jit(f)] { sk::block_until_ready(std::apply(g, data)); };
  });
}

void register_rows() {
  using bench::sized;
  auto signal = [](std::int64_t n) { return [n] { return sk::complex(numbers({n}), 1 - numbers({n})); }; };
  auto large = [] { return matrix(sized(4096, 128)); };
  auto small = [] { return matrix(sized(1024, 64)); };
  on("fft", [](sk::Array x) { return sk::fft::fft(x); }, signal(sized(1 << 22, 1 << 12)));
  on("fft_prime", [](sk::Array x) { return sk::fft::fft(x); }, signal(sized(1'000'003, 1009)));
  on("rfft2", [](sk::Array x) { return sk::fft::rfft2(x); }, [] { return numbers({sized(2048, 64), sized(2048, 64)}); });
  on("cholesky", [](sk::Array a) { return sk::linalg::cholesky(a); }, large);
  on("solve", [](sk::Array a, sk::Array b) { return sk::linalg::solve(a, b); }, large, [] { return numbers({sized(4096, 128)}); });
  on("qr", [](sk::Array a) { return sk::linalg::qr(a); }, small);
  on("svd", [](sk::Array a) { return sk::linalg::svd(a); }, small);
  on("eigh", [](sk::Array a) { return sk::linalg::eigh(a); }, small);
  on("vmap_solve", [](sk::Array a, sk::Array b) { return sk::vmap([](sk::Array m, sk::Array v) { return sk::linalg::solve(m, v); })(a, b); },
     [] { return numbers({sized(1'000'000, 1000), 3, 3}) + 3.0 * sk::eye(3); }, [] { return numbers({sized(1'000'000, 1000), 3}); });
}

}  // namespace

BENCH_MAIN()
