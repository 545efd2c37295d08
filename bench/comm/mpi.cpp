// Open MPI's own calls for the rows of micro/collectives.cpp, as many ranks as there are devices there. Rank 0 prints one line
// of JSON for each row: {"row": name, "seconds": [of one call, for each repetition]}.
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace {

int rank, ranks;
bool quick;

void measure(const std::string& name, int calls, const std::function<void()>& call) {
  if (quick) calls = 2;
  for (int i = 0; i < 3; ++i) call();
  std::string line = "{\"row\": \"" + name + "_" + std::to_string(ranks) + "\", \"seconds\": [";
  for (int repetition = 0; repetition < (quick ? 2 : 9); ++repetition) {
    MPI_Barrier(MPI_COMM_WORLD);
    double start = MPI_Wtime();
    for (int i = 0; i < calls; ++i) call();
    double own = (MPI_Wtime() - start) / calls, longest = 0;
    MPI_Allreduce(&own, &longest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    line += (repetition ? ", " : "") + std::to_string(longest * 1e9) + "e-9";
  }
  if (rank == 0) std::printf("%s]}\n", line.c_str()), std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  const char* value = std::getenv("SKEIN_BENCH_QUICK");
  quick = value && *value && *value != '0';
  float one = 0, sum = 0;
  measure("psum_4B", 20000, [&] { MPI_Allreduce(&one, &sum, 1, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); });
  for (int size : {1, 16}) {
    int count = size << 18, part = count / ranks, calls = size == 1 ? 100 : 10;
    std::vector<float> in(static_cast<std::size_t>(count)), out(static_cast<std::size_t>(count) * static_cast<std::size_t>(ranks));
    std::string tail = "_" + std::to_string(size) + "MiB";
    int next = (rank + 1) % ranks, previous = (rank + ranks - 1) % ranks;
    measure("psum" + tail, calls, [&] { MPI_Allreduce(in.data(), out.data(), count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); });
    measure("all_gather" + tail, calls, [&] { MPI_Allgather(in.data(), count, MPI_FLOAT, out.data(), count, MPI_FLOAT, MPI_COMM_WORLD); });
    measure("psum_scatter" + tail, calls, [&] { MPI_Reduce_scatter_block(in.data(), out.data(), part, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD); });
    measure("all_to_all" + tail, calls, [&] { MPI_Alltoall(in.data(), part, MPI_FLOAT, out.data(), part, MPI_FLOAT, MPI_COMM_WORLD); });
    measure("ppermute" + tail, calls, [&] {
      MPI_Sendrecv(in.data(), count, MPI_FLOAT, next, 0, out.data(), count, MPI_FLOAT, previous, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    });
  }
  MPI_Finalize();
}
