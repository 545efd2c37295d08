// Lesson 7: a long run that may end at any time, and goes on where it was; alone or in many processes, with any number
// of devices.
#include <skein/skein.h>

#include <filesystem>
#include <iostream>
#include <string>
namespace sk = skein;
using sk::P;

struct State {
  sk::Array temperature, step;
};

int main() {
  sk::initialize({.cpu_devices = 4});
  const std::int64_t n = sk::devices().size(), cells = 240;
  auto mesh = sk::make_mesh({n}, {"d"});
  const std::string folder = (std::filesystem::temp_directory_path() / "skein_lesson_07").string();
  const std::vector<std::pair<std::int64_t, std::int64_t>>
      left =
          [n] {
            std::vector<std::pair<std::int64_t, std::int64_t>> pairs;
            for (std::int64_t i = 0; i + 1 < n; ++i) pairs.emplace_back(i + 1, i);
            return pairs;
          }(),
      right = [&] {
        auto pairs = left;
        for (auto& [from, to] : pairs) std::swap(from, to);
        return pairs;
      }();

  // A rod that is hot at one end: each device has a piece, and asks its neighbours for one cell each.
  auto advance = sk::jit(sk::shard_map(
      [=](State s) {
        auto turn = [=](sk::Array, sk::Array t) {
          auto from_left = sk::ppermute(t(sk::slice(-1, sk::none)), "d", right),
               from_right = sk::ppermute(t(sk::slice(0, 1)), "d", left);
          auto wide = sk::concatenate({from_left, t, from_right});
          auto next = t + 0.25 * (wide(sk::slice(0, -2)) - 2 * t + wide(sk::slice(2, sk::none)));
          return sk::where(sk::axis_index("d") == 0, next.at(0).set(1), next);
        };
        return State{sk::fori_loop(0, 1000, turn, s.temperature), s.step + 1000};
      },
      mesh, {.in_specs = {{P("d"), P()}}, .out_specs = {{P("d"), P()}}}));

  State s{sk::zeros({cells}), sk::array(0)};
  for (int part = 0; part < 4; ++part) {
    if (part == 2)
      s = sk::load_sharded<State>(folder, {P("d"), P()},
                                  mesh);  // as if the first job had ended here, and this were the second
    s = advance(s);
    sk::save_sharded(folder, s);
    auto t = sk::process_allgather(s.temperature);
    std::cout << "step " << s.step.item<int>() << ": " << sk::sum(t > 0.5).item<int>()
              << " cells are warmer than 0.5, the rod holds " << sk::sum(t).item<float>() << "\n";
  }
}
