// Row by row what micro/elementwise.cpp does, by hand.
#include "bench/byhand/vector.h"
#include "bench/harness.h"

#include <omp.h>
#include <cmath>

namespace {

constexpr std::int64_t block = 4096;  // summed in float32 within, in float64 between

/// fn(begin, end) on each thread's share, a multiple of `block` but the last.
template <class Fn>
void shares(std::int64_t n, Fn fn) {
#pragma omp parallel
  {
    std::int64_t blocks = (n + block - 1) / block, threads = omp_get_num_threads(), me = omp_get_thread_num();
    fn(blocks * me / threads * block, std::min(n, blocks * (me + 1) / threads * block));
  }
}

template <class Fn>
void map(const float* x, float* y, std::int64_t n, Fn fn) {
  shares(n, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += lanes) stream(y + i, fn(load(x + i)));  // n is a multiple of the lanes
    _mm_sfence();
  });
}

/// Block by block, one function at a time: in one loop with other vector work libmvec's calls take twice as long, as they wait for
/// what was last in registers that they write in part.
void exp_sin(const float* x, float* y, std::int64_t n) {
  constexpr std::int64_t step = 1024;
  shares(n, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float e[step], s[step];
    for (std::int64_t b = begin; b < end; b += step) {
      std::int64_t size = std::min(step, end - b);
      for (std::int64_t i = 0; i < size; i += lanes) store(e + i, vexp(load(x + b + i)));
      for (std::int64_t i = 0; i < size; i += lanes) store(s + i, vsin(load(x + b + i)));
      for (std::int64_t i = 0; i < size; i += lanes) stream(y + b + i, load(e + i) + 3 * load(s + i));
    }
    _mm_sfence();
  });
}

struct Data {
  std::int64_t n = bench::sized(50'000'000, 500'000) / lanes * lanes;
  std::shared_ptr<float[]> x = shared(buffer<float>(n, bench::number)), y = shared(buffer<float>(n, [](std::int64_t) { return 0.f; }));
};

float sum_of_squares(const float* x, std::int64_t n) {
  double total = 0;
#pragma omp parallel for reduction(+ : total) schedule(static)
  for (std::int64_t b = 0; b < n; b += block) {
    Floats s[4] = {};
    std::int64_t end = std::min(n, b + block), i = b;
    for (; i + 4 * lanes <= end; i += 4 * lanes)
      for (int k = 0; k < 4; ++k) {
        Floats v = load(x + i + k * lanes);
        s[k] += v * v;
      }
    for (; i < end; i += lanes) s[0] += load(x + i) * load(x + i);
    total += sum_lanes(s[0] + s[1] + s[2] + s[3]);
  }
  return static_cast<float>(total);
}

struct Moments {
  float mean, var, max;
};
Moments moments(const float* x, std::int64_t n) {
  double sum = 0, squares = 0;
  float most = x[0], shift = x[0];  // close enough to the mean that squares do not cancel
#pragma omp parallel for reduction(+ : sum, squares) reduction(max : most) schedule(static)
  for (std::int64_t b = 0; b < n; b += block) {
    Floats s[4] = {}, q[4] = {}, m[4];
    for (auto& v : m) v = all_lanes(most);
    std::int64_t end = std::min(n, b + block), i = b;
    auto add = [&](int k, Floats v) {
      m[k] = v > m[k] ? v : m[k];
      v -= shift;
      s[k] += v;
      q[k] += v * v;
    };
    for (; i + 4 * lanes <= end; i += 4 * lanes)
      for (int k = 0; k < 4; ++k) add(k, load(x + i + k * lanes));
    for (; i < end; i += lanes) add(0, load(x + i));
    sum += sum_lanes(s[0] + s[1] + s[2] + s[3]);
    squares += sum_lanes(q[0] + q[1] + q[2] + q[3]);
    for (auto& v : m)
      for (int l = 0; l < lanes; ++l) most = std::max(most, v[l]);
  }
  double mean = sum / static_cast<double>(n);
  return {static_cast<float>(mean + shift), static_cast<float>(squares / static_cast<double>(n) - mean * mean), most};
}

void register_rows() {
  bench::row("exp_sin", [] {
    return [d = Data()] { exp_sin(d.x.get(), d.y.get(), d.n); };
  });
  bench::row("add_one", [] {
    return [d = Data()] { map(d.x.get(), d.y.get(), d.n, [](Floats v) { return v + 1; }); };
  });
  bench::row("sum_squares", [] {
    return [d = Data()] { benchmark::DoNotOptimize(sum_of_squares(d.x.get(), d.n)); };
  });
  bench::row("mean_var_max", [] {
    return [d = Data()] { benchmark::DoNotOptimize(moments(d.x.get(), d.n)); };
  });
}

}  // namespace

BENCH_MAIN()
