// How much memory a program takes beyond its input and output: what memory_analysis() says, and by how much the process'
// peak grew. `memory ROW`; prints JSON.
#include "bench/micro/simulation.h"

#include "bench/harness.h"

#include <sys/resource.h>
#include <iostream>

namespace sk = skein;

namespace {

std::int64_t peak() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

void measure(const std::string& name, sk::Array (*program)(const sk::Array&), const sk::Shape& shape) {
  auto x = sk::block_until_ready(sk::zeros(shape) + 0.5);
  // The compiler's own memory must not count.
  auto compiled = sk::jit(program).lower(x).compile();
  auto before = peak();
  auto y = compiled(x);
  y.block_until_ready();
  std::cout << "{\"row\": \"" << name << "\", \"analysis\": " << compiled.memory_analysis() << ", \"input\": " << x.nbytes() << ", \"output\": " << y.nbytes()
            << ", \"peak_growth\": " << peak() - before << "}\n";
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = argc > 1 ? argv[1] : "";
  std::int64_t n;
  if (name == "pairwise") n = bench::sized(8192, 512), measure(name, programs::pairwise, {n, 3});
  else if (name == "standardise") n = bench::sized(10000, 1000), measure(name, programs::standardise, {n, n});
  else if (name == "jacobi") n = bench::sized(4096, 256), measure(name, programs::jacobi, {n, n});
  else {
    std::cerr << "usage: memory pairwise|standardise|jacobi\n";
    return 2;
  }
}
