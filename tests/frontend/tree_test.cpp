// Trees: what is a leaf, what is structure, and that both come back.
#include <gtest/gtest.h>
#include <skein/skein.h>

namespace sk = skein;

namespace {

struct Particles {
  sk::Array pos, mass;
  int kind = 3;
};
enum class Method { direct, tree };
struct Config {
  double length = 1;
  Method method = Method::direct;
  std::string name = "run";
};
struct Simulation {
  Particles gas;
  std::vector<Particles> others;
  Config config;
  std::map<std::string, sk::Array> fields;
  std::optional<sk::Array> field;
  std::array<sk::Array, 2> pair;
};

Simulation simulation() {
  Simulation s;
  s.gas = {sk::array(1.f), sk::array(2.f)};
  s.others = {{sk::array(3.f), sk::array(4.f), 7}};
  s.fields = {{"a", sk::array(5.f)}, {"b", sk::array(6.f)}};
  s.field = sk::array(7.f);
  s.pair = {sk::array(8.f), sk::array(9.f)};
  return s;
}

TEST(Tree, LeavesComeInTheOrderOfMembers) {
  std::vector<float> values;
  for (const sk::Array& leaf : sk::tree_leaves(simulation())) values.push_back(leaf.item<float>());
  EXPECT_EQ(values, (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Tree, MapKeepsTheStructure) {
  Simulation doubled = sk::tree_map([](const sk::Array& x) { return x * 2; }, simulation());
  EXPECT_EQ(doubled.others[0].kind, 7);
  EXPECT_EQ(doubled.config.name, "run");
  EXPECT_EQ(doubled.fields.at("b").item<float>(), 12);
  EXPECT_EQ(doubled.pair[1].item<float>(), 18);
  auto sum = sk::tree_map([](sk::Array a, sk::Array b) { return a + b; }, std::tuple{sk::array(1), sk::array(2)},
                          std::tuple{sk::array(10), sk::array(20)});
  EXPECT_EQ(std::get<1>(sum).item<int>(), 22);
}

TEST(Tree, MapOfDifferentStructuresIsAUserError) {
  std::vector<sk::Array> one{sk::array(1)}, two{sk::array(1), sk::array(2)};
  EXPECT_THROW(sk::tree_map([](sk::Array a, sk::Array b) { return a + b; }, one, two), sk::UserError);
}

TEST(Tree, StructureIsWhatIsStatic) {
  Simulation a = simulation(), b = simulation();
  EXPECT_TRUE(sk::detail::same_structure(a, b));
  b.others[0].kind = 8;
  EXPECT_FALSE(sk::detail::same_structure(a, b));
  b = simulation();
  b.config.method = Method::tree;
  EXPECT_FALSE(sk::detail::same_structure(a, b));
  b = simulation();
  b.fields["c"] = sk::array(1.f);
  EXPECT_FALSE(sk::detail::same_structure(a, b));
  b = simulation();
  b.field.reset();
  EXPECT_FALSE(sk::detail::same_structure(a, b));
  b = simulation();
  b.gas.pos = sk::zeros({5});  // a leaf's type is not structure
  EXPECT_TRUE(sk::detail::same_structure(a, b));
}

TEST(Tree, TypesWithoutArraysAreStatic) {
  static_assert(!sk::detail::contains_array<Config>());
  static_assert(!sk::detail::contains_array<int>());
  static_assert(!sk::detail::contains_array<std::vector<std::string>>());
  static_assert(sk::detail::contains_array<Simulation>());
  static_assert(sk::detail::contains_array<std::tuple<int, std::pair<Config, sk::Array>>>());
}

TEST(Tree, NestedStructsPassThroughJit) {
  int traces = 0;
  auto f = sk::jit([&](Simulation s, double factor) {
    ++traces;
    s.gas.pos = s.gas.pos * factor;
    s.others[0].kind += 1;
    return s;
  });
  Simulation r = f(simulation(), 3.0);
  EXPECT_EQ(r.gas.pos.item<float>(), 3);
  EXPECT_EQ(r.others[0].kind, 8);
  EXPECT_EQ(r.config.length, 1);
  f(simulation(), 3.0);
  EXPECT_EQ(traces, 1);
  f(simulation(), 4.0);
  Simulation other = simulation();
  other.config.name = "another";
  f(other, 3.0);
  EXPECT_EQ(traces, 3);
}

TEST(Tree, AnEmptyArrayIsPartOfTheStructure) {
  auto f = sk::jit([](Particles p) { return Particles{p.pos + 1, p.mass}; });
  Particles r = f(Particles{sk::array(1.f), {}});
  EXPECT_EQ(r.pos.item<float>(), 2);
  EXPECT_TRUE(r.mass.empty());
  EXPECT_EQ(f(Particles{sk::array(1.f), sk::array(5.f)}).mass.item<float>(), 5);
}

}  // namespace
