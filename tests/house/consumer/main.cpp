// A user's program: the mean of a particle field over two meshes, checked. Prints "ok".
#include <skein/skein.h>

#include <cstdio>
#include <cstdlib>
#include <vector>
namespace sk = skein;
using sk::P;

struct Particles {
  sk::Array pos, mass;
};

static void expect(bool holds, int line) {
  if (holds) return;
  std::printf("failed, line %d\n", line);
  std::exit(1);
}

int main() {
  sk::initialize({.cpu_devices = 4});
  auto centre = [](Particles p) {
    auto [rank, ndev, axes] = sk::rank_info();
    auto mass = sk::psum(sk::sum(p.mass), axes);
    return sk::psum(sk::sum(p.mass(sk::all, sk::none) * p.pos, {.axis = 0}), axes) / mass;
  };
  Particles all{sk::astype(sk::reshape(sk::arange(24), {8, 3}), sk::float32), sk::ones({8})};
  auto centre_smap = sk::shard_map_constructor(centre, {.in_specs = {P(-1)}, .out_specs = {P()}}, {.tiled = true});
  for (const auto& mesh : {sk::make_mesh({4}, {"gpus"}), sk::make_mesh({2, 2}, {"nodes", "gpus"})}) {
    auto result = centre_smap(mesh, {.jit = true})(all);
    expect(result.shape() == sk::Shape({3}), __LINE__);
    expect(result.to_vector<float>() == std::vector<float>({10.5f, 11.5f, 12.5f}), __LINE__);
  }
  try {
    sk::matmul(sk::ones({2, 3}), sk::ones({2, 3}));
    expect(false, __LINE__);
  } catch (const sk::UserError& error) {
    expect(error.op() == "matmul", __LINE__);
  }
  std::puts("ok");
}
