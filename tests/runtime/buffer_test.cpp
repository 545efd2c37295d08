#include "runtime/buffer.h"

#include <skein/base/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace skein::runtime {
namespace {

TEST(Buffers, AlignedAndReused) {
  release_cached_memory();
  for (std::size_t bytes : {0, 1, 63, 64, 65, 511, 513, 4097, 100000, 1 << 20, (1 << 21) + 1, 50 << 20}) {
    void* first = nullptr;
    {
      Buffer buffer = Buffer::allocate(bytes);
      first = buffer.data();
      ASSERT_NE(first, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % (bytes >= (1 << 20) ? 1 << 21 : 64), 0u) << bytes;
      std::memset(first, 1, bytes);
      EXPECT_EQ(buffer.size(), bytes);
    }
    EXPECT_EQ(Buffer::allocate(bytes).data(), first) << bytes;
  }
}

TEST(Buffers, Statistics) {
  release_cached_memory();
  MemoryStatistics before = memory_statistics();
  EXPECT_EQ(before.cached, 0);
  reset_peak_memory();
  {
    Buffer a = Buffer::allocate(10 << 20), b = a, c = Buffer::allocate(20 << 20);
    EXPECT_FALSE(a.unique());
    EXPECT_TRUE(c.unique());
    MemoryStatistics now = memory_statistics();
    EXPECT_GE(now.in_use - before.in_use, 30 << 20);
    EXPECT_LE(now.in_use - before.in_use, 34 << 20);
  }
  MemoryStatistics after = memory_statistics();
  EXPECT_EQ(after.in_use, before.in_use);
  EXPECT_GE(after.peak - before.in_use, 30 << 20);
  EXPECT_GE(after.cached, 30 << 20);
  for (int i = 0; i < 100; ++i) Buffer::allocate(20 << 20);
  EXPECT_EQ(memory_statistics().mappings, after.mappings);
  release_cached_memory();
  EXPECT_EQ(memory_statistics().cached, 0);
}

TEST(Buffers, NoSizeClassIsSmallerThanItsRequest) {
  for (std::size_t bytes = 1; bytes < (std::size_t{1} << 33); bytes += 1 + bytes / 7) {
    MemoryStatistics before = memory_statistics();
    if (bytes > (64 << 20)) break;
    Buffer buffer = Buffer::allocate(bytes);
    auto taken = memory_statistics().in_use - before.in_use;
    EXPECT_GE(taken, static_cast<std::int64_t>(bytes));
    if (bytes > 4096 && bytes < (1 << 20)) EXPECT_LE(taken, static_cast<std::int64_t>(bytes + bytes / 8 + 64));
  }
  release_cached_memory();
}

TEST(Buffers, BorrowedMemoryIsReturnedOnce) {
  int released = 0;
  float data[4];
  {
    Buffer a = Buffer::borrow(data, sizeof data, [&] { ++released; });
    Buffer b = a;
    a = Buffer();
    EXPECT_EQ(released, 0);
    EXPECT_EQ(b.data(), data);
    EXPECT_FALSE(b.unique()) << "memory of others is never ours to write to";
  }
  EXPECT_EQ(released, 1);
}

TEST(Buffers, OutOfMemoryIsAnErrorThatNamesBothNumbers) {
  for (std::size_t bytes : {std::size_t{1} << 46, std::size_t{1} << 60}) {
    try {
      Buffer::allocate(bytes);
      FAIL() << "that much memory is not there";
    } catch (const RuntimeError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(std::to_string(bytes)));
      EXPECT_THAT(error.what(), testing::HasSubstr("available"));
    }
  }
  EXPECT_NE(Buffer::allocate(1000).data(), nullptr);
}

TEST(Buffers, ManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (int i = 0; i < 2000; ++i) {
        std::size_t bytes = static_cast<std::size_t>((i * 37 + t) % 5000);
        Buffer buffer = Buffer::allocate(bytes);
        std::memset(buffer.data(), t, bytes);
        if (bytes) ASSERT_EQ(static_cast<char*>(buffer.data())[bytes - 1], t);
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace skein::runtime
