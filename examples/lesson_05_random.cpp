// Lesson 5: random numbers depend on a key and on the element's place, never on the number of devices. Pi from points in a square:
// 64 blocks of points, each with a key of its own, shared out among the devices. One device and four get the same sum.
#include <skein/skein.h>

#include <cstdio>
namespace sk = skein;
using sk::P;

constexpr int blocks = 64, points = 10000;

int points_in_circle(int devices) {
  auto program = [](sk::Array seed) {
    auto [rank, ndev, axes] = sk::rank_info();
    auto key = sk::random::key(seed);
    auto mine = blocks / ndev;
    auto hits = sk::fori_loop(rank * mine, (rank + 1) * mine, [&](sk::Array block, sk::Array sum) {
      auto point = sk::random::uniform(sk::random::fold_in(key, block), {points, 2});
      return sum + sk::sum(sk::sum(point * point, {.axis = 1}) < 1.0);
    }, sk::array(0));
    return sk::psum(hits, axes);
  };
  auto mesh = sk::make_mesh({devices}, {"gpus"});
  auto count = sk::jit(sk::shard_map(program, mesh, {.in_specs = {P()}, .out_specs = {P()}}));
  return count(sk::array(42)).item<int>();
}

int main() {
  sk::initialize({.cpu_devices = 4});
  for (int devices : {1, 2, 4}) {
    if (devices < 4 && sk::process_count() > 1) continue;  // a mesh has devices of every process
    int hits = points_in_circle(devices);
    std::printf("%d device%s: %d of %d points, pi is about %.4f\n", devices, devices == 1 ? "" : "s", hits, blocks * points,
                4.0 * hits / (blocks * points));
  }
}
