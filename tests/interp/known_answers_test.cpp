// Answers of JAX's tests and documents (tests/data): all that need no derivative and no counted array.
#include <gtest/gtest.h>
#include <skein/base/error.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "compiler/interp/number.h"
#include "tests/interp/support.h"

namespace skein::compiler::test {

using I = std::int32_t;
using nlohmann::json;

static json load(const std::string& file) {
  std::ifstream stream(std::string(SKEIN_TEST_DATA) + "/" + file);
  return json::parse(stream);
}
static json answer(const std::string& id) {
  static const json all = load("spmd.json");
  for (const json& entry : all)
    if (entry["id"] == id) return entry;
  throw std::runtime_error("no answer " + id);
}

static void flatten(const json& value, std::vector<double>& out) {
  if (value.is_array())
    for (const json& element : value) flatten(element, out);
  else
    out.push_back(value.is_boolean() ? value.get<bool>() : value.get<double>());
}
static void expectAnswer(const HostArray& got, const json& want) {
  std::vector<double> expected, values;
  flatten(want, expected);
  for (std::int64_t i = 0; i < got.volume(); ++i)
    values.push_back(is_integer(got.dtype) ? double(interp::loadInteger(got, i)) : interp::loadReal(got, i));
  EXPECT_EQ(values, expected);
}
static HostArray input(const json& list) {
  std::vector<double> values;
  flatten(list, values);
  return HostArray::of<I>({static_cast<std::int64_t>(values.size())}, std::vector<I>(values.begin(), values.end()));
}

/// Attributes and the types of one op on one block; `name` is the axis.
struct OneOp {
  std::string id, mesh, axis, op, attributes, block, blockResult, in, out, global, globalResult;
  bool varies;
  std::vector<std::int64_t> shape;
};
static void check(const OneOp& p) {
  SCOPED_TRACE(p.id);
  json known = answer(p.id);
  std::string varying = ", #skein.array<varying \"" + p.axis + "\">>";
  std::string in = "tensor<" + p.block + varying, out = "tensor<" + p.blockResult + (p.varies ? varying : ">");
  std::string body = "  %0 = skein." + p.op + " %b {axes = #skein.axes<" + p.mesh + ">" + p.attributes + "} : (" + in +
                     ") -> " + out + "\n  skein.yield %0 : " + out;
  HostArray a = known["inputs"].is_array() ? input(known["inputs"]) : range<I>(p.shape);
  a.shape = p.shape;
  expectAnswer(run(shardMap(p.mesh, "%a: tensor<" + p.global + ">", p.in, p.out, "%b: " + in, body,
                            "tensor<" + p.globalResult + ">"),
                   {a})[0],
               known["expected"]["out"]);
}

TEST(KnownAnswers, OneCollective) {
  std::string x = "#skein.spec<[[\"x\"]]>", i = "#skein.spec<[[\"i\"]]>", all = "#skein.spec<[]>";
  std::string ring = ", pairs = array<i64: 0,1, 1,2, 2,3, 3,4, 4,5, 5,6, 6,7, 7,0>";
  check({"ppermute_ring",
         "\"x\" = 8",
         "x",
         "ppermute",
         ring,
         "1x8xi32",
         "1x8xi32",
         x,
         x,
         "8x8xi32",
         "8x8xi32",
         true,
         {8, 8}});
  check({"all_to_all",
         "\"x\" = 8",
         "x",
         "all_to_all",
         ", split_dim = 1 : i64, concat_dim = 1 : i64, tiled = true",
         "1x8xi32",
         "1x8xi32",
         x,
         x,
         "8x8xi32",
         "8x8xi32",
         true,
         {8, 8}});
  std::string four = "\"i\" = 4";
  check({"pmin", four, "i", "pmin", "", "2xi32", "2xi32", i, all, "8xi32", "2xi32", false, {8}});
  check({"pmax", four, "i", "pmax", "", "2xi32", "2xi32", i, all, "8xi32", "2xi32", false, {8}});
  check({"doc_psum", four, "i", "psum", "", "4xi32", "4xi32", i, all, "16xi32", "4xi32", false, {16}});
  check({"doc_psum_scatter",
         four,
         "i",
         "psum_scatter",
         ", dim = 0 : i64, tiled = true",
         "4xi32",
         "1xi32",
         i,
         i,
         "16xi32",
         "4xi32",
         true,
         {16}});
  check({"doc_all_to_all",
         four,
         "i",
         "all_to_all",
         ", split_dim = 0 : i64, concat_dim = 0 : i64, tiled = true",
         "4xi32",
         "4xi32",
         i,
         i,
         "16xi32",
         "16xi32",
         true,
         {16}});
  check({"doc_all_gather",
         four,
         "i",
         "all_gather",
         ", dim = 0 : i64, tiled = true",
         "1xi32",
         "4xi32",
         i,
         i,
         "4xi32",
         "16xi32",
         true,
         {4}});
}

TEST(KnownAnswers, AllToAllOverTwoAxes) {
  std::string t = "tensor<1x8xi32, #skein.array<varying \"x\", \"y\">>";
  std::string body =
      "  %0 = skein.all_to_all %b {axes = #skein.axes<\"x\" = 4, \"y\" = 2>, split_dim = 1 : i64, concat_dim = 1 : "
      "i64, tiled = true} : (" +
      t + ") -> " + t + "\n  skein.yield %0 : " + t;
  // Rows of the blocks, joined along the columns, give the flat list of the answer: out = P(None, x).
  auto got = run(shardMap("\"x\" = 4, \"y\" = 2", "%a: tensor<8x8xi32>", "#skein.spec<[[\"x\", \"y\"]]>",
                          "#skein.spec<[[], [\"x\", \"y\"]]>", "%b: " + t, body, "tensor<1x64xi32>"),
                 {range<I>({8, 8})});
  expectAnswer(got[0], answer("all_to_all")["expected"]["out"]);
}

TEST(KnownAnswers, AxisIndex) {
  auto rank = [](const std::string& axes, const std::string& varying, const std::string& mesh, const std::string& shape,
                 const std::string& block, const std::string& spec, const std::string& global) {
    std::string v = ", #skein.array<varying " + varying + ">>", index = "tensor<i32" + v,
                t = "tensor<" + block + "i32" + v;
    std::string body = "  %0 = skein.axis_index {axes = #skein.axes<" + axes + ">} : () -> " + index +
                       "\n  %1 = skein.reshape %0 {shape = array<i64: " + shape + ">} : (" + index + ") -> " + t +
                       "\n  skein.yield %1 : " + t;
    return run(shardMap(mesh, "", "", spec, "", body, global))[0];
  };
  expectAnswer(rank("\"x\" = 4", "\"x\"", "\"x\" = 4", "1", "1x", "#skein.spec<[[\"x\"]]>", "tensor<4xi32>"),
               answer("axis_index")["expected"]["out"]);
  json two = answer("axis_index_two")["expected"];
  std::string mesh = "\"i\" = 4, \"j\" = 2", spec = "#skein.spec<[[\"i\"], [\"j\"]]>";
  expectAnswer(rank("\"i\" = 4", "\"i\"", mesh, "1, 1", "1x1x", spec, "tensor<4x2xi32>"), two["i"]);
  expectAnswer(rank("\"j\" = 2", "\"j\"", mesh, "1, 1", "1x1x", spec, "tensor<4x2xi32>"), two["j"]);
  expectAnswer(rank(mesh, "\"i\", \"j\"", mesh, "1, 1", "1x1x", spec, "tensor<4x2xi32>"), two["ij"]);
}

TEST(KnownAnswers, PsumTwice) {
  std::string body = R"(
    %0 = skein.psum %b {axes = #skein.axes<"i" = 4>} : (tensor<1xf32, #skein.array<varying "i">>) -> tensor<1xf32>
    %1 = skein.psum %0 {axes = #skein.axes<"i" = 4>} : (tensor<1xf32>) -> tensor<1xf32>
    skein.yield %1 : tensor<1xf32>)";
  auto got = run(shardMap("\"i\" = 4", "%a: tensor<4xf32>", "#skein.spec<[[\"i\"]]>", "#skein.spec<[]>",
                          "%b: tensor<1xf32, #skein.array<varying \"i\">>", body, "tensor<1xf32>"),
                 {range<float>({4})});
  expectAnswer(got[0], answer("psum_twice")["expected"]["out"]);
}

TEST(KnownAnswers, PsumOverTwoAxes) {
  json want = answer("doc_psum_2d")["expected"];
  std::string ij = "tensor<2x2xi32, #skein.array<varying \"i\", \"j\">>",
              j = "tensor<2x2xi32, #skein.array<varying \"j\">>";
  std::string body = "  %0 = skein.psum %b {axes = #skein.axes<\"i\" = 2>} : (" + ij + ") -> " + j +
                     "\n  %1 = skein.psum %b {axes = #skein.axes<\"i\" = 2, \"j\" = 2>} : (" + ij +
                     ") -> tensor<2x2xi32>\n  skein.yield %0, %1 : " + j + ", tensor<2x2xi32>";
  auto got = run(
      shardMap("\"i\" = 2, \"j\" = 2", "%a: tensor<4x4xi32>", "#skein.spec<[[\"i\"], [\"j\"]]>",
               "#skein.spec<[[], [\"j\"]]>, #skein.spec<[]>", "%b: " + ij, body, "tensor<2x4xi32>, tensor<2x2xi32>"),
      {range<I>({4, 4})});
  expectAnswer(got[0], want["psum_i"]);
  expectAnswer(got[1], want["psum_ij"]);
}

TEST(KnownAnswers, OutSpecsTileWhatDoesNotVary) {
  json want = answer("doc_out_spec_tiling")["expected"];
  std::vector<std::string> specs = {"#skein.spec<[[\"i\"], [\"j\"]]>", "#skein.spec<[[\"i\"], []]>",
                                    "#skein.spec<[[], []]>"};
  for (std::size_t k = 0; k < 3; ++k) {
    auto shape = want["shapes"][k].get<std::vector<std::int64_t>>();
    std::string type = "tensor<" + std::to_string(shape[0]) + "x" + std::to_string(shape[1]) + "xf32>";
    std::string body =
        "  %0 = skein.constant {value = dense<3.0> : tensor<1x1xf32>} : () -> tensor<1x1xf32>\n  skein.yield %0 : "
        "tensor<1x1xf32>";
    auto got = run(shardMap("\"i\" = 4, \"j\" = 2", "", "", specs[k], "", body, type));
    EXPECT_EQ(got[0].values<float>(), std::vector<float>(shape[0] * shape[1], want["value"].get<float>()));
  }
}

TEST(KnownAnswers, PsumOfBools) {
  // As the front end writes it: bools are converted first.
  json known = answer("psum_bool");
  std::string v = ", #skein.array<varying \"i\">>";
  std::string body = "  %0 = skein.convert %b {dtype = i32} : (tensor<1xi1" + v + ") -> tensor<1xi32" + v +
                     "\n  %1 = skein.psum %0 {axes = #skein.axes<\"i\" = 2>} : (tensor<1xi32" + v +
                     ") -> tensor<1xi32>\n  skein.yield %1 : tensor<1xi32>";
  HostArray a{bool_, {2}, {std::byte(1), std::byte(0)}};
  auto got = run(shardMap("\"i\" = 2", "%a: tensor<2xi1>", "#skein.spec<[[\"i\"]]>", "#skein.spec<[]>",
                          "%b: tensor<1xi1" + v, body, "tensor<1xi32>"),
                 {a});
  EXPECT_EQ(got[0].values<I>()[0], known["expected"]["psum"][0].get<I>());
}

TEST(KnownAnswers, WhileOnDevicesOfTheirOwn) {
  json known = answer("while_axis_index");
  std::string t = "tensor<1xi32, #skein.array<varying \"i\">>", s = "tensor<i32, #skein.array<varying \"i\">>";
  std::string body = R"(
    %rank = skein.axis_index {axes = #skein.axes<"i" = 4>} : () -> )" +
                     s + R"(
    %r = skein.while %b : ()" +
                     t + ") -> " + t + R"( cond {
    ^bb0(%x: )" + t + R"():
      %y = skein.reshape %x {shape = array<i64>} : ()" +
                     t + ") -> " + s + R"(
      %c = skein.lt %y, %rank : ()" +
                     s + ", " + s + R"() -> tensor<i1, #skein.array<varying "i">>
      skein.yield %c : tensor<i1, #skein.array<varying "i">>
    } body {
    ^bb0(%x: )" + t + R"():
      %two = skein.constant {value = dense<2> : tensor<1xi32>} : () -> tensor<1xi32>
      %y = skein.add %x, %two : ()" +
                     t + ", tensor<1xi32>) -> " + t + R"(
      skein.yield %y : )" +
                     t + R"(
    }
    skein.yield %r : )" +
                     t;
  auto got = run(shardMap("\"i\" = 4", "%a: tensor<4xi32>", "#skein.spec<[[\"i\"]]>", "#skein.spec<[[\"i\"]]>",
                          "%b: " + t, body, "tensor<4xi32>"),
                 {input(known["inputs"])});
  expectAnswer(got[0], known["expected"]["out"]);
}

