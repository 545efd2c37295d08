// Communicators of a part of the devices.

#include "tests/conformance/backend.h"

namespace skein::conformance {
namespace {

using runtime::Communicator;
using runtime::Operand;
using runtime::Reduction;

class Groups : public Conformance {};

double sum_over(Communicator& c, double mine) {
  double result = 0;
  Operand operand{&mine, &result, float64, 1};
  c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 1));
  return result;
}

TEST_P(Groups, SplitByColor) {
  run([](Communicator& world) {
    auto part = world.split(world.rank() % 2, world.rank(), here("split", 2));
    ASSERT_TRUE(part);
    EXPECT_EQ(part->rank(), world.rank() / 2);
    double want = 0;
    int members = 0;
    for (int rank = world.rank() % 2; rank < world.size(); rank += 2) want += rank, ++members;
    EXPECT_EQ(part->size(), members);
    EXPECT_EQ(sum_over(*part, world.rank()), want);
    EXPECT_EQ(sum_over(world, 1), world.size());
  });
}

TEST_P(Groups, KeysReverseTheOrder) {
  run([](Communicator& world) {
    auto reversed = world.split(0, -world.rank(), here("split", 3));
    ASSERT_TRUE(reversed);
    EXPECT_EQ(reversed->rank(), world.size() - 1 - world.rank());
    std::int32_t mine = world.rank();
    std::vector<std::int32_t> all(static_cast<std::size_t>(world.size()));
    Operand operand{&mine, all.data(), int32, 1};
    reversed->all_gather({&operand, 1}, here("all_gather", 4));
    for (int i = 0; i < world.size(); ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], world.size() - 1 - i);
  });
}

TEST_P(Groups, NegativeColorStaysOut) {
  run([](Communicator& world) {
    auto part = world.split(world.rank() == 0 ? -1 : 5, 0, here("split", 5));
    EXPECT_EQ(part == nullptr, world.rank() == 0);
    if (part) EXPECT_EQ(sum_over(*part, 1), world.size() - 1);
  });
}

// Rows and columns of a mesh, at different paces.
TEST_P(Groups, RowsAndColumns) {
  const int columns = devices() % 2 == 0 ? 2 : 1;
  run([columns](Communicator& world) {
    int row = world.rank() / columns, column = world.rank() % columns;
    auto along_row = world.split(row, column, here("split", 6)),
         along_column = world.split(column, row, here("split", 7));
    for (int turn = 0; turn < 50; ++turn) {
      for (int extra = 0; extra < row % 3; ++extra) sum_over(*along_row, 1);  // rows differ in how many they do
      EXPECT_EQ(sum_over(*along_row, 1), columns);
      EXPECT_EQ(sum_over(*along_column, turn), turn * (world.size() / columns));
    }
  });
}

// Groups that are used by none but their members, one after the other.
TEST_P(Groups, ChainOfPairs) {
  run([](Communicator& world) {
    std::vector<std::unique_ptr<Communicator>> pairs;
    for (int left = 0; left + 1 < world.size(); ++left)
      pairs.push_back(world.split(world.rank() == left || world.rank() == left + 1 ? 1 : -1, 0, here("split", 8)));
    double token = world.rank() == 0 ? 1 : 0;
    for (auto& pair : pairs)
      if (pair) token = sum_over(*pair, pair->rank() == 0 ? token : 1);
    if (world.rank() == world.size() - 1) EXPECT_EQ(token, world.size());
  });
}

SKEIN_CONFORMANCE(Groups);

}  // namespace
}  // namespace skein::conformance
