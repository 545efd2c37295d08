// Samples of distributions against those of jax.random (data/distributions.json, made by make_distributions.py beside
// it), their moments, and what is refused.
#include <skein/distributions.h>
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace sk = skein;
namespace random_ = skein::random;
using nlohmann::json;

namespace {

const json& cases() {
  static const json all = [] {
    std::ifstream file(SKEIN_TEST_DATA "/distributions.json");
    return json::parse(file)["cases"];
  }();
  return all;
}

/// A number, or an array with its dtype.
sk::Array array_of(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  sk::Array flat = sk::array(value["values"].get<std::vector<double>>());
  sk::Array whole = sk::reshape(flat, sk::Shape(value["shape"].get<std::vector<std::int64_t>>()));
  return sk::astype(whole, *sk::dtype_from_name(value["dtype"].get<std::string>()));
}

using Call = std::function<sk::Array(const sk::Array& key, const std::vector<sk::Array>& p,
                                     const random_::SampleShape& shape, const random_::Options& options)>;

/// Calls of as many parameters as their names say.
#define NONE(name)                                                                                     \
  {                                                                                                    \
#name, [](auto& key, auto&, auto& shape, auto& o) { return random_::name(key, shape.shape(), o); } \
  }
#define ONE(name)                                                                                      \
  {                                                                                                    \
#name, [](auto& key, auto& p, auto& shape, auto& o) { return random_::name(key, p[0], shape, o); } \
  }
#define TWO(name)                                                                                            \
  {                                                                                                          \
#name, [](auto& key, auto& p, auto& shape, auto& o) { return random_::name(key, p[0], p[1], shape, o); } \
  }
const std::map<std::string, Call>& calls() {
  static const std::map<std::string, Call> all = {
      NONE(cauchy),
      NONE(laplace),
      NONE(logistic),
      NONE(gumbel),
      NONE(maxwell),
      NONE(rademacher),
      ONE(lognormal),
      ONE(rayleigh),
      ONE(pareto),
      ONE(wald),
      ONE(gamma),
      ONE(loggamma),
      ONE(chisquare),
      ONE(t),
      ONE(generalized_normal),
      ONE(dirichlet),
      ONE(poisson),
      ONE(geometric),
      TWO(truncated_normal),
      TWO(double_sided_maxwell),
      TWO(weibull_min),
      TWO(f),
      TWO(beta),
      TWO(binomial),
      {"triangular",
       [](auto& key, auto& p, auto& shape, auto& o) { return random_::triangular(key, p[0], p[1], p[2], shape, o); }},
  };
  return all;
}
#undef NONE
#undef ONE
#undef TWO

sk::Array call(const json& c) {
  const std::string name = c["call"];
  sk::Array key = sk::array(c["key"].get<std::vector<std::uint32_t>>());
  std::vector<sk::Array> parameters;
  for (const json& p : c["parameters"]) parameters.push_back(array_of(p));
  random_::SampleShape shape;
  if (c.contains("shape")) shape = sk::Shape(c["shape"].get<std::vector<std::int64_t>>());
  random_::Options options;
  options.dtype = sk::dtype_from_name(c["dtype"].get<std::string>());
  if (name == "categorical") {
    random_::CategoricalOptions how;
    how.axis = c["axis"].get<int>(), how.replace = c["replace"].get<bool>();
    return random_::categorical(key, parameters[0], shape, how);
  }
  if (name == "choice") {
    random_::ChoiceOptions how;
    how.replace = c["replace"].get<bool>();
    how.p = sk::astype(sk::array(c["p"].get<std::vector<double>>()), sk::float32);
    return random_::choice(key, c["parameters"][0].get<std::int64_t>(), shape.shape(), how);
  }
  if (name == "ball")
    return random_::ball(key, static_cast<std::int64_t>(c["parameters"][0].get<double>()), parameters[1], shape.shape(),
                         options);
  return calls().at(name)(key, parameters, shape, options);
}

template <class T, class Word>
void expect_near(const sk::Array& result, const std::vector<std::uint64_t>& bits, double rel, double abs) {
  auto have = result.to_vector<T>();
  ASSERT_EQ(have.size(), bits.size());
  for (std::size_t i = 0; i < have.size(); ++i) {
    auto word = static_cast<Word>(bits[i]);
    T want;
    std::memcpy(&want, &word, sizeof want);
    if (have[i] == want) continue;
    double epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
    double slack = epsilon * (rel * std::abs(static_cast<double>(want)) + abs);
    ASSERT_LE(std::abs(static_cast<double>(have[i]) - static_cast<double>(want)), slack)
        << "element " << i << " is " << +have[i] << ", not " << +want;
  }
}

void compare(const json& c) {
  json arguments = c;
  arguments.erase("bits");
  SCOPED_TRACE(arguments.dump());
  sk::Array result = call(c);
  EXPECT_EQ(result.shape(), sk::Shape(c["result_shape"].get<std::vector<std::int64_t>>()));
  ASSERT_EQ(sk::name(result.dtype()), c["result_dtype"].get<std::string>());
  auto bits = c["bits"].get<std::vector<std::uint64_t>>();
  double rel = c["rel"].get<double>(), abs = c["abs"].get<double>();
  switch (result.dtype()) {
    case sk::float32:
      return expect_near<float, std::uint32_t>(result, bits, rel, abs);
    case sk::float64:
      return expect_near<double, std::uint64_t>(result, bits, rel, abs);
    case sk::uint8:
      return expect_near<std::uint8_t, std::uint8_t>(result, bits, 0, 0);
    case sk::int32:
      return expect_near<std::int32_t, std::uint32_t>(result, bits, 0, 0);
    case sk::int64:
      return expect_near<std::int64_t, std::uint64_t>(result, bits, 0, 0);
    default:
      FAIL() << "a result of " << sk::type_of(result);
  }
}

void compare_all(const std::set<std::string>& wanted) {
  std::map<std::string, int> compared;
  for (const json& c : cases())
    if (wanted.contains(c["call"].get<std::string>())) ++compared[c["call"].get<std::string>()], compare(c);
  EXPECT_EQ(compared.size(), wanted.size());
}

std::string error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const sk::UserError& e) {
    return e.what();
  }
  return "no error";
}
#define EXPECT_ERROR(body, ...)                                                           \
  do {                                                                                    \
    std::string text = error_of([&] { body; });                                           \
    EXPECT_NE(text.find("distributions_test.cpp"), text.npos) << text;                    \
    for (const char* part : {__VA_ARGS__}) EXPECT_NE(text.find(part), text.npos) << text; \
  } while (0)

}  // namespace

