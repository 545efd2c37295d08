// Collectives in a compiled loop over several processes, beside MPI's own calls for the same, taking turns. Rank 0
// prints a line of JSON for each row: {"row": name, "skein": [seconds of one call, for each repetition], "mpi": [...]}.
#include <mpi.h>
#include <skein/skein.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>
namespace sk = skein;

namespace {

int rank, ranks;
std::int64_t devices;
bool quick;

double time_of(const std::function<void()>& work, int calls) {
  MPI_Barrier(MPI_COMM_WORLD);
  double start = MPI_Wtime();
  work();
  double own = (MPI_Wtime() - start) / calls, longest = 0;
  MPI_Allreduce(&own, &longest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return longest;
}

void row(const std::string& name, int calls, const std::function<void()>& skein, const std::function<void()>& mpi) {
  std::string lists[2];
  for (int repetition = 0; repetition < (quick ? 2 : 8); ++repetition)
    for (int who : {0, 1}) {
      double seconds = time_of(who ? mpi : skein, calls);
      if (repetition == 0) continue;  // pages, caches
      lists[who] += (lists[who].empty() ? "" : ", ") + std::to_string(seconds * 1e9) + "e-9";
    }
  if (rank == 0)
    std::printf("{\"row\": \"%s\", \"skein\": [%s], \"mpi\": [%s]}\n", name.c_str(), lists[0].c_str(),
                lists[1].c_str()),
        std::fflush(stdout);
}

void rows_of(std::int64_t bytes) {
  const std::int64_t n = devices, count = std::max<std::int64_t>(bytes / 4 / n, 1) * (bytes >= 4 * n ? n : 1),
                     part = std::max<std::int64_t>(count / n, 1);
  const int calls = quick                 ? 2
                    : bytes <= 4096       ? 2000
                    : bytes <= (1 << 17)  ? 300
                    : bytes <= (1 << 20)  ? 60
                    : bytes <= (16 << 20) ? 6
                                          : 2;
  auto mesh = sk::make_mesh({n}, {"d"});
  const std::string tail = "_" + (bytes < 1024        ? std::to_string(bytes) + "B"
                                  : bytes < (1 << 20) ? std::to_string(bytes >> 10) + "KiB"
                                                      : std::to_string(bytes >> 20) + "MiB");
  auto loop = [&](const sk::Shape& block, auto body) {
    auto f = sk::jit(sk::shard_map(
        [=](sk::Array x) {
          return sk::fori_loop(
              0, calls, [=](sk::Array, sk::Array v) { return body(v); }, x);
        },
        mesh, {.in_specs = {sk::P("d")}, .out_specs = {sk::P("d")}}));
    sk::Shape whole = block;
    whole[0] *= n;
    sk::Array x = sk::device_put(sk::zeros(whole), sk::NamedSharding(mesh, sk::P("d")));
    return [f, x] { sk::block_until_ready(f(x)); };
  };
  auto times = [calls](std::function<void()> call) {
    return [=] {
      for (int i = 0; i < calls; ++i) call();
    };
  };
  std::vector<float> in(static_cast<std::size_t>(std::max(count, part * n))),
      out(static_cast<std::size_t>(count * ranks));
  const int c = static_cast<int>(count), p = static_cast<int>(std::max<std::int64_t>(count / ranks, 1));
  row("psum" + tail, calls, loop({count}, [](sk::Array x) { return sk::psum(x, "d"); }),
      times([&] { MPI_Allreduce(in.data(), out.data(), c, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }));
  if (count * n * 4 <= (64 << 20))
    row("all_gather" + tail, calls, loop({n, count}, [](sk::Array x) { return sk::all_gather(x[1], "d"); }),
        times([&] { MPI_Allgather(in.data(), c, MPI_FLOAT, out.data(), c, MPI_FLOAT, MPI_COMM_WORLD); }));
  if (count < n) return;
  row("psum_scatter" + tail, calls, loop({n, part}, [](sk::Array x) { return x.at(0).set(sk::psum_scatter(x, "d")); }),
      times([&] { MPI_Reduce_scatter_block(in.data(), out.data(), p, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); }));
  row("all_to_all" + tail, calls, loop({n, part}, [](sk::Array x) { return sk::all_to_all(x, "d"); }),
      times([&] { MPI_Alltoall(in.data(), p, MPI_FLOAT, out.data(), p, MPI_FLOAT, MPI_COMM_WORLD); }));
}

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  const char* value = std::getenv("SKEIN_BENCH_QUICK");
  quick = value && *value && *value != '0';
  double begin = 0, joined = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  begin = MPI_Wtime();
  sk::initialize();
  joined = MPI_Wtime() - begin;
  devices = static_cast<std::int64_t>(sk::devices().size());
  if (rank == 0) std::printf("{\"row\": \"initialize\", \"skein\": [%g], \"mpi\": []}\n", joined);
  for (std::int64_t bytes : {4ll, 1024ll, 16384ll, 65536ll, 1ll << 20, 16ll << 20, 64ll << 20})
    if (argc < 2 || bytes <= std::atoll(argv[1])) rows_of(bytes);
  // The call of a compiled program with one sum, and a tree of 20 small arrays in one message against 20 sums.
  auto mesh = sk::make_mesh({devices}, {"d"});
  const int calls = quick ? 2 : 1000;
  auto one = sk::jit(sk::shard_map([](sk::Array x) { return sk::psum(x, "d"); }, mesh,
                                   {.in_specs = {sk::P("d")}, .out_specs = {sk::P()}}));
  sk::Array x = sk::device_put(sk::ones({devices}), sk::NamedSharding(mesh, sk::P("d")));
  float in = 1, out = 0;
  row(
      "call_with_one_psum", calls,
      [&] {
        for (int i = 0; i < calls; ++i) one(x);
      },
      [&] {
        for (int i = 0; i < calls; ++i) MPI_Allreduce(&in, &out, 1, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      });
  auto loop = [&](auto body) {
    return sk::jit(sk::shard_map(
        [=](sk::Array v) {
          return sk::fori_loop(
              0, calls, [=](sk::Array, sk::Array s) { return body(s); }, v);
        },
        mesh, {.in_specs = {sk::P("d")}, .out_specs = {sk::P("d")}}));
  };
  auto parts = [](sk::Array s) {
    std::vector<sk::Array> list;
    for (int i = 0; i < 20; ++i) list.push_back(s(sk::slice(i * 10, (i + 1) * 10)));
    return list;
  };
  auto together = loop([=](sk::Array s) { return sk::concatenate(sk::psum(parts(s), "d")); });
  auto apart = loop([=](sk::Array s) {
    std::vector<sk::Array> list = parts(s);
    for (sk::Array& a : list) a = sk::psum(a, "d");
    return sk::concatenate(list);
  });
  sk::Array many = sk::device_put(sk::zeros({200 * devices}), sk::NamedSharding(mesh, sk::P("d")));
  row(
      "tree_of_20_against_20_sums", calls, [&] { sk::block_until_ready(together(many)); },
      [&] { sk::block_until_ready(apart(many)); });
  MPI_Finalize();
}
