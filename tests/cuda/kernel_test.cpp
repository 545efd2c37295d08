// The emulated driver: kernels of many threads, what threads do together, and how that goes wrong.
#include "tests/cuda/emulated_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>

namespace skein::emulated_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Environment seed(int number) { return {{"SKEIN_EMULATED_SEED", std::to_string(number)}}; }

// ---- threads and parameters ----

TEST(Kernel, ManyBlocksAddOneToEachElement) {
  use_device();
  Module module(add_one_and_twice);
  std::vector<int> numbers(300007);
  std::iota(numbers.begin(), numbers.end(), -5);
  Buffer memory(numbers);
  const auto n = static_cast<std::int64_t>(numbers.size());
  check(run(module["add_one"], {static_cast<unsigned>((n + 255) / 256), 256}, memory.address(), n));
  for (int& number : numbers) ++number;
  EXPECT_TRUE(memory.read<int>() == numbers);
}

constexpr const char* who_am_i = R"(
define internal i32 @linear(i32 %x, i32 %y, i32 %z, i32 %nx, i32 %ny) {
  %a = mul i32 %z, %ny
  %b = add i32 %a, %y
  %c = mul i32 %b, %nx
  %d = add i32 %c, %x
  ret i32 %d
}

define ptx_kernel void @who_am_i(ptr addrspace(1) %p) {
  %tx = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %ty = call i32 @llvm.nvvm.read.ptx.sreg.tid.y()
  %tz = call i32 @llvm.nvvm.read.ptx.sreg.tid.z()
  %nx = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %ny = call i32 @llvm.nvvm.read.ptx.sreg.ntid.y()
  %nz = call i32 @llvm.nvvm.read.ptx.sreg.ntid.z()
  %bx = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %by = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %bz = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.z()
  %gx = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %gy = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.y()
  %thread = call i32 @linear(i32 %tx, i32 %ty, i32 %tz, i32 %nx, i32 %ny)
  %block = call i32 @linear(i32 %bx, i32 %by, i32 %bz, i32 %gx, i32 %gy)
  %area = mul i32 %nx, %ny
  %threads = mul i32 %area, %nz
  %first = mul i32 %block, %threads
  %number = add i32 %first, %thread
  %wide = zext i32 %number to i64
  %at = getelementptr i32, ptr addrspace(1) %p, i64 %wide
  %old = load i32, ptr addrspace(1) %at, align 4
  %sum = add i32 %old, %number
  store i32 %sum, ptr addrspace(1) %at, align 4
  ret void
}
)";

// Each thread adds its number to its element, so that one which runs twice or not at all is seen.
TEST(Kernel, EveryThreadOfThreeDimensionsRunsOnce) {
  use_device();
  Module module(who_am_i);
  constexpr std::size_t count = (2 * 3 * 4) * (5 * 3 * 2);
  Buffer memory(std::vector<int>(count, 1000));
  CUdeviceptr address = memory.address();
  void* parameters[] = {&address};
  check(api().cuLaunchKernel(module["who_am_i"], 2, 3, 4, 5, 3, 2, 0, nullptr, parameters, nullptr));
  std::vector<int> want(count);
  std::iota(want.begin(), want.end(), 1000);
  EXPECT_EQ(memory.read<int>(), want);
}

constexpr const char* mixed = R"(
@table = internal addrspace(4) constant [3 x i64] [i64 100, i64 200, i64 300], align 8

define ptx_kernel void @mixed(ptr addrspace(1) %p, i8 %small, i64 %large, float %real) {
  %index = zext i8 %small to i64
  %entry = getelementptr [3 x i64], ptr addrspace(4) @table, i64 0, i64 %index
  %known = load i64, ptr addrspace(4) %entry, align 8
  %sum = add i64 %known, %large
  store i64 %sum, ptr addrspace(1) %p, align 8
  %whole = fptosi float %real to i64
  %second = getelementptr i64, ptr addrspace(1) %p, i64 1
  store i64 %whole, ptr addrspace(1) %second, align 8
  ret void
}
)";

