#pragma once
// Messages between the processes of a job: what Skein needs of MPI, behind a class that no header of MPI shows through.
//
// The one implementation is mpi/plugin.cpp, a library of its own that is loaded when a job has several processes: a
// build of Skein runs on machines without MPI, too.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace skein::runtime::mpi {

/// A message on its way; 0: none, or done.
using Request = std::uint64_t;

/// Called by one thread at a time. Messages between two processes with one tag arrive in the order sent. Failures are
/// std::runtime_errors with MPI's text.
class Transport {
 public:
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Tags are below this.
  virtual int tag_limit() const = 0;
  /// "Open MPI 4.1.4".
  virtual std::string name() const = 0;

  /// At most most_bytes in one message; the memory stays until the request is done.
  virtual Request send(const void* data, std::size_t bytes, int to, int tag) = 0;
  /// A longer message than `bytes` is an error, a shorter one is not.
  virtual Request receive(void* data, std::size_t bytes, int from, int tag) = 0;
  /// Whether it is done; it is then 0.
  virtual bool test(Request&) = 0;
  /// Gives up a receive; one that is arriving is waited for, a second at most.
  virtual void cancel(Request&) = 0;

  /// All processes' texts, in rank order. Waits for all; before anything else is sent.
  virtual std::vector<std::string> gather_texts(const std::string& mine) = 0;
  /// What is to be done before MPI ends, be it by the user's own MPI_Finalize.
  virtual void before_end(void (*leave)()) = 0;
  /// Leaves MPI in order, where this library began it; waits for all processes.
  virtual void finish() = 0;

  static constexpr std::size_t most_bytes = std::size_t{1} << 30;
};

/// What the plugin exports under the name `skein_mpi_connect`. `communicator`: a Fortran handle of one that the user
/// made, or -1 for all processes; the transport works on a duplicate. On failure null and the reason in `*error` (owned
/// by the plugin).
using Connect = Transport* (*)(int communicator, const char** error);

}  // namespace skein::runtime::mpi
