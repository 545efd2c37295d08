// shard_map and the collectives: the known answers of JAX's tests and documents, specs, trees, shards.
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <numeric>

namespace sk = skein;
using sk::P;
using Ints = std::vector<int>;

namespace {

sk::Mesh ring(int n = 4) { return sk::make_mesh({n}, {"i"}); }
const Ints pi{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 1, 2};

template <class F>
Ints run(F f, sk::Array x, sk::PartitionSpec in, sk::PartitionSpec out, sk::Mesh mesh = ring()) {
  return sk::jit(sk::shard_map(f, mesh, {.in_specs = {in}, .out_specs = {out}}))(x).template to_vector<int>();
}

TEST(ShardMap, KnownAnswers) {
  auto x = sk::array(pi);
  EXPECT_EQ(run([](sk::Array a) { return sk::psum(a, "i"); }, x, P("i"), P()), (Ints{22, 20, 12, 17}));
  EXPECT_EQ(run([](sk::Array a) { return sk::psum_scatter(a, "i", {.tiled = true}); }, x, P("i"), P("i")),
            (Ints{22, 20, 12, 17}));
  EXPECT_EQ(run([](sk::Array a) { return sk::all_to_all(a, "i", {.tiled = true}); }, x, P("i"), P("i")),
            (Ints{3, 5, 5, 9, 1, 9, 3, 7, 4, 2, 5, 1, 1, 6, 8, 2}));
  EXPECT_EQ(
      run([](sk::Array a) { return sk::all_gather(a, "i", {.tiled = true}); }, sk::array({3, 9, 5, 2}), P("i"), P("i")),
      (Ints{3, 9, 5, 2, 3, 9, 5, 2, 3, 9, 5, 2, 3, 9, 5, 2}));
  EXPECT_EQ(run([](sk::Array a) { return sk::pmin(a, "i"); }, sk::arange(8), P("i"), P()), (Ints{0, 1}));
  EXPECT_EQ(run([](sk::Array a) { return sk::pmax(a, "i"); }, sk::arange(8), P("i"), P()), (Ints{6, 7}));
  EXPECT_EQ(run([](sk::Array a) { return sk::psum(sk::psum(a, "i"), "i"); }, sk::arange(4), P("i"), P()), (Ints{24}));
}

TEST(ShardMap, TwoAxes) {
  auto mesh = sk::make_mesh({2, 2}, {"i", "j"});
  auto x = sk::reshape(sk::arange(16), {4, 4});
  EXPECT_EQ(run([](sk::Array a) { return sk::psum(a, "i"); }, x, P("i", "j"), P(sk::none, "j"), mesh),
            (Ints{8, 10, 12, 14, 16, 18, 20, 22}));
  EXPECT_EQ(run([](sk::Array a) { return sk::psum(a, {"i", "j"}); }, x, P("i", "j"), P(), mesh),
            (Ints{20, 24, 36, 40}));
  auto f = sk::shard_map(
      [] {
        auto place = [](sk::Array v) { return sk::reshape(v, {1, 1}); };
        return std::tuple{place(sk::axis_index("i")), place(sk::axis_index("j")), place(sk::axis_index({"i", "j"}))};
      },
      mesh, {.out_specs = {P("i", "j")}});
  auto [i, j, ij] = f();
  EXPECT_EQ(i.to_vector<int>(), (Ints{0, 0, 1, 1}));
  EXPECT_EQ(j.to_vector<int>(), (Ints{0, 1, 0, 1}));
  EXPECT_EQ(ij.to_vector<int>(), (Ints{0, 1, 2, 3}));
}

TEST(ShardMap, OutSpecsTile) {
  auto mesh = sk::make_mesh({2, 2}, {"i", "j"});
  auto with = [&](sk::PartitionSpec out) {
    return sk::shard_map([] { return sk::full({1, 1}, 3.f); }, mesh, {.out_specs = {out}})().shape();
  };
  EXPECT_EQ(with(P("i", "j")), sk::Shape({2, 2}));
  EXPECT_EQ(with(P("i", sk::none)), sk::Shape({2, 1}));
  EXPECT_EQ(with(P()), sk::Shape({1, 1}));
}

TEST(ShardMap, Ring) {
  auto x = sk::reshape(sk::arange(16), {4, 4});
  auto shift = [](sk::Array a) { return sk::ppermute(a, "i", {{0, 1}, {1, 2}, {2, 3}, {3, 0}}); };
  EXPECT_EQ(run(shift, x, P("i", sk::none), P("i", sk::none)),
            (Ints{12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(run([](sk::Array a) { return sk::ppermute(a, "i", {{0, 1}}); }, sk::arange(4) + 5, P("i"), P("i")),
            (Ints{0, 5, 0, 0}));
  EXPECT_EQ(run([](sk::Array a) { return sk::pshuffle(a, "i", {3, 2, 1, 0}); }, sk::arange(4), P("i"), P("i")),
            (Ints{3, 2, 1, 0}));
  EXPECT_EQ(run([](sk::Array a) { return sk::pbroadcast(a, "i", 2); }, sk::arange(4) + 5, P("i"), P()), (Ints{7}));
}

TEST(ShardMap, PsumOfBoolAndOfReplicated) {
  auto f = sk::shard_map(
      [](sk::Array a) { return std::tuple{sk::psum(a, "i"), sk::pmean(a, "i"), sk::psum(sk::array(2), "i")}; }, ring(2),
      {.in_specs = {P("i")}, .out_specs = {P()}});
  auto [sum, mean, twice] = f(sk::array({true, false}));
  EXPECT_EQ(sum.item<int>(), 1);
  EXPECT_EQ(mean.item<float>(), 0.5f);
  EXPECT_EQ(twice.item<int>(), 4);
}

TEST(ShardMap, Groups) {
  auto f = [](sk::Array a) { return sk::psum(a, "i", {.axis_index_groups = {{0, 1}, {2, 3}}}); };
  EXPECT_EQ(run(f, sk::arange(4), P("i"), P("i")), (Ints{1, 1, 5, 5}));
}

TEST(ShardMap, UntiledGatherAndScatter) {
  auto f = sk::shard_map(
      [](sk::Array a) {
        auto all = sk::all_gather(a, "i");
        EXPECT_EQ(all.shape(), sk::Shape({4, 2}));
        EXPECT_EQ(sk::type_of(all).varying, std::vector<std::string>{"i"});
        auto same = sk::all_gather(a, "i", {.axis = -1, .invariant = true});
        EXPECT_EQ(sk::to_string(sk::type_of(same)), "int32[2,4]");
        return std::pair{sk::psum_scatter(all, "i"), same};
      },
      ring(), {.in_specs = {P("i")}, .out_specs = {P("i"), P()}});
  auto [mine, same] = f(sk::arange(8));
  EXPECT_EQ(mine.to_vector<int>(), (Ints{0, 4, 8, 12, 16, 20, 24, 28}));
  EXPECT_EQ(same.to_vector<int>(), (Ints{0, 2, 4, 6, 1, 3, 5, 7}));
}

struct Particles {
  sk::Array pos, mass;
  int kind = 3;
};

TEST(ShardMap, TreesAndPrefixSpecs) {
  auto body = [](Particles p, int n, std::vector<sk::Array> more) {
    return Particles{p.pos * n, sk::psum(p.mass, "i") + more[0], p.kind};
  };
  Particles p{sk::ones({8, 3}), sk::ones({4}), 5};
  std::vector<sk::Array> more{sk::array(1.f)};
  auto f = sk::shard_map(body, ring(), {.in_specs = {P("i"), sk::none, P()}, .out_specs = {{P("i"), P()}}});
  Particles r = f(p, 2, more);
  EXPECT_EQ(r.kind, 5);
  EXPECT_EQ(r.pos.to_vector<float>()[3], 2);
  EXPECT_EQ(r.mass.to_vector<float>(), std::vector<float>{5});
  auto g = sk::shard_map(
      body, ring(),
      {.in_specs = {{P("i"), P("i"), sk::none}, sk::none, {P()}}, .out_specs = {{P("i"), P(), sk::none}}});
  EXPECT_EQ(g(p, 3, more).pos.to_vector<float>()[0], 3);
}

TEST(ShardMap, ATreeTravelsTogether) {
  auto f = sk::shard_map(
      [](sk::Array a) { return sk::psum(std::tuple{a, a * 1.5, std::vector<sk::Array>{a > 1}}, sk::all_axes); }, ring(),
      {.in_specs = {P("i")}, .out_specs = {P()}});
  auto [a, b, c] = f(sk::arange(4));
  EXPECT_EQ(a.item<int>(), 6);
  EXPECT_EQ(b.item<float>(), 9);
  EXPECT_EQ(c[0].item<int>(), 2);
}

TEST(ShardMap, ExpandingAndConstructor) {
  auto body = [](sk::Array x) {
    auto [rank, ndev, axes] = sk::rank_info();
    EXPECT_EQ(ndev, 4);
    return std::tuple{x + rank, rank, sk::psum(rank, axes)};
  };
  auto mesh = sk::make_mesh({2, 2}, {"n", "g"});
  auto [a, b, c] =
      sk::expanding_shard_map(body, mesh, {.in_specs = {P()}, .out_specs = {P(-1), P(-1), P()}})(sk::arange(2));
  EXPECT_EQ(a.shape(), sk::Shape({4, 2}));
  EXPECT_EQ(b.to_vector<int>(), (Ints{0, 1, 2, 3}));
  EXPECT_EQ(c.item<int>(), 6);
  // A varying input loses its device dimension.
  auto back = sk::expanding_shard_map(
      [](sk::Array x) {
        EXPECT_EQ(x.shape(), sk::Shape({2}));
        return sk::sum(x);
      },
      mesh, {.in_specs = {P(-1)}, .out_specs = {P(-1)}});
  EXPECT_EQ(back(a).to_vector<int>(), (Ints{1, 3, 5, 7}));
  auto smap = sk::shard_map_constructor(body, {.in_specs = {P()}, .out_specs = {P(-1), P(-1), P()}});
  EXPECT_EQ(std::get<0>(smap(mesh, {.jit = true})(sk::arange(2))).to_vector<int>(), a.to_vector<int>());
  EXPECT_EQ(std::get<0>(smap(ring())(sk::arange(2))).to_vector<int>(), a.to_vector<int>());
  auto tiled = sk::expanding_shard_map([](sk::Array x) { return x; }, mesh, {.in_specs = {P(-1)}, .out_specs = {P(-1)}},
                                       {.tiled = true});
  EXPECT_EQ(tiled(sk::arange(8)).shape(), sk::Shape({8}));
  auto [rank, ndev, axes] = sk::rank_info();
  EXPECT_EQ(rank.item<int>(), 0);
  EXPECT_EQ(ndev, 1);
  EXPECT_EQ(sk::psum(sk::array(5), axes).item<int>(), 5);
}

TEST(ShardMap, SetMeshAndCapturedValues) {
  auto outside = sk::arange(100);
  auto f =
      sk::shard_map([=](sk::Array a) { return a + sk::sum(outside); }, {.in_specs = {P("i")}, .out_specs = {P("i")}});
  EXPECT_THROW(f(sk::arange(4)), sk::UserError);
  auto guard = sk::set_mesh(ring());
  EXPECT_EQ(f(sk::arange(4)).to_vector<int>(), (Ints{4950, 4951, 4952, 4953}));
  EXPECT_EQ(sk::jit(f)(sk::arange(4)).to_vector<int>(), (Ints{4950, 4951, 4952, 4953}));
}

TEST(ShardMap, ShardsOfResults) {
  auto mesh = sk::make_mesh({2, 2}, {"a", "b"});
  auto r = sk::jit(
      sk::shard_map([](sk::Array x) { return x; }, mesh, {.in_specs = {P("b", "a")}, .out_specs = {P("b", "a")}}))(
      sk::reshape(sk::arange(16), {4, 4}));
  auto shards = r.addressable_shards();
  ASSERT_EQ(shards.size(), 4u);
  EXPECT_EQ(shards[1].device, 1);  // a = 0, b = 1: the lower left block
  EXPECT_EQ(shards[1].index[0], (sk::Slice{2, 4, {}}));
  EXPECT_EQ(shards[1].index[1], (sk::Slice{0, 2, {}}));
  EXPECT_EQ(shards[1].data.to_vector<int>(), (Ints{8, 9, 12, 13}));
  EXPECT_EQ(r.sharding().spec(), P("b", "a"));
  EXPECT_EQ(sk::array(1).addressable_shards().size(), 1u);
}

TEST(ShardMap, VoidAndLoopsOfCollectives) {
  sk::shard_map([] { sk::check(sk::axis_size("i") == 4, "four"); }, ring(), {})();
  auto f = sk::shard_map(
      [](sk::Array a) {
        auto mine = a;
        auto [sum, visiting] = sk::fori_loop(
            0, 4,
            [&](sk::Array, std::pair<sk::Array, sk::Array> s) {
              return std::pair{s.first + mine * s.second,
                               sk::ppermute(s.second, "i", {{0, 1}, {1, 2}, {2, 3}, {3, 0}})};
            },
            std::pair{sk::zeros_like(a), a});
        return sum;
      },
      ring(), {.in_specs = {P("i")}, .out_specs = {P("i")}});
  EXPECT_EQ(f(sk::arange(4)).to_vector<int>(), (Ints{0, 6, 12, 18}));
}

}  // namespace
