// Lesson 4: a loop in a program is one op: compiled once, whatever the number of turns, which may be known at run time only. Its
// state is any tree of arrays. Here each point of the plane goes z -> z*z + c until it leaves; the count of its turns is drawn.
#include <skein/skein.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <string>
namespace sk = skein;

constexpr int columns = 72, rows = 28;

struct Points {
  sk::Array x, y;
  sk::Array turns;  // until now
};

int main() {
  auto julia = sk::jit([](sk::Array x, sk::Array y, sk::Array turns) {
    Points start{sk::broadcast_to(x, {rows, columns}), sk::broadcast_to(y(sk::all, sk::none), {rows, columns}), sk::zeros({rows, columns}, sk::int32)};
    Points end = sk::fori_loop(0, turns, [](sk::Array, Points p) {
      auto inside = p.x * p.x + p.y * p.y < 4.0;
      return Points{sk::where(inside, p.x * p.x - p.y * p.y - 0.8, p.x), sk::where(inside, 2.0 * p.x * p.y + 0.156, p.y), p.turns + sk::astype(inside, sk::int32)};
    }, start);
    return end.turns;
  });

  const int most = 100;
  auto x = sk::linspace(-1.6, 1.6, columns), y = sk::linspace(1.0, -1.0, rows);
  auto counts = julia(x, y, sk::array(most)).to_vector<int>();
  const std::string shades = " .:-=+*#%@";
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      auto turns = static_cast<std::size_t>(counts[static_cast<std::size_t>(row * columns + column)]);
      std::cout << shades[std::min(turns / 4, shades.size() - 1)];
    }
    std::cout << "\n";
  }
  auto again = julia(x, y, sk::array(10 * most));  // the same program: the number of turns is an argument
  std::cout << "after " << most << " turns " << sk::sum(sk::array(counts) == most).item<int>() << " points are left, after " << 10 * most << " turns "
            << sk::sum(again == 10 * most).item<int>() << "\n";
}
