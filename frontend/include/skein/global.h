#pragma once
// Arrays over several processes: each holds the parts of its own devices. Everything here does the same, alone, with
// one process.

#include <skein/index.h>
#include <skein/tree.h>

#include <functional>
#include <vector>

namespace skein {

namespace detail {
SKEIN_API Array gather_processes(const Array&, std::source_location);
}

/// An array of `shape` that lies as `sharding` says, from its parts: `part(index)` gives the elements at those slices,
/// of one dtype everywhere; it is called for the parts of this process's devices, each once. Throws UserError for a
/// part of another shape or dtype, and for a size that the mesh does not divide.
SKEIN_API Array make_array_from_callback(const Shape& shape, const NamedSharding& sharding,
                                         const std::function<Array(const std::vector<Slice>&)>& part,
                                         std::source_location = std::source_location::current());
/// The array of which `data` is this process's part: along every dimension that is split, the parts of its devices side
/// by side. Its size along such a dimension is that of all parts together. Throws UserError where the devices' parts
/// are no box of the array.
SKEIN_API Array make_array_from_process_local_data(const NamedSharding& sharding, const Array& data,
                                                   std::source_location = std::source_location::current());
/// The array, which every process has whole, as `sharding` says: each keeps the parts of its devices.
SKEIN_API Array device_put(const Array& whole, const NamedSharding& sharding,
                           std::source_location = std::source_location::current());

/// All of every array of a tree, in every process; all processes call it. Arrays that are whole already stay as they
/// are.
template <class T>
T process_allgather(T tree, std::source_location where = std::source_location::current()) {
  detail::each_leaf(tree, [&](Array& leaf) {
    if (!leaf.empty()) leaf = detail::gather_processes(leaf, where);
  });
  return tree;
}

}  // namespace skein
