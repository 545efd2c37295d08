// Programs without a mesh: running, parallel loops, failing, several threads.

#include "runtime/abi.h"
#include "runtime/executable.h"
#include "runtime/print.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace skein::runtime {
namespace {

void add_one(skein_context*, void* const* buffers, char*) {
  *static_cast<float*>(buffers[1]) = *static_cast<const float*>(buffers[0]) + 1;
}

TEST(Programs, Run) {
  float x = 1, y = 0;
  void* buffers[] = {&x, &y};
  Executable executable;
  executable.entry = add_one;
  run(executable, buffers);
  EXPECT_EQ(y, 2);
}

TEST(Programs, ArenasAreAlignedAndLarge) {
  for (std::int64_t bytes : {1, 1000, 1 << 22}) {
    Executable executable;
    executable.arena_bytes = bytes;
    executable.entry = [](skein_context*, void* const* buffers, char* arena) {
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena) % 64, 0u);
      std::memset(arena, 1, static_cast<std::size_t>(*static_cast<std::int64_t*>(buffers[0])));
    };
    void* buffers[] = {&bytes};
    run(executable, buffers);
    run(executable, buffers);
  }
}

// buffers: visits, count, grain
void visit(skein_context* context, void* const* buffers, char*) {
  skein_parallel_for(
      context,
      [](void* const* arguments, std::int64_t begin, std::int64_t end) {
        auto* visits = static_cast<std::uint8_t*>(arguments[0]);
        for (std::int64_t i = begin; i < end; ++i) ++visits[i];
      },
      buffers, *static_cast<std::int64_t*>(buffers[1]), *static_cast<std::int64_t*>(buffers[2]));
}

TEST(ParallelFor, VisitsEveryIterationOnce) {
  Executable executable;
  executable.entry = visit;
  executable.parallel = true;
  for (std::int64_t count : {0, 1, 2, 63, 64, 65, 1000, 100003})
    for (std::int64_t grain : {0, 1, 7, 1000, 1000000}) {
      std::vector<std::uint8_t> visits(static_cast<std::size_t>(count) + 1);
      void* buffers[] = {visits.data(), &count, &grain};
      run(executable, buffers);
      for (std::int64_t i = 0; i < count; ++i)
        ASSERT_EQ(visits[static_cast<std::size_t>(i)], 1) << count << " " << grain << " " << i;
      ASSERT_EQ(visits.back(), 0);
    }
}

const std::int32_t float_dtype[] = {static_cast<std::int32_t>(DType::float32)}, scalar_rank[] = {0};
const std::int64_t* const no_shape[] = {nullptr};
const skein_message need{"need {} rows", 1, float_dtype, scalar_rank, no_shape, {"check", "user.cpp", 42}};

void check_positive(skein_context* context, void* const* buffers, char*) {
  const void* operands[] = {buffers[0]};
  skein_check(context, *static_cast<const float*>(buffers[0]) > 0, &need, operands);
  *static_cast<float*>(buffers[1]) = 5;
}

TEST(Programs, AFailedCheckEndsTheProgramThere) {
  Executable executable;
  executable.entry = check_positive;
  executable.may_fail = true;
  float x = -2, y = 0;
  void* buffers[] = {&x, &y};
  for (int i = 0; i < 3; ++i) {
    try {
      run(executable, buffers);
      FAIL();
    } catch (const UserError& error) {
      EXPECT_STREQ(error.what(), "user.cpp:42: check: need -2.0 rows");
    }
    EXPECT_EQ(y, 0);
  }
  x = 1;
  run(executable, buffers);
  EXPECT_EQ(y, 5);
}

TEST(Programs, FromSeveralThreadsAtOnce) {
  Executable loops, failing;
  loops.entry = visit;
  failing.entry = check_positive;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int turn = 0; turn < 200; ++turn) {
        std::int64_t count = 5000 + t, grain = 10;
        std::vector<std::uint8_t> visits(static_cast<std::size_t>(count));
        void* buffers[] = {visits.data(), &count, &grain};
        run(loops, buffers);
        ASSERT_EQ(std::count(visits.begin(), visits.end(), 1), count);
        float x = static_cast<float>(turn % 2), y = 0;
        void* others[] = {&x, &y};
        if (turn % 2)
          run(failing, others);
        else
          EXPECT_THROW(run(failing, others), UserError);
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST(Programs, PrintWholeLines) {
  std::vector<std::string> lines;
  set_print_sink([&](std::string_view line) { lines.emplace_back(line); });
  Executable executable;
  executable.entry = [](skein_context* context, void* const* buffers, char*) {
    const void* operands[] = {buffers[0]};
    skein_print(context, &need, operands);
  };
  float x = 3;
  void* buffers[] = {&x};
  run(executable, buffers);
  set_print_sink({});
  EXPECT_EQ(lines, std::vector<std::string>{"need 3.0 rows\n"});
}

// A program that calls another one, as a host callback does.
TEST(Programs, Nested) {
  Executable outer;
  outer.arena_bytes = 64;
  outer.entry = [](skein_context*, void* const* buffers, char* arena) {
    arena[0] = 7;
    Executable inner;
    inner.arena_bytes = 64;
    inner.entry = [](skein_context*, void* const* b, char* a) { a[0] = 9, *static_cast<float*>(b[0]) += 1; };
    run(inner, {buffers, 1});
    EXPECT_EQ(arena[0], 7);
  };
  float x = 0;
  void* buffers[] = {&x};
  run(outer, buffers);
  EXPECT_EQ(x, 1);
}

}  // namespace
}  // namespace skein::runtime
