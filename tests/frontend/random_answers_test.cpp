// The known answers of tests/data/threefry.json, all of them: the call is spelled in each answer's name, as
// normal_f32(10,).
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

namespace sk = skein;
using nlohmann::json;

namespace {

void flatten(const json& value, std::vector<json>& out) {
  if (!value.is_array()) return out.push_back(value);
  for (const json& part : value) flatten(part, out);
}

template <class T>
void expect_numbers(const sk::Array& result, const std::vector<json>& wanted, int ulps) {
  auto have = result.to_vector<T>();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    T want = wanted[i].get<T>(), low = want, high = want;
    if constexpr (std::is_floating_point_v<T>)
      for (int step = 0; step < ulps; ++step)
        low = std::nextafter(low, -INFINITY), high = std::nextafter(high, INFINITY);
    EXPECT_TRUE(low <= have[i] && have[i] <= high) << "element " << i << " is " << +have[i] << ", not " << +want;
  }
}

/// The first elements, as many as there are answers.
void expect_answer(const sk::Array& result, const json& answer, int ulps) {
  std::vector<json> wanted;
  flatten(answer, wanted);
  ASSERT_GE(result.size(), static_cast<std::int64_t>(wanted.size()));
  switch (result.dtype()) {
    case sk::bool_:
      return expect_numbers<bool>(result, wanted, 0);
    case sk::uint8:
      return expect_numbers<std::uint8_t>(result, wanted, 0);
    case sk::uint16:
      return expect_numbers<std::uint16_t>(result, wanted, 0);
    case sk::uint32:
      return expect_numbers<std::uint32_t>(result, wanted, 0);
    case sk::uint64:
      return expect_numbers<std::uint64_t>(result, wanted, 0);
    case sk::int32:
      return expect_numbers<std::int32_t>(result, wanted, 0);
    case sk::float32:
      return expect_numbers<float>(result, wanted, ulps);
    case sk::float64:
      return expect_numbers<double>(result, wanted, ulps);
    default:
      FAIL() << "a result of " << sk::type_of(result);
  }
}

sk::Shape shape_of(const std::string& text) {
  sk::Shape shape;
  static const std::regex number("\\d+");
  for (std::sregex_iterator at(text.begin(), text.end(), number), end; at != end; ++at)
    shape.push_back(std::stoll(at->str()));
  return shape;
}

sk::Array call(const sk::Array& key, const std::string& name) {
  std::smatch part;
  auto is = [&](const char* pattern) { return std::regex_match(name, part, std::regex(pattern)); };
  auto integer = [&](int group) { return std::stoll(part[static_cast<std::size_t>(group)].str()); };
  if (name == "key_data") return key;
  if (is("split(\\d+)")) return sk::random::split(key, integer(1));
  if (is("split(\\(.*\\))")) return sk::random::split(key, shape_of(part[1]));
  if (is("bits(\\d+)(\\(.*\\))"))
    return sk::random::bits(key, shape_of(part[2]), {.dtype = sk::dtype_from_name("uint" + part[1].str())});
  if (is("uniform_f(\\d+)(\\([^)]*\\))"))
    return sk::random::uniform(key, shape_of(part[2]), {.dtype = sk::dtype_from_name("float" + part[1].str())});
  if (is("uniform_f32(\\(.*\\))_in\\[(-?\\d+),(-?\\d+)\\)"))
    return sk::random::uniform(key, shape_of(part[1]),
                               {.minval = static_cast<double>(integer(2)), .maxval = static_cast<double>(integer(3))});
  if (is("normal_f32(\\(.*\\))")) return sk::random::normal(key, shape_of(part[1]));
  if (is("randint_i32(\\(.*\\))_(-?\\d+)_(-?\\d+)"))
    return sk::random::randint(key, shape_of(part[1]), integer(2), integer(3));
  if (is("permutation\\((\\d+)\\).*")) return sk::random::permutation(key, integer(1));
  if (is("bernoulli0.5(\\(.*\\))")) return sk::random::bernoulli(key, 0.5, shape_of(part[1]));
  if (is("exponential_f32(\\(.*\\))")) return sk::random::exponential(key, shape_of(part[1]));
  if (name == "per_device4_fold_in_uniform()") {
    auto f = sk::expanding_shard_map(
        [](sk::Array k) { return sk::random::uniform(sk::random::fold_in(k, sk::axis_index("d")), {}); },
        sk::make_mesh({4}, {"d"}), {.in_specs = {sk::P()}, .out_specs = {sk::P(-1)}});
    return sk::jit(f)(key);
  }
  throw std::runtime_error("no call is spelled " + name);
}

TEST(RandomAnswers, OfTheKnownAnswersFile) {
  std::ifstream file(SKEIN_KNOWN_ANSWERS "/threefry.json");
  const json answers = json::parse(file);
  int compared = 0;
  for (const auto& [seed, entries] : answers["partitionable"].items()) {
    const sk::Array key = sk::random::key(std::stoll(seed));
    for (const auto& [name, answer] : entries.items()) {
      SCOPED_TRACE("key " + seed + ", " + name);
      if (name == "fold_in") {
        for (const auto& [data, folded] : answer.items())
          expect_answer(sk::random::fold_in(key, sk::array(static_cast<std::uint32_t>(std::stoull(data)))), folded, 0),
              ++compared;
        continue;
      }
      // normal to 2 ULP; exponential, which is -log1p(-u), as far as its logarithm may be.
      expect_answer(call(key, name), answer,
                    name.starts_with("normal")        ? 2
                    : name.starts_with("exponential") ? 4
                                                      : 0),
          ++compared;
    }
  }
  EXPECT_EQ(compared, 2 * (31 + 9));
}

}  // namespace
