#pragma once
// The programs whose memory is measured as well as their time.

#include <skein/skein.h>

namespace programs {
namespace sk = skein;

/// The pull of all bodies on each, from float32[n,3]; written with pair arrays that must never be stored.
inline sk::Array pairwise(const sk::Array& x) {
  auto diff = x(sk::all, sk::none, sk::all) - x(sk::none, sk::all, sk::all);
  auto r2 = sk::sum(diff * diff, {.axis = 2}) + 1e-3;
  auto inv = 1 / (r2 * sk::sqrt(r2));
  return sk::sum(diff * inv(sk::all, sk::all, sk::none), {.axis = 1});
}

inline sk::Array standardise(const sk::Array& a) { return (a - sk::mean(a, {.axis = 0})) / sk::std(a, {.axis = 0}); }

/// 50 sweeps; the border keeps its values.
inline sk::Array jacobi(const sk::Array& u) {
  return sk::fori_loop(0, 50, [](sk::Array, sk::Array v) {
    auto inner = sk::slice(1, -1), before = sk::slice(sk::none, -2), after = sk::slice(2, sk::none);
    return v.at(inner, inner).set(0.25 * (v(before, inner) + v(after, inner) + v(inner, before) + v(inner, after)));
  }, u);
}

}  // namespace programs
