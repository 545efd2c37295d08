#pragma once
// How a process learns that another one is gone: killed, or ended without a word. MPI does not tell.
//
// Every process holds a connection to the first one, over which nothing is sent but a farewell: when a process dies,
// the system closes its end, and the first process tells all others.

#include <functional>
#include <memory>
#include <string>

namespace skein::runtime::mpi {

class Lifeline {
 public:
  /// Of the first process: where the others find it, as a text for all to know; "" where no connection can be offered.
  static std::string offer();
  /// Joins; `lost` is called from a thread of its own with the rank of the first process that is lost. An offer that
  /// cannot be reached leaves the process without a lifeline.
  Lifeline(const std::string& offer, int rank, int size, std::function<void(int rank)> lost);
  ~Lifeline();
  Lifeline(const Lifeline&) = delete;
  Lifeline& operator=(const Lifeline&) = delete;

  /// From here on nobody is missed, and this process neither.
  void farewell();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skein::runtime::mpi
