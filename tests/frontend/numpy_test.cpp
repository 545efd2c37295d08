// Laws of the functions of skein/numpy.h: dtypes, weakness, empty arrays, identities, errors. Values are in
// numpy_values_test.cpp.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>

namespace sk = skein;

namespace {

using Ints = std::vector<int>;
using Floats = std::vector<float>;

std::string error_of(auto&& body) {
  try {
    body();
  } catch (const sk::UserError& e) {
    return e.what();
  }
  return "no error";
}
#define EXPECT_ERROR(body, ...)                                                           \
  do {                                                                                    \
    std::string text = error_of([&] { (void)(body); });                                   \
    EXPECT_NE(text.find("numpy_test.cpp"), text.npos) << text;                            \
    for (const char* part : {__VA_ARGS__}) EXPECT_NE(text.find(part), text.npos) << text; \
  } while (0)

sk::Array counting(const sk::Shape& shape) { return sk::reshape(sk::arange(shape.volume()), shape); }
bool same(const sk::Array& a, const sk::Array& b) { return sk::array_equal(a, b).item<bool>(); }

TEST(Numpy, DtypesOfResults) {
  sk::Array bits = sk::ones({3}, sk::bool_), bytes = sk::ones({3}, sk::uint8), halves = sk::ones({3}, sk::float16);
  EXPECT_EQ(sk::cumsum(bits).dtype(), sk::int32);
  EXPECT_EQ(sk::cumsum(bytes).dtype(), sk::uint32);
  EXPECT_EQ(sk::cumsum(halves).dtype(), sk::float16);
  EXPECT_EQ(sk::cumsum(bytes, {.dtype = sk::float64}).dtype(), sk::float64);
  EXPECT_EQ(sk::median(bytes).dtype(), sk::float32);
  EXPECT_EQ(sk::quantile(halves, 0.5).dtype(), sk::float16);
  EXPECT_EQ(sk::average(bytes).dtype(), sk::float32);
  EXPECT_EQ(sk::rint(bytes).dtype(), sk::float32);
  EXPECT_EQ(sk::fix(bytes).dtype(), sk::uint8);
  EXPECT_EQ(sk::gcd(bytes, 2).dtype(), sk::uint8);
  EXPECT_EQ(sk::i0(halves).dtype(), sk::float16);
  EXPECT_EQ(sk::searchsorted(sk::arange(3), 1).dtype(), sk::int32);
  EXPECT_EQ(sk::bincount(bytes).dtype(), sk::int32);
  EXPECT_EQ(sk::histogram(bytes).first.dtype(), sk::int32);
  EXPECT_EQ(sk::nn::one_hot(bytes, 2, {.dtype = sk::bool_}).dtype(), sk::bool_);
  EXPECT_EQ(sk::nn::relu(sk::arange(3)).dtype(), sk::int32);
  EXPECT_EQ(sk::zeros_like(bits, sk::float64).dtype(), sk::float64);
  EXPECT_EQ(sk::segment_sum(bits, sk::arange(3), 3).dtype(), sk::int32);
}

TEST(Numpy, NumbersAreWeakAndExact) {
  EXPECT_EQ(sk::fmax(sk::zeros({1}, sk::float64), 0.1).item<double>(), 0.1);
  EXPECT_DOUBLE_EQ(sk::xlogy(sk::ones({1}, sk::float64), 0.1).item<double>(), std::log(0.1));
  EXPECT_EQ(sk::interp(0.1, sk::array({0.0, 1.0}), sk::array({0.0, 1.0})).item<double>(), 0.1);
  EXPECT_TRUE(sk::sinc(sk::Array(0.5)).weak());
  EXPECT_FALSE(sk::sinc(sk::ones({1})).weak());
  EXPECT_EQ(sk::append(sk::ones({1}, sk::float16), 2).dtype(), sk::float16);
}

TEST(Numpy, EmptyArraysPass) {
  sk::Array none = sk::zeros({0}), rows = sk::zeros({0, 3});
  EXPECT_EQ(sk::cumsum(rows, {.axis = 1}).shape(), sk::Shape({0, 3}));
  EXPECT_EQ(sk::diff(none).shape(), sk::Shape({0}));
  EXPECT_EQ(sk::vstack({rows, rows}).shape(), sk::Shape({0, 3}));
  EXPECT_EQ(sk::tril(rows).shape(), sk::Shape({0, 3}));
  EXPECT_EQ(sk::diag(none).shape(), sk::Shape({0, 0}));
  EXPECT_EQ(sk::searchsorted(none, sk::ones({2})).to_vector<int>(), Ints({0, 0}));
  EXPECT_EQ(sk::isin(sk::arange(2), none).to_vector<bool>(), std::vector<bool>({false, false}));
  EXPECT_EQ(sk::unique(none).shape(), sk::Shape({0}));
  EXPECT_EQ(sk::flatnonzero(none).shape(), sk::Shape({0}));
  EXPECT_EQ(sk::histogram(none, {.bins = 3}).first.to_vector<int>(), Ints({0, 0, 0}));
  EXPECT_EQ(sk::segment_sum(rows, sk::zeros({0}, sk::int32), 2).to_vector<float>(), Floats(6, 0));
  EXPECT_EQ(sk::logsumexp(none).item<float>(), -INFINITY);
  EXPECT_TRUE(std::isnan(sk::median(none).item<float>()));
  EXPECT_EQ(sk::resize(none, {2}).to_vector<float>(), Floats({0, 0}));
  EXPECT_EQ(sk::top_k(rows, 2).first.shape(), sk::Shape({0, 2}));
  EXPECT_EQ(sk::nn::softmax(none).shape(), sk::Shape({0}));
}

TEST(Numpy, LawsOfShapes) {
  sk::Array x = counting({3, 5});
  EXPECT_TRUE(same(sk::rot90(sk::rot90(sk::rot90(sk::rot90(x)))), x));
  EXPECT_TRUE(same(sk::tril(x) + sk::triu(x, 1), x));
  EXPECT_TRUE(same(sk::hstack(sk::hsplit(x, sk::Places{2})), x));
  EXPECT_TRUE(same(sk::concatenate(sk::array_split(x, 4, {.axis = 1}), {.axis = 1}), x));
  EXPECT_TRUE(same(sk::stack(sk::unstack(x, {.axis = 1}), {.axis = 1}), x));
  EXPECT_TRUE(same(sk::delete_(sk::insert(x, 2, 7, {.axis = 1}), 2, {.axis = 1}), x));
  EXPECT_TRUE(same(sk::cumsum(sk::diff(x, {.axis = 0, .prepend = 0}), {.axis = 0}), x));
  EXPECT_TRUE(same(sk::diagonal(sk::diagflat(sk::arange(4), -1), {.offset = -1}), sk::arange(4)));
  EXPECT_TRUE(same(sk::trace(x), sk::sum(sk::diagonal(x))));
  EXPECT_EQ(sk::split(sk::arange(5), {2}).size(), 2u);  // one place, not two parts
  EXPECT_EQ(sk::split(sk::arange(4), 2).size(), 2u);
  auto grid = sk::fromfunction([](sk::Array i, sk::Array j) { return 10 * i + j; }, {2, 3}, sk::int32);
  EXPECT_EQ(grid.to_vector<int>(), Ints({0, 1, 2, 10, 11, 12}));
  EXPECT_TRUE(same(sk::cumsum(x, {.axis = 1, .reverse = true}), sk::flip(sk::cumsum(sk::flip(x, 1), {.axis = 1}), 1)));
}

TEST(Numpy, LawsOfSearching) {
  sk::Array x = sk::array({3, 1, 2, 3, 1, 3});
  auto u = sk::unique_all(x);
  EXPECT_TRUE(same(sk::take(u.values, u.inverse_indices), x));
  EXPECT_TRUE(same(sk::take(x, u.indices), u.values));
  EXPECT_EQ(u.counts.to_vector<int>(), Ints({2, 1, 3}));
  EXPECT_EQ(sk::unique(x, {.size = 5}).to_vector<int>(), Ints({1, 2, 3, 1, 1}));
  EXPECT_EQ(sk::unique(x, {.size = 4, .fill_value = -1}).to_vector<int>(), Ints({1, 2, 3, -1}));
  EXPECT_EQ(sk::unique(x, {.size = 2}).to_vector<int>(), Ints({1, 2}));
  EXPECT_EQ(sk::unique(sk::array({NAN, 1.f, NAN})).size(), 2);
  auto fixed = sk::jit([](sk::Array v) { return sk::unique(v, {.size = 3}); });
  EXPECT_EQ(fixed(x).to_vector<int>(), Ints({1, 2, 3}));
  EXPECT_EQ(sk::nonzero(counting({2, 2}), {.size = 4, .fill_value = 9})[1].to_vector<int>(), Ints({1, 0, 1, 9}));
  auto [values, places] = sk::top_k(sk::array({1.f, NAN, 5.f, 5.f}), 3);
  EXPECT_EQ(places.to_vector<int>(), Ints({1, 2, 3}));
  EXPECT_TRUE(std::isnan(values.to_vector<float>()[0]));
  EXPECT_EQ(sk::nanargmax(sk::array({NAN, NAN})).item<int>(), -1);
  EXPECT_EQ(sk::put_along_axis(sk::zeros({3}), sk::array({-1, 7}), 1.f, {.axis = 0}).to_vector<float>(),
            Floats({0, 0, 1}));  // the second one is dropped
  EXPECT_EQ(sk::bincount(sk::array({1, 1, 5}), {.length = 3}).to_vector<int>(), Ints({0, 2, 0}));
  EXPECT_EQ(sk::partition(x, 2)[2].item<int>(), 2);
}

TEST(Numpy, TopKOfManyIsTheSortsEnd) {
  for (std::int64_t n : {100, 5001, 70001})
    for (std::int64_t k : {0, 1, 7, 64}) {
      sk::Array x = sk::floor(sk::random::uniform(sk::random::key(3), {2, n}) * 1000);  // many are equal
      x = sk::where(x > 990.0, NAN, x);
      auto [values, places] = sk::top_k(x, k);
      // The same from a stable sort of the array read backwards.
      sk::Array order = (n - 1) - sk::flip(sk::argsort(sk::flip(x, -1)), -1);
      EXPECT_EQ(places.to_vector<int>(), order(sk::all, sk::slice(0, k)).to_vector<int>()) << n << " " << k;
      EXPECT_TRUE(sk::array_equal(values, sk::take_along_axis(x, places), true).item<bool>()) << n << " " << k;
    }
}

TEST(Numpy, HistogramsCountBetweenTheEdges) {
  for (int bins : {1, 3, 10, 1000}) {
    sk::Array x = sk::random::normal(sk::random::key(5), {5000});
    x = sk::concatenate({x, sk::linspace(-2, 2, bins + 1, sk::float32), sk::array({NAN, INFINITY, -INFINITY})});
    auto [counts, edges] = sk::histogram(x, {.bins = bins, .range = {{-2, 2}}});
    EXPECT_EQ(counts.to_vector<int>(), sk::histogram(x, {.bins = edges}).first.to_vector<int>()) << bins;
  }
}

TEST(Numpy, LawsOfProducts) {
  sk::Array a = counting({2, 3}) * 1.0, b = counting({3, 4}) * 1.0, c = counting({4, 2}) * 1.0;
  EXPECT_TRUE(same(sk::einsum("ij,jk,kl", {a, b, c}), sk::matmul(sk::matmul(a, b), c)));
  EXPECT_TRUE(same(sk::linalg::matrix_power(sk::matmul(a, sk::transpose(a)), 1), sk::matmul(a, sk::transpose(a))));
  EXPECT_FLOAT_EQ(sk::linalg::norm(a).item<float>(), std::sqrt(55.f));
  EXPECT_FLOAT_EQ(sk::linalg::norm(sk::array({3.f, -4.f}), {.ord = INFINITY}).item<float>(), 4);
  // Short windows and long ones, which are two ways to compute, agree.
  sk::Array x = sk::ones({70060}), w = sk::ones({60});
  sk::Array long_one = sk::convolve(x, w, "valid");
  EXPECT_EQ(long_one.shape(), sk::Shape({70001}));
  EXPECT_TRUE(sk::all(long_one == 60.0).item<bool>());
  auto z = sk::complex(sk::array({1.f, 2.f}), sk::array({3.f, -1.f}));
  EXPECT_TRUE(same(sk::vecdot(z, z), sk::vdot(z, z)));
  EXPECT_TRUE(sk::allclose(sk::angle(z), sk::arctan2(sk::imag(z), sk::real(z))).item<bool>());
}

TEST(Numpy, SpecialValues) {
  EXPECT_EQ(sk::signbit(sk::array({-0.f, 0.f, -1.f})).to_vector<bool>(), std::vector<bool>({true, false, true}));
  EXPECT_EQ(sk::fmax(sk::array({NAN, 1.f}), sk::array({2.f, NAN})).to_vector<float>(), Floats({2, 1}));
  EXPECT_EQ(sk::xlogy(0.f, 0.f).item<float>(), 0);
  EXPECT_EQ(sk::ldexp(sk::array(1.f), -149).item<float>(), 0x1p-149f);
  EXPECT_EQ(sk::ldexp(sk::array(0x1p-149f), 276).item<float>(), 0x1p127f);
  EXPECT_EQ(sk::logaddexp2(sk::array(-INFINITY), sk::array(-INFINITY)).item<float>(), -INFINITY);
  EXPECT_EQ(sk::i0(sk::array(INFINITY)).item<float>(), INFINITY);
  EXPECT_TRUE(std::isnan(sk::i1(sk::array(NAN)).item<float>()));
  EXPECT_EQ(sk::nan_to_num(sk::array(INFINITY)).item<float>(), std::numeric_limits<float>::max());
  EXPECT_EQ(sk::nn::log_sigmoid(sk::array(-1000.f)).item<float>(), -1000);
  EXPECT_EQ(sk::quantile(sk::array({INFINITY, INFINITY}), 0.5).item<float>(), INFINITY);
}

TEST(Numpy, Errors) {
  sk::Array x = counting({3, 4}), v = sk::arange(3);
  EXPECT_ERROR(sk::cumsum(x, {.axis = 2}), "cumsum", "axis 2", "int32[3,4]");
  EXPECT_ERROR(sk::cumsum(x, {.axis = {0, 1}}), "one axis");
  EXPECT_ERROR(sk::median(x, {.axis = {0, -2}}), "median", "twice");
  EXPECT_ERROR(sk::quantile(x, 1.5), "between 0 and 1");
  EXPECT_ERROR(sk::quantile(x, 0.5, {.method = "best"}), "linear", "best");
  EXPECT_ERROR(sk::tril(v), "two dimensions", "int32[3]");
  EXPECT_ERROR(sk::pad(x, {{1, 1}}, "mirror"), "reflect", "mirror");
  EXPECT_ERROR(sk::pad(sk::zeros({0}), {{1, 1}}, "edge"), "empty");
  EXPECT_ERROR(sk::insert(x, 9, 0, {.axis = 0}), "place 9", "axis 0");
  EXPECT_ERROR(sk::delete_(x, -4, {.axis = 0}), "place -4");
  EXPECT_ERROR(sk::gcd(sk::ones({1}), 2), "gcd", "integers", "float32[1]");
  EXPECT_ERROR(sk::ldexp(1.f, 0.5f), "exponent");
  EXPECT_ERROR(sk::gradient(sk::ones({1})), "fewer");
  EXPECT_ERROR(sk::diff(sk::array(1)), "one dimension");
  EXPECT_ERROR(sk::bincount(x), "vector");
  EXPECT_ERROR(sk::searchsorted(x, 1), "vector", "int32[3,4]");
  EXPECT_ERROR(sk::searchsorted(v, 1, {.side = "middle"}), "left", "middle");
  EXPECT_ERROR(sk::top_k(x, 5), "k is 5", "4 elements");
  EXPECT_ERROR(sk::take_along_axis(x, v), "as many dimensions");
  EXPECT_ERROR(sk::select({v > 1}, {v, v}, 0), "2 choices");
  EXPECT_ERROR(sk::cross(x, x), "three elements");
  EXPECT_ERROR(sk::convolve(v, sk::zeros({0})), "elements");
  EXPECT_ERROR(sk::convolve(v, v, "half"), "half");
  EXPECT_ERROR(sk::einsum("ij,jk,kl", {x, x, x}), "einsum");
  EXPECT_ERROR(sk::einsum("ij,j,j", {x, v}), "3 operands", "2");
  EXPECT_ERROR(sk::linalg::norm(x, {.ord = 3}), "no matrix norm of order 3");
  EXPECT_ERROR(sk::linalg::matrix_power(x, 2), "square");
  EXPECT_ERROR(sk::geomspace(-1, 1), "sign");
  EXPECT_ERROR(sk::meshgrid({v}, {.indexing = "yx"}), "yx");
  EXPECT_ERROR(sk::histogram(v, {.bins = 0}), "bin");
  EXPECT_ERROR(sk::nn::one_hot(sk::ones({1}), 2), "integers");
  EXPECT_ERROR(sk::segment_sum(x, v > 0, 2), "integers");
  EXPECT_ERROR(sk::rot90(x, 1, {0, 0}), "different");
  EXPECT_ERROR(sk::nonzero(sk::array(1)), "scalar");
  auto unsized = sk::jit([](sk::Array a) { return sk::unique(a); });
  EXPECT_ERROR(unsized(v), "unique", ".size");
  auto uncounted = sk::jit([](sk::Array a) { return sk::bincount(a); });
  EXPECT_ERROR(uncounted(v), "bincount", ".length");
}

}  // namespace
