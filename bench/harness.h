#pragma once
// One row of the benchmarks' table: how it is prepared, what is timed. All programs of this folder name their rows alike, so
// that run_benchmarks.py can put them side by side.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// --quick of run_benchmarks.py: sizes that show that a row works, not how fast it is.
inline bool quick() {
  const char* value = std::getenv("SKEIN_BENCH_QUICK");
  return value && *value && *value != '0';
}
inline std::int64_t sized(std::int64_t full, std::int64_t small) { return quick() ? small : full; }

using Work = std::function<void()>;

/// `prepare` makes the data, compiles, and gives what is timed; it runs once, when the row is first measured. A time is divided
/// by `turns`, how many times the work is done in one call. Data of one row only is held at a time.
inline void row(const std::string& name, std::function<Work()> prepare, double turns = 1) {
  static std::shared_ptr<Work> held;
  static std::string holder;
  benchmark::RegisterBenchmark(name.c_str(), [name, prepare, turns](benchmark::State& state) {
    if (holder != name) {
      held.reset();
      held = std::make_shared<Work>(prepare());
      holder = name;
      (*held)();  // pages, caches, threads
    }
    for (auto _ : state) (*held)();
    state.counters["turns"] = turns;
  })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond)
      ->MinTime(quick() ? 0.001 : 0.05)
      ->Repetitions(quick() ? 2 : 9)
      ->ReportAggregatesOnly(false);
}

/// Numbers in [0, 1), the same in every program of this folder.
inline float number(std::int64_t i) {
  auto bits = static_cast<std::uint32_t>(i) * 2654435761u;
  bits ^= bits >> 15;
  return static_cast<float>(bits >> 8) * 0x1p-24f;
}
inline std::vector<float> numbers(std::int64_t count) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) values[static_cast<std::size_t>(i)] = number(i);
  return values;
}

}  // namespace bench

#define BENCH_MAIN()                                        \
  int main(int argc, char** argv) {                         \
    register_rows();                                        \
    benchmark::Initialize(&argc, argv);                     \
    benchmark::RunSpecifiedBenchmarks();                    \
    benchmark::Shutdown();                                  \
  }
