// What devices of a mesh do together, against closed forms.
#include <skein/base/error.h>

#include "tests/interp/support.h"

namespace skein::compiler::test {

using I = std::int32_t;
using List = std::vector<I>;

static const std::string spec = "#skein.spec<[[\"x\"]]>";
static std::string varyingOverX(const std::string& shape) {
  return "tensor<" + shape + "i32, #skein.array<varying \"x\">>";
}

/// One op on blocks of a vector that is split over x.
static List onVector(int devices, const std::string& op, int block, const std::string& blockResult, bool varies,
                     const std::string& globalResult, const List& input, const std::string& attributes = "") {
  std::string n = std::to_string(devices), in = varyingOverX(std::to_string(block) + "x");
  std::string out = varies ? varyingOverX(blockResult) : "tensor<" + blockResult + "i32>";
  std::string body = "  %0 = skein." + op + " %b {axes = #skein.axes<\"x\" = " + n + ">" + attributes + "} : (" + in +
                     ") -> " + out + "\n  skein.yield %0 : " + out;
  std::string global = std::to_string(devices * block);
  return run(shardMap("\"x\" = " + n, "%a: tensor<" + global + "xi32>", spec, varies ? spec : "#skein.spec<[]>",
                      "%b: " + in, body, "tensor<" + globalResult + "i32>"),
             {HostArray::of<I>({devices * block}, input)})[0]
      .values<I>();
}

TEST(Collectives, Reductions) {
  List x = {3, 1, 4, 1, 5, 9, 2, 6};
  EXPECT_EQ(onVector(4, "psum", 2, "2x", false, "2x", x), (List{14, 17}));
  EXPECT_EQ(onVector(4, "pmax", 2, "2x", false, "2x", x), (List{5, 9}));
  EXPECT_EQ(onVector(4, "pmin", 2, "2x", false, "2x", x), (List{2, 1}));
  EXPECT_EQ(onVector(1, "psum", 2, "2x", false, "2x", {3, 1}), (List{3, 1}));
}

TEST(Collectives, Groups) {
  List x = {1, 2, 4, 8};
  std::string pairs = ", groups = [array<i64: 0, 3>, array<i64: 2, 1>]";
  EXPECT_EQ(onVector(4, "psum", 1, "1x", true, "4x", x, pairs), (List{9, 6, 6, 9}));
  EXPECT_EQ(onVector(4, "pmax", 1, "1x", true, "4x", x, pairs), (List{8, 4, 4, 8}));
  EXPECT_EQ(onVector(4, "all_gather", 1, "2x", true, "8x", x, pairs + ", dim = 0 : i64, tiled = true"),
            (List{1, 8, 4, 2, 4, 2, 1, 8}));
  EXPECT_EQ(onVector(4, "psum_scatter", 2, "1x", true, "4x", {1, 2, 4, 8, 16, 32, 64, 128},
                     pairs + ", dim = 0 : i64, tiled = true"),
            (List{65, 40, 20, 130}));
  EXPECT_EQ(onVector(4, "all_to_all", 2, "2x", true, "8x", {0, 1, 10, 11, 20, 21, 30, 31},
                     pairs + ", split_dim = 0 : i64, concat_dim = 0 : i64, tiled = true"),
            (List{0, 30, 21, 11, 20, 10, 1, 31}));
}

TEST(Collectives, Gather) {
  EXPECT_EQ(onVector(2, "all_gather", 2, "4x", true, "8x", {1, 2, 3, 4}, ", dim = 0 : i64, tiled = true"),
            (List{1, 2, 3, 4, 1, 2, 3, 4}));
  EXPECT_EQ(
      onVector(2, "all_gather", 2, "4x", false, "4x", {1, 2, 3, 4}, ", dim = 0 : i64, tiled = true, invariant = true"),
      (List{1, 2, 3, 4}));
  EXPECT_EQ(onVector(2, "all_gather", 2, "2x2x", false, "2x2x", {1, 2, 3, 4},
                     ", dim = 0 : i64, tiled = false, invariant = true"),
            (List{1, 2, 3, 4}));
  EXPECT_EQ(onVector(2, "all_gather", 2, "2x2x", false, "2x2x", {1, 2, 3, 4},
                     ", dim = 1 : i64, tiled = false, invariant = true"),
            (List{1, 3, 2, 4}));
}

TEST(Collectives, Scatter) {
  EXPECT_EQ(
      onVector(2, "psum_scatter", 4, "2x", true, "4x", {1, 2, 3, 4, 10, 20, 30, 40}, ", dim = 0 : i64, tiled = true"),
      (List{11, 22, 33, 44}));
  // Not tiled the dimension disappears: blocks of rank 0, gathered again to see them.
  std::string in = varyingOverX("2x"), scalar = varyingOverX(""), one = varyingOverX("1x");
  std::string body = "  %0 = skein.psum_scatter %b {axes = #skein.axes<\"x\" = 2>, dim = 0 : i64, tiled = false} : (" +
                     in + ") -> " + scalar + "\n  %1 = skein.reshape %0 {shape = array<i64: 1>} : (" + scalar +
                     ") -> " + one + "\n  skein.yield %1 : " + one;
  EXPECT_EQ(run(shardMap("\"x\" = 2", "%a: tensor<4xi32>", spec, spec, "%b: " + in, body, "tensor<2xi32>"),
                {HostArray::of<I>({4}, {1, 2, 10, 20})})[0]
                .values<I>(),
            (List{11, 22}));
}

TEST(Collectives, AllToAll) {
  EXPECT_EQ(onVector(2, "all_to_all", 4, "4x", true, "8x", {0, 1, 2, 3, 10, 11, 12, 13},
                     ", split_dim = 0 : i64, concat_dim = 0 : i64, tiled = true"),
            (List{0, 1, 10, 11, 2, 3, 12, 13}));
  // Not tiled, on blocks 2 x 3: split dimension 0 goes, rank becomes dimension 1.
  std::string in = varyingOverX("2x3x"), out = varyingOverX("3x2x");
  std::string body =
      "  %0 = skein.all_to_all %b {axes = #skein.axes<\"x\" = 2>, split_dim = 0 : i64, concat_dim = 1 : i64, tiled = "
      "false} : (" +
      in + ") -> " + out + "\n  skein.yield %0 : " + out;
  auto got = run(shardMap("\"x\" = 2", "%a: tensor<4x3xi32>", spec, spec, "%b: " + in, body, "tensor<6x2xi32>"),
                 {range<I>({4, 3})})[0]
                 .values<I>();
  for (int device = 0; device < 2; ++device)
    for (int j = 0; j < 3; ++j)
      for (int rank = 0; rank < 2; ++rank) EXPECT_EQ(got[(device * 3 + j) * 2 + rank], (rank * 2 + device) * 3 + j);
}

TEST(Collectives, PpermuteLeavesZeros) {
  EXPECT_EQ(onVector(4, "ppermute", 1, "1x", true, "4x", {5, 6, 7, 8}, ", pairs = array<i64: 0, 1, 1, 2, 3, 3>"),
            (List{0, 5, 6, 8}));
  EXPECT_EQ(onVector(4, "ppermute", 1, "1x", true, "4x", {5, 6, 7, 8}, ", pairs = array<i64: 0, 3, 3, 0>"),
            (List{8, 0, 0, 5}));
}

TEST(Collectives, AnUnboundAxisIsTheUsersError) {
  std::string text = R"(func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
    %0 = skein.psum %a {axes = #skein.axes<"x" = 2>} : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  })";
  EXPECT_THROW(run(text, {HostArray::zeros(float32, {2})}), UserError);
}

TEST(Collectives, RanksCountInTheOrderNamed) {
  // On a 2 x 3 mesh, gathered over (y, x): device (0, 0) of x and y sees columns first.
  std::string t = "tensor<1xi32, #skein.array<varying \"x\", \"y\">>", all = "tensor<6xi32>";
  std::string body =
      "  %0 = skein.all_gather %b {axes = #skein.axes<\"y\" = 3, \"x\" = 2>, dim = 0 : i64, tiled = true, invariant = "
      "true} : (" +
      t + ") -> " + all + "\n  skein.yield %0 : " + all;
  auto got = run(shardMap("\"x\" = 2, \"y\" = 3", "%a: tensor<6xi32>", "#skein.spec<[[\"x\", \"y\"]]>",
                          "#skein.spec<[]>", "%b: " + t, body, all),
                 {range<I>({6})});
  EXPECT_EQ(got[0].values<I>(), (List{0, 3, 1, 4, 2, 5}));
}

TEST(Collectives, SeveralOperandsAtOnce) {
  std::string t = varyingOverX("1x");
  std::string body = "  %0:2 = skein.psum %b, %c {axes = #skein.axes<\"x\" = 2>} : (" + t + ", " + t +
                     ") -> (tensor<1xi32>, tensor<1xi32>)\n  skein.yield %0#0, %0#1 : tensor<1xi32>, tensor<1xi32>";
  auto got =
      run(shardMap("\"x\" = 2", "%a: tensor<2xi32>, %d: tensor<2xi32>", spec + ", " + spec,
                   "#skein.spec<[]>, #skein.spec<[]>", "%b: " + t + ", %c: " + t, body, "tensor<1xi32>, tensor<1xi32>"),
          {HostArray::of<I>({2}, {1, 2}), HostArray::of<I>({2}, {10, 20})});
  EXPECT_EQ(got[0].values<I>()[0], 3);
  EXPECT_EQ(got[1].values<I>()[0], 30);
}

}  // namespace skein::compiler::test
