// Printed arrays are NumPy's text; pictures of shardings name the devices.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace sk = skein;

namespace {

template <class T>
std::string text(const T& v) {
  std::ostringstream s;
  s << v;
  return s.str();
}
constexpr double inf = std::numeric_limits<double>::infinity();

}  // namespace

TEST(Print, Scalars) {
  EXPECT_EQ(text(sk::array(3)), "3");
  EXPECT_EQ(text(sk::array(true)), "True");
  EXPECT_EQ(text(sk::array(0.1f)), "0.1");
  EXPECT_EQ(text(sk::array(2.0)), "2.0");
  EXPECT_EQ(text(sk::array(1e20)), "1e+20");
  EXPECT_EQ(text(sk::array(1.5e6f)), "1.5e+06");
  EXPECT_EQ(text(sk::array(-inf)), "-inf");
  EXPECT_EQ(text(sk::array(std::complex<double>(1, -2.5))), "(1-2.5j)");
  EXPECT_EQ(text(sk::Array()), "an empty Array");
}

TEST(Print, Arrays) {
  EXPECT_EQ(text(sk::arange(3)), "[0 1 2]");
  EXPECT_EQ(text(sk::array({{1, -20}, {300, 4}})), "[[  1 -20]\n [300   4]]");
  EXPECT_EQ(text(sk::array({1.f, 2.5f, -3.25f})), "[ 1.    2.5  -3.25]");
  EXPECT_EQ(text(sk::array({1.0, 1e-10, 1e10})), "[1.e+00 1.e-10 1.e+10]");
  EXPECT_EQ(text(sk::array({1.0, std::nan(""), -inf})), "[  1.  nan -inf]");
  EXPECT_EQ(text(sk::array({1.f / 3, 2.f / 3})), "[0.33333334 0.6666667 ]");
  EXPECT_EQ(text(sk::array({true, false})), "[ True False]");
  EXPECT_EQ(text(sk::astype(sk::array({0.1f, 1.5f}), sk::float16)), "[0.1 1.5]");
  EXPECT_EQ(text(sk::astype(sk::array({0.1f, 1.5f}), sk::bfloat16)), "[0.1 1.5]");
  EXPECT_EQ(text(sk::array({std::complex<float>(1, 2), std::complex<float>(-1.5, 0)})), "[ 1. +2.j -1.5+0.j]");
  EXPECT_EQ(text(sk::zeros({0, 3})), "[]");
  EXPECT_EQ(text(sk::zeros({2, 2, 2})), "[[[0. 0.]\n  [0. 0.]]\n\n [[0. 0.]\n  [0. 0.]]]");
}

TEST(Print, LongLinesAndLargeArrays) {
  EXPECT_EQ(text(sk::arange(30)),
            "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]");
  EXPECT_EQ(text(sk::arange(1001)), "[   0    1    2 ...  998  999 1000]");
  EXPECT_EQ(text(sk::reshape(sk::arange(2000), {1000, 2})),
            "[[   0    1]\n [   2    3]\n [   4    5]\n ...\n [1994 1995]\n [1996 1997]\n [1998 1999]]");
}

TEST(Print, TypesAndShardings) {
  EXPECT_EQ(text(sk::type_of(sk::zeros({2, 3}))), "float32[2,3]");
  EXPECT_EQ(text(sk::Shape({2, 3})), "[2,3]");
  std::string inside;
  sk::jit([&](sk::Array x) {
    inside = text(x);
    return x;
  })(sk::zeros({2}));
  EXPECT_EQ(inside, "traced float32[2]");
}

TEST(Picture, Shardings) {
  auto mesh = sk::make_mesh({4}, {"gpus"});
  auto split = [&](const sk::Shape& shape, sk::PartitionSpec spec, const sk::Mesh& over) {
    return sk::jit(sk::shard_map([](sk::Array a) { return a + 1; }, over, {.in_specs = {spec}, .out_specs = {spec}}))(sk::zeros(shape));
  };
  EXPECT_EQ(text(sk::visualize_array_sharding(split({8}, sk::P("gpus"), mesh))),
            "┌───────┬───────┬───────┬───────┐\n"
            "│ CPU 0 │ CPU 1 │ CPU 2 │ CPU 3 │\n"
            "└───────┴───────┴───────┴───────┘\n");
  EXPECT_EQ(text(sk::visualize_array_sharding(split({8, 2}, sk::P("gpus"), mesh))),
            "┌───────┐\n│ CPU 0 │\n├───────┤\n│ CPU 1 │\n├───────┤\n│ CPU 2 │\n├───────┤\n│ CPU 3 │\n└───────┘\n");
  auto grid = sk::make_mesh({2, 2}, {"nodes", "gpus"});
  EXPECT_EQ(text(sk::visualize_array_sharding(split({4, 4}, sk::P("nodes", "gpus"), grid))),
            "┌───────┬───────┐\n│ CPU 0 │ CPU 1 │\n├───────┼───────┤\n│ CPU 2 │ CPU 3 │\n└───────┴───────┘\n");
  EXPECT_EQ(text(sk::visualize_array_sharding(split({4, 4}, sk::P("nodes"), grid))),
            "┌─────────┐\n│ CPU 0,1 │\n├─────────┤\n│ CPU 2,3 │\n└─────────┘\n");
  EXPECT_EQ(text(sk::visualize_array_sharding(sk::zeros({3}))), "┌───────┐\n│ CPU 0 │\n└───────┘\n");
  // More than two dimensions: the one that is split is shown.
  EXPECT_EQ(text(sk::visualize_array_sharding(split({4, 10, 3}, sk::P("gpus"), mesh))), text(sk::visualize_array_sharding(split({4, 2}, sk::P("gpus"), mesh))));
  std::string svg = sk::visualize_array_sharding(split({8}, sk::P("gpus"), mesh)).svg();
  EXPECT_EQ(svg.find("<svg "), 0u);
  EXPECT_NE(svg.find("CPU 3"), svg.npos);
}

TEST(Picture, OfATracedArrayIsAnError) {
  auto f = sk::jit([](sk::Array x) {
    sk::visualize_array_sharding(x);
    return x;
  });
  EXPECT_THROW(f(sk::zeros({2})), sk::UserError);
}
