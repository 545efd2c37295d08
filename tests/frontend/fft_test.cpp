// Fourier transforms against NumPy's values, against the plain sum, and their laws; derivatives, batches, shards,
// errors.
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <numbers>
#include <random>

namespace sk = skein;
using sk::Array;
using sk::P;

namespace {

using Complex = std::complex<double>;
using Row = std::vector<Complex>;

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
    EXPECT_NE(text.find("fft_test.cpp"), text.npos) << text;                              \
    for (const char* part : {__VA_ARGS__}) EXPECT_NE(text.find(part), text.npos) << text; \
  } while (0)

Array real_values(const sk::Shape& shape) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.volume(); ++i) values.push_back(static_cast<double>((i * 7 + 3) % 11 - 4) / 2);
  return sk::from_data(values, shape);
}
Array complex_values(const sk::Shape& shape) {
  std::vector<Complex> values;
  for (std::int64_t i = 0; i < shape.volume(); ++i)
    values.emplace_back(static_cast<double>((i * 7 + 3) % 11 - 4) / 2, static_cast<double>((i * 5 + 1) % 7 - 3) / 4);
  return sk::from_data(values, shape);
}
Array random_real(const sk::Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  std::vector<double> values(static_cast<std::size_t>(shape.volume()));
  for (double& v : values) v = draw(engine);
  return sk::from_data(values, shape);
}
Array random_complex(const sk::Shape& shape, unsigned seed) {
  return sk::complex(random_real(shape, seed), random_real(shape, seed + 1000));
}

/// The numbers of an array of any dtype.
Row numbers(const Array& x) {
  if (sk::is_complex(x.dtype())) return sk::astype(x, sk::complex128).to_vector<Complex>();
  const std::vector<double> values = sk::astype(x, sk::float64).to_vector<double>();
  return Row(values.begin(), values.end());
}
double largest(const Row& row) {
  double most = 0;
  for (const Complex& z : row) most = std::max(most, std::abs(z));
  return most;
}
void expect_numbers(const Array& got, const Row& want, double tolerance) {
  const Row have = numbers(got);
  ASSERT_EQ(have.size(), want.size());
  Row difference(have.size());
  for (std::size_t i = 0; i < have.size(); ++i) difference[i] = have[i] - want[i];
  EXPECT_LE(largest(difference), tolerance * std::max(1.0, largest(want))) << got.shape().size() << " dimensions";
}
void expect_same(const Array& got, const Array& want, double tolerance = 1e-12) {
  ASSERT_EQ(got.shape(), want.shape());
  ASSERT_EQ(got.dtype(), want.dtype());
  expect_numbers(got, numbers(want), tolerance);
}
/// `want`: real numbers, or real and imaginary parts in turn.
void expect_values(const Array& got, const sk::Shape& shape, sk::DType dtype, const std::vector<double>& want) {
  EXPECT_EQ(got.shape(), shape);
  EXPECT_EQ(got.dtype(), dtype);
  Row row;
  if (!sk::is_complex(dtype)) row.assign(want.begin(), want.end());
  for (std::size_t i = 0; sk::is_complex(dtype) && i + 1 < want.size(); i += 2) row.emplace_back(want[i], want[i + 1]);
  expect_numbers(got, row, 1e-8);
}

/// The sum that defines the transform, not scaled.
Row plain_sum(const Row& x, int sign) {
  const std::size_t n = x.size();
  Row roots(n), result(n);
  for (std::size_t k = 0; k < n; ++k)
    roots[k] = std::polar(1.0, sign * 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t j = 0; j < n; ++j) result[k] += x[j] * roots[j * k % n];
  return result;
}

