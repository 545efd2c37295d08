#include "runtime/cpu/fft.h"

// Threads are the runtime's own; the plans of the last lengths are kept.
#define POCKETFFT_NO_MULTITHREADING
#define POCKETFFT_CACHE_SIZE 16
#include "third_party/pocketfft/pocketfft_hdronly.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace skein::runtime::cpu {
namespace {

using Sizes = std::vector<std::int64_t>;

/// The sizes of what is transformed: real ones, and those of the half that is kept of the transform of real numbers.
Sizes real_sizes(const skein_fft& f) { return Sizes(f.lengths, f.lengths + f.rank); }
Sizes half_sizes(const skein_fft& f) {
  Sizes sizes = real_sizes(f);
  sizes.back() = sizes.back() / 2 + 1;
  return sizes;
}
std::int64_t product(std::span<const std::int64_t> sizes) {
  std::int64_t count = 1;
  for (std::int64_t size : sizes) count *= size;
  return count;
}

/// Runs f(part, parts) on this thread and the workers; the first exception of any is thrown here.
void each_part(std::span<Worker* const> workers, const std::function<void(int part, int parts)>& f) {
  if (workers.empty()) return f(0, 1);
  struct Call {
    const std::function<void(int, int)>& f;
    int parts;
    std::mutex mutex = {};
    std::exception_ptr error = {};
  } call{f, static_cast<int>(workers.size()) + 1};
  auto run = [](void* argument, int part) {
    Call& c = *static_cast<Call*>(argument);
    try {
      c.f(part, c.parts);
    } catch (...) {
      std::lock_guard lock(c.mutex);
      if (!c.error) c.error = std::current_exception();
    }
  };
  fork_join(workers, run, &call, false);
  if (call.error) std::rethrow_exception(call.error);
}

std::pair<std::int64_t, std::int64_t> share(std::int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

/// Rows along the middle one of three dimensions of the real array; what is kept of it may have another size there.
struct Rows {
  std::int64_t outer, size, inner;
};
Rows rows_of(std::int64_t batch, const Sizes& sizes, std::size_t dim) {
  const std::span all(sizes);
  return {batch * product(all.first(dim)), sizes[dim], product(all.subspan(dim + 1))};
}

/// Calls transform(shape, strides in, strides out, element in, element out) for the parts of the rows; a row is
/// `from_size` elements of In and becomes `to_size` of Out.
template <class In, class Out, class Transform>
void along(const Rows& rows, std::int64_t from_size, std::int64_t to_size, std::span<Worker* const> workers,
           Transform&& transform) {
  const bool by_outer = rows.outer >= rows.inner;
  const auto most = std::max(rows.outer, rows.inner) - 1;
  workers = workers.first(
      static_cast<std::size_t>(std::clamp<std::int64_t>(most, 0, static_cast<std::int64_t>(workers.size()))));
  auto strides = [&](std::int64_t size, std::size_t bytes) {
    const auto item = static_cast<std::ptrdiff_t>(bytes);
    return pocketfft::stride_t{static_cast<std::ptrdiff_t>(size * rows.inner) * item,
                               static_cast<std::ptrdiff_t>(rows.inner) * item, item};
  };
  each_part(workers, [&](int part, int parts) {
    const auto [begin, end] = share(by_outer ? rows.outer : rows.inner, part, parts);
    if (begin == end) return;
    const auto outer = static_cast<std::size_t>(by_outer ? end - begin : rows.outer);
    const auto inner = static_cast<std::size_t>(by_outer ? rows.inner : end - begin);
    const pocketfft::shape_t shape{outer, static_cast<std::size_t>(rows.size), inner};
    transform(shape, strides(from_size, sizeof(In)), strides(to_size, sizeof(Out)),
              by_outer ? begin * from_size * rows.inner : begin, by_outer ? begin * to_size * rows.inner : begin);
  });
}

template <class T>
void complex_along(const Rows& rows, bool forward, const std::complex<T>* from, std::complex<T>* to, T factor,
                   std::span<Worker* const> workers) {
  using C = std::complex<T>;
  along<C, C>(rows, rows.size, rows.size, workers,
              [&](const auto& shape, const auto& in, const auto& out, std::int64_t first, std::int64_t target) {
                pocketfft::c2c(shape, in, out, {1}, forward, from + first, to + target, factor);
              });
}
template <class T>
void real_to_complex_along(const Rows& rows, const T* from, std::complex<T>* to, std::span<Worker* const> workers) {
  along<T, std::complex<T>>(
      rows, rows.size, rows.size / 2 + 1, workers,
      [&](const auto& shape, const auto& in, const auto& out, std::int64_t first, std::int64_t target) {
        pocketfft::r2c(shape, in, out, std::size_t{1}, true, from + first, to + target, T(1));
      });
}
template <class T>
void complex_to_real_along(const Rows& rows, const std::complex<T>* from, T* to, T factor,
                           std::span<Worker* const> workers) {
  along<std::complex<T>, T>(
      rows, rows.size / 2 + 1, rows.size, workers,
      [&](const auto& shape, const auto& in, const auto& out, std::int64_t first, std::int64_t target) {
        pocketfft::c2r(shape, in, out, std::size_t{1}, false, from + first, to + target, factor);
      });
}

/// `batch` arrays one after another, dimension by dimension.
template <class T>
void transform_some(const skein_fft& f, std::int64_t batch, const void* operand, void* result,
                    std::span<Worker* const> workers) {
  using C = std::complex<T>;
  const Sizes sizes = real_sizes(f), half = half_sizes(f);
  const auto last = static_cast<std::size_t>(f.rank) - 1;
  const T scale = static_cast<T>(1.0 / static_cast<double>(product(sizes)));
  switch (static_cast<skein_fft_kind>(f.kind)) {
    case SKEIN_FFT:
    case SKEIN_IFFT: {
      const bool forward = f.kind == SKEIN_FFT;
      const C* from = static_cast<const C*>(operand);
      C* to = static_cast<C*>(result);
      for (std::size_t dim = last + 1; dim-- > 0; from = to)
        complex_along<T>(rows_of(batch, sizes, dim), forward, from, to, forward || dim != last ? T(1) : scale, workers);
      return;
    }
    case SKEIN_RFFT: {
      C* to = static_cast<C*>(result);
      real_to_complex_along<T>(rows_of(batch, sizes, last), static_cast<const T*>(operand), to, workers);
      for (std::size_t dim = last; dim-- > 0;) complex_along<T>(rows_of(batch, half, dim), true, to, to, T(1), workers);
      return;
    }
    case SKEIN_IRFFT: {
      const C* from = static_cast<const C*>(operand);
      std::vector<C> between(last > 0 ? static_cast<std::size_t>(batch * product(half)) : 0);
      for (std::size_t dim = 0; dim < last; ++dim, from = between.data())
        complex_along<T>(rows_of(batch, half, dim), false, from, between.data(), T(1), workers);
      complex_to_real_along<T>(rows_of(batch, sizes, last), from, static_cast<T*>(result), scale, workers);
      return;
    }
  }
  throw InternalError("no such transform", "fft", "", 0);
}

template <class T>
void transform_all(const skein_fft& f, const void* operand, void* result, std::span<Worker* const> workers) {
  const std::int64_t parts = static_cast<std::int64_t>(workers.size()) + 1;
  if (f.batch < parts) return transform_some<T>(f, f.batch, operand, result, workers);
  // Each thread has whole arrays, as many at a time as stay in its cache.
  const auto count = static_cast<std::int64_t>(f.batch);
  const FftBytes bytes = bytes_of(f);
  const std::size_t in = bytes.operand / static_cast<std::size_t>(count),
                    out = bytes.result / static_cast<std::size_t>(count);
  const auto together =
      std::max<std::int64_t>(8, (1 << 18) / static_cast<std::int64_t>(std::max<std::size_t>(in + out, 1)));
  each_part(workers, [&](int part, int all) {
    const auto [begin, end] = share(count, part, all);
    for (std::int64_t first = begin; first < end; first += together)
      transform_some<T>(f, std::min(together, end - first),
                        static_cast<const char*>(operand) + static_cast<std::size_t>(first) * in,
                        static_cast<char*>(result) + static_cast<std::size_t>(first) * out, {});
  });
}

}  // namespace

bool worth_threads(const skein_fft& f) { return f.batch * product(real_sizes(f)) > 20000; }

FftBytes bytes_of(const skein_fft& f) {
  const std::size_t item = itemsize(static_cast<DType>(f.dtype));
  const auto whole = static_cast<std::size_t>(f.batch * product(real_sizes(f))) * item;
  const auto half = static_cast<std::size_t>(f.batch * product(half_sizes(f))) * item;
  if (f.kind == SKEIN_RFFT) return {whole, 2 * half};
  if (f.kind == SKEIN_IRFFT) return {2 * half, whole};
  return {2 * whole, 2 * whole};
}

void fft(const skein_fft& f, const void* operand, void* result, std::span<Worker* const> workers) {
  if (f.batch == 0) return;
  if (static_cast<DType>(f.dtype) == DType::float32)
    transform_all<float>(f, operand, result, workers);
  else
    transform_all<double>(f, operand, result, workers);
}

}  // namespace skein::runtime::cpu
