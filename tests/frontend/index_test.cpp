// x(...) and x.at(...) against NumPy's meaning, written out by a walk over all elements.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

namespace sk = skein;

namespace {

using Ints = std::vector<int>;

std::string error_of(auto&& body) {
  try {
    body();
  } catch (const sk::UserError& e) {
    return e.what();
  }
  return "no error";
}
#define EXPECT_ERROR(body, ...)                                        \
  do {                                                                 \
    std::string text = error_of([&] { (void)(body); });                \
    EXPECT_NE(text.find("index_test.cpp"), text.npos) << text;         \
    for (const char* part : {__VA_ARGS__}) EXPECT_NE(text.find(part), text.npos) << text; \
  } while (0)

sk::Array counting(const sk::Shape& shape) { return sk::reshape(sk::arange(shape.volume()), shape); }

/// The places along one dimension that a slice takes, by Python's rules.
std::vector<std::int64_t> places(const sk::Slice& s, std::int64_t n) {
  std::int64_t step = s.step.value_or(1);
  auto bound = [&](std::optional<std::int64_t> v, std::int64_t otherwise) {
    if (!v) return otherwise;
    std::int64_t b = *v < 0 ? *v + n : *v;
    return step > 0 ? std::min(std::max<std::int64_t>(b, 0), n) : std::min(std::max<std::int64_t>(b, -1), n - 1);
  };
  std::int64_t at = bound(s.start, step > 0 ? 0 : n - 1), stop = bound(s.stop, step > 0 ? n : -1);
  std::vector<std::int64_t> result;
  for (; step > 0 ? at < stop : at > stop; at += step) result.push_back(at);
  return result;
}

}  // namespace

TEST(Index, IntegersAndSlices) {
  sk::Array x = counting({3, 4});
  EXPECT_EQ(x[1].to_vector<int>(), Ints({4, 5, 6, 7}));
  EXPECT_EQ(x[-1].to_vector<int>(), Ints({8, 9, 10, 11}));
  EXPECT_EQ(x(2, 3).item<int>(), 11);
  EXPECT_EQ(x(-3, -4).item<int>(), 0);
  EXPECT_EQ(x(sk::all, 1).to_vector<int>(), Ints({1, 5, 9}));
  EXPECT_EQ(x(sk::slice(1, sk::none), sk::slice(sk::none, sk::none, 2)).to_vector<int>(), Ints({4, 6, 8, 10}));
  EXPECT_EQ(x(sk::slice(sk::none, sk::none, -1), 0).to_vector<int>(), Ints({8, 4, 0}));
  EXPECT_EQ(x(sk::slice(1), sk::slice(-2, sk::none)).to_vector<int>(), Ints({2, 3}));
  EXPECT_EQ(x(sk::slice(2, 1)).shape(), sk::Shape({0, 4}));
  EXPECT_EQ(sk::arange(10)(sk::slice(8, 2, -2)).to_vector<int>(), Ints({8, 6, 4}));
  EXPECT_EQ(sk::arange(10)(sk::slice(-100, 100, 4)).to_vector<int>(), Ints({0, 4, 8}));
}

TEST(Index, NewAxesAndEllipsis) {
  sk::Array x = counting({2, 3, 4});
  EXPECT_EQ(x(sk::none).shape(), sk::Shape({1, 2, 3, 4}));
  EXPECT_EQ(x(sk::all, sk::none, 1, sk::none).shape(), sk::Shape({2, 1, 1, 4}));
  EXPECT_EQ(x(sk::ellipsis, 1).to_vector<int>(), x(sk::all, sk::all, 1).to_vector<int>());
  EXPECT_EQ(x(1, sk::ellipsis, sk::none).shape(), sk::Shape({3, 4, 1}));
  EXPECT_EQ(x(sk::ellipsis).shape(), x.shape());
  EXPECT_EQ(x(0, 1, 2, sk::ellipsis).item<int>(), 6);
  EXPECT_EQ(sk::array(7)(sk::none, sk::ellipsis).shape(), sk::Shape({1}));
}

TEST(Index, RandomSlicesInsideAndOutsideATrace) {
  std::mt19937 engine(20);
  auto draw = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine); };
  for (int round = 0; round < 60; ++round) {
    sk::Shape shape{draw(0, 6), draw(1, 6), draw(1, 7)};
    sk::Array x = counting(shape);
    sk::Slice s[3];
    for (auto& slice : s) {
      if (draw(0, 2)) slice.start = draw(-8, 8);
      if (draw(0, 2)) slice.stop = draw(-8, 8);
      if (draw(0, 1)) slice.step = draw(0, 1) ? draw(1, 3) : -draw(1, 3);
    }
    Ints want;
    for (auto i : places(s[0], shape[0]))
      for (auto j : places(s[1], shape[1]))
        for (auto k : places(s[2], shape[2])) want.push_back(static_cast<int>((i * shape[1] + j) * shape[2] + k));
    SCOPED_TRACE("round " + std::to_string(round));
    EXPECT_EQ(x(s[0], s[1], s[2]).to_vector<int>(), want);
    if (round % 4 == 0) {
      auto inside = sk::jit([&](sk::Array a) { return a(s[0], s[1], s[2]); });
      EXPECT_EQ(inside(x).to_vector<int>(), want);
    }
    // The same elements changed: everything else stays.
    Ints changed = x.to_vector<int>();
    for (int at : want) changed[static_cast<std::size_t>(at)] += 1000;
    EXPECT_EQ(x.at(s[0], s[1], s[2]).add(1000).to_vector<int>(), changed);
    // Values come in the order of the slice.
    sk::Array numbers = -1 - sk::reshape(sk::arange(static_cast<std::int64_t>(want.size())), x(s[0], s[1], s[2]).shape());
    Ints set = x.to_vector<int>();
    for (std::size_t n = 0; n < want.size(); ++n) set[static_cast<std::size_t>(want[n])] = -1 - static_cast<int>(n);
    EXPECT_EQ(x.at(s[0], s[1], s[2]).set(numbers).to_vector<int>(), set);
  }
}

