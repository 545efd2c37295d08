// Text of arrays, against what NumPy 2 prints.

#include "runtime/print.h"

#include <gtest/gtest.h>

#include <complex>
#include <limits>
#include <vector>

namespace skein::runtime {
namespace {

template <class T>
std::string text(std::vector<std::int64_t> shape, std::vector<T> values) {
  return format_array(dtype_of<T>(), shape, values.data());
}

TEST(Print, Scalars) {
  EXPECT_EQ(text<float>({}, {0.1f}), "0.1");
  EXPECT_EQ(text<float>({}, {3}), "3.0");
  EXPECT_EQ(text<double>({}, {1e-5}), "1e-05");
  EXPECT_EQ(text<int>({}, {-7}), "-7");
  std::uint8_t yes = 1;
  EXPECT_EQ(format_array(bool_, {}, &yes), "True");
  EXPECT_EQ(text<std::complex<float>>({}, {{1, -2}}), "(1-2j)");
}

TEST(Print, Vectors) {
  EXPECT_EQ(text<float>({3}, {1, 2.5, -3}), "[ 1.   2.5 -3. ]");
  EXPECT_EQ(text<int>({3}, {1, -20, 300}), "[  1 -20 300]");
  EXPECT_EQ(text<double>({2}, {1e10, 1}), "[1.e+10 1.e+00]");
  EXPECT_EQ(text<double>({2}, {1.5e-5, 1e10}), "[1.5e-05 1.0e+10]");
  EXPECT_EQ(text<float>({3}, {1, std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}),
            "[  1.  nan -inf]");
  EXPECT_EQ(text<float>({0}, {}), "[]");
  EXPECT_EQ(text<double>({2}, {1.0 / 3, 2}), "[0.33333333 2.        ]");
}

TEST(Print, Matrices) {
  EXPECT_EQ(text<float>({2, 2}, {1, 2, 3, 4}), "[[1. 2.]\n [3. 4.]]");
  EXPECT_EQ(text<int>({2, 1, 2}, {1, 2, 3, 4}), "[[[1 2]]\n\n [[3 4]]]");
}

TEST(Print, LongOnesAreWrappedAndSummarised) {
  std::vector<int> values(30);
  for (int i = 0; i < 30; ++i) values[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(text<int>({30}, values),
            "[ 0  1  2  3  4  5  6  7  8  9 10 11 12 13 14 15 16 17 18 19 20 21 22 23\n 24 25 26 27 28 29]");
  std::vector<int> many(2000);
  for (int i = 0; i < 2000; ++i) many[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(text<int>({2000}, many), "[   0    1    2 ... 1997 1998 1999]");
}

TEST(Print, Messages) {
  float x = 0.5f;
  int rank = 3;
  const std::int32_t dtypes[] = {static_cast<std::int32_t>(DType::int32), static_cast<std::int32_t>(DType::float32)},
                     ranks[] = {0, 0};
  const std::int64_t* shapes[] = {nullptr, nullptr};
  skein_message message{"rank {}: {{x}}={}", 2, dtypes, ranks, shapes, {"print", "f.cpp", 1}};
  const void* operands[] = {&rank, &x};
  EXPECT_EQ(format_message(message, operands), "rank 3: {x}=0.5");
}

}  // namespace
}  // namespace skein::runtime
