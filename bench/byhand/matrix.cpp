// Row by row what micro/matrix.cpp does, by hand.
#include "bench/byhand/vector.h"
#include "bench/harness.h"

#include <omp.h>
#include <cmath>

namespace {

struct Data {
  std::int64_t n = bench::sized(10000, 1000) / lanes * lanes;  // the columns are multiples of a vector
  std::shared_ptr<float[]> a = shared(buffer<float>(n * n, bench::number)), out = shared(buffer<float>(n * n, [](std::int64_t) { return 0.f; }));
};

/// Each thread sums its rows into columns of its own, which stay in its caches; then the threads' are added up. Calls
/// add(partial, row) for each row; `partial` is width x n.
template <class Add>
void columns(const Data& d, int width, std::vector<float>& totals, Add add) {
  totals.assign(static_cast<std::size_t>(width * d.n), 0.f);
#pragma omp parallel
  {
    auto partial = buffer<float>(width * d.n, [](std::int64_t) { return 0.f; });
    std::memset(partial.get(), 0, static_cast<std::size_t>(width * d.n) * sizeof(float));
#pragma omp for schedule(static)
    for (std::int64_t i = 0; i < d.n / 4; ++i) add(partial.get(), d.a.get() + 4 * i * d.n);
#pragma omp critical
    for (std::int64_t j = 0; j < width * d.n; ++j) totals[static_cast<std::size_t>(j)] += partial[static_cast<std::size_t>(j)];
  }
}

void sum_axis0(const Data& d, std::vector<float>& totals) {
  std::int64_t n = d.n;
  columns(d, 1, totals, [n](float* s, const float* r) {
    for (std::int64_t j = 0; j < n; j += lanes) store(s + j, load(s + j) + ((load(r + j) + load(r + n + j)) + (load(r + 2 * n + j) + load(r + 3 * n + j))));
  });
}

void standardise(const Data& d, std::vector<float>& totals) {
  std::int64_t n = d.n;
  const float* first = d.a.get();  // the first row as the shift: squares do not cancel
  columns(d, 2, totals, [n, first](float* s, const float* r) {
    for (std::int64_t j = 0; j < n; j += lanes) {
      Floats f = load(first + j), a = load(r + j) - f, b = load(r + n + j) - f, c = load(r + 2 * n + j) - f, e = load(r + 3 * n + j) - f;
      store(s + j, load(s + j) + ((a + b) + (c + e)));
      store(s + n + j, load(s + n + j) + ((a * a + b * b) + (c * c + e * e)));
    }
  });
  float* mean = totals.data();
  float* scale = mean + n;
  for (std::int64_t j = 0; j < n; ++j) {
    float m = mean[j] / static_cast<float>(n), v = scale[j] / static_cast<float>(n) - m * m;
    mean[j] = m + first[j];
    scale[j] = 1 / std::sqrt(v);
  }
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < n; ++i) {
    const float* r = d.a.get() + i * n;
    float* o = d.out.get() + i * n;
    for (std::int64_t j = 0; j < n; j += lanes) stream(o + j, (load(r + j) - load(mean + j)) * load(scale + j));
  }
}

void sum_axis1(const Data& d, std::vector<float>& totals) {
  totals.resize(static_cast<std::size_t>(d.n));
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < d.n; ++i) {
    const float* r = d.a.get() + i * d.n;
    Floats s[4] = {};
    std::int64_t j = 0;
    for (; j + 4 * lanes <= d.n; j += 4 * lanes)
      for (int k = 0; k < 4; ++k) s[k] += load(r + j + k * lanes);
    for (; j < d.n; j += lanes) s[0] += load(r + j);
    totals[static_cast<std::size_t>(i)] = sum_lanes(s[0] + s[1] + s[2] + s[3]);
  }
}

/// A row fits the core's second cache: it is read from memory once and written once.
void softmax(const Data& d) {
  std::int64_t n = d.n;
#pragma omp parallel
  {
    auto e = buffer<float>(n, [](std::int64_t) { return 0.f; });
#pragma omp for schedule(static)
    for (std::int64_t i = 0; i < n; ++i) {
      const float* r = d.a.get() + i * n;
      float* o = d.out.get() + i * n;
      Floats m = load(r), s = {};
      for (std::int64_t j = 0; j < n; j += lanes) {
        Floats v = load(r + j);
        m = v > m ? v : m;
      }
      float most = m[0];
      for (int l = 1; l < lanes; ++l) most = std::max(most, m[l]);
      for (std::int64_t j = 0; j < n; j += lanes) {
        Floats v = vexp(load(r + j) - most);
        store(e.get() + j, v);
        s += v;
      }
      float scale = 1 / sum_lanes(s);
      for (std::int64_t j = 0; j < n; j += lanes) stream(o + j, load(e.get() + j) * scale);
    }
  }
}

void register_rows() {
  bench::row("standardise", [] {
    return [d = Data(), t = std::vector<float>()]() mutable { standardise(d, t); };
  });
  bench::row("sum_axis0", [] {
    return [d = Data(), t = std::vector<float>()]() mutable { sum_axis0(d, t); };
  });
  bench::row("sum_axis1", [] {
    return [d = Data(), t = std::vector<float>()]() mutable { sum_axis1(d, t); };
  });
  bench::row("softmax", [] {
    return [d = Data()] { softmax(d); };
  });
}

}  // namespace

BENCH_MAIN()