TEST(KnownAnswers, ForiLoop) {
  std::string text = R"(func.func @main(%n: tensor<i32>) -> tensor<i32> {
    %zero = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>
    %r = skein.for %zero, %n, %zero : (tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<i32> {
    ^bb0(%i: tensor<i32>, %x: tensor<i32>):
      %y = skein.add %x, %i : (tensor<i32>, tensor<i32>) -> tensor<i32>
      skein.yield %y : tensor<i32>
    }
    return %r : tensor<i32>
  })";
  json want = answer("fori")["expected"]["out"];
  for (I n : {2, 3, 4}) EXPECT_EQ(run(text, {HostArray::scalar(n)})[0].values<I>()[0], want[n - 2].get<I>());
}

TEST(KnownAnswers, CumulativeSumBothWays) {
  auto text = [](bool backwards) {
    std::string at = backwards ? "%five, %i" : "%i, %zero";
    return R"(func.func @main(%a: tensor<6xi32>) -> tensor<6xi32> {
    %zero = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>
    %five = skein.constant {value = dense<5> : tensor<i32>} : () -> tensor<i32>
    %six = skein.constant {value = dense<6> : tensor<i32>} : () -> tensor<i32>
    %sum = skein.constant {value = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
    %r:2 = skein.for %zero, %six, %sum, %a : (tensor<i32>, tensor<i32>, tensor<1xi32>, tensor<6xi32>) -> (tensor<1xi32>, tensor<6xi32>) {
    ^bb0(%i: tensor<i32>, %x: tensor<1xi32>, %ys: tensor<6xi32>):
      %at = skein.sub )" +
           at + R"( : (tensor<i32>, tensor<i32>) -> tensor<i32>
      %v = skein.dynamic_slice %a, %at {sizes = array<i64: 1>} : (tensor<6xi32>, tensor<i32>) -> tensor<1xi32>
      %y = skein.add %x, %v : (tensor<1xi32>, tensor<1xi32>) -> tensor<1xi32>
      %zs = skein.dynamic_update_slice %ys, %y, %at : (tensor<6xi32>, tensor<1xi32>, tensor<i32>) -> tensor<6xi32>
      skein.yield %y, %zs : tensor<1xi32>, tensor<6xi32>
    }
    return %r#1 : tensor<6xi32>
  })";
  };
  json known = answer("scan_reverse");
  expectAnswer(run(text(false), {input(known["inputs"])})[0], known["expected"]["fwd"]);
  expectAnswer(run(text(true), {input(known["inputs"])})[0], known["expected"]["rev"]);
}

