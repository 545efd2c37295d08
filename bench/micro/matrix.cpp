// Rows and columns of a matrix: reductions along one axis, and what is done with them.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

sk::Array input() {
  std::int64_t n = bench::sized(10000, 1000);
  return sk::from_data(bench::numbers(n * n), {n, n});
}

template <class F>
void on_input(const char* name, F f) {
  bench::row(name, [f] {
    return [x = input(), g = sk::jit(f)] { sk::block_until_ready(g(x)); };
  });
}

void register_rows() {
  on_input("standardise", [](sk::Array a) { return (a - sk::mean(a, {.axis = 0})) / sk::std(a, {.axis = 0}); });
  on_input("sum_axis0", [](sk::Array a) { return sk::sum(a, {.axis = 0}); });
  on_input("sum_axis1", [](sk::Array a) { return sk::sum(a, {.axis = 1}); });
  on_input("softmax", [](sk::Array a) {
    auto e = sk::exp(a - sk::max(a, {.axis = 1, .keepdims = true}));
    return e / sk::sum(e, {.axis = 1, .keepdims = true});
  });
}

}  // namespace

BENCH_MAIN()
