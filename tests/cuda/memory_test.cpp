// The emulated driver: devices and their memory, copies, and accesses that are none of a kernel's business.
#include "tests/cuda/emulated_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace skein::emulated_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// ---- devices ----

const Scene before_cu_init("calls before cuInit", [] {
  int count = 0;
  CUdeviceptr memory = 0;
  say(name_of(api().cuDeviceGetCount(&count)));
  say(name_of(api().cuMemAlloc_v2(&memory, 16)));
  check(api().cuInit(0));
  say(name_of(api().cuMemAlloc_v2(&memory, 16)));  // without a context
  check(api().cuDeviceGetCount(&count));
  say(std::to_string(count));
});
const Scene what_it_is("the device's capability and the driver's version", [] {
  use_device();
  int major = 0, minor = 0, version = 0;
  check(api().cuDeviceGetAttribute(&major, COMPUTE_CAPABILITY_MAJOR, 0));
  check(api().cuDeviceGetAttribute(&minor, COMPUTE_CAPABILITY_MINOR, 0));
  check(api().cuDriverGetVersion(&version));
  say(std::to_string(major) + "." + std::to_string(minor) + ", " + std::to_string(version));
});
const Scene without_devices("no device at all", [] { say(name_of(api().cuInit(0))); });

TEST(Device, NothingGoesBeforeTheStart) {
  EXPECT_EQ(before_cu_init.output({{"SKEIN_EMULATED_GPUS", "3"}}),
            "CUDA_ERROR_NOT_INITIALIZED\nCUDA_ERROR_NOT_INITIALIZED\nCUDA_ERROR_INVALID_CONTEXT\n3\n");
  EXPECT_EQ(without_devices.output({{"SKEIN_EMULATED_GPUS", "0"}}), "CUDA_ERROR_NO_DEVICE\n");
}

TEST(Device, IsWhatTheEnvironmentSays) {
  EXPECT_EQ(what_it_is.output({{"SKEIN_EMULATED_CAPABILITY", "86"}, {"SKEIN_EMULATED_DRIVER_VERSION", "11040"}}),
            "8.6, 11040\n");
}

TEST(Device, HasTheLimitsOfAGpu) {
  use_device();
  auto attribute = [](int which) {
    int value = -1;
    check(api().cuDeviceGetAttribute(&value, which, 0));
    return value;
  };
  EXPECT_EQ(attribute(WARP_SIZE), 32);
  EXPECT_EQ(attribute(MAX_THREADS_PER_BLOCK), 1024);
  EXPECT_EQ(attribute(MAX_SHARED_MEMORY_PER_BLOCK), 48 * 1024);
  EXPECT_GT(attribute(MAX_SHARED_MEMORY_PER_BLOCK_OPTIN), 48 * 1024);
  EXPECT_EQ(attribute(UNIFIED_ADDRESSING), 1);
  CUdevice device = -1;
  int count = 0;
  check(api().cuDeviceGetCount(&count));
  EXPECT_EQ(api().cuDeviceGet(&device, count), CUDA_ERROR_INVALID_DEVICE);
  EXPECT_EQ(api().cuDeviceGet(&device, -1), CUDA_ERROR_INVALID_DEVICE);
}

// ---- allocations ----

const Scene little_memory("a device of one megabyte", [] {
  use_device();
  std::size_t free = 0, total = 0;
  auto room = [&] {
    check(api().cuMemGetInfo_v2(&free, &total));
    say(std::to_string(free) + " of " + std::to_string(total));
  };
  room();
  CUdeviceptr first = 0, second = 0;
  check(api().cuMemAlloc_v2(&first, 640 * 1024));
  room();
  say(name_of(api().cuMemAlloc_v2(&second, 640 * 1024)));
  check(api().cuMemFree_v2(first));
  // Many more bytes in all than the device and its addresses have.
  for (int turn = 0; turn < 1000; ++turn) {
    check(api().cuMemAlloc_v2(&second, 640 * 1024));
    check(api().cuMemFree_v2(second));
  }
  room();
});

