// Lesson 1: a function written for one device runs on four. Specs say how its arguments are split and its results joined:
// P() is the same on every device, P("gpus") is cut into blocks, or put together from them, along the mesh axis "gpus".
#include <skein/skein.h>

#include <iostream>
#include <tuple>
namespace sk = skein;
using sk::P;

int main() {
  sk::initialize({.cpu_devices = 4});
  auto mesh = sk::make_mesh({4}, {"gpus"});

  auto f = sk::shard_map([](sk::Array seed) {
    auto rank = sk::axis_index("gpus");
    auto pos = sk::random::uniform(sk::random::key(seed + rank), {10000, 3});
    auto loc = sk::sum(pos * pos);
    auto total = sk::psum(loc, "gpus");
    std::cout << "inside " << sk::type_of(pos) << " " << sk::type_of(loc) << " " << sk::type_of(total) << "\n";
    return std::tuple{pos, sk::reshape(loc, {1}), total};
  }, mesh, {.in_specs = {P()}, .out_specs = {P("gpus"), P("gpus"), P()}});

  auto [pos, loc, total] = sk::jit(f)(sk::array(0));
  std::cout << "outside " << sk::type_of(pos) << " " << sk::type_of(loc) << " " << sk::type_of(total) << "\n";
}
