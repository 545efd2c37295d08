// Every case of bad input that is found while tracing.
#include "tests/error/expect_error.h"

#include <functional>
#include <thread>

// A statement stands on the line that its error must name.
// clang-format off

namespace sk = skein;
using sk::P;

namespace {

sk::Mesh mesh4() { return sk::make_mesh({4}, {"x"}); }
template <class F>
auto on4(F f, sk::PartitionSpec in, sk::PartitionSpec out) {
  return sk::shard_map(f, mesh4(), {.in_specs = {in}, .out_specs = {out}});
}
auto same = [](sk::Array a) { return a; };

TEST(Errors, ShapesAndDtypes) {
  auto a = sk::zeros({3}), b = sk::zeros({4});
  EXPECT_USER_ERROR(a + b, "add", "float32[3]", "float32[4]", "broadcast");
  EXPECT_USER_ERROR(sk::jit([](sk::Array a, sk::Array b) { return a * b; })(a, b), "multiply", "float32[3]", "float32[4]");
  EXPECT_USER_ERROR(sk::where(a > 0, a, b), "where", "float32[4]");
  EXPECT_USER_ERROR(sk::matmul(sk::zeros({2, 3}), sk::zeros({4, 2})), "matmul", "float32[2,3]", "float32[4,2]", "3", "4");
  EXPECT_USER_ERROR(sk::reshape(sk::zeros({6}), {4, -1}), "reshape", "float32[6]", "[4,-1]");
  EXPECT_USER_ERROR(sk::broadcast_to(a, {4}), "broadcast_to", "float32[3]", "[4]");
  EXPECT_USER_ERROR(sk::concatenate({sk::zeros({2, 3}), sk::zeros({2, 4})}), "concatenate", "axis 0", "float32[2,4]");
  EXPECT_USER_ERROR(sk::sum(a, {.axis = 1}), "sum", "axis 1", "float32[3]");
  EXPECT_USER_ERROR(sk::sum(sk::zeros({2, 2}), {.axis = {0, -2}}), "sum", "twice");
  EXPECT_USER_ERROR(sk::transpose(sk::zeros({2, 3}), {0}), "transpose", "float32[2,3]");
  EXPECT_USER_ERROR(sk::max(sk::zeros({0})), "max", "float32[0]");
  EXPECT_USER_ERROR(sk::array(true) - sk::array(true), "subtract", "bool");
  EXPECT_USER_ERROR(sk::array(1.f) & sk::array(1.f), "bitwise_and", "float32");
  EXPECT_USER_ERROR(sk::array({1.f, 2.f}).item<float>(), "item", "float32[2]");
  EXPECT_USER_ERROR(sk::array({1.f, 2.f}).to_vector<double>(), "to_vector", "float32", "float64", "astype");
  EXPECT_USER_ERROR(sk::einsum("ij,jk->ik", a, b), "einsum", "\"ij\"", "float32[3]");
}

TEST(Errors, EmptyArrays) {
  sk::Array nothing;
  EXPECT_USER_ERROR(nothing.shape(), "shape", "empty");
  EXPECT_USER_ERROR(nothing + 1, "add", "empty");
  EXPECT_USER_ERROR(sk::sum(nothing), "sum", "empty");
  EXPECT_USER_ERROR(nothing.item<float>(), "item", "empty");
}

TEST(Errors, TracedValuesOnTheHost) {
  EXPECT_USER_ERROR(sk::jit([](sk::Array a) { return a.item<float>() > 0 ? a : -a; })(sk::array(1.f)), "item", "float32[]", "traced");
  EXPECT_USER_ERROR(sk::jit([](sk::Array a) { return sk::array(a.to_vector<float>()); })(sk::array(1.f)), "to_vector", "traced");
  EXPECT_USER_ERROR(sk::fori_loop(0, 3, [](sk::Array i, sk::Array s) { return s + i.item<int>(); }, sk::array(0)), "item", "traced");
}

TEST(Errors, ArraysThatOutliveTheirTrace) {
  sk::Array kept;
  sk::jit([&](sk::Array a) { return kept = a + 1; })(sk::array(1));
  EXPECT_USER_ERROR(kept + 1, "add", "ended");
  EXPECT_USER_ERROR(kept.item<int>(), "item", "ended");
  auto leak = [&](sk::Array a) {
    sk::fori_loop(0, 2, [&](sk::Array i, sk::Array s) { return s + (kept = i); }, sk::array(0));
    return a;
  };
  sk::jit(leak)(sk::array(1));
  EXPECT_USER_ERROR(sk::jit([&](sk::Array a) { leak(a); return a + kept; })(sk::array(1)), "add", "ended");
  EXPECT_USER_ERROR(sk::jit([&](sk::Array a) { return a + kept; })(sk::array(1)), "add", "ended");
}

TEST(Errors, Axes) {
  auto x = sk::arange(8);
  EXPECT_USER_ERROR(sk::psum(x, "x"), "psum", "unbound axis name: x", "call psum under");
  EXPECT_USER_ERROR(sk::axis_index("x"), "axis_index", "unbound axis name: x");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::psum(a, "y"); }, P("x"), P())(x), "psum", "unbound axis name: y", "'x': 4");
  EXPECT_USER_ERROR(on4(same, P("y"), P("x"))(x), "shard_map", "'y'", "'x': 4");
  EXPECT_USER_ERROR(on4(same, P("x"), P("y"))(x), "shard_map", "'y'");
  EXPECT_USER_ERROR(on4(same, P("x", "x"), P())(sk::zeros({4, 4})), "shard_map", "'x'", "twice");
  EXPECT_USER_ERROR(on4(same, P({"x", "x"}), P())(sk::zeros({4, 4})), "shard_map", "'x'", "twice");
  EXPECT_USER_ERROR(on4(same, P(sk::none, "x"), P())(x), "shard_map", "P(none, \"x\")", "rank 1", "int32[8]");
  EXPECT_USER_ERROR(on4(same, P(sk::none), P())(sk::array(3.f)), "shard_map", "consider using an in_specs entry of `P()`");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::sum(a); }, P("x"), P("x"))(x), "shard_map", "consider using an out_specs entry of `P()`");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::psum(a, {"x", "x"}); }, P("x"), P())(x), "psum", "twice");
}

