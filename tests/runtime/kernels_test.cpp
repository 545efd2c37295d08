// Matrix products and sorts, called as compiled code calls them.

#include "runtime/cpu/blas.h"
#include "runtime/executable.h"

#include <skein/base/dtype.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace skein::runtime {
namespace {

// Runs a function as the entry of a program.
void as_program(const std::function<void(skein_context*)>& body) {
  Executable executable;
  executable.may_fail = true;
  executable.entry = [](skein_context* context, void* const* buffers, char*) {
    (*static_cast<const std::function<void(skein_context*)>*>(buffers[0]))(context);
  };
  void* buffers[] = {const_cast<std::function<void(skein_context*)>*>(&body)};
  run(executable, buffers);
}

template <class T>
void check_product(std::int64_t batch, std::int64_t m, std::int64_t n, std::int64_t k, bool ta, bool tb) {
  std::mt19937 random(1);
  auto size = [](std::int64_t x) { return static_cast<std::size_t>(x); };
  std::vector<T> a(size(batch * m * k)), b(size(batch * k * n)), c(size(batch * m * n), T(99));
  for (auto* v : {&a, &b})
    for (T& x : *v) x = T(static_cast<float>(static_cast<int>(random() % 9) - 4));
  skein_matmul shape{
      static_cast<std::int32_t>(dtype_of<T>()), ta, tb, batch, m, n, k, ta ? m : k, tb ? k : n, n, m * k, k * n, m * n};
  as_program([&](skein_context* context) { skein_matmul_run(context, &shape, a.data(), b.data(), c.data()); });
  for (int probe = 0; probe < 500 && !c.empty(); ++probe) {
    auto at = static_cast<std::int64_t>(random() % c.size()), s = at / (m * n), i = at / n % m, j = at % n;
    T want{};
    for (std::int64_t l = 0; l < k; ++l)
      want += a[size(s * m * k + (ta ? l * m + i : i * k + l))] * b[size(s * k * n + (tb ? j * k + l : l * n + j))];
    ASSERT_EQ(c[size(at)], want) << batch << " " << m << " " << n << " " << k << " " << ta << tb;
  }
}

TEST(Matmul, ShapesTransposesAndTypes) {
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      check_product<float>(1, 200, 300, 100, ta, tb);
      check_product<double>(3, 128, 97, 65, ta, tb);
      check_product<float>(7, 5, 3, 2, ta, tb);
      check_product<std::complex<float>>(1, 33, 17, 9, ta, tb);
      check_product<std::complex<double>>(2, 120, 120, 120, ta, tb);
    }
  check_product<float>(1, 1, 5000, 300, false, false);
  check_product<float>(1, 5000, 1, 300, false, false);
  check_product<float>(1, 3, 4, 0, false, false);
  check_product<float>(2, 0, 4, 5, false, false);
  EXPECT_FALSE(cpu::blas_description().empty());
}

template <class T>
void check_sort(DType dtype, std::int64_t rows, std::int64_t length, const std::function<T()>& value,
                const std::function<bool(T, T)>& less) {
  std::vector<T> keys(static_cast<std::size_t>(rows * length));
  std::generate(keys.begin(), keys.end(), value);
  std::vector<std::int32_t> index(keys.size());
  for (std::int64_t r = 0; r < rows; ++r) std::iota(index.begin() + r * length, index.begin() + (r + 1) * length, 0);
  std::vector<std::complex<double>> wide(keys.size());
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] = index[i];
  std::vector<T> original = keys, plain = keys;
  std::vector<std::int32_t> want = index;
  for (std::int64_t r = 0; r < rows; ++r)
    std::sort(want.begin() + r * length, want.begin() + (r + 1) * length, [&](int a, int b) {
      const T &x = original[static_cast<std::size_t>(r * length + a)],
              &y = original[static_cast<std::size_t>(r * length + b)];
      return less(x, y) || (!less(y, x) && a < b);
    });
  const std::int32_t bytes[] = {4, 16};
  void* payloads[] = {index.data(), wide.data()};
  as_program([&](skein_context* context) {
    skein_sort(context, static_cast<std::int32_t>(dtype), rows, length, keys.data(), 2, bytes, payloads);
    skein_sort(context, static_cast<std::int32_t>(dtype), rows, length, plain.data(), 0, nullptr, nullptr);
  });
  EXPECT_EQ(index, want) << name(dtype) << " " << rows << " x " << length;
  for (std::int64_t i = 0; i < rows * length; ++i) {
    auto at = static_cast<std::size_t>(i), from = static_cast<std::size_t>(i / length * length + want[at]);
    ASSERT_EQ(std::memcmp(&keys[at], &original[from], sizeof(T)), 0) << name(dtype) << " at " << i;
    ASSERT_EQ(std::memcmp(&plain[at], &keys[at], sizeof(T)), 0) << name(dtype) << " alone at " << i;
    ASSERT_EQ(wide[at].real(), want[at]);
  }
}

TEST(Sort, StableWithPayloads) {
  std::mt19937_64 random(7);
  auto nan_last = [](auto a, auto b) { return std::isnan(b) ? !std::isnan(a) : a < b; };
  for (auto [rows, length] : {std::pair{1, 0}, {1, 1}, {3, 10}, {1, 1000}, {50, 700}, {1, 100000}, {3, 70001}, {1, 300001}}) {
    check_sort<float>(
        float32, rows, length,
        [&] {
          int which = static_cast<int>(random() % 20);
          return which == 0   ? std::numeric_limits<float>::quiet_NaN()
                 : which == 1 ? -0.0f
                 : which == 2 ? 0.0f
                 : which == 3 ? -std::numeric_limits<float>::infinity()
                              : static_cast<float>(static_cast<int>(random() % 200) - 100) / 8;
        },
        nan_last);
    check_sort<double>(
        float64, rows, length,
        [&] { return std::ldexp(static_cast<double>(random() % 1000) - 500, static_cast<int>(random() % 40)); },
        nan_last);
    check_sort<std::int32_t>(
        int32, rows, length, [&] { return static_cast<std::int32_t>(random()); }, std::less<>());
    check_sort<std::uint64_t>(
        uint64, rows, length, [&] { return random(); }, std::less<>());
    check_sort<std::int8_t>(
        int8, rows, length, [&] { return static_cast<std::int8_t>(random()); }, std::less<>());
    check_sort<std::uint16_t>(
        uint16, rows, length, [&] { return static_cast<std::uint16_t>(random()); }, std::less<>());
    check_sort<std::complex<float>>(
        complex64, rows, length,
        [&] { return std::complex<float>(static_cast<float>(random() % 5), static_cast<float>(random() % 5)); },
        [](auto a, auto b) { return a.real() != b.real() ? a.real() < b.real() : a.imag() < b.imag(); });
  }
}

}  // namespace
}  // namespace skein::runtime
