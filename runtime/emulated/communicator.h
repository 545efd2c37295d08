#pragma once
// The ranks of an NCCL communicator meet in memory that they share, whether they are in one process or in several:
//
//   header | a slot of each rank | two chunks of each rank | a ring of each pair of ranks
//
// A meeting is a counter of each rank; who has arrived at meeting n has read all that was written before meeting n - 1,
// so that two chunks, used in turn, are enough. Sends and receives go through the rings and need no meeting.

#include "runtime/emulated/state.h"

#include <atomic>
#include <string>
#include <vector>

namespace skein::runtime::emulated {

enum class Verb : std::uint32_t { all_reduce, all_gather, reduce_scatter };

struct Call {
  Verb verb;
  std::int32_t dtype, op;
  std::uint64_t count;
  bool operator==(const Call&) const = default;
};

struct Transfer {
  bool send;
  CUdeviceptr address;
  std::uint64_t count;
  int dtype, peer;
};

class Communicator {
 public:
  Communicator(Context& context, const std::string& name, int ranks, int rank);
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// Makes or opens the shared memory; await_all() returns when all ranks have done so.
  void join();
  void await_all();
  /// Wakes all ranks, which then throw; the first reason counts.
  void abort(const std::string& why) noexcept;
  /// This rank alone takes part no more: what it waits for is over, without an error. The others wait on.
  void leave() noexcept { left_.store(true); }

  // On a stream's thread; what goes wrong is an error of all ranks.
  void collective(const Call& call, CUdeviceptr send, CUdeviceptr receive);
  void transfer(const std::vector<Transfer>& transfers);

  Context& context;
  const int ranks, rank;

 private:
  struct Header;
  struct Slot;
  struct Ring;
  struct Progress;

  struct Left {};
  void check_alive();
  template <class Done>
  void wait(Done done);
  void meet();
  void compare(const Call& call);
  void all_reduce(const Call& call, const char* send, char* receive);
  void all_gather(const Call& call, const char* send, char* receive);
  void reduce_scatter(const Call& call, const char* send, char* receive);
  std::vector<const void*> post(const char* from, std::uint64_t bytes);
  bool advance(Progress& progress);
  Slot& slot(int of);
  Ring& ring(int from, int to);

  const std::string name_;
  std::mutex collectives_, transfers_;  // one of each at a time
  std::atomic<bool> left_{false};
  char* memory_ = nullptr;
  std::size_t bytes_ = 0;
  Header* header_ = nullptr;
  std::uint64_t meetings_ = 0, calls_ = 0, posts_ = 0;
};

}  // namespace skein::runtime::emulated
