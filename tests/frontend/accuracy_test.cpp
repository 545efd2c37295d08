// Sums against NumPy's: at least as exact as pairwise summation, whatever the length, the axis and the data.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

namespace sk = skein;

namespace {

/// numpy's pairwise_sum (umath/loops_utils.h.src): eight accumulators up to 128 elements, halves beyond.
template <class T>
T pairwise(const T* x, std::int64_t n) {
  if (n < 8) return std::accumulate(x, x + n, T(0));
  if (n <= 128) {
    T r[8];
    std::copy(x, x + 8, r);
    std::int64_t i = 8;
    for (; i + 8 <= n; i += 8)
      for (int k = 0; k < 8; ++k) r[k] += x[i + k];
    T sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += x[i];
    return sum;
  }
  std::int64_t half = n / 2 - n / 2 % 8;
  return pairwise(x, half) + pairwise(x + half, n - half);
}

struct Errors {
  double rounded = 0;             // the most that sums are off which are only rounded once
  double ours = 0, pairwise = 0;  // sums of the rows' errors, each by the sum of its absolute values
};

using Draw = std::function<double(std::mt19937&)>;
const std::pair<const char*, Draw> distributions[] = {
    {"uniform", [](std::mt19937& g) { return std::uniform_real_distribution<double>(0, 1)(g); }},
    {"normal", [](std::mt19937& g) { return std::normal_distribution<double>(0, 1)(g); }},
    {"shifted", [](std::mt19937& g) { return std::normal_distribution<double>(1000, 1)(g); }},
    {"of many sizes", [](std::mt19937& g) { return std::exp(std::normal_distribution<double>(0, 6)(g)); }},
};

long double magnitude(long double x) { return x < 0 ? -x : x; }

/// Rows of n numbers summed by us (rows x n along axis 1, or stood on end and summed along axis 0) and pairwise.
template <class T>
Errors measure(const Draw& draw, std::int64_t rows, std::int64_t n, int axis, std::mt19937& g) {
  std::vector<T> data(static_cast<std::size_t>(rows * n));
  for (T& x : data) x = static_cast<T>(draw(g));
  sk::Array x = sk::from_data(data, {rows, n});
  auto sums = sk::sum(axis == 0 ? sk::block_until_ready(sk::transpose(x)) : x, {.axis = axis}).to_vector<T>();
  Errors errors;
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* row = data.data() + r * n;
    long double exact = 0, size = 0;
    for (std::int64_t i = 0; i < n; ++i) exact += row[i], size += magnitude(row[i]);
    errors.rounded += static_cast<double>(std::numeric_limits<T>::epsilon() / 2 * magnitude(exact) / size);
    errors.ours += static_cast<double>(magnitude(sums[static_cast<std::size_t>(r)] - exact) / size);
    errors.pairwise += static_cast<double>(magnitude(pairwise(row, n) - exact) / size);
  }
  return errors;
}

TEST(Accuracy, SumsAreAtLeastAsExactAsPairwiseSums) {
  std::mt19937 g(1);
  for (const auto& [name, draw] : distributions)
    for (std::int64_t n : {7, 64, 100, 1000, 4096, 10007, 100000, 1000003}) {
      std::int64_t rows = n >= 100000 ? 5 : 300;
      for (int axis : {0, 1}) {
        Errors single = measure<float>(draw, rows, n, axis, g), twice = measure<double>(draw, rows, n, axis, g);
        EXPECT_LE(single.ours, std::max(single.pairwise * 1.05, single.rounded))
            << n << " " << name << " float32 along axis " << axis;
        EXPECT_LE(twice.ours, std::max(twice.pairwise * 1.05, twice.rounded))
            << n << " " << name << " float64 along axis " << axis;
      }
    }
}

TEST(Accuracy, LongSumsAreRoundedOnce) {
  // Added up one by one in float32 these stop at 2^24; in pairs they are off by many units.
  std::int64_t n = 50'000'000;
  EXPECT_EQ(sk::sum(sk::full({n}, 0.1f)).item<float>(),
            static_cast<float>(static_cast<double>(n) * static_cast<double>(0.1f)));
  EXPECT_EQ(sk::sum(sk::ones({100, 1 << 18})).item<float>(), 26214400.f);
}

}  // namespace