TEST(DistributionsAgainstJax, WithoutParameters) {
  compare_all({"cauchy", "laplace", "logistic", "gumbel", "maxwell", "rademacher"});
}
TEST(DistributionsAgainstJax, TruncatedNormal) { compare_all({"truncated_normal"}); }
TEST(DistributionsAgainstJax, Lognormal) { compare_all({"lognormal"}); }
TEST(DistributionsAgainstJax, DoubleSidedMaxwell) { compare_all({"double_sided_maxwell"}); }
TEST(DistributionsAgainstJax, Rayleigh) { compare_all({"rayleigh"}); }
TEST(DistributionsAgainstJax, Pareto) { compare_all({"pareto"}); }
TEST(DistributionsAgainstJax, WeibullMin) { compare_all({"weibull_min"}); }
TEST(DistributionsAgainstJax, Wald) { compare_all({"wald"}); }
TEST(DistributionsAgainstJax, Triangular) { compare_all({"triangular"}); }
TEST(DistributionsAgainstJax, Gamma) { compare_all({"gamma"}); }
TEST(DistributionsAgainstJax, Loggamma) { compare_all({"loggamma"}); }
TEST(DistributionsAgainstJax, Beta) { compare_all({"beta"}); }
TEST(DistributionsAgainstJax, Dirichlet) { compare_all({"dirichlet"}); }
TEST(DistributionsAgainstJax, ChisquareTAndF) { compare_all({"chisquare", "t", "f"}); }
TEST(DistributionsAgainstJax, GeneralizedNormal) { compare_all({"generalized_normal"}); }
TEST(DistributionsAgainstJax, Ball) { compare_all({"ball"}); }
TEST(DistributionsAgainstJax, Poisson) { compare_all({"poisson"}); }
TEST(DistributionsAgainstJax, Geometric) { compare_all({"geometric"}); }
TEST(DistributionsAgainstJax, Binomial) { compare_all({"binomial"}); }
TEST(DistributionsAgainstJax, Categorical) { compare_all({"categorical"}); }
TEST(DistributionsAgainstJax, WeightedChoice) {
  compare_all({"choice"});
}