TEST(Errors, SizesThatDoNotDivide) {
  EXPECT_USER_ERROR(on4(same, P("x"), P("x"))(sk::arange(10)), "shard_map", "dimension 0", "size 10", "'x'", "size 4", "pad it to 12");
  EXPECT_USER_ERROR(on4(same, P(sk::none, "x"), P())(sk::zeros({2, 6})), "shard_map", "dimension 1", "size 6", "pad it to 8");
  EXPECT_USER_ERROR(sk::expanding_shard_map(same, mesh4(), {.in_specs = {P("x")}, .out_specs = {P("x")}})(sk::arange(8)), "expanding_shard_map", "dimension 0", "size 8", "size 4", "tiled");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::psum_scatter(a, "x", {.tiled = true}); }, P(), P("x"))(sk::arange(6)), "psum_scatter", "6", "4", "x", "pad");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::all_to_all(a, "x"); }, P(), P("x"))(sk::arange(8)), "all_to_all", "8", "4", "tiled");
}

TEST(Errors, OutSpecsThatPromiseReplication) {
  auto mesh = sk::make_mesh({2, 2, 2}, {"x", "y", "z"});
  auto f = sk::shard_map([](sk::Array a) { return a * 2; }, mesh, {.in_specs = {P("x", "y", "z")}, .out_specs = {P("x")}});
  EXPECT_USER_ERROR(f(sk::reshape(sk::arange(16), {4, 2, 2})), "shard_map",
                    "which implies that the corresponding output value is only varying across mesh axes {x} and not {y,z}, but it was inferred to be possibly varying over {x,y,z}");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::cond(sk::axis_index("x") > 0, [] { return sk::array(1); }, [] { return sk::array(2); }); }, P("x"), P())(sk::arange(4)), "shard_map", "{x}", "cond");
  auto unchecked = sk::shard_map([](sk::Array a) { return sk::psum(a, "x") + 0 * sk::axis_index("x"); }, mesh4(), {.in_specs = {P("x")}, .out_specs = {P()}, .check_vma = false});
  EXPECT_EQ(unchecked(sk::arange(4)).item<int>(), 6);
}

TEST(Errors, CollectivesUnderAVaryingPredicate) {
  auto x = sk::arange(4);
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::cond(sk::axis_index("x") > 0, [&] { return sk::psum(a, "x"); }, [&] { return sk::sum(a, {.keepdims = true}); }); }, P("x"), P("x"))(x), "cond", "psum", "axis x", "predicate", "int32[]{V:x}", "pmax");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return sk::while_loop([](sk::Array s) { return sk::sum(s) < 5; }, [](sk::Array s) { return s + sk::pmax(s, "x"); }, a); }, P("x"), P("x"))(x), "while_loop", "pmax", "axis x", "predicate", "bool[]{V:x}");
}

