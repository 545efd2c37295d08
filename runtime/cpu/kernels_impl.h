// The body of kernels_v2/v3/v4.cpp, which define SKEIN_LEVEL. It uses no function of the standard library: an inline
// one, compiled for a newer machine, could be the copy that the linker keeps for all.

#include "runtime/cpu/kernels.h"

namespace skein::runtime::cpu::SKEIN_LEVEL {
namespace {

template <class T>
struct Complex {
  T re, im;
};

// How an element is stored, and what it is while it is added up.
template <class T>
struct Plain {
  using Stored = T;
  using Value = T;
  static Value load(Stored v) { return v; }
  static Stored store(Value v) { return v; }
};
struct Half {
  using Stored = std::uint16_t;
  using Value = float;
  static Value load(Stored v) { return static_cast<float>(__builtin_bit_cast(_Float16, v)); }
  static Stored store(Value v) { return __builtin_bit_cast(Stored, static_cast<_Float16>(v)); }
};
struct Brain {
  using Stored = std::uint16_t;
  using Value = float;
  static Value load(Stored v) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(v) << 16); }
  static Stored store(Value v) {  // to nearest, ties to even; NaN stays one
    std::uint32_t bits = __builtin_bit_cast(std::uint32_t, v);
    std::uint32_t rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    return static_cast<Stored>((v != v ? bits | 0x400000u : rounded) >> 16);
  }
};

template <class T>
inline constexpr bool is_float = false;
template <>
inline constexpr bool is_float<float> = true;
template <>
inline constexpr bool is_float<double> = true;
template <class T>
struct Unsigned {
  using type = T;
};
template <>
struct Unsigned<std::int8_t> {
  using type = std::uint8_t;
};
template <>
struct Unsigned<std::int16_t> {
  using type = std::uint16_t;
};
template <>
struct Unsigned<std::int32_t> {
  using type = std::uint32_t;
};
template <>
struct Unsigned<std::int64_t> {
  using type = std::uint64_t;
};

struct Sum {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return a + b;
    else
      return static_cast<T>(static_cast<typename Unsigned<T>::type>(a) + static_cast<typename Unsigned<T>::type>(b));
  }
  template <class T>
  static Complex<T> apply(Complex<T> a, Complex<T> b) {
    return {a.re + b.re, a.im + b.im};
  }
};
struct Prod {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>) return a * b;
    // By way of 64 bits: two 16-bit factors would be multiplied as int, and overflow.
    else
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
  }
  template <class T>
  static Complex<T> apply(Complex<T> a, Complex<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
};
template <bool greater>
struct Extreme {
  template <class T>
  static T apply(T a, T b) {
    if constexpr (is_float<T>)
      return ((greater ? a > b : a < b) || a != a) ? a : b;  // b if it is NaN
    else
      return (greater ? a > b : a < b) ? a : b;
  }
  template <class T>
  static Complex<T> apply(Complex<T> a, Complex<T> b) {  // lexicographic, as NumPy
    bool a_nan = a.re != a.re || a.im != a.im, b_nan = b.re != b.re || b.im != b.im;
    bool first = greater ? a.re > b.re || (a.re == b.re && a.im > b.im) : a.re < b.re || (a.re == b.re && a.im < b.im);
    return a_nan ? a : b_nan ? b : first ? a : b;
  }
};
struct And {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  static T apply(T a, T b) {
    return static_cast<T>(a | b);
  }
};

// Stores that do not go through the caches.
using Line = float __attribute__((vector_size(64), may_alias));

bool is_aligned(const void* address) { return reinterpret_cast<std::uintptr_t>(address) % sizeof(Line) == 0; }

template <std::size_t bytes>
void stream(void* to, const void* from) {
  static_assert(bytes % sizeof(Line) == 0);
  for (std::size_t k = 0; k < bytes / sizeof(Line); ++k)
    __builtin_nontemporal_store(static_cast<const Line*>(from)[k], static_cast<Line*>(to) + k);
}

// Such stores are ordered with nothing else; others must see them when they are told that the data is there.
void stream_end() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