TEST(Kernel, ParametersComeOneByOneOrInABuffer) {
  use_device();
  Module module(mixed);
  Buffer memory(2 * sizeof(std::int64_t));
  check(run(module["mixed"], {}, memory.address(), static_cast<std::int8_t>(2), std::int64_t{-7}, 3.5f));
  EXPECT_EQ(memory.read<std::int64_t>(), (std::vector<std::int64_t>{293, 3}));
  // Each as far from the buffer's begin as a multiple of its own size, as in a struct of C.
  struct {
    CUdeviceptr address;
    std::int8_t small;
    std::int64_t large;
    float real;
  } packed{memory.address(), 1, std::int64_t{1} << 40, -9.f};
  std::size_t bytes = sizeof packed;
  void* extra[] = {LAUNCH_PARAM_BUFFER_POINTER, &packed, LAUNCH_PARAM_BUFFER_SIZE, &bytes, LAUNCH_PARAM_END};
  check(api().cuLaunchKernel(module["mixed"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra));
  EXPECT_EQ(memory.read<std::int64_t>(), (std::vector<std::int64_t>{200 + (std::int64_t{1} << 40), -9}));
  bytes = 16;
  EXPECT_EQ(api().cuLaunchKernel(module["mixed"], 1, 1, 1, 1, 1, 1, 0, nullptr, nullptr, extra),
            CUDA_ERROR_INVALID_VALUE);
}

TEST(Kernel, ImagesAndNamesThatAreNone) {
  use_device();
  CUmodule none = nullptr;
  EXPECT_EQ(api().cuModuleLoadDataEx(&none, "// PTX for another device\n", 0, nullptr, nullptr),
            CUDA_ERROR_INVALID_IMAGE);
  std::string damaged = image_of(add_one_and_twice);
  const std::size_t bitcode = damaged.find(SKEIN_EMULATED_MAGIC) + 16;
  ASSERT_LT(bitcode + 4, damaged.size());
  damaged[bitcode] = damaged[bitcode + 1] = '?';  // of bitcode's own magic number
  EXPECT_EQ(api().cuModuleLoadDataEx(&none, damaged.data(), 0, nullptr, nullptr), CUDA_ERROR_INVALID_IMAGE);
  Module module(add_one_and_twice);
  CUfunction function = nullptr;
  EXPECT_EQ(api().cuModuleGetFunction(&function, module.handle(), "add_two"), CUDA_ERROR_NOT_FOUND);
  EXPECT_THAT(text_of(CUDA_ERROR_NOT_FOUND), HasSubstr("add_two"));
}

TEST(Kernel, WhatIsNotEmulatedIsNamed) {
  use_device();
  const std::string image = image_of(R"(
define ptx_kernel void @what_time_is_it(ptr addrspace(1) %p) {
  %now = call i32 @llvm.nvvm.read.ptx.sreg.clock()
  store i32 %now, ptr addrspace(1) %p, align 4
  ret void
}
)");
  CUmodule none = nullptr;
  EXPECT_EQ(api().cuModuleLoadDataEx(&none, image.data(), 0, nullptr, nullptr), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_THAT(text_of(CUDA_ERROR_NOT_SUPPORTED), HasSubstr("llvm.nvvm.read.ptx.sreg.clock"));
}

// ---- threads that do something together ----

constexpr const char* block_sum = R"(
@partial = internal addrspace(3) global [32 x i32] undef, align 4

define internal i32 @warp_sum(i32 %x0) {
  %y0 = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x0, i32 16, i32 31)
  %x1 = add i32 %x0, %y0
  %y1 = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x1, i32 8, i32 31)
  %x2 = add i32 %x1, %y1
  %y2 = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x2, i32 4, i32 31)
  %x3 = add i32 %x2, %y2
  %y3 = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x3, i32 2, i32 31)
  %x4 = add i32 %x3, %y3
  %y4 = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x4, i32 1, i32 31)
  %x5 = add i32 %x4, %y4
  ret i32 %x5
}

