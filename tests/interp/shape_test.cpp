// The shape family: elements move, none is computed.
#include "tests/interp/support.h"

namespace skein::compiler::test {

using I = std::int32_t;
using List = std::vector<I>;

static HostArray one(const std::string& name, const std::vector<HostArray>& inputs, const std::string& attributes) {
  return runOp("skein." + name, inputs, attributes)[0];
}
static List ints(const HostArray& array) { return array.values<I>(); }
static HostArray scalar(I value) { return HostArray::scalar<I>(value); }

TEST(Constant, OfEveryDtype) {
  auto constant = [](const std::string& value, const std::string& type) {
    return run("func.func @main() -> " + type + " { %0 = skein.constant {value = " + value + " : " + type +
               "} : () -> " + type + "\n return %0 : " + type + " }")[0];
  };
  EXPECT_EQ(constant("dense<[true, false, true]>", "tensor<3xi1>").values<std::uint8_t>(),
            (std::vector<std::uint8_t>{1, 0, 1}));
  EXPECT_EQ(constant("dense<true>", "tensor<2xi1>").values<std::uint8_t>(), (std::vector<std::uint8_t>{1, 1}));
  EXPECT_EQ(constant("dense<[-1, 2]>", "tensor<2xi8>").values<std::int8_t>(), (std::vector<std::int8_t>{-1, 2}));
  EXPECT_EQ(constant("dense<[-1, 2]>", "tensor<2xi16>").values<std::int16_t>(), (std::vector<std::int16_t>{-1, 2}));
  EXPECT_EQ(constant("dense<7>", "tensor<2xi32>").values<std::int32_t>(), (std::vector<std::int32_t>{7, 7}));
  EXPECT_EQ(constant("dense<[-1, 2]>", "tensor<2xi64>").values<std::int64_t>(), (std::vector<std::int64_t>{-1, 2}));
  EXPECT_EQ(constant("dense<255>", "tensor<1xui8>").values<std::uint8_t>()[0], 255);
  EXPECT_EQ(constant("dense<65535>", "tensor<1xui16>").values<std::uint16_t>()[0], 65535);
  EXPECT_EQ(constant("dense<4294967295>", "tensor<1xui32>").values<std::uint32_t>()[0], 4294967295u);
  EXPECT_EQ(constant("dense<18446744073709551615>", "tensor<1xui64>").values<std::uint64_t>()[0], UINT64_MAX);
  EXPECT_EQ(constant("dense<1.0>", "tensor<1xf16>").values<std::uint16_t>()[0], 0x3c00);
  EXPECT_EQ(constant("dense<1.0>", "tensor<1xbf16>").values<std::uint16_t>()[0], 0x3f80);
  EXPECT_EQ(constant("dense<[0.5, -2.0]>", "tensor<2xf32>").values<float>(), (std::vector<float>{0.5f, -2}));
  EXPECT_EQ(constant("dense<0.1>", "tensor<f64>").values<double>()[0], 0.1);
  EXPECT_EQ(constant("dense<(1.0, 2.0)>", "tensor<2xcomplex<f32>>").values<std::complex<float>>()[1],
            std::complex<float>(1, 2));
  EXPECT_EQ(constant("dense<[(1.0, 2.0), (3.0, 4.0)]>", "tensor<2xcomplex<f64>>").values<std::complex<double>>()[1],
            std::complex<double>(3, 4));
  EXPECT_EQ(constant("dense<>", "tensor<0x3xf32>").volume(), 0);
}

TEST(Iota, CountsAlongOneDimension) {
  EXPECT_EQ(ints(one("iota", {}, "{shape = array<i64: 2, 3>, dtype = i32, dim = 1 : i64}")), (List{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(ints(one("iota", {}, "{shape = array<i64: 2, 3>, dtype = i32, dim = 0 : i64}")), (List{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(one("iota", {}, "{shape = array<i64: 3>, dtype = f64, dim = 0 : i64}").values<double>(),
            (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(
      one("iota", {}, "{shape = array<i64: 2>, dtype = complex<f32>, dim = 0 : i64}").values<std::complex<float>>()[1],
      std::complex<float>(1, 0));
}

TEST(Reshape, KeepsRowMajorOrder) {
  HostArray got = one("reshape", {range<I>({2, 3})}, "{shape = array<i64: 3, 2>}");
  EXPECT_EQ(got.shape, (std::vector<std::int64_t>{3, 2}));
  EXPECT_EQ(ints(got), (List{0, 1, 2, 3, 4, 5}));
}

TEST(Broadcast, RepeatsAlongNewAndUnitDimensions) {
  EXPECT_EQ(ints(one("broadcast", {range<I>({2})}, "{shape = array<i64: 2, 3>, dims = array<i64: 0>}")),
            (List{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(ints(one("broadcast", {range<I>({2})}, "{shape = array<i64: 3, 2>, dims = array<i64: 1>}")),
            (List{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(ints(one("broadcast", {range<I>({2, 1})}, "{shape = array<i64: 2, 2>, dims = array<i64: 0, 1>}")),
            (List{0, 0, 1, 1}));
  EXPECT_EQ(ints(one("broadcast", {scalar(7)}, "{shape = array<i64: 3>, dims = array<i64>}")), (List{7, 7, 7}));
}

TEST(Transpose, PermutesDimensions) {
  EXPECT_EQ(ints(one("transpose", {range<I>({2, 3})}, "{permutation = array<i64: 1, 0>}")), (List{0, 3, 1, 4, 2, 5}));
  HostArray got = one("transpose", {range<I>({2, 1, 3})}, "{permutation = array<i64: 2, 0, 1>}");
  EXPECT_EQ(got.shape, (std::vector<std::int64_t>{3, 2, 1}));
  EXPECT_EQ(ints(got), (List{0, 3, 1, 4, 2, 5}));
}

TEST(Concatenate, AlongEitherDimension) {
  HostArray a = range<I>({2, 2}),
            b = one("add",
                    {range<I>({2, 1}), one("broadcast", {scalar(10)}, "{shape = array<i64: 2, 1>, dims = array<i64>}")},
                    "{}");
  EXPECT_EQ(ints(one("concatenate", {a, b}, "{dim = 1 : i64}")), (List{0, 1, 10, 2, 3, 11}));
  EXPECT_EQ(ints(one("concatenate", {a, HostArray::zeros(int32, {0, 2}), a}, "{dim = 0 : i64}")),
            (List{0, 1, 2, 3, 0, 1, 2, 3}));
}

TEST(Slice, WithStrides) {
  EXPECT_EQ(
      ints(one("slice", {range<I>({7})}, "{starts = array<i64: 1>, stops = array<i64: 7>, strides = array<i64: 3>}")),
      (List{1, 4}));
  EXPECT_EQ(ints(one("slice", {range<I>({3, 3})},
                     "{starts = array<i64: 1, 0>, stops = array<i64: 3, 3>, strides = array<i64: 1, 2>}")),
            (List{3, 5, 6, 8}));
  EXPECT_EQ(one("slice", {range<I>({7})}, "{starts = array<i64: 3>, stops = array<i64: 3>, strides = array<i64: 1>}")
                .volume(),
            0);
}

TEST(DynamicSlice, ClampsItsStarts) {
  auto slice = [&](I start) {
    return ints(one("dynamic_slice", {range<I>({5}), scalar(start)}, "{sizes = array<i64: 2>}"));
  };
  EXPECT_EQ(slice(1), (List{1, 2}));
  EXPECT_EQ(slice(-4), (List{0, 1}));
  EXPECT_EQ(slice(99), (List{3, 4}));
  EXPECT_EQ(ints(one("dynamic_slice", {range<I>({5}), HostArray::scalar<std::uint64_t>(UINT64_MAX)},
                     "{sizes = array<i64: 2>}")),
            (List{3, 4}));
}

TEST(DynamicUpdateSlice, ClampsItsStarts) {
  auto update = [&](I start) {
    return ints(one("dynamic_update_slice",
                    {HostArray::zeros(int32, {4}), HostArray::of<I>({2}, {8, 9}), scalar(start)}, "{}"));
  };
  EXPECT_EQ(update(1), (List{0, 8, 9, 0}));
  EXPECT_EQ(update(-1), (List{8, 9, 0, 0}));
  EXPECT_EQ(update(3), (List{0, 0, 8, 9}));
}

TEST(Pad, BetweenAroundAndNegative) {
  auto pad = [&](const std::string& low, const std::string& high, const std::string& interior) {
    return ints(one(
        "pad", {HostArray::of<I>({3}, {1, 2, 3}), scalar(0)},
        "{low = array<i64: " + low + ">, high = array<i64: " + high + ">, interior = array<i64: " + interior + ">}"));
  };
  EXPECT_EQ(pad("1", "2", "0"), (List{0, 1, 2, 3, 0, 0}));
  EXPECT_EQ(pad("0", "0", "1"), (List{1, 0, 2, 0, 3}));
  EXPECT_EQ(pad("-1", "1", "0"), (List{2, 3, 0}));
  EXPECT_EQ(pad("-1", "-1", "2"), (List{0, 0, 2, 0, 0}));
}

TEST(Reverse, TheDimensionsNamed) {
  EXPECT_EQ(ints(one("reverse", {range<I>({2, 3})}, "{dims = array<i64: 1>}")), (List{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(ints(one("reverse", {range<I>({2, 3})}, "{dims = array<i64: 0, 1>}")), (List{5, 4, 3, 2, 1, 0}));
}

TEST(Take, ReplacesTheDimensionByTheIndices) {
  HostArray x = range<I>({3, 2}), indices = HostArray::of<I>({2, 2}, {2, 0, -7, 99});
  HostArray rows = one("take", {x, indices}, "{dim = 0 : i64}");
  EXPECT_EQ(rows.shape, (std::vector<std::int64_t>{2, 2, 2}));
  EXPECT_EQ(ints(rows), (List{4, 5, 0, 1, 0, 1, 4, 5}));
  EXPECT_EQ(ints(one("take", {x, scalar(1)}, "{dim = 1 : i64}")), (List{1, 3, 5}));
}

}  // namespace skein::compiler::test
