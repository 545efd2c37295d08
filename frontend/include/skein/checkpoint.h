#pragma once
// Checkpoints: the arrays of a tree in a directory, written by all processes together, each its own parts.

#include <skein/shard_map.h>

#include <string>
#include <vector>

namespace skein {

namespace detail {
SKEIN_API void save_leaves(const std::string& folder, const std::vector<const Array*>& leaves, std::source_location);
SKEIN_API std::vector<Array> load_leaves(const std::string& folder, const std::vector<const PartitionSpec*>& specs,
                                         const Mesh&, std::source_location);
}  // namespace detail

/// Writes the tree's arrays into `folder`, which appears whole or not at all, and takes the place of one that was
/// there. All processes call it, on a file system that all see; each part is written once, with a checksum. Throws
/// RuntimeError, in every process, where one cannot write.
template <class T>
void save_sharded(const std::string& folder, const T& tree,
                  std::source_location where = std::source_location::current()) {
  std::vector<const Array*> leaves;
  detail::each_leaf(tree, [&](const Array& leaf) {
    if (!leaf.empty()) leaves.push_back(&leaf);
  });
  detail::save_leaves(folder, leaves, where);
}

/// Reads what save_sharded wrote, on any number of processes and devices: the arrays lie on `mesh` as `specs` says, an
/// entry for all or a list that follows the tree. `like` gives the structure (lengths of vectors, keys, static
/// members); each of its arrays is replaced, and may be empty where none in the tree is left out. All processes call
/// it. Throws UserError for a folder that is no checkpoint, holds another number of arrays, or has a missing or damaged
/// part, which it names.
template <class T>
T load_sharded(const std::string& folder, const SpecTree& specs, const Mesh& mesh, T like = T(),
               std::source_location where = std::source_location::current()) {
  detail::PublicCall call("load_sharded", where);
  detail::each_leaf(like, [](Array& leaf) { leaf = Array(false); });
  std::vector<const PartitionSpec*> leaf_specs;
  detail::match_specs(specs, like, "specs", leaf_specs);
  std::vector<Array> leaves = detail::load_leaves(folder, leaf_specs, mesh, where);
  std::size_t next = 0;
  detail::each_leaf(like, [&](Array& leaf) { leaf = leaves[next++]; });
  return like;
}

}  // namespace skein
