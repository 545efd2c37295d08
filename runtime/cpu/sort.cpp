#include "runtime/cpu/sort.h"

#include "runtime/buffer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <complex>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace skein::runtime::cpu {
namespace {

// ---- pieces of work on several threads ----

// Calls f(piece) for 0 <= piece < pieces on this thread and the workers, who take pieces as they come.
template <class F>
void over_pieces(std::span<Worker* const> workers, std::int64_t pieces, F&& f) {
  struct Job {
    F& f;
    std::int64_t pieces;
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::exception_ptr error;  // no memory for a thread's scratch space
  } job{f, pieces, {}, {}, {}};
  Task task = [](void* argument, int) {
    Job& j = *static_cast<Job*>(argument);
    try {
      for (std::int64_t piece; (piece = j.next.fetch_add(1, std::memory_order_relaxed)) < j.pieces;) j.f(piece);
    } catch (...) {
      std::lock_guard lock(j.mutex);
      if (!j.error) j.error = std::current_exception();
    }
  };
  if (pieces <= 1)
    workers = {};
  else if (static_cast<std::int64_t>(workers.size()) >= pieces)
    workers = workers.first(static_cast<std::size_t>(pieces - 1));
  fork_join(workers, task, &job, true);
  if (job.error) std::rethrow_exception(job.error);
}

// f(begin, end) for parts of [0, length).
template <class F>
void over_range(std::span<Worker* const> workers, std::int64_t length, F&& f) {
  constexpr std::int64_t least = 16384;
  const std::int64_t pieces =
      workers.empty() ? 1 : std::clamp<std::int64_t>(length / least, 1, 4 * (std::ssize(workers) + 1));
  over_pieces(workers, pieces, [&](std::int64_t p) { f(length * p / pieces, length * (p + 1) / pieces); });
}

// ---- keys as unsigned numbers of the same order ----

// Floating bits: all NaNs become the greatest number, both zeros the same one.
template <class Bits>
struct Code {
  static constexpr Bits sign = static_cast<Bits>(Bits{1} << (sizeof(Bits) * 8 - 1));
  static constexpr Bits nan = static_cast<Bits>(~Bits{0});
  static constexpr Bits zero = sign;

  bool floating = false;
  Bits infinity = 0;  // of floating dtypes
  Bits flip = 0;      // of integers

  explicit Code(DType dtype) : floating(is_floating(dtype)) {
    if (dtype == DType::float16)
      infinity = static_cast<Bits>(0x7c00);
    else if (dtype == DType::bfloat16)
      infinity = static_cast<Bits>(0x7f80);
    else if (dtype == DType::float32)
      infinity = static_cast<Bits>(0x7f800000u);
    else
      infinity = static_cast<Bits>(0x7ff0000000000000ull);
    if (is_signed_integer(dtype)) flip = sign;
  }

