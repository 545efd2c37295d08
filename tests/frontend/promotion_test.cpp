// Dtypes of results: JAX's lattice with weak C++ scalars; and what the elementwise functions compute.
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <cmath>

namespace sk = skein;

namespace {

sk::Array of(sk::DType d) { return sk::ones({2}, d); }

TEST(Promotion, ScalarsAreWeak) {
  EXPECT_EQ((of(sk::float32) * 2.0).dtype(), sk::float32);
  EXPECT_EQ((of(sk::float64) * 2.f).dtype(), sk::float64);
  EXPECT_EQ((of(sk::bfloat16) * 2.0).dtype(), sk::bfloat16);
  EXPECT_EQ((of(sk::int8) + 1).dtype(), sk::int8);
  EXPECT_EQ((of(sk::uint8) + 1).dtype(), sk::uint8);
  EXPECT_EQ((of(sk::int32) * 2.0).dtype(), sk::float32);
  EXPECT_TRUE((of(sk::int32) * 2.0).weak());
  EXPECT_EQ((of(sk::bool_) + 1).dtype(), sk::int32);
  EXPECT_EQ((of(sk::float32) * std::complex<double>(0, 1)).dtype(), sk::complex64);
  EXPECT_EQ((of(sk::float32) + true).dtype(), sk::float32);
  EXPECT_EQ(sk::exp(sk::Array(2.0)).dtype(), sk::float32);
  EXPECT_EQ((sk::Array(2) + 3).dtype(), sk::int32);
}

TEST(Promotion, AScalarConvertsExactly) {
  EXPECT_EQ((sk::zeros({1}, sk::float64) + 0.1).item<double>(), 0.1);
  EXPECT_EQ((sk::zeros({1}, sk::uint32) + 0xfffffffful).item<std::uint32_t>(), 0xffffffffu);
  EXPECT_EQ((sk::zeros({1}, sk::int64) + (std::int64_t{1} << 40)).item<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ((sk::full({1}, 0.1, sk::float64)).item<double>(), 0.1);
}

TEST(Promotion, ArraysJoinAsInJax) {
  EXPECT_EQ((of(sk::int32) + of(sk::float32)).dtype(), sk::float32);
  EXPECT_EQ((of(sk::int64) + of(sk::float16)).dtype(), sk::float16);
  EXPECT_EQ((of(sk::float16) + of(sk::bfloat16)).dtype(), sk::float32);
  EXPECT_EQ((of(sk::uint8) + of(sk::int8)).dtype(), sk::int16);
  EXPECT_EQ((of(sk::uint32) + of(sk::int32)).dtype(), sk::int64);
  EXPECT_EQ((of(sk::bool_) + of(sk::int8)).dtype(), sk::int8);
  EXPECT_EQ((of(sk::float64) + of(sk::complex64)).dtype(), sk::complex128);
}

TEST(Promotion, DivisionAndComparison) {
  EXPECT_EQ((of(sk::int32) / of(sk::int32)).dtype(), sk::float32);
  EXPECT_EQ((of(sk::int64) / 2).dtype(), sk::float32);
  EXPECT_EQ((of(sk::float64) / of(sk::int32)).dtype(), sk::float64);
  EXPECT_EQ((of(sk::int32) < 2.5).dtype(), sk::bool_);
  EXPECT_EQ((sk::array({1, 2, 3}) < 2.5).to_vector<bool>(), (std::vector<bool>{true, true, false}));
}

TEST(Elementwise, IntegerDivisionAsNumpy) {
  auto a = sk::array({7, -7, 7, -7}), b = sk::array({3, 3, -3, -3});
  EXPECT_EQ(sk::floor_divide(a, b).to_vector<int>(), (std::vector<int>{2, -3, -3, 2}));
  EXPECT_EQ((a % b).to_vector<int>(), (std::vector<int>{1, 2, -2, -1}));
  EXPECT_EQ(sk::fmod(a, b).to_vector<int>(), (std::vector<int>{1, -1, 1, -1}));
  auto x = sk::array({5.5f, -5.5f}), y = sk::array({2.f, 2.f});
  EXPECT_EQ((x % y).to_vector<float>(), (std::vector<float>{1.5f, 0.5f}));
  EXPECT_EQ(sk::floor_divide(x, y).to_vector<float>(), (std::vector<float>{2, -3}));
  EXPECT_EQ((sk::array({1, 2}) / 2).to_vector<float>(), (std::vector<float>{0.5f, 1}));
}

TEST(Elementwise, PowersOfKnownIntegers) {
  EXPECT_EQ(sk::power(sk::array({1, 2, 3}), 3).to_vector<int>(), (std::vector<int>{1, 8, 27}));
  EXPECT_EQ(sk::power(sk::array({2.f}), -2).item<float>(), 0.25f);
  EXPECT_NEAR(sk::power(sk::array(2.f), 0.5f).item<float>(), std::sqrt(2.f), 1e-6);
  EXPECT_EQ(sk::power(sk::array({2, 3}), sk::array({4, 2})).to_vector<int>(), (std::vector<int>{16, 9}));
  auto f = sk::jit([](sk::Array x) { return sk::power(x, 2); });
  EXPECT_EQ(f(sk::array(3.f)).item<float>(), 9);
}

TEST(Elementwise, BroadcastsAsNumpy) {
  auto column = sk::reshape(sk::arange(3), {3, 1}), row = sk::arange(2);
  EXPECT_EQ((column * 10 + row).to_vector<int>(), (std::vector<int>{0, 1, 10, 11, 20, 21}));
  EXPECT_EQ((sk::zeros({0, 3}) + sk::ones({3})).shape(), sk::Shape({0, 3}));
}

TEST(Elementwise, BitsAndLogic) {
  auto a = sk::array({0b1100, -8});
  EXPECT_EQ((a & 0b1010).to_vector<int>(), (std::vector<int>{0b1000, 8}));
  EXPECT_EQ((a >> 1).to_vector<int>(), (std::vector<int>{6, -4}));
  EXPECT_EQ((a << 1).to_vector<int>(), (std::vector<int>{24, -16}));
  EXPECT_EQ((~a).to_vector<int>(), (std::vector<int>{~12, 7}));
  EXPECT_EQ((!sk::array({0, 5})).to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(sk::logical_and(sk::array({1, 0}), sk::array({2.f, 2.f})).to_vector<bool>(),
            (std::vector<bool>{true, false}));
}

TEST(Elementwise, SpecialValues) {
  float inf = INFINITY, nan = NAN;
  auto x = sk::array({1.f, inf, -inf, nan});
  EXPECT_EQ(sk::isnan(x).to_vector<bool>(), (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(sk::isinf(x).to_vector<bool>(), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(sk::isfinite(x).to_vector<bool>(), (std::vector<bool>{true, false, false, false}));
  EXPECT_TRUE(std::isnan(sk::maximum(sk::array(nan), 1.0).item<float>()));
  EXPECT_EQ(sk::hypot(sk::array(3.f), sk::array(4.f)).item<float>(), 5);
  EXPECT_EQ(sk::hypot(sk::array(inf), sk::array(nan)).item<float>(), inf);
  EXPECT_EQ(sk::clip(sk::array({-1, 5, 20}), 0, 10).to_vector<int>(), (std::vector<int>{0, 5, 10}));
  EXPECT_EQ(sk::where(sk::array({true, false}), 1, sk::array({5.f, 6.f})).to_vector<float>(),
            (std::vector<float>{1, 6}));
}

TEST(Reduce, DtypesAndOptions) {
  EXPECT_EQ(sk::sum(of(sk::bool_)).dtype(), sk::int32);
  EXPECT_EQ(sk::sum(of(sk::int8)).dtype(), sk::int32);
  EXPECT_EQ(sk::sum(of(sk::uint8)).dtype(), sk::uint32);
  EXPECT_EQ(sk::sum(of(sk::int64)).dtype(), sk::int64);
  EXPECT_EQ(sk::sum(of(sk::float16)).dtype(), sk::float16);
  EXPECT_EQ(sk::mean(of(sk::int32)).dtype(), sk::float32);
  auto x = sk::reshape(sk::arange(6) * 1.0, {2, 3});
  EXPECT_EQ(sk::sum(x, {.axis = 0}).to_vector<float>(), (std::vector<float>{3, 5, 7}));
  EXPECT_EQ(sk::sum(x, {.axis = -1, .keepdims = true}).shape(), sk::Shape({2, 1}));
  EXPECT_EQ(sk::sum(x, {.where = x > 2.0}).item<float>(), 12);
  EXPECT_EQ(sk::mean(x, {.axis = 1, .where = x != 1.0}).to_vector<float>(), (std::vector<float>{1, 4}));
  EXPECT_EQ(sk::prod(sk::array({2, 3, 4})).item<int>(), 24);
  EXPECT_EQ(sk::max(x, {.axis = {0, 1}}).item<float>(), 5);
  EXPECT_EQ(sk::min(x, {.axis = 1, .where = x > 0.0}).to_vector<float>().at(1), 3);
  EXPECT_TRUE(sk::all(x >= 0.0).item<bool>());
  EXPECT_EQ(sk::any(x > 4.0, {.axis = 0}).to_vector<bool>(), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(sk::argmax(x).item<int>(), 5);
  EXPECT_EQ(sk::argmin(x, {.axis = 0, .keepdims = true}).shape(), sk::Shape({1, 3}));
  EXPECT_EQ(sk::sum(sk::zeros({0})).item<float>(), 0);
  // Half precision accumulates in float32: 4096 ones would stop at 2048.
  EXPECT_EQ(sk::astype(sk::sum(sk::ones({4096}, sk::float16)), sk::float32).item<float>(), 4096);
}

TEST(Reduce, Moments) {
  auto x = sk::array({1.f, 2.f, 3.f, 4.f});
  EXPECT_FLOAT_EQ(sk::var(x).item<float>(), 1.25f);
  EXPECT_FLOAT_EQ(sk::var(x, {.ddof = 1}).item<float>(), 5.f / 3);
  EXPECT_FLOAT_EQ(sk::std(x).item<float>(), std::sqrt(1.25f));
  EXPECT_FLOAT_EQ(sk::var(x, {.where = x < 4.0}).item<float>(), 2.f / 3);
  EXPECT_FLOAT_EQ(sk::mean(x).item<float>(), 2.5f);
  EXPECT_FLOAT_EQ(sk::std(sk::array({1, 2, 3, 4})).item<float>(), std::sqrt(1.25f));
}

TEST(ShapeFunctions, MoveElements) {
  auto x = sk::reshape(sk::arange(6), {2, 3});
  EXPECT_EQ(sk::transpose(x).to_vector<int>(), (std::vector<int>{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(sk::flip(x, 1).to_vector<int>(), (std::vector<int>{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(sk::roll(sk::arange(5), 2).to_vector<int>(), (std::vector<int>{3, 4, 0, 1, 2}));
  EXPECT_EQ(sk::roll(x, -1, {.axis = 1}).to_vector<int>(), (std::vector<int>{1, 2, 0, 4, 5, 3}));
  EXPECT_EQ(sk::pad(sk::arange(2), {{1, 2}}, {.value = 9}).to_vector<int>(), (std::vector<int>{9, 0, 1, 9, 9}));
  EXPECT_EQ(sk::stack({sk::arange(2), sk::arange(2)}, {.axis = 1}).to_vector<int>(), (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(sk::squeeze(sk::expand_dims(x, {0, -1})).shape(), x.shape());
  EXPECT_EQ(sk::tile(sk::arange(2), {2}).to_vector<int>(), (std::vector<int>{0, 1, 0, 1}));
  EXPECT_EQ(sk::repeat(sk::arange(2), 2).to_vector<int>(), (std::vector<int>{0, 0, 1, 1}));
  EXPECT_EQ(sk::split(sk::arange(4), 2)[1].to_vector<int>(), (std::vector<int>{2, 3}));
  EXPECT_EQ(sk::moveaxis(sk::zeros({2, 3, 4}), 0, -1).shape(), sk::Shape({3, 4, 2}));
  EXPECT_EQ(sk::concatenate({sk::arange(2), sk::array({1.5f})}).dtype(), sk::float32);
  EXPECT_EQ(sk::sort(sk::array({3, 1, 2}), {.descending = true}).to_vector<int>(), (std::vector<int>{3, 2, 1}));
  EXPECT_EQ(sk::argsort(sk::array({3, 1, 2, 1})).to_vector<int>(), (std::vector<int>{1, 3, 2, 0}));
}

TEST(Contract, MatmulAndEinsum) {
  auto a = sk::reshape(sk::arange(6) * 1.0, {2, 3}), b = sk::reshape(sk::arange(12) * 1.0, {3, 4});
  auto c = sk::matmul(a, b);
  EXPECT_EQ(c.to_vector<float>(), (std::vector<float>{20, 23, 26, 29, 56, 68, 80, 92}));
  EXPECT_EQ(sk::einsum("ij,jk->ik", a, b).to_vector<float>(), c.to_vector<float>());
  EXPECT_EQ(sk::einsum("ij,jk->ki", a, b).to_vector<float>(), sk::transpose(c).to_vector<float>());
  EXPECT_EQ(sk::einsum("ij->j", a).to_vector<float>(), (std::vector<float>{3, 5, 7}));
  EXPECT_EQ(sk::einsum("ii", sk::eye(3)).item<float>(), 3);
  EXPECT_EQ(sk::einsum("ij,ij->i", a, a).to_vector<float>(), (std::vector<float>{5, 50}));
  EXPECT_EQ(sk::matmul(sk::ones({5, 2, 3}), sk::ones({1, 3, 4})).shape(), sk::Shape({5, 2, 4}));
  EXPECT_EQ(sk::matmul(sk::ones({3}), sk::ones({5, 3, 4})).shape(), sk::Shape({5, 4}));
  EXPECT_EQ(sk::dot(sk::array({1, 2}), sk::array({3, 4})).item<int>(), 11);
  EXPECT_EQ(sk::tensordot(sk::ones({2, 3, 4}), sk::ones({3, 4, 5})).shape(), sk::Shape({2, 5}));
  EXPECT_EQ(sk::outer(sk::arange(2), sk::arange(3)).to_vector<int>(), (std::vector<int>{0, 0, 0, 0, 1, 2}));
}

TEST(Create, SameInsideAndOutsideOfAProgram) {
  auto all = [] {
    return std::tuple{sk::zeros({2, 2}),       sk::full({2}, 7), sk::arange(2, 10, 3),      sk::arange(0., 1., 0.25),
                      sk::linspace(0., 1., 5), sk::eye(2),       sk::arange(3, sk::float64)};
  };
  auto outside = sk::tree_leaves(all()), inside = sk::tree_leaves(sk::jit(all)());
  for (std::size_t i = 0; i < outside.size(); ++i) {
    EXPECT_EQ(outside[i].dtype(), inside[i].dtype()) << i;
    EXPECT_EQ(outside[i].shape(), inside[i].shape()) << i;
    EXPECT_TRUE(sk::all(outside[i] == inside[i]).item<bool>()) << i;
  }
  EXPECT_EQ(sk::arange(2, 10, 3).to_vector<int>(), (std::vector<int>{2, 5, 8}));
  EXPECT_EQ(sk::linspace(0., 1., 5).dtype(), sk::float32);
}

TEST(Create, FromMemory) {
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(sk::from_data(values, {2, 3}).to_vector<float>(), values);
  EXPECT_EQ(sk::view(values.data(), {6}).data<float>(), values.data());
  EXPECT_EQ(sk::reshape(sk::view(values.data(), {6}), {3, -1}).data<float>(), values.data());
  EXPECT_THROW(sk::from_data(values, {5}), sk::UserError);
  EXPECT_THROW(sk::array({{1, 2}, {3}}), sk::UserError);
  EXPECT_THROW(sk::array({1, 2}).to_vector<float>(), sk::UserError);
  EXPECT_EQ(sk::array({true, false}).to_vector<bool>(), (std::vector<bool>{true, false}));
}

}  // namespace
