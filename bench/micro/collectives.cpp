// Collectives in a compiled loop, on as many devices as SKEIN_CPU_DEVICES says. Each turn's result is the next one's operand.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

constexpr std::int64_t mib = 1 << 18;  // float32 elements in 1 MiB

/// The body, on each device's block, `turns` times.
template <class Body>
void loop(const std::string& name, std::int64_t devices, const sk::Shape& block, std::int64_t turns, Body body) {
  bench::row(name, [=] {
    auto mesh = sk::make_mesh({devices}, {"d"});
    sk::Shape whole = block;
    whole[0] *= devices;
    auto f = sk::jit(sk::shard_map([=](sk::Array x) {
      return sk::fori_loop(0, turns, [=](sk::Array, sk::Array v) { return body(v); }, x);
    }, mesh, {.in_specs = {sk::P("d")}, .out_specs = {sk::P("d")}}));
    return [x = sk::zeros(whole), f] { sk::block_until_ready(f(x)); };
  }, static_cast<double>(turns));
}

void register_rows() {
  std::int64_t n = static_cast<std::int64_t>(sk::devices().size());
  std::string on = "_" + std::to_string(n);
  std::vector<std::pair<std::int64_t, std::int64_t>> ring;
  for (std::int64_t i = 0; i < n; ++i) ring.emplace_back(i, (i + 1) % n);

  loop("psum_4B" + on, n, {1}, bench::sized(10000, 100), [](sk::Array x) { return sk::psum(x, "d"); });
  for (std::int64_t size : {1, 16}) {
    std::int64_t count = size * mib, turns = bench::sized(size == 1 ? 100 : 10, 2);
    std::string tail = "_" + std::to_string(size) + "MiB" + on;
    loop("psum" + tail, n, {count}, turns, [](sk::Array x) { return sk::psum(x, "d"); });
    // The state is what was gathered; each device gives the second block of it.
    loop("all_gather" + tail, n, {n, count}, turns, [](sk::Array x) { return sk::all_gather(x[1], "d"); });
    loop("psum_scatter" + tail, n, {n, count / n}, turns, [](sk::Array x) { return x.at(0).set(sk::psum_scatter(x, "d")); });
    loop("all_to_all" + tail, n, {n, count / n}, turns, [](sk::Array x) { return sk::all_to_all(x, "d"); });
    loop("ppermute" + tail, n, {count}, turns, [ring](sk::Array x) { return sk::ppermute(x, "d", ring); });
  }
  bench::row("psum_call" + on, [n] {
    auto mesh = sk::make_mesh({n}, {"d"});
    auto f = sk::jit(sk::shard_map([](sk::Array x) { return sk::psum(x, "d"); }, mesh, {.in_specs = {sk::P("d")}, .out_specs = {sk::P()}}));
    return [x = sk::ones({n}), f] { sk::block_until_ready(f(x)); };
  });
}

}  // namespace

BENCH_MAIN()
