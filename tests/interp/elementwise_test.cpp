// The elementwise family against plain C++, in every dtype of each op's domain.
#include <cmath>
#include <complex>
#include <limits>

#include "compiler/interp/number.h"
#include "tests/interp/support.h"

namespace skein::compiler::test {

template <class T>
static std::vector<T> samples() {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
    return {T(0.5, -0.25), T(1, 2), T(-3, 0.125), T(0, 1), T(2, 0)};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {T(0),
            T(-0.0),
            T(0.5),
            T(-2.75),
            T(1),
            T(1e-30),
            T(37.5),
            Limits::infinity(),
            -Limits::infinity(),
            Limits::quiet_NaN(),
            Limits::max(),
            Limits::min()};
  } else {
    return {T(0), T(1), T(2), T(7), T(13), Limits::max(), Limits::min(), T(-1), T(-5)};
  }
}

template <class T>
static void expectSame(T got, T want, const std::string& what) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(want))
      EXPECT_TRUE(std::isnan(got)) << what;
    else {
      EXPECT_EQ(got, want) << what;
      EXPECT_EQ(std::signbit(got), std::signbit(want)) << what;
    }
  } else {
    EXPECT_EQ(got, want) << what;
  }
}

template <class Result, class T, class F>
static void expectUnary(const std::string& name, F f) {
  auto x = samples<T>();
  auto got = compute<Result, T>(name, {x});
  for (std::size_t i = 0; i < x.size(); ++i)
    expectSame<Result>(got[i], static_cast<Result>(f(x[i])),
                       name + " " + std::string(skein::name(dtype_of<T>())) + " #" + std::to_string(i));
}
template <class Result, class T, class F>
static void expectBinary(const std::string& name, F f) {
  std::vector<T> x, y;
  for (T a : samples<T>())
    for (T b : samples<T>()) x.push_back(a), y.push_back(b);
  auto got = compute<Result, T>(name, {x, y});
  for (std::size_t i = 0; i < x.size(); ++i)
    expectSame<Result>(got[i], static_cast<Result>(f(x[i], y[i])),
                       name + " " + std::string(skein::name(dtype_of<T>())) + " #" + std::to_string(i));
}

template <class T>
class Integers : public testing::Test {};
using IntegerTypes = testing::Types<std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t, std::uint16_t,
                                    std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(Integers, IntegerTypes);

TYPED_TEST(Integers, AgreeWithPlainCode) {
  using T = TypeParam;
  using U = std::make_unsigned_t<T>;
  using W = std::uint64_t;
  constexpr int width = 8 * sizeof(T);
  constexpr T least = std::numeric_limits<T>::min();
  expectUnary<T, T>("neg", [](T x) { return T(W(0) - W(x)); });
  expectUnary<T, T>("abs", [](T x) { return x < 0 ? T(W(0) - W(x)) : x; });
  expectUnary<T, T>("sign", [](T x) { return T((x > 0) - (x < 0)); });
  expectUnary<T, T>("not", [](T x) { return T(~x); });
  expectUnary<T, T>("popcnt", [](T x) { return T(std::popcount(U(x))); });
  expectUnary<T, T>("clz", [](T x) { return T(std::countl_zero(U(x))); });
  expectBinary<T, T>("add", [](T x, T y) { return T(W(x) + W(y)); });
  expectBinary<T, T>("sub", [](T x, T y) { return T(W(x) - W(y)); });
  expectBinary<T, T>("mul", [](T x, T y) { return T(W(x) * W(y)); });
  expectBinary<T, T>("div", [](T x, T y) {
    return y == 0 ? T(-1) : std::is_signed_v<T> && x == least && y == T(-1) ? x : T(x / y);
  });
  expectBinary<T, T>("rem", [](T x, T y) { return y == 0 ? x : std::is_signed_v<T> && y == T(-1) ? T(0) : T(x % y); });
  expectBinary<T, T>("maximum", [](T x, T y) { return std::max(x, y); });
  expectBinary<T, T>("minimum", [](T x, T y) { return std::min(x, y); });
  expectBinary<T, T>("and", [](T x, T y) { return T(x & y); });
  expectBinary<T, T>("or", [](T x, T y) { return T(x | y); });
  expectBinary<T, T>("xor", [](T x, T y) { return T(x ^ y); });
  expectBinary<T, T>("shl", [](T x, T y) { return U(y) >= U(width) ? T(0) : T(W(U(x)) << U(y)); });
  expectBinary<T, T>("shr_logical", [](T x, T y) { return U(y) >= U(width) ? T(0) : T(W(U(x)) >> U(y)); });
  expectBinary<T, T>("shr_arithmetic", [](T x, T y) {
    auto s = static_cast<std::make_signed_t<T>>(x);
    return T(s >> (U(y) >= U(width) ? width - 1 : int(U(y))));
  });
  expectBinary<bool, T>("eq", [](T x, T y) { return x == y; });
  expectBinary<bool, T>("ne", [](T x, T y) { return x != y; });
  expectBinary<bool, T>("lt", [](T x, T y) { return x < y; });
  expectBinary<bool, T>("le", [](T x, T y) { return x <= y; });
  expectBinary<bool, T>("gt", [](T x, T y) { return x > y; });
  expectBinary<bool, T>("ge", [](T x, T y) { return x >= y; });
  // Powers by plain multiplication.
  for (T exponent : {T(0), T(1), T(2), T(3), T(7), T(13)})
    for (T base : samples<T>()) {
      W product = 1;
      for (T i = 0; i < exponent; ++i) product *= W(base);
      EXPECT_EQ((compute<T, T>("pow", {{base}, {exponent}})[0]), T(product));
    }
  EXPECT_EQ((compute<T, T>("clamp", {{T(2), T(2), T(2)}, {T(1), T(5), T(9)}, {T(7), T(7), T(7)}})),
            (std::vector<T>{2, 5, 7}));
}

