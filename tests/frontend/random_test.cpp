// Random numbers against those of jax.random (data/threefry.json, made by generate_random_answers.py).
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

namespace sk = skein;
using nlohmann::json;

namespace {

const json& answers() {
  static const json all = [] {
    std::ifstream file(SKEIN_TEST_DATA "/threefry.json");
    return json::parse(file);
  }();
  return all;
}

std::vector<std::uint64_t> bits_of(const sk::Array& x) {
  auto widened = [](const auto& words) { return std::vector<std::uint64_t>(words.begin(), words.end()); };
  if (sk::is_complex(x.dtype())) {
    auto re = bits_of(sk::real(x)), im = bits_of(sk::imag(x));
    std::vector<std::uint64_t> both;
    for (std::size_t i = 0; i < re.size(); ++i) both.push_back(re[i]), both.push_back(im[i]);
    return both;
  }
  if (sk::is_bool(x.dtype())) return widened(sk::astype(x, sk::uint8).to_vector<std::uint8_t>());
  switch (sk::itemsize(x.dtype())) {
    case 1: return widened(sk::bitcast(x, sk::uint8).to_vector<std::uint8_t>());
    case 2: return widened(sk::bitcast(x, sk::uint16).to_vector<std::uint16_t>());
    case 4: return widened(sk::bitcast(x, sk::uint32).to_vector<std::uint32_t>());
    default: return widened(sk::bitcast(x, sk::uint64).to_vector<std::uint64_t>());
  }
}

/// Steps between two floating numbers of that size, by their bits.
std::uint64_t ulps(std::uint64_t a, std::uint64_t b, std::size_t bytes) {
  auto ordered = [bytes](std::uint64_t bits) {
    std::uint64_t sign = std::uint64_t{1} << (8 * bytes - 1);
    auto magnitude = static_cast<std::int64_t>(bits & (sign - 1));
    return bits & sign ? -magnitude : magnitude;
  };
  return static_cast<std::uint64_t>(std::abs(ordered(a) - ordered(b)));
}

sk::Array key_of(const json& words) {
  return sk::array(std::vector<std::uint32_t>{words[0].get<std::uint32_t>(), words[1].get<std::uint32_t>()});
}
sk::Shape shape_of(const json& dims) { return sk::Shape(dims.get<std::vector<std::int64_t>>()); }
sk::DType dtype_of(const json& name) { return *sk::dtype_from_name(name.get<std::string>()); }
sk::Array integer(const json& value) {
  return value.is_number_unsigned() ? sk::Array(value.get<std::uint64_t>()) : sk::Array(value.get<std::int64_t>());
}

sk::Array call(const json& c) {
  const std::string name = c["call"];
  sk::Array key = key_of(c["key"]);
  sk::Shape shape = c.contains("shape") ? shape_of(c["shape"]) : sk::Shape();
  sk::random::Options options;
  if (c.contains("dtype")) options.dtype = dtype_of(c["dtype"]);
  if (name == "key_data") return key;
  if (name == "split") return sk::random::split(key, shape);
  if (name == "fold_in") return sk::random::fold_in(key, sk::array(c["data"].get<std::uint32_t>()));
  if (name == "bits") return sk::random::bits(key, shape, options);
  if (name == "uniform") {
    if (c.contains("low")) options.minval = c["low"].get<double>(), options.maxval = c["high"].get<double>();
    return sk::random::uniform(key, shape, options);
  }
  if (name == "normal") return sk::random::normal(key, shape, options);
  if (name == "exponential") return sk::random::exponential(key, shape, options);
  if (name == "randint") return sk::random::randint(key, shape, integer(c["low"]), integer(c["high"]), options);
  if (name == "permutation") return sk::random::permutation(key, c["n"].get<std::int64_t>());
  if (name == "permutation_rows")
    return sk::random::permutation(key, sk::reshape(sk::arange(12.f), {4, 3}), {.axis = c["axis"].get<int>(), .independent = c["independent"].get<bool>()});
  if (name == "bernoulli") return sk::random::bernoulli(key, c["p"].get<double>(), shape);
  if (name == "choice") return sk::random::choice(key, c["n"].get<std::int64_t>(), shape, {.replace = c["replace"].get<bool>()});
  throw std::runtime_error("an unknown call " + name);
}

/// How far from JAX's number ours may be: where it says 0 they are equal bit for bit.
std::uint64_t tolerance(const std::string& call) { return call == "normal" ? 2 : call == "exponential" ? 4 : 0; }

void compare(const std::string& wanted) {
  int compared = 0;
  for (const json& c : answers()["cases"]) {
    if (c["call"] != wanted) continue;
    ++compared;
    json arguments = c;
    arguments.erase("bits");
    SCOPED_TRACE(arguments.dump());
    sk::Array result = call(c);
    EXPECT_EQ(result.shape(), shape_of(c["result_shape"]));
    EXPECT_EQ(sk::name(result.dtype()), c["result_dtype"].get<std::string>());
    auto have = bits_of(result);
    auto want = c["bits"].get<std::vector<std::uint64_t>>();
    ASSERT_EQ(have.size(), want.size());
    std::size_t bytes = sk::itemsize(result.dtype()) / (sk::is_complex(result.dtype()) ? 2 : 1);
    for (std::size_t i = 0; i < have.size(); ++i)
      ASSERT_LE(ulps(have[i], want[i], bytes), tolerance(wanted)) << "element " << i << " has the bits " << have[i] << ", not " << want[i];
  }
  EXPECT_GT(compared, 0);
}

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
    std::string text = error_of([&] { body; });                        \
    EXPECT_NE(text.find("random_test.cpp"), text.npos) << text;        \
    for (const char* part : {__VA_ARGS__}) EXPECT_NE(text.find(part), text.npos) << text; \
  } while (0)

}  // namespace

