// What faults_test.py starts in several processes: a long program on their mesh; one process, rank 1, does what the
// argument says.
#include <skein/skein.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
namespace sk = skein;

int main(int, char** argv) {
  const std::string fault = argv[1];
  try {
    sk::initialize();
    const auto n = static_cast<std::int64_t>(sk::devices().size());
    auto mesh = sk::make_mesh({n}, {"d"});
    auto f = sk::jit(sk::shard_map(
        [](sk::Array x) {
          return sk::fori_loop(
              0, 100, [](sk::Array, sk::Array v) { return sk::psum(v, "d") / sk::axis_size("d"); }, x);
        },
        mesh, {.in_specs = {sk::P("d")}, .out_specs = {sk::P("d")}}));
    auto x = sk::ones({n, 1000});
    for (int call = 0;; ++call) {
      x = f(x);
      if (call != 20 || sk::process_index() != 1) continue;
      std::fprintf(stderr, "rank 1: %s\n", fault.c_str());
      if (fault == "throw") throw std::runtime_error("the user's own error");
      if (fault == "exit") std::exit(3);
      if (fault == "abort") std::abort();
      if (fault == "kill") std::raise(SIGKILL);
      if (fault == "stop") std::raise(SIGSTOP);
      if (fault == "sleep") std::this_thread::sleep_for(std::chrono::hours(1));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "process %d ends: %s\n", sk::process_index(), error.what());
    return 1;
  }
}
