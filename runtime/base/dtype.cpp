#include <skein/base/dtype.h>

#include <array>
#include <ostream>

namespace skein {
namespace {

// The lattice's nodes: the dtypes, then the three weak kinds.
enum Node : int { weak_int = dtype_count, weak_float, weak_complex, node_count };

struct Lattice {
  std::array<std::uint32_t, node_count> above{};  // the set of nodes that are >= each node, itself included

  constexpr Lattice() {
    auto edge = [this](int from, int to) { above[from] |= above[to]; };
    auto self = [this](int node) { above[node] |= 1u << node; };
    auto n = [](DType d) { return static_cast<int>(d); };
    for (int i = 0; i < node_count; ++i) self(i);
    // From the top down, so that each set is complete when it is used.
    edge(n(complex64), n(complex128));
    edge(weak_complex, n(complex64));
    edge(n(float64), n(complex128));
    edge(n(float32), n(float64)), edge(n(float32), n(complex64));
    edge(n(float16), n(float32)), edge(n(bfloat16), n(float32));
    edge(weak_float, n(float16)), edge(weak_float, n(bfloat16)), edge(weak_float, weak_complex);
    edge(n(int64), weak_float), edge(n(uint64), weak_float);
    edge(n(int32), n(int64)), edge(n(uint32), n(int64)), edge(n(uint32), n(uint64));
    edge(n(int16), n(int32)), edge(n(uint16), n(int32)), edge(n(uint16), n(uint32));
    edge(n(int8), n(int16)), edge(n(uint8), n(int16)), edge(n(uint8), n(uint16));
    edge(weak_int, n(int8)), edge(weak_int, n(uint8));
    edge(n(bool_), weak_int);
  }

  constexpr int join(int a, int b) const {
    std::uint32_t common = above[a] & above[b];
    for (int i = 0; i < node_count; ++i)
      if (above[i] == common) return i;
    return static_cast<int>(complex128);
  }
};

constexpr Lattice lattice;

constexpr int node_of(DType d, bool weak) {
  if (!weak || is_bool(d)) return static_cast<int>(d);
  return is_complex(d) ? weak_complex : is_floating(d) ? weak_float : weak_int;
}

}  // namespace

std::pair<DType, bool> promote(DType a, bool weak_a, DType b, bool weak_b) {
  weak_a &= !is_bool(a), weak_b &= !is_bool(b);
  if (a == b) return {a, weak_a && weak_b};
  // Two weak values join as if they were strong: a weak int64 keeps its size.
  bool both = weak_a && weak_b;
  int node = both ? lattice.join(static_cast<int>(a), static_cast<int>(b))
                  : lattice.join(node_of(a, weak_a), node_of(b, weak_b));
  if (node == weak_int) return {int32, true};
  if (node == weak_float) return {float32, true};
  if (node == weak_complex) return {complex64, true};
  return {static_cast<DType>(node), both};
}

std::ostream& operator<<(std::ostream& out, DType d) { return out << name(d); }

}  // namespace skein
