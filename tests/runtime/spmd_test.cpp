// Programs on a mesh, through the C ABI: collectives over axes and groups, failing devices, deadlocks.

#include "runtime/abi.h"
#include "runtime/executable.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace skein::runtime {
namespace {

using testing::HasSubstr;

// A device's program in C++; it must not own anything where it may be left early.
using Body = void (*)(skein_context*, void* const*, char*);

struct Program {
  std::vector<std::int64_t> shape;
  Body body;
  std::int64_t work = 0;
  std::int64_t arena = 0;
};

void run_program(const Program& program, std::vector<void*> buffers) {
  buffers.insert(buffers.begin(), const_cast<Program*>(&program));
  Executable executable;
  executable.may_fail = true;
  executable.entry = [](skein_context* context, void* const* all, char*) {
    const auto& p = *static_cast<const Program*>(all[0]);
    const char* names[] = {"x", "y", "z"};
    skein_mesh mesh{static_cast<std::int32_t>(p.shape.size()), p.shape.data(), names};
    skein_site site{"shard_map", "user.cpp", 1};
    skein_run_spmd(context, &mesh, p.body, all + 1, p.arena, p.work, &site);
  };
  run(executable, buffers);
}

const std::int32_t int32_dtype[] = {static_cast<std::int32_t>(DType::int32)};
const std::int64_t one_element[] = {1};

skein_collective sum_over(int id, const std::int32_t* axes, int count, int line) {
  skein_collective c{};
  c.id = id, c.verb = SKEIN_ALL_REDUCE, c.reduction = SKEIN_SUM;
  c.axis_count = count, c.axes = axes;
  c.operand_count = 1, c.dtypes = int32_dtype, c.counts = one_element;
  c.site = {"psum", "user.cpp", line};
  return c;
}

std::int32_t psum(skein_context* context, const skein_collective& c, std::int32_t value) {
  std::int32_t result = 0;
  const void* inputs[] = {&value};
  void* outputs[] = {&result};
  skein_collective_run(context, &c, inputs, outputs);
  return result;
}

const std::int32_t axis_x[] = {0}, axis_y[] = {1}, both[] = {0, 1}, reversed[] = {1, 0};

class Spmd : public testing::TestWithParam<std::int64_t> {};

TEST_P(Spmd, AxesOfAMesh) {
  // The results of device (i, j) at 4 * (i * 3 + j).
  std::vector<std::int32_t> results(24);
  run_program({{2, 3},
               [](skein_context* context, void* const* buffers, char* arena) {
                 auto i = static_cast<std::int32_t>(skein_axis_index(context, 0)),
                      j = static_cast<std::int32_t>(skein_axis_index(context, 1));
                 EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena) % 64, 0u);
                 arena[99] = static_cast<char>(j);
                 auto* out = static_cast<std::int32_t*>(buffers[0]) + 4 * (i * 3 + j);
                 std::int32_t mine = 10 * i + j;
                 for (int turn = 0; turn < 10; ++turn) {
                   out[0] = psum(context, sum_over(0, axis_x, 1, 10), mine);
                   out[1] = psum(context, sum_over(1, axis_y, 1, 11), mine);
                   out[2] = psum(context, sum_over(2, both, 2, 12), mine);
                 }
                 // Ranks count row-major over the axes in the order named.
                 std::int32_t all[6];
                 skein_collective gather = sum_over(3, reversed, 2, 13);
                 gather.verb = SKEIN_ALL_GATHER;
                 const void* inputs[] = {&mine};
                 void* outputs[] = {all};
                 skein_collective_run(context, &gather, inputs, outputs);
                 out[3] = all[1] * 100 + all[2];
                 EXPECT_EQ(arena[99], static_cast<char>(j));
               },
               GetParam(),
               100},
              {results.data()});
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 3; ++j) {
      const std::int32_t* r = &results[static_cast<std::size_t>(4 * (i * 3 + j))];
      EXPECT_EQ(r[0], 10 + 2 * j);
      EXPECT_EQ(r[1], 30 * i + 3);
      EXPECT_EQ(r[2], 36);
      EXPECT_EQ(r[3], 1000 + 1);
    }
}

TEST_P(Spmd, GroupsOfRanks) {
  std::vector<std::int32_t> results(4);
  run_program({{4},
               [](skein_context* context, void* const* buffers, char*) {
                 static const std::int32_t groups[] = {0, 3, 1, 2};
                 skein_collective c = sum_over(0, axis_x, 1, 20);
                 c.group_count = 2, c.group_size = 2, c.groups = groups;
                 auto rank = static_cast<std::int32_t>(skein_axis_index(context, 0));
                 static_cast<std::int32_t*>(buffers[0])[rank] = psum(context, c, 1 << rank);
               },
               GetParam()},
              {results.data()});
  EXPECT_EQ(results, (std::vector<std::int32_t>{9, 6, 6, 9}));
}