TEST(Fft, ValuesOfNumpy) {
  expect_values(sk::fft::fft(complex_values({5})), {5}, sk::complex128,
                {5, -0.5, 2.92007087, -2.151098763, -4.543443849, 1.108220406, -5.355743089, -2.108220406,
                 -0.5208839315, 1.151098763});
  expect_values(sk::fft::fft(real_values({4})), {4}, sk::complex128, {2.5, 0, -1.5, -4, -1.5, 0, -1.5, 4});
  expect_values(sk::fft::fft(complex_values({2, 3}), {.axis = 0}), {2, 3}, sk::complex128,
                {-1.5, -0.75, 5.5, 0, 1.5, 0.75, 0.5, -0.25, 0.5, 1.5, 0.5, -0.25});
  expect_values(sk::fft::fft(complex_values({4}), {.n = 6}), {6}, sk::complex128,
                {2.5, 0.25, 2.366025404, -3.464101615, -3.066987298, -2.982050808, -1.5, -0.75, -3.933012702,
                 0.4820508076, 0.6339745962, 3.464101615});
  expect_values(sk::fft::fft(complex_values({5}), {.n = 3, .norm = "ortho"}), {3}, sk::complex128,
                {2.020725942, 0.2886751346, -1.193375673, -1.577350269, -1.693375673, 0.4226497308});
  expect_values(sk::fft::ifft(complex_values({5})), {5}, sk::complex128,
                {1, -0.1, -0.1041767863, 0.2302197525, -1.071148618, -0.4216440813, -0.9086887698, 0.2216440813,
                 0.5840141739, -0.4302197525});
  expect_values(sk::fft::ifft(complex_values({4}), {.norm = "forward"}), {4}, sk::complex128,
                {2.5, 0.25, -2.5, 3.25, -1.5, -0.75, -0.5, -4.75});
  expect_values(sk::fft::rfft(real_values({5})), {3}, sk::complex128,
                {5, 0, 1.199593469, -1.651098763, -4.949593469, 1.608220406});
  expect_values(sk::fft::rfft(real_values({6})), {4}, sk::complex128,
                {5.5, 0, 0.5, -0.8660254038, -5, -3.464101615, 0.5, 0});
  expect_values(sk::fft::rfft(real_values({3, 2}), {.n = 4, .axis = 0, .norm = "forward"}), {3, 2}, sk::complex128,
                {0.75, 0, 0.625, 0, -0.75, -0.25, 0.625, 0.25, 0.25, 0, 1.125, 0});
  expect_values(sk::fft::irfft(complex_values({4})), {6}, sk::float64,
                {1.083333333, 0.1279915321, -1.061004234, -0.5833333333, -0.7723290994, 0.7053418013});
  expect_values(sk::fft::irfft(complex_values({4}), {.n = 7}), {7}, sk::float64,
                {0.7857142857, 0.4506521955, -0.9314869547, -0.569462521, -0.6344779749, -0.4639538862, 0.8630148556});
  expect_values(sk::fft::irfft(complex_values({4}), {.n = 4, .norm = "ortho"}), {4}, sk::float64,
                {3.25, -1.5, -2.75, 0});
  expect_values(sk::fft::irfft(complex_values({2}), {.n = 5}), {5}, sk::float64,
                {1.1, -0.01449656164, -1.247155969, -0.8944848176, 0.5561373481});
  expect_values(sk::fft::hfft(complex_values({4})), {6}, sk::float64,
                {6.5, 4.232050808, -4.633974596, -3.5, -6.366025404, 0.7679491924});
  expect_values(sk::fft::hfft(complex_values({3}), {.n = 5, .norm = "ortho"}), {5}, sk::float64,
                {3.354101966, 0.6513868955, -1.936398357, -2.299669621, -0.887454873});
  expect_values(sk::fft::ihfft(real_values({6})), {4}, sk::complex128,
                {0.9166666667, 0, 0.08333333333, 0.1443375673, -0.8333333333, 0.5773502692, 0.08333333333, 0});
  expect_values(sk::fft::ihfft(real_values({5}), {.norm = "forward"}), {3}, sk::complex128,
                {5, 0, 1.199593469, 1.651098763, -4.949593469, -1.608220406});
  expect_values(sk::fft::fft2(complex_values({2, 3})), {2, 3}, sk::complex128,
                {5.5, 0, -5.649519053, -4.589101615, -4.350480947, 2.339101615, 1.5, 1, 1.515544457, -0.875,
                 -1.515544457, -0.875});
  expect_values(sk::fft::ifft2(complex_values({3, 2}), {.s = {2, 2}}), {2, 2}, sk::complex128,
                {0.625, 0.0625, -0.375, -0.1875, 0.625, 0.0625, -1.375, -0.4375});
  expect_values(sk::fft::rfft2(real_values({3, 4})), {3, 3}, sk::complex128,
                {5, 0, 1, -1, 1, 0, 1.25, -3.897114317, -2.75, -10.26313972, -2.75, 4.763139721, 1.25, 3.897114317,
                 -2.75, -0.7368602792, -2.75, -4.763139721});
  expect_values(sk::fft::irfft2(complex_values({2, 3})), {2, 4}, sk::float64,
                {1.375, -0.375, -1.375, -0.375, 0.25, -0.375, 0, 0.375});
  expect_values(sk::fft::irfft2(complex_values({2, 3}), {.s = {3, 3}, .axes = {1, 0}}), {3, 3}, sk::float64,
                {0.8333333333, -0.6408832436, -1.025783423, 0.2628917115, -0.4776709006, 0.5257834231, 0.0704416218,
                 0.1408832436, -0.188995766});
  expect_values(sk::fft::fftn(complex_values({2, 2, 3}), {.axes = {2, 0}}), {2, 2, 3}, sk::complex128,
                {4, 0.75,  -5.649519053, -4.589101615, -4.350480947, 2.339101615,
                 1, -1.25, -5.649519053, -2.839101615, -4.350480947, 4.089101615,
                 3, 0.25,  1.515544457,  -0.875,       -1.515544457, -0.875,
                 3, 0.25,  -1.515544457, -0.875,       1.515544457,  -0.875});
  expect_values(sk::fft::fftn(complex_values({2, 2, 2}), {.norm = "ortho"}), {2, 2, 2}, sk::complex128,
                {2.121320344, -0.1767766953, -1.060660172, -0.5303300859, 1.767766953, 0.1767766953, 0, -1.237436867,
                 -0.3535533906, 0.3535533906, 0, 0, 0, 0, -3.889087297, 0});
  expect_values(sk::fft::ifftn(complex_values({2, 2, 2})), {2, 2, 2}, sk::complex128,
                {0.75, -0.0625, -0.375, -0.1875, 0.625, 0.0625, 0, -0.4375, -0.125, 0.125, 0, 0, 0, 0, -1.375, 0});
  expect_values(sk::fft::rfftn(real_values({2, 3, 4}), {.axes = {2, 1}}), {2, 2, 4}, sk::complex128,
                {5,     0,
                 1,     -1,
                 1,     0,
                 1,     1,
                 1.25,  -3.897114317,
                 -2.75, -10.26313972,
                 -2.75, 4.763139721,
                 -2.75, 0.7368602792,
                 8.5,   0,
                 1,     4.5,
                 -4.5,  0,
                 1,     -4.5,
                 4,     0.8660254038,
                 5.5,   0,
                 0,     -9.526279442,
                 5.5,   0});
  expect_values(sk::fft::rfftn(real_values({2, 2, 3}), {.s = {-1, 4}, .axes = {0, 2}}), {2, 2, 3}, sk::complex128,
                {4, 0, -3, -5, -6, 0, 1, 0, -3, -4, -7, 0, 3, 0, 0, -1, 1, 0, 3, 0, 0, -1, 1, 0});
  expect_values(sk::fft::irfftn(complex_values({2, 2, 3}), {.norm = "forward"}), {2, 2, 4}, sk::float64,
                {14, -4.5, -22, -7.5, 4, -2.5, 0, 2.5, 8, -1.5, 0, 1.5, 0, -3.5, 0, 3.5});
  expect_values(sk::fft::irfftn(complex_values({2, 3}), {.s = {2, 5}, .axes = {0, 1}}), {2, 5}, sk::float64,
                {1.25, -0.1409541923, -0.8045551181, -1.089872073, 0.03538138334, 0.25, -0.2559276923, -0.2238884015,
                 0.2238884015, 0.2559276923});
}

