#pragma once
// Trees: an Array, or an aggregate struct, tuple, pair, array, vector, map, optional of trees, without registration.
// What is no Array in them (an int, a string) is static: part of the tree's structure, compared and hashed by value.

#include <skein/array.h>

#include <array>
#include <boost/pfr/core.hpp>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace skein {
namespace detail {

// ---- what a type is ----

template <class T>
struct IsTupleLike : std::false_type {};
template <class... T>
struct IsTupleLike<std::tuple<T...>> : std::true_type {};
template <class A, class B>
struct IsTupleLike<std::pair<A, B>> : std::true_type {};

template <class T>
struct IsSequence : std::false_type {};
template <class T, class A>
struct IsSequence<std::vector<T, A>> : std::true_type {};
template <class T, std::size_t N>
struct IsSequence<std::array<T, N>> : std::true_type {};

template <class T>
struct IsMap : std::false_type {};
template <class K, class V, class C, class A>
struct IsMap<std::map<K, V, C, A>> : std::true_type {};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
concept Aggregate = std::is_class_v<T> && std::is_aggregate_v<T> && !IsSequence<T>::value;

template <class T>
constexpr bool contains_array();

template <class T, std::size_t... I>
constexpr bool any_element(std::index_sequence<I...>) {
  return (contains_array<std::remove_cv_t<std::tuple_element_t<I, T>>>() || ...);
}
template <class T, std::size_t... I>
constexpr bool any_field(std::index_sequence<I...>) {
  return (contains_array<std::remove_cv_t<boost::pfr::tuple_element_t<I, T>>>() || ...);
}

/// Whether values of the type may hold arrays; all others are static.
template <class T>
constexpr bool contains_array() {
  if constexpr (std::is_same_v<T, Array>)
    return true;
  else if constexpr (IsTupleLike<T>::value)
    return any_element<T>(std::make_index_sequence<std::tuple_size_v<T>>());
  else if constexpr (IsSequence<T>::value || IsOptional<T>::value)
    return contains_array<std::remove_cv_t<typename T::value_type>>();
  else if constexpr (IsMap<T>::value)
    return contains_array<typename T::mapped_type>();
  else if constexpr (Aggregate<T>) {
    if constexpr (std::is_empty_v<T>)
      return false;
    else
      return any_field<T>(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  } else
    return false;
}

/// Calls fn(child) for each child of a node that may hold arrays, in order.
template <class T, class Fn>
constexpr void each_child(T& node, Fn&& fn) {
  using Node = std::remove_const_t<T>;
  if constexpr (IsTupleLike<Node>::value)
    std::apply([&](auto&... child) { (fn(child), ...); }, node);
  else if constexpr (IsSequence<Node>::value) {
    for (auto& child : node) fn(child);
  } else if constexpr (IsMap<Node>::value) {
    for (auto& entry : node) fn(entry.second);
  } else if constexpr (IsOptional<Node>::value) {
    if (node) fn(*node);
  } else {
    boost::pfr::for_each_field(node, fn);
  }
}

/// Calls fn(array) for each leaf of the tree, in order.
template <class T, class Fn>
void each_leaf(T& tree, Fn&& fn) {
  if constexpr (std::is_same_v<std::remove_const_t<T>, Array>)
    fn(tree);
  else if constexpr (contains_array<std::remove_const_t<T>>())
    each_child(tree, [&](auto& child) { each_leaf(child, fn); });
}

template <class T>
bool same_structure(const T& a, const T& b);

template <class T, std::size_t... I>
bool same_fields(const T& a, const T& b, std::index_sequence<I...>) {
  return (same_structure(boost::pfr::get<I>(a), boost::pfr::get<I>(b)) && ...);
}
template <class T, std::size_t... I>
bool same_elements(const T& a, const T& b, std::index_sequence<I...>) {
  return (same_structure(std::get<I>(a), std::get<I>(b)) && ...);
}

/// Whether two trees differ in nothing but the values of their arrays' leaves.
template <class T>
bool same_structure(const T& a, const T& b) {
  if constexpr (std::is_same_v<T, Array>)
    return a.empty() == b.empty();
  else if constexpr (std::is_empty_v<T>)
    return true;
  else if constexpr (IsTupleLike<T>::value)
    return same_elements(a, b, std::make_index_sequence<std::tuple_size_v<T>>());
  else if constexpr (!contains_array<T>() && std::equality_comparable<T>)
    return a == b;
  else if constexpr (IsSequence<T>::value) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!same_structure(a[i], b[i])) return false;
    return true;
  } else if constexpr (IsMap<T>::value) {
    if (a.size() != b.size()) return false;
    for (auto i = a.begin(), j = b.begin(); i != a.end(); ++i, ++j)
      if (!(i->first == j->first) || !same_structure(i->second, j->second)) return false;
    return true;
  } else if constexpr (IsOptional<T>::value)
    return a.has_value() == b.has_value() && (!a || same_structure(*a, *b));
  else if constexpr (Aggregate<T>)
    return same_fields(a, b, std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  else
    static_assert(std::is_empty_v<T>, "a static argument or member must be comparable with ==");
}

inline void mix(std::size_t& seed, std::size_t value) {
  seed ^= value + 0x9e3779b97f4a7c15ull + (seed << 6) + (seed >> 2);
}

/// Adds what is static in a tree to a hash.
template <class T>
void hash_structure(std::size_t& seed, const T& tree) {
  if constexpr (std::is_same_v<T, Array> || std::is_empty_v<T>)
    return;
  else if constexpr (contains_array<T>() || IsTupleLike<T>::value || Aggregate<T>) {
    if constexpr (IsSequence<T>::value || IsMap<T>::value) mix(seed, tree.size());
    each_child(tree, [&](const auto& child) { hash_structure(seed, child); });
  } else if constexpr (std::is_enum_v<T>)
    mix(seed, static_cast<std::size_t>(tree));
  else if constexpr (requires { std::hash<T>()(tree); })
    mix(seed, std::hash<T>()(tree));
}

template <class T>
std::vector<Array> leaves_of(const T& tree) {
  std::vector<Array> leaves;
  each_leaf(tree, [&](const Array& leaf) { leaves.push_back(leaf); });
  return leaves;
}

/// A copy of the tree whose leaves are `leaves`, in order.
template <class T>
T rebuild(T tree, std::span<const Array> leaves) {
  std::size_t next = 0;
  each_leaf(tree, [&](Array& leaf) { leaf = leaves[next++]; });
  return tree;
}

/// What a function of trees makes of an argument: C++ scalars become arrays, references values.
template <class T>
using TreeType = std::conditional_t<Scalar<std::decay_t<T>>, Array, std::decay_t<T>>;

}  // namespace detail

/// The arrays of a tree in the order of its members.
template <class T>
std::vector<Array> tree_leaves(const T& tree) {
  return detail::leaves_of(tree);
}

/// The tree with each leaf replaced by fn(leaf, the others' leaf at its place...). Throws UserError if the trees'
/// structures differ.
template <class Fn, class T, class... Others>
T tree_map(Fn&& fn, const T& tree, const Others&... others) {
  static_assert((std::is_same_v<T, Others> && ...), "tree_map takes trees of one type");
  if (!(detail::same_structure(tree, others) && ...))
    throw UserError("the trees differ in structure: in length, keys or static members", "tree_map");
  std::vector<std::vector<Array>> rest{detail::leaves_of(others)...};
  T result = tree;
  std::size_t i = 0;
  detail::each_leaf(result, [&](Array& leaf) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      leaf = fn(std::as_const(leaf), rest[I][i]...);
    }(std::index_sequence_for<Others...>());
    ++i;
  });
  return result;
}

}  // namespace skein
