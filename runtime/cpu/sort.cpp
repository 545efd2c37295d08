#include "runtime/cpu/sort.h"

#include "runtime/buffer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <complex>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <numeric>
#include <type_traits>
#include <utility>

namespace skein::runtime::cpu {
namespace {

// ---- keys as unsigned numbers of the same order ----

template <class Bits>
constexpr Bits sign_bit = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));

// Floating bits: all NaNs become the greatest number, both zeros the same one.
template <class Bits>
Bits ordered_float(Bits bits, Bits infinity) {
  Bits magnitude = static_cast<Bits>(bits & ~sign_bit<Bits>);
  if (magnitude > infinity) return static_cast<Bits>(~Bits{0});
  if (magnitude == 0) return sign_bit<Bits>;
  return static_cast<Bits>(bits & sign_bit<Bits> ? ~bits : bits | sign_bit<Bits>);
}

template <class Bits>
Bits ordered(DType dtype, Bits bits) {
  if (is_unsigned(dtype) || is_bool(dtype)) return bits;
  if (is_integer(dtype)) return static_cast<Bits>(bits ^ sign_bit<Bits>);
  if (dtype == DType::float16) return ordered_float<Bits>(bits, static_cast<Bits>(0x7c00));
  if (dtype == DType::bfloat16) return ordered_float<Bits>(bits, static_cast<Bits>(0x7f80));
  if (dtype == DType::float32) return ordered_float<Bits>(bits, static_cast<Bits>(0x7f800000u));
  return ordered_float<Bits>(bits, static_cast<Bits>(0x7ff0000000000000ull));
}

// ---- one row ----

// A stable least-significant-digit radix sort of `items`, using `other` as second space; returns where the result is.
template <class Item, class Bits>
Item* radix_sort(Item* items, Item* other, std::int64_t length, Bits (*key)(const Item&)) {
  constexpr int digits = static_cast<int>(sizeof(Bits));
  auto counts = std::make_unique<std::array<std::array<std::uint32_t, 256>, digits>>();
  for (std::int64_t i = 0; i < length; ++i) {
    Bits bits = key(items[i]);
    for (int d = 0; d < digits; ++d)
      ++(*counts)[static_cast<std::size_t>(d)][static_cast<std::uint8_t>(bits >> (8 * d))];
  }
  for (int d = 0; d < digits; ++d) {
    auto& count = (*counts)[static_cast<std::size_t>(d)];
    if (std::any_of(count.begin(), count.end(), [&](std::uint32_t n) { return n == length; })) continue;  // all alike
    std::uint32_t sum = 0;
    for (std::uint32_t& n : count) sum += std::exchange(n, sum);
    for (std::int64_t i = 0; i < length; ++i)
      other[count[static_cast<std::uint8_t>(key(items[i]) >> (8 * d))]++] = items[i];
    std::swap(items, other);
  }
  return items;
}

template <class Bits>
struct Item {
  Bits key;
  std::uint32_t index;
};

// Space that one thread needs for one row.
struct Scratch {
  Buffer first, second;
  char* get(Buffer& buffer, std::size_t bytes) {
    if (buffer.size() < bytes) buffer = Buffer(), buffer = Buffer::allocate(bytes);
    return static_cast<char*>(buffer.data());
  }
};

template <class T>
void gather(void* data, const std::uint32_t* order, std::int64_t length, char* scratch, std::size_t bytes) {
  if constexpr (std::is_void_v<T>) {
    for (std::int64_t i = 0; i < length; ++i)
      std::memcpy(scratch + static_cast<std::size_t>(i) * bytes, static_cast<char*>(data) + order[i] * bytes, bytes);
  } else {
    auto* from = static_cast<const T*>(data);
    auto* to = reinterpret_cast<T*>(scratch);
    for (std::int64_t i = 0; i < length; ++i) to[i] = from[order[i]];
  }
  std::memcpy(data, scratch, static_cast<std::size_t>(length) * bytes);
}

void gather(void* data, const std::uint32_t* order, std::int64_t length, char* scratch, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return gather<std::uint8_t>(data, order, length, scratch, bytes);
    case 2:
      return gather<std::uint16_t>(data, order, length, scratch, bytes);
    case 4:
      return gather<std::uint32_t>(data, order, length, scratch, bytes);
    case 8:
      return gather<std::uint64_t>(data, order, length, scratch, bytes);
    default:
      return gather<void>(data, order, length, scratch, bytes);
  }
}

struct Row {
  DType dtype;
  std::int64_t length;
  char* keys;
  std::span<const std::int32_t> payload_bytes;
  std::array<char*, 64> payloads;
};

void move_along(const Row& row, const std::uint32_t* order, char* scratch) {
  gather(row.keys, order, row.length, scratch, itemsize(row.dtype));
  for (std::size_t p = 0; p < row.payload_bytes.size(); ++p)
    gather(row.payloads[p], order, row.length, scratch, static_cast<std::size_t>(row.payload_bytes[p]));
}