TEST(Fft, IsThePlainSum) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t n = 1; n <= 32; ++n) lengths.push_back(n);
  for (std::int64_t n : {97, 128, 1000, 1009}) lengths.push_back(n);  // a prime and a large one: Bluestein's way
  for (std::int64_t n : lengths)
    for (sk::DType dtype : {sk::float32, sk::float64}) {
      SCOPED_TRACE(std::string(sk::name(dtype)) + " of length " + std::to_string(n));
      const double tolerance = dtype == sk::float32 ? 3e-6 : 3e-14;
      const std::int64_t rows = n < 500 ? 5 : 1, half = n / 2 + 1;  // several rows at once, and some left over
      const Array re = sk::astype(random_real({rows, n}, 1), dtype), im = sk::astype(random_real({rows, n}, 2), dtype);
      const Array z = sk::complex(re, im);
      Row forward, backward, kept, whole;
      for (std::int64_t r = 0; r < rows; ++r) {
        const Row one = numbers(z(r)), real = numbers(re(r));
        for (const Complex& v : plain_sum(one, -1)) forward.push_back(v);
        for (const Complex& v : plain_sum(one, 1)) backward.push_back(v / static_cast<double>(n));
        const Row spectrum = plain_sum(real, -1);
        kept.insert(kept.end(), spectrum.begin(), spectrum.begin() + half);
        whole.insert(whole.end(), real.begin(), real.end());
      }
      expect_numbers(sk::fft::fft(z), forward, tolerance);
      expect_numbers(sk::fft::ifft(z), backward, tolerance);
      const Array spectrum = sk::fft::rfft(re);
      EXPECT_EQ(spectrum.shape(), sk::Shape({rows, half}));
      EXPECT_EQ(spectrum.dtype(), dtype == sk::float32 ? sk::complex64 : sk::complex128);
      expect_numbers(spectrum, kept, tolerance);
      const Array back = sk::fft::irfft(spectrum, {.n = n});
      EXPECT_EQ(back.dtype(), dtype);
      expect_numbers(back, whole, tolerance);
    }
}

