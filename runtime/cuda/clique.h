#pragma once
// The collectives of a group of devices that are GPUs, by NCCL: what compiled programs call, in the order of the GPUs' streams.
//
// The members of a group on this process meet as CPU devices do (cpu/collective.cpp), which finds those that call different
// operations; then one of them tells NCCL what all of them do, so that one call moves the arrays of the whole message.

#include "runtime/cpu/group.h"
#include "runtime/cuda/gpu.h"

#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace skein::runtime::cuda {

class Clique {
 public:
  /// `here`: the members on this process, with their GPUs; `agree`: makes the root's id everyone's, where there are members on
  /// other processes. Throws RuntimeError if NCCL cannot connect them.
  Clique(int size, std::vector<int> here, std::vector<Gpu*> gpus, const std::function<void(ncclUniqueId&)>& agree);
  ~Clique();
  Clique(const Clique&) = delete;
  Clique& operator=(const Clique&) = delete;

  /// Whether NCCL does this as its law says (docs/spec.md); what it does not goes through the host.
  static bool takes(const cpu::Message&);
  /// What the members here do, told to their GPUs; returns before it is done.
  void run(std::span<const cpu::Message* const> messages);
  /// Ends what waits for members that will never come, in all cliques of this process: none can be used again.
  static void abort_all() noexcept;

 private:
  void abort() noexcept;
  void run_alone(const cpu::Message&, Gpu&, int member);
  void issue(const cpu::Message&, std::size_t slot);
  void check(ncclResult_t result, const char* call) const;

  int size_;
  std::vector<int> here_;
  std::vector<Gpu*> gpus_;
  std::vector<ncclComm_t> comms_;
};

}  // namespace skein::runtime::cuda
