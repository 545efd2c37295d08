#pragma once
// One run of a program on the devices of a mesh: its devices, its lanes, and how they wait for each other.

#include "runtime/buffer.h"
#include "runtime/cpu/context.h"
#include "runtime/cpu/fiber.h"
#include "runtime/cpu/group.h"
#include "runtime/cpu/spmd.h"
#include "runtime/cpu/wait.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace skein::runtime::cpu {

class Lane;

/// Unwinds a device's program when another one has failed; not an error of its own.
struct Cancelled {};

/// A member of a group as one device sees it.
struct Membership {
  Group* group = nullptr;
  int member = 0;             // rank in the group
  GroupLane* lane = nullptr;  // this device's
  int slot = 0;               // index among the lane's members
};

/// That every other lane of the group has come to a meeting, or has finished it.
struct MeetingWait final : Wait {
  MeetingWait(const Group* g, const GroupLane* s, std::uint64_t m, bool f) : group(g), self(s), meeting(m), finish(f) {}
  bool ready() const override;
  const Group* group;
  const GroupLane* self;
  std::uint64_t meeting;
  bool finish;
};

struct Device {
  enum class State : std::uint8_t { fresh, active, parked, polling, ended };

  skein_context context;
  Lane* lane = nullptr;
  Fiber fiber;
  State state = State::fresh;
  bool released = false;             // parked: the meeting it waited for is over
  const Message* waiting = nullptr;  // the collective that it is in
  const Wait* wait = nullptr;        // polling
  char* arena = nullptr;
  Buffer arena_memory;  // of the host
  std::vector<std::int64_t> coordinates;
  // The groups of compiled code's collectives by their id; a key tells whether the entry is of the same program.
  struct Resolved {
    std::vector<std::int32_t> key;
    Membership membership;
  };
  std::vector<Resolved> resolved;
};

/// A thread's share of the devices, run in turn.
class Lane {
 public:
  Lane(Run& run, int index) : run_(run), index_(index) {}

  /// Runs the lane's devices to their end.
  void execute();

  /// The device waits for others of its lane; returns when released, throws Cancelled if the run has failed.
  void park(Device&);
  void release(Device&);
  /// The device waits for other lanes. Throws Cancelled if the run has failed before the wait was over.
  void await(Device&, const Wait&);
  /// After a failure: waits until no lane touches another device's buffers any more, then throws Cancelled.
  [[noreturn]] void cancel();

  std::span<Worker* const> workers() const { return workers_; }
  Run& run() const { return run_; }
  int index() const { return index_; }

 private:
  friend class Run;
  static void fiber_main(void* device);
  void device_main(Device&) noexcept;
  void push(Device&);
  Device* pop();
  void leave(Device&);  // switches to the next device, or to the lane's own flow
  void resume(Device&);
  bool poll();
  void settle();  // no other device's buffers will be touched from here on
  /// Registers that the lane has nothing to do until another lane acts.
  void enter_idle();
  void leave_idle();

  Run& run_;
  int index_;
  std::vector<Device*> devices_;
  std::vector<Device*> queue_;  // a ring of devices that can go on
  std::size_t head_ = 0, queued_ = 0;
  std::vector<Device*> polling_;
  int ended_ = 0;
  bool settled_ = false, idle_ = false;
  Fiber main_;
  std::span<Worker* const> workers_;
};

class Run {
 public:
  Run(std::span<const std::int64_t> mesh, int lanes);

  bool fits(std::span<const std::int64_t> mesh, int lanes) const {
    return lanes == static_cast<int>(lanes_.size()) && mesh.size() == mesh_.size() &&
           std::equal(mesh.begin(), mesh.end(), mesh_.begin());
  }
  /// `workers`: the first lanes - 1 of them lead a lane, the rest help. Returns the first error, null if there was
  /// none.
  std::exception_ptr execute(const Request&, std::span<Worker* const> workers);

  bool failed() const { return failed_.load(std::memory_order_relaxed); }
  void fail(std::exception_ptr) noexcept;
  /// Its devices on this process.
  int size() const { return static_cast<int>(devices_.size()); }

  /// The device's place in the group of these ranks, in this order.
  Membership join(Device&, const std::vector<int>& ranks);
  /// Which of this process's blocks is the device's (see skein_shard_slot).
  std::int64_t shard_slot(const Device&, std::span<const std::int32_t> axes) const;
  /// The group of a compiled collective.
  const Membership& resolve(Device&, const skein_collective&);

 private:
  friend class Lane;
  void check_deadlock();  // with the mutex held, when every lane is idle or has ended

  std::vector<std::int64_t> mesh_;
  std::vector<std::unique_ptr<Device>> devices_;  // on this process
  std::vector<Device*> by_rank_;                  // null: on another one
  std::vector<std::unique_ptr<Lane>> lanes_;
  const Request* request_ = nullptr;
  std::mutex mutex_;
  std::map<std::vector<int>, std::unique_ptr<Group>> groups_;
  std::exception_ptr error_;
  std::atomic<bool> failed_{false};
  std::atomic<int> settled_{0};
  int idle_lanes_ = 0;
};

/// The meeting of a group's members: returns when the device's outputs are written.
void meet(Device&, const Membership&, Message&);

/// The device's communicator of the group of these ranks.
std::unique_ptr<Communicator> make_communicator(Device&, const std::vector<int>& ranks);

}  // namespace skein::runtime::cpu
