// The random family.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

/// Threefry-2x32 with 20 rounds (Salmon et al., SC 2011).
static std::pair<std::uint32_t, std::uint32_t> threefry(std::uint32_t key0, std::uint32_t key1, std::uint32_t x0,
                                                        std::uint32_t x1) {
  constexpr int rotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const std::uint32_t keys[3] = {key0, key1, key0 ^ key1 ^ 0x1BD11BDAu};
  x0 += keys[0];
  x1 += keys[1];
  for (std::uint32_t block = 0; block < 5; ++block) {
    for (int rotation : rotations[block % 2]) {
      x0 += x1;
      x1 = std::rotl(x1, rotation) ^ x0;
    }
    x0 += keys[(block + 1) % 3];
    x1 += keys[(block + 2) % 3] + block + 1;
  }
  return {x0, x1};
}

static Results evaluateThreefry(mlir::Operation* op, Operands operands) {
  HostArray word0 = emptyResult(op, 0), word1 = emptyResult(op, 1);
  for (std::int64_t i = 0; i < word0.volume(); ++i) {
    auto word = [&](int operand) { return element<std::uint32_t>(*operands[operand], i); };
    auto [first, second] = threefry(word(0), word(1), word(2), word(3));
    setElement(word0, i, first);
    setElement(word1, i, second);
  }
  return {word0, word1};
}

void addRandom(Meanings& meanings) { define<ir::ThreefryOp>(meanings, evaluateThreefry); }

}  // namespace skein::compiler::interp
