// Reductions, contractions, sorting, random bits.
#include <cmath>
#include <limits>

#include "compiler/interp/number.h"
#include "tests/interp/support.h"

namespace skein::compiler::test {

using I = std::int32_t;
using List = std::vector<I>;
static const float inf = std::numeric_limits<float>::infinity(), nan_ = std::numeric_limits<float>::quiet_NaN();

static HostArray one(const std::string& name, const std::vector<HostArray>& inputs, const std::string& attributes) {
  return runOp("skein." + name, inputs, attributes)[0];
}
static std::string dims(const std::string& list) {
  return "{dims = array<i64" + (list.empty() ? "" : ": " + list) + ">}";
}

TEST(Reduce, SumsAndProductsOverAnyDimensions) {
  HostArray x = range<I>({2, 3});
  EXPECT_EQ(one("reduce_sum", {x}, dims("0")).values<I>(), (List{3, 5, 7}));
  EXPECT_EQ(one("reduce_sum", {x}, dims("1")).values<I>(), (List{3, 12}));
  EXPECT_EQ(one("reduce_sum", {x}, dims("1, 0")).values<I>(), (List{15}));
  EXPECT_EQ(one("reduce_sum", {x}, dims("")).values<I>(), x.values<I>());
  EXPECT_EQ(one("reduce_prod", {HostArray::of<I>({4}, {2, -3, 5, 7})}, dims("0")).values<I>(), (List{-210}));
  EXPECT_EQ(one("reduce_sum", {HostArray::of<std::int8_t>({2}, {100, 100})}, dims("0")).values<std::int8_t>()[0],
            -56);  // wraps
}

TEST(Reduce, SumsAreRoundedOnce) {
  std::vector<float> x(1000, 0.1f);
  x.push_back(1e8f);
  x.push_back(-1e8f);
  float want = static_cast<float>(1000 * static_cast<double>(0.1f));
  EXPECT_EQ(one("reduce_sum", {HostArray::of<float>({1002}, x)}, dims("0")).values<float>()[0], want);
  EXPECT_EQ(one("reduce_sum", {HostArray::of<std::complex<float>>({2}, {{1, 2}, {3, 4}})}, dims("0"))
                .values<std::complex<float>>()[0],
            std::complex<float>(4, 6));
  EXPECT_EQ(one("reduce_prod", {HostArray::of<std::complex<float>>({2}, {{1, 2}, {3, 4}})}, dims("0"))
                .values<std::complex<float>>()[0],
            std::complex<float>(-5, 10));
  HostArray halves = HostArray::zeros(float16, {4096});
  for (int i = 0; i < 4096; ++i) interp::store(halves, i, interp::Real(1));
  EXPECT_EQ(interp::loadReal(one("reduce_sum", {halves}, dims("0")), 0), 4096);  // in float16 it would stop at 2048
}

TEST(Reduce, ExtremesPropagateNan) {
  HostArray x = HostArray::of<float>({2, 3}, {1, 5, 2, 1, nan_, 2});
  auto greatest = one("reduce_max", {x}, dims("1")).values<float>(),
       least = one("reduce_min", {x}, dims("1")).values<float>();
  EXPECT_EQ(greatest[0], 5);
  EXPECT_EQ(least[0], 1);
  EXPECT_TRUE(std::isnan(greatest[1]) && std::isnan(least[1]));
  EXPECT_EQ(one("reduce_max", {HostArray::of<std::uint8_t>({2}, {200, 3})}, dims("0")).values<std::uint8_t>()[0], 200);
  EXPECT_EQ(one("reduce_min", {HostArray::of<I>({2}, {-200, 3})}, dims("0")).values<I>()[0], -200);
}

TEST(Reduce, EmptyRangesGiveTheIdentity) {
  HostArray none = HostArray::zeros(float32, {0}), noInts = HostArray::zeros(int8, {0}),
            noUnsigned = HostArray::zeros(uint16, {0}), noBools = HostArray::zeros(bool_, {0});
  EXPECT_EQ(one("reduce_sum", {none}, dims("0")).values<float>()[0], 0);
  EXPECT_EQ(one("reduce_prod", {none}, dims("0")).values<float>()[0], 1);
  EXPECT_EQ(one("reduce_max", {none}, dims("0")).values<float>()[0], -inf);
  EXPECT_EQ(one("reduce_min", {none}, dims("0")).values<float>()[0], inf);
  EXPECT_EQ(one("reduce_max", {noInts}, dims("0")).values<std::int8_t>()[0], -128);
  EXPECT_EQ(one("reduce_min", {noInts}, dims("0")).values<std::int8_t>()[0], 127);
  EXPECT_EQ(one("reduce_max", {noUnsigned}, dims("0")).values<std::uint16_t>()[0], 0);
  EXPECT_EQ(one("reduce_min", {noUnsigned}, dims("0")).values<std::uint16_t>()[0], 65535);
  EXPECT_EQ(one("reduce_and", {noBools}, dims("0")).values<std::uint8_t>()[0], 1);
  EXPECT_EQ(one("reduce_or", {noBools}, dims("0")).values<std::uint8_t>()[0], 0);
  EXPECT_EQ(one("reduce_max", {noBools}, dims("0")).values<std::uint8_t>()[0], 0);
  EXPECT_EQ(one("reduce_min", {noBools}, dims("0")).values<std::uint8_t>()[0], 1);
  EXPECT_EQ(one("reduce_sum", {HostArray::zeros(float32, {2, 0})}, dims("1")).values<float>(),
            (std::vector<float>{0, 0}));
  EXPECT_EQ(one("reduce_sum", {HostArray::zeros(float32, {2, 0})}, dims("0")).volume(), 0);
}

TEST(Reduce, AndOr) {
  HostArray x = HostArray::of<std::uint8_t>({2, 2}, {0b1100, 0b1010, 0b0110, 0b0011});
  EXPECT_EQ(one("reduce_and", {x}, dims("1")).values<std::uint8_t>(), (std::vector<std::uint8_t>{0b1000, 0b0010}));
  EXPECT_EQ(one("reduce_or", {x}, dims("1")).values<std::uint8_t>(), (std::vector<std::uint8_t>{0b1110, 0b0111}));
}

TEST(Reduce, ArgmaxAndArgminTakeTheFirst) {
  HostArray x = HostArray::of<float>({3, 4}, {1, 5, 5, 1, nan_, 9, nan_, -9, 0.0f, -0.0f, -1, 0});
  EXPECT_EQ(one("argmax", {x}, dims("1")).values<I>(), (List{1, 0, 0}));
  EXPECT_EQ(one("argmin", {x}, dims("1")).values<I>(), (List{0, 0, 2}));
  EXPECT_EQ(one("argmax", {HostArray::of<std::uint8_t>({3}, {3, 200, 200})}, dims("0")).values<I>(), (List{1}));
  EXPECT_EQ(one("argmin", {HostArray::of<std::int8_t>({3}, {3, -56, 5})}, dims("0")).values<I>(), (List{1}));
}

TEST(Reduce, Moments) {
  auto got = runOp("skein.moments", {HostArray::of<double>({2, 4}, {1, 2, 3, 4, 1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4})},
                   dims("1"));
  EXPECT_EQ(got[0].values<double>(), (std::vector<double>{2.5, 1e9 + 2.5}));
  EXPECT_EQ(got[1].values<double>(), (std::vector<double>{5, 5}));
  got = runOp("skein.moments", {HostArray::zeros(float32, {0})}, dims("0"));
  EXPECT_TRUE(std::isnan(got[0].values<float>()[0]));
  EXPECT_EQ(got[1].values<float>()[0], 0);
}

static std::string dot(const std::string& lb, const std::string& rb, const std::string& lc, const std::string& rc) {
  auto list = [](const std::string& l) { return "array<i64" + (l.empty() ? "" : ": " + l) + ">"; };
  return "{lhs_batch = " + list(lb) + ", rhs_batch = " + list(rb) + ", lhs_contract = " + list(lc) +
         ", rhs_contract = " + list(rc) + "}";
}

TEST(DotGeneral, MatricesVectorsAndBatches) {
  HostArray a = range<I>({2, 3}), b = range<I>({3, 2});
  EXPECT_EQ(one("dot_general", {a, b}, dot("", "", "1", "0")).values<I>(), (List{10, 13, 28, 40}));
  EXPECT_EQ(one("dot_general", {a, a}, dot("", "", "1", "1")).values<I>(), (List{5, 14, 14, 50}));
  EXPECT_EQ(one("dot_general", {a, a}, dot("", "", "0, 1", "0, 1")).values<I>(), (List{55}));
  EXPECT_EQ(one("dot_general", {a, a}, dot("0", "0", "1", "1")).values<I>(), (List{5, 50}));
  EXPECT_EQ(one("dot_general", {range<I>({2}), range<I>({3})}, dot("", "", "", "")).values<I>(),
            (List{0, 0, 0, 0, 1, 2}));
  HostArray batched = one("dot_general", {range<float>({2, 2, 3}), range<float>({3, 2, 2})}, dot("0", "2", "2", "0"));
  EXPECT_EQ(batched.shape, (std::vector<std::int64_t>{2, 2, 2}));
  for (int b0 = 0; b0 < 2; ++b0)
    for (int i = 0; i < 2; ++i)
      for (int j = 0; j < 2; ++j) {
        float want = 0;
        for (int k = 0; k < 3; ++k) want += static_cast<float>((b0 * 6 + i * 3 + k) * (k * 4 + j * 2 + b0));
        EXPECT_EQ(batched.as<float>()[b0 * 4 + i * 2 + j], want);
      }
  EXPECT_EQ(
      one("dot_general", {HostArray::zeros(float32, {2, 0}), HostArray::zeros(float32, {0, 1})}, dot("", "", "1", "0"))
          .values<float>(),
      (std::vector<float>{0, 0}));
  EXPECT_EQ(
      one("dot_general",
          {HostArray::of<std::complex<double>>({1}, {{0, 1}}), HostArray::of<std::complex<double>>({1}, {{0, 1}})},
          dot("", "", "0", "0"))
          .values<std::complex<double>>()[0],
      std::complex<double>(-1));
  EXPECT_EQ(one("dot_general", {HostArray::of<std::uint8_t>({2}, {200, 2}), HostArray::of<std::uint8_t>({2}, {2, 3})},
                dot("", "", "0", "0"))
                .values<std::uint8_t>()[0],
            150);
}

TEST(Sort, StableWithNanLastAndCarried) {
  HostArray keys = HostArray::of<float>({6}, {3, nan_, 0.0f, -0.0f, -inf, 3}), places = range<I>({6});
  auto got = runOp("skein.sort", {keys, places}, "{dim = 0 : i64}");
  EXPECT_EQ(got[1].values<I>(), (List{4, 2, 3, 0, 5, 1}));
  EXPECT_EQ(got[0].values<float>()[0], -inf);
  EXPECT_TRUE(std::isnan(got[0].values<float>()[5]));
  EXPECT_EQ(one("sort", {HostArray::of<I>({3, 2}, {5, 1, 3, 9, 4, 0})}, "{dim = 0 : i64}").values<I>(),
            (List{3, 0, 4, 1, 5, 9}));
  EXPECT_EQ(one("sort", {HostArray::of<std::uint8_t>({3}, {200, 100, 0})}, "{dim = 0 : i64}").values<std::uint8_t>(),
            (std::vector<std::uint8_t>{0, 100, 200}));
  EXPECT_EQ(one("sort", {HostArray::zeros(float32, {0, 2})}, "{dim = 0 : i64}").volume(), 0);
}

}  // namespace skein::compiler::test