define ptx_kernel void @block_sum(ptr addrspace(1) %in, ptr addrspace(1) %out) {
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %i = call i64 @index()
  %from = getelementptr i32, ptr addrspace(1) %in, i64 %i
  %mine = load i32, ptr addrspace(1) %from, align 4
  %sum = call i32 @warp_sum(i32 %mine)
  %lane = and i32 %t, 31
  %warp = lshr i32 %t, 5
  %leads = icmp eq i32 %lane, 0
  br i1 %leads, label %store, label %stored
store:
  %slot = getelementptr [32 x i32], ptr addrspace(3) @partial, i32 0, i32 %warp
  store i32 %sum, ptr addrspace(3) %slot, align 4
  br label %stored
stored:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %first = icmp ult i32 %t, 32
  br i1 %first, label %rest, label %done
rest:
  %warps = lshr i32 %n, 5
  %there = icmp ult i32 %t, %warps
  %other = getelementptr [32 x i32], ptr addrspace(3) @partial, i32 0, i32 %t
  %read = load i32, ptr addrspace(3) %other, align 4
  %part = select i1 %there, i32 %read, i32 0
  %total = call i32 @warp_sum(i32 %part)
  %writes = icmp eq i32 %t, 0
  br i1 %writes, label %write, label %done
write:
  %wide = zext i32 %b to i64
  %to = getelementptr i32, ptr addrspace(1) %out, i64 %wide
  store i32 %total, ptr addrspace(1) %to, align 4
  br label %done
done:
  ret void
}
)";

/// "right", or the first block whose sum is not.
std::string sum_blocks() {
  use_device();
  Module module(block_sum);
  for (unsigned threads : {32u, 256u, 1024u}) {
    constexpr unsigned blocks = 7;
    std::vector<int> numbers(blocks * threads), want(blocks);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      numbers[i] = static_cast<int>(i * 37 % 1001) - 500;
      want[i / threads] += numbers[i];
    }
    Buffer in(numbers), out(blocks * sizeof(int));
    check(run(module["block_sum"], {blocks, threads}, in.address(), out.address()));
    const auto got = out.read<int>();
    for (std::size_t block = 0; block < blocks; ++block)
      if (got[block] != want[block])
        return "block " + std::to_string(block) + " of " + std::to_string(threads) + " threads has " +
               std::to_string(got[block]) + ", not " + std::to_string(want[block]);
  }
  return "right";
}
const Scene sums_of_blocks("the sum of each block", [] { say(sum_blocks()); });

TEST(Kernel, ABlockAddsUpByShufflesAndSharedMemory) {
  EXPECT_EQ(sum_blocks(), "right");
  for (int number : {1, 2, 3}) EXPECT_EQ(sums_of_blocks.output(seed(number)), "right\n") << "seed " << number;
}

// ---- threads that do not come to where others wait ----

constexpr const char* barriers = R"(
define ptx_kernel void @some_return(i32 %least) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %waits = icmp uge i32 %t, %least
  br i1 %waits, label %wait, label %done
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
done:
  ret void
}

define ptx_kernel void @two_barriers(i32 %least) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %here = icmp uge i32 %t, %least
  br i1 %here, label %one, label %other
one:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
other:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %done
done:
  ret void
}
)";

void diverge(const char* kernel) {
  use_device();
  Module module(barriers);
  check(run(module[kernel], {2, 64}, std::int32_t{0}));  // all to the same barrier
  say("together");
  tell(run(module[kernel], {2, 64}, std::int32_t{40}));
}
const Scene some_return("some threads return, others wait at a barrier", [] { diverge("some_return"); });
const Scene two_barriers("threads wait at two barriers", [] { diverge("two_barriers"); });

TEST(Kernel, ADivergentBarrierIsAnError) {
  for (int number : {0, 1, 2}) {
    EXPECT_THAT(some_return.output(seed(number)),
                AllOf(HasSubstr("together\nCUDA_ERROR_LAUNCH_FAILED: "), HasSubstr("kernel some_return"),
                      HasSubstr("divergent")))
        << "seed " << number;
    EXPECT_THAT(two_barriers.output(seed(number)),
                AllOf(HasSubstr("together\nCUDA_ERROR_LAUNCH_FAILED: "), HasSubstr("kernel two_barriers"),
                      HasSubstr("divergent")))
        << "seed " << number;
  }
}

constexpr const char* exchange = R"(
define ptx_kernel void @exchange(ptr addrspace(1) %masks) {
entry:
  %i = call i64 @index()
  %at = getelementptr i32, ptr addrspace(1) %masks, i64 %i
  %mask = load i32, ptr addrspace(1) %at, align 4
  %calls = icmp ne i32 %mask, 0
  br i1 %calls, label %shuffle, label %done
shuffle:
  %got = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 %mask, i32 %mask, i32 0, i32 31)
  store i32 %got, ptr addrspace(1) %at, align 4
  br label %done