TEST(Integer, PowersWithNegativeExponents) {
  using I = std::int32_t;
  EXPECT_EQ((compute<I, I>("pow", {{1, -1, -1, 2, -2, 0}, {-3, -3, -4, -1, -5, -1}})),
            (std::vector<I>{1, -1, 1, 0, 0, 0}));
}

TEST(Bool, AgreesWithLogic) {
  HostArray a = HostArray::zeros(bool_, {4}), b = a;
  a.data = {std::byte(0), std::byte(0), std::byte(1), std::byte(1)};
  b.data = {std::byte(0), std::byte(1), std::byte(0), std::byte(1)};
  auto check = [&](const std::string& name, auto f) {
    HostArray got = runOp("skein." + name, {a, b})[0];
    for (int i = 0; i < 4; ++i) EXPECT_EQ(got.as<bool>()[i], f(i / 2, i % 2)) << name;
  };
  check("add", [](bool x, bool y) { return x || y; });
  check("mul", [](bool x, bool y) { return x && y; });
  check("maximum", [](bool x, bool y) { return x || y; });
  check("minimum", [](bool x, bool y) { return x && y; });
  check("and", [](bool x, bool y) { return x && y; });
  check("or", [](bool x, bool y) { return x || y; });
  check("xor", [](bool x, bool y) { return x != y; });
  check("eq", [](bool x, bool y) { return x == y; });
  check("ne", [](bool x, bool y) { return x != y; });
  check("lt", [](bool x, bool y) { return x < y; });
  check("le", [](bool x, bool y) { return x <= y; });
  check("gt", [](bool x, bool y) { return x > y; });
  check("ge", [](bool x, bool y) { return x >= y; });
  EXPECT_EQ(runOp("skein.not", {a})[0].values<std::uint8_t>(), (std::vector<std::uint8_t>{1, 1, 0, 0}));
}

template <class T>
class Floats : public testing::Test {};
using FloatTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(Floats, FloatTypes);