// A block is added up in registers, read from each input once and written to each output once.
template <class E, class Op>
void run(const ReduceArguments& arguments) {
  using Stored = typename E::Stored;
  using Value = typename E::Value;
  constexpr int width = 256 / static_cast<int>(sizeof(Value)) > 0 ? 256 / static_cast<int>(sizeof(Value)) : 1;
  std::int64_t i = arguments.begin;
  for (; i + width <= arguments.end; i += width) {
    Value sum[width];
    const Stored* first = static_cast<const Stored*>(arguments.input[0]) + i;
    for (int k = 0; k < width; ++k) sum[k] = E::load(first[k]);
    for (int m = 1; m < arguments.inputs; ++m) {
      const Stored* next = static_cast<const Stored*>(arguments.input[m]) + i;
      for (int k = 0; k < width; ++k) sum[k] = Op::apply(sum[k], E::load(next[k]));
    }
    alignas(64) Stored result[width];
    for (int k = 0; k < width; ++k) result[k] = E::store(sum[k]);
    for (int m = 0; m < arguments.outputs; ++m) {
      Stored* out = static_cast<Stored*>(arguments.output[m]) + i;
      if (arguments.streaming && is_aligned(out))
        stream<sizeof result>(out, result);
      else
        __builtin_memcpy(out, result, sizeof result);
    }
  }
  for (; i < arguments.end; ++i) {
    Value sum = E::load(static_cast<const Stored*>(arguments.input[0])[i]);
    for (int m = 1; m < arguments.inputs; ++m)
      sum = Op::apply(sum, E::load(static_cast<const Stored*>(arguments.input[m])[i]));
    for (int m = 0; m < arguments.outputs; ++m) static_cast<Stored*>(arguments.output[m])[i] = E::store(sum);
  }
}

enum { sum, max, min, prod, logical_and, logical_or };  // in the order of Reduction

template <class E>
bool integer(const ReduceArguments& a) {
  switch (a.reduction) {
    case sum:
      return run<E, Sum>(a), true;
    case max:
      return run<E, Extreme<true>>(a), true;
    case min:
      return run<E, Extreme<false>>(a), true;
    case prod:
      return run<E, Prod>(a), true;
    case logical_and:
      return run<E, And>(a), true;
    case logical_or:
      return run<E, Or>(a), true;
  }
  return false;
}

template <class E>
bool inexact(const ReduceArguments& a) {
  switch (a.reduction) {
    case sum:
      return run<E, Sum>(a), true;
    case max:
      return run<E, Extreme<true>>(a), true;
    case min:
      return run<E, Extreme<false>>(a), true;
    case prod:
      return run<E, Prod>(a), true;
  }
  return false;
}

bool boolean(const ReduceArguments& a) {
  bool all = a.reduction == min || a.reduction == prod || a.reduction == logical_and;
  return all ? (run<Plain<std::uint8_t>, And>(a), true) : (run<Plain<std::uint8_t>, Or>(a), true);
}

}  // namespace

void copy_streaming(void* to, const void* from, std::int64_t bytes) {
  auto* out = static_cast<char*>(to);
  auto* in = static_cast<const char*>(from);
  std::int64_t head = static_cast<std::int64_t>(-reinterpret_cast<std::uintptr_t>(out) % sizeof(Line));
  if (head > bytes) head = bytes;
  __builtin_memcpy(out, in, static_cast<std::size_t>(head));
  std::int64_t i = head;
  constexpr std::int64_t step = 4 * sizeof(Line);
  for (; i + step <= bytes; i += step) {
    Line block[4];
    __builtin_memcpy(block, in + i, sizeof block);
    stream<sizeof block>(out + i, block);
  }
  __builtin_memcpy(out + i, in + i, static_cast<std::size_t>(bytes - i));
  stream_end();
}

static bool reduce_any(const ReduceArguments& a) {
  switch (a.dtype) {  // in the order of DType
    case 0:
      return boolean(a);
    case 1:
      return integer<Plain<std::int8_t>>(a);
    case 2:
      return integer<Plain<std::int16_t>>(a);
    case 3:
      return integer<Plain<std::int32_t>>(a);
    case 4:
      return integer<Plain<std::int64_t>>(a);
    case 5:
      return integer<Plain<std::uint8_t>>(a);
    case 6:
      return integer<Plain<std::uint16_t>>(a);
    case 7:
      return integer<Plain<std::uint32_t>>(a);
    case 8:
      return integer<Plain<std::uint64_t>>(a);
    case 9:
      return inexact<Half>(a);
    case 10:
      return inexact<Brain>(a);
    case 11:
      return inexact<Plain<float>>(a);
    case 12:
      return inexact<Plain<double>>(a);
    case 13:
      return inexact<Plain<Complex<float>>>(a);
    case 14:
      return inexact<Plain<Complex<double>>>(a);
  }
  return false;
}

bool reduce(const ReduceArguments& a) {
  bool done = reduce_any(a);
  if (a.streaming) stream_end();
  return done;
}

}  // namespace skein::runtime::cpu::SKEIN_LEVEL
