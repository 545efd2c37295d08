// jit: signatures, static arguments, captured arrays, nesting, donation, threads, errors that pass through.
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <atomic>
#include <thread>

namespace sk = skein;

namespace {

TEST(Jit, TracesOncePerSignature) {
  int traces = 0;
  auto f = sk::jit([&](sk::Array a, int n) {
    ++traces;
    return a * n;
  });
  EXPECT_EQ(f(sk::arange(3), 2).to_vector<int>(), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(f(sk::arange(3) + 1, 2).to_vector<int>(), (std::vector<int>{2, 4, 6}));
  EXPECT_EQ(traces, 1);
  f(sk::arange(4), 2);
  f(sk::arange(3), 3);
  f(sk::array({1.f, 2.f, 3.f}), 2);
  EXPECT_EQ(traces, 4);
  f(sk::arange(3), 2);
  EXPECT_EQ(traces, 4);
}

TEST(Jit, GenericFunctionsAndScalars) {
  auto f = sk::jit([](auto a, auto b) { return a + b; });
  EXPECT_EQ(f(sk::array(1), sk::array(2)).item<int>(), 3);
  EXPECT_EQ(f(sk::array(1.f), 2).item<float>(), 3);  // 2 is static
  auto g = sk::jit([](sk::Array a) { return a * 2; });
  EXPECT_EQ(g(3).item<int>(), 6);
  EXPECT_EQ(g(1.5).item<float>(), 3);
}

TEST(Jit, StaticArguments) {
  auto f = sk::jit(
      [](sk::Array a, std::string name, std::vector<int> sizes) { return name == "sum" ? sk::sum(a) : a + sizes[0]; });
  EXPECT_EQ(f(sk::arange(4), "sum", std::vector<int>{1}).item<int>(), 6);
  EXPECT_EQ(f(sk::arange(2), "add", std::vector<int>{5}).to_vector<int>(), (std::vector<int>{5, 6}));
  auto g = sk::jit([](sk::Array a, int n) { return a + n; }, {.static_argnums = {1}});
  EXPECT_EQ(g(sk::array(1), 2).item<int>(), 3);
}

TEST(Jit, CapturedArrays) {
  auto small = sk::array({1.f, 2.f}), large = sk::arange(1000) * 1.0;
  auto f = sk::jit([=](sk::Array x) { return sk::sum(small) + sk::sum(large) + x; });
  EXPECT_EQ(f(sk::array(1.f)).item<float>(), 3 + 499500 + 1);
  EXPECT_EQ(f(sk::array(2.f)).item<float>(), 3 + 499500 + 2);
  auto g = sk::jit([=] { return std::pair{large, small + 1}; });
  EXPECT_EQ(g().first.shape(), sk::Shape({1000}));
  EXPECT_EQ(g().second.to_vector<float>(), (std::vector<float>{2, 3}));
}

TEST(Jit, ResultsMayBeArgumentsOrTwice) {
  auto f = sk::jit([](sk::Array a, sk::Array b) {
    auto c = a + b;
    return std::tuple{a, c, c, b, 5};
  });
  auto a = sk::arange(100);
  auto [x, y, z, w, n] = f(a, a);
  EXPECT_EQ(x.data<int>(), a.data<int>());
  EXPECT_EQ(y.to_vector<int>(), z.to_vector<int>());
  EXPECT_EQ(w.to_vector<int>()[7], 7);
  EXPECT_EQ(n, 5);
}

TEST(Jit, Nested) {
  auto inner = sk::jit([](sk::Array x) { return x * x; });
  auto outer = sk::jit([=](sk::Array x) { return inner(x) + inner(x + 1); });
  EXPECT_EQ(outer(sk::array(3)).item<int>(), 25);
  auto thrice = sk::jit(sk::jit(sk::jit([](sk::Array x) { return x + 1; })));
  EXPECT_EQ(thrice(sk::array(1)).item<int>(), 2);
}

TEST(Jit, Lower) {
  auto f = sk::jit([](sk::Array a, int n) { return sk::sum(a) * n; });
  auto c = f.lower(sk::arange(4), 3).compile();
  EXPECT_EQ(c(sk::arange(4), 3).item<int>(), 18);
  EXPECT_THROW(c(sk::arange(5), 3), sk::UserError);
  EXPECT_THROW(c(sk::arange(4), 4), sk::UserError);
  EXPECT_NE(c.as_text().find("skein."), std::string::npos);
}

TEST(Jit, VoidFunctionsRunForTheirEffects) {
  auto f = sk::jit([](sk::Array a) { sk::debug::print("value {}", a); });
  testing::internal::CaptureStderr();
  f(sk::array(7));
  f(sk::array(8));
  sk::effects_barrier();
  std::string out = testing::internal::GetCapturedStderr();
  EXPECT_NE(out.find("value 7"), std::string::npos) << out;
  EXPECT_NE(out.find("value 8"), std::string::npos) << out;
}

TEST(Jit, DonatedArgumentsAreGone) {
  auto f = sk::jit([](sk::Array a) { return a + 1; }, {.donate_argnums = {0}});
  auto x = sk::arange(10000);
  auto y = f(x + 0);
  EXPECT_EQ(y.to_vector<int>()[9999], 10000);
  auto shared = sk::reshape(x, {100, 100});  // the same memory
  auto z = f(x);
  EXPECT_EQ(z.to_vector<int>()[5], 6);
  EXPECT_EQ(shared.to_vector<int>()[5], 5);
}

TEST(Jit, WhatAReshapeOrAPieceStillReadsIsNotGivenAway) {
  const std::int64_t n = 256;
  auto f = sk::jit([](sk::Array x, sk::Array w) {
    auto r = sk::reshape(x, {n, n});
    auto top = r(sk::slice(0, n / 2));
    auto y = x + 1;  // could be written over x
    return std::tuple{y, sk::matmul(r, w), sk::matmul(top, w)};
  }, {.donate_argnums = {0}});
  auto [y, whole, half] = f(sk::ones({n * n}) * 3, sk::eye(n));
  EXPECT_EQ(y.to_vector<float>(), std::vector<float>(static_cast<std::size_t>(n * n), 4.f));
  EXPECT_EQ(whole.to_vector<float>(), std::vector<float>(static_cast<std::size_t>(n * n), 3.f));
  EXPECT_EQ(half.to_vector<float>(), std::vector<float>(static_cast<std::size_t>(n * n / 2), 3.f));
}

TEST(Jit, PiecesOfAStateThatIsOverwritten) {
  // Each turn reads its first half by a product, which is made after the state could have been overwritten.
  const std::int64_t n = 128;
  auto f = sk::jit([](sk::Array x, sk::Array w) {
    return sk::fori_loop(0, 5, [&](sk::Array, std::tuple<sk::Array, sk::Array> s) {
      auto [v, sum] = s;
      auto top = v(sk::slice(0, n));
      auto next = v * 0.5 + 1;
      return std::tuple{next, sum + sk::matmul(top, w)};
    }, std::tuple{x, sk::zeros({n, n})});
  });
  auto [last, sum] = f(sk::full({2 * n, n}, 4.f), sk::eye(n));
  // 4, 3, 2.5, 2.25, 2.125 -> 2.0625
  EXPECT_EQ(last.to_vector<float>(), std::vector<float>(static_cast<std::size_t>(2 * n * n), 2.0625f));
  EXPECT_EQ(sum.to_vector<float>(), std::vector<float>(static_cast<std::size_t>(n * n), 13.875f));
}

TEST(Jit, ExceptionsOfUserCodePassThrough) {
  struct Mine {};
  auto f = sk::jit([](sk::Array a, bool bad) {
    if (bad) throw Mine();
    return a + 1;
  });
  EXPECT_THROW(f(sk::array(1), true), Mine);
  EXPECT_EQ(f(sk::array(1), false).item<int>(), 2);
  EXPECT_THROW(sk::fori_loop(0, 3, [](sk::Array, sk::Array) -> sk::Array { throw Mine(); }, sk::array(0)), Mine);
  EXPECT_EQ((sk::array(1) + 1).item<int>(), 2);
}

TEST(Jit, FromSeveralThreads) {
  auto f = sk::jit([](sk::Array a, int n) { return sk::sum(a * n); });
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 1; i < 40; ++i)
        if (f(sk::arange(10 + i % 3), t + 1).item<int>() != (t + 1) * (10 + i % 3) * (9 + i % 3) / 2) ++wrong;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Jit, ChecksInsideAProgram) {
  auto f = sk::jit([](sk::Array need, sk::Array have) {
    sk::check(need <= have, "need {} rows, have {}", need, have);
    return have - need;
  });
  EXPECT_EQ(f(sk::array(2), sk::array(5)).item<int>(), 3);
  try {
    f(sk::array(7), sk::array(5));
    FAIL();
  } catch (const sk::UserError& e) {
    EXPECT_NE(std::string(e.what()).find("need 7 rows, have 5"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("jit_test.cpp"), std::string::npos) << e.what();
  }
  EXPECT_EQ(f(sk::array(2), sk::array(5)).item<int>(), 3);
}

}  // namespace
