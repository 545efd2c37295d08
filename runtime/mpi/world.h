#pragma once
// The processes of the job, this one among them, and what they tell each other beside data: where each runs, that one
// has failed, and that a run is over.
//
// Every run of a program on a mesh ends for all processes together: each sends all others how it ended for it, and
// waits for theirs. So an error of one device is thrown in every process, once, and no process goes on with half a
// result.

#include "runtime/communicator.h"
#include "runtime/mpi/transport.h"

#include <skein/base/error.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace skein::runtime::mpi {

class Lifeline;

struct JoinOptions {
  int communicator = -1;  // Fortran handle of the user's; -1: all processes
  double timeout = 0;     // seconds that one process waits for another; 0: SKEIN_TIMEOUT, or 600
  int devices = 1;        // of this process
  int threads = 1;        // of each of them
};

struct Process {
  std::string host;
  long pid = 0;
  int devices = 1;
  int first_device = 0;  // number of its first device among all
  int threads = 1;       // of each device
  std::string cores;     // that it may use, as "0-3,8"
  std::string gpus;      // as "cuda 0, cuda 1"; empty where its devices are on these cores
};

class World {
 public:
  /// Joins the processes that were started together. Throws RuntimeError when MPI cannot be loaded or started.
  explicit World(const JoinOptions&);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  int rank() const { return transport_->rank(); }
  int size() const { return transport_->size(); }
  const std::vector<Process>& processes() const { return processes_; }
  /// The process that has a device.
  int process_of(int device) const { return process_of_[static_cast<std::size_t>(device)]; }
  int device_count() const { return static_cast<int>(process_of_.size()); }
  /// How many of the first `devices` devices are on this process.
  std::int64_t devices_here(std::int64_t devices) const;
  std::string transport_name() const { return transport_->name(); }
  /// "process 2 on n1".
  std::string describe(int process) const;

  // Messages; any thread may send and receive.
  Request send(const void* data, std::size_t bytes, int to, int tag);
  Request receive(void* data, std::size_t bytes, int from, int tag);
  bool test(Request&);
  void cancel(Request&);
  /// A tag for messages of a group of devices, the same in all its processes; changes when a run has failed, so that
  /// what was left on its way is never taken for something else.
  int tag_of(const std::vector<int>& ranks) const;

  /// What the runs to come belong to: a number that says which program, the same in all processes that run the same,
  /// and its call.
  void set_program(std::uint64_t program, const std::string& call) { program_ = program, call_ = call; }
  /// A run on a mesh begins. Throws the error of a process that is lost.
  void begin_run();
  /// Ends it in all processes; returns the error that all of them throw: of the first process that has one.
  std::exception_ptr end_run(std::exception_ptr mine, const Site&);
  /// The run and its program, as one number.
  std::uint64_t run() const { return run_ * 0x9e3779b97f4a7c15u ^ program_; }

  /// For a device that waits: what has gone wrong elsewhere since; null if nothing has. `missing`: processes it waits
  /// for, `since`: when it began to wait.
  std::exception_ptr trouble(const std::vector<int>& missing, std::chrono::steady_clock::time_point since,
                             const std::string& waits, const Site&);

  /// At the process's end, or the user's MPI_Finalize, this process leaves.
  void leave_at_end();

 private:
  void leave();   // waits for the others, unless one is lost
  void finish();  // MPI's own end would wait for those that are gone

  struct Notice;  // how a run ended for a process
  struct Peer {
    std::unique_ptr<Notice> incoming;
    Request request = 0;
    std::deque<std::unique_ptr<Notice>> notices;
    std::chrono::steady_clock::time_point heard;  // when the last notice came
    int looks = 0;                                // at what else has come, since then
  };
  /// Sends a notice to all others, and keeps it until it is sent.
  void tell(std::unique_ptr<Notice>, std::size_t bytes);
  void note_wait(const std::string& line);
  void poll();
  void listen(int process);
  const Notice* notice_of_this_run(int process) const;
  std::exception_ptr lost_error(const std::string& waits, const Site&);
  RuntimeError broken(const std::string& text, const Site&);
  static std::exception_ptr error_of(const Notice&);

  std::unique_ptr<Transport> transport_;
  mutable std::mutex mutex_;  // of the transport
  std::mutex notices_;        // of peers_
  std::vector<Process> processes_;
  std::vector<int> process_of_;
  struct Told {
    std::unique_ptr<Notice> notice;
    std::vector<Request> requests;
  };
  std::vector<Told> told_;
  std::vector<Peer> peers_;
  double timeout_;
  std::uint64_t run_ = 0, program_ = 0;
  std::string call_;
  std::uint32_t epoch_ = 0;
  std::atomic<int> lost_{-1};
  std::atomic<bool> noticed_{false};  // an error has told of the loss
  std::string waits_;                 // in a run that fails: where the devices here wait
  bool stuck_ = false;                // for such as have ended
  bool broken_ = false;               // no run is possible any more
  bool left_ = false;
  std::unique_ptr<Lifeline> lifeline_;
};

/// The world that this process has joined; null while it is alone.
World* world();
/// Joins, once.
void join(const JoinOptions&);

}  // namespace skein::runtime::mpi