// The same ids stand for other axes in another program on the same mesh.
TEST_P(Spmd, ProgramsDoNotShareTheirGroups) {
  for (int repeat = 0; repeat < 3; ++repeat) {
    std::vector<std::int32_t> a(4), b(4);
    run_program({{2, 2},
                 [](skein_context* context, void* const* buffers, char*) {
                   auto rank = 2 * skein_axis_index(context, 0) + skein_axis_index(context, 1);
                   static_cast<std::int32_t*>(buffers[0])[rank] = psum(context, sum_over(0, axis_x, 1, 30), 1 << rank);
                 },
                 GetParam()},
                {a.data()});
    run_program({{2, 2},
                 [](skein_context* context, void* const* buffers, char*) {
                   auto rank = 2 * skein_axis_index(context, 0) + skein_axis_index(context, 1);
                   static_cast<std::int32_t*>(buffers[0])[rank] = psum(context, sum_over(0, axis_y, 1, 30), 1 << rank);
                 },
                 GetParam()},
                {b.data()});
    EXPECT_EQ(a, (std::vector<std::int32_t>{5, 10, 5, 10}));
    EXPECT_EQ(b, (std::vector<std::int32_t>{3, 3, 12, 12}));
  }
}

const skein_message too_far{"star {} is too far", 1, int32_dtype, nullptr, nullptr, {"check", "user.cpp", 77}};

TEST_P(Spmd, OneOfEightDevicesFails) {
  static const std::int32_t ranks[] = {0};
  static const std::int64_t* const shapes[] = {nullptr};
  for (std::int32_t bad = 0; bad < 8; ++bad) {
    std::string what;
    try {
      run_program({{8},
                   [](skein_context* context, void* const* buffers, char*) {
                     auto rank = static_cast<std::int32_t>(skein_axis_index(context, 0));
                     for (std::int32_t turn = 0; turn < 30; ++turn) {
                       skein_message message = too_far;
                       message.ranks = ranks, message.shapes = shapes;
                       const void* operands[] = {&turn};
                       skein_check(context, rank != *static_cast<std::int32_t*>(buffers[0]) || turn < 12, &message,
                                   operands);
                       EXPECT_EQ(psum(context, sum_over(0, axis_x, 1, 40), 1), 8);
                       EXPECT_LE(turn, 12);
                     }
                   },
                   GetParam()},
                  {&bad});
    } catch (const UserError& error) {
      what = error.what();
    }
    EXPECT_EQ(what, "user.cpp:77: check: star 12 is too far (on device " + std::to_string(bad) + ")");
  }
}

TEST_P(Spmd, DevicesThatWaitForNothing) {
  std::string what;
  try {
    run_program({{2, 2},
                 [](skein_context* context, void* const*, char*) {
                   if (skein_axis_index(context, 0) == 0 && skein_axis_index(context, 1) == 1) return;
                   psum(context, sum_over(0, axis_x, 1, 50), 1);
                   psum(context, sum_over(1, both, 2, 51), 1);
                 },
                 GetParam()},
                {});
  } catch (const UserError& error) {
    what = error.what();
  }
  EXPECT_THAT(what, HasSubstr("device 0: waits in psum"));
  EXPECT_THAT(what, HasSubstr("user.cpp:51"));
  EXPECT_THAT(what, HasSubstr("device 1: has ended"));
  EXPECT_THAT(what, HasSubstr("device 3: waits in psum"));
  EXPECT_THAT(what, HasSubstr("user.cpp:50"));
}

TEST_P(Spmd, FromSeveralThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([t] {
      for (int turn = 0; turn < 50; ++turn) {
        std::vector<std::int32_t> results(4);
        run_program({{4},
                     [](skein_context* context, void* const* buffers, char*) {
                       auto rank = skein_axis_index(context, 0);
                       static_cast<std::int32_t*>(buffers[0])[rank] =
                           psum(context, sum_over(0, axis_x, 1, 60), static_cast<std::int32_t>(rank));
                     },
                     GetParam()},
                    {results.data()});
        ASSERT_EQ(results, std::vector<std::int32_t>(4, 6)) << t;
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST_P(Spmd, ParallelLoopsOfDevices) {
  constexpr std::int64_t n = 100000;
  std::vector<std::int32_t> data(2 * n);
  run_program({{2},
               [](skein_context* context, void* const* buffers, char*) {
                 void* arguments[] = {static_cast<std::int32_t*>(buffers[0]) + skein_axis_index(context, 0) * n};
                 skein_parallel_for(
                     context,
                     [](void* const* a, std::int64_t begin, std::int64_t end) {
                       for (std::int64_t i = begin; i < end; ++i) static_cast<std::int32_t*>(a[0])[i] += 1;
                     },
                     arguments, n, 100);
                 psum(context, sum_over(0, axis_x, 1, 70), 1);
               },
               GetParam()},
              {data.data()});
  EXPECT_EQ(std::count(data.begin(), data.end(), 1), 2 * n);
}

TEST_P(Spmd, ManyDevices) {
  std::vector<std::int32_t> results(200);
  run_program({{200},
               [](skein_context* context, void* const* buffers, char*) {
                 auto rank = skein_axis_index(context, 0);
                 for (int turn = 0; turn < 5; ++turn)
                   static_cast<std::int32_t*>(buffers[0])[rank] =
                       psum(context, sum_over(0, axis_x, 1, 80), static_cast<std::int32_t>(rank));
               },
               GetParam()},
              {results.data()});
  EXPECT_EQ(results, std::vector<std::int32_t>(200, 199 * 100));
}

INSTANTIATE_TEST_SUITE_P(Work, Spmd, testing::Values(std::int64_t{0}, std::int64_t{1000000}),
                         [](const auto& info) { return info.param ? "spread" : "in_turn"; });

}  // namespace
}  // namespace skein::runtime
