// The emulated driver: NCCL with a rank on each of several devices of this process.
#include "tests/cuda/emulated_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <future>
#include <memory>

namespace skein::emulated_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// One rank on each of the first devices.
class Ranks {
 public:
  explicit Ranks(int count) : count(count), comms(static_cast<std::size_t>(count)) {
    ncclUniqueId id{};
    check_status(api().ncclGetUniqueId(&id));
    check_status(api().ncclGroupStart());
    for (int r = 0; r < count; ++r) {
      use_device(r);
      streams_.push_back(std::make_unique<Stream>());
      check_status(api().ncclCommInitRank(&comm(r), count, id, r));
    }
    check_status(api().ncclGroupEnd());
  }
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  ~Ranks() {
    for (ncclComm_t comm : comms)
      if (comm) api().ncclCommDestroy(comm);
  }

  ncclComm_t& comm(int rank) { return comms[static_cast<std::size_t>(rank)]; }
  CUstream stream(int rank) const { return *streams_[static_cast<std::size_t>(rank)]; }

  /// call(rank) for all of them in one group; they go on, see finish().
  template <class Call>
  void together(Call call) {
    check_status(api().ncclGroupStart());
    for (int r = 0; r < count; ++r) call(r);
    check_status(api().ncclGroupEnd());
  }
  void finish() const {
    for (const auto& stream : streams_) stream->finish();
  }

  const int count;
  std::vector<ncclComm_t> comms;

 private:
  std::vector<std::unique_ptr<Stream>> streams_;
};

struct Type {
  const char* name;
  int dtype;
  std::size_t bytes;
  bool has_sign;
  int mantissa, bias;  // of a floating-point type; an integer's are zero
};
constexpr Type types[] = {
    {"int8", ncclInt8, 1, true, 0, 0},          {"uint8", ncclUint8, 1, false, 0, 0},
    {"int32", ncclInt32, 4, true, 0, 0},        {"uint32", ncclUint32, 4, false, 0, 0},
    {"int64", ncclInt64, 8, true, 0, 0},        {"uint64", ncclUint64, 8, false, 0, 0},
    {"float16", ncclFloat16, 2, true, 10, 15},  {"float32", ncclFloat32, 4, true, 23, 127},
    {"float64", ncclFloat64, 8, true, 52, 1023}, {"bfloat16", ncclBfloat16, 2, true, 7, 127},
};
constexpr std::size_t counts[] = {0, 1, 7, 100000};

/// A small whole number as the type has it; the low bytes count.
std::uint64_t bits_of(const Type& type, long long value) {
  if (type.mantissa == 0) return static_cast<std::uint64_t>(value);
  if (value == 0) return 0;
  const auto magnitude = static_cast<std::uint64_t>(value < 0 ? -value : value);
  const int exponent = static_cast<int>(std::bit_width(magnitude)) - 1;
  const std::uint64_t fraction =
      (magnitude << (type.mantissa - exponent)) & ((std::uint64_t{1} << type.mantissa) - 1);
  const std::uint64_t sign = std::uint64_t{value < 0} << (8 * type.bytes - 1);
  return sign | static_cast<std::uint64_t>(exponent + type.bias) << type.mantissa | fraction;
}

using Bytes = std::vector<unsigned char>;

/// So many elements; `at(i)` repeats itself after 12.
template <class At>
Bytes elements(const Type& type, std::size_t count, At at) {
  std::array<std::uint64_t, 12> bits;
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = bits_of(type, at(i));
  Bytes all(count * type.bytes);
  for (std::size_t i = 0; i < count; ++i) std::memcpy(all.data() + i * type.bytes, &bits[i % 12], type.bytes);
  return all;
}

/// Element i of what a rank gives: so small that sums and products of four are exact in every type.
long long value(const Type& type, int rank, std::size_t i) {
  const auto r = static_cast<std::size_t>(rank);
  const auto size = static_cast<long long>(1 + (i + r) % 3);
  return type.has_sign && (i + 2 * r) % 4 == 0 ? -size : size;
}
Bytes given(const Type& type, int rank, std::size_t count) {
  return elements(type, count, [&](std::size_t i) { return value(type, rank, i); });
}

