// Lesson 2: results that differ from device to device get a new first dimension, one entry for each device; a scalar needs no
// reshape. P(-1) means all axes of whatever mesh is given and rank_info() asks about it, so the function names no axis.
#include <skein/skein.h>

#include <iostream>
#include <string>
#include <tuple>
namespace sk = skein;
using sk::P;

std::string text(const sk::Shape& shape) {
  std::string out;
  for (auto size : shape) out += (out.empty() ? "" : ", ") + std::to_string(size);
  return "(" + out + (shape.size() == 1 ? ",)" : ")");
}

auto f(sk::Array seed) {
  auto [rank, ndev, axes] = sk::rank_info();
  std::cout << "rank info: " << sk::type_of(rank) << " " << ndev << " (";
  for (const auto& name : axes.names()) std::cout << name;
  std::cout << ")\n";
  auto pos = sk::random::uniform(sk::random::key(seed + rank), {10000, 3});
  auto loc = sk::sum(pos * pos);
  auto total = sk::psum(loc, axes);
  std::cout << "inside " << sk::type_of(pos) << " " << sk::type_of(loc) << " " << sk::type_of(total) << "\n";
  return std::tuple{pos, loc, total};
}

int main() {
  sk::initialize({.cpu_devices = 4});
  auto mesh = sk::make_mesh({4}, {"gpus"});

  auto f_smapped = sk::expanding_shard_map(f, mesh, {.in_specs = {P()}, .out_specs = {P(-1), P(-1), P()}});
  auto f_smapped_jitted = sk::jit(f_smapped);
  auto [pos, loc, total] = f_smapped_jitted(sk::array(0));
  std::cout << "outside " << text(pos.shape()) << " " << text(loc.shape()) << " " << text(total.shape()) << "\n";
}