  Bits encode_float(Bits bits) const {
    const Bits magnitude = static_cast<Bits>(bits & ~sign);
    const Bits number = static_cast<Bits>(bits & sign ? ~bits : bits | sign);
    return magnitude > infinity ? nan : magnitude == 0 ? zero : number;
  }
  static Bits decode_float(Bits key) { return static_cast<Bits>(key & sign ? key ^ sign : ~key); }
  /// Whether keys of different bits are encoded alike.
  static bool merged(Bits key) { return key == nan || key == zero; }
  /// Whether decoding what was encoded gives other bits.
  bool lossy(Bits bits) const { return bits == sign || static_cast<Bits>(bits & ~sign) > infinity; }
};

// ---- runs and their merging ----

// A stable least-significant-digit radix sort of `items`, using `other` as second space; returns where the result is.
template <class Item, class Bits>
Item* radix_sort(Item* items, Item* other, std::int64_t length, Bits (*key)(const Item&)) {
  constexpr int digits = static_cast<int>(sizeof(Bits));
  // Neighbours count in different tables: the same counter twice in a row would wait for its own store.
  using Tables = std::array<std::array<std::uint32_t, 256>, digits>;
  auto counts = std::make_unique<Tables>(), odd = std::make_unique<Tables>();
  auto add = [](Tables& tables, Bits bits) {
    for (int d = 0; d < digits; ++d) ++tables[static_cast<std::size_t>(d)][static_cast<std::uint8_t>(bits >> (8 * d))];
  };
  for (std::int64_t i = 0; i + 1 < length; i += 2) add(*counts, key(items[i])), add(*odd, key(items[i + 1]));
  if (length % 2) add(*counts, key(items[length - 1]));
  for (int d = 0; d < digits; ++d) {
    auto& count = (*counts)[static_cast<std::size_t>(d)];
    for (std::size_t i = 0; i < 256; ++i) count[i] += (*odd)[static_cast<std::size_t>(d)][i];
    if (std::any_of(count.begin(), count.end(), [&](std::uint32_t n) { return n == length; })) continue;  // all alike
    std::uint32_t sum = 0;
    for (std::uint32_t& n : count) sum += std::exchange(n, sum);
    for (std::int64_t i = 0; i < length; ++i)
      other[count[static_cast<std::uint8_t>(key(items[i]) >> (8 * d))]++] = items[i];
    std::swap(items, other);
  }
  return items;
}

// How many of the first `count` items of the merged runs a and b come from a. Of equal items those of a come first.
template <class Item, class Less>
std::int64_t split(const Item* a, std::int64_t a_length, const Item* b, std::int64_t b_length, std::int64_t count,
                   Less less) {
  std::int64_t low = std::max<std::int64_t>(0, count - b_length), high = std::min(count, a_length);
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (less(b[count - middle - 1], a[middle]))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

template <class Item, class Less>
void merge(const Item* a, const Item* a_end, const Item* b, const Item* b_end, Item* out, Less less) {
  while (a != a_end && b != b_end) {
    const bool second = less(*b, *a);  // random keys: a branch here would be guessed wrong every other time
    *out++ = *(second ? b : a);
    a += !second, b += second;
  }
  out = std::copy(a, a_end, out);
  std::copy(b, b_end, out);
}

constexpr std::int64_t least_run = 32768;  // a thread of its own is not worth it for less

// Sorts the items: each thread a run of its own by sort_run(items, other, length), which returns where its result is,
// then all threads merge pairs of runs, each a part of the output. Returns where the result is.
template <class Item, class SortRun, class Less>
Item* sort_items(Item* items, Item* other, std::int64_t length, std::span<Worker* const> workers, SortRun sort_run,
                 Less less) {
  const std::int64_t threads = std::ssize(workers) + 1, runs = std::min(threads, length / least_run);
  if (runs <= 1) return sort_run(items, other, length);
  auto edge = [&](std::int64_t run) { return length * std::min(run, runs) / runs; };
  over_pieces(workers, runs, [&](std::int64_t run) {
    const std::int64_t begin = edge(run), count = edge(run + 1) - begin;
    Item* result = sort_run(items + begin, other + begin, count);
    if (result != items + begin) std::copy(result, result + count, items + begin);
  });
  for (std::int64_t width = 1; width < runs; width *= 2) {
    const std::int64_t pieces = 4 * threads;
    over_pieces(workers, pieces, [&](std::int64_t piece) {
      const std::int64_t from = length * piece / pieces, to = length * (piece + 1) / pieces;
      for (std::int64_t run = 0; run < runs; run += 2 * width) {
        const std::int64_t begin = edge(run), middle = edge(run + width), end = edge(run + 2 * width);
        const std::int64_t first = std::max(from, begin) - begin, last = std::min(to, end) - begin;
        if (first >= last) continue;
        const Item *a = items + begin, *b = items + middle;
        const std::int64_t a_first = split(a, middle - begin, b, end - middle, first, less);
        const std::int64_t a_last = split(a, middle - begin, b, end - middle, last, less);
        merge(a + a_first, a + a_last, b + (first - a_first), b + (last - a_last), other + begin + first, less);
      }
    });
    std::swap(items, other);
  }
  return items;
}

// ---- one row ----

template <class Bits>
struct Item {
  Bits key;
  std::uint32_t index;
};
struct Place {
  std::uint32_t index;
};

// Space for one row.
struct Scratch {
  Buffer first, second;
  char* get(Buffer& buffer, std::size_t bytes) {
    if (buffer.size() < bytes) buffer = Buffer(), buffer = Buffer::allocate(bytes);
    return static_cast<char*>(buffer.data());
  }
};

struct Row {
  DType dtype;
  std::int64_t length;
  char* keys;
  std::span<const std::int32_t> payload_bytes;
  std::array<char*, 64> payloads;
  std::span<Worker* const> workers;
};

void copy_back(const Row& row, void* data, const char* scratch, std::size_t bytes) {
  over_range(row.workers, row.length, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(static_cast<char*>(data) + static_cast<std::size_t>(begin) * bytes,
                scratch + static_cast<std::size_t>(begin) * bytes, static_cast<std::size_t>(end - begin) * bytes);
  });
}

template <class T, class Pair>
void gather(const Row& row, void* data, const Pair* order, char* scratch) {
  over_range(row.workers, row.length, [&](std::int64_t begin, std::int64_t end) {
    auto* from = static_cast<const T*>(data);
    auto* to = reinterpret_cast<T*>(scratch);
    for (std::int64_t i = begin; i < end; ++i) to[i] = from[order[i].index];
  });
  copy_back(row, data, scratch, sizeof(T));
}

template <class Pair>
void gather(const Row& row, void* data, const Pair* order, char* scratch, std::size_t bytes) {
  switch (bytes) {
    case 1:
      return gather<std::uint8_t>(row, data, order, scratch);
    case 2:
      return gather<std::uint16_t>(row, data, order, scratch);
    case 4:
      return gather<std::uint32_t>(row, data, order, scratch);
    case 8:
      return gather<std::uint64_t>(row, data, order, scratch);
    default:
      return gather<std::array<std::uint64_t, 2>>(row, data, order, scratch);
  }
}

constexpr std::int64_t few = 64;  // too few for a radix sort

// Without payloads the sorted keys are all there is to know, but for the zeros' signs and the NaNs' bits.
template <class Bits>
void sort_keys(const Row& row, Scratch& scratch) {
  const Code<Bits> code(row.dtype);
  auto* keys = reinterpret_cast<Bits*>(row.keys);
  auto* items =
      reinterpret_cast<Bits*>(scratch.get(scratch.first, static_cast<std::size_t>(row.length) * sizeof(Bits)));
  std::atomic<bool> lossy{false};
  // The pieces use copies of the code: seen through a reference, each store to an item could change it.
  over_range(row.workers, row.length, [=, &lossy](std::int64_t begin, std::int64_t end) {
    const Code<Bits> local = code;
    if (!local.floating) {
      for (std::int64_t i = begin; i < end; ++i) items[i] = static_cast<Bits>(keys[i] ^ local.flip);
      return;
    }
    Bits lost = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const Bits bits = keys[i];
      items[i] = local.encode_float(bits);
      lost = static_cast<Bits>(lost | (local.lossy(bits) ? 1 : 0));
    }
    if (lost) lossy.store(true, std::memory_order_relaxed);
  });
  std::vector<Bits> zeros, nans;  // in the order in which they stood
  if (lossy)
    for (std::int64_t i = 0; i < row.length; ++i) {
      if (items[i] == code.zero) zeros.push_back(keys[i]);
      if (items[i] == code.nan) nans.push_back(keys[i]);
    }
  auto sort_run = [](Bits* from, Bits* other, std::int64_t length) {
    if (length >= few) return radix_sort<Bits, Bits>(from, other, length, [](const Bits& bits) { return bits; });
    std::sort(from, from + length);
    return from;
  };
  const Bits* sorted = sort_items(items, keys, row.length, row.workers, sort_run, std::less<>());
  over_range(row.workers, row.length, [=](std::int64_t begin, std::int64_t end) {
    const Code<Bits> local = code;
    if (local.floating)
      for (std::int64_t i = begin; i < end; ++i) keys[i] = local.decode_float(sorted[i]);
    else
      for (std::int64_t i = begin; i < end; ++i) keys[i] = static_cast<Bits>(sorted[i] ^ local.flip);
  });
  if (!nans.empty()) std::copy(nans.begin(), nans.end(), keys + row.length - std::ssize(nans));
  if (!zeros.empty()) {  // they stand behind the negative numbers
    auto negative = [](Bits bits) { return static_cast<Bits>(bits & ~Code<Bits>::sign) && (bits & Code<Bits>::sign); };
    Bits* end = keys + row.length - std::ssize(nans);
    std::copy(zeros.begin(), zeros.end(), std::partition_point(keys, end, negative));
  }
}

