// NCCL's entry points: groups, and what they put on streams.

#include "runtime/emulated/communicator.h"
#include "runtime/emulated/entry.h"
#include "runtime/emulated/reduce.h"
#include "runtime/emulated/stream.h"

#include <unistd.h>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <utility>

namespace skein::runtime::emulated {
namespace {

constexpr ncclResult_t unhandled_cuda_error = 1, invalid_argument = 4, invalid_usage = 5;

using Shared = std::shared_ptr<Communicator>;  // what a handle points to; operations that have not run hold on

/// What a group waits with until its end.
struct Issue {
  Shared communicator;
  CUstream stream;
  bool is_transfer;
  Call call;
  CUdeviceptr send, receive;  // of a call
  Transfer transfer;
};

struct Group {
  int depth = 0;
  std::vector<Shared> joins;
  std::vector<Issue> issues;
};
thread_local Group group;

ncclResult_t result_of(CUresult result) {
  switch (result) {
    case CUDA_SUCCESS: return 0;
    case CUDA_ERROR_INVALID_VALUE: return invalid_argument;
    case CUDA_ERROR_NOT_SUPPORTED: return invalid_usage;
    default: return unhandled_cuda_error;
  }
}

CUdeviceptr address(const void* memory) { return reinterpret_cast<std::uint64_t>(memory); }

Shared& shared_of(ncclComm_t handle) {
  require(handle, "NCCL: no communicator");
  return *reinterpret_cast<Shared*>(handle);
}

Stream& stream_of(const Issue& issue) {
  Stream& stream = emulated::stream_of(issue.stream, issue.communicator->context);
  if (&stream.context != &issue.communicator->context)
    throw Failure{CUDA_ERROR_NOT_SUPPORTED, "NCCL: the stream is not of the communicator's device"};
  return stream;
}

/// Work of a failed context is done too: it tells the other ranks.
void enqueue_call(const Issue& issue) {
  stream_of(issue).enqueue([c = issue.communicator, call = issue.call, send = issue.send, receive = issue.receive] {
    c->collective(call, send, receive);
  }, true);
}

/// All sends and receives of the group on one communicator and stream make progress together.
void enqueue_transfers(const std::vector<Issue>& issues, std::size_t first) {
  const Issue& one = issues[first];
  auto belongs = [&](const Issue& other) {
    return other.is_transfer && other.communicator == one.communicator && other.stream == one.stream;
  };
  for (std::size_t i = 0; i < first; ++i)
    if (belongs(issues[i])) return;  // done with that one
  std::vector<Transfer> transfers;
  for (const Issue& issue : issues)
    if (belongs(issue)) transfers.push_back(issue.transfer);
  stream_of(one).enqueue([c = one.communicator, transfers] { c->transfer(transfers); }, true);
}

void finish_group() {
  auto joins = std::exchange(group.joins, {});
  auto issues = std::exchange(group.issues, {});
  for (const Shared& communicator : joins) communicator->join();
  for (const Shared& communicator : joins) communicator->await_all();
  for (std::size_t i = 0; i < issues.size(); ++i)
    if (issues[i].is_transfer)
      enqueue_transfers(issues, i);
    else
      enqueue_call(issues[i]);
}

/// At the end of the group, or now if there is none.
template <class Add>
ncclResult_t in_group(Add add) {
  return result_of(guarded([&] {
    add();
    if (group.depth == 0) finish_group();
  }));
}

ncclResult_t issue_call(Verb verb, const void* send, void* receive, std::size_t count, int dtype, int op,
                        ncclComm_t handle, CUstream stream) {
  return in_group([&] {
    Shared& communicator = shared_of(handle);
    require(item_bytes(dtype) > 0 && op >= ncclSum && op <= ncclMin, "NCCL: an unknown type or operation");
    communicator->context.check();
    const Call call{verb, dtype, op, count};
    group.issues.push_back({communicator, stream, false, call, address(send), address(receive), {}});
  });
}

ncclResult_t issue_transfer(bool send, const void* memory, std::size_t count, int dtype, int peer, ncclComm_t handle,
                            CUstream stream) {
  return in_group([&] {
    Shared& communicator = shared_of(handle);
    require(item_bytes(dtype) > 0, "NCCL: an unknown type");
    require(peer >= 0 && peer < communicator->ranks, "NCCL: an unknown peer");
    communicator->context.check();
    group.issues.push_back({communicator, stream, true, {}, 0, 0, {send, address(memory), count, dtype, peer}});
  });
}

}  // namespace

extern "C" {

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  return result_of(guarded([&] {
    require(id, "NCCL: no place for the id");
    static std::atomic<unsigned> counter{0};
    std::random_device random;
    std::memset(id, 0, sizeof *id);
    std::snprintf(id->internal, sizeof id->internal, "/skein-nccl-%d-%u-%08x", static_cast<int>(getpid()),
                  counter.fetch_add(1), static_cast<unsigned>(random()));
  }));
}

ncclResult_t ncclCommInitRank(ncclComm_t* comm, int ranks, ncclUniqueId id, int rank) {
  return in_group([&] {
    require(comm && ranks > 0 && rank >= 0 && rank < ranks, "NCCL: no such rank");
    require(id.internal[0] == '/' && std::memchr(id.internal, 0, sizeof id.internal), "NCCL: an invalid id");
    auto communicator = std::make_shared<Communicator>(current_context(), id.internal, ranks, rank);
    group.joins.push_back(communicator);
    *comm = reinterpret_cast<ncclComm_t>(new Shared(std::move(communicator)));
  });
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  return result_of(guarded([&] { delete &shared_of(comm); }));
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  return result_of(guarded([&] {
    Shared& communicator = shared_of(comm);
    communicator->leave();
    delete &communicator;
  }));
}

ncclResult_t ncclGroupStart() {
  ++group.depth;
  return 0;
}

ncclResult_t ncclGroupEnd() {
  if (group.depth == 0) return invalid_usage;
  if (--group.depth > 0) return 0;
  return result_of(guarded([] { finish_group(); }));
}

ncclResult_t ncclAllReduce(const void* send, void* receive, std::size_t count, int dtype, int op, ncclComm_t comm,
                           CUstream stream) {
  return issue_call(Verb::all_reduce, send, receive, count, dtype, op, comm, stream);
}

ncclResult_t ncclAllGather(const void* send, void* receive, std::size_t count, int dtype, ncclComm_t comm,
                           CUstream stream) {
  return issue_call(Verb::all_gather, send, receive, count, dtype, ncclSum, comm, stream);
}

ncclResult_t ncclReduceScatter(const void* send, void* receive, std::size_t count, int dtype, int op, ncclComm_t comm,
                               CUstream stream) {
  return issue_call(Verb::reduce_scatter, send, receive, count, dtype, op, comm, stream);
}

ncclResult_t ncclSend(const void* send, std::size_t count, int dtype, int peer, ncclComm_t comm, CUstream stream) {
  return issue_transfer(true, send, count, dtype, peer, comm, stream);
}

ncclResult_t ncclRecv(void* receive, std::size_t count, int dtype, int peer, ncclComm_t comm, CUstream stream) {
  return issue_transfer(false, receive, count, dtype, peer, comm, stream);
}

}  // extern "C"
}  // namespace skein::runtime::emulated
