#include "runtime/mpi/launcher.h"

#include <skein/base/error.h>

#include <cstdlib>
#include <initializer_list>
#include <optional>

namespace skein::runtime::mpi {
namespace {

std::optional<int> number(const char* name) {
  const char* text = std::getenv(name);
  if (!text || !*text) return {};
  char* end = nullptr;
  long value = std::strtol(text, &end, 10);
  if (*end || value < 0 || value > 100'000'000)
    throw UserError(std::string(name) + "=" + text + " is not a number of processes or a rank", "initialize", "", 0);
  return static_cast<int>(value);
}

// Slurm's list, as "2(x3),1": the tasks of each node.
int tasks_of_node(const std::string& list, int node) {
  int at = 0;
  for (std::size_t i = 0; i < list.size();) {
    char* end = nullptr;
    long tasks = std::strtol(list.c_str() + i, &end, 10), repeats = 1;
    if (end[0] == '(' && end[1] == 'x') {
      repeats = std::strtol(end + 2, &end, 10);
      if (*end == ')') ++end;
    }
    if (node < at + repeats) return static_cast<int>(tasks);
    at += static_cast<int>(repeats);
    i = static_cast<std::size_t>(end - list.c_str());
    if (i < list.size() && list[i] != ',') break;
    ++i;
  }
  return 1;
}

}  // namespace

Launcher detect_launcher() {
  Launcher found;
  struct Names {
    const char *name, *processes, *rank, *local_rank, *local_processes;
  };
  for (const Names& n : std::initializer_list<Names>{
           {"SKEIN_PROCESSES", "SKEIN_PROCESSES", "SKEIN_RANK", "SKEIN_LOCAL_RANK", "SKEIN_LOCAL_PROCESSES"},
           {"Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK",
            "OMPI_COMM_WORLD_LOCAL_SIZE"},
           {"Slurm", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "SLURM_LOCALID", ""},
           {"PMI", "PMI_SIZE", "PMI_RANK", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"}}) {
    auto processes = number(n.processes), rank = number(n.rank);
    if (!processes || !rank) continue;
    found = {n.name, *processes, *rank, number(n.local_rank).value_or(0), number(n.local_processes).value_or(1)};
    break;
  }
  if (found.name == "Slurm") {
    const char* tasks = std::getenv("SLURM_STEP_TASKS_PER_NODE");
    found.local_processes = tasks_of_node(tasks ? tasks : "", number("SLURM_NODEID").value_or(0));
  }
  // PMIx tells the rank only; the server is asked for the rest when MPI starts.
  if (found.name.empty() && std::getenv("PMIX_NAMESPACE")) {
    if (auto rank = number("PMIX_RANK")) found = {"PMIx", 2, *rank, 0, 1};
  }
  return found;
}

}  // namespace skein::runtime::mpi
