// The emulated driver: what is enqueued runs later, in the order of its stream, and after the events that it waits for.
#include "tests/cuda/emulated_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace skein::emulated_test {
namespace {

/// Of host functions and asynchronous copies.
class Pinned {
 public:
  explicit Pinned(std::size_t count) {
    void* memory = nullptr;
    check(api().cuMemHostAlloc(&memory, count * sizeof(int), 0));
    data_ = static_cast<int*>(memory);
    std::fill_n(data_, count, 0);
  }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { api().cuMemFreeHost(data_); }
  int* data() const { return data_; }
  int& operator[](std::size_t i) const { return data_[i]; }

 private:
  int* data_ = nullptr;
};

// ---- calls return before the work is done ----

const Scene with_a_delay("every operation takes its time", [] {
  use_device();
  Buffer memory(sizeof(int));
  Stream stream;
  Event event;
  check(api().cuMemsetD32Async(memory.address(), 7, 1, stream));
  check(api().cuEventRecord(event, stream));
  say(name_of(api().cuStreamQuery(stream)));
  say(name_of(api().cuEventQuery(event)));
  check(api().cuEventSynchronize(event));
  stream.finish();
  say(name_of(api().cuEventQuery(event)));
  say(name_of(api().cuStreamQuery(stream)));
  say(std::to_string(memory.read<int>()[0]));
});
const Scene pageable_and_pinned("copies of memory that changes after the call", [] {
  use_device();
  Buffer first(sizeof(int)), second(sizeof(int));
  Stream stream;
  int pageable = 5, result = 0;
  Pinned pinned(1);
  pinned[0] = 5;
  check(api().cuMemcpyHtoDAsync_v2(first.address(), &pageable, sizeof(int), stream));
  check(api().cuMemcpyHtoDAsync_v2(second.address(), pinned.data(), sizeof(int), stream));
  pageable = pinned[0] = 9;
  check(api().cuMemcpyDtoHAsync_v2(&result, first.address(), sizeof(int), stream));
  say(std::to_string(result));  // without a wait: the call waited
  say(std::to_string(second.read<int>()[0]));
});

TEST(Stream, CallsReturnBeforeTheWorkIsDone) {
  EXPECT_EQ(with_a_delay.output({{"SKEIN_EMULATED_DELAY_US", "500000"}}),
            "CUDA_ERROR_NOT_READY\nCUDA_ERROR_NOT_READY\nCUDA_SUCCESS\nCUDA_SUCCESS\n7\n");
}

TEST(Stream, PageableMemoryIsDoneWithAtTheReturnAndPinnedMemoryIsNot) {
  EXPECT_EQ(pageable_and_pinned.output({{"SKEIN_EMULATED_DELAY_US", "200000"}}), "5\n9\n");
}

TEST(Stream, IsNotReadyWhileAnythingIsLeft) {
  use_device();
  Gate gate;
  Stream held, other;
  Event event;
  Buffer memory(std::vector<int>{0});
  EXPECT_EQ(api().cuEventQuery(event), CUDA_SUCCESS);  // never recorded
  gate.hold(held);
  check(api().cuEventRecord(event, held));
  EXPECT_EQ(api().cuStreamQuery(held), CUDA_ERROR_NOT_READY);
  EXPECT_EQ(api().cuEventQuery(event), CUDA_ERROR_NOT_READY);
  // The other streams do not wait for it.
  check(api().cuMemsetD32Async(memory.address(), 3, 1, other));
  other.finish();
  EXPECT_EQ(api().cuStreamQuery(other), CUDA_SUCCESS);
  EXPECT_EQ(memory.read<int>()[0], 3);
  gate.open();
  held.finish();
  EXPECT_EQ(api().cuStreamQuery(held), CUDA_SUCCESS);
  EXPECT_EQ(api().cuEventQuery(event), CUDA_SUCCESS);
}

// ---- order ----

TEST(Stream, WorkIsDoneInOrder) {
  use_device();
  Module module(add_one_and_twice);
  CUfunction add_one = module["add_one"], twice = module["twice"];
  Stream stream;
  constexpr std::int64_t n = 100;
  Buffer memory(n * sizeof(int));
  check(api().cuMemsetD32Async(memory.address(), 0, n, stream));
  for (int turn = 0; turn < 20; ++turn) {
    check(launch(add_one, {4, 32}, stream, memory.address(), n));
    check(launch(twice, {4, 32}, stream, memory.address(), n));
  }
  stream.finish();
  EXPECT_EQ(memory.read<int>(), std::vector<int>(n, (1 << 21) - 2));  // x becomes 2 (x + 1)
}

TEST(Stream, AnEventJoinsTwoStreams) {
  use_device();
  Gate gate;
  Stream first, second;
  Event event;
  Buffer from(std::vector<int>{1}), to(std::vector<int>{0});
  gate.hold(first);
  check(api().cuMemsetD32Async(from.address(), 2, 1, first));
  check(api().cuEventRecord(event, first));
  check(api().cuStreamWaitEvent(second, event, 0));
  check(api().cuMemcpyAsync(to.address(), from.address(), sizeof(int), second));
  EXPECT_EQ(api().cuStreamQuery(second), CUDA_ERROR_NOT_READY);
  gate.open();
  second.finish();
  EXPECT_EQ(to.read<int>()[0], 2);
}

// A wait is for what was recorded when it was called, not for what is recorded later.
TEST(Stream, AWaitIsForTheLastRecordingBeforeIt) {
  use_device();
  Gate gate;
  Stream first, second;
  Event event;
  check(api().cuStreamWaitEvent(second, event, 0));  // never recorded
  second.finish();
  check(api().cuEventRecord(event, first));
  check(api().cuStreamWaitEvent(second, event, 0));
  gate.hold(first);
  check(api().cuEventRecord(event, first));
  second.finish();
  EXPECT_EQ(api().cuEventQuery(event), CUDA_ERROR_NOT_READY);
  gate.open();
  first.finish();
}

TEST(Stream, EventsJoinStreamsOfTwoDevices) {
  use_device(1);
  Gate gate;
  Stream theirs;
  Event event;
  Buffer from(std::vector<int>{1});
  gate.hold(theirs);
  check(api().cuMemsetD32Async(from.address(), 8, 1, theirs));
  check(api().cuEventRecord(event, theirs));
  use_device(0);
  Stream ours;
  Buffer to(std::vector<int>{0});
  EXPECT_EQ(api().cuEventRecord(event, ours), CUDA_ERROR_INVALID_HANDLE);  // it is the other device's
  check(api().cuStreamWaitEvent(ours, event, 0));
  check(api().cuMemcpyAsync(to.address(), from.address(), sizeof(int), ours));
  gate.open();
  ours.finish();
  EXPECT_EQ(to.read<int>()[0], 8);
}

TEST(Stream, HostFunctionsRunInOrder) {
  use_device();
  Stream stream;
  Buffer memory(sizeof(int));
  Pinned number(1);
  struct Step {
    const Pinned* number;
    std::vector<int>* seen;
  };
  std::vector<int> seen;
  Step step{&number, &seen};
  for (unsigned turn = 0; turn < 50; ++turn) {
    check(api().cuMemsetD32Async(memory.address(), turn, 1, stream));
    check(api().cuMemcpyDtoHAsync_v2(number.data(), memory.address(), sizeof(int), stream));
    check(api().cuLaunchHostFunc(
        stream,
        [](void* data) {
          const Step& s = *static_cast<Step*>(data);
          s.seen->push_back((*s.number)[0]);
        },
        &step));
  }
  stream.finish();
  std::vector<int> want(50);
  std::iota(want.begin(), want.end(), 0);
  EXPECT_EQ(seen, want);
}

TEST(Stream, WhatWasEnqueuedIsDoneAfterItsEnd) {
  use_device();
  Gate gate;
  Event event;
  Buffer memory(std::vector<int>{0});
  {
    Stream stream;
    gate.hold(stream);
    check(api().cuMemsetD32Async(memory.address(), 6, 1, stream));
    check(api().cuEventRecord(event, stream));
  }
  gate.open();
  check(api().cuEventSynchronize(event));
  EXPECT_EQ(memory.read<int>()[0], 6);
}

// ---- graphs ----

TEST(Graph, IsLaunchedAsOftenAsOneLikes) {
  use_device();
  Module module(add_one_and_twice);
  Stream stream;
  Buffer x(std::vector<int>{0}), y(std::vector<int>{0});
  check(api().cuStreamBeginCapture_v2(stream, 2));
  check(launch(module["add_one"], {}, stream, x.address(), std::int64_t{1}));
  check(api().cuMemsetD32Async(y.address(), 5, 1, stream));
  check(launch(module["twice"], {}, stream, x.address(), std::int64_t{1}));
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
  check(api().cuStreamEndCapture(stream, &graph));
  check(api().cuGraphInstantiateWithFlags(&exec, graph, 0));
  check(api().cuGraphDestroy(graph));
  stream.finish();
  EXPECT_EQ(x.read<int>()[0], 0);  // a capture does nothing yet
  EXPECT_EQ(y.read<int>()[0], 0);
  int want = 0;
  for (int turn = 0; turn < 3; ++turn) {
    check(api().cuMemsetD32Async(y.address(), 77, 1, stream));
    check(api().cuGraphLaunch(exec, stream));
    stream.finish();
    want = 2 * (want + 1);
    EXPECT_EQ(x.read<int>()[0], want);
    EXPECT_EQ(y.read<int>()[0], 5);
  }
  check(api().cuGraphExecDestroy(exec));
  // The stream does as before.
  check(launch(module["add_one"], {}, stream, x.address(), std::int64_t{1}));
  stream.finish();
  EXPECT_EQ(x.read<int>()[0], want + 1);
}

TEST(Graph, MayBeLaunchedOnAnotherStreamWithoutAWait) {
  use_device();
  Module module(add_one_and_twice);
  Stream captured, stream;
  Buffer x(std::vector<int>{1});
  check(api().cuStreamBeginCapture_v2(captured, 2));
  check(launch(module["add_one"], {}, captured, x.address(), std::int64_t{1}));
  check(launch(module["twice"], {}, captured, x.address(), std::int64_t{1}));
  CUgraph graph = nullptr;
  CUgraphExec exec = nullptr;
  check(api().cuStreamEndCapture(captured, &graph));
  check(api().cuGraphInstantiateWithFlags(&exec, graph, 0));
  Gate gate;
  gate.hold(stream);
  for (int turn = 0; turn < 3; ++turn) check(api().cuGraphLaunch(exec, stream));
  check(api().cuGraphExecDestroy(exec));  // what has been launched is done all the same
  check(api().cuGraphDestroy(graph));
  gate.open();
  stream.finish();
  EXPECT_EQ(x.read<int>()[0], 22);  // 1, 4, 10, 22
}

TEST(Graph, WhatIsNotCaptured) {
  use_device();
  Stream stream;
  CUgraph graph = nullptr;
  EXPECT_NE(api().cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
  EXPECT_NE(api().cuStreamBeginCapture_v2(nullptr, 2), CUDA_SUCCESS);
}

}  // namespace
}  // namespace skein::emulated_test
