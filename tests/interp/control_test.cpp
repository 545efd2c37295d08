// Control flow, alone and on a mesh where devices go different ways.
#include <skein/base/error.h>

#include "tests/interp/support.h"

namespace skein::compiler::test {

using I = std::int32_t;
using List = std::vector<I>;

TEST(While, CountsUp) {
  std::string text = R"(func.func @main(%a: tensor<i32>) -> tensor<i32> {
    %end = skein.constant {value = dense<10> : tensor<i32>} : () -> tensor<i32>
    %r = skein.while %a : (tensor<i32>) -> tensor<i32> cond {
    ^bb0(%x: tensor<i32>):
      %c = skein.lt %x, %end : (tensor<i32>, tensor<i32>) -> tensor<i1>
      skein.yield %c : tensor<i1>
    } body {
    ^bb0(%x: tensor<i32>):
      %y = skein.add %x, %x : (tensor<i32>, tensor<i32>) -> tensor<i32>
      skein.yield %y : tensor<i32>
    }
    return %r : tensor<i32>
  })";
  EXPECT_EQ(run(text, {HostArray::scalar<I>(3)})[0].values<I>()[0], 12);
  EXPECT_EQ(run(text, {HostArray::scalar<I>(70)})[0].values<I>()[0], 70);
}

TEST(For, SwapsItsCarriesAndCounts) {
  std::string text =
      R"(func.func @main(%low: tensor<i32>, %high: tensor<i32>, %a: tensor<i32>, %b: tensor<i32>) -> (tensor<i32>, tensor<i32>) {
    %r:2 = skein.for %low, %high, %a, %b : (tensor<i32>, tensor<i32>, tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>) {
    ^bb0(%i: tensor<i32>, %x: tensor<i32>, %y: tensor<i32>):
      %z = skein.add %x, %i : (tensor<i32>, tensor<i32>) -> tensor<i32>
      skein.yield %y, %z : tensor<i32>, tensor<i32>
    }
    return %r#0, %r#1 : tensor<i32>, tensor<i32>
  })";
  auto loop = [&](I low, I high) {
    auto got = run(
        text, {HostArray::scalar(low), HostArray::scalar(high), HostArray::scalar<I>(0), HostArray::scalar<I>(100)});
    return List{got[0].values<I>()[0], got[1].values<I>()[0]};
  };
  EXPECT_EQ(loop(5, 8), (List{106, 12}));  // 5 and 7 to the first, 6 to the second, swapped three times
  EXPECT_EQ(loop(5, 5), (List{0, 100}));
  EXPECT_EQ(loop(5, -5), (List{0, 100}));
}

TEST(Switch, ClampsItsIndex) {
  std::string text = R"(func.func @main(%i: tensor<i32>) -> tensor<i32> {
    %r = skein.switch %i : (tensor<i32>) -> tensor<i32> {
      %x = skein.constant {value = dense<10> : tensor<i32>} : () -> tensor<i32>
      skein.yield %x : tensor<i32>
    }, {
      %x = skein.constant {value = dense<11> : tensor<i32>} : () -> tensor<i32>
      skein.yield %x : tensor<i32>
    }, {
      skein.yield %i : tensor<i32>
    }
    return %r : tensor<i32>
  })";
  auto branch = [&](I index) { return run(text, {HostArray::scalar(index)})[0].values<I>()[0]; };
  EXPECT_EQ(branch(-3), 10);
  EXPECT_EQ(branch(0), 10);
  EXPECT_EQ(branch(1), 11);
  EXPECT_EQ(branch(2), 2);
  EXPECT_EQ(branch(9), 9);
}

TEST(Call, RunsAFunction) {
  std::string text = R"(func.func private @twice(%x: tensor<2xi32>) -> tensor<2xi32> {
    %y = skein.add %x, %x : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
    return %y : tensor<2xi32>
  }
  func.func @main(%a: tensor<2xi32>) -> tensor<2xi32> {
    %b = skein.call @twice(%a) : (tensor<2xi32>) -> tensor<2xi32>
    %c = skein.call @twice(%b) : (tensor<2xi32>) -> tensor<2xi32>
    return %c : tensor<2xi32>
  })";
  EXPECT_EQ(run(text, {HostArray::of<I>({2}, {1, 2})})[0].values<I>(), (List{4, 8}));
}

TEST(Kernel, MeansItsOps) {
  std::string text = R"(func.func @main(%a: tensor<2xi32>) -> tensor<2xi32> {
    %r = skein.kernel %a : (tensor<2xi32>) -> tensor<2xi32> {
    ^bb0(%x: tensor<2xi32>):
      %y = skein.add %x, %x : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
      skein.yield %y : tensor<2xi32>
    }
    return %r : tensor<2xi32>
  })";
  EXPECT_EQ(run(text, {HostArray::of<I>({2}, {1, 2})})[0].values<I>(), (List{2, 4}));
}

#define V "#skein.array<varying \"x\">"