template <class Bits>
void sort_row(const Row& row, Scratch& scratch) {
  if (row.payload_bytes.empty()) return sort_keys<Bits>(row, scratch);
  const auto length = static_cast<std::size_t>(row.length);
  const Code<Bits> code(row.dtype);
  using Pair = Item<Bits>;
  auto* keys = reinterpret_cast<Bits*>(row.keys);
  const std::size_t space = length * std::max<std::size_t>(sizeof(Pair), 16);  // also for a gather of any payload
  auto* items = reinterpret_cast<Pair*>(scratch.get(scratch.first, space));
  auto* other = reinterpret_cast<Pair*>(scratch.get(scratch.second, space));
  over_range(row.workers, row.length, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      items[i] = {code.floating ? code.encode_float(keys[i]) : static_cast<Bits>(keys[i] ^ code.flip),
                  static_cast<std::uint32_t>(i)};
  });
  auto sort_run = [](Pair* from, Pair* to, std::int64_t count) {
    if (count >= few) return radix_sort<Pair, Bits>(from, to, count, [](const Pair& item) { return item.key; });
    std::sort(from, from + count,
              [](const Pair& a, const Pair& b) { return a.key != b.key ? a.key < b.key : a.index < b.index; });
    return from;
  };
  const Pair* sorted = sort_items(items, other, row.length, row.workers, sort_run,
                                  [](const Pair& a, const Pair& b) { return a.key < b.key; });
  char* moved = reinterpret_cast<char*>(sorted == items ? other : items);
  auto* new_keys = reinterpret_cast<Bits*>(moved);
  over_range(row.workers, row.length, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Bits key = sorted[i].key;
      if (!code.floating)
        new_keys[i] = static_cast<Bits>(key ^ code.flip);
      else
        new_keys[i] = code.merged(key) ? keys[sorted[i].index] : code.decode_float(key);
    }
  });
  copy_back(row, keys, moved, sizeof(Bits));
  for (std::size_t p = 0; p < row.payload_bytes.size(); ++p)
    gather(row, row.payloads[p], sorted, moved, static_cast<std::size_t>(row.payload_bytes[p]));
}

