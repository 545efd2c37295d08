"""What the peers' programs share: rows by name, timed when their name comes in on standard input.

A program defines ROWS, name -> function that prepares and gives (work, turns); `work()` is timed and divided by `turns`. For each
line of standard input, a name, it prints one line of JSON: {"row": name, "seconds": [...]} or {"row": name, "error": "..."}.
"""
import gc
import json
import os
import sys
import time

QUICK = os.environ.get("SKEIN_BENCH_QUICK", "0") not in ("", "0")


def sized(full, small):
    return small if QUICK else full


def numbers(np, count):
    """The numbers that bench/harness.h makes."""
    bits = np.arange(count, dtype=np.uint32) * np.uint32(2654435761)
    bits ^= bits >> np.uint32(15)
    return (bits >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def integers(np, count, below):
    """The integers that bench/micro/search.cpp makes."""
    return (numbers(np, count).astype(np.float64) * below).astype(np.int32)


def measure(work, turns):
    work()
    start = time.perf_counter()
    work()
    once = time.perf_counter() - start
    # A repetition takes 50 ms at least, all of them at most 4 s: slow work is not repeated nine times.
    least, most = (0.001, 0.2) if QUICK else (0.05, 4.0)
    calls = max(1, int(least / max(once, 1e-9)))
    repetitions = max(3, min(2 if QUICK else 9, int(most / max(calls * once, 1e-9))))
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        for _ in range(calls):
            work()
        seconds.append((time.perf_counter() - start) / calls / turns)
    return seconds


def serve(rows):
    for line in sys.stdin:
        name = line.strip()
        answer = {"row": name}
        if name in rows:
            try:
                work, turns = rows[name]()
                answer["seconds"] = measure(work, turns)
                del work
            except Exception as error:  # a peer that cannot do a row does not end the others
                answer["error"] = f"{type(error).__name__}: {error}"
            gc.collect()
        print(json.dumps(answer), flush=True)