TYPED_TEST(Floats, AgreeWithPlainCode) {
  using T = TypeParam;
  using D = double;  // float32 is computed in double and rounded
  expectUnary<T, T>("neg", [](T x) { return -x; });
  expectUnary<T, T>("abs", [](T x) { return std::fabs(x); });
  expectUnary<T, T>("sign", [](T x) { return x > 0 ? T(1) : x < 0 ? T(-1) : x; });
  expectUnary<T, T>("exp", [](D x) { return std::exp(x); });
  expectUnary<T, T>("exp2", [](D x) { return std::exp2(x); });
  expectUnary<T, T>("expm1", [](D x) { return std::expm1(x); });
  expectUnary<T, T>("log", [](D x) { return std::log(x); });
  expectUnary<T, T>("log2", [](D x) { return std::log2(x); });
  expectUnary<T, T>("log10", [](D x) { return std::log10(x); });
  expectUnary<T, T>("log1p", [](D x) { return std::log1p(x); });
  expectUnary<T, T>("sqrt", [](T x) { return std::sqrt(x); });
  expectUnary<T, T>("rsqrt", [](D x) { return 1 / std::sqrt(x); });
  expectUnary<T, T>("cbrt", [](D x) { return std::cbrt(x); });
  expectUnary<T, T>("sin", [](D x) { return std::sin(x); });
  expectUnary<T, T>("cos", [](D x) { return std::cos(x); });
  expectUnary<T, T>("tan", [](D x) { return std::tan(x); });
  expectUnary<T, T>("asin", [](D x) { return std::asin(x); });
  expectUnary<T, T>("acos", [](D x) { return std::acos(x); });
  expectUnary<T, T>("atan", [](D x) { return std::atan(x); });
  expectUnary<T, T>("sinh", [](D x) { return std::sinh(x); });
  expectUnary<T, T>("cosh", [](D x) { return std::cosh(x); });
  expectUnary<T, T>("tanh", [](D x) { return std::tanh(x); });
  expectUnary<T, T>("asinh", [](D x) { return std::asinh(x); });
  expectUnary<T, T>("acosh", [](D x) { return std::acosh(x); });
  expectUnary<T, T>("atanh", [](D x) { return std::atanh(x); });
  expectUnary<T, T>("erf", [](D x) { return std::erf(x); });
  expectUnary<T, T>("erfc", [](D x) { return std::erfc(x); });
  expectUnary<T, T>("lgamma", [](D x) { return std::lgamma(x); });
  expectUnary<T, T>("logistic", [](D x) { return 1 / (1 + std::exp(-x)); });
  expectUnary<T, T>("floor", [](T x) { return std::floor(x); });
  expectUnary<T, T>("ceil", [](T x) { return std::ceil(x); });
  expectUnary<T, T>("trunc", [](T x) { return std::trunc(x); });
  expectUnary<T, T>("round", [](T x) { return std::round(x); });
  expectUnary<T, T>("round_even", [](T x) { return std::nearbyint(x); });
  expectUnary<bool, T>("is_finite", [](T x) { return std::isfinite(x); });
  expectBinary<T, T>("add", [](T x, T y) { return x + y; });
  expectBinary<T, T>("sub", [](T x, T y) { return x - y; });
  expectBinary<T, T>("mul", [](T x, T y) { return x * y; });
  expectBinary<T, T>("div", [](T x, T y) { return x / y; });
  expectBinary<T, T>("rem", [](T x, T y) { return std::fmod(x, y); });
  expectBinary<T, T>("pow", [](D x, D y) { return std::pow(x, y); });
  expectBinary<T, T>("atan2", [](D x, D y) { return std::atan2(x, y); });
  expectBinary<T, T>("nextafter", [](T x, T y) { return std::nextafter(x, y); });
  expectBinary<T, T>("copysign", [](T x, T y) { return std::copysign(x, y); });
  auto greatest = [](T x, T y) {
    if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<T>::quiet_NaN();
    return x == y ? (std::signbit(x) ? y : x) : std::max(x, y);
  };
  expectBinary<T, T>("maximum", greatest);
  expectBinary<T, T>("minimum", [&](T x, T y) { return -greatest(-x, -y); });
  expectBinary<bool, T>("eq", [](T x, T y) { return x == y; });
  expectBinary<bool, T>("ne", [](T x, T y) { return x != y; });
  expectBinary<bool, T>("lt", [](T x, T y) { return x < y; });
  expectBinary<bool, T>("le", [](T x, T y) { return x <= y; });
  expectBinary<bool, T>("gt", [](T x, T y) { return x > y; });
  expectBinary<bool, T>("ge", [](T x, T y) { return x >= y; });
  T nan = std::numeric_limits<T>::quiet_NaN();
  EXPECT_EQ((compute<T, T>("clamp", {{-1, -1, -1}, {-3, T(0.25), 9}, {1, 1, 1}})), (std::vector<T>{-1, T(0.25), 1}));
  EXPECT_TRUE(std::isnan(compute<T, T>("clamp", {{-1}, {nan}, {1}})[0]));
  T a = T(1.1), b = T(2.3), c = T(-2.53);
  EXPECT_EQ((compute<T, T>("fma", {{a}, {b}, {c}})[0]), std::fma(a, b, c));
  EXPECT_EQ((compute<std::complex<T>, T>("complex", {{a}, {b}})[0]), (std::complex<T>(a, b)));
}