TEST(Index, TracedIntegersClamp) {
  sk::Array x = counting({3, 4});
  auto row = sk::jit([](sk::Array a, sk::Array i) { return a[i]; });
  EXPECT_EQ(row(x, sk::array(1)).to_vector<int>(), Ints({4, 5, 6, 7}));
  EXPECT_EQ(row(x, sk::array(-1)).to_vector<int>(), Ints({8, 9, 10, 11}));
  EXPECT_EQ(row(x, sk::array(99)).to_vector<int>(), Ints({8, 9, 10, 11}));
  EXPECT_EQ(row(x, sk::array(-99)).to_vector<int>(), Ints({0, 1, 2, 3}));
  EXPECT_EQ(x(sk::slice(1, 3), sk::array(2)).to_vector<int>(), Ints({6, 10}));
  EXPECT_EQ(x[sk::array(std::uint8_t{2})].to_vector<int>(), Ints({8, 9, 10, 11}));
  EXPECT_EQ(x[sk::array(std::int64_t{-2})].to_vector<int>(), Ints({4, 5, 6, 7}));
}

TEST(Index, Arrays) {
  sk::Array x = counting({3, 4});
  EXPECT_EQ(x[sk::array({2, 0, -1})].to_vector<int>(), Ints({8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11}));
  EXPECT_EQ(x(sk::all, sk::array({{0, 1}, {3, 2}})).shape(), sk::Shape({3, 2, 2}));
  EXPECT_EQ(x(1, sk::array({3, 0})).to_vector<int>(), Ints({7, 4}));
  EXPECT_EQ(x(sk::slice(sk::none, sk::none, -1), sk::array({1})).to_vector<int>(), Ints({9, 5, 1}));
  EXPECT_EQ(x[sk::array({99, -99})].to_vector<int>(), Ints({8, 9, 10, 11, 0, 1, 2, 3}));
  // Several arrays go together, and broadcast.
  EXPECT_EQ(x(sk::array({0, 2}), sk::array({1, 3})).to_vector<int>(), Ints({1, 11}));
  EXPECT_EQ(x(sk::array({{0}, {2}}), sk::array({1, 3})).to_vector<int>(), Ints({1, 3, 9, 11}));
  // Separated from each other, their dimensions come first.
  sk::Array y = counting({2, 3, 4});
  EXPECT_EQ(y(0, sk::all, sk::array({1, 2})).shape(), sk::Shape({2, 3}));
  EXPECT_EQ(y(0, sk::all, sk::array({1, 2})).to_vector<int>(), Ints({1, 5, 9, 2, 6, 10}));
  EXPECT_EQ(y(sk::all, 0, sk::array({1, 2})).shape(), sk::Shape({2, 2}));
  EXPECT_EQ(y(sk::array({0, 1}), sk::none, sk::array({2, 1})).shape(), sk::Shape({2, 1, 4}));
}

TEST(Index, KeepsDtypeAndWeakness) {
  sk::Array x = sk::arange(4) * 1.0;
  EXPECT_EQ(x[0].dtype(), sk::float32);
  EXPECT_EQ(sk::astype(x, sk::float16)[1].dtype(), sk::float16);
  EXPECT_TRUE(x[0].weak());  // as x is: an int32 array times a C++ number
  EXPECT_FALSE(sk::zeros({2})[0].weak());
}

TEST(At, StaticPlaces) {
  sk::Array x = sk::array({{1.f, 2.f}, {3.f, 4.f}});
  EXPECT_EQ(x.at(0, 1).add(5.0).to_vector<float>(), std::vector<float>({1, 7, 3, 4}));
  EXPECT_EQ(x.at(1).set(sk::array({8.f, 9.f})).to_vector<float>(), std::vector<float>({1, 2, 8, 9}));
  EXPECT_EQ(x.at(sk::all, 0).mul(2).to_vector<float>(), std::vector<float>({2, 2, 6, 4}));
  EXPECT_EQ(x.at(sk::ellipsis).min(2.5).to_vector<float>(), std::vector<float>({1, 2, 2.5, 2.5}));
  EXPECT_EQ(x.at(-1, sk::slice(sk::none, sk::none, -1)).max(sk::array({0.f, 9.f})).to_vector<float>(), std::vector<float>({1, 2, 9, 4}));
  EXPECT_EQ(x.at(0, 1).get().item<float>(), 2);
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>({1, 2, 3, 4}));  // the array itself stays
  EXPECT_EQ(sk::arange(6).at(sk::slice(1, sk::none, 2)).set(0).to_vector<int>(), Ints({0, 0, 2, 0, 4, 0}));
  EXPECT_EQ(sk::arange(3).at(1).set(2.9).to_vector<int>(), Ints({0, 2, 2}));  // in the array's dtype
}

