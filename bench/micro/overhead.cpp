// What a call, a turn of a loop, a compilation cost beside their work.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

void register_rows() {
  bench::row("tiny_call", [] {
    return [x = sk::array({1.f, 2.f, 3.f, 4.f}), f = sk::jit([](sk::Array v) { return v + 1; })] { sk::block_until_ready(f(x)); };
  });
  bench::row("tiny_loop", [] {
    auto f = sk::jit([](sk::Array x) { return sk::fori_loop(0, 100000, [](sk::Array, sk::Array v) { return v * 0.5 + 1; }, x); });
    return [x = sk::array(3.f), f] { sk::block_until_ready(f(x)); };
  });
  // Each time another constant, so that no cache knows the program.
  bench::row("compile", [] {
    return [x = sk::from_data(bench::numbers(1'000'000), {1'000'000}), c = 1.0]() mutable {
      c += 0.37;
      auto f = sk::jit([c](sk::Array v) { return sk::exp(v) + c * sk::sin(v); });
      benchmark::DoNotOptimize(f.lower(x).compile());
    };
  });
}

}  // namespace

BENCH_MAIN()