TEST(OnAMesh, LoopsOfDifferentLengths) {
  // Device d counts to d * d; the sum of all after the loop.
  std::string body = R"(
    %rank = skein.axis_index {axes = #skein.axes<"x" = 4>} : () -> tensor<i32, )" V R"(>
    %high = skein.mul %rank, %rank : (tensor<i32, )" V ">, tensor<i32, " V ">) -> tensor<i32, " V R"(>
    %zero = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>
    %low = skein.pvary %zero {axes = #skein.axes<"x" = 4>} : (tensor<i32>) -> tensor<i32, )" V R"(>
    %n = skein.for %low, %high, %low : (tensor<i32, )" V ">, tensor<i32, " V ">, tensor<i32, " V ">) -> tensor<i32, " V
                     R"(> {
    ^bb0(%i: tensor<i32, )" V ">, %x: tensor<i32, " V R"(>):
      %one = skein.constant {value = dense<1> : tensor<i32>} : () -> tensor<i32>
      %y = skein.add %x, %one : (tensor<i32, )" V ">, tensor<i32>) -> tensor<i32, " V R"(>
      skein.yield %y : tensor<i32, )" V R"(>
    }
    %all = skein.psum %n {axes = #skein.axes<"x" = 4>} : (tensor<i32, )" V R"(>) -> tensor<i32>
    %mine = skein.reshape %n {shape = array<i64: 1>} : (tensor<i32, )" V ">) -> tensor<1xi32, " V R"(>
    skein.yield %mine, %all : tensor<1xi32, )" V ">, tensor<i32>";
  auto got = run(
      shardMap("\"x\" = 4", "", "", "#skein.spec<[[\"x\"]]>, #skein.spec<[]>", "", body, "tensor<4xi32>, tensor<i32>"));
  EXPECT_EQ(got[0].values<I>(), (List{0, 1, 4, 9}));
  EXPECT_EQ(got[1].values<I>()[0], 14);
}

TEST(OnAMesh, BranchesOfDifferentDevicesAndACollectiveOverTheOtherAxis) {
  // On a 2 x 3 mesh devices of row 0 sum their ranks over y, those of row 1 keep theirs.
  std::string xy = "#skein.array<varying \"x\", \"y\">", t = "tensor<1x1xi32, " + xy + ">",
              s = "tensor<i32, #skein.array<varying \"x\">>";
  std::string body = R"(
    %row = skein.axis_index {axes = #skein.axes<"x" = 2>} : () -> )" +
                     s + R"(
    %rank = skein.axis_index {axes = #skein.axes<"x" = 2, "y" = 3>} : () -> tensor<i32, )" +
                     xy + R"(>
    %mine = skein.reshape %rank {shape = array<i64: 1, 1>} : (tensor<i32, )" +
                     xy + ">) -> " + t + R"(
    %r = skein.switch %row : ()" +
                     s + ") -> " + t + R"( {
      %sum = skein.psum %mine {axes = #skein.axes<"y" = 3>} : ()" +
                     t + ") -> tensor<1x1xi32, " V R"(>
      %v = skein.pvary %sum {axes = #skein.axes<"y" = 3>} : (tensor<1x1xi32, )" V ">) -> " +
                     t + R"(
      skein.yield %v : )" +
                     t + R"(
    }, {
      skein.yield %mine : )" +
                     t + R"(
    }
    skein.yield %r : )" +
                     t;
  auto got =
      run(shardMap("\"x\" = 2, \"y\" = 3", "", "", "#skein.spec<[[\"x\"], [\"y\"]]>", "", body, "tensor<2x3xi32>"));
  EXPECT_EQ(got[0].values<I>(), (List{3, 3, 3, 3, 4, 5}));
}

TEST(ShardMap, SeesValuesFromOutside) {
  std::string text = R"(func.func @main(%a: tensor<4xi32>, %s: tensor<1xi32>) -> tensor<4xi32> {
    %r = skein.shard_map %a {mesh = #skein.axes<"x" = 4>, in_specs = [#skein.spec<[["x"]]>], out_specs = [#skein.spec<[["x"]]>]}
        : (tensor<4xi32>) -> tensor<4xi32> {
    ^bb0(%b: tensor<1xi32, )" V R"(>):
      %c = skein.mul %b, %s : (tensor<1xi32, )" V ">, tensor<1xi32>) -> tensor<1xi32, " V R"(>
      skein.yield %c : tensor<1xi32, )" V R"(>
    }
    return %r : tensor<4xi32>
  })";
  EXPECT_EQ(run(text, {range<I>({4}), HostArray::of<I>({1}, {7})})[0].values<I>(), (List{0, 7, 14, 21}));
}

TEST(ShardMap, TheFirstAxisNamedIsTheSlowest) {
  std::string t = "tensor<1xi32, #skein.array<varying \"x\", \"y\">>";
  std::string body = "skein.yield %b : " + t;
  // Cut by (y, x), joined by (x, y): a transpose of the 2 x 3 mesh.
  auto got = run(shardMap("\"x\" = 2, \"y\" = 3", "%a: tensor<6xi32>", "#skein.spec<[[\"y\", \"x\"]]>",
                          "#skein.spec<[[\"x\", \"y\"]]>", "%b: " + t, body, "tensor<6xi32>"),
                 {range<I>({6})});
  EXPECT_EQ(got[0].values<I>(), (List{0, 2, 4, 1, 3, 5}));
}

TEST(Interpret, RefusesInputsThatDoNotFit) {
  std::string text = "func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> { return %a : tensor<2xf32> }";
  EXPECT_THROW(run(text), UserError);
  EXPECT_THROW(run(text, {HostArray::zeros(float32, {3})}), UserError);
  EXPECT_THROW(run(text, {HostArray::zeros(int32, {2})}), UserError);
  EXPECT_THROW(run("func.func @other() { return }"), UserError);
}

}  // namespace skein::compiler::test
