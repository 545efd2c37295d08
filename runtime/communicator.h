#pragma once
// How devices exchange data: one abstract class for every kind of transport.
//
// Called MPI_Comm in MPI and ncclComm_t in NCCL. A communicator belongs to one device; the communicators of the devices
// of a group make up the group. Every member calls the same operations in the same order.

#include "runtime/abi.h"

#include <skein/base/dtype.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace skein::runtime {

enum class Reduction : std::uint8_t { sum, max, min, prod, logical_and, logical_or };

using Site = skein_site;  // where in the user's program an operation was called

/// One of the arrays that travel together in one message. `count` is the number of elements of one *block*:
/// all_reduce, permute, broadcast: of the array; all_gather: of the input; reduce_scatter: of the output; all_to_all:
/// of the part for one member; all_to_allv: of one row. Larger buffers hold one block per member, in rank order.
struct Operand {
  const void* input = nullptr;
  void* output = nullptr;
  DType dtype = DType::float32;
  std::int64_t count = 0;
};

/// Who sends how many rows to whom, one entry per member; offsets are in rows.
struct Routing {
  std::span<const std::int64_t> send_counts, send_offsets, receive_counts, receive_offsets;
};

/// Inputs and outputs do not overlap, except that all_reduce and broadcast may be in place. Every call waits for what
/// it needs of the others and returns when the outputs are written and the inputs may be overwritten. Sums are taken in
/// rank order, whatever the schedule; max and min pass NaN on; float16 and bfloat16 add in float32; a sum of bools is a
/// logical or. Throws UserError at once when members call different operations, or when no operation can complete since
/// members wait elsewhere or have ended; it names each device's operation and line.
class Communicator {
 public:
  virtual ~Communicator();

  virtual int rank() const = 0;
  virtual int size() const = 0;

  virtual void all_reduce(std::span<const Operand>, Reduction, const Site&) = 0;
  virtual void all_gather(std::span<const Operand>, const Site&) = 0;
  virtual void reduce_scatter(std::span<const Operand>, Reduction, const Site&) = 0;
  virtual void all_to_all(std::span<const Operand>, const Site&) = 0;
  /// Rows of different number to each member. UserError where a sender's count differs from the receiver's.
  virtual void all_to_allv(std::span<const Operand>, const Routing&, const Site&) = 0;
  /// (source, destination) pairs of ranks, no destination and no source twice; who receives nothing gets zeros.
  virtual void permute(std::span<const Operand>, std::span<const std::pair<int, int>> pairs, const Site&) = 0;
  virtual void broadcast(std::span<const Operand>, int root, const Site&) = 0;
  virtual void barrier(const Site&) = 0;
  /// The communicator of the members that give the same color, ordered by key, then by rank here; null for color < 0.
  virtual std::unique_ptr<Communicator> split(int color, int key, const Site&) = 0;
};

}  // namespace skein::runtime
