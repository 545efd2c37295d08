#pragma once
// What stands between the parentheses of x(...): integers, slices, arrays, all, none, ellipsis.

#include <skein/array.h>

#include <optional>
#include <source_location>
#include <span>
#include <string_view>
#include <variant>

namespace skein {

/// start, stop and step of a slice; each may be none, and negative ones count from the end, as in Python.
struct Slice {
  std::optional<std::int64_t> start, stop, step;
  friend bool operator==(const Slice&, const Slice&) = default;
};

namespace detail {
struct Bound {
  Bound(NoneType) {}
  template <std::integral T>
  Bound(T v) : value(static_cast<std::int64_t>(v)) {}
  std::optional<std::int64_t> value;
};
struct Absent {};
}  // namespace detail

/// slice(stop), slice(start, stop), slice(start, stop, step).
inline Slice slice(detail::Bound stop) { return {{}, stop.value, {}}; }
inline Slice slice(detail::Bound start, detail::Bound stop, detail::Bound step = none) {
  return {start.value, stop.value, step.value};
}

struct EllipsisType {};
/// As many whole dimensions as are left.
inline constexpr EllipsisType ellipsis{};

struct ReduceOptions;
/// `all`, an index: the whole dimension; called, a reduction: whether all elements are true.
struct AllType {
  SKEIN_API Array operator()(const Array&, std::source_location = std::source_location::current()) const;
  SKEIN_API Array operator()(const Array&, const ReduceOptions&,
                             std::source_location = std::source_location::current()) const;
};
inline constexpr AllType all{};

/// One index; notes where the user wrote it.
struct Index {
  using Value = std::variant<detail::Absent, std::int64_t, Slice, AllType, NoneType, EllipsisType, Array>;

  template <std::integral T>
    requires(!std::is_same_v<T, bool>)
  Index(T i, std::source_location w = std::source_location::current())
      : value(static_cast<std::int64_t>(i)), where(w) {}
  Index(bool mask, std::source_location w = std::source_location::current()) : value(Array(mask)), where(w) {}
  Index(Slice s, std::source_location w = std::source_location::current()) : value(s), where(w) {}
  Index(AllType a, std::source_location w = std::source_location::current()) : value(a), where(w) {}
  Index(NoneType n, std::source_location w = std::source_location::current()) : value(n), where(w) {}
  Index(EllipsisType e, std::source_location w = std::source_location::current()) : value(e), where(w) {}
  Index(const Array& a, std::source_location w = std::source_location::current()) : value(a), where(w) {}
  explicit Index(detail::Absent) {}

  bool absent() const { return value.index() == 0; }

  Value value;
  std::source_location where = {};
};

/// What an index out of range does: default: gathers clamp, scatters drop. "clip", "drop" or "fill".
struct IndexOptions {
  std::string_view mode = {};
};

namespace detail {
/// The elements that the indices name (none of them absent).
SKEIN_API Array index(const Array&, std::span<const Index>, std::source_location);
}  // namespace detail

/// x.at(...): the elements to change or to get.
class AtProxy {
 public:
  AtProxy(Array array, std::vector<Index> indices, std::source_location where)
      : array_(std::move(array)), indices_(std::move(indices)), where_(where) {}

  SKEIN_API Array set(const Array& value, IndexOptions = {}) const;
  SKEIN_API Array add(const Array& value, IndexOptions = {}) const;
  SKEIN_API Array mul(const Array& value, IndexOptions = {}) const;
  SKEIN_API Array min(const Array& value, IndexOptions = {}) const;
  SKEIN_API Array max(const Array& value, IndexOptions = {}) const;
  SKEIN_API Array get(IndexOptions = {}) const;

 private:
  Array array_;
  std::vector<Index> indices_;
  std::source_location where_;
};

/// The part of an array that one device holds.
struct Shard {
  int device = 0;            // its id
  std::vector<Slice> index;  // where the part lies in the whole, a slice for each dimension
  Array data;
};

}  // namespace skein
