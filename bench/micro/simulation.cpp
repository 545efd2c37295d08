// Small simulations: all pairs, a stencil, an iteration of each point.
#include "bench/micro/simulation.h"

#include "bench/harness.h"

namespace sk = skein;

namespace {

struct Points {
  sk::Array x, y, turns;
};

void register_rows() {
  bench::row("pairwise", [] {
    std::int64_t n = bench::sized(8192, 512);
    return [x = sk::from_data(bench::numbers(3 * n), {n, 3}), f = sk::jit(programs::pairwise)] { sk::block_until_ready(f(x)); };
  });
  bench::row("jacobi", [] {
    std::int64_t n = bench::sized(4096, 256);
    return [u = sk::from_data(bench::numbers(n * n), {n, n}), f = sk::jit(programs::jacobi)] { sk::block_until_ready(f(u)); };
  });
  bench::row("julia", [] {
    std::int64_t n = bench::sized(1024, 128);
    auto f = sk::jit([n](sk::Array x, sk::Array y) {
      Points start{sk::broadcast_to(x, {n, n}), sk::broadcast_to(y(sk::all, sk::none), {n, n}), sk::zeros({n, n}, sk::int32)};
      return sk::fori_loop(0, 100, [](sk::Array, Points p) {
        auto inside = p.x * p.x + p.y * p.y < 4.0;
        return Points{sk::where(inside, p.x * p.x - p.y * p.y - 0.8, p.x), sk::where(inside, 2.0 * p.x * p.y + 0.156, p.y),
                      p.turns + sk::astype(inside, sk::int32)};
      }, start).turns;
    });
    return [x = sk::linspace(-1.6, 1.6, n), y = sk::linspace(-1.0, 1.0, n), f] { sk::block_until_ready(f(x, y)); };
  });
}

}  // namespace

BENCH_MAIN()