TEST(KnownAnswers, ThreefryBlocks) {
  auto parse = [](const json& hex) {
    return HostArray::scalar(static_cast<std::uint32_t>(std::stoul(hex.get<std::string>(), nullptr, 16)));
  };
  const json answers = load("threefry.json");
  for (const json& block : answers["block_kat"]) {
    auto got = runOp("skein.threefry",
                     {parse(block["key"][0]), parse(block["key"][1]), parse(block["ctr"][0]), parse(block["ctr"][1])});
    EXPECT_EQ(got[0], parse(block["out"][0]));
    EXPECT_EQ(got[1], parse(block["out"][1]));
  }
}

TEST(KnownAnswers, RandomBitsDoNotDependOnTheDevices) {
  // bits(key(42), (16,)) in the partitionable layout: both words of block i, joined by exclusive or; 8 devices compute
  // two each.
  std::string v = ", #skein.array<varying \"i\">>", t = "tensor<2xui32" + v, s = "tensor<ui32" + v;
  std::string body = R"(
    %rank = skein.axis_index {axes = #skein.axes<"i" = 8>} : () -> tensor<i32)" +
                     v + R"(
    %r = skein.convert %rank {dtype = ui32} : (tensor<i32)" +
                     v + ") -> " + s + R"(
    %rs = skein.broadcast %r {shape = array<i64: 2>, dims = array<i64>} : ()" +
                     s + ") -> " + t + R"(
    %two = skein.constant {value = dense<2> : tensor<2xui32>} : () -> tensor<2xui32>
    %start = skein.mul %rs, %two : ()" +
                     t + ", tensor<2xui32>) -> " + t + R"(
    %step = skein.iota {shape = array<i64: 2>, dtype = ui32, dim = 0 : i64} : () -> tensor<2xui32>
    %counter = skein.add %start, %step : ()" +
                     t + ", tensor<2xui32>) -> " + t + R"(
    %zero = skein.constant {value = dense<0> : tensor<2xui32>} : () -> tensor<2xui32>
    %key = skein.constant {value = dense<42> : tensor<2xui32>} : () -> tensor<2xui32>
    %w:2 = skein.threefry %zero, %key, %zero, %counter : (tensor<2xui32>, tensor<2xui32>, tensor<2xui32>, )" +
                     t + ") -> (" + t + ", " + t + R"()
    %bits = skein.xor %w#0, %w#1 : ()" +
                     t + ", " + t + ") -> " + t + R"(
    skein.yield %bits : )" +
                     t;
  auto got = run(shardMap("\"i\" = 8", "", "", "#skein.spec<[[\"i\"]]>", "", body, "tensor<16xui32>"));
  expectAnswer(got[0], answer("rng_shard_invariance")["expected"]["out"]);
}

}  // namespace skein::compiler::test