TEST(Fft, ImaginaryPartsThatCannotBeAreIgnored) {
  // irfft takes the first number, and of even lengths the last one, for real.
  const Array z = complex_values({4});
  for (std::int64_t n : {6, 7}) {
    Row half = numbers(z), full(static_cast<std::size_t>(n));
    half[0] = half[0].real();
    if (n == 6) half[3] = half[3].real();
    for (std::int64_t k = 0; k < n; ++k)
      full[static_cast<std::size_t>(k)] =
          k < 4 ? half[static_cast<std::size_t>(k)] : std::conj(half[static_cast<std::size_t>(n - k)]);
    Row want = plain_sum(full, 1);
    for (Complex& v : want) v /= static_cast<double>(n);
    expect_numbers(sk::fft::irfft(z, {.n = n}), want, 1e-13);
  }
}

TEST(Fft, InverseLaws) {
  for (const char* norm : {"backward", "ortho", "forward"}) {
    SCOPED_TRACE(norm);
    for (std::int64_t n : {1, 2, 7, 12}) {
      const Array z = random_complex({3, n}, 5), x = random_real({3, n}, 6);
      expect_same(sk::fft::ifft(sk::fft::fft(z, {.norm = norm}), {.norm = norm}), z);
      expect_same(sk::fft::irfft(sk::fft::rfft(x, {.norm = norm}), {.n = n, .norm = norm}), x);
      expect_same(sk::fft::hfft(sk::fft::ihfft(x, {.norm = norm}), {.n = n, .norm = norm}), x);
      expect_same(sk::fft::ifft(sk::fft::fft(z, {.axis = 0, .norm = norm}), {.axis = 0, .norm = norm}), z);
    }
    const Array z = random_complex({2, 3, 4, 5}, 7), x = random_real({2, 3, 4, 5}, 8);
    expect_same(sk::fft::ifftn(sk::fft::fftn(z, {.norm = norm}), {.norm = norm}), z);
    expect_same(sk::fft::ifft2(sk::fft::fft2(z, {.axes = {3, 1}, .norm = norm}), {.axes = {3, 1}, .norm = norm}), z);
    expect_same(sk::fft::irfftn(sk::fft::rfftn(x, {.norm = norm}), {.s = x.shape(), .norm = norm}), x);
    expect_same(
        sk::fft::irfft2(sk::fft::rfft2(x, {.axes = {0, 1}, .norm = norm}), {.s = {2, 3}, .axes = {0, 1}, .norm = norm}),
        x);
  }
}

TEST(Fft, ParsevalAndConvolution) {
  const Array z = random_complex({64}, 9), y = sk::fft::fft(z, {.norm = "ortho"});
  auto energy = [](const Array& v) { return sk::sum(sk::square(sk::abs(v))).item<double>(); };
  EXPECT_NEAR(energy(y), energy(z), 1e-12 * energy(z));
  const Array a = random_real({20}, 10), b = random_real({13}, 11);
  const Array product = sk::fft::rfft(a, {.n = 32}) * sk::fft::rfft(b, {.n = 32});
  expect_same(sk::fft::irfft(product), sk::convolve(a, b), 1e-12);
}

