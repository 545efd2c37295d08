// Lesson 3: a function and its specs are a value of their own; the mesh, and whether to compile, are said where it is used. So a
// library offers functions that its user runs on the mesh of the day.
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

const auto f_smap = sk::shard_map_constructor(f, {.in_specs = {P()}, .out_specs = {P(-1), P(-1), P()}});

int main() {
  sk::initialize({.cpu_devices = 4});
  auto mesh = sk::make_mesh({4}, {"gpus"});

  auto [pos, loc, total] = f_smap(mesh, {.jit = true})(sk::array(0));
  std::cout << "outside " << text(pos.shape()) << " " << text(loc.shape()) << " " << text(total.shape()) << "\n";
}
