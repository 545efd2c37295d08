#include "runtime/device.h"

#include <skein/base/error.h>

#include <gtest/gtest.h>

#include <cstdlib>

namespace skein::runtime {
namespace {

TEST(Devices, AreChosenOnce) {
  if (std::getenv("SKEIN_CPU_DEVICES")) GTEST_SKIP();
  EXPECT_THROW(configure({-1, 0}), UserError);
  configure({.cpu_devices = 4, .threads = 0});
  EXPECT_EQ(devices().size(), 4u);
  EXPECT_EQ(devices()[2].id, 2);
  EXPECT_EQ(devices()[2].kind, "cpu");
  EXPECT_GE(devices()[2].threads, 1);
  EXPECT_LE(total_threads(), core_count());
  EXPECT_THROW(configure({.cpu_devices = 4, .threads = 0}), UserError);  // they are in use, though nothing would change
  EXPECT_THROW(configure({.cpu_devices = 2, .threads = 0}), UserError);
  EXPECT_EQ(devices().size(), 4u);
}

TEST(Environment, Chooses) {
  if (!std::getenv("SKEIN_CPU_DEVICES")) GTEST_SKIP();
  EXPECT_EQ(devices().size(), 3u);
  EXPECT_EQ(devices()[0].threads, 2);
}

}  // namespace
}  // namespace skein::runtime
