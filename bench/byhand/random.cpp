// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, SC 2011), counted as JAX counts, by hand.
#include "bench/byhand/vector.h"
#include "bench/harness.h"

#include <omp.h>
#include <bit>

namespace {

/// The bits of elements i ... i + lanes - 1, i < 2^32.
inline Words threefry(std::uint32_t k0, std::uint32_t k1, Words low) {
  const std::uint32_t k2 = k0 ^ k1 ^ 0x1bd11bdau;
  Words x = Words{} + k0, y = low + k1;
  auto round = [&](int r) {
    x += y;
    y = (y << r | y >> (32 - r)) ^ x;
  };
  auto even = [&] { round(13), round(15), round(26), round(6); };
  auto odd = [&] { round(17), round(29), round(16), round(24); };
  even(), x += k1, y += k2 + 1;
  odd(), x += k2, y += k0 + 2;
  even(), x += k0, y += k1 + 3;
  odd(), x += k1, y += k2 + 4;
  even(), x += k2, y += k0 + 5;
  return x ^ y;
}

inline Floats unit(Words bits) { return std::bit_cast<Floats>(bits >> 9 | 0x3f800000u) - 1; }

/// Giles, "Approximating the erfinv function" (2010), as XLA has it.
inline Floats erfinv(Floats x) {
  Floats w = -vlog1p(-x * x), a = w - 2.5f, p = all_lanes(2.81022636e-08f);
  for (float c : {3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f, -0.00125372503f, -0.00417768164f, 0.246640727f, 1.50140941f}) p = p * a + c;
  Ints tail = w >= 5.f;
#if defined(__AVX512F__)
  bool any = _mm512_movepi32_mask(reinterpret_cast<__m512i>(tail));
  Floats root = any ? reinterpret_cast<Floats>(_mm512_sqrt_ps(reinterpret_cast<__m512>(w))) : w;
#else
  bool any = _mm256_movemask_ps(reinterpret_cast<__m256>(tail));
  Floats root = any ? reinterpret_cast<Floats>(_mm256_sqrt_ps(reinterpret_cast<__m256>(w))) : w;
#endif
  if (any) {
    Floats b = root - 3.f, q = all_lanes(-0.000200214257f);
    for (float c : {0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f, -0.0076224613f, 0.00943887047f, 1.00167406f, 2.83297682f}) q = q * b + c;
    p = tail ? q : p;
  }
  return p * x;
}

template <class Fn>
void fill(float* out, std::int64_t n, Fn fn) {
  Words column;
  for (int l = 0; l < lanes; ++l) column[l] = static_cast<std::uint32_t>(l);
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < n; i += 4 * lanes) {
    Floats v[4];  // four at a time: the rounds are one chain
    for (int k = 0; k < 4; ++k) v[k] = fn(threefry(0, 7, column + static_cast<std::uint32_t>(i + k * lanes)));
    for (int k = 0; k < 4; ++k) stream(out + i + k * lanes, v[k]);
  }
}

void register_rows() {
  std::int64_t n = bench::sized(50'000'000, 500'032) / (4 * lanes) * (4 * lanes);
  auto make = [n] { return shared(buffer<float>(n, [](std::int64_t) { return 0.f; })); };
  bench::row("uniform", [=] {
    return [out = make(), n] { fill(out.get(), n, unit); };
  });
  bench::row("normal", [=] {
    return [out = make(), n] {
      fill(out.get(), n, [](Words bits) { return 1.41421356f * erfinv(unit(bits) * 2.f - 0.99999994f); });
    };
  });
}

}  // namespace

BENCH_MAIN()
