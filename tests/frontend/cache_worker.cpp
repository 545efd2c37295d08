// What cache_test.py runs, many at once: programs whose results it prints.
#include <skein/skein.h>

#include <iostream>
namespace sk = skein;

int main() {
  auto mesh = sk::make_mesh({2}, {"d"});
  for (int i = 0; i < 6; ++i) {
    auto f = sk::jit([i](sk::Array x) { return sk::sum(sk::exp(-x) * (x + i)) / (i + 1); });
    auto g = sk::jit(sk::shard_map([i](sk::Array x) { return sk::psum(x * x + i, "d"); }, mesh,
                                   {.in_specs = {sk::P("d")}, .out_specs = {sk::P()}}));
    std::cout << f(sk::linspace(0., 1., 1000)).item<float>() << " " << g(sk::arange(2.f))[0].item<float>() << "\n";
  }
}