TEST(Fft, SeveralDimensionsAreOneAfterAnother) {
  // Large enough for threads: of one array the rows are shared, of many the arrays.
  for (const sk::Shape& shape : {sk::Shape{1, 160, 162}, sk::Shape{40, 24, 27}}) {
    const Array z = random_complex(shape, 12), x = random_real(shape, 13);
    const sk::fft::Options rows{.axis = 2}, columns{.axis = 1};
    expect_same(sk::fft::fft2(z), sk::fft::fft(sk::fft::fft(z, columns), rows));
    expect_same(sk::fft::ifft2(z), sk::fft::ifft(sk::fft::ifft(z, columns), rows));
    expect_same(sk::fft::rfft2(x), sk::fft::fft(sk::fft::rfft(x, rows), columns));
    expect_same(sk::fft::irfft2(sk::fft::rfft2(x), {.s = {-1, shape[2]}}), x);
  }
  const Array z = random_complex({3, 4, 5}, 14);
  expect_same(sk::fft::fftn(z), sk::fft::fft(sk::fft::fft(sk::fft::fft(z, {.axis = 0}), {.axis = 1}), {.axis = 2}));
  expect_same(sk::fft::fftn(z, {.s = {2, 7}}), sk::fft::fftn(z, {.s = {2, 7}, .axes = {1, 2}}));
  expect_same(sk::fft::fftn(z, {.s = {6}, .axes = {0}}), sk::fft::fft(z, {.n = 6, .axis = 0}));
}

TEST(Fft, CropsAndPads) {
  const Array z = random_complex({3, 6}, 15), zeros = sk::zeros({3, 2}, sk::complex128);
  expect_same(sk::fft::fft(z, {.n = 4}), sk::fft::fft(z(sk::all, sk::slice(0, 4))));
  expect_same(sk::fft::ifft(z, {.n = 8}), sk::fft::ifft(sk::concatenate({z, zeros}, {.axis = 1})));
  expect_same(sk::fft::irfft(z, {.n = 5}), sk::fft::irfft(z(sk::all, sk::slice(0, 3)), {.n = 5}));
  expect_same(sk::fft::irfft(z, {.n = 14}), sk::fft::irfft(sk::concatenate({z, zeros}, {.axis = 1})));
}

TEST(Fft, DtypesOfResults) {
  for (sk::DType d :
       {sk::bool_, sk::int8, sk::int64, sk::uint32, sk::float16, sk::bfloat16, sk::float32, sk::complex64}) {
    const Array x = sk::ones({4}, d);
    EXPECT_EQ(sk::fft::fft(x).dtype(), sk::complex64) << d;
    EXPECT_EQ(sk::fft::irfft(x).dtype(), sk::float32) << d;
    EXPECT_EQ(sk::fft::hfft(x).dtype(), sk::float32) << d;
    if (!sk::is_complex(d)) EXPECT_EQ(sk::fft::rfft(x).dtype(), sk::complex64) << d;
    EXPECT_EQ(numbers(sk::fft::fft(x))[0], Complex(4)) << d;
  }
  for (sk::DType d : {sk::float64, sk::complex128}) {
    const Array x = sk::ones({4}, d);
    EXPECT_EQ(sk::fft::ifft(x, {.norm = "ortho"}).dtype(), sk::complex128) << d;
    EXPECT_EQ(sk::fft::irfft(x, {.norm = "forward"}).dtype(), sk::float64) << d;
  }
}