TEST(At, TracedPlacesAndModes) {
  auto set = sk::jit([](sk::Array x, sk::Array i) {
    return std::tuple{x.at(i).set(9), x.at(i).set(9, {.mode = "clip"}), x.at(i).get(), x.at(i).get({.mode = "fill"})};
  });
  auto check = [&](int i, Ints dropped, Ints clipped, int got, int filled) {
    auto [d, c, g, f] = set(sk::arange(3), sk::array(i));
    EXPECT_EQ(d.to_vector<int>(), dropped);
    EXPECT_EQ(c.to_vector<int>(), clipped);
    EXPECT_EQ(g.item<int>(), got);
    EXPECT_EQ(f.item<int>(), filled);
  };
  check(1, {0, 9, 2}, {0, 9, 2}, 1, 1);
  check(-1, {0, 1, 9}, {0, 1, 9}, 2, 2);
  check(3, {0, 1, 2}, {0, 1, 9}, 2, std::numeric_limits<int>::min());
  check(-4, {0, 1, 2}, {9, 1, 2}, 0, std::numeric_limits<int>::min());
  sk::Array filled = (sk::arange(3) * 1.f).at(sk::array({0, 7})).get({.mode = "fill"});
  EXPECT_EQ(filled.to_vector<float>()[0], 0);
  EXPECT_TRUE(std::isnan(filled.to_vector<float>()[1]));
}

TEST(At, ArraysOfPlaces) {
  sk::Array x = counting({3, 4}), i = sk::array({2, 0, 2}), j = sk::array({1, 3, 1});
  using V = Ints;
  EXPECT_EQ(sk::zeros({5}, sk::int32).at(sk::array({1, 1, 4, 9, -1})).add(sk::array({1, 2, 3, 4, 5})).to_vector<int>(), V({0, 3, 0, 0, 8}));
  EXPECT_EQ(sk::zeros({3}, sk::int32).at(sk::array({7, -9, 1})).add(1, {.mode = "clip"}).to_vector<int>(), V({1, 1, 1}));
  EXPECT_EQ(x.at(i).set(sk::array({{1}, {2}, {3}})).to_vector<int>(), V({2, 2, 2, 2, 4, 5, 6, 7, 3, 3, 3, 3}));
  EXPECT_EQ(x.at(sk::all, sk::array({0, 3})).mul(10).to_vector<int>(), V({0, 1, 2, 30, 40, 5, 6, 70, 80, 9, 10, 110}));
  EXPECT_EQ(x.at(i, j).add(100).to_vector<int>(), V({0, 1, 2, 103, 4, 5, 6, 7, 8, 209, 10, 11}));
  EXPECT_EQ(x.at(sk::slice(0, 2), sk::array({0, 0})).max(sk::array({{5, 3}, {1, 9}})).to_vector<int>(), V({5, 1, 2, 3, 9, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(x.at(1, sk::array({3, 1})).min(0).to_vector<int>(), V({0, 1, 2, 3, 4, 0, 6, 0, 8, 9, 10, 11}));
  EXPECT_EQ(sk::jit([](sk::Array a, sk::Array k) { return a.at(k).set(7); })(sk::arange(4), sk::array({{0, 3}})).to_vector<int>(), V({7, 1, 2, 7}));
}

TEST(Index, Errors) {
  sk::Array x = counting({3, 4});
  EXPECT_ERROR(x[3], "index 3", "axis 0", "int32[3,4]");
  EXPECT_ERROR(x(0, -5), "index -5", "axis 1");
  EXPECT_ERROR(x(0, 0, 0), "3 indices", "int32[3,4]");
  EXPECT_ERROR(x(sk::ellipsis, sk::ellipsis), "ellipsis");
  EXPECT_ERROR(x(sk::slice(0, 2, 0)), "step 0");
  EXPECT_ERROR(x[sk::array(1.5f)], "integers", "float32");
  EXPECT_ERROR(x[x > 3], "bool", "sk::where");
  EXPECT_ERROR(sk::zeros({0})[sk::array(0)], "empty");
  EXPECT_ERROR(x.at(5).set(1), "index 5", "at.set");
  EXPECT_ERROR(x.at(0).set(sk::zeros({3})), "float32[3]", "[4]");
  EXPECT_ERROR(x.at(0).set(1, {.mode = "wrap"}), "wrap", "clip");
  EXPECT_ERROR(x.at(sk::array({0, 1})).set(sk::zeros({3})), "float32[3]", "[2,4]");
  EXPECT_ERROR(sk::Array()[0], "empty");
}
