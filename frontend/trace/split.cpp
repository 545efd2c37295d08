#include "frontend/trace/split.h"

#include <skein/ops.h>

#include <algorithm>
#include <cstring>

#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "runtime/mpi/world.h"

namespace skein::detail {

std::vector<Slice> block_index(const Shape& whole, const NamedSharding& sharding, std::int64_t rank) {
  const Mesh& mesh = sharding.mesh();
  std::vector<Slice> index;
  for (std::size_t d = 0; d < whole.size(); ++d) {
    const auto& axes = sharding.spec().axes(d);
    const std::int64_t size = axes.empty() ? whole[d] : whole[d] / mesh.axes_size(axes),
                       at = axes.empty() ? 0 : mesh.rank_within(rank, axes);
    index.push_back({at * size, (at + 1) * size, {}});
  }
  return index;
}

Shape block_shape(const Shape& whole, const NamedSharding& sharding) {
  Shape block = whole;
  for (std::size_t d = 0; d < whole.size(); ++d)
    if (const auto& axes = sharding.spec().axes(d); !axes.empty()) block[d] /= sharding.mesh().axes_size(axes);
  return block;
}

std::vector<Block> local_blocks(const Shape& whole, const NamedSharding& sharding) {
  const Mesh& mesh = sharding.mesh();
  const auto axes = sharding.spec().all_axes();
  if (axes.empty()) return {{0, block_index(whole, sharding, 0)}};  // on whatever mesh: every process has it
  std::vector<Block> blocks;
  std::vector<std::int64_t> seen;  // a block is known by its devices' rank along the axes that split
  for (std::int64_t rank = 0; rank < mesh.size(); ++rank) {
    if (!is_local(mesh.ids()[static_cast<std::size_t>(rank)])) continue;
    const std::int64_t which = axes.empty() ? 0 : mesh.rank_within(rank, axes);
    if (std::find(seen.begin(), seen.end(), which) != seen.end()) continue;
    seen.push_back(which);
    blocks.push_back({static_cast<int>(rank), block_index(whole, sharding, rank)});
  }
  return blocks;
}

bool is_local(int device) {
  const runtime::mpi::World* world = runtime::mpi::world();
  return !world || world->process_of(device) == world->rank();
}

bool is_split(const NamedSharding& sharding) {
  return runtime::mpi::world() && !sharding.spec().all_axes().empty() &&
         sharding.mesh().axes_size(sharding.spec().all_axes()) > 1;
}

Shape stored_shape(const Shape& whole, const NamedSharding& sharding) {
  Shape stored = block_shape(whole, sharding);
  stored.insert(0, static_cast<std::int64_t>(local_blocks(whole, sharding).size()));
  return stored;
}

void check_whole(const Array& array) {
  ArrayImpl* impl = impl_of(array);
  if (impl->stored.empty()) return;
  const runtime::mpi::World& world = *runtime::mpi::world();
  for (std::int64_t rank = 0; rank < impl->sharding->mesh().size(); ++rank) {
    const int process = world.process_of(impl->sharding->mesh().ids()[static_cast<std::size_t>(rank)]);
    if (process == world.rank()) continue;
    std::string where;
    for (const Slice& slice : block_index(impl->shape, *impl->sharding, rank))
      where += (where.empty() ? "" : ", ") + std::to_string(*slice.start) + ":" + std::to_string(*slice.stop);
    fail("the array, " + describe(array) + ", is split over processes as " + to_string(impl->sharding->spec()) +
         " on " + to_string(impl->sharding->mesh()) + ": elements [" + where + "] are on " + world.describe(process) +
         ", not here; sk::process_allgather(x) brings all of it, x.addressable_shards() gives what is here, and inside "
         "shard_map "
         "each device works on its part");
  }
}

bool same_placement(const NamedSharding& a, const NamedSharding& b) {
  if (!(a.mesh() == b.mesh())) return false;
  const std::size_t dims = std::max(a.spec().size(), b.spec().size());
  for (std::size_t d = 0; d < dims; ++d)
    if (a.spec().axes(d) != b.spec().axes(d)) return false;
  return true;
}

void copy_box(void* whole, const Shape& whole_shape, const std::vector<Slice>& index, void* block, std::int64_t item,
              bool to_block) {
  const std::size_t rank = whole_shape.size();
  Shape sizes = whole_shape;
  for (std::size_t d = 0; d < rank; ++d) sizes[d] = *index[d].stop - *index[d].start;
  // Row by row: the innermost dimension is contiguous in both.
  const std::int64_t row = rank ? sizes[rank - 1] : 1, rows = row ? sizes.volume() / row : 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    std::int64_t rest = r, offset = rank ? *index[rank - 1].start : 0, stride = rank ? whole_shape[rank - 1] : 1;
    for (std::size_t d = rank ? rank - 1 : 0; d-- > 0;) {
      offset += (*index[d].start + rest % sizes[d]) * stride;
      rest /= sizes[d];
      stride *= whole_shape[d];
    }
    auto *there = static_cast<std::byte*>(whole) + offset * item,
         *here = static_cast<std::byte*>(block) + r * row * item;
    std::memcpy(to_block ? here : there, to_block ? there : here, static_cast<std::size_t>(row * item));
  }
}

}  // namespace skein::detail