// ---- moments ----

namespace {

struct Moments {
  const char* name;
  std::function<sk::Array(const sk::Array& key, const sk::Shape& shape)> draw;
  double mean, variance, kurtosis;  // the fourth central moment by the variance's square
};

/// scipy.stats knows the numbers.
const Moments moments[] = {
    {"truncated_normal", [](auto& k, auto& s) { return random_::truncated_normal(k, -1.0, 1.0, s); }, 0, 0.291125, 1.9},
    {"lognormal", [](auto& k, auto& s) { return random_::lognormal(k, 0.3, s); }, 1.0460279, 0.10304308, 5},
    {"laplace", [](auto& k, auto& s) { return random_::laplace(k, s); }, 0, 2, 6},
    {"logistic", [](auto& k, auto& s) { return random_::logistic(k, s); }, 0, 3.2898681, 4.2},
    {"gumbel", [](auto& k, auto& s) { return random_::gumbel(k, s); }, 0.57721566, 1.6449341, 5.4},
    {"maxwell", [](auto& k, auto& s) { return random_::maxwell(k, s); }, 1.5957691, 0.45352091, 3.11},
    {"rayleigh", [](auto& k, auto& s) { return random_::rayleigh(k, 2.0, s); }, 2.5066283, 1.7168147, 3.25},
    {"pareto", [](auto& k, auto& s) { return random_::pareto(k, 10.0, s); }, 1.1111111, 0.015432099, 17.83},
    {"weibull_min", [](auto& k, auto& s) { return random_::weibull_min(k, 2.0, 1.5, s); }, 1.8054906, 1.5027613, 4.4},
    {"wald", [](auto& k, auto& s) { return random_::wald(k, 0.5, s); }, 0.5, 0.125, 10.5},
    {"triangular", [](auto& k, auto& s) { return random_::triangular(k, 0.0, 1.0, 2.0, s); }, 1, 0.16666667, 2.4},
    {"gamma(3)", [](auto& k, auto& s) { return random_::gamma(k, 3.0, s); }, 3, 3, 5},
    {"gamma(0.4)", [](auto& k, auto& s) { return random_::gamma(k, 0.4, s); }, 0.4, 0.4, 18},
    {"exp(loggamma)", [](auto& k, auto& s) { return sk::exp(random_::loggamma(k, 3.0, s)); }, 3, 3, 5},
    {"beta", [](auto& k, auto& s) { return random_::beta(k, 2.0, 3.0, s); }, 0.4, 0.04, 2.36},
    {"chisquare", [](auto& k, auto& s) { return random_::chisquare(k, 4.0, s); }, 4, 8, 6},
    {"t", [](auto& k, auto& s) { return random_::t(k, 10.0, s); }, 0, 1.25, 4},
    {"f", [](auto& k, auto& s) { return random_::f(k, 4.0, 20.0, s); }, 1.1111111, 0.84876543, 13.5},
    {"generalized_normal", [](auto& k, auto& s) { return random_::generalized_normal(k, 2.0, s); }, 0, 0.5, 3},
    {"rademacher", [](auto& k, auto& s) { return random_::rademacher(k, s, {.dtype = sk::float32}); }, 0, 1, 1.1},
    {"poisson(4)", [](auto& k, auto& s) { return random_::poisson(k, 4.0, s); }, 4, 4, 3.25},
    {"poisson(50)", [](auto& k, auto& s) { return random_::poisson(k, 50.0, s); }, 50, 50, 3.02},
    {"geometric", [](auto& k, auto& s) { return random_::geometric(k, 0.25, s); }, 4, 12, 9.09},
    {"binomial(10, 0.3)", [](auto& k, auto& s) { return random_::binomial(k, 10.0, 0.3, s); }, 3, 2.1, 2.88},
    {"binomial(100, 0.7)", [](auto& k, auto& s) { return random_::binomial(k, 100.0, 0.7, s); }, 70, 21, 2.99},
};

}  // namespace

