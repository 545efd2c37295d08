#!/usr/bin/env python3
"""Measures Skein beside JAX, NumPy, PyTorch, C++ by hand and Open MPI in one run, and prints one table.

Row by row all programs take turns, in several rounds, so that what disturbs the machine disturbs all of them. Each cell is the best
time, with the median of all repetitions behind it. Writes build/bench/results.md, .json and .png (or .svg). Environment:
SKEIN_BUILD, the build folder (default build/release).
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from plot import plot
from rows import MEMORY, ROWS

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("SKEIN_BUILD", HERE.parent / "build/release")).resolve()
PROGRAMS = BUILD / "bench"
RESULTS = HERE.parent / "build/bench"
PEERS = ["JAX", "NumPy", "PyTorch"]
UNITS = {"ms": 1e3, "us": 1e6}


def environment(**more):
    env = dict(os.environ)
    env.pop("OPENBLAS_CORETYPE", None)  # each library chooses its kernels itself
    env.update(more)
    return env


class Peer:
    """A peer's program: started at its first row, asked by name, kept."""

    def __init__(self, *command):
        self.command = [sys.executable, *(str(HERE / "peers" / part) if part.endswith(".py") else part for part in command)]
        self.process = None

    def measure(self, name):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment())
        try:
            print(name, file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return {"error": "its program has ended"}
        return json.loads(line)

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def installed(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def google_benchmark(program, row, **env):
    """The repetitions' times of one row of one of our programs."""
    path = PROGRAMS / program
    if not path.exists():
        return {}
    run = subprocess.run([path, f"--benchmark_filter=^{row.name}/", "--benchmark_format=json"], capture_output=True, text=True, env=environment(**env))
    if run.returncode:
        return {"error": (run.stderr.strip() or f"it ended with {run.returncode}").splitlines()[-1]}
    seconds = [b["real_time"] * 1e-3 / b["turns"] for b in json.loads(run.stdout)["benchmarks"] if b["run_type"] == "iteration"]
    return {"seconds": seconds} if seconds else {"error": "it has no such row"}


def start(command, quick):
    seconds = []
    for _ in range(3 if quick else 10):
        begin = time.perf_counter()
        subprocess.run(command, check=True, env=environment(), capture_output=True)
        seconds.append(time.perf_counter() - begin)
    return {"seconds": seconds}


def open_mpi(ranks):
    if not (PROGRAMS / "bench_mpi").exists() or not shutil.which("mpirun"):
        return {}
    env = environment(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    run = subprocess.run(["mpirun", "--oversubscribe", "-n", str(ranks), PROGRAMS / "bench_mpi"], capture_output=True, text=True, env=env)
    return {answer["row"]: answer for answer in map(json.loads, (line for line in run.stdout.splitlines() if line.startswith("{")))}


def memory(name):
    path = PROGRAMS / "bench_memory"
    if not path.exists():
        return None
    run = subprocess.run([path, name], capture_output=True, text=True, env=environment())
    return json.loads(run.stdout) if run.returncode == 0 else None


class Table:
    def __init__(self):
        self.seconds = {}   # row name -> who -> all repetitions
        self.errors = {}

    def add(self, row, who, answer):
        if answer.get("seconds"):
            self.seconds.setdefault(row.name, {}).setdefault(who, []).extend(answer["seconds"])
        elif answer.get("error"):
            self.errors[row.name, who] = answer["error"]

    def best(self, row, who):
        seconds = self.seconds.get(row.name, {}).get(who)
        return min(seconds) if seconds else None

    def verdict(self, row):
        """(what is asked, whether it is met): None where something to compare with is missing."""
        own, asked, met = self.best(row, "Skein"), [], []
        for bar, who in (row.jax, "JAX"), (row.hand, "by hand"):
            if bar:
                other = self.best(row, who)
                asked.append(f">= {bar:g}x JAX" if who == "JAX" else f"<= {bar:g}x {'Open MPI' if row.program == 'collectives' else 'by hand'}")
                met.append(None if own is None or other is None else other / own >= bar if who == "JAX" else own / other <= bar)
        peers = [seconds for name in PEERS if (seconds := self.best(row, name))]
        if row.best:
            asked.append(f">= {row.best:g}x the best peer")
            met.append(None if own is None or not peers else min(peers) / own >= row.best)
        if row.numpy:
            other = self.best(row, "NumPy")
            asked.append(f"<= {row.numpy:g}x NumPy")
            met.append(None if own is None or other is None else own / other <= row.numpy)
        if row.seconds:
            asked.append(f"<= {row.seconds * UNITS[row.unit]:g} {row.unit}")
            met.append(None if own is None else own <= row.seconds)
        return ", ".join(asked), False if False in met else None if None in met else True

    def markdown(self, rows):
        who = ["Skein", *PEERS, "by hand"]
        lines = ["| work | Skein | JAX | NumPy | PyTorch | by hand / MPI | JAX / Skein | Skein / by hand | asked | met |", "|---|" + "---:|" * 7 + "---|---|"]
        for row in rows:
            cells = []
            for name in who:
                seconds = self.seconds.get(row.name, {}).get(name)
                scale = UNITS[row.unit]
                if seconds:
                    cells.append(f"{min(seconds) * scale:.3g} ({statistics.median(seconds) * scale:.3g})")
                else:
                    cells.append("failed" if (row.name, name) in self.errors else "")
            own, jax, hand = (self.best(row, name) for name in ("Skein", "JAX", "by hand"))
            asked, met = self.verdict(row)
            cells += [f"{jax / own:.2f}" if own and jax else "", f"{own / hand:.2f}" if own and hand else "", asked, {True: "yes", False: "**no**", None: "?"}[met]]
            lines.append(f"| {row.title}, {row.unit} | " + " | ".join(cells) + " |")
        return "\n".join(lines)


def mebibytes(count):
    return f"{count / 2**20:.1f}"


def memory_table(measured):
    lines = ["| memory, MiB | input | output | temporary (memory_analysis) | growth of the process' peak | asked beyond input and output | met |", "|---|" + "---:|" * 4 + "---|---|"]
    for name, answer in measured.items():
        temporary = answer["analysis"]["temporary_bytes"]
        beyond = max(temporary, answer["peak_growth"] - answer["output"])
        limit = 16 << 20 if name == "pairwise" else answer["input"] + (4 << 20)  # the process' own small things
        lines.append(f"| {name} | {mebibytes(answer['input'])} | {mebibytes(answer['output'])} | {mebibytes(temporary)} | {mebibytes(answer['peak_growth'])} | {MEMORY[name]} | "
                     f"{'yes' if beyond <= limit else '**no**'} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose name matches")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that all of it runs, not how fast")
    parser.add_argument("--rounds", type=int, default=2, help="how often the programs take turns (2)")
    parser.add_argument("--without", default="", metavar="PEER,...", help="leave out JAX, NumPy, PyTorch, 'by hand'")
    options = parser.parse_args()
    if options.quick:
        os.environ["SKEIN_BENCH_QUICK"] = "1"
    rows = [row for row in ROWS if re.search(options.only, row.name)]
    left_out = set(options.without.split(","))
    peers = {}
    for name, module in ("JAX", "jax"), ("NumPy", "numpy"), ("PyTorch", "torch"):
        if name in left_out:
            continue
        if installed(module):
            peers[name] = {n: Peer("jax_rows.py", str(n)) for n in (1, 2, 4)} if name == "JAX" else {1: Peer(f"{module}_rows.py")}
        else:
            print(f"{module} is not installed: no column of {name}", file=sys.stderr)

    RESULTS.mkdir(parents=True, exist_ok=True)
    table = Table()
    for turn in range(1 if options.quick else options.rounds):
        mpi = {}
        for row in rows:
            # What there is so far, for a run that is broken off.
            (RESULTS / "partial.md").write_text(table.markdown([done for done in rows if done.name in table.seconds]))
            print(f"[{turn + 1}] {row.title}", file=sys.stderr, flush=True)
            if row.program == "nothing":
                table.add(row, "Skein", start([PROGRAMS / "bench_nothing"], options.quick))
                for name, module in ("JAX", "jax"), ("NumPy", "numpy"), ("PyTorch", "torch"):
                    if name in peers:
                        table.add(row, name, start([sys.executable, "-c", f"import {module}"], True))
                continue
            table.add(row, "Skein", google_benchmark(f"bench_{row.program}", row, SKEIN_CPU_DEVICES=str(row.devices), SKEIN_CACHE_DIR="off"))
            for name, programs in peers.items():
                if row.devices in programs:
                    table.add(row, name, programs[row.devices].measure(row.name))
            if "by hand" in left_out:
                continue
            if row.program == "collectives":
                if row.devices not in mpi:
                    mpi[row.devices] = open_mpi(row.devices)
                table.add(row, "by hand", mpi[row.devices].get(row.name, {}))
            else:
                table.add(row, "by hand", google_benchmark(f"bench_byhand_{row.program}", row))
    for programs in peers.values():
        for peer in programs.values():
            peer.close()
    measured = {name: answer for name in MEMORY if re.search(options.only, name) and (answer := memory(name))}

    verdicts = [table.verdict(row)[1] for row in rows]
    text = f"Best of all repetitions, in brackets the median. {verdicts.count(True)} of {len(rows)} rows meet what is asked, {verdicts.count(False)} do not.\n\n"
    text += table.markdown(rows) + ("\n\n" + memory_table(measured) if measured else "") + "\n"
    for (row, who), error in table.errors.items():
        text += f"\n{row}, {who}: {error}"
    (RESULTS / "partial.md").unlink(missing_ok=True)
    (RESULTS / "results.md").write_text(text)
    (RESULTS / "results.json").write_text(json.dumps({"quick": options.quick, "seconds": table.seconds, "memory": measured}, indent=1))
    picture = plot(table, rows, RESULTS / "results")
    print(text)
    print(f"Written: results.md, results.json, {picture.name} in {os.path.relpath(RESULTS)}")


if __name__ == "__main__":
    main()
