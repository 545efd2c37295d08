#pragma once
// Where the devices of a group meet, and what they do to each other's buffers when they have met.

#include "runtime/communicator.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace skein::runtime::mpi {
class Party;
}
namespace skein::runtime::cuda {
class Clique;
}

namespace skein::runtime::cpu {

enum class Verb : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  permute,
  all_to_allv,
  broadcast,
  barrier
};

/// One device's part of a collective.
struct Message {
  Verb verb = Verb::barrier;
  Reduction reduction = Reduction::sum;
  std::span<const Operand> operands;
  std::span<const std::pair<int, int>> pairs;  // of permute
  int root = 0;                                // of broadcast
  const Routing* routing = nullptr;            // of all_to_allv
  const Site* site = nullptr;
  bool on_gpus = false;  // the arrays are in the memory of GPUs

  /// Equal for messages that belong together.
  std::uint64_t signature() const;
  /// "psum of float32[4] at f.cpp:12".
  std::string describe() const;
};

std::string place(const Site&);

struct Device;

/// Messages up to this many bytes a device are copied into the meeting point rather than read in place.
inline constexpr std::int64_t small_bytes = 1024;

/// What one lane shows to the others at one meeting. Two of them take turns: who is at meeting n knows that all others
/// have left meeting n - 1, so the place of n - 2 is free.
struct alignas(64) Showcase {
  std::atomic<std::uint64_t> meeting{0};
  std::uint64_t signature = 0;
  char inline_payload[48] = {};     // payloads that fit into the line travel with it
  std::unique_ptr<char[]> payload;  // small_bytes for each of the lane's members, made when first needed
};

/// A group's members on one lane; touched only by that lane, but for what the others read at a meeting.
struct alignas(64) GroupLane {
  int lane = 0;
  std::vector<int> members;  // their ranks in the group
  std::vector<Device*> devices;
  std::vector<const Message*> messages;  // one for each member
  int arrived = 0;
  std::uint64_t meeting = 0;        // of the last message
  std::vector<const void*> inputs;  // scratch: of all members of the group, one per operand
  std::vector<void*> outputs;       // scratch
  Showcase shown[2];
  alignas(64) std::atomic<std::uint64_t> finished{0};  // the last meeting whose data movement is done
};

struct Group {
  std::vector<int> ranks;  // of the members in the run, in the group's order
  std::vector<std::unique_ptr<GroupLane>> lanes;
  std::vector<std::pair<int, int>>
      where;  // of each member: index into lanes (-1: on another process), index into that lane's members
  std::shared_ptr<mpi::Party> party;  // where there are members on other processes
  std::shared_ptr<cuda::Clique> clique;  // where they are GPUs, and have met

  int size() const { return static_cast<int>(ranks.size()); }
};

/// Moves the data of one meeting: inputs[m * operands + i] is operand i of member m. For the members whose ranks are in
/// `targets`, writes outputs[m * operands + i]. An all-reduce writes to all targets the part `share` of `shares` of
/// each array.
struct Movement {
  const Message* message = nullptr;
  int size = 0;
  const void* const* inputs = nullptr;
  void* const* outputs = nullptr;
  std::span<const int> targets;
  int share = 0, shares = 1;
};
/// Runs on this thread and the workers.
class Worker;
void move_data(const Movement&, std::span<Worker* const> workers);
/// outputs[...][i] = the reduction of inputs[...][i] in their order, for begin <= i < end. Throws UserError for a dtype
/// that has no such reduction.
void add_up(const Message&, DType, std::span<const void* const> inputs, std::span<void* const> outputs,
            std::int64_t begin, std::int64_t end, std::span<Worker* const> workers);
void copy_array(void* to, const void* from, std::int64_t bytes, std::span<Worker* const> workers);
/// For all_to_allv: the messages of all members. Throws UserError where counts differ.
void move_rows(const Group&, std::span<const Message* const> messages, std::span<const int> targets);

}  // namespace skein::runtime::cpu
