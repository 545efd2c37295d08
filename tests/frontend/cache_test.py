#!/usr/bin/env python3
"""The cache of compiled programs on disk: many processes on one folder, and entries that are damaged.

usage: cache_test.py WORKER
"""
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

worker = sys.argv[1]
random.seed(1)


def environment(folder):
    return dict(os.environ, SKEIN_CPU_DEVICES="2", SKEIN_CACHE_DIR=str(folder), SKEIN_LOG="cache")


def start(folder):
    return subprocess.Popen([worker], env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    out, log = process.communicate(timeout=300)
    assert process.returncode == 0, f"a worker ended with {process.returncode}:\n{log}"
    return out, log


def together(folder, count):
    """The workers' one result, and all they said of the cache."""
    answers = [finish(process) for process in [start(folder) for _ in range(count)]]
    results = {out for out, _ in answers}
    assert len(results) == 1, f"workers differ: {results}"
    return results.pop(), "".join(log for _, log in answers)


def damage(path, how):
    content = path.read_bytes()
    if how == "flipped":
        at = random.randrange(len(content))
        content = content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1:]
    elif how == "cut":
        content = content[:random.randrange(len(content))]
    elif how == "empty":
        content = b""
    else:  # of another kind, and longer
        content = bytes(random.randrange(256) for _ in range(len(content) + 100))
    path.write_bytes(content)


with tempfile.TemporaryDirectory() as name:
    folder = Path(name) / "cache"
    wanted, _ = finish(start("off"))
    result, log = together(folder, 6)
    assert result == wanted, f"with a cache: {result}without: {wanted}"
    entries = sorted(folder.iterdir())
    assert entries and all(entry.suffix == ".bin" for entry in entries), f"left behind: {[entry.name for entry in entries]}"
    assert log.count("stored") >= len(entries)

    result, log = together(folder, 2)
    assert result == wanted and "stored" not in log and log.count("hit") == 2 * len(entries), f"not all were found again:\n{log}"

    for how in "flipped", "cut", "empty", "random":
        for entry in entries:
            damage(entry, how)
        result, log = together(folder, 3)
        assert result == wanted, f"entries {how}: {result}whole: {wanted}"
        assert log.count("damaged") >= len(entries), f"entries {how}, and nobody saw:\n{log}"
        result, log = together(folder, 1)
        assert result == wanted and "stored" not in log, f"entries {how} were not mended:\n{log}"
        assert sorted(folder.iterdir()) == entries
print(f"{len(entries)} entries: shared by 6 processes, found again, and mended after every damage")