TEST(Errors, MeshesAndDevices) {
  EXPECT_USER_ERROR(sk::make_mesh({16}, {"x"}), "make_mesh", "16", "8", "cpu_devices");
  EXPECT_USER_ERROR(sk::make_mesh({2, 2}, {"x", "x"}), "make_mesh", "'x'");
  EXPECT_USER_ERROR(sk::make_mesh({2, 2}, {"x"}), "make_mesh", "[2,2]");
  EXPECT_USER_ERROR(sk::shard_map(same, sk::Mesh({16}, {"x"}), {.in_specs = {P()}, .out_specs = {P()}})(sk::arange(4)), "shard_map", "16", "8");
  EXPECT_USER_ERROR(sk::initialize({.cpu_devices = 3}), "initialize", "in use already", "8");
}

TEST(Errors, PermutationPairs) {
  auto with = [](std::vector<std::pair<std::int64_t, std::int64_t>> pairs, std::source_location where) {
    return on4([=](sk::Array a) { return sk::ppermute(a, "x", pairs, where); }, P("x"), P("x"))(sk::arange(4));
  };
  EXPECT_USER_ERROR(with({{0, 4}}, std::source_location::current()), "ppermute", "4", "axis x");
  EXPECT_USER_ERROR(with({{0, 1}, {2, 1}}, std::source_location::current()), "ppermute", "destination 1", "twice");
  EXPECT_USER_ERROR(with({{0, 1}, {0, 2}}, std::source_location::current()), "ppermute", "source 0", "twice");
  EXPECT_USER_ERROR(with({{-1, 2}}, std::source_location::current()), "ppermute", "-1");
}

TEST(Errors, LoopBodiesThatChangeTheState) {
  EXPECT_USER_ERROR(sk::fori_loop(0, 3, [](sk::Array, sk::Array s) { return s * 1.5; }, sk::array(1)), "fori_loop", "int32[]", "float32[]", "astype");
  EXPECT_USER_ERROR(sk::while_loop([](sk::Array s) { return sk::sum(s) < 3; }, [](sk::Array s) { return sk::concatenate({s, s}); }, sk::zeros({2})), "while_loop", "float32[2]", "float32[4]");
  EXPECT_USER_ERROR(sk::while_loop([](sk::Array s) { return s; }, [](sk::Array s) { return s; }, sk::array(1)), "while_loop", "bool scalar", "int32[]");
  EXPECT_USER_ERROR(sk::cond(true, [] { return sk::array(1); }, [] { return sk::array(1.5f); }), "cond", "int32[]", "float32[]");
  EXPECT_USER_ERROR(sk::cond(sk::zeros({2}), [] { return sk::array(1); }, [] { return sk::array(1); }), "cond", "float32[2]", "where");
  EXPECT_USER_ERROR(sk::scan([](sk::Array s, sk::Array x) { return std::pair{s, x}; }, sk::array(1), sk::array(2)), "scan", "int32[]");
  auto grow = [](sk::Array, std::vector<sk::Array> s) { s.push_back(s[0]); return s; };
  EXPECT_USER_ERROR(sk::fori_loop(0, 3, grow, std::vector<sk::Array>{sk::array(1)}), "fori_loop", "structure");
}

TEST(Errors, TreesThatDoNotMatchTheirSpecs) {
  auto two = [](sk::Array a, sk::Array b) { return std::tuple{a, b}; };
  auto x = sk::arange(4);
  EXPECT_USER_ERROR(sk::shard_map(two, mesh4(), {.in_specs = {P("x")}, .out_specs = {P("x")}})(x, x), "shard_map", "in_specs", "1 entries", "2 arguments");
  EXPECT_USER_ERROR(sk::shard_map(two, mesh4(), {.in_specs = {P("x"), P("x")}, .out_specs = {P("x"), P("x"), P("x")}})(x, x), "shard_map", "out_specs", "3 entries", "2 values");
  EXPECT_USER_ERROR(sk::shard_map(two, mesh4(), {.in_specs = {P("x"), {P("x"), P("x")}}, .out_specs = {P("x")}})(x, x), "shard_map", "in_specs[1]", "one array");
  EXPECT_USER_ERROR(sk::shard_map(two, mesh4(), {.in_specs = {P("x"), sk::none}, .out_specs = {P("x")}})(x, x), "shard_map", "in_specs[1]", "none");
  auto list = [](std::vector<sk::Array> v) { return v[0]; };
  EXPECT_USER_ERROR(sk::shard_map(list, mesh4(), {.in_specs = {{P("x"), P("x")}}, .out_specs = {P("x")}})(std::vector<sk::Array>{x}), "shard_map", "in_specs[0]", "list of 2", "1 members");
  EXPECT_USER_ERROR(sk::shard_map(same, {.in_specs = {P("x")}, .out_specs = {P("x")}})(x), "shard_map", "set_mesh");
  EXPECT_USER_ERROR(on4([](sk::Array a) { return on4(same, P("x"), P("x"))(a); }, P("x"), P("x"))(x), "shard_map", "inside the body");
}

