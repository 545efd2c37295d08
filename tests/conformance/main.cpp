// The suite is the same for devices of one process and of several: started by mpirun or srun, it runs on all of theirs.
#include "tests/conformance/backend.h"

int main(int argc, char** argv) {
  skein::conformance::join_processes();  // the tests are named after the number of devices
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