TEST(RandomAgainstJax, Split) { compare("split"); }
TEST(RandomAgainstJax, FoldIn) { compare("fold_in"); }
TEST(RandomAgainstJax, Bits) { compare("bits"); }
TEST(RandomAgainstJax, Uniform) { compare("uniform"); }
TEST(RandomAgainstJax, Normal) { compare("normal"); }
TEST(RandomAgainstJax, Exponential) { compare("exponential"); }
TEST(RandomAgainstJax, Randint) { compare("randint"); }
TEST(RandomAgainstJax, Permutation) { compare("permutation"); }
TEST(RandomAgainstJax, PermutationOfRows) { compare("permutation_rows"); }
TEST(RandomAgainstJax, Bernoulli) { compare("bernoulli"); }
TEST(RandomAgainstJax, Choice) { compare("choice"); }

TEST(Random, KeysOfSeeds) {
  auto words = [](const sk::Array& seed) { return sk::random::key(seed).to_vector<std::uint32_t>(); };
  using Words = std::vector<std::uint32_t>;
  EXPECT_EQ(words(0), Words({0, 0}));
  EXPECT_EQ(words(42), Words({0, 42}));
  EXPECT_EQ(words(-1), Words({0, 0xffffffff}));
  EXPECT_EQ(words(sk::array(std::int8_t{-2})), Words({0, 0xfffffffe}));
  EXPECT_EQ(words(sk::array(7u)), Words({0, 7}));
  EXPECT_EQ(words(sk::array(std::int64_t{-1})), Words({0xffffffff, 0xffffffff}));
  for (const json& wide : answers()["wide_seeds"])
    EXPECT_EQ(words(sk::array(wide["seed"].get<std::int64_t>())), wide["key"].get<Words>());
}

TEST(Random, SameInsideATrace) {
  auto inside = sk::jit([](sk::Array seed) {
    sk::Array key = sk::random::key(seed);
    return std::tuple{sk::random::uniform(key, {3, 5}), sk::random::randint(key, {7}, seed, seed + 10), sk::random::permutation(key, 20),
                      sk::random::uniform(key, {2, 3}, {.minval = sk::array({1.f, 2.f, 3.f}), .maxval = 4.0})};
  });
  for (int seed : {0, 42}) {
    auto [u, r, p, b] = inside(sk::array(seed));
    sk::Array key = sk::random::key(seed);
    EXPECT_EQ(u.to_vector<float>(), sk::random::uniform(key, {3, 5}).to_vector<float>());
    EXPECT_EQ(r.to_vector<int>(), sk::random::randint(key, {7}, seed, seed + 10).to_vector<int>());
    EXPECT_EQ(p.to_vector<int>(), sk::random::permutation(key, 20).to_vector<int>());
    EXPECT_EQ(b.to_vector<float>(), sk::random::uniform(key, {2, 3}, {.minval = sk::array({1.f, 2.f, 3.f}), .maxval = 4.0}).to_vector<float>());
  }
}