long long combined(const Type& type, int op, int ranks, std::size_t i) {
  long long all = value(type, 0, i);
  for (int r = 1; r < ranks; ++r) {
    const long long one = value(type, r, i);
    switch (op) {
      case ncclSum: all += one; break;
      case ncclProd: all *= one; break;
      case ncclMax: all = std::max(all, one); break;
      default: all = std::min(all, one);
    }
  }
  return all;
}

std::string difference(const Bytes& got, const Bytes& want) {
  if (got.size() != want.size()) return std::to_string(got.size()) + " bytes, not " + std::to_string(want.size());
  const auto at = std::mismatch(got.begin(), got.end(), want.begin());
  if (at.first == got.end()) return "";
  return "byte " + std::to_string(at.first - got.begin()) + " is " + std::to_string(*at.first) + ", not " +
         std::to_string(*at.second);
}

enum class Verb { all_reduce, all_gather, reduce_scatter };

struct Collective {
  Verb verb;
  const Type& type;
  int op;
  std::size_t count;
  bool in_place;
};

int call(const Collective& c, const void* send, void* receive, ncclComm_t comm, CUstream stream) {
  switch (c.verb) {
    case Verb::all_reduce: return api().ncclAllReduce(send, receive, c.count, c.type.dtype, c.op, comm, stream);
    case Verb::all_gather: return api().ncclAllGather(send, receive, c.count, c.type.dtype, comm, stream);
    default: return api().ncclReduceScatter(send, receive, c.count, c.type.dtype, c.op, comm, stream);
  }
}

