#include "runtime/cpu/running.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>
#include <vector>

namespace skein::runtime::cpu {
namespace {

// float16 and bfloat16 as they lie in memory; they are computed with as float.
struct Half {
  _Float16 value;
  operator float() const { return static_cast<float>(value); }
  Half() = default;
  Half(float x) : value(static_cast<_Float16>(x)) {}
};
struct Brain {
  std::uint16_t bits;
  operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
  Brain() = default;
  Brain(float x) {
    auto word = std::bit_cast<std::uint32_t>(x);
    bits = static_cast<std::uint16_t>(x != x ? word >> 16 | 0x40 : (word + 0x7fff + (word >> 16 & 1)) >> 16);
  }
};

template <class T>
constexpr bool is_float = std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, Brain>;
template <class T>
constexpr bool is_complex_type = std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>;

// What totals are kept in.
template <class T>
using Wide = std::conditional_t<std::is_same_v<T, float> || std::is_same_v<T, Half> || std::is_same_v<T, Brain>, double,
                                std::conditional_t<std::is_same_v<T, std::complex<float>>, std::complex<double>, T>>;

struct Add {
  template <class T>
  static T join(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) + static_cast<std::make_unsigned_t<T>>(b));
    else
      return a + b;
  }
};
struct Multiply {
  template <class T>
  static T join(T a, T b) {
    if constexpr (std::is_integral_v<T>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else if constexpr (is_complex_type<T>)
      return T(a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real());
    else
      return a * b;
  }
};
// NaN is passed on.
struct Greater {
  template <class T>
  static T join(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::isnan(a) || a > b ? a : b;
    else
      return a > b ? a : b;
  }
};
struct Less {
  template <class T>
  static T join(T a, T b) {
    if constexpr (std::is_floating_point_v<T>)
      return std::isnan(a) || a < b ? a : b;
    else
      return a < b ? a : b;
  }
};
struct Set {
  template <class T>
  static T join(T, T b) {
    return b;
  }
};

/// Calls f with a value of the dtype's type; bool is a byte.
template <class F>
void with_dtype(std::int32_t dtype, F&& f) {
  switch (static_cast<DType>(dtype)) {
    case DType::bool_:
    case DType::uint8: return f(std::uint8_t());
    case DType::int8: return f(std::int8_t());
    case DType::int16: return f(std::int16_t());
    case DType::int32: return f(std::int32_t());
    case DType::int64: return f(std::int64_t());
    case DType::uint16: return f(std::uint16_t());
    case DType::uint32: return f(std::uint32_t());
    case DType::uint64: return f(std::uint64_t());
    case DType::float16: return f(Half());
    case DType::bfloat16: return f(Brain());
    case DType::float32: return f(float());
    case DType::float64: return f(double());
    case DType::complex64: return f(std::complex<float>());
    case DType::complex128: return f(std::complex<double>());
  }
}

/// Calls f with the way to join, where the type has it.
template <class T, class F>
void with_kind(std::int32_t kind, F&& f) {
  constexpr bool ordered = !is_complex_type<T>;
  switch (static_cast<skein_join>(kind)) {
    case SKEIN_JOIN_SET: return f(Set());
    case SKEIN_JOIN_ADD: return f(Add());
    case SKEIN_JOIN_MUL: return f(Multiply());
    case SKEIN_JOIN_MIN:
      if constexpr (ordered) return f(Less());
      break;
    case SKEIN_JOIN_MAX:
      if constexpr (ordered) return f(Greater());
      break;
  }
  throw InternalError("complex numbers have no order", "scatter", "", 0);
}

// In which type the elements of memory are joined.
template <class T>
using Joined = std::conditional_t<std::is_same_v<T, Half> || std::is_same_v<T, Brain>, float, T>;

/// Runs f(part) for part in [0, parts), on this thread and the workers.
void each_part(std::span<Worker* const> workers, const std::function<void(int part, int parts)>& f) {
  struct Call {
    const std::function<void(int, int)>& f;
    int parts;
  } call{f, static_cast<int>(workers.size()) + 1};
  if (workers.empty()) return f(0, 1);
  fork_join(workers, [](void* c, int part) { static_cast<Call*>(c)->f(part, static_cast<Call*>(c)->parts); }, &call, false);
}

std::pair<std::int64_t, std::int64_t> share(std::int64_t count, int part, int parts) {
  return {count * part / parts, count * (part + 1) / parts};
}

template <class T, class Join>
void join_rows(T* to, const T* from, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<T>(Join::template join<Joined<T>>(to[i], from[i]));
}

/// Each thread has a part of the targets, and looks at all indices: the order of what meets is that of the updates.
template <class T, class Index, class Join>
void scatter_to_part(const skein_scatter& s, T* target, const Index* indices, const T* updates, int part, int parts) {
  const auto [low, high] = share(s.size, part, parts);
  const auto width = static_cast<std::uint64_t>(high - low);
  constexpr std::int64_t block = 1024;
  std::int32_t mine[block];  // found first and written then: no branch that depends on an index
  for (std::int64_t o = 0; o < s.outer; ++o) {
    T* row = target + o * s.size * s.inner;
    const T* from = updates + o * s.count * s.inner;
    for (std::int64_t start = 0; start < s.count; start += block) {
      const auto count = static_cast<std::int32_t>(std::min(block, s.count - start));
      std::int32_t found = 0;
      for (std::int32_t k = 0; k < count; ++k) {
        mine[found] = k;
        found += static_cast<std::uint64_t>(indices[start + k]) - static_cast<std::uint64_t>(low) < width;
      }
      for (std::int32_t m = 0; m < found; ++m) {
        const std::int64_t k = start + mine[m];
        join_rows<T, Join>(row + static_cast<std::int64_t>(indices[k]) * s.inner, from + k * s.inner, s.inner);
      }
    }
  }
}

/// What joins with x to x.
template <class T, class Join>
T neutral() {
  if constexpr (std::is_same_v<Join, Greater>) return std::numeric_limits<T>::lowest();
  if constexpr (std::is_same_v<Join, Less>) return std::numeric_limits<T>::max();
  return std::is_same_v<Join, Multiply> ? T(1) : T(0);
}

/// Where the order is all one (integers) and targets are few: each thread has a part of the indices and targets of its own.
template <class T, class Index, class Join>
void scatter_to_copies(const skein_scatter& s, T* target, const Index* indices, const T* updates, std::span<Worker* const> workers) {
  const std::int64_t row = s.size * s.inner;
  const auto parts = static_cast<std::int64_t>(workers.size()) + 1;
  for (std::int64_t o = 0; o < s.outer; ++o) {
    std::vector<T> copies(static_cast<std::size_t>((parts - 1) * row), neutral<T, Join>());
    each_part(workers, [&](int part, int) {
      const auto [begin, end] = share(s.count, part, static_cast<int>(parts));
      T* to = part ? copies.data() + (part - 1) * row : target + o * row;
      const skein_scatter mine{s.dtype, s.index_dtype, s.kind, 1, s.size, s.inner, end - begin};
      scatter_to_part<T, Index, Join>(mine, to, indices + begin, updates + (o * s.count + begin) * s.inner, 0, 1);
    });
    for (std::int64_t p = 0; p + 1 < parts; ++p) join_rows<T, Join>(target + o * row, copies.data() + p * row, row);
  }
}

template <class T, class Index, class Join>
void scatter_with(const skein_scatter& s, T* target, const Index* indices, const T* updates, std::span<Worker* const> workers) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<Join, Set>)
    if (s.size * static_cast<std::int64_t>(workers.size() + 1) * 4 <= s.count) return scatter_to_copies<T, Index, Join>(s, target, indices, updates, workers);
  each_part(workers, [&](int part, int parts) { scatter_to_part<T, Index, Join>(s, target, indices, updates, part, parts); });
}