TEST(Distributions, MeansAndVariances) {
  constexpr std::int64_t n = 20000;
  int seed = 0;
  for (const Moments& m : moments) {
    SCOPED_TRACE(m.name);
    sk::Array x = sk::astype(m.draw(random_::key(++seed), {n}), sk::float64);
    double mean = sk::mean(x).item<double>();
    EXPECT_LE(std::abs(mean - m.mean), 6 * std::sqrt(m.variance / n)) << "the mean is " << mean;
    double variance = sk::mean(sk::square(x - m.mean)).item<double>();
    double deviation = m.variance * std::sqrt((m.kurtosis - 1) / n);
    EXPECT_LE(std::abs(variance - m.variance), 6 * deviation + 1e-6 * m.variance) << "the variance is " << variance;
  }
}

TEST(Distributions, CauchyHasItsQuartiles) {
  constexpr double n = 20000;
  sk::Array x = random_::cauchy(random_::key(1), {20000});
  double below = sk::mean(sk::astype(x < -1.0, sk::float64)).item<double>();
  double above = sk::mean(sk::astype(x > 1.0, sk::float64)).item<double>();
  EXPECT_NEAR(below, 0.25, 6 * std::sqrt(0.25 * 0.75 / n));
  EXPECT_NEAR(above, 0.25, 6 * std::sqrt(0.25 * 0.75 / n));
}

TEST(Distributions, CategoriesComeAsOftenAsTheirWeightsSay) {
  constexpr double n = 20000;
  const double weights[] = {0.1, 0.6, 0.3};
  sk::Array logits = sk::log(sk::array({0.1f, 0.6f, 0.3f}));
  sk::Array x = random_::categorical(random_::key(2), logits, {20000});
  EXPECT_EQ(x.dtype(), sk::int32);
  for (int i = 0; i < 3; ++i) {
    double share = sk::mean(sk::astype(x == i, sk::float64)).item<double>();
    EXPECT_NEAR(share, weights[i], 6 * std::sqrt(weights[i] * (1 - weights[i]) / n));
  }
}

TEST(Distributions, DirichletRowsAddUpToOne) {
  sk::Array x = random_::dirichlet(random_::key(3), sk::array({0.01f, 2.f, 5.f}), {500});
  EXPECT_EQ(x.shape(), sk::Shape({500, 3}));
  EXPECT_LT(sk::max(sk::abs(sk::sum(x, {.axis = 1}) - 1)).item<float>(), 1e-5f);
  EXPECT_GE(sk::min(x).item<float>(), 0.f);
}