TEST(Memory, IsFullAtTimesAndFreeAgain) {
  EXPECT_EQ(little_memory.output({{"SKEIN_EMULATED_MEMORY", "1048576"}}),
            "1048576 of 1048576\n393216 of 1048576\nCUDA_ERROR_OUT_OF_MEMORY\n1048576 of 1048576\n");
}

TEST(Memory, WhatCannotBeAllocatedOrFreed) {
  use_device();
  std::size_t total = 0;
  check(api().cuDeviceTotalMem_v2(&total, 0));
  CUdeviceptr memory = 0;
  EXPECT_EQ(api().cuMemAlloc_v2(&memory, total + 1), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(api().cuMemAlloc_v2(&memory, 0), CUDA_ERROR_INVALID_VALUE);
  check(api().cuMemAlloc_v2(&memory, 1000));
  EXPECT_EQ(api().cuMemFree_v2(memory + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemFree_v2(memory), CUDA_SUCCESS);
  EXPECT_EQ(api().cuMemFree_v2(memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemFree_v2(0), CUDA_SUCCESS);
}

// ---- copies ----

TEST(Memory, CopiesOfAnySizeBothWays) {
  use_device();
  for (std::size_t size : {1u, 3u, 255u, 256u, 257u, 100003u}) {
    std::vector<unsigned char> data(size);
    std::iota(data.begin(), data.end(), static_cast<unsigned char>(1));
    Buffer first(data), second(size);
    check(api().cuMemcpyAsync(second.address(), first.address(), size, nullptr));
    EXPECT_EQ(second.read<unsigned char>(), data) << size;
  }
}

TEST(Memory, CopiesOfPartsLeaveTheRest) {
  use_device();
  Buffer memory(std::vector<int>{1, 2, 3, 4, 5});
  const int nine = 9;
  int two = 0;
  upload(memory.address() + 8, &nine, sizeof nine);
  download(&two, memory.address() + 4, sizeof two);
  EXPECT_EQ(two, 2);
  check(api().cuMemcpyAsync(memory.address() + 12, memory.address(), 8, nullptr));
  EXPECT_EQ(memory.read<int>(), (std::vector<int>{1, 2, 9, 1, 2}));
}

TEST(Memory, IsSetInElementsOfThreeSizes) {
  use_device();
  Buffer memory(std::vector<std::uint32_t>(6, 0x11111111));
  check(api().cuMemsetD8Async(memory.address() + 1, 0xAB, 2, nullptr));
  check(api().cuMemsetD16Async(memory.address() + 6, 0xCDEF, 3, nullptr));
  check(api().cuMemsetD32Async(memory.address() + 16, 0x12345678, 1, nullptr));
  EXPECT_EQ(memory.read<std::uint32_t>(),
            (std::vector<std::uint32_t>{0x11ABAB11, 0xCDEF1111, 0xCDEFCDEF, 0x11111111, 0x12345678, 0x11111111}));
  EXPECT_EQ(api().cuMemsetD16Async(memory.address() + 1, 0, 1, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemsetD32Async(memory.address() + 2, 0, 1, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST(Memory, CopiesGoBetweenDevices) {
  use_device(1);
  Buffer theirs(std::vector<int>{4, 5, 6});
  use_device(0);
  Buffer ours(3 * sizeof(int));
  check(api().cuMemcpyAsync(ours.address(), theirs.address(), 3 * sizeof(int), nullptr));
  EXPECT_EQ(ours.read<int>(), (std::vector<int>{4, 5, 6}));
}

// Refused by the call, so that the device goes on.
TEST(Memory, NothingIsCopiedOrSetBeyondAnAllocation) {
  use_device();
  Buffer memory(std::vector<char>(1000, 'a')), other(2000);
  std::vector<char> host(2000, 'b');
  EXPECT_EQ(api().cuMemcpyHtoDAsync_v2(memory.address(), host.data(), 1001, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_THAT(text_of(CUDA_ERROR_INVALID_VALUE),
              AllOf(HasSubstr("cuMemcpyHtoDAsync"), HasSubstr("past the end of an allocation of 1000 bytes")));
  EXPECT_EQ(api().cuMemcpyDtoHAsync_v2(host.data(), memory.address() + 1, 1000, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemcpyAsync(memory.address(), other.address(), 2000, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemcpyAsync(other.address(), memory.address(), 2000, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemsetD8Async(memory.address() + 999, 1, 2, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemsetD16Async(memory.address(), 1, 501, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemsetD32Async(memory.address(), 1, 251, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemsetD8Async(memory.address() - 1, 1, 1, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(memory.read<char>(), std::vector<char>(1000, 'a'));
  EXPECT_EQ(host, std::vector<char>(2000, 'b'));
}

TEST(Memory, PinnedMemoryIsOfHostAndKernels) {
  use_device();
  Module module(add_one_and_twice);
  void* memory = nullptr;
  check(api().cuMemHostAlloc(&memory, 4 * sizeof(int), 0));
  int* numbers = static_cast<int*>(memory);
  std::iota(numbers, numbers + 4, 10);
  check(run(module["add_one"], {1, 32}, reinterpret_cast<CUdeviceptr>(memory), std::int64_t{4}));
  EXPECT_EQ(std::vector<int>(numbers, numbers + 4), (std::vector<int>{11, 12, 13, 14}));
  Buffer device(4 * sizeof(int));
  check(api().cuMemcpyHtoDAsync_v2(device.address(), memory, 4 * sizeof(int), nullptr));
  EXPECT_EQ(device.read<int>(), (std::vector<int>{11, 12, 13, 14}));
  EXPECT_EQ(api().cuMemFreeHost(numbers + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(api().cuMemFreeHost(memory), CUDA_SUCCESS);
}

// ---- accesses that end the process or the context ----

const Scene host_reads_device_memory("the host reads device memory", [] {
  use_device();
  Buffer memory(std::vector<int>{1});
  say("before");
  const int value = *reinterpret_cast<volatile int*>(memory.address());
  say("after: " + std::to_string(value));
});

TEST(Memory, TheHostCannotTouchIt) {
  const Ending ending = host_reads_device_memory.run();
  EXPECT_NE(ending.exit_code, 0);  // a signal, or what a sanitizer makes of it
  EXPECT_EQ(ending.output, "before\n");
}

constexpr const char* load_four = R"(
define ptx_kernel void @load_four(ptr addrspace(1) %p, i64 %offset) {
  %at = getelementptr i8, ptr addrspace(1) %p, i64 %offset
  %four = load <4 x float>, ptr addrspace(1) %at, align 16
  store <4 x float> %four, ptr addrspace(1) %p, align 16
  ret void
}
)";

/// 100 numbers, of which the kernel takes one more; and what comes after an error.
const Scene reads_past_the_end("a kernel reads past the end", [] {
  use_device();
  Module module(add_one_and_twice);
  Buffer memory(std::vector<int>(100));
  tell(run(module["add_one"], {1, 128}, memory.address(), std::int64_t{101}));
  CUdeviceptr more = 0;
  say(name_of(api().cuMemAlloc_v2(&more, 16)));
  say(name_of(api().cuStreamSynchronize(nullptr)));
});
const Scene reads_half_past_the_end("a kernel reads what is half inside", [] {
  use_device();
  Module module(load_four);
  Buffer memory(40);
  tell(run(module["load_four"], {}, memory.address(), std::int64_t{32}));
});
const Scene reads_before_the_begin("a kernel reads before the begin", [] {
  use_device();
  Module module(add_one_and_twice);
  Buffer memory(std::vector<int>(100));
  tell(run(module["add_one"], {}, memory.address() - 4, std::int64_t{1}));
});
const Scene reads_freed_memory("a kernel reads freed memory", [] {
  use_device();
  Module module(add_one_and_twice);
  CUdeviceptr memory = 0;
  check(api().cuMemAlloc_v2(&memory, 400));
  check(api().cuMemFree_v2(memory));
  tell(run(module["add_one"], {}, memory + 8, std::int64_t{1}));
});
const Scene reads_null("a kernel reads a null pointer", [] {
  use_device();
  Module module(add_one_and_twice);
  tell(run(module["add_one"], {2, 1}, CUdeviceptr{0}, std::int64_t{2}));
});
const Scene reads_host_memory("a kernel reads the host's memory", [] {
  use_device();
  Module module(add_one_and_twice);
  int number = 0;
  tell(run(module["add_one"], {}, reinterpret_cast<CUdeviceptr>(&number), std::int64_t{1}));
});
const Scene reads_at_odd_addresses("a kernel reads at a wrong alignment", [] {
  use_device();
  Module module(load_four);
  Buffer memory(std::vector<float>{0, 0, 0, 0, 5, 6, 7, 8});
  check(run(module["load_four"], {}, memory.address(), std::int64_t{16}));
  say(memory.read<float>()[2] == 7 ? "aligned: well" : "aligned: not well");
  tell(run(module["load_four"], {}, memory.address(), std::int64_t{4}));
});

TEST(Memory, AnAccessPastTheEndIsTold) {
  EXPECT_THAT(reads_past_the_end.output(),
              AllOf(HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("kernel add_one"),
                    HasSubstr("thread (100,0,0) of block (0,0,0)"), HasSubstr("reads 4 bytes"),
                    HasSubstr("0 bytes past the end of an allocation of 400 bytes"),
                    HasSubstr("\nCUDA_ERROR_ILLEGAL_ADDRESS\nCUDA_ERROR_ILLEGAL_ADDRESS\n")));  // it stays
  EXPECT_THAT(reads_half_past_the_end.output(),
              AllOf(HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("kernel load_four"),
                    HasSubstr("8 bytes are past the end of an allocation of 40 bytes")));
}

TEST(Memory, OtherWrongAccessesAreTold) {
  const std::string illegal = "CUDA_ERROR_ILLEGAL_ADDRESS: ";
  EXPECT_THAT(reads_before_the_begin.output(),
              AllOf(HasSubstr(illegal), HasSubstr("kernel add_one"), HasSubstr("thread (0,0,0) of block (0,0,0)"),
                    HasSubstr("4 bytes before an allocation of 400 bytes")));
  EXPECT_THAT(reads_freed_memory.output(),
              AllOf(HasSubstr(illegal), HasSubstr("kernel add_one"),
                    HasSubstr("8 bytes into an allocation of 400 bytes that has been freed")));
  EXPECT_THAT(reads_null.output(), AllOf(HasSubstr(illegal), HasSubstr("null pointer")));
  EXPECT_THAT(reads_host_memory.output(), AllOf(HasSubstr(illegal), HasSubstr("not in device memory")));
}

TEST(Memory, AWrongAlignmentIsTold) {
  EXPECT_THAT(reads_at_odd_addresses.output(),
              AllOf(HasSubstr("aligned: well\nCUDA_ERROR_MISALIGNED_ADDRESS: "), HasSubstr("kernel load_four"),
                    HasSubstr("thread (0,0,0)"), HasSubstr("reads 16 bytes"), HasSubstr("not a multiple of 16")));
}

// ---- peers ----

const Scene without_peer_access("a kernel reads another device's memory", [] {
  use_device(1);
  Buffer theirs(std::vector<int>{1});
  use_device(0);
  Module module(add_one_and_twice);
  tell(run(module["add_one"], {}, theirs.address(), std::int64_t{1}));
});
const Scene with_peer_access("a kernel reads another device's memory as it may", [] {
  CUcontext other = use_device(1);
  Buffer theirs(std::vector<int>{1});
  use_device(0);
  check(api().cuCtxEnablePeerAccess(other, 0));
  say(name_of(api().cuCtxEnablePeerAccess(other, 0)));
  Module module(add_one_and_twice);
  check(run(module["add_one"], {}, theirs.address(), std::int64_t{1}));
  say(std::to_string(theirs.read<int>()[0]));
});

TEST(Memory, KernelsReachOtherDevicesWhereThatIsEnabled) {
  EXPECT_THAT(without_peer_access.output(), AllOf(HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("device 1"),
                                                  HasSubstr("peer access is not enabled")));
  EXPECT_EQ(with_peer_access.output(), "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED\n2\n");
}

}  // namespace
}  // namespace skein::emulated_test
