#!/usr/bin/env python3
"""Faults of one process of several: what the others say, how soon, with which exit code, and that nothing is left behind.

usage: faults_test.py MPIRUN WORKER
"""
import os
import re
import subprocess
import sys
import time

mpirun, worker = sys.argv[1:3]
# fault -> (what every other process says of process 1, how long it may take: the time-out is 4 s)
FAULTS = {
    "throw": ("process 1 on \S+ has ended while", 5),
    "exit": ("process 1 on \S+ has ended while", 5),
    "abort": ("process 1 on \S+ was lost while", 5),
    "kill": ("process 1 on \S+ was lost while", 5),
    "stop": ("process 1 on \S+ \(device 1\) did not come within 4 s", 9),
    "sleep": ("process 1 on \S+ \(device 1\) did not come within 4 s", 9),
}


def left_behind():
    return subprocess.run(["pgrep", "-f", f"^{worker} "], capture_output=True, text=True).stdout.split()


for ranks in (2, 3):
    for fault, (says, seconds) in FAULTS.items():
        begin = time.time()
        run = subprocess.Popen([mpirun, "--allow-run-as-root", "--oversubscribe", "-n", str(ranks), worker, fault], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=dict(os.environ, SKEIN_TIMEOUT="4"))
        struck = None
        lines = []
        for line in run.stdout:
            lines.append(line)
            if line.startswith("rank 1: "):
                struck = time.time()
        code, end, text = run.wait(), time.time(), "".join(lines)
        assert struck, f"{fault}: it never came to it:\n{text}"
        assert code != 0, f"{fault}: the job ended with 0:\n{text}"
        assert end - struck < seconds + 2, f"{fault}: it took {end - struck:.1f} s:\n{text}"  # mpirun takes a moment of its own
        for rank in range(ranks):
            if rank == 1:
                continue
            told = re.search(rf"^process {rank} ends: \S*fault_worker.cpp:\d+: psum: {says}.*psum.*fault_worker.cpp:\d+", text, re.M)
            assert told, f"{fault}: process {rank} did not say '{says}':\n{text}"
        for _ in range(50):
            if not left_behind():
                break
            time.sleep(0.1)
        assert not left_behind(), f"{fault}: processes are left: {left_behind()}"
        print(f"{ranks} processes, {fault}: all ended {end - struck:.1f} s after it")