TEST(Fft, EmptyAndSingle) {
  EXPECT_EQ(sk::fft::fft(sk::zeros({0, 4})).shape(), sk::Shape({0, 4}));
  EXPECT_EQ(sk::fft::rfft(sk::zeros({0, 4})).shape(), sk::Shape({0, 3}));
  EXPECT_EQ(sk::fft::irfft(sk::zeros({0, 4})).shape(), sk::Shape({0, 6}));
  EXPECT_EQ(sk::fft::fftn(sk::zeros({2, 0, 3}), {.axes = {0, 2}}).shape(), sk::Shape({2, 0, 3}));
  expect_values(sk::fft::fft(sk::zeros({0}), {.n = 2}), {2}, sk::complex64, {0, 0, 0, 0});
  const Array one = sk::complex(sk::array({3.0}), sk::array({-2.0}));
  expect_same(sk::fft::fft(one), one);
  expect_same(sk::fft::ifft(one), one);
  expect_values(sk::fft::irfft(one, {.n = 1}), {1}, sk::float64, {3});
  expect_values(sk::fft::rfft(sk::array({3.0})), {1}, sk::complex128, {3, 0});
  expect_values(sk::fft::fft2(sk::array({{3.0}})), {1, 1}, sk::complex128, {3, 0});
}

