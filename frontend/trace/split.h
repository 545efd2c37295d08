#pragma once
// Arrays that are split over processes: each holds the blocks of its own devices, one behind the other.

#include <skein/array.h>

#include <functional>
#include <string>
#include <vector>

namespace skein::detail {

/// One block of an array, and where it lies.
struct Block {
  int rank = 0;              // of the first device of this process that has it, in the mesh
  std::vector<Slice> index;  // in the whole array
};

/// The blocks that this process's devices hold: those of the first device first, each once. All blocks have one shape.
std::vector<Block> local_blocks(const Shape& whole, const NamedSharding&);
/// Of a device of the mesh.
std::vector<Slice> block_index(const Shape& whole, const NamedSharding&, std::int64_t rank);
Shape block_shape(const Shape& whole, const NamedSharding&);

/// Fails with a UserError for a mesh of devices that are not there, or that leaves a process out. In shard_map's file.
void check_devices(const Mesh&);
/// Whether a device is one of this process's.
bool is_local(int device);
/// Whether an array that lies so is split over processes: the process is one of several, and the spec splits it.
bool is_split(const NamedSharding&);
/// What this process stores of such an array: {blocks, block...}.
Shape stored_shape(const Shape& whole, const NamedSharding&);

/// Fails with a UserError that names who has the rest of the array, if it is split.
void check_whole(const Array&);
/// Whether two shardings give every device the same block.
bool same_placement(const NamedSharding&, const NamedSharding&);

/// An array that lies so: `fill(index, memory)` writes each block that is here. UserError for sizes that the mesh does
/// not divide.
Array make_split(DType, const Shape&, const NamedSharding&,
                 const std::function<void(const std::vector<Slice>&, void*)>& fill);
/// The texts of all processes, in their order; all call it.
std::vector<std::string> gather_texts(const std::string& mine);

/// All processes have the same program: one that has another gets, as all do, a UserError with both calls and the first
/// line in which the programs differ.
void agree_on_program(const std::string& text, std::uint64_t fingerprint, const std::string& call);

/// Copies a box between a dense array and a dense block: `index` says where it lies in the whole.
void copy_box(void* whole, const Shape& whole_shape, const std::vector<Slice>& index, void* block, std::int64_t item,
              bool to_block);

}  // namespace skein::detail
