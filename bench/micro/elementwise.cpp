// Whole arrays, element by element and down to single numbers: bound by memory when fused.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

sk::Array input() {
  std::int64_t n = bench::sized(50'000'000, 500'000);
  return sk::from_data(bench::numbers(n), {n});
}

template <class F>
void on_input(const char* name, F f) {
  bench::row(name, [f] {
    return [x = input(), g = sk::jit(f)] { sk::block_until_ready(g(x)); };
  });
}

void register_rows() {
  on_input("exp_sin", [](sk::Array x) { return sk::exp(x) + 3 * sk::sin(x); });
  on_input("add_one", [](sk::Array x) { return x + 1; });
  on_input("sum_squares", [](sk::Array x) { return sk::sum(x * x); });
  on_input("mean_var_max", [](sk::Array x) { return std::tuple{sk::mean(x), sk::var(x), sk::max(x)}; });
}

}  // namespace

BENCH_MAIN()