done:
  ret void
}
)";

/// A thread for each mask of lanes, which shuffles with them; not at all with none.
void exchange_with(const std::vector<std::uint32_t>& masks) {
  use_device();
  Module module(exchange);
  const auto threads = static_cast<unsigned>(masks.size());
  Buffer all(std::vector<std::uint32_t>(masks.size(), (1u << threads) - 1)), memory(masks);
  check(run(module["exchange"], {1, threads}, all.address()));
  say("together");
  tell(run(module["exchange"], {1, threads}, memory.address()));
}
const Scene some_do_not_shuffle("lanes that do not shuffle", [] { exchange_with({0xF, 0, 0xF, 0xF}); });
const Scene each_waits_for_the_next("lanes that wait for each other in a ring", [] { exchange_with({3, 6, 5}); });
const Scene not_of_its_own_mask("a lane that is not of its mask", [] { exchange_with({1, 1}); });

TEST(Kernel, AShuffleThatNotAllLanesReachIsAnError) {
  for (int number : {0, 1, 2})
    for (const Scene* scene : {&some_do_not_shuffle, &each_waits_for_the_next})
      EXPECT_THAT(scene->output(seed(number)),
                  AllOf(HasSubstr("together\nCUDA_ERROR_LAUNCH_FAILED: "), HasSubstr("kernel exchange"),
                        HasSubstr("divergent warp")))
          << "seed " << number;
  EXPECT_THAT(not_of_its_own_mask.output(),
              AllOf(HasSubstr("CUDA_ERROR_LAUNCH_FAILED: "), HasSubstr("kernel exchange"), HasSubstr("lane 1")));
}

// ---- shared memory ----

constexpr const char* shared = R"(
@few = internal addrspace(3) global [4 x i32] undef, align 4
@many = external addrspace(3) global [0 x i32], align 4

define ptx_kernel void @fixed(i64 %i) {
  %at = getelementptr [4 x i32], ptr addrspace(3) @few, i64 0, i64 %i
  store i32 1, ptr addrspace(3) %at, align 4
  ret void
}

define ptx_kernel void @dynamic(i64 %i) {
  %at = getelementptr [0 x i32], ptr addrspace(3) @many, i64 0, i64 %i
  store i32 1, ptr addrspace(3) %at, align 4
  ret void
}
)";

const Scene beyond_fixed("beyond shared memory of fixed size", [] {
  use_device();
  Module module(shared);
  check(run(module["fixed"], {}, std::int64_t{3}));
  say("inside");
  tell(run(module["fixed"], {}, std::int64_t{4}));
});
const Scene beyond_dynamic("beyond shared memory of the launch", [] {
  use_device();
  Module module(shared);
  check(run(module["dynamic"], {1, 1, 400}, std::int64_t{99}));
  say("inside");
  tell(run(module["dynamic"], {1, 1, 400}, std::int64_t{100}));
});