TEST(Errors, LinesOfFunctionsThatSkeinOrTheStandardLibraryCalls) {
  auto x = sk::arange(10);
  sk::PartitionSpec p = P("x");
  auto f = sk::shard_map(same, mesh4(), {.in_specs = {p}, .out_specs = {p}}); auto line = [] { return __LINE__; }();
  auto fails_there = [&](auto&& call) {
    try {
      call();
      ADD_FAILURE() << "no error";
    } catch (const sk::UserError& e) {
      EXPECT_NE(std::string(e.what()).find("error_test.cpp:" + std::to_string(line) + ": shard_map: "), std::string::npos) << e.what();
    }
  };
  fails_there([&] { sk::jit(f)(x); });
  fails_there([&] { sk::jit(f).lower(x).compile(); });
  fails_there([&] { sk::fori_loop(0, 2, [&](sk::Array, sk::Array a) { return std::apply(f, std::tuple{a}); }, x); });
  fails_there([&] { sk::while_loop([](sk::Array a) { return sk::sum(a) < 0; }, f, x); });
  fails_there([&] { sk::cond(sk::sum(x) > 0, f, same, x); });
  fails_there([&] { sk::switch_(0, std::tuple{f, same}, x); });
  std::function<sk::Array(sk::Array)> kept = f;
  fails_there([&] { kept(x); });
  fails_there([&] { sk::cond(sk::sum(x) > 0, sk::jit(f), same, x); });
  EXPECT_USER_ERROR(f(x), "shard_map", "pad it to 12");  // the call, where the user writes it
  EXPECT_USER_ERROR(sk::jit([&](sk::Array a) { return f(a); })(x), "shard_map", "pad it to 12");
  EXPECT_USER_ERROR(sk::while_loop([](sk::Array a) { return sk::sum(a) < 0; }, sk::jit([](sk::Array a) { return a + sk::zeros({3}); }), x), "add", "float32[3]");
  std::string text = sk::jit(f).lower(sk::arange(8)).compile().as_text();
  EXPECT_EQ(text.find("invoke.h"), std::string::npos) << text;
}

TEST(Errors, JitOptions) {
  EXPECT_USER_ERROR(sk::jit([](sk::Array a) { return a; }, {.static_argnums = {0}})(sk::array(1)), "jit", "static_argnums", "argument 0");
  EXPECT_USER_ERROR(sk::jit([](sk::Array a) { return a; }, {.donate_argnums = {3}})(sk::array(1)), "jit", "donate_argnums", "3");
  EXPECT_USER_ERROR(sk::debug::print("{} {}", sk::array(1)), "print", "{} {}");
  EXPECT_USER_ERROR(sk::check(false, "need {}", 3), "check", "need 3");
}

TEST(Errors, FromASecondThread) {
  std::thread([] {
    EXPECT_USER_ERROR(sk::zeros({3}) + sk::zeros({4}), "add", "float32[3]");
    EXPECT_USER_ERROR(on4(same, P("x"), P("x"))(sk::arange(10)), "shard_map", "pad it to 12");
    EXPECT_USER_ERROR(sk::psum(sk::arange(2), "x"), "psum", "unbound axis name: x");
    EXPECT_USER_ERROR(on4([](sk::Array a) { return a * 2; }, P("x"), P())(sk::arange(8)), "shard_map", "not {x}");
    EXPECT_USER_ERROR(sk::fori_loop(0, 3, [](sk::Array, sk::Array s) { return s * 1.5; }, sk::array(1)), "fori_loop", "int32[]", "float32[]");
    EXPECT_USER_ERROR(sk::jit([](sk::Array a) { return a * a.item<float>(); })(sk::array(1.f)), "item", "traced");
    EXPECT_USER_ERROR(sk::load("no such file.npy"), "load", "no such file.npy");
    EXPECT_EQ(on4([](sk::Array a) { return sk::psum(a, "x"); }, P("x"), P())(sk::arange(4)).item<int>(), 6);
  }).join();
}

}  // namespace