TEST(Distributions, BallsHaveTheirPointsInside) {
  for (double p : {1.0, 2.0, 4.0}) {
    sk::Array x = random_::ball(random_::key(4), 3, p, {1000});
    sk::Array norms = sk::sum(sk::power(sk::abs(x), p), {.axis = 1});
    EXPECT_LE(sk::max(norms).item<float>(), 1.f);
    // Half of the volume is within 2^(-1/3) of the radius.
    double inner = sk::mean(sk::astype(norms < std::pow(0.5, p / 3), sk::float64)).item<double>();
    EXPECT_NEAR(inner, 0.5, 6 * std::sqrt(0.25 / 1000));
  }
}

TEST(Distributions, BinomialOfOddParameters) {
  sk::Array n = sk::array({-1.f, 10.f, 10.f, INFINITY, 10.f, 10.f, 0.f, INFINITY, NAN});
  sk::Array p = sk::array({0.5f, -0.5f, 1.5f, 0.5f, 0.f, 1.f, 0.5f, 0.f, 0.5f});
  auto x = random_::binomial(random_::key(0), n, p).to_vector<float>();
  // jax.random.binomial, but for infinitely many trials without a chance, on which it does not end.
  const float want[] = {NAN, NAN, NAN, INFINITY, 0, 10, 0, INFINITY, NAN};
  for (std::size_t i = 0; i < 9; ++i)
    EXPECT_TRUE(std::isnan(want[i]) ? std::isnan(x[i]) : x[i] == want[i]) << "element " << i << " is " << x[i];
}

TEST(Distributions, SampledOnlyWithinBounds) {
  sk::Array x = random_::truncated_normal(random_::key(5), 2.0, 2.5, {2000});
  EXPECT_GT(sk::min(x).item<float>(), 2.f);
  EXPECT_LT(sk::max(x).item<float>(), 2.5f);
  sk::Array tiny = random_::loggamma(random_::key(6), 1e-3, {2000});
  EXPECT_TRUE(sk::all(sk::isfinite(tiny)).item<bool>());
}

// ---- inside programs ----

TEST(Distributions, SameInsideATrace) {
  auto draw = [](sk::Array seed, sk::Array a) {
    sk::Array key = random_::key(seed);
    return std::tuple{random_::gamma(key, a, {4, 3}), random_::poisson(key, a * 5.0, {4, 3}),
                      random_::binomial(key, 30.0, 0.4, {6}), random_::wald(key, 2.0, {5}),
                      random_::categorical(key, a, {7})};
  };
  sk::Array seed = sk::array(11), a = sk::array({0.5f, 1.f, 7.f});
  auto [g, p, b, w, c] = sk::jit(draw)(seed, a);
  auto [g2, p2, b2, w2, c2] = draw(seed, a);
  EXPECT_EQ(g.to_vector<float>(), g2.to_vector<float>());
  EXPECT_EQ(p.to_vector<int>(), p2.to_vector<int>());
  EXPECT_EQ(b.to_vector<float>(), b2.to_vector<float>());
  EXPECT_EQ(w.to_vector<float>(), w2.to_vector<float>());
  EXPECT_EQ(c.to_vector<int>(), c2.to_vector<int>());
}

TEST(Distributions, EachDeviceHasLoopsOfItsOwn) {
  auto mesh = sk::make_mesh({4}, {"x"});
  auto f = sk::jit(sk::shard_map(
      [](sk::Array a) {
        sk::Array key = random_::fold_in(random_::key(0), sk::axis_index("x"));
        return std::tuple{random_::gamma(key, a), random_::poisson(key, a * 8.0)};
      },
      mesh, {.in_specs = {sk::P("x")}, .out_specs = {sk::P("x"), sk::P("x")}}));
  auto [g, p] = f(sk::array({0.5f, 1.f, 2.f, 4.f}));
  auto gammas = g.to_vector<float>();
  auto counts = p.to_vector<int>();
  for (std::size_t i = 0; i < 4; ++i) {
    sk::Array key = random_::fold_in(random_::key(0), static_cast<int>(i));
    sk::Array a = sk::array(std::vector<float>{std::ldexp(0.5f, static_cast<int>(i))});
    EXPECT_EQ(gammas[i], random_::gamma(key, a).to_vector<float>()[0]);
    EXPECT_EQ(counts[i], random_::poisson(key, a * 8.0).to_vector<int>()[0]);
  }
}