TEST(Kernel, SharedMemoryHasItsBounds) {
  EXPECT_THAT(beyond_fixed.output(), AllOf(HasSubstr("inside\nCUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("kernel fixed"),
                                           HasSubstr("writes 4 bytes"), HasSubstr("shared memory")));
  EXPECT_THAT(beyond_dynamic.output(),
              AllOf(HasSubstr("inside\nCUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("kernel dynamic"),
                    HasSubstr("writes 4 bytes"), HasSubstr("shared memory")));
}

// Refused by the call, so that the device goes on.
TEST(Kernel, LaunchesThatAreTooLargeAreRefused) {
  use_device();
  Module module(shared);
  CUfunction kernel = module["dynamic"];
  const std::int64_t none = 0;
  EXPECT_EQ(run(kernel, {1, 1, 48 * 1024}, none), CUDA_SUCCESS);
  EXPECT_EQ(run(kernel, {1, 1, 48 * 1024 + 1}, none), CUDA_ERROR_INVALID_VALUE);
  EXPECT_THAT(text_of(CUDA_ERROR_INVALID_VALUE), AllOf(HasSubstr("kernel dynamic"), HasSubstr("49153")));
  check(api().cuFuncSetAttribute(kernel, FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 * 1024));
  EXPECT_EQ(run(kernel, {1, 1, 100 * 1024}, std::int64_t{25 * 1024 - 1}), CUDA_SUCCESS);
  EXPECT_EQ(run(kernel, {1, 1, 100 * 1024 + 1}, none), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuFuncSetAttribute(kernel, FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES, 1024 * 1024),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(run(kernel, {1, 1024, 4}, none), CUDA_SUCCESS);
  EXPECT_EQ(run(kernel, {1, 1025, 4}, none), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(run(kernel, {0, 1, 4}, none), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(run(kernel, {1, 0, 4}, none), CUDA_ERROR_INVALID_VALUE);
}

// ---- what is undefined ----

constexpr const char* race = R"(
@cell = internal addrspace(3) global i32 undef, align 4

define ptx_kernel void @race(ptr addrspace(1) %out) {
entry:
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  store i32 %t, ptr addrspace(3) @cell, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %first = icmp eq i32 %t, 0
  br i1 %first, label %read, label %done
read:
  %last = load i32, ptr addrspace(3) @cell, align 4
  store i32 %last, ptr addrspace(1) %out, align 4
  br label %done
done:
  ret void
}

define ptx_kernel void @race_of_blocks(ptr addrspace(1) %out) {
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  store i32 %b, ptr addrspace(1) %out, align 4
  ret void
}
)";

const Scene racing_threads("threads write to one place", [] {
  use_device();
  Module module(race);
  Buffer out(sizeof(int));
  check(run(module["race"], {1, 2}, out.address()));
  say("thread " + std::to_string(out.read<int>()[0]));
});
const Scene racing_blocks("blocks write to one place", [] {
  use_device();
  Module module(race);
  Buffer out(sizeof(int));
  check(run(module["race_of_blocks"], {2, 1}, out.address()));
  say("block " + std::to_string(out.read<int>()[0]));
});

TEST(Kernel, RacesEndInSeveralWays) {
  std::set<std::string> threads, blocks;
  for (int number = 1; number <= 20; ++number) {
    threads.insert(racing_threads.output(seed(number)));
    if (blocks.size() < 2) blocks.insert(racing_blocks.output(seed(number)));
  }
  EXPECT_EQ(threads, (std::set<std::string>{"thread 0\n", "thread 1\n"}));
  EXPECT_EQ(blocks, (std::set<std::string>{"block 0\n", "block 1\n"}));
}

TEST(Kernel, ASeedRepeatsTheOrder) {
  for (int number : {0, 5, 6}) EXPECT_EQ(racing_threads.output(seed(number)), racing_threads.output(seed(number)));
}

const Scene division("integers divided by anything", [] {
  use_device();
  Module module(R"(
define ptx_kernel void @divide(ptr addrspace(1) %p) {
  %x = load i32, ptr addrspace(1) %p, align 4
  %second = getelementptr i32, ptr addrspace(1) %p, i64 1
  %d = load i32, ptr addrspace(1) %second, align 4
  %a = sdiv i32 %x, %d
  %b = srem i32 %x, %d
  %c = udiv i32 %x, %d
  %e = urem i32 %x, %d
  %p2 = getelementptr i32, ptr addrspace(1) %p, i64 2
  store i32 %a, ptr addrspace(1) %p2, align 4
  %p3 = getelementptr i32, ptr addrspace(1) %p, i64 3
  store i32 %b, ptr addrspace(1) %p3, align 4
  %p4 = getelementptr i32, ptr addrspace(1) %p, i64 4
  store i32 %c, ptr addrspace(1) %p4, align 4
  %p5 = getelementptr i32, ptr addrspace(1) %p, i64 5
  store i32 %e, ptr addrspace(1) %p5, align 4
  ret void
}
)");
  auto divide = [&](int x, int d) {
    Buffer memory(std::vector<int>{x, d, 0, 0, 0, 0});
    check(run(module["divide"], {}, memory.address()));
    return memory.read<int>();
  };
  divide(7, 0);
  divide(-2147483647 - 1, -1);
  const std::vector<int> got = divide(-7, 2);
  say(std::to_string(got[2]) + " " + std::to_string(got[3]) + " " + std::to_string(got[4]) + " " +
      std::to_string(got[5]));
});

TEST(Kernel, DivisionByZeroGivesSomeNumber) {
  EXPECT_EQ(division.output(), "-3 -1 2147483644 1\n");  // of -7 and 2; as unsigned numbers, too
}

}  // namespace
}  // namespace skein::emulated_test
