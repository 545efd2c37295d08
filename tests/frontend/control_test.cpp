// Loops and branches: results, carried types, weak values, varying axes.
#include <gtest/gtest.h>
#include <skein/skein.h>

namespace sk = skein;
using sk::P;

namespace {

TEST(Control, ForiLoopOfKnownAndTracedBounds) {
  auto total = [](sk::Array n) { return sk::fori_loop(0, n, [](sk::Array i, sk::Array s) { return s + i; }, 0); };
  for (auto [n, want] : {std::pair{2, 1}, {3, 3}, {4, 6}}) {
    EXPECT_EQ(total(n).item<int>(), want);
    EXPECT_EQ(sk::jit(total)(sk::array(n)).item<int>(), want);
  }
  EXPECT_EQ(sk::fori_loop(5, 2, [](sk::Array, sk::Array s) { return s + 1; }, sk::array(1)).item<int>(), 1);
}

TEST(Control, WeakStatesTakeTheBodysDtype) {
  auto r = sk::fori_loop(0, 3, [](sk::Array, sk::Array s) { return s + sk::array(0.5f); }, 0);
  EXPECT_EQ(r.dtype(), sk::float32);
  EXPECT_EQ(r.item<float>(), 1.5f);
}

TEST(Control, WhileLoopOfATree) {
  struct State {
    sk::Array n, v;
    int kind;
  };
  auto s =
      sk::while_loop([](State s) { return s.n < 10; }, [](State s) { return State{s.n + s.kind, s.v * 2.0, s.kind}; },
                     State{sk::array(0), sk::array(1.f), 3});
  EXPECT_EQ(s.n.item<int>(), 12);
  EXPECT_EQ(s.v.item<float>(), 16);
  EXPECT_EQ(s.kind, 3);
}

TEST(Control, ScanForwardsAndBackwards) {
  auto step = [](sk::Array s, sk::Array x) { return std::pair{s + x, s + x}; };
  auto xs = sk::array({3, 1, 4, 1, 5, 9});
  auto [last, ys] = sk::scan(step, sk::array(0), xs);
  EXPECT_EQ(last.item<int>(), 23);
  EXPECT_EQ(ys.to_vector<int>(), (std::vector<int>{3, 4, 8, 9, 14, 23}));
  EXPECT_EQ(sk::scan(step, sk::array(0), xs, {.reverse = true}).second.to_vector<int>(),
            (std::vector<int>{23, 20, 19, 15, 14, 9}));
  EXPECT_EQ(sk::scan(step, sk::array(0), xs, {.unroll = 3}).second.to_vector<int>(), ys.to_vector<int>());
  auto counted = sk::scan([](sk::Array s, sk::NoneType) { return std::pair{s + 1, std::tuple{s, s * 2}}; },
                          sk::array(0), sk::none, {.length = 3});
  EXPECT_EQ(std::get<1>(counted.second).to_vector<int>(), (std::vector<int>{0, 2, 4}));
  auto rows = sk::scan([](sk::Array s, sk::Array row) { return std::pair{s + sk::sum(row), row * 2}; }, sk::array(0),
                       sk::reshape(sk::arange(6), {3, 2}));
  EXPECT_EQ(rows.second.shape(), sk::Shape({3, 2}));
  EXPECT_EQ(rows.first.item<int>(), 15);
  EXPECT_EQ(sk::scan(step, sk::array(1), sk::zeros({0}, sk::int32)).second.shape(), sk::Shape({0}));
}

TEST(Control, CondAndSwitch) {
  auto f = [](sk::Array p, sk::Array x) {
    return sk::cond(
        p, [](sk::Array a) { return std::tuple{a + 1, a}; }, [](sk::Array a) { return std::tuple{a - 1, a * 0}; }, x);
  };
  EXPECT_EQ(std::get<0>(f(true, sk::array(1))).item<int>(), 2);
  EXPECT_EQ(std::get<0>(sk::jit(f)(sk::array(false), sk::array(1))).item<int>(), 0);
  EXPECT_EQ(sk::cond(
                sk::array(1) > 2, [] { return sk::array(1.f); }, [] { return sk::Array(2); })
                .item<float>(),
            2);  // weak adapts
  auto pick = [](sk::Array i) {
    return sk::switch_(
        i, std::tuple{[] { return sk::array(10); }, [] { return sk::array(20); }, [] { return sk::array(30); }});
  };
  EXPECT_EQ(pick(1).item<int>(), 20);
  EXPECT_EQ(pick(-5).item<int>(), 10);
  EXPECT_EQ(pick(7).item<int>(), 30);
}

TEST(Control, NestedLoopsAndCaptures) {
  auto f = sk::jit([](sk::Array x) {
    return sk::fori_loop(
        0, 3,
        [&](sk::Array i, sk::Array s) {
          return sk::fori_loop(0, 2, [&](sk::Array j, sk::Array t) { return t + x * i + j; }, s);
        },
        sk::array(0));
  });
  EXPECT_EQ(f(sk::array(10)).item<int>(), 2 * 10 * 3 + 3);
}

TEST(Control, CarriesJoinVaryingAxes) {
  auto mesh = sk::make_mesh({4}, {"x"});
  auto f = sk::shard_map(
      [](sk::Array a) {
        // Each device runs its own number of turns; nothing in the body waits for the others.
        auto rank = sk::axis_index("x");
        auto n = sk::while_loop([&](sk::Array n) { return n < rank; }, [](sk::Array n) { return n + 2; }, sk::array(0));
        EXPECT_EQ(sk::to_string(sk::type_of(n)), "int32[]{V:x}");
        auto m = sk::fori_loop(0, 3, [&](sk::Array, sk::Array s) { return s + sk::sum(a); }, sk::array(0));
        EXPECT_EQ(sk::to_string(sk::type_of(m)), "int32[]{V:x}");
        auto c = sk::cond(rank > 1, [] { return sk::array(1); }, [] { return sk::array(0); });
        EXPECT_EQ(sk::to_string(sk::type_of(c)), "int32[]{V:x}");
        return sk::stack({n, m, c});
      },
      mesh, {.in_specs = {P("x")}, .out_specs = {P("x")}});
  EXPECT_EQ(f(sk::arange(4)).to_vector<int>(), (std::vector<int>{0, 0, 0, 2, 3, 0, 2, 6, 1, 4, 9, 1}));
}

}  // namespace