TEST(Float, SpecialFunctions) {
  auto one = [](const std::string& name, double x) { return compute<double, double>(name, {{x}})[0]; };
  for (double x : {1e-300, 1e-8, 0.1, 0.5, 0.75, 0.9, 0.999, 0.9999999999, 1 - 1e-15}) {
    double y = one("erf_inv", x);
    // erfc tells numbers near 1 apart, erf those near 0; an ulp of the result moves erfc by up to 2 y^2 of its ulps.
    if (x < 0.5)
      EXPECT_NEAR(std::erf(y) / x, 1, 1e-15) << x;
    else
      EXPECT_NEAR(std::erfc(y) / (1 - x), 1, 5e-15 * (1 + y * y)) << x;
    EXPECT_EQ(one("erf_inv", -x), -y);
  }
  EXPECT_EQ(one("erf_inv", 1), HUGE_VAL);
  EXPECT_EQ(one("erf_inv", -1), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(one("erf_inv", 1.5)));
  double gamma = 0.57721566490153286061;
  EXPECT_DOUBLE_EQ(one("digamma", 1), -gamma);
  EXPECT_DOUBLE_EQ(one("digamma", 0.5), -gamma - 2 * std::log(2.0));
  EXPECT_DOUBLE_EQ(one("digamma", 10), 2.2517525890667211);
  EXPECT_NEAR(one("digamma", -0.5), 2 - gamma - 2 * std::log(2.0), 1e-15);
  EXPECT_DOUBLE_EQ(one("digamma", -1.25), one("digamma", -0.25) + 1 / 1.25);
  EXPECT_DOUBLE_EQ(one("digamma", 1e10), std::log(1e10) - 0.5e-10);
  for (double x : {0.0, -1.0, -7.0, -HUGE_VAL}) EXPECT_TRUE(std::isnan(one("digamma", x)));
  EXPECT_EQ((compute<double, double>("round", {{2.5, -2.5, 0.5}})), (std::vector<double>{3, -3, 1}));
  EXPECT_EQ((compute<double, double>("round_even", {{2.5, -2.5, 0.5, 3.5}})), (std::vector<double>{2, -2, 0, 4}));
}

TEST(SmallFloat, ComputesInFloat32AndRounds) {
  using namespace interp;
  for (DType dtype : {float16, bfloat16}) {
    SmallFloat format = dtype == float16 ? float16Format : bfloat16Format;
    HostArray x = HostArray::zeros(dtype, {64}), y = x;
    for (int i = 0; i < 64; ++i) store(x, i, Real(0.37 * i - 9)), store(y, i, Real(1.7 - 0.21 * i));
    auto rounded = [&](float v) { return format.decode(format.encode(v)); };
    auto check = [&](const std::string& name, const std::vector<HostArray>& inputs, auto f) {
      HostArray got = runOp("skein." + name, inputs)[0];
      EXPECT_EQ(got.dtype, dtype);
      for (int i = 0; i < 64; ++i)
        EXPECT_EQ(loadReal(got, i), rounded(f(float(loadReal(x, i)), float(loadReal(y, i))))) << name << i;
    };
    check("add", {x, y}, [](float a, float b) { return a + b; });
    check("mul", {x, y}, [](float a, float b) { return a * b; });
    check("div", {x, y}, [](float a, float b) { return a / b; });
    check("maximum", {x, y}, [](float a, float b) { return std::max(a, b); });
    check("exp", {x}, [](float a, float) { return std::exp(a); });
    check("floor", {x}, [](float a, float) { return std::floor(a); });
    HostArray next = runOp("skein.nextafter", {x, y})[0];
    for (int i = 0; i < 64; ++i) {
      double from = loadReal(x, i), to = loadReal(y, i), got = loadReal(next, i);
      EXPECT_TRUE(from < to ? got > from && got <= to : got < from && got >= to);
      double between = rounded(static_cast<float>((from + got) / 2));
      EXPECT_TRUE(between == from || between == got);
    }
  }
}