TEST(Fft, Frequencies) {
  expect_values(sk::fft::fftfreq(5, 0.1, sk::float64), {5}, sk::float64, {0, 2, 4, -4, -2});
  expect_values(sk::fft::fftfreq(4), {4}, sk::float32, {0, 0.25, -0.5, -0.25});
  expect_values(sk::fft::fftfreq(1), {1}, sk::float32, {0});
  expect_values(sk::fft::rfftfreq(5, 2.0), {3}, sk::float32, {0, 0.1, 0.2});
  expect_values(sk::fft::rfftfreq(4), {3}, sk::float32, {0, 0.25, 0.5});
  const Array x = sk::reshape(sk::arange(15), {3, 5});
  EXPECT_EQ(sk::fft::fftshift(sk::arange(5)).to_vector<int>(), (std::vector<int>{3, 4, 0, 1, 2}));
  EXPECT_EQ(sk::fft::ifftshift(sk::arange(5)).to_vector<int>(), (std::vector<int>{2, 3, 4, 0, 1}));
  EXPECT_EQ(sk::fft::fftshift(x).to_vector<int>(),
            (std::vector<int>{13, 14, 10, 11, 12, 3, 4, 0, 1, 2, 8, 9, 5, 6, 7}));
  EXPECT_EQ(sk::fft::fftshift(x, {.axes = 0}).to_vector<int>(),
            (std::vector<int>{10, 11, 12, 13, 14, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(sk::fft::ifftshift(sk::fft::fftshift(x, {.axes = {0, -1}}), {.axes = {0, -1}}).to_vector<int>(),
            x.to_vector<int>());
  auto in_a_program = sk::jit([](Array v) { return v * sk::fft::fftfreq(4); });
  expect_values(in_a_program(sk::ones({4})), {4}, sk::float32, {0, 0.25, -0.5, -0.25});
}

// ---- derivatives: functions of real arrays to real arrays ----

struct Case {
  const char* name;
  sk::Shape shape;
  std::function<Array(Array)> f;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

/// x[0] + i x[1]
Array as_complex(const Array& x) { return sk::complex(x(0), x(1)); }
/// Real and imaginary part, stacked.
Array parts(const Array& z) { return sk::stack({sk::real(z), sk::imag(z)}); }

std::vector<Case> cases() {
  return {
      {"fft", {2, 5}, [](Array x) { return parts(sk::fft::fft(as_complex(x))); }},
      {"ifft", {2, 6}, [](Array x) { return parts(sk::fft::ifft(as_complex(x))); }},
      {"rfft_odd", {7}, [](Array x) { return parts(sk::fft::rfft(x)); }},
      {"rfft_even", {6}, [](Array x) { return parts(sk::fft::rfft(x)); }},
      {"rfft_of_one", {1}, [](Array x) { return parts(sk::fft::rfft(x)); }},
      {"rfft_of_two", {2}, [](Array x) { return parts(sk::fft::rfft(x)); }},
      {"irfft_odd", {2, 4}, [](Array x) { return sk::fft::irfft(as_complex(x), {.n = 7}); }},
      {"irfft_even", {2, 4}, [](Array x) { return sk::fft::irfft(as_complex(x)); }},
      {"irfft_of_one", {2, 1}, [](Array x) { return sk::fft::irfft(as_complex(x), {.n = 1}); }},
      {"hfft", {2, 4}, [](Array x) { return sk::fft::hfft(as_complex(x), {.norm = "ortho"}); }},
      {"ihfft", {6}, [](Array x) { return parts(sk::fft::ihfft(x)); }},
      {"fft2", {2, 3, 4}, [](Array x) { return parts(sk::fft::fft2(as_complex(x), {.norm = "ortho"})); }},
      {"ifftn",
       {2, 2, 3},
       [](Array x) {
         return parts(sk::fft::ifftn(as_complex(x), {.axes = {1, 0}, .norm = "forward"}));
       }},
      {"rfft2", {3, 4}, [](Array x) { return parts(sk::fft::rfft2(x)); }},
      {"rfftn",
       {2, 3, 5},
       [](Array x) {
         return parts(sk::fft::rfftn(x, {.axes = {2, 0, 1}}));
       }},
      {"irfft2", {2, 3, 3}, [](Array x) { return sk::fft::irfft2(as_complex(x)); }},
      {"irfftn",
       {2, 2, 3, 2},
       [](Array x) {
         return sk::fft::irfftn(as_complex(x), {.s = {2, 3, 3}, .axes = {0, 1, 2}});
       }},
      {"padded", {4}, [](Array x) { return parts(sk::fft::rfft(x, {.n = 7})); }},
      {"cropped", {2, 6}, [](Array x) { return sk::fft::irfft(as_complex(x), {.n = 6, .norm = "forward"}); }},
      {"axis", {4, 3}, [](Array x) { return parts(sk::fft::rfft(x, {.axis = 0})); }},
      {"spectrum", {8}, [](Array x) { return sk::square(sk::abs(sk::fft::fft(x) + 1.0)); }},
      {"filter", {8}, [](Array x) { return sk::fft::irfft(sk::fft::rfft(x * x) * sk::fft::rfft(sk::sin(x))); }},
      {"shifted", {5}, [](Array x) { return sk::fft::fftshift(x * x) * sk::fft::ifftshift(x); }},
  };
}

double pairing(const Array& a, const Array& b) { return sk::sum(a * b).item<double>(); }

class FftDerivative : public testing::TestWithParam<Case> {};

TEST_P(FftDerivative, AgreesWithDifferences) {
  const Case& c = GetParam();
  const Array x = random_real(c.shape, 21), dx = random_real(c.shape, 22);
  auto [y, dy] = sk::jvp(c.f, std::tuple{x}, std::tuple{dx});
  const double h = 1e-5;
  expect_same(y, c.f(x));
  expect_same(dy, (c.f(x + h * dx) - c.f(x - h * dx)) / (2 * h), 1e-7);
}

TEST_P(FftDerivative, ReverseAgreesWithForward) {
  const Case& c = GetParam();
  const Array x = random_real(c.shape, 23), dx = random_real(c.shape, 24);
  auto [y, dy] = sk::jvp(c.f, std::tuple{x}, std::tuple{dx});
  const Array ct = random_real(y.shape(), 25);
  auto [value, pull] = sk::vjp(c.f, std::tuple{x});
  auto [pulled] = pull(ct);
  ASSERT_EQ(pulled.shape(), x.shape());
  const double forward = pairing(ct, dy);
  EXPECT_NEAR(pairing(pulled, dx), forward, 1e-10 * (1 + std::abs(forward)));
}

TEST_P(FftDerivative, OfADerivative) {
  const Case& c = GetParam();
  auto scalar = [&](Array x) { return sk::sum(sk::sin(c.f(x))); };
  const Array x = random_real(c.shape, 26), dx = random_real(c.shape, 27);
  auto gradient = sk::grad(scalar);
  auto [g, dg] = sk::jvp(gradient, std::tuple{x}, std::tuple{dx});
  auto along = [&](Array v) { return sk::sum(gradient(v) * dx); };
  expect_same(sk::grad(along)(x), dg, 1e-9);
}

TEST_P(FftDerivative, BatchedIsALoop) {
  const Case& c = GetParam();
  auto scalar = [&](Array x) { return sk::sum(sk::sin(c.f(x))); };
  std::vector<Array> examples, values, gradients;
  for (unsigned k = 0; k < 3; ++k) {
    examples.push_back(random_real(c.shape, 30 + k));
    values.push_back(c.f(examples.back()));
    gradients.push_back(sk::grad(scalar)(examples.back()));
  }
  const Array batch = sk::stack(examples);
  expect_same(sk::vmap(c.f)(batch), sk::stack(values));
  expect_same(sk::vmap(sk::grad(scalar))(batch), sk::stack(gradients), 1e-10);
}

INSTANTIATE_TEST_SUITE_P(Ops, FftDerivative, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Fft, GradientOfTheEnergy) {
  const Array x = random_real({9}, 41);  // sum |X|^2 = n sum x^2
  auto energy = [](Array v) { return sk::sum(sk::square(sk::abs(sk::fft::fft(v)))); };
  expect_same(sk::grad(energy)(x), 18.0 * x);
}

TEST(Fft, VmapAxes) {
  const Array z = random_complex({4, 3, 5}, 42);
  auto f = [](Array v) { return sk::fft::fft(v, {.axis = 0}); };
  expect_same(sk::vmap(f, {.in_axes = {1}, .out_axes = 1})(z), sk::fft::fft(z, {.axis = 0}));
}

TEST(Fft, InsideShardMap) {
  auto mesh = sk::make_mesh({4}, {"i"});
  const Array z = random_complex({8, 12}, 43), x = random_real({8, 12}, 44);
  auto rows =
      sk::shard_map([](Array v) { return sk::fft::rfft(v); }, mesh, {.in_specs = {P("i")}, .out_specs = {P("i")}});
  expect_same(sk::jit(rows)(x), sk::fft::rfft(x));
  // Over both dimensions of a matrix whose rows are split: rows, then columns, with an exchange between.
  auto both = sk::shard_map(
      [](Array v) {
        Array by_column = sk::all_to_all(sk::fft::fft(v), "i", {.tiled = true, .split_axis = 1, .concat_axis = 0});
        return sk::fft::fft(by_column, {.axis = 0});
      },
      mesh, {.in_specs = {P("i")}, .out_specs = {P(sk::none, "i")}});
  expect_same(sk::jit(both)(z), sk::fft::fft2(z));
  auto energy = sk::shard_map([](Array v) { return sk::psum(sk::sum(sk::square(sk::abs(sk::fft::rfft(v)))), "i"); },
                              mesh, {.in_specs = {P("i")}, .out_specs = {P()}});
  auto whole = [](Array v) { return sk::sum(sk::square(sk::abs(sk::fft::rfft(v)))); };
  expect_same(sk::grad([&](Array v) { return energy(v); })(x), sk::grad(whole)(x));
}

TEST(Fft, Errors) {
  const Array x = sk::ones({3, 4}), z = complex_values({4});
  EXPECT_ERROR(sk::fft::fft(1.0), "fft", "one dimension or more");
  EXPECT_ERROR(sk::fft::fft(x, {.axis = 2}), "fft", "float32[3,4]");
  EXPECT_ERROR(sk::fft::fft(x, {.n = 0}), "1 or more, not 0");
  EXPECT_ERROR(sk::fft::fft(sk::zeros({0})), "1 or more, not 0");
  EXPECT_ERROR(sk::fft::irfft(sk::ones({1})), "irfft", "1 or more, not 0");
  EXPECT_ERROR(sk::fft::ifft(x, {.norm = "orthogonal"}), "ifft", "\"ortho\"", "orthogonal");
  EXPECT_ERROR(sk::fft::rfft(z), "rfft", "real numbers", "complex128[4]");
  EXPECT_ERROR(sk::fft::ihfft(z), "ihfft", "real numbers");
  EXPECT_ERROR(sk::fft::fft2(z), "fft2");
  EXPECT_ERROR(sk::fft::fftn(x, {.axes = {0, -2}}), "fftn", "named twice");
  EXPECT_ERROR(sk::fft::rfftn(x, {.s = {2, 2}, .axes = {0}}), "rfftn", "2 sizes and 1 axes");
  EXPECT_ERROR(sk::fft::irfftn(x, {.s = {2, 2, 2}}), "irfftn", "float32[3,4]");
  EXPECT_ERROR(sk::fft::fftfreq(0), "fftfreq", "not 0");
  EXPECT_ERROR(sk::fft::rfftfreq(4, 0), "rfftfreq", "not 0");
  EXPECT_ERROR(sk::fft::fftfreq(4, 1, sk::int32), "fftfreq", "int32");
  EXPECT_ERROR(sk::fft::fftshift(x, {.axes = 3}), "fftshift");
  EXPECT_ERROR(sk::jit([](Array v) { return sk::fft::rfft(v); })(z), "rfft", "real numbers");
}

}  // namespace
