// Programs that are no longer used leave nothing behind: no machine code, no IR, no buffers.
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <unistd.h>
#include <cstdlib>
#include <fstream>

namespace sk = skein;

namespace {

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void compile_and_run(int i) {
  auto f = sk::jit([i](sk::Array x) { return x * (2 * i + 1) + i; });
  EXPECT_EQ(f(sk::arange(3)).to_vector<int>(), (std::vector<int>{i, 3 * i + 1, 5 * i + 2}));
}

}  // namespace

TEST(Memory, AThousandProgramsLeaveNothingBehind) {
  setenv("SKEIN_CACHE_DIR", "off", 1);  // each one is compiled
  constexpr int warm = 100, programs = 1000;
  constexpr std::int64_t margin = std::int64_t{16} << 20;
  for (int i = 0; i < warm; ++i) compile_and_run(i);
  const std::int64_t before = resident_bytes();
  for (int i = warm; i < programs; ++i) compile_and_run(i);
  const std::int64_t after = resident_bytes();
  EXPECT_LE(after - before, margin) << (after - before) / (programs - warm) << " bytes a program";
  RecordProperty("bytes_per_program", std::to_string((after - before) / (programs - warm)));
}
