#!/usr/bin/env python3
"""platform_test.py INFO EMULATED_DRIVER MPIRUN: what skein-info says where no GPU can be used, or not as asked.

The emulated driver, under the real one's name, stands for drivers and machines that are not here."""
import os
import re
import subprocess
import sys
import tempfile

info, emulated, mpirun = sys.argv[1:4]
failures = []


def run(name, wanted, ok=False, processes=0, **environment):
    """Runs skein-info with this environment; its output must match the pattern, and its exit code be zero or not."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SKEIN_", "CUDA_"))}
    command = [mpirun, "--allow-run-as-root", "--oversubscribe", "-n", str(processes), info, "--mesh"] if processes else [info]
    done = subprocess.run(command, env={**clean, **environment}, capture_output=True, text=True, timeout=60)
    text = done.stdout + done.stderr
    if not re.search(wanted, text, re.S) or (done.returncode == 0) != ok:
        failures.append(f"{name}: exit code {done.returncode}, wanted {wanted!r} in:\n{text}")


run("unknown platform", "SKEIN_PLATFORM=gpu is no platform; there are cpu, cuda and emulated", SKEIN_PLATFORM="gpu")
run("emulated", r"device +1: emulated, GPU 1: Emulated GPU, 4 GiB, sm_90", ok=True, SKEIN_PLATFORM="emulated", SKEIN_EMULATED_GPUS="2", SKEIN_EMULATED_DRIVER=emulated)
run("CPU devices asked of GPUs", "SKEIN_CPU_DEVICES=2 .* the platform is emulated", SKEIN_PLATFORM="emulated", SKEIN_CPU_DEVICES="2", SKEIN_EMULATED_DRIVER=emulated)
run("the emulated driver is missing", "the emulated driver was not found: .*nowhere.so", SKEIN_PLATFORM="emulated", SKEIN_EMULATED_DRIVER="/nowhere.so") if not os.path.exists(os.path.join(os.path.dirname(info), "../lib/libskein_emulated.so")) else None

with tempfile.TemporaryDirectory() as folder:
    os.symlink(emulated, os.path.join(folder, "libcuda.so.1"))
    real = {"LD_LIBRARY_PATH": folder}
    run("a driver that is there is used", "device +0: cuda, GPU 0", ok=True, **real)
    run("SKEIN_PLATFORM=cpu", "device +0: cpu", ok=True, SKEIN_PLATFORM="cpu", **real)
    run("a driver too old", "the CUDA driver is of CUDA 10.2; Skein needs 11.8", SKEIN_PLATFORM="cuda", SKEIN_EMULATED_DRIVER_VERSION="10020", **real)
    run("a GPU too old", "compute capability 7.0; Skein needs 8.0", SKEIN_EMULATED_CAPABILITY="70", **real)
    run("no GPU: the CPU", "device +0: cpu", ok=True, SKEIN_EMULATED_GPUS="0", **real)
    run("no GPU, and one is asked for", "no CUDA-capable device", SKEIN_PLATFORM="cuda", SKEIN_EMULATED_GPUS="0", **real)
    run("a GPU each", r"0 +\S+ +\d+ +0 +cuda 0 .*1 +\S+ +\d+ +1 +cuda 1 ", ok=True, processes=2, SKEIN_EMULATED_GPUS="2", **real)
    run("one that is visible alone was chosen already", r"0 +\S+ +\d+ +0 +cuda 0 .*1 +\S+ +\d+ +1 +cuda 0 ", ok=True, processes=2, SKEIN_EMULATED_GPUS="1", **real)
    run("more processes than GPUs", "has 2 GPUs and 3 processes; start one process for each GPU", processes=3, SKEIN_EMULATED_GPUS="2", **real)
if not os.path.exists("/usr/lib/x86_64-linux-gnu/libcuda.so.1"):
    run("no driver", "no CUDA driver was found: libcuda.so.1.*SKEIN_PLATFORM=cpu", SKEIN_PLATFORM="cuda")

for failure in failures:
    print(failure)
sys.exit(1 if failures else 0)
