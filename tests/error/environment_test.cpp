// What the environment does not give: memory, a cache folder that can be written, a file that is whole.
#include "tests/error/expect_error.h"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

// A statement stands on the line that its error must name.
// clang-format off

namespace sk = skein;

namespace {

TEST(Environment, OutOfMemory) {
  const std::int64_t many = std::int64_t{1} << 50;
  EXPECT_RUNTIME_ERROR(sk::zeros({many}, sk::uint8), "zeros", "out of memory", std::to_string(many), "available");
  EXPECT_RUNTIME_ERROR(sk::jit([=](sk::Array a) { return sk::broadcast_to(a, {many}); })(sk::array(1.f)), "jit", "out of memory", std::to_string(4 * many), "available");
  EXPECT_RUNTIME_ERROR(sk::zeros({std::int64_t{1} << 62}, sk::float64), "zeros", "[4611686018427387904]", "more bytes than there are addresses");
}

/// Compiles what no other test does, with the cache in that folder, and leaves with 0 after the error that it gets, as
/// text on stderr. In a process of its own: the folder is the environment's.
[[noreturn]] void compile_with_cache(const std::string& folder, bool full_disk) {
  setenv("SKEIN_CACHE_DIR", folder.c_str(), 1);
  rlimit before{}, small{};
  getrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_IGN);
  small = before;
  if (full_disk) small.rlim_cur = 64;  // no file may grow beyond some bytes: writing fails as on a full disk
  setrlimit(RLIMIT_FSIZE, &small);
  auto f = sk::jit([](sk::Array a) { return sk::sin(a) * 3.25f + 17; });
  try {
    f(sk::zeros({5}));
  } catch (const sk::RuntimeError& e) {
    std::string text = e.what();
    setenv("SKEIN_CACHE_DIR", "off", 1);
    if (f(sk::zeros({5})).to_vector<float>()[0] != 17) std::_Exit(2);  // the program goes on
    setrlimit(RLIMIT_FSIZE, &before);
    std::fputs(text.c_str(), stderr);
    std::_Exit(0);
  }
  std::_Exit(1);
}

TEST(Environment, CacheFoldersThatCannotBeWritten) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::string folder = testing::TempDir() + "skein_full_cache", file = testing::TempDir() + "skein_cache_file";
  std::filesystem::remove_all(folder);
  std::ofstream(file) << "a file, not a folder";
  const auto said = [](const std::string& path) {
    return testing::ContainsRegex("environment_test.cpp:[0-9]+: jit: the cache of compiled programs in " + path + " cannot be written: .*SKEIN_CACHE_DIR");
  };
  EXPECT_EXIT(compile_with_cache("/proc/nothing", false), testing::ExitedWithCode(0), said("/proc/nothing"));
  EXPECT_EXIT(compile_with_cache(file, false), testing::ExitedWithCode(0), said(file));
  EXPECT_EXIT(compile_with_cache(folder, true), testing::ExitedWithCode(0), said(folder));
  EXPECT_TRUE(std::filesystem::is_empty(folder)) << "what could not be written whole is still there";
  std::filesystem::remove_all(folder);
  std::filesystem::remove(file);
}

TEST(Environment, FilesThatAreNotWhole) {
  const std::string path = testing::TempDir() + "skein_truncated.npy";
  sk::save(path, sk::arange(100));
  std::filesystem::resize_file(path, 200);
  EXPECT_USER_ERROR(sk::load(path), "load", "skein_truncated.npy", "truncated", "int32[100]", "400 bytes");
  std::filesystem::resize_file(path, 20);
  EXPECT_USER_ERROR(sk::load(path), "load", "skein_truncated.npy", "truncated");
  std::filesystem::remove(path);
  EXPECT_USER_ERROR(sk::load(path), "load", "skein_truncated.npy", "cannot be opened");
  EXPECT_USER_ERROR(sk::load(testing::TempDir()), "load", "not a regular file");
}

}  // namespace