template <class T, class Join>
void row_part(const T* from, T* to, std::int64_t first, std::int64_t last, std::int64_t step, Wide<T> total, bool fresh) {
  for (std::int64_t k = first; k != last; k += step) {
    const auto x = static_cast<Wide<T>>(from[k]);
    total = fresh ? x : Join::template join<Wide<T>>(total, x);
    fresh = false;
    to[k] = static_cast<T>(total);
  }
}

/// One contiguous row; long ones in parts: their totals first, then each from what the parts before it come to.
template <class T, class Join>
void cumulate_row(const T* from, T* to, std::int64_t length, bool reverse, std::span<Worker* const> workers) {
  const int parts = static_cast<int>(workers.size()) + 1;
  auto range = [&](int part) {
    auto [begin, end] = share(length, part, parts);
    return reverse ? std::pair{length - 1 - begin, length - 1 - end} : std::pair{begin, end};
  };
  const std::int64_t step = reverse ? -1 : 1;
  if (parts == 1) return row_part<T, Join>(from, to, range(0).first, range(0).second, step, {}, true);
  std::vector<Wide<T>> totals(static_cast<std::size_t>(parts));
  each_part(workers, [&](int part, int) {
    auto [first, last] = range(part);
    if (first == last) return;
    auto total = static_cast<Wide<T>>(from[first]);
    for (std::int64_t k = first + step; k != last; k += step) total = Join::template join<Wide<T>>(total, static_cast<Wide<T>>(from[k]));
    totals[static_cast<std::size_t>(part)] = total;
  });
  each_part(workers, [&](int part, int) {
    auto [first, last] = range(part);
    if (first == last) return;
    Wide<T> before{};
    bool fresh = true;
    for (int p = 0; p < part; ++p)
      if (range(p).first != range(p).second) {
        before = fresh ? totals[static_cast<std::size_t>(p)] : Join::template join<Wide<T>>(before, totals[static_cast<std::size_t>(p)]);
        fresh = false;
      }
    row_part<T, Join>(from, to, first, last, step, before, fresh);
  });
}

