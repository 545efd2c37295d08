// Products of matrices: BLAS does the work, the right kernel of it is what is measured.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

sk::Array matrices(const sk::Shape& shape) { return sk::from_data(bench::numbers(shape.volume()), shape); }

template <class F>
void product(const char* name, F f, sk::Shape shape, sk::DType dtype = sk::float32) {
  bench::row(name, [f, shape, dtype] {
    auto a = sk::astype(matrices(shape), dtype), b = sk::astype(matrices(shape) + 1, dtype);
    return [a, b, g = sk::jit(f)] { sk::block_until_ready(g(a, b)); };
  });
}

void register_rows() {
  std::int64_t n = bench::sized(4096, 256), small = bench::sized(1024, 64);
  auto plain = [](sk::Array a, sk::Array b) { return sk::matmul(a, b); };
  product("matmul_f32", plain, {n, n});
  product("matmul_f64", plain, {n, n}, sk::float64);
  product("matmul_transposed", [](sk::Array a, sk::Array b) { return sk::matmul(sk::transpose(a), b); }, {n, n});
  product("matmul_batched", plain, {16, small, small});
}

}  // namespace

BENCH_MAIN()
