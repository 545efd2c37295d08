// Elementary functions against exact values, and vectors against scalars.
//
// SKEIN_EXHAUSTIVE=1 tests every float32; SKEIN_MATH_SPEED=1 prints a table of speeds; SKEIN_MATH_ONLY=sin,cos picks.
#include <gtest/gtest.h>

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>

#include "tests/compiler/math_jit.h"
#include "tests/compiler/math_reference.h"

namespace skein::test {
namespace {

template <typename T>
struct Arguments {
  std::vector<T> x, y, z;
  void add(T a, T b = 0, T c = 0) { x.push_back(a), y.push_back(b), z.push_back(c); }
};

template <typename T>
std::vector<T> specialValues() {
  using L = std::numeric_limits<T>;
  std::vector<T> values = {0,
                           L::denorm_min(),
                           3 * L::denorm_min(),
                           L::min() / 4,
                           std::nextafter(L::min(), T(0)),
                           L::min(),
                           4 * L::min(),
                           L::epsilon(),
                           T(1e-3),
                           T(0.25),
                           T(0.5),
                           T(0.75),
                           T(1),
                           T(1.5),
                           T(2),
                           T(2.5),
                           T(3),
                           T(4),
                           T(10),
                           T(88.7),
                           T(M_PI_4),
                           T(M_PI_2),
                           T(M_PI),
                           T(1e3),
                           T(65537),
                           T(131072),
                           T(1e7),
                           T(16777216),
                           T(1e10),
                           T(1e22),
                           L::max() / 2,
                           std::nextafter(L::max(), T(0)),
                           L::max(),
                           L::infinity(),
                           L::quiet_NaN()};
  for (size_t i = 0, n = values.size(); i < n; ++i) values.push_back(-values[i]);
  for (size_t i = 0, n = values.size(); i < n; ++i)
    for (T towards : {-L::infinity(), L::infinity()}) values.push_back(std::nextafter(values[i], towards));
  return values;
}

template <typename T>
T fromBits(uint64_t bits) {
  if constexpr (sizeof(T) == 4)
    return std::bit_cast<float>(uint32_t(bits));
  else
    return std::bit_cast<double>(bits);
}

template <typename T>
void addSpecial(const Reference& f, Arguments<T>& to) {
  auto special = specialValues<T>();
  if (f.operands == 1) {
    for (T value : special) to.add(value);
    for (int exponent = 0; exponent < (sizeof(T) == 4 ? 256 : 2048); ++exponent)
      for (int offset = -3; offset < 4; ++offset)
        for (uint64_t sign : {0, 1}) {
          int width = sizeof(T) * 8;
          to.add(fromBits<T>((uint64_t(exponent) << (sizeof(T) == 4 ? 23 : 52)) + offset ^ sign << (width - 1)));
        }
    // Zeros and poles of the periodic functions.
    for (int i = 1; i < 3000; ++i)
      for (T sign : {-1, 1}) to.add(T(sign * i * M_PI_2));
  } else {
    for (T a : special)
      for (T b : special) to.add(a, b, T(0.5));
  }
}

template <typename T>
void addRandom(const Reference& f, Arguments<T>& to, int count) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> inside(f.low, f.high), unit(-1, 1), wide(-800, 800);
  for (int i = 0; i < count; ++i) {
    to.add(T(inside(random)), T(inside(random)), T(unit(random)));
    to.add(T(unit(random)), T(wide(random)), T(unit(random)));
    to.add(T(wide(random)), T(unit(random)), T(wide(random)));
    to.add(fromBits<T>(random()), fromBits<T>(random()), fromBits<T>(random()));
    if (f.operands > 1) {
      T x = T(std::exp(wide(random) / 10));  // pow: results over the whole range
      to.add(x, T(wide(random) * (sizeof(T) == 4 ? 0.13 : 1) / std::log(x)), T(0));
      to.add(T(1 + unit(random) * 1e-3), T(wide(random) * 100), T(0));
    }
  }
}

bool picked(const std::string& name) {
  const char* only = std::getenv("SKEIN_MATH_ONLY");
  if (!only) return true;
  std::stringstream names(only);
  for (std::string item; std::getline(names, item, ',');)
    if (item == name) return true;
  return false;
}

struct Worst {
  double error = 0, x = 0, y = 0, got = 0;
  int64_t tooMany = 0;
};

template <typename T>
void check(const Reference& f, const CompiledFunction& code, const Arguments<T>& in, std::vector<T>& out,
           double allowed, Worst& worst) {
  out.resize(in.x.size());
  code(in.x.data(), in.y.data(), in.z.data(), out.data(), int64_t(out.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    double error = errorOf(f, out[i], in.x[i], in.y[i], in.z[i]);
    if (error > worst.error) worst = {error, in.x[i], in.y[i], out[i], worst.tooMany};
    if (error > allowed && ++worst.tooMany < 4)
      ADD_FAILURE() << f.name << (sizeof(T) == 4 ? "f32" : "f64") << std::hexfloat << " (" << in.x[i] << ", " << in.y[i]
                    << ", " << in.z[i] << ") = " << out[i] << std::defaultfloat << " is off by " << error << " units";
  }
}

template <typename T>
class MathTest : public testing::TestWithParam<Reference> {
 protected:
  static constexpr bool isDouble = sizeof(T) == 8;
  static constexpr int width = isDouble ? 16 : 64;

  void compare(Arguments<T> in) {
    const Reference& f = GetParam();
    while (in.x.size() % width) in.add(1, 1, 1);
    double allowed = isDouble ? f.allowed64 : f.allowed32;
    Worst worst;
    std::vector<T> vectors, scalars;
    CompiledFunction vector(f.name, f.operands, isDouble, width);
    check(f, vector, in, vectors, allowed, worst);
    for (bool plain : {false, true}) {
      // The estimate that rsqrt starts from is AVX-512's; elsewhere it divides, and rounds otherwise.
      if (plain && !isDouble && f.name == std::string("rsqrt")) continue;
      CompiledFunction other(f.name, f.operands, isDouble, plain ? 3 : 0, plain);
      while (in.x.size() % (3 * width)) in.add(1, 1, 1);
      scalars.resize(in.x.size());
      other(in.x.data(), in.y.data(), in.z.data(), scalars.data(), int64_t(in.x.size()));
      int differing = 0;
      for (size_t i = 0; i < vectors.size() && differing < 3; ++i) {
        bool same =
            std::memcmp(&vectors[i], &scalars[i], sizeof(T)) == 0 || (std::isnan(vectors[i]) && std::isnan(scalars[i]));
        if (!same && ++differing)
          ADD_FAILURE() << f.name << (plain ? ": three lanes differ" : ": a scalar differs") << std::hexfloat << " at "
                        << in.x[i] << ", " << in.y[i] << ": " << vectors[i] << " and " << scalars[i];
      }
    }
    if constexpr (!isDouble)
      if (std::getenv("SKEIN_EXHAUSTIVE") && f.operands == 1) exhaustive(vector, allowed, worst);
    std::printf("%-10s %s  max %6.2f ULP at %.9g%s\n", f.name.c_str(), isDouble ? "f64" : "f32", worst.error, worst.x,
                worst.tooMany ? (", too many: " + std::to_string(worst.tooMany)).c_str() : "");
  }

  void exhaustive(const CompiledFunction& code, double allowed, Worst& worst) {
    std::vector<T> out;
    for (uint64_t start = 0; start < (uint64_t(1) << 32); start += 1 << 20) {
      Arguments<T> in;
      for (uint64_t i = 0; i < 1 << 20; ++i) in.add(fromBits<T>(start + i));
      check(GetParam(), code, in, out, allowed, worst);
    }
  }
};

using Float32 = MathTest<float>;
using Float64 = MathTest<double>;

TEST_P(Float32, isWithinFourUnits) {
  if (!picked(GetParam().name)) return;
  Arguments<float> in;
  addSpecial(GetParam(), in);
  addRandom(GetParam(), in, 50000);
  if (GetParam().operands == 1)
    for (uint64_t bits = 0; bits < (uint64_t(1) << 32); bits += 1997) in.add(fromBits<float>(bits));
  compare(std::move(in));
}

TEST_P(Float64, isWithinFourUnits) {
  if (!picked(GetParam().name)) return;
  Arguments<double> in;
  addSpecial(GetParam(), in);
  addRandom(GetParam(), in, std::getenv("SKEIN_EXHAUSTIVE") ? 1000000 : 8000);
  compare(std::move(in));
}

std::string nameOf(const testing::TestParamInfo<Reference>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Math, Float32, testing::ValuesIn(references()), nameOf);
INSTANTIATE_TEST_SUITE_P(Math, Float64, testing::ValuesIn(references()), nameOf);

// ---- erf_inv is XLA's, so that normal random numbers are JAX's

float xlaErfInv(float x) {
  float w = -float(std::log1p(double(-(x * x))));
  const bool central = w < 5;
  w = central ? w - 2.5f : std::sqrt(w) - 3.0f;
  const float near[] = {2.81022636e-08f, 3.43273939e-07f, -3.5233877e-06f, -4.39150654e-06f, 0.00021858087f,
                        -0.00125372503f, -0.00417768164f, 0.246640727f,    1.50140941f};
  const float far[] = {-0.000200214257f, 0.000100950558f, 0.00134934322f, -0.00367342844f, 0.00573950773f,
                       -0.0076224613f,   0.00943887047f,  1.00167406f,    2.83297682f};
  float p = central ? near[0] : far[0];
  for (int i = 1; i < 9; ++i) p = std::fma(p, w, central ? near[i] : far[i]);
  return std::fabs(x) == 1 ? x * std::numeric_limits<float>::infinity() : p * x;
}

int64_t distance(float a, float b) { return std::abs(int64_t(std::bit_cast<int32_t>(a)) - std::bit_cast<int32_t>(b)); }

TEST(Math, ErfInvIsXlas) {
  CompiledFunction code("erf_inv", 1, false, 64);
  std::vector<float> x, y(1 << 20);
  for (int i = 0; i < 1 << 20; ++i) x.push_back(float(i + 1) / float(1 << 20) * (i % 2 ? -1 : 1));
  code(x.data(), nullptr, nullptr, y.data(), int64_t(x.size()));
  int64_t worst = 0;
  for (size_t i = 0; i < x.size(); ++i)
    if (std::fabs(x[i]) < 1) worst = std::max(worst, distance(y[i], xlaErfInv(x[i])));
  EXPECT_LE(worst, 2);
}

// jax.random.normal(key, (8,)) for the keys 0 and 42, from jax.random.bits.
TEST(Math, NormalIsJaxs) {
  const uint32_t bits[] = {4070199207, 4202968722, 1427181096, 2012915765, 2447653815, 710830403,
                           1332275837, 2961296638, 2098992034, 2919706841, 2646866425, 2409546199,
                           1935504149, 2516274904, 321304473,  3329172656};
  const float normal[] = {1.622642159461975f,    2.0252647399902344f,  -0.4335944354534149f,  -0.07861734926700592f,
                          0.17609089612960815f,  -0.9720892310142517f, -0.49529874324798584f, 0.49437859654426575f,
                          -0.02830461598932743f, 0.4671318531036377f,  0.2957029640674591f,   0.15354591608047485f,
                          -0.12403281778097153f, 0.21692314743995667f, -1.4408788681030273f,  0.755859911441803f};
  const float low = std::nextafter(-1.0f, 0.0f);
  std::vector<float> x(16), y(16);
  for (int i = 0; i < 16; ++i)
    x[i] = std::max(low, (std::bit_cast<float>(bits[i] >> 9 | 0x3f800000) - 1) * (1 - low) + low);
  CompiledFunction("erf_inv", 1, false, 16)(x.data(), nullptr, nullptr, y.data(), 16);
  for (int i = 0; i < 16; ++i) EXPECT_LE(distance(y[i] * float(M_SQRT2), normal[i]), 2) << i;
}

template <typename T>
double speedOf(const Reference& f) {
  constexpr int n = 4096;
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> inside(f.low, f.high);
  std::vector<T> x(n), y(n), z(n), out(n);
  for (int i = 0; i < n; ++i) x[i] = T(inside(random)), y[i] = T(inside(random)), z[i] = T(inside(random));
  CompiledFunction code(f.name, f.operands, sizeof(T) == 8, sizeof(T) == 8 ? 32 : 64);
  double best = 0;
  for (int round = 0; round < 20; ++round) {
    auto start = std::chrono::steady_clock::now();
    constexpr int turns = 20;
    for (int i = 0; i < turns; ++i) code(x.data(), y.data(), z.data(), out.data(), n);
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, turns * n / seconds);
  }
  return best;
}

TEST(Math, Speed) {
  if (!std::getenv("SKEIN_MATH_SPEED")) GTEST_SKIP() << "SKEIN_MATH_SPEED=1 prints the table";
  std::printf("%-10s %9s %9s   10^9 elements a second, one thread, 4096 elements\n", "", "float32", "float64");
  for (const Reference& f : references())
    if (picked(f.name))
      std::printf("%-10s %9.2f %9.2f\n", f.name.c_str(), speedOf<float>(f) * 1e-9, speedOf<double>(f) * 1e-9);
}

}  // namespace
}  // namespace skein::test