/// Columns side by side: row after row, their totals in a block that stays near.
template <class T, class Join>
void cumulate_columns(const skein_cumulative& c, const T* from, T* to, std::int64_t o, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t block = 512;
  Wide<T> totals[block];
  for (std::int64_t first = begin; first < end; first += block) {
    const std::int64_t width = std::min(block, end - first);
    for (std::int64_t k = 0; k < c.size; ++k) {
      const std::int64_t row = (o * c.size + (c.reverse ? c.size - 1 - k : k)) * c.inner + first;
      for (std::int64_t i = 0; i < width; ++i) {
        const auto x = static_cast<Wide<T>>(from[row + i]);
        totals[i] = k == 0 ? x : Join::template join<Wide<T>>(totals[i], x);
        to[row + i] = static_cast<T>(totals[i]);
      }
    }
  }
}

}  // namespace

bool worth_threads(const skein_scatter& s) { return s.outer * s.count * s.inner > 100000; }
bool worth_threads(const skein_cumulative& c) { return c.outer * c.size * c.inner > 100000; }

void scatter(const skein_scatter& s, void* target, const void* indices, const void* updates, std::span<Worker* const> workers) {
  with_dtype(s.dtype, [&](auto element) {
    using T = decltype(element);
    with_kind<T>(s.kind, [&](auto kind) {
      with_dtype(s.index_dtype, [&](auto index) {
        using Index = decltype(index);
        if constexpr (std::is_integral_v<Index>)
          scatter_with<T, Index, decltype(kind)>(s, static_cast<T*>(target), static_cast<const Index*>(indices), static_cast<const T*>(updates), workers);
      });
    });
  });
}

void cumulate(const skein_cumulative& c, const void* operand, void* result, std::span<Worker* const> workers) {
  if (c.size == 0) return;
  with_dtype(c.dtype, [&](auto element) {
    using T = decltype(element);
    with_kind<T>(c.kind, [&](auto kind) {
      using Join = decltype(kind);
      const T* from = static_cast<const T*>(operand);
      T* to = static_cast<T*>(result);
      if (c.inner == 1 && c.outer <= static_cast<std::int64_t>(workers.size())) {
        for (std::int64_t o = 0; o < c.outer; ++o) cumulate_row<T, Join>(from + o * c.size, to + o * c.size, c.size, c.reverse, workers);
      } else if (c.inner == 1) {
        each_part(workers, [&](int part, int parts) {
          auto [begin, end] = share(c.outer, part, parts);
          for (std::int64_t o = begin; o < end; ++o) cumulate_row<T, Join>(from + o * c.size, to + o * c.size, c.size, c.reverse, {});
        });
      } else {
        each_part(workers, [&](int part, int parts) {
          auto [begin, end] = share(c.outer * c.inner, part, parts);
          while (begin < end) {  // outer index after outer index
            const std::int64_t o = begin / c.inner, stop = std::min(end, (o + 1) * c.inner);
            cumulate_columns<T, Join>(c, from, to, o, begin - o * c.inner, stop - o * c.inner);
            begin = stop;
          }
        });
      }
    });
  });
}

}  // namespace skein::runtime::cpu
