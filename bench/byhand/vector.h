#pragma once
// What an expert writes by hand with: vectors of the machine's full width, libmvec's functions, streaming stores, aligned
// buffers that are used again.

#include <immintrin.h>
#include <sys/mman.h>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#if defined(__AVX512F__)
constexpr int lanes = 16;
#else
constexpr int lanes = 8;
#endif
typedef float Floats __attribute__((vector_size(lanes * 4)));
typedef std::uint32_t Words __attribute__((vector_size(lanes * 4)));
typedef std::int32_t Ints __attribute__((vector_size(lanes * 4)));

extern "C" {
#if defined(__AVX512F__)
Floats _ZGVeN16v_expf(Floats);
Floats _ZGVeN16v_sinf(Floats);
Floats _ZGVeN16v_logf(Floats);
Floats _ZGVeN16v_log1pf(Floats);
#else
Floats _ZGVdN8v_expf(Floats);
Floats _ZGVdN8v_sinf(Floats);
Floats _ZGVdN8v_logf(Floats);
Floats _ZGVdN8v_log1pf(Floats);
#endif
}

#if defined(__AVX512F__)
inline Floats vexp(Floats x) { return _ZGVeN16v_expf(x); }
inline Floats vsin(Floats x) { return _ZGVeN16v_sinf(x); }
inline Floats vlog(Floats x) { return _ZGVeN16v_logf(x); }
inline Floats vlog1p(Floats x) { return _ZGVeN16v_log1pf(x); }
#else
inline Floats vexp(Floats x) { return _ZGVdN8v_expf(x); }
inline Floats vsin(Floats x) { return _ZGVdN8v_sinf(x); }
inline Floats vlog(Floats x) { return _ZGVdN8v_logf(x); }
inline Floats vlog1p(Floats x) { return _ZGVdN8v_log1pf(x); }
#endif

inline Floats load(const float* p) {
  Floats v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Floats v) { std::memcpy(p, &v, sizeof v); }
/// Past the caches: for what is not read again soon. `p` is aligned.
inline void stream(float* p, Floats v) { __builtin_nontemporal_store(v, reinterpret_cast<Floats*>(p)); }
inline Floats all_lanes(float x) { return Floats{} + x; }
inline float sum_lanes(Floats v) {
  float sum = 0;
  for (int i = 0; i < lanes; ++i) sum += v[i];
  return sum;
}

struct Free {
  void operator()(void* p) const { std::free(p); }
};
template <class T>
using Buffer = std::unique_ptr<T[], Free>;
/// Memory in huge pages, first touched by the threads that use it: `touch(i)` gives element i.
template <class T, class Touch>
Buffer<T> buffer(std::int64_t count, Touch touch) {
  constexpr std::size_t page = 2 << 20;
  std::size_t bytes = (static_cast<std::size_t>(count) * sizeof(T) + page - 1) / page * page;
  auto* p = static_cast<T*>(std::aligned_alloc(page, bytes));
  madvise(p, bytes, MADV_HUGEPAGE);
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < count; ++i) p[i] = touch(i);
  return Buffer<T>(p);
}
template <class T>
std::shared_ptr<T[]> shared(Buffer<T> b) {
  return std::shared_ptr<T[]>(std::move(b));
}
