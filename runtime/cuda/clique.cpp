#include "runtime/cuda/clique.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <algorithm>
#include <mutex>
#include <utility>

namespace skein::runtime::cuda {
namespace {

using cpu::Message;
using cpu::Verb;

struct Kind {
  int dtype = -1;  // NCCL's
  int parts = 1;   // of one element
};

Kind kind_of(DType dtype) {
  switch (dtype) {
    case DType::bool_:
    case DType::uint8: return {ncclUint8};
    case DType::int8: return {ncclInt8};
    case DType::int32: return {ncclInt32};
    case DType::uint32: return {ncclUint32};
    case DType::int64: return {ncclInt64};
    case DType::uint64: return {ncclUint64};
    case DType::float16: return {ncclFloat16};
    case DType::bfloat16: return {ncclBfloat16};
    case DType::float32: return {ncclFloat32};
    case DType::float64: return {ncclFloat64};
    case DType::complex64: return {ncclFloat32, 2};
    case DType::complex128: return {ncclFloat64, 2};
    default: return {};  // 16 bit integers
  }
}

/// NCCL's name of a reduction of such elements, -1 where it has none that does the same.
int reduction_of(Reduction reduction, DType dtype) {
  const bool integer = dtype < DType::float16, is_complex = dtype >= DType::complex64;
  if (kind_of(dtype).dtype < 0) return -1;
  if (dtype == DType::bool_) return reduction == Reduction::logical_and || reduction == Reduction::min || reduction == Reduction::prod ? ncclMin : ncclMax;
  switch (reduction) {
    case Reduction::sum: return ncclSum;
    case Reduction::prod: return is_complex ? -1 : ncclProd;
    case Reduction::max: return integer ? ncclMax : -1;  // of floats it would lose NaN
    case Reduction::min: return integer ? ncclMin : -1;
    default: return -1;
  }
}

struct Living {
  std::mutex mutex;
  std::vector<Clique*> cliques;
};
Living& living() {
  static auto* instance = new Living;  // cliques of threads may go after static objects
  return *instance;
}

std::size_t bytes_of(const Operand& operand) { return static_cast<std::size_t>(operand.count) * itemsize(operand.dtype); }

char* at(void* memory, std::size_t bytes) { return static_cast<char*>(memory) + bytes; }
const char* at(const void* memory, std::size_t bytes) { return static_cast<const char*>(memory) + bytes; }

}  // namespace

bool Clique::takes(const Message& message) {
  switch (message.verb) {
    case Verb::all_reduce:
    case Verb::reduce_scatter:
      return std::all_of(message.operands.begin(), message.operands.end(),
                         [&](const Operand& operand) { return reduction_of(message.reduction, operand.dtype) >= 0; });
    case Verb::all_gather:
    case Verb::all_to_all:
    case Verb::permute: return true;
    default: return false;
  }
}

void Clique::check(ncclResult_t result, const char* call) const {
  if (result) throw RuntimeError(fmt::format("NCCL reports error {} in {}", result, call), "collective", "", 0);
}

Clique::Clique(int size, std::vector<int> here, std::vector<Gpu*> gpus, const std::function<void(ncclUniqueId&)>& agree)
    : size_(size), here_(std::move(here)), gpus_(std::move(gpus)), comms_(here_.size()) {
  {
    std::lock_guard lock(living().mutex);
    living().cliques.push_back(this);
  }
  if (size_ == 1) return;
  const Nccl& api = *nccl();
  ncclUniqueId id{};
  if (here_.front() == 0) check(api.ncclGetUniqueId(&id), "ncclGetUniqueId");
  agree(id);
  check(api.ncclGroupStart(), "ncclGroupStart");
  for (std::size_t slot = 0; slot < here_.size(); ++slot) {
    gpus_[slot]->select();
    check(api.ncclCommInitRank(&comms_[slot], size_, id, here_[slot]), "ncclCommInitRank");
  }
  check(api.ncclGroupEnd(), "ncclGroupEnd");
}

Clique::~Clique() {
  {
    std::lock_guard lock(living().mutex);
    std::erase(living().cliques, this);
  }
  abort();
}

void Clique::abort() noexcept {
  for (ncclComm_t& comm : comms_)
    if (ncclComm_t gone = std::exchange(comm, nullptr)) nccl()->ncclCommAbort(gone);  // does not wait for other processes
}

void Clique::abort_all() noexcept {
  std::lock_guard lock(living().mutex);
  for (Clique* clique : living().cliques) clique->abort();
}

void Clique::run(std::span<const Message* const> messages) {
  if (size_ == 1) return run_alone(*messages[0], *gpus_[0], 0);
  check(nccl()->ncclGroupStart(), "ncclGroupStart");
  for (std::size_t slot = 0; slot < here_.size(); ++slot) issue(*messages[slot], slot);
  check(nccl()->ncclGroupEnd(), "ncclGroupEnd");
}

void Clique::run_alone(const Message& message, Gpu& gpu, int) {
  for (const Operand& operand : message.operands) {
    if (message.verb == Verb::permute && message.pairs.empty())
      gpu.clear(operand.output, bytes_of(operand));
    else
      gpu.copy(operand.output, operand.input, bytes_of(operand));
  }
}

void Clique::issue(const Message& message, std::size_t slot) {
  const Nccl& api = *nccl();
  Gpu& gpu = *gpus_[slot];
  ncclComm_t comm = comms_[slot];
  gpu.select();
  for (const Operand& operand : message.operands) {
    const std::size_t bytes = bytes_of(operand);
    if (bytes == 0) continue;
    const Kind kind = kind_of(operand.dtype);
    const auto count = static_cast<std::size_t>(operand.count) * static_cast<std::size_t>(kind.parts);
    const int reduction = reduction_of(message.reduction, operand.dtype);
    auto send = [&](const void* from, int peer) { check(api.ncclSend(from, bytes, ncclInt8, peer, comm, gpu.stream()), "ncclSend"); };
    auto receive = [&](void* to, int peer) { check(api.ncclRecv(to, bytes, ncclInt8, peer, comm, gpu.stream()), "ncclRecv"); };
    switch (message.verb) {
      case Verb::all_reduce:
        check(api.ncclAllReduce(operand.input, operand.output, count, kind.dtype, reduction, comm, gpu.stream()), "ncclAllReduce");
        break;
      case Verb::reduce_scatter:
        check(api.ncclReduceScatter(operand.input, operand.output, count, kind.dtype, reduction, comm, gpu.stream()), "ncclReduceScatter");
        break;
      case Verb::all_gather:
        check(api.ncclAllGather(operand.input, operand.output, bytes, ncclInt8, comm, gpu.stream()), "ncclAllGather");
        break;
      case Verb::all_to_all:
        for (int peer = 0; peer < size_; ++peer) {
          send(at(operand.input, static_cast<std::size_t>(peer) * bytes), peer);
          receive(at(operand.output, static_cast<std::size_t>(peer) * bytes), peer);
        }
        break;
      default: {  // permute
        bool receives = false;
        for (auto [source, destination] : message.pairs) {
          if (source == here_[slot]) send(operand.input, destination);
          if (destination == here_[slot]) receive(operand.output, source), receives = true;
        }
        if (!receives) gpu.clear(operand.output, bytes);
      }
    }
  }
}

}  // namespace skein::runtime::cuda
