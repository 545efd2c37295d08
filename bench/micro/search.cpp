// Scans, sorts, gathers and scatters: bound by memory and by its latency.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

std::int64_t many() { return bench::sized(10'000'000, 100'000); }
std::int64_t few() { return many() / 10; }

sk::Array numbers(std::int64_t n) { return sk::from_data(bench::numbers(n), {n}); }
/// The same integers in every program: the numbers, scaled.
sk::Array integers(std::int64_t n, std::int64_t below) {
  std::vector<int> values(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i)
    values[static_cast<std::size_t>(i)] = static_cast<int>(static_cast<double>(bench::number(i)) * static_cast<double>(below));
  return sk::from_data(values, {n});
}

template <class F, class... Input>
void on(const char* name, F f, Input... input) {
  bench::row(name, [=] {
    return [data = std::tuple{input()...}, g = sk::jit(f)] { sk::block_until_ready(std::apply(g, data)); };
  });
}

void register_rows() {
  auto scanned = [] { return numbers(bench::sized(50'000'000, 500'000)); };
  auto x = [] { return numbers(many()); };
  auto table = [] { return numbers(few()); };
  auto places = [] { return integers(many(), few()); };
  on("cumsum", [](sk::Array v) { return sk::cumsum(v); }, scanned);
  on("keep_mask", [](sk::Array v) { return sk::compress(v > 0.5, v, {.size = v.shape()[0]}); }, scanned);
  on("sort", [](sk::Array v) { return sk::sort(v); }, x);
  on("argsort", [](sk::Array v) { return sk::argsort(v); }, x);
  on("sort_two_keys", [](sk::Array v, sk::Array k) {
    sk::Array order = sk::lexsort({v, k});
    return std::tuple{sk::take(k, order), sk::take(v, order)};
  }, x, places);
  on("top_k", [](sk::Array v) { return sk::top_k(v, 100); }, x);
  on("unique", [](sk::Array k) { return sk::unique(k, {.size = few()}); }, places);
  on("segment_sum", [](sk::Array v, sk::Array k) { return sk::segment_sum(v, k, few()); }, x, places);
  on("gather", [](sk::Array t, sk::Array k) { return t(k); }, table, places);
  on("scatter_add", [](sk::Array t, sk::Array k, sk::Array v) { return t.at(k).add(v); }, table, places, x);
  on("histogram", [](sk::Array v) { return sk::histogram(v, {.bins = 1000, .range = {{0, 1}}}); }, x);
}

}  // namespace

BENCH_MAIN()