template <class T>
void sort_complex(const Row& row, Scratch& scratch) {
  const std::size_t space = static_cast<std::size_t>(row.length) * 16;
  auto* order = reinterpret_cast<Place*>(scratch.get(scratch.first, space));
  auto* other = reinterpret_cast<Place*>(scratch.get(scratch.second, space));
  for (std::int64_t i = 0; i < row.length; ++i) order[i].index = static_cast<std::uint32_t>(i);
  auto* keys = reinterpret_cast<const std::complex<T>*>(row.keys);
  auto less = [keys](Place a, Place b) {
    std::complex<T> x = keys[a.index], y = keys[b.index];
    bool x_nan = x.real() != x.real() || x.imag() != x.imag(), y_nan = y.real() != y.real() || y.imag() != y.imag();
    if (x_nan != y_nan) return y_nan;
    if (x_nan || x == y) return a.index < b.index;
    return x.real() != y.real() ? x.real() < y.real() : x.imag() < y.imag();
  };
  auto sort_run = [less](Place* from, Place*, std::int64_t count) {
    std::sort(from, from + count, less);
    return from;
  };
  const Place* sorted = sort_items(order, other, row.length, row.workers, sort_run, less);
  char* moved = reinterpret_cast<char*>(sorted == order ? other : order);
  gather(row, row.keys, sorted, moved, itemsize(row.dtype));
  for (std::size_t p = 0; p < row.payload_bytes.size(); ++p)
    gather(row, row.payloads[p], sorted, moved, static_cast<std::size_t>(row.payload_bytes[p]));
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

bool worth_threads(std::int64_t rows, std::int64_t length) {
  return length >= 2 * least_run || (rows > 1 && rows * length >= 8192);
}

void sort_rows(DType dtype, std::int64_t rows, std::int64_t length, void* keys,
               std::span<const std::int32_t> payload_bytes, void* const* payloads, std::span<Worker* const> workers) {
  if (rows <= 0 || length <= 1) return;
  auto sort_some = [&](std::int64_t begin, std::int64_t end, std::span<Worker* const> helpers) {
    Scratch scratch;
    for (std::int64_t r = begin; r < end; ++r) {
      Row row{dtype,         length, static_cast<char*>(keys) + r * length * static_cast<std::int64_t>(itemsize(dtype)),
              payload_bytes, {},     helpers};
      for (std::size_t p = 0; p < payload_bytes.size(); ++p)
        row.payloads[p] = static_cast<char*>(payloads[p]) + r * length * payload_bytes[p];
      sort_row(row, scratch);
    }
  };
  const std::int64_t threads = std::ssize(workers) + 1;
  if (threads == 1 || !worth_threads(rows, length)) return sort_some(0, rows, {});
  // Few long rows: the threads share each of them; else each thread has rows of its own.
  if (rows < 4 * threads && length >= 2 * least_run) return sort_some(0, rows, workers);
  const std::int64_t step = std::max({std::int64_t{1}, 16384 / length, rows / (16 * threads)});
  over_pieces(workers, (rows + step - 1) / step,
              [&](std::int64_t p) { sort_some(p * step, std::min(rows, (p + 1) * step), {}); });
}

}  // namespace skein::runtime::cpu
