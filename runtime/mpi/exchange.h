#pragma once
// The part of a collective that crosses processes: what their devices have in one place is exchanged once between.
//
//   process 0: devices 0 1          process 1: devices 2 3
//   meet in memory (cpu/)   <->     meet in memory          one of the devices in each speaks for its process
//
// Each meeting begins with a header from every process, which says what is called there and where, and carries the data
// along when they are few. Large arrays follow, straight from and into the arrays; sums go by reduce-scatter and
// all-gather, cut in segments, so that adding and sending overlap. Sums are taken in rank order within a process, and
// then in the order of the processes.

#include "runtime/cpu/group.h"
#include "runtime/cpu/wait.h"
#include "runtime/mpi/world.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace skein::runtime::mpi {

/// The processes of a group of devices, as this process sees them.
class Party {
 public:
  /// `ranks`: the group's devices, in its order; all of them in this process's number for devices.
  Party(World&, const std::vector<int>& ranks);

  /// Members (ranks in the group) on this process, ascending.
  const std::vector<int>& here() const { return members_[me_]; }
  /// One meeting; `messages`: of the members here, in their order. Waits by `await`. Throws UserError where processes
  /// call different operations.
  void meet(std::span<const cpu::Message* const> messages, std::span<cpu::Worker* const> workers,
            const std::function<void(const cpu::Wait&)>& await);

 private:
  friend struct Meeting;
  World& world_;
  std::vector<int> ranks_;
  std::vector<int> processes_;              // in the order of their first members
  std::vector<std::vector<int>> members_;   // of each, as ranks in the group
  std::vector<std::size_t> process_index_;  // of each member, into processes_
  std::size_t me_ = 0;
  std::size_t most_members_ = 0;
  std::size_t payload_room_ = 0, slot_bytes_ = 0;
  std::vector<char> slots_, packed_, unpacked_;  // headers with their payloads, from this process on
};

}  // namespace skein::runtime::mpi