TEST(Random, RandintOfArraysIsThatOfNumbers) {
  sk::Array key = sk::random::key(3);
  auto check = [&](auto low, auto high, sk::DType dtype) {
    auto numbers = sk::random::randint(key, {50}, low, high, {.dtype = dtype});
    auto arrays = sk::random::randint(key, {50}, sk::array(std::vector<decltype(low)>{low}), sk::array(high), {.dtype = dtype});
    EXPECT_EQ(bits_of(numbers), bits_of(arrays));
  };
  check(0, 100, sk::int32);
  check(-5, 70000, sk::int32);
  check(0, 256, sk::uint8);
  check(-200, 200, sk::int8);
  check(5, 5, sk::int16);
  check(std::numeric_limits<int>::min(), std::numeric_limits<int>::max(), sk::int32);
  check(std::int64_t{0}, std::int64_t{1} << 32, sk::uint32);
}

TEST(Random, DevicesDifferByWhatIsFoldedIn) {
  auto mesh = sk::make_mesh({4}, {"gpus"});
  auto f = sk::jit(sk::shard_map([](sk::Array seed) {
    auto key = sk::random::fold_in(sk::random::key(seed), sk::axis_index("gpus"));
    return sk::reshape(sk::random::uniform(key), {1});
  }, mesh, {.in_specs = {sk::P()}, .out_specs = {sk::P("gpus")}}));
  // known_answers: per_device4_fold_in_uniform
  EXPECT_EQ(f(sk::array(0)).to_vector<float>(), std::vector<float>({0.8423141241073608f, 0.007293820381164551f, 0.9024494886398315f, 0.26698946952819824f}));
  EXPECT_EQ(f(sk::array(42)).to_vector<float>(), std::vector<float>({0.5302608013153076f, 0.7276642322540283f, 0.6672406196594238f, 0.38901209831237793f}));
}

TEST(Random, CountersBeyond32Bits) {
  const char* chosen = std::getenv("SKEIN_EXECUTE");
  if (chosen && std::string(chosen) == "interpreter") GTEST_SKIP() << "the interpreter makes all the 2^33 words";
  constexpr std::int64_t middle = std::int64_t{1} << 32;
  auto f = sk::jit([](sk::Array k) { return sk::random::bits(k, {2 * middle})(sk::slice(middle - 2, middle + 4)); });
  // jax._src.random.threefry2x32.threefry2x32_p of the counters' words
  EXPECT_EQ(f(sk::random::key(42)).to_vector<std::uint32_t>(),
            std::vector<std::uint32_t>({1837984362u, 1763529543u, 3592421270u, 1493161314u, 3580270425u, 3568963970u}));
}

TEST(Random, ChoiceOfRows) {
  sk::Array x = sk::reshape(sk::arange(12), {4, 3}), key = sk::random::key(5);
  sk::Array rows = sk::random::choice(key, x, {6});
  EXPECT_EQ(rows.shape(), sk::Shape({6, 3}));
  auto which = sk::random::choice(key, 4, {6}).to_vector<int>();
  auto values = rows.to_vector<int>();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(values[3 * i], 3 * which[i]);
  EXPECT_EQ(sk::random::choice(key, x, {2, 2}, {.axis = 1}).shape(), sk::Shape({4, 2, 2}));
  EXPECT_EQ(sk::random::choice(key, x, {0}).shape(), sk::Shape({0, 3}));
}

TEST(Random, Errors) {
  sk::Array key = sk::random::key(0);
  EXPECT_ERROR(sk::random::uniform(sk::arange(2), {3}), "random.uniform", "int32[2]", "sk::random::key");
  EXPECT_ERROR(sk::random::uniform(sk::random::split(key, 3), {3}), "uint32[3,2]", "keys[i]");
  EXPECT_ERROR(sk::random::uniform(key, {3}, {.dtype = sk::int32}), "floating", "int32");
  EXPECT_ERROR(sk::random::uniform(key, {3}, {.minval = sk::zeros({2})}), "minval", "float32[2]", "[3]");
  EXPECT_ERROR(sk::random::bits(key, {3}, {.dtype = sk::int32}), "random.bits", "uint32");
  EXPECT_ERROR(sk::random::bits(key, {-3}), "negative", "[-3]");
  EXPECT_ERROR(sk::random::randint(key, {3}, 0, 5, {.dtype = sk::float32}), "integer", "float32");
  EXPECT_ERROR(sk::random::key(1.5), "random.key", "integer");
  EXPECT_ERROR(sk::random::fold_in(key, sk::arange(2)), "random.fold_in", "scalar");
  EXPECT_ERROR(sk::random::choice(key, 3, {4}, {.replace = false}), "random.choice", "replace");
  EXPECT_ERROR(sk::random::permutation(key, sk::zeros({2, 2}), {.axis = 2}), "axis 2");
  EXPECT_ERROR(sk::random::bernoulli(key, 1), "floating");
}
