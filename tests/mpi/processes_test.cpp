// Programs on a mesh over several processes: the same tests alone, under mpirun and under srun.
#include <skein/skein.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

namespace sk = skein;
using sk::P;
using testing::AnyOf;
using testing::ElementsAreArray;
using testing::HasSubstr;

namespace {

std::int64_t device_count() { return static_cast<std::int64_t>(sk::devices().size()); }
sk::Mesh line() { return sk::make_mesh({device_count()}, {"d"}); }
/// Processes and their devices, where each has as many.
sk::Mesh grid() { return sk::make_mesh({sk::process_count(), device_count() / sk::process_count()}, {"p", "l"}); }
bool several() { return sk::process_count() > 1; }

std::vector<float> numbers(std::int64_t count) {
  std::vector<float> list(static_cast<std::size_t>(count));
  std::iota(list.begin(), list.end(), 0.f);
  return list;
}
sk::Array ramp(const sk::Shape& shape) { return sk::reshape(sk::arange(static_cast<float>(shape.volume())), shape); }
std::vector<float> all_of(const sk::Array& x) { return sk::process_allgather(x).to_vector<float>(); }

std::string error_of(auto&& body) {
  try {
    body();
  } catch (const sk::UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Processes, DevicesOfAllAndOfEach) {
  EXPECT_EQ(sk::devices().size() % sk::local_devices().size(), 0u);
  for (const sk::Device& device : sk::local_devices()) EXPECT_EQ(device.process, sk::process_index());
  std::int64_t id = 0;
  for (const sk::Device& device : sk::devices()) EXPECT_EQ(device.id, id++);
  EXPECT_EQ(sk::devices().front().process, 0);
  EXPECT_EQ(sk::devices().back().process, sk::process_count() - 1);
}

TEST(Processes, EveryCollective) {
  const std::int64_t n = device_count();
  for (std::int64_t size : {1, 5, 3000, 100003}) {  // with the header, and after it
    auto f = sk::jit(sk::shard_map(
        [n](sk::Array x) {
          x = x[0];
          std::vector<std::pair<std::int64_t, std::int64_t>> ring;
          for (std::int64_t i = 0; i < n; ++i) ring.emplace_back(i, (i + 1) % n);
          auto whole = sk::all_gather(x, "d");
          return std::tuple{sk::psum(x, "d"),
                            sk::pmax(x, "d"),
                            whole(sk::none),
                            sk::psum_scatter(whole, "d")(sk::none),
                            sk::all_to_all(whole, "d")(sk::none),
                            sk::ppermute(x, "d", ring)(sk::none)};
        },
        line(), {.in_specs = {P("d")}, .out_specs = {P(), P(), P("d"), P("d"), P("d"), P("d")}}));
    auto value = [](std::int64_t device, std::int64_t i) { return static_cast<float>((device * 7 + i * 3) % 101); };
    std::vector<float> data;
    for (std::int64_t d = 0; d < n; ++d)
      for (std::int64_t i = 0; i < size; ++i) data.push_back(value(d, i));
    auto [sum, most, gathered, scattered, exchanged, shifted] = f(sk::from_data(data, {n, size}));
    auto sums = sum.to_vector<float>(), greatest = most.to_vector<float>();  // replicated: whole everywhere
    auto all = all_of(gathered), scatter = all_of(scattered), exchange = all_of(exchanged), shift = all_of(shifted);
    for (std::int64_t i = 0; i < size; ++i) {
      float total = 0, top = 0;
      for (std::int64_t d = 0; d < n; ++d) total += value(d, i), top = std::max(top, value(d, i));
      ASSERT_EQ(sums[static_cast<std::size_t>(i)], total);
      ASSERT_EQ(greatest[static_cast<std::size_t>(i)], top);
      for (std::int64_t d = 0; d < n; ++d) {
        ASSERT_EQ(shift[static_cast<std::size_t>(d * size + i)], value((d + n - 1) % n, i));
        ASSERT_EQ(scatter[static_cast<std::size_t>(d * size + i)], static_cast<float>(n) * value(d, i));
        for (std::int64_t k = 0; k < n; ++k) {
          ASSERT_EQ(all[static_cast<std::size_t>((d * n + k) * size + i)], value(k, i));
          ASSERT_EQ(exchange[static_cast<std::size_t>((d * n + k) * size + i)], value(d, i));
        }
      }
    }
  }
}

TEST(Processes, GridsAndEverySpec) {
  auto mesh = grid();
  const std::int64_t p = mesh.shape()[0], l = mesh.shape()[1];
  const sk::Array x = ramp({4 * p * l, 6 * p * l});
  for (const sk::PartitionSpec& spec : {P("p", "l"), P("l", "p"), P({"p", "l"}), P({"l", "p"}), P(sk::none, {"l", "p"}),
                                        P("p"), P("l"), P(sk::none, "p"), P()}) {
    auto f = sk::jit(sk::shard_map(
        [](sk::Array block) {
          return std::tuple{block + 1, sk::psum(sk::sum(block), {"p", "l"})};
        },
        mesh, {.in_specs = {spec}, .out_specs = {spec, P()}}));
    auto [plus, total] = f(x);
    auto [again, total_again] = f(plus);  // what came out split goes in so
    auto result = all_of(again);
    std::vector<float> want = numbers(x.size());
    for (float& v : want) v += 2;
    EXPECT_THAT(result, ElementsAreArray(want)) << spec;
    // Each block is counted by as many devices as hold it.
    auto axes = spec.all_axes();
    double copies = static_cast<double>(p * l) / static_cast<double>(mesh.axes_size(axes)),
           n = static_cast<double>(x.size());
    EXPECT_NEAR(total.item<float>() / copies, n * (n - 1) / 2, n * n * 1e-6) << spec;
  }
}

TEST(Processes, GroupsOfOneAxis) {
  auto mesh = grid();
  const std::int64_t p = mesh.shape()[0], l = mesh.shape()[1];
  auto f = sk::jit(sk::expanding_shard_map(
      [] {
        auto rank = sk::astype(sk::axis_index({"p", "l"}), sk::float32);
        return std::tuple{sk::psum(rank, "p"), sk::psum(rank, "l"), rank};
      },
      mesh, {.in_specs = {}, .out_specs = {P("l"), P("p"), P(-1)}}));
  auto [over_p, over_l, rank] = f();
  auto columns = all_of(over_p), rows = all_of(over_l);
  for (std::int64_t j = 0; j < l; ++j)
    EXPECT_EQ(columns[static_cast<std::size_t>(j)], static_cast<float>(l * p * (p - 1) / 2 + j * p));
  for (std::int64_t i = 0; i < p; ++i)
    EXPECT_EQ(rows[static_cast<std::size_t>(i)], static_cast<float>(i * l * l + l * (l - 1) / 2));
  EXPECT_THAT(all_of(rank), ElementsAreArray(numbers(p * l)));
}

TEST(Processes, LoopsAndBranchesAroundShardMap) {
  auto mesh = line();
  const std::int64_t n = device_count();
  auto step = sk::shard_map(
      [n](sk::Array x) {
        std::vector<std::pair<std::int64_t, std::int64_t>> ring;
        for (std::int64_t i = 0; i < n; ++i) ring.emplace_back(i, (i + 1) % n);
        return sk::ppermute(x, "d", ring) + 1;
      },
      mesh, {.in_specs = {P("d")}, .out_specs = {P("d")}});
  auto f = sk::jit([&](sk::Array x, sk::Array turns) {
    x = sk::fori_loop(
        0, turns, [&](sk::Array, sk::Array v) { return step(v); }, x);  // whole at first, split from then on
    auto [i, y] = sk::while_loop([](auto s) { return std::get<0>(s) < 3; },
                                 [&](auto s) {
                                   return std::tuple{std::get<0>(s) + 1, step(step(std::get<1>(s)))};
                                 },
                                 std::tuple{sk::array(0), x});
    return sk::cond(
        turns > 2, [&](sk::Array v) { return step(v); }, [&](sk::Array v) { return step(step(v)); }, y);
  });
  for (int turns : {0, 1, 4}) {
    auto result = all_of(f(ramp({n, 700}), sk::array(turns)));
    const std::int64_t steps = turns + 6 + (turns > 2 ? 1 : 2);
    for (std::int64_t d = 0; d < n; ++d)
      for (std::int64_t i = 0; i < 700; ++i) {
        const std::int64_t from = ((d - steps) % n + n) % n;
        ASSERT_EQ(result[static_cast<std::size_t>(d * 700 + i)], static_cast<float>(from * 700 + i + steps));
      }
  }
}

TEST(Processes, LoopsThatOnlyPassOn) {
  auto mesh = line();
  const std::int64_t n = device_count();
  const sk::NamedSharding rows(mesh, P("d"));
  auto f = sk::jit([](sk::Array a, sk::Array b, sk::Array turns) {
    return sk::fori_loop(
        0, turns,
        [](sk::Array, std::tuple<sk::Array, sk::Array> s) {
          return std::tuple{std::get<1>(s), std::get<0>(s)};
        },
        std::tuple{a, b});
  });
  for (int turns : {0, 1, 2, 5}) {
    auto [a, b] = f(sk::device_put(ramp({n, 900}), rows), sk::device_put(-ramp({n, 900}), rows), sk::array(turns));
    EXPECT_EQ(all_of(a)[static_cast<std::size_t>(n * 900 - 1)],
              (turns % 2 ? -1.f : 1.f) * static_cast<float>(n * 900 - 1));
    EXPECT_EQ(all_of(b)[5], turns % 2 ? 5.f : -5.f);
  }
}

TEST(Processes, ArraysFromParts) {
  auto mesh = grid();
  const sk::NamedSharding sharding(mesh, P({"p", "l"}));
  const std::int64_t n = device_count(), rows = 3 * n;
  int calls = 0;
  auto x = sk::make_array_from_callback({rows, 5}, sharding, [&](const std::vector<sk::Slice>& index) {
    ++calls;
    return ramp({rows, 5})(sk::slice(*index[0].start, *index[0].stop));
  });
  EXPECT_EQ(calls, static_cast<int>(sk::local_devices().size()));
  EXPECT_THAT(all_of(x), ElementsAreArray(numbers(rows * 5)));
  auto shards = x.addressable_shards();
  ASSERT_EQ(shards.size(), sk::local_devices().size());
  for (const sk::Shard& shard : shards) {
    EXPECT_EQ(shard.data.shape(), (sk::Shape{3, 5}));
    EXPECT_EQ(shard.data.to_vector<float>()[0], static_cast<float>(*shard.index[0].start * 5));
  }
  const std::int64_t mine = static_cast<std::int64_t>(sk::local_devices().size()), first = sk::local_devices()[0].id;
  auto local = ramp({rows, 5})(sk::slice(3 * first, 3 * (first + mine)));
  auto y = sk::make_array_from_process_local_data(sharding, local);
  EXPECT_EQ(y.shape(), (sk::Shape{rows, 5}));
  EXPECT_THAT(all_of(y), ElementsAreArray(numbers(rows * 5)));
  EXPECT_THAT(all_of(sk::device_put(ramp({rows, 5}), sharding)), ElementsAreArray(numbers(rows * 5)));
  // As an argument, and closed over.
  auto f = sk::shard_map([](sk::Array a, sk::Array b) { return a + b; }, mesh,
                         {.in_specs = {P({"p", "l"}), P({"p", "l"})}, .out_specs = {P({"p", "l"})}});
  auto g = sk::jit([&](sk::Array a) { return f(a, y); });
  EXPECT_EQ(all_of(g(x))[7], 14.f);
}

struct Bodies {
  sk::Array pos, mass;
  int kind = 3;
};

TEST(Processes, TreesAndDonation) {
  auto mesh = line();
  const std::int64_t n = device_count();
  auto push = sk::jit(sk::shard_map(
                          [](Bodies b) {
                            auto [p, m] = sk::psum(std::tuple{sk::sum(b.pos, {.axis = 0}), sk::sum(b.mass)}, "d");
                            b.pos = b.pos - p / m;
                            return b;
                          },
                          mesh, {.in_specs = {P("d")}, .out_specs = {P("d")}}),
                      {.donate_argnums = {0}});
  Bodies b{ramp({4 * n, 3}), sk::ones({4 * n})};
  for (int turn = 0; turn < 3; ++turn) b = push(b);
  EXPECT_EQ(b.kind, 3);
  auto positions = all_of(b.pos);
  double sum = 0;
  for (float v : positions) sum += v;
  EXPECT_NEAR(sum, 0, 1e-3);
}

struct Snapshot {
  sk::Array pos, time;
  int step = 0;
  std::vector<sk::Array> more;
};

TEST(Processes, CheckpointsComeBackOnAnyPlacement) {
  const std::string folder = testing::TempDir() + "skein_checkpoint";
  auto mesh = grid();
  const std::int64_t n = device_count(), rows = 12 * n, columns = 2 * n;
  const sk::Array whole = ramp({rows, columns});
  const std::vector<sk::PartitionSpec> specs{P({"p", "l"}), P("p"), P("l", "p"), P(sk::none, {"l", "p"}), P()};
  for (const sk::PartitionSpec& saved : specs) {
    Snapshot s{sk::device_put(whole, {mesh, saved}), sk::array(2.5f), 7, {sk::arange(5)}};
    sk::save_sharded(folder, s);
    sk::save_sharded(folder, s);  // takes the place of the first
    for (const sk::PartitionSpec& wanted : specs) {
      Snapshot like{{}, {}, 9, {sk::Array()}};
      auto back = sk::load_sharded(folder, {wanted, P(), P()}, mesh, like);
      EXPECT_EQ(back.step, 9);
      EXPECT_EQ(back.pos.sharding(), sk::NamedSharding(mesh, wanted.resolve(mesh)));
      ASSERT_THAT(all_of(back.pos), ElementsAreArray(numbers(rows * columns))) << saved << " " << wanted;
      EXPECT_EQ(back.time.item<float>(), 2.5f);
      EXPECT_EQ(back.more[0].to_vector<int>()[4], 4);
    }
  }
  EXPECT_THAT(error_of([&] { sk::load_sharded<sk::Array>(folder, P(), mesh); }),
              HasSubstr("holds 3 arrays, the tree has 1"));
  EXPECT_THAT(error_of([&] { sk::load_sharded<sk::Array>(folder + "_none", P(), mesh); }),
              HasSubstr("is no folder with a checkpoint"));
  EXPECT_THAT(error_of([&] {
                sk::load_sharded(folder, {P("x"), P(), P()}, mesh, Snapshot{{}, {}, 0, {sk::Array()}});
              }),
              HasSubstr("x"));
}

TEST(Processes, DamagedCheckpointsAreTold) {
  const std::string folder = testing::TempDir() + "skein_damaged_checkpoint";
  auto mesh = line();
  const std::int64_t n = device_count();
  auto x = sk::device_put(ramp({4 * n, 3}), {mesh, P("d")});
  auto load = [&] { return error_of([&] { sk::load_sharded<sk::Array>(folder, P("d"), mesh); }); };
  const std::string last = folder + "/shards_" + std::to_string(several() ? sk::process_count() - 1 : 0) + ".bin";
  auto damage = [&](auto how) {
    sk::save_sharded(folder, x);
    if (sk::process_index() == 0) how();
    sk::process_allgather(sk::device_put(sk::ones({n}), {mesh, P("d")}));  // the others wait for it
  };
  damage([&] { std::filesystem::resize_file(last, std::filesystem::file_size(last) - 1); });
  EXPECT_THAT(load(), testing::AllOf(HasSubstr("cut off"), HasSubstr("array 0, elements [")));
  damage([&] {
    std::fstream file(last, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(5);
    file.put('?');
  });
  EXPECT_THAT(load(), testing::AllOf(HasSubstr("damaged"), HasSubstr("shards_")));
  damage([&] { std::filesystem::remove(last); });
  EXPECT_THAT(load(), HasSubstr("is missing"));
  damage([&] { std::ofstream(folder + "/manifest.json", std::ios::app) << " "; });
  EXPECT_THAT(load(), HasSubstr("manifest.json"));
  damage([] {});
  EXPECT_EQ(load(), "no error");
  std::string text;
  try {
    sk::save_sharded("/proc/skein_checkpoint", x);
  } catch (const sk::RuntimeError& error) {
    text = error.what();
  }
  EXPECT_THAT(text, HasSubstr("save_sharded"));
}

TEST(Processes, WhatIsNotHere) {
  if (!several()) return;  // alone all is here
  auto mesh = line();
  const std::int64_t n = device_count();
  auto split = sk::jit(sk::shard_map([](sk::Array x) { return x * 2; }, mesh,
                                     {.in_specs = {P("d")}, .out_specs = {P("d")}}))(ramp({n, 2}));
  const std::string other = "process " + std::to_string(sk::process_index() ? 0 : 1) + " on ";
  for (const std::string& text :
       {error_of([&] { split.to_vector<float>(); }), error_of([&] { std::stringstream() << split; }),
        error_of([&] { sk::save("x.npy", split); })}) {
    EXPECT_THAT(text, HasSubstr(other));
    EXPECT_THAT(text, HasSubstr("process_allgather"));
  }
  EXPECT_THAT(error_of([&] { split.to_vector<float>(); }), HasSubstr("processes_test.cpp"));
  EXPECT_THAT(error_of([&] { split + 1; }), HasSubstr("process_allgather"));
  EXPECT_THAT(error_of([&] { sk::jit([](sk::Array x) { return sk::sum(x); })(split); }),
              HasSubstr("work on it inside shard_map"));
  EXPECT_THAT(error_of([&] {
                sk::shard_map([](sk::Array x) { return x; }, mesh, {.in_specs = {P()}, .out_specs = {P()}})(split);
              }),
              HasSubstr("use the spec that it has"));
  // Closed over by a body, used in it or not.
  for (bool used : {false, true})
    EXPECT_THAT(error_of([&] {
                  sk::jit(sk::shard_map(
                      [&](sk::Array x) {
                        return std::pair{x, used ? split + x : split};
                      },
                      mesh, {.in_specs = {P("d")}, .out_specs = {P("d"), P("d")}}))(ramp({n, 2}));
                }),
                HasSubstr("stands outside this shard_map"));
  EXPECT_THAT(all_of(split), ElementsAreArray(all_of(split)));  // and all goes on
}

TEST(Processes, MeshesThatDoNotFit) {
  EXPECT_THAT(error_of([] { sk::make_mesh({device_count() + 1}, {"d"}); }),
              HasSubstr("needs " + std::to_string(device_count() + 1) + " devices"));
  if (several()) {
    EXPECT_THAT(error_of([] { sk::make_mesh({1}, {"d"}); }), HasSubstr("does not cover all processes"));
    std::vector<int> backwards;
    for (std::int64_t i = device_count(); i-- > 0;) backwards.push_back(static_cast<int>(i));
    sk::Mesh turned({device_count()}, {"d"}, backwards);
    EXPECT_THAT(error_of([&] {
                  sk::device_put(ramp({device_count()}), {turned, P("d")});
                }),
                HasSubstr("in their order"));
    sk::Mesh large({device_count() * 2}, {"d"});
    EXPECT_THAT(error_of([&] { sk::device_put(ramp({device_count() * 2}), {large, P("d")}); }), HasSubstr("devices"));
  }
  auto whole = ramp({4});
  EXPECT_EQ(sk::device_put(whole, whole.sharding()).to_vector<float>(),
            whole.to_vector<float>());  // on no mesh: everywhere
  EXPECT_THAT(error_of([] { sk::initialize(); }), HasSubstr("called before, at "));
}

TEST(Processes, AnErrorOfOneDeviceIsEverybodys) {
  auto mesh = line();
  const std::int64_t n = device_count();
  auto f = sk::jit(sk::shard_map(
      [](sk::Array x) {
        sk::check(sk::all(x < 1000), "the value is {}", x[0]);
        return sk::psum(x, "d");
      },
      mesh, {.in_specs = {P("d")}, .out_specs = {P()}}));
  for (std::int64_t bad = 0; bad < n; ++bad) {
    std::vector<float> data(static_cast<std::size_t>(n), 1.f);
    EXPECT_EQ(f(sk::from_data(data, {n})).to_vector<float>()[0], static_cast<float>(n));
    data[static_cast<std::size_t>(bad)] = 5000;
    std::string text = error_of([&] { f(sk::from_data(data, {n})); });
    EXPECT_THAT(text, HasSubstr("the value is 5000"));
    EXPECT_THAT(text, HasSubstr("device " + std::to_string(bad)));
    EXPECT_THAT(text, HasSubstr("processes_test.cpp"));
  }
}

TEST(Processes, OtherProgramsAreTold) {
  if (!several()) return;
  auto mesh = line();
  const std::int64_t n = device_count();
  auto program = [&](int factor) {
    return sk::jit(sk::shard_map([factor](sk::Array x) { return sk::psum(x * factor, "d"); }, mesh,
                                 {.in_specs = {P("d")}, .out_specs = {P()}}));
  };
  // Another static value, so another program, on one process.
  std::string text = error_of([&] { program(sk::process_index() == 1 ? 3 : 2)(ramp({n})); });
  EXPECT_THAT(text, HasSubstr("processes run different programs"));
  EXPECT_THAT(text, HasSubstr("first difference"));
  // Known ones, in another order.
  auto one = program(4), two = program(5);
  one(ramp({n})), two(ramp({n}));
  text = error_of([&] { sk::process_index() == 1 ? two(ramp({n})) : one(ramp({n})); });
  EXPECT_THAT(text, AnyOf(HasSubstr("another program"), HasSubstr("processes run different programs")));
  EXPECT_EQ(one(ramp({n})).to_vector<float>()[0], static_cast<float>(4 * n * (n - 1) / 2));
}

TEST(Processes, RandomNumbersAreThoseOfOneProcess) {
  auto mesh = line();
  const std::int64_t n = device_count();
  auto f = sk::jit(sk::shard_map(
      [](sk::Array key) { return sk::random::normal(sk::random::fold_in(key, sk::axis_index("d")), {50}); }, mesh,
      {.in_specs = {P()}, .out_specs = {P("d")}}));
  auto together = all_of(f(sk::random::key(7)));
  for (std::int64_t d = 0; d < n; ++d) {
    auto alone =
        sk::random::normal(sk::random::fold_in(sk::random::key(7), sk::array(static_cast<std::int32_t>(d))), {50})
            .to_vector<float>();
    for (std::size_t i = 0; i < 50; ++i) ASSERT_EQ(together[static_cast<std::size_t>(d) * 50 + i], alone[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sk::initialize();
  return RUN_ALL_TESTS();
}