Bytes expected(const Collective& c, int ranks, int rank) {
  const std::size_t offset = c.verb == Verb::reduce_scatter ? static_cast<std::size_t>(rank) * c.count : 0;
  if (c.verb != Verb::all_gather)
    return elements(c.type, c.count, [&](std::size_t i) { return combined(c.type, c.op, ranks, offset + i); });
  Bytes all;
  for (int other = 0; other < ranks; ++other) {
    const Bytes part = given(c.type, other, c.count);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

void compare(Ranks& ranks, const Collective& c) {
  SCOPED_TRACE(testing::Message() << ranks.count << " ranks, verb " << static_cast<int>(c.verb) << ", " << c.type.name
                                  << ", op " << c.op << ", " << c.count << " elements"
                                  << (c.in_place ? ", in place" : ""));
  const bool gathers = c.verb == Verb::all_gather, scatters = c.verb == Verb::reduce_scatter;
  const auto n = static_cast<std::size_t>(ranks.count);
  const std::size_t block = c.count * c.type.bytes, sent = scatters ? n * block : block;
  const std::size_t received = gathers ? n * block : block;
  std::vector<Buffer> memory;  // in place: only the first of each two counts
  std::vector<CUdeviceptr> send, receive;
  for (int r = 0; r < ranks.count; ++r) {
    use_device(r);
    const std::size_t offset = static_cast<std::size_t>(r) * block;  // of this rank's block in the larger buffer
    const CUdeviceptr first = memory.emplace_back(c.in_place ? std::max(sent, received) : sent).address();
    const CUdeviceptr second = memory.emplace_back(received).address();
    send.push_back(c.in_place && gathers ? first + offset : first);
    receive.push_back(!c.in_place ? second : scatters ? first + offset : first);
    const Bytes input = given(c.type, r, scatters ? n * c.count : c.count);
    upload(send.back(), input.data(), input.size());
  }
  ranks.together([&](int r) {
    const auto i = static_cast<std::size_t>(r);
    check_status(call(c, pointer(send[i]), pointer(receive[i]), ranks.comm(r), ranks.stream(r)));
  });
  ranks.finish();
  for (int r = 0; r < ranks.count; ++r) {
    Bytes result(received);
    download(result.data(), receive[static_cast<std::size_t>(r)], received);
    EXPECT_EQ(difference(result, expected(c, ranks.count, r)), "") << "on rank " << r;
  }
}

class Nccl : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, Nccl, testing::Values(1, 2, 3, 4));

TEST_P(Nccl, EveryCollectiveOfEveryType) {
  Ranks ranks(GetParam());
  for (const Type& type : types)
    for (std::size_t count : counts) {
      compare(ranks, {Verb::all_gather, type, ncclSum, count, false});
      for (int op : {ncclSum, ncclProd, ncclMax, ncclMin}) {
        if (count > 1000 && op != ncclSum) continue;  // only to see long messages, which come in parts
        compare(ranks, {Verb::all_reduce, type, op, count, false});
        compare(ranks, {Verb::reduce_scatter, type, op, count, false});
      }
    }
}

TEST_P(Nccl, EveryCollectiveInPlace) {
  Ranks ranks(GetParam());
  for (const Type& type : types)
    for (std::size_t count : counts)
      for (Verb verb : {Verb::all_reduce, Verb::all_gather, Verb::reduce_scatter})
        compare(ranks, {verb, type, ncclSum, count, true});
}

// All bits set is the greatest number or minus one.
TEST_P(Nccl, GreatestAndLeastKnowTheSign) {
  Ranks ranks(GetParam());
  if (ranks.count == 1) return;  // with nobody to compare with
  for (const Type& type : types) {
    if (type.mantissa != 0) continue;
    for (int op : {ncclMax, ncclMin}) {
      std::vector<Buffer> memory;
      for (int r = 0; r < ranks.count; ++r) {
        use_device(r);
        memory.emplace_back(elements(type, 3, [&](std::size_t) { return r == 1 ? -1ll : 1ll; }));
      }
      ranks.together([&](int r) {
        void* at = pointer(memory[static_cast<std::size_t>(r)].address());
        check_status(api().ncclAllReduce(at, at, 3, type.dtype, op, ranks.comm(r), ranks.stream(r)));
      });
      ranks.finish();
      const long long want = (op == ncclMin) == type.has_sign ? -1 : 1;
      for (const Buffer& one : memory)
        EXPECT_EQ(difference(one.read<unsigned char>(), elements(type, 3, [&](std::size_t) { return want; })), "")
            << type.name << ", op " << op;
    }
  }
}

TEST_P(Nccl, RingsOfSendsAndReceives) {
  Ranks ranks(GetParam());
  const int n = ranks.count;
  for (const Type& type : types)
    for (std::size_t count : counts) {
      std::vector<Buffer> from, to;
      for (int r = 0; r < n; ++r) {
        use_device(r);
        from.emplace_back(given(type, r, count));
        to.emplace_back(count * type.bytes);
      }
      ranks.together([&](int r) {
        const auto i = static_cast<std::size_t>(r);
        ncclComm_t comm = ranks.comm(r);
        CUstream stream = ranks.stream(r);
        check_status(api().ncclSend(pointer(from[i].address()), count, type.dtype, (r + 1) % n, comm, stream));
        check_status(api().ncclRecv(pointer(to[i].address()), count, type.dtype, (r + n - 1) % n, comm, stream));
      });
      ranks.finish();
      for (int r = 0; r < n; ++r)
        EXPECT_EQ(difference(to[static_cast<std::size_t>(r)].read<unsigned char>(),
                             given(type, (r + n - 1) % n, count)),
                  "")
            << n << " ranks, rank " << r << ", " << count << " " << type.name;
    }
}

// Two messages to everyone, itself as well: those of one pair arrive in their order.
TEST_P(Nccl, EveryoneSendsToEveryoneTwice) {
  Ranks ranks(GetParam());
  const int n = ranks.count;
  auto number = [](int from, int to, int turn) { return 100 * from + 10 * to + turn; };
  std::vector<Buffer> out, in;
  for (int r = 0; r < n; ++r) {
    use_device(r);
    std::vector<int> data;
    for (int peer = 0; peer < n; ++peer) data.insert(data.end(), {number(r, peer, 0), number(r, peer, 1)});
    out.emplace_back(data);
    in.emplace_back(data.size() * sizeof(int));
  }
  ranks.together([&](int r) {
    const auto i = static_cast<std::size_t>(r);
    for (int peer = 0; peer < n; ++peer)
      for (unsigned turn : {0u, 1u}) {
        const CUdeviceptr offset = (2 * static_cast<unsigned>(peer) + turn) * sizeof(int);
        check_status(api().ncclSend(pointer(out[i].address() + offset), 1, ncclInt32, peer, ranks.comm(r),
                                    ranks.stream(r)));
        check_status(api().ncclRecv(pointer(in[i].address() + offset), 1, ncclInt32, peer, ranks.comm(r),
                                    ranks.stream(r)));
      }
  });
  ranks.finish();
  for (int r = 0; r < n; ++r) {
    std::vector<int> want;
    for (int peer = 0; peer < n; ++peer) want.insert(want.end(), {number(peer, r, 0), number(peer, r, 1)});
    EXPECT_EQ(in[static_cast<std::size_t>(r)].read<int>(), want) << "rank " << r << " of " << n;
  }
}

TEST_P(Nccl, AThreadForEachRank) {
  use_device();
  const int n = GetParam();
  ncclUniqueId id{};
  check_status(api().ncclGetUniqueId(&id));
  std::vector<std::future<std::vector<float>>> threads;
  for (int r = 0; r < n; ++r)
    threads.push_back(std::async(std::launch::async, [n, id, r] {
      use_device(r);
      Stream stream;
      ncclComm_t comm = nullptr;
      check_status(api().ncclCommInitRank(&comm, n, id, r));
      Buffer data(std::vector<float>(1000, static_cast<float>(r + 1)));
      void* at = pointer(data.address());
      for (int turn = 0; turn < 3; ++turn)
        check_status(api().ncclAllReduce(at, at, 1000, ncclFloat32, ncclSum, comm, stream));
      stream.finish();
      check_status(api().ncclCommDestroy(comm));
      return data.read<float>();
    }));
  const float want = static_cast<float>(n * (n + 1) / 2 * n * n);
  for (auto& thread : threads) EXPECT_EQ(thread.get(), std::vector<float>(1000, want));
}

TEST(NcclUse, ArgumentsThatAreNone) {
  Ranks ranks(1);
  Buffer memory(16);
  void* at = pointer(memory.address());
  ncclComm_t comm = ranks.comm(0), none = nullptr;
  ncclUniqueId id{};
  check_status(api().ncclGetUniqueId(&id));
  EXPECT_NE(api().ncclAllReduce(at, at, 1, 99, ncclSum, comm, ranks.stream(0)), 0);
  EXPECT_NE(api().ncclAllReduce(at, at, 1, ncclInt32, 77, comm, ranks.stream(0)), 0);
  EXPECT_NE(api().ncclSend(at, 1, ncclInt32, 1, comm, ranks.stream(0)), 0);
  EXPECT_NE(api().ncclCommInitRank(&none, 2, id, 2), 0);
  EXPECT_NE(api().ncclGroupEnd(), 0);
  ranks.finish();
}

// ---- ranks that do not do the same, or fail ----

/// What two ranks see that reduce so many elements each.
void reduce_counts(std::size_t first, std::size_t second) {
  Ranks ranks(2);
  std::vector<Buffer> memory;
  for (int r = 0; r < 2; ++r) use_device(r), memory.emplace_back(std::vector<float>(1000));
  ranks.together([&](int r) {
    void* at = pointer(memory[static_cast<std::size_t>(r)].address());
    check_status(api().ncclAllReduce(at, at, r ? second : first, ncclFloat32, ncclSum, ranks.comm(r), ranks.stream(r)));
  });
  for (int r = 0; r < 2; ++r) use_device(r), tell(api().cuStreamSynchronize(ranks.stream(r)));
}
const Scene different_counts("ranks that reduce different counts", [] { reduce_counts(5, 6); });
const Scene different_messages("a rank receives more than is sent", [] {
  Ranks ranks(2);
  use_device(0);
  Buffer from(std::vector<float>(1000));
  use_device(1);
  Buffer to(std::vector<float>(1000));
  ranks.together([&](int r) {
    check_status(r == 0 ? api().ncclSend(pointer(from.address()), 40, ncclFloat32, 1, ranks.comm(0), ranks.stream(0))
                        : api().ncclRecv(pointer(to.address()), 41, ncclFloat32, 0, ranks.comm(1), ranks.stream(1)));
  });
  tell(api().cuStreamSynchronize(ranks.stream(1)));
});
const Scene a_device_fails("a rank's device fails before the collective", [] {
  Ranks ranks(2);
  std::vector<Buffer> memory;
  for (int r = 0; r < 2; ++r) use_device(r), memory.emplace_back(std::vector<float>(10));
  Module module(add_one_and_twice);
  Gate gate;  // the kernel fails when all has been enqueued
  gate.hold(ranks.stream(1));
  check(launch(module["add_one"], {}, ranks.stream(1), CUdeviceptr{0}, std::int64_t{1}));
  ranks.together([&](int r) {
    void* at = pointer(memory[static_cast<std::size_t>(r)].address());
    check_status(api().ncclAllReduce(at, at, 10, ncclFloat32, ncclSum, ranks.comm(r), ranks.stream(r)));
  });
  gate.open();
  for (int r = 0; r < 2; ++r) use_device(r), say(name_of(api().cuStreamSynchronize(ranks.stream(r))));
});
const Scene a_rank_leaves("a rank waits in vain and is aborted", [] {
  Ranks ranks(2);
  use_device(0);
  Buffer memory(std::vector<float>(10));
  void* at = pointer(memory.address());
  check_status(api().ncclAllReduce(at, at, 10, ncclFloat32, ncclSum, ranks.comm(0), ranks.stream(0)));
  say(name_of(api().cuStreamQuery(ranks.stream(0))));
  check_status(api().ncclCommAbort(ranks.comm(0)));
  ranks.comm(0) = nullptr;
  say(name_of(api().cuStreamSynchronize(ranks.stream(0))));
});

TEST(NcclFaults, DifferentCountsAreAnErrorOfAll) {
  const std::string output = different_counts.output();
  const std::string error = "CUDA_ERROR_LAUNCH_FAILED: ";
  const std::size_t first = output.find(error);
  ASSERT_NE(first, std::string::npos) << output;
  EXPECT_NE(output.find(error, first + 1), std::string::npos) << output;
  EXPECT_THAT(output,
              AllOf(HasSubstr("rank 0 calls ncclAllReduce of 5"), HasSubstr("rank 1 calls ncclAllReduce of 6")));
}

TEST(NcclFaults, AMessageOfAnotherLengthIsAnError) {
  EXPECT_THAT(different_messages.output(),
              AllOf(HasSubstr("CUDA_ERROR_LAUNCH_FAILED: "), HasSubstr("receives 41"), HasSubstr("sends 40")));
}

TEST(NcclFaults, TheOthersDoNotWaitForADeviceThatHasFailed) {
  EXPECT_EQ(a_device_fails.output(), "CUDA_ERROR_LAUNCH_FAILED\nCUDA_ERROR_ILLEGAL_ADDRESS\n");
}

TEST(NcclFaults, AnAbortEndsTheWait) {
  EXPECT_EQ(a_rank_leaves.output(), "CUDA_ERROR_NOT_READY\nCUDA_SUCCESS\n");
}

}  // namespace
}  // namespace skein::emulated_test
