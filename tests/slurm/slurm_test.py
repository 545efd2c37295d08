#!/usr/bin/env python3
"""The examples, the communicators' suite, the tests of several processes and their faults under a real Slurm of two nodes.

usage: slurm_test.py BUILD SOURCE
"""
import re
import sys
import time
from pathlib import Path

from cluster import Cluster, missing

build, source = Path(sys.argv[1]), Path(sys.argv[2])
if why := missing():
    print(f"no Slurm can be started here: {why}")
    sys.exit(77)

TASKS = ["srun", "-N2", "-n4", "--ntasks-per-node=2", "--kill-on-bad-exit=1"]


def succeeded(run, what):
    assert run.returncode == 0, f"{what} ended with {run.returncode}:\n{run.stdout}\n{run.stderr}"
    return run.stdout


with Cluster() as cluster:
    out = succeeded(cluster.run(*TASKS, "hostname"), "hostname")
    assert sorted(out.split()) == ["n0", "n0", "n1", "n1"], out

    for lesson in "lesson_01_shard_map", "lesson_02_expanding_shard_map", "lesson_03_mesh_given_late":
        out = succeeded(cluster.run(*TASKS, build / "examples" / lesson), lesson)
        for line in (source / "examples" / f"{lesson}.expected").read_text().splitlines():
            assert out.count(line) >= 4, f"{lesson}: not every task printed '{line}':\n{out}"
        print(f"{lesson}: 4 tasks on 2 nodes")

    for devices in 1, 2:
        for program in "tests/conformance/conformance_communicator", "tests/mpi/processes_test":
            out = succeeded(cluster.run(*TASKS, build / program, SKEIN_CPU_DEVICES=str(devices), SKEIN_MPI_PLUGIN=str(build / "lib/libskein_mpi.so")), program)
            assert len(re.findall(r"\[  PASSED  \] \D*\d+ tests", out)) == 4, out[-3000:]
            print(f"{program}: 4 tasks on 2 nodes with {devices} device(s) each")

    for fault, says in {"kill": r"process 1 on n\d was lost while", "stop": r"process 1 on n\d \(device 1\) did not come within 4 s", "throw": r"process 1 on n\d has ended while"}.items():
        begin = time.time()
        run = cluster.run("srun", "-N2", "-n4", "--ntasks-per-node=2", "--kill-on-bad-exit=1", build / "tests/mpi/fault_worker", fault, SKEIN_TIMEOUT="4")
        text = run.stdout + run.stderr
        assert run.returncode != 0, text
        assert time.time() - begin < 40, f"{fault}: it took {time.time() - begin:.0f} s"
        told = len(re.findall(rf"^process \d ends: \S*fault_worker.cpp:\d+: psum: {says}", text, re.M))
        assert told >= 1, f"{fault}: no other task said '{says}':\n{text}"
        print(f"{fault}: told by {told} tasks, all ended in {time.time() - begin:.1f} s")

    run = cluster.run("sbatch", "--wait", f"--output={cluster.folder}/job.out", source / "examples/slurm/job.sbatch", build / "examples/demo_stars", source / "examples/data")
    out = (cluster.folder / "job.out").read_text()
    succeeded(run, f"job.sbatch\n{out}")
    assert out.count("27494 ordered pairs of stars are closer than 2 pc") == 4 and out.count("in the Hyades") == 4, out
    print("examples/slurm/job.sbatch: the star catalogue on 2 nodes")
