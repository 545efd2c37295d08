// Row by row what micro/simulation.cpp does, by hand.
#include "bench/byhand/vector.h"
#include "bench/harness.h"

#include <cmath>

namespace {

/// From n x 3 to n x 3; the coordinates apart while it works.
void pairwise(const float* points, float* force, std::int64_t n, float* apart) {
  float *x = apart, *y = apart + n, *z = apart + 2 * n;
  for (std::int64_t i = 0; i < n; ++i) x[i] = points[3 * i], y[i] = points[3 * i + 1], z[i] = points[3 * i + 2];
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < n; ++i) {
    float xi = x[i], yi = y[i], zi = z[i], fx = 0, fy = 0, fz = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      float dx = xi - x[j], dy = yi - y[j], dz = zi - z[j];
      float r2 = dx * dx + dy * dy + dz * dz + 1e-3f, inv = 1 / (r2 * std::sqrt(r2));
      fx += dx * inv;
      fy += dy * inv;
      fz += dz * inv;
    }
    force[3 * i] = fx, force[3 * i + 1] = fy, force[3 * i + 2] = fz;
  }
}

/// 50 sweeps between two buffers; returns the one with the result.
float* jacobi(float* u, float* v, std::int64_t n) {
#pragma omp parallel
  for (int sweep = 0; sweep < 50; ++sweep) {
    float* from = sweep % 2 ? v : u;
    float* to = sweep % 2 ? u : v;
#pragma omp for schedule(static)
    for (std::int64_t i = 1; i < n - 1; ++i) {
      const float* r = from + i * n;
      float* o = to + i * n;
#pragma omp simd
      for (std::int64_t j = 1; j < n - 1; ++j) o[j] = 0.25f * (r[j - n] + r[j + n] + r[j - 1] + r[j + 1]);
    }
  }
  return u;
}

/// Leaves each vector of points when all of them have left.
void julia(std::int32_t* turns, std::int64_t n) {
  float step = n > 1 ? 1.f / static_cast<float>(n - 1) : 0;
#pragma omp parallel for schedule(dynamic, 8)
  for (std::int64_t i = 0; i < n; ++i) {
    Floats column;
    for (int l = 0; l < lanes; ++l) column[l] = static_cast<float>(l);
    for (std::int64_t j = 0; j < n; j += lanes) {
      Floats x = (column + static_cast<float>(j)) * (3.2f * step) - 1.6f, y = all_lanes(2 * static_cast<float>(i) * step - 1);
      Ints count = {};
      for (int turn = 0; turn < 100; ++turn) {
        Floats xx = x * x, yy = y * y;
        Ints inside = xx + yy < 4.f;
        count -= inside;
#if defined(__AVX512F__)
        if (!_mm512_movepi32_mask(reinterpret_cast<__m512i>(inside))) break;
#else
        if (!_mm256_movemask_ps(reinterpret_cast<__m256>(inside))) break;
#endif
        Floats next = xx - yy - 0.8f;  // who is outside stays outside: no mask is needed
        y = 2 * x * y + 0.156f;
        x = next;
      }
      std::memcpy(turns + i * n + j, &count, sizeof count);
    }
  }
}

void register_rows() {
  bench::row("pairwise", [] {
    std::int64_t n = bench::sized(8192, 512);
    auto x = shared(buffer<float>(3 * n, bench::number)), f = shared(buffer<float>(3 * n, bench::number)), apart = shared(buffer<float>(3 * n, bench::number));
    return [=] { pairwise(x.get(), f.get(), n, apart.get()); };
  });
  bench::row("jacobi", [] {
    std::int64_t n = bench::sized(4096, 256);
    auto u = shared(buffer<float>(n * n, bench::number)), v = shared(buffer<float>(n * n, bench::number));
    return [=] { jacobi(u.get(), v.get(), n); };
  });
  bench::row("julia", [] {
    std::int64_t n = bench::sized(1024, 128);
    auto turns = shared(buffer<std::int32_t>(n * n, [](std::int64_t) { return 0; }));
    return [=] { julia(turns.get(), n); };
  });
}

}  // namespace

BENCH_MAIN()
