// The stars around the Sun, on four devices: where they are on average, and which has the most neighbours within two parsecs.
// Each device holds a block of the catalogue. Blocks go round in a ring, and each device compares its own with the visiting one.
#include <skein/skein.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <string>
#include <tuple>
#include <utility>
#include <vector>
namespace sk = skein;
using sk::P;

struct Pos {
  sk::Array pos;  // (rows, 3), in parsecs; rows beyond num are padding
  sk::Array num;  // how many rows are stars
};

struct Result {
  sk::Array mean, mean_distance, nearest;  // of all stars, the same on every device
  sk::Array neighbours;                    // of each row of this device: -1 for padding
  sk::Array pairs;                         // ordered pairs of distinct stars
};

constexpr float radius = 2;

// The program of one device.
Result survey(Pos local) {
  auto [rank, ndev, axes] = sk::rank_info();
  auto rows = local.pos.shape()[0];
  auto used = sk::arange(rows) < local.num;
  auto total = sk::psum(local.num, axes);
  auto distance = sk::sqrt(sk::sum(local.pos * local.pos, {.axis = 1}));
  auto mean = sk::psum(sk::sum(local.pos, {.axis = 0, .where = used(sk::all, sk::none)}), axes) / total;
  auto mean_distance = sk::psum(sk::sum(distance, {.where = used}), axes) / total;
  auto nearest = sk::pmin(sk::min(sk::where(used, distance, std::numeric_limits<float>::infinity())), axes);

  std::vector<std::pair<std::int64_t, std::int64_t>> ring;
  for (std::int64_t i = 0; i < ndev; ++i) ring.emplace_back(i, (i + 1) % ndev);
  auto turn = [&](sk::Array, std::pair<sk::Array, sk::Array> state) {
    auto [visiting, count] = state;
    auto apart = local.pos(sk::all, sk::none) - visiting(sk::none);       // every star here and every visitor: never stored
    auto near = sk::sum(apart * apart, {.axis = 2}) < radius * radius;    // of padding, which is NaN, false
    return std::pair{sk::ppermute(visiting, axes, ring), count + sk::sum(near, {.axis = 1})};
  };
  auto [back, count] = sk::fori_loop(0, ndev, turn, std::pair{local.pos, sk::zeros({rows}, sk::int32)});
  auto neighbours = sk::where(used, count - 1, -1);  // a star is no neighbour of its own
  return {mean, mean_distance, nearest, neighbours, sk::psum(sk::sum(neighbours, {.where = used}), axes)};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int main(int argc, char** argv) try {
  const std::string folder = argc > 1 ? argv[1] : "examples/data";
  sk::initialize({.cpu_devices = 4});
  auto mesh = sk::make_mesh({4}, {"gpus"});

  auto stars = sk::load(folder + "/hipparcos_xyz_pc.npy"), magnitudes = sk::load(folder + "/hipparcos_mag.npy");
  const std::int64_t count = stars.shape()[0], ndev = mesh.size(), rows = (count + ndev - 1) / ndev;
  Pos all{sk::reshape(sk::pad(stars, {{0, rows * ndev - count}, {0, 0}}, {.value = NAN}), {ndev, rows, 3}),
          sk::clip(count - sk::arange(ndev) * rows, 0, rows)};
  std::printf("%lld stars on %lld devices: %lld rows each, in use", static_cast<long long>(count), static_cast<long long>(ndev), static_cast<long long>(rows));
  for (int num : all.num.to_vector<int>()) std::printf(" %d", num);
  std::printf("\n");

  auto program = sk::jit(sk::expanding_shard_map(survey, mesh, {.in_specs = {P(-1)}, .out_specs = {{P(), P(), P(), P(-1), P()}}}));
  auto start = std::chrono::steady_clock::now();
  auto compiled = program.lower(all).compile();
  double compiling = seconds_since(start);
  start = std::chrono::steady_clock::now();
  Result result = sk::block_until_ready(compiled(all));
  double running = seconds_since(start);

  auto mean = result.mean.to_vector<float>();
  std::printf("mean position (%.3f, %.3f, %.3f) pc, mean distance %.3f pc, nearest star %.3f pc\n", mean[0], mean[1], mean[2],
              result.mean_distance.item<float>(), result.nearest.item<float>());
  std::printf("%d ordered pairs of stars are closer than %.0f pc\n", result.pairs.item<int>(), radius);

  auto neighbours = sk::reshape(sk::process_allgather(result.neighbours), {-1});  // where there are several processes
  int best = sk::argmax(neighbours).item<int>();
  auto at = stars[best].to_vector<float>();
  double away = std::hypot(at[0], at[1], at[2]);
  double hours = std::fmod(std::atan2(at[1], at[0]) * 12 / M_PI + 24, 24), degrees = std::asin(at[2] / away) * 180 / M_PI;
  bool hyades = std::hypot(hours - 4.45, (degrees - 16) / 15) < 0.5 && std::abs(away - 46.5) < 5;
  std::printf("star %d has the most neighbours, %d: RA %.2f h, Dec %+.1f deg, %.1f pc, magnitude %.1f%s\n", best, neighbours[best].item<int>(),
              hours, degrees, away, magnitudes[best].item<float>(), hyades ? ", in the Hyades" : "");
  double pairs = static_cast<double>(rows * ndev) * static_cast<double>(rows * ndev);
  std::printf("compiled in %.0f ms, ran in %.2f s: %.2g pairs per second\n", compiling * 1e3, running, pairs / running);
} catch (const sk::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