template <class T>
class Complexes : public testing::Test {};
using ComplexTypes = testing::Types<std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Complexes, ComplexTypes);

TYPED_TEST(Complexes, AgreeWithPlainCode) {
  using T = TypeParam;
  using R = typename T::value_type;
  using D = std::complex<double>;
  R eps = std::numeric_limits<R>::epsilon();
  auto unary = [&](const std::string& name, auto f) {
    auto got = compute<T, T>(name, {samples<T>()});
    for (std::size_t i = 0; i < got.size(); ++i) {
      D want = f(D(samples<T>()[i]));
      EXPECT_LE(std::abs(D(got[i]) - want), 8 * eps * std::abs(want)) << name << i << got[i] << want;
    }
  };
  auto binary = [&](const std::string& name, auto f) {
    std::vector<T> x, y;
    for (T a : samples<T>())
      for (T b : samples<T>()) x.push_back(a), y.push_back(b);
    auto got = compute<T, T>(name, {x, y});
    for (std::size_t i = 0; i < got.size(); ++i) {
      D want = f(D(x[i]), D(y[i]));
      EXPECT_LE(std::abs(D(got[i]) - want), 8 * eps * std::abs(want)) << name << i;
    }
  };
  unary("neg", [](D z) { return -z; });
  unary("sign", [](D z) { return z / std::abs(z); });
  unary("exp", [](D z) { return std::exp(z); });
  unary("expm1", [](D z) { return std::exp(z) - 1.0; });
  unary("log", [](D z) { return std::log(z); });
  unary("log1p", [](D z) { return std::log(1.0 + z); });
  unary("sqrt", [](D z) { return std::sqrt(z); });
  unary("rsqrt", [](D z) { return 1.0 / std::sqrt(z); });
  unary("sin", [](D z) { return std::sin(z); });
  unary("cos", [](D z) { return std::cos(z); });
  unary("tan", [](D z) { return std::sin(z) / std::cos(z); });
  unary("sinh", [](D z) { return std::sinh(z); });
  unary("cosh", [](D z) { return std::cosh(z); });
  unary("tanh", [](D z) { return std::sinh(z) / std::cosh(z); });
  unary("logistic", [](D z) { return 1.0 / (1.0 + std::exp(-z)); });
  unary("conj", [](D z) { return std::conj(z); });
  binary("add", [](D x, D y) { return x + y; });
  binary("sub", [](D x, D y) { return x - y; });
  binary("mul", [](D x, D y) { return x * y; });
  binary("div", [](D x, D y) { return x / y; });
  binary("pow", [](D x, D y) { return std::exp(y * std::log(x)); });
  auto z = samples<T>();
  auto real = compute<R, T>("real", {z}), imag = compute<R, T>("imag", {z}), magnitude = compute<R, T>("abs", {z});
  auto finite =
      runOp("skein.is_finite", {HostArray::of<T>({2}, {T(1, 2), T(1, std::numeric_limits<R>::infinity())})})[0];
  EXPECT_EQ(finite.template values<std::uint8_t>(), (std::vector<std::uint8_t>{1, 0}));
  for (std::size_t i = 0; i < z.size(); ++i) {
    EXPECT_EQ(real[i], z[i].real());
    EXPECT_EQ(imag[i], z[i].imag());
    EXPECT_NEAR(magnitude[i], std::abs(z[i]), 2 * eps * std::abs(z[i]));
  }
  EXPECT_EQ((compute<bool, T>("eq", {z, z})), std::vector<bool>(z.size(), true));
  EXPECT_EQ((compute<bool, T>("ne", {z, z})), std::vector<bool>(z.size(), false));
  EXPECT_EQ((compute<T, T>("pow", {{T(0), T(0)}, {T(0), T(2)}})), (std::vector<T>{T(1), T(0)}));
}

TEST(Select, TakesEitherSideInEveryDtype) {
  for (int d = 0; d < dtype_count; ++d) {
    HostArray a = HostArray::zeros(static_cast<DType>(d), {2}), b = a, predicate = HostArray::zeros(bool_, {2});
    for (std::size_t i = 0; i < a.data.size(); ++i) a.data[i] = std::byte(1), b.data[i] = std::byte(0);
    predicate.data[1] = std::byte(1);
    HostArray got = runOp("skein.select", {predicate, a, b})[0];
    std::size_t half = a.data.size() / 2;
    for (std::size_t i = 0; i < a.data.size(); ++i) EXPECT_EQ(got.data[i], i < half ? b.data[i] : a.data[i]);
  }
}

