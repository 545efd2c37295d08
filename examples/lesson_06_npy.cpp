// Lesson 6: arrays in files, as NumPy writes and reads them; and what an error says.
#include <skein/skein.h>

#include <filesystem>
#include <iostream>
#include <string>
namespace sk = skein;

int main() {
  const auto folder = std::filesystem::temp_directory_path() / "skein_lesson_06";
  std::filesystem::create_directories(folder);
  const std::string one = (folder / "positions.npy").string(), many = (folder / "snapshot.npz").string();

  auto pos = sk::random::normal(sk::random::key(1), {1000, 3});
  sk::save(one, pos);  // in Python: numpy.load("positions.npy")
  auto read = sk::load(one);
  std::cout << sk::type_of(read) << (sk::all(read == pos).item<bool>() ? ", the same" : ", changed") << "\n";

  sk::save_npz(many, {{"pos", pos}, {"mass", sk::full({1000}, 0.5)}, {"step", sk::array(7)}});
  for (const auto& [name, value] : sk::load_npz(many)) std::cout << name << " " << sk::type_of(value) << "\n";

  std::filesystem::resize_file(one, 2000);  // as if the disk had been full
  try {
    sk::load(one);
  } catch (const sk::UserError& error) {
    std::cout << error.what() << "\n";
  }
  std::filesystem::remove_all(folder);
}
