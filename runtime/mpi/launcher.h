#pragma once
// Who started this process, and with how many others: what the environment says before MPI is loaded.

#include <string>

namespace skein::runtime::mpi {

struct Launcher {
  std::string name;   // "Slurm", "Open MPI", "PMIx", "PMI", "SKEIN_PROCESSES"; "" where the process runs alone
  int processes = 1;  // of the job, as far as the environment tells
  int rank = 0;
  int local_rank = 0;  // among those of this host
  int local_processes = 1;
};

/// Reads SKEIN_PROCESSES and SKEIN_RANK first, then what Open MPI's mpirun, srun, a PMIx or a PMI server set. A batch
/// script that Slurm started itself, outside srun, runs alone. Throws UserError for variables that are no numbers.
Launcher detect_launcher();

}  // namespace skein::runtime::mpi