static const char* mlirType(DType d) {
  const char* names[] = {"i1",   "i8",  "i16",  "i32", "i64", "ui8",          "ui16",        "ui32",
                         "ui64", "f16", "bf16", "f32", "f64", "complex<f32>", "complex<f64>"};
  return names[static_cast<int>(d)];
}
static HostArray convert(const HostArray& from, DType to) {
  return runOp("skein.convert", {from}, std::string("{dtype = ") + mlirType(to) + "}")[0];
}

TEST(Convert, SmallNumbersSurviveBetweenAllDtypes) {
  HostArray numbers = HostArray::of<std::int32_t>({4}, {0, 1, 2, 100});
  for (int a = 1; a < dtype_count; ++a)
    for (int b = 1; b < dtype_count; ++b) {
      if (is_complex(static_cast<DType>(a)) && !is_complex(static_cast<DType>(b))) continue;  // convert.C2
      HostArray there = convert(convert(numbers, static_cast<DType>(a)), static_cast<DType>(b));
      HostArray back = is_complex(there.dtype) ? runOp("skein.real", {there})[0] : there;
      EXPECT_EQ(convert(back, int32), numbers) << a << " " << b;
    }
  for (int a = 0; a < dtype_count; ++a)
    EXPECT_EQ(convert(convert(numbers, static_cast<DType>(a)), bool_).values<std::uint8_t>(),
              (std::vector<std::uint8_t>{0, 1, 1, 1}));
}

TEST(Convert, SaturatesTruncatesAndWraps) {
  float nan = std::nanf(""), inf = HUGE_VALF;
  HostArray reals = HostArray::of<float>({7}, {1.9f, -1.9f, 300, -300, nan, inf, -inf});
  EXPECT_EQ(convert(reals, int8).values<std::int8_t>(), (std::vector<std::int8_t>{1, -1, 127, -128, 0, 127, -128}));
  EXPECT_EQ(convert(reals, uint8).values<std::uint8_t>(), (std::vector<std::uint8_t>{1, 0, 255, 0, 0, 255, 0}));
  EXPECT_EQ(convert(reals, int64).values<std::int64_t>(),
            (std::vector<std::int64_t>{1, -1, 300, -300, 0, INT64_MAX, INT64_MIN}));
  EXPECT_EQ(convert(reals, uint64).values<std::uint64_t>(),
            (std::vector<std::uint64_t>{1, 0, 300, 0, 0, UINT64_MAX, 0}));
  EXPECT_EQ(convert(reals, bool_).values<std::uint8_t>(), (std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(convert(HostArray::of<std::int32_t>({2}, {300, -1}), uint8).values<std::uint8_t>(),
            (std::vector<std::uint8_t>{44, 255}));
  EXPECT_EQ(convert(HostArray::of<std::int8_t>({1}, {-1}), uint64).values<std::uint64_t>()[0], UINT64_MAX);
  EXPECT_EQ(convert(HostArray::of<std::uint64_t>({1}, {UINT64_MAX}), float32).values<float>()[0],
            18446744073709551616.f);
  std::int64_t tie = (1LL << 60) + (1LL << 36) + 1;  // rounded to double first it would be a tie
  EXPECT_EQ(convert(HostArray::of<std::int64_t>({1}, {tie}), float32).values<float>()[0], static_cast<float>(tie));
}

TEST(Bitcast, KeepsTheBits) {
  HostArray x = HostArray::of<float>({2}, {1.0f, -0.0f});
  EXPECT_EQ(runOp("skein.bitcast", {x}, "{dtype = ui32}")[0].values<std::uint32_t>(),
            (std::vector<std::uint32_t>{0x3f800000u, 0x80000000u}));
  HostArray z = HostArray::of<std::complex<float>>({1}, {{1.0f, -0.0f}});
  EXPECT_EQ(runOp("skein.bitcast", {z}, "{dtype = i64}")[0].values<std::int64_t>()[0],
            static_cast<std::int64_t>(0x800000003f800000ull));
}

}  // namespace skein::compiler::test