template <class Bits>
void sort_row(const Row& row, Scratch& scratch) {
  const auto length = static_cast<std::size_t>(row.length);
  using Pair = Item<Bits>;
  auto* keys = reinterpret_cast<Bits*>(row.keys);
  constexpr std::int64_t few = 64;
  // Plain integers without payloads are their keys; equal ones cannot be told apart.
  if (row.payload_bytes.empty() && !is_floating(row.dtype)) {
    for (std::size_t i = 0; i < length; ++i) keys[i] = ordered(row.dtype, keys[i]);
    if (row.length < few) {
      std::sort(keys, keys + length);
    } else {
      auto* other = reinterpret_cast<Bits*>(scratch.get(scratch.first, length * sizeof(Bits)));
      Bits* result = radix_sort<Bits, Bits>(keys, other, row.length, [](const Bits& bits) { return bits; });
      if (result != keys) std::memcpy(keys, result, length * sizeof(Bits));
    }
    for (std::size_t i = 0; i < length; ++i) keys[i] = ordered(row.dtype, keys[i]);  // its own inverse for integers
    return;
  }
  auto* items = reinterpret_cast<Pair*>(scratch.get(scratch.first, length * std::max<std::size_t>(sizeof(Pair), 16)));
  for (std::size_t i = 0; i < length; ++i) items[i] = {ordered(row.dtype, keys[i]), static_cast<std::uint32_t>(i)};
  auto* space = scratch.get(scratch.second, length * std::max<std::size_t>(sizeof(Pair), 16));
  Pair* sorted = items;
  if (row.length < few)
    std::sort(items, items + length,
              [](const Pair& a, const Pair& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; });
  else
    sorted = radix_sort<Pair, Bits>(items, reinterpret_cast<Pair*>(space), row.length,
                                    [](const Pair& item) { return item.key; });
  // The order alone stays, at the front of the space that it is in; the other space serves the gathers.
  auto* order = reinterpret_cast<std::uint32_t*>(sorted);
  for (std::size_t i = 0; i < length; ++i) {
    std::uint32_t index = sorted[i].index;
    std::memcpy(order + i, &index, sizeof index);
  }
  move_along(row, order, sorted == items ? space : reinterpret_cast<char*>(items));
}

template <class T>
void sort_complex(const Row& row, Scratch& scratch) {
  const auto length = static_cast<std::size_t>(row.length);
  auto* order = reinterpret_cast<std::uint32_t*>(scratch.get(scratch.first, length * sizeof(std::uint32_t)));
  std::iota(order, order + length, 0u);
  auto* keys = reinterpret_cast<const std::complex<T>*>(row.keys);
  std::sort(order, order + length, [keys](std::uint32_t a, std::uint32_t b) {
    std::complex<T> x = keys[a], y = keys[b];
    bool x_nan = x.real() != x.real() || x.imag() != x.imag(), y_nan = y.real() != y.real() || y.imag() != y.imag();
    if (x_nan != y_nan) return y_nan;
    if (x_nan || x == y) return a < b;
    return x.real() != y.real() ? x.real() < y.real() : x.imag() < y.imag();
  });
  move_along(row, order, scratch.get(scratch.second, length * 16));
}

void sort_row(const Row& row, Scratch& scratch) {
  if (row.dtype == DType::complex64) return sort_complex<float>(row, scratch);
  if (row.dtype == DType::complex128) return sort_complex<double>(row, scratch);
  switch (itemsize(row.dtype)) {
    case 1:
      return sort_row<std::uint8_t>(row, scratch);
    case 2:
      return sort_row<std::uint16_t>(row, scratch);
    case 4:
      return sort_row<std::uint32_t>(row, scratch);
    default:
      return sort_row<std::uint64_t>(row, scratch);
  }
}

}  // namespace

void sort_rows(DType dtype, std::int64_t rows, std::int64_t length, void* keys,
               std::span<const std::int32_t> payload_bytes, void* const* payloads, std::span<Worker* const> workers) {
  if (rows <= 0 || length <= 1) return;
  struct Job {
    DType dtype;
    std::int64_t rows, length, step;
    char* keys;
    std::span<const std::int32_t> payload_bytes;
    void* const* payloads;
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::exception_ptr error;  // no memory for the scratch space of a thread
  } job{
      dtype, rows, length, std::max<std::int64_t>(1, 16384 / length), static_cast<char*>(keys), payload_bytes, payloads,
      {},    {},   {}};
  Task task = [](void* argument, int) {
    Job& j = *static_cast<Job*>(argument);
    try {
      Scratch scratch;
      for (std::int64_t begin; (begin = j.next.fetch_add(j.step, std::memory_order_relaxed)) < j.rows;)
        for (std::int64_t r = begin; r < std::min(j.rows, begin + j.step); ++r) {
          Row row{j.dtype,
                  j.length,
                  j.keys + r * j.length * static_cast<std::int64_t>(itemsize(j.dtype)),
                  j.payload_bytes,
                  {}};
          for (std::size_t p = 0; p < j.payload_bytes.size(); ++p)
            row.payloads[p] = static_cast<char*>(j.payloads[p]) + r * j.length * j.payload_bytes[p];
          sort_row(row, scratch);
        }
    } catch (...) {
      std::lock_guard lock(j.mutex);
      if (!j.error) j.error = std::current_exception();
    }
  };
  if (workers.empty() || rows <= job.step || rows * length < 8192)
    task(&job, 0);
  else
    fork_join(workers, task, &job, true);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace skein::runtime::cpu