TEST(Distributions, ShapesAndDtypes) {
  sk::Array key = random_::key(0), a = sk::reshape(sk::array({1.f, 2.f}), {2, 1});
  EXPECT_EQ(random_::gamma(key, a).shape(), sk::Shape({2, 1}));
  EXPECT_EQ(random_::gamma(key, a, {3, 2, 4}).shape(), sk::Shape({3, 2, 4}));
  EXPECT_EQ(random_::beta(key, a, sk::ones({3})).shape(), sk::Shape({2, 3}));
  EXPECT_EQ(random_::gamma(key, 2).shape(), sk::Shape());
  EXPECT_EQ(random_::gamma(key, 2, {0, 3}).shape(), sk::Shape({0, 3}));
  EXPECT_EQ(random_::poisson(key, 20.0, {0}).shape(), sk::Shape({0}));
  EXPECT_EQ(random_::ball(key, 3, 2.0, {5}).shape(), sk::Shape({5, 3}));
  EXPECT_EQ(random_::cauchy(key, {2}, {.dtype = sk::float64}).dtype(), sk::float64);
  EXPECT_EQ(random_::rademacher(key, {2}, {.dtype = sk::int8}).dtype(), sk::int8);
  EXPECT_EQ(random_::categorical(key, sk::zeros({2, 5, 3}), {}, {.axis = 1}).shape(), sk::Shape({2, 3}));
  for (sk::DType half : {sk::float16, sk::bfloat16}) {
    sk::Array x = random_::gamma(key, 2.0, {50}, {.dtype = half});
    EXPECT_EQ(x.dtype(), half);
    EXPECT_TRUE(sk::all(x > 0).item<bool>());
  }
}

TEST(Distributions, Errors) {
  sk::Array key = random_::key(0);
  EXPECT_ERROR(random_::gamma(sk::arange(2), 1.0), "random.gamma", "int32[2]", "sk::random::key");
  EXPECT_ERROR(random_::cauchy(random_::split(key, 3), {3}), "random.cauchy", "uint32[3,2]", "keys[i]");
  EXPECT_ERROR(random_::gumbel(key, {3}, {.dtype = sk::int32}), "floating", "int32");
  EXPECT_ERROR(random_::poisson(key, 1.0, {3}, {.dtype = sk::float32}), "random.poisson", "integer", "float32");
  EXPECT_ERROR(random_::rademacher(key, {3}, {.dtype = sk::bool_}), "random.rademacher", "bool");
  EXPECT_ERROR(random_::beta(key, sk::ones({2}), 1.0, {3}), "a, float32[2]", "[3]");
  EXPECT_ERROR(random_::beta(key, sk::ones({2}), sk::ones({3})), "random.beta", "do not broadcast");
  EXPECT_ERROR(random_::laplace(key, {-3}), "negative", "[-3]");
  EXPECT_ERROR(random_::pareto(key, sk::complex(1.0, 1.0)), "b is real", "complex64");
  EXPECT_ERROR(random_::dirichlet(key, 1.0), "random.dirichlet", "last dimension");
  EXPECT_ERROR(random_::ball(key, 3, sk::ones({2})), "p is a scalar", "float32[2]");
  EXPECT_ERROR(random_::categorical(key, 1.0), "random.categorical", "categories");
  EXPECT_ERROR(random_::categorical(key, sk::zeros({2, 3}), {5}), "logits without their axis", "[5]");
  EXPECT_ERROR(random_::categorical(key, sk::zeros({2, 3}), {}, {.axis = 2}), "axis 2");
  EXPECT_ERROR(random_::categorical(key, sk::zeros({3}), {4}, {.replace = false}), "4 different", "replace");
}
