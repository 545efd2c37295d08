#pragma once
// What the devices of a mesh do together, inside shard_map. Over several axes ranks count row-major in the order named.
// A tree travels in one message. An axis that the mesh in force does not have is a UserError.

#include <skein/shard_map.h>

namespace skein {

struct CollectiveOptions {
  int axis = 0;        // of all_gather: where the devices' dimension goes
  bool tiled = false;  // keep the rank: blocks stand one after another
  int split_axis = 0;
  int concat_axis = 0;
  int scatter_dimension = 0;
  std::vector<std::vector<int>> axis_index_groups = {};  // ranks that work together; results stay varying
  bool invariant = false;                                // of all_gather: the result no longer varies
};

namespace detail {
enum class Collective : std::uint8_t {
  psum,
  pmean,
  pmax,
  pmin,
  all_gather,
  psum_scatter,
  all_to_all,
  pvary,
  pbroadcast,
  pargmax,
  pargmin
};
SKEIN_API std::vector<Array> collect(Collective, std::vector<Array> leaves, const AxisNames&, const CollectiveOptions&,
                                     std::int64_t source = 0);
SKEIN_API std::vector<Array> permute(std::vector<Array> leaves, const AxisNames&,
                                     const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs);

template <Collective kind, class T>
TreeType<T> collect_tree(const char* name, T&& value, const AxisNames& axes, const CollectiveOptions& options,
                         std::source_location where, std::int64_t source = 0) {
  PublicCall call(name, where);
  TreeType<T> tree(std::forward<T>(value));
  return rebuild(tree, collect(kind, leaves_of(tree), axes, options, source));
}
}  // namespace detail

/// The sum over the devices; the same on all of them. Of bool int32. A replicated value counts once for each device.
template <class T>
detail::TreeType<T> psum(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                         std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::psum>("psum", std::forward<T>(x), axes, options, where);
}
/// Of integers float32.
template <class T>
detail::TreeType<T> pmean(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                          std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pmean>("pmean", std::forward<T>(x), axes, options, where);
}
template <class T>
detail::TreeType<T> pmax(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                         std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pmax>("pmax", std::forward<T>(x), axes, options, where);
}
template <class T>
detail::TreeType<T> pmin(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                         std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pmin>("pmin", std::forward<T>(x), axes, options, where);
}
/// The rank of the device that has the greatest (least) element, the first of equals: int32.
template <class T>
detail::TreeType<T> pargmax(T&& x, const AxisNames& axes,
                            std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pargmax>("pargmax", std::forward<T>(x), axes, {}, where);
}
template <class T>
detail::TreeType<T> pargmin(T&& x, const AxisNames& axes,
                            std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pargmin>("pargmin", std::forward<T>(x), axes, {}, where);
}
/// All devices' values, along a new dimension .axis or, tiled, one after another along it. The result varies.
template <class T>
detail::TreeType<T> all_gather(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                               std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::all_gather>("all_gather", std::forward<T>(x), axes, options, where);
}
/// The sum over the devices, of which each gets its part of .scatter_dimension.
template <class T>
detail::TreeType<T> psum_scatter(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                                 std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::psum_scatter>("psum_scatter", std::forward<T>(x), axes, options,
                                                                where);
}
/// Part i of .split_axis goes to device i; what comes stands along .concat_axis in rank order.
template <class T>
detail::TreeType<T> all_to_all(T&& x, const AxisNames& axes, const CollectiveOptions& options = {},
                               std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::all_to_all>("all_to_all", std::forward<T>(x), axes, options, where);
}
/// Each {source, destination} sends; who is no destination gets zeros.
template <class T>
detail::TreeType<T> ppermute(T&& x, const AxisNames& axes,
                             const std::vector<std::pair<std::int64_t, std::int64_t>>& pairs,
                             std::source_location where = std::source_location::current()) {
  detail::PublicCall call("ppermute", where);
  detail::TreeType<T> tree(std::forward<T>(x));
  return detail::rebuild(tree, detail::permute(detail::leaves_of(tree), axes, pairs));
}
/// Device i gets what device perm[i] has.
template <class T>
detail::TreeType<T> pshuffle(T&& x, const AxisNames& axes, const std::vector<std::int64_t>& perm,
                             std::source_location where = std::source_location::current()) {
  detail::PublicCall call("pshuffle", where);
  std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
  for (std::size_t i = 0; i < perm.size(); ++i) pairs.emplace_back(perm[i], static_cast<std::int64_t>(i));
  detail::TreeType<T> tree(std::forward<T>(x));
  return detail::rebuild(tree, detail::permute(detail::leaves_of(tree), axes, pairs));
}
/// What device `source` has, on all of them.
template <class T>
detail::TreeType<T> pbroadcast(T&& x, const AxisNames& axes, std::int64_t source,
                               std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pbroadcast>("pbroadcast", std::forward<T>(x), axes, {}, where,
                                                              source);
}
/// The same value, typed as varying.
template <class T>
detail::TreeType<T> pvary(T&& x, const AxisNames& axes, std::source_location where = std::source_location::current()) {
  return detail::collect_tree<detail::Collective::pvary>("pvary", std::forward<T>(x), axes, {}, where);
}
/// The device's rank over the axes: int32, varying over them.
SKEIN_API Array axis_index(const AxisNames& axes, std::source_location = std::source_location::current());
/// The number of devices along the axes.
SKEIN_API std::int64_t axis_size(const AxisNames& axes, std::source_location = std::source_location::current());

}  // namespace skein
