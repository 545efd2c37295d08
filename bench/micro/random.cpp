// Threefry-2x32, counted as JAX counts.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

void register_rows() {
  std::int64_t n = bench::sized(50'000'000, 500'000);
  bench::row("uniform", [n] {
    return [key = sk::random::key(7), f = sk::jit([n](sk::Array k) { return sk::random::uniform(k, {n}); })] { sk::block_until_ready(f(key)); };
  });
  bench::row("normal", [n] {
    return [key = sk::random::key(7), f = sk::jit([n](sk::Array k) { return sk::random::normal(k, {n}); })] { sk::block_until_ready(f(key)); };
  });
}

}  // namespace

BENCH_MAIN()
