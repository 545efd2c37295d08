#!/usr/bin/env python3
"""public_headers.py alone|time COMPILER INCLUDE_DIR...: the public headers as a user's compiler sees them.

alone: each header compiles by itself, with no include path but its own (so without MLIR, LLVM, MPI or CUDA) and no warning.
time: a file that includes only <skein/skein.h> compiles in at most 2 s; above 4 s, which no noise explains, is a failure.
"""
import concurrent.futures
import pathlib
import subprocess
import sys
import tempfile
import time


def compile_text(compiler, includes, text, *flags):
    command = [compiler, "-std=c++20", "-Wall", "-Wextra", "-Werror", *[f"-I{folder}" for folder in includes], *flags, "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True)


def headers(includes):
    found = set()
    for folder in map(pathlib.Path, includes):
        for subfolder in ("skein", "skein/base"):
            found.update(f"{subfolder}/{file.name}" for file in (folder / subfolder).glob("*.h"))
    return sorted(found)


def alone(compiler, includes):
    names = headers(includes)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Twice: a header also stands a second inclusion.
        results = pool.map(lambda name: compile_text(compiler, includes, f"#include <{name}>\n" * 2, "-fsyntax-only"), names)
        for name, result in zip(names, results):
            print("failed" if result.returncode else "ok    ", f"<{name}>")
            if result.returncode:
                failed += 1
                print(result.stderr)
    if not names:
        sys.exit("no public header was found")
    sys.exit(f"{failed} of {len(names)} headers do not compile alone" if failed else 0)


def timed(compiler, includes):
    best = float("inf")
    for _ in range(5):
        with tempfile.TemporaryDirectory() as folder:
            start = time.monotonic()
            result = compile_text(compiler, includes, "#include <skein/skein.h>\nint main() {}\n", "-O2", "-c", "-o", f"{folder}/main.o")
            best = min(best, time.monotonic() - start)
        if result.returncode:
            sys.exit(result.stderr)
        if best <= 2:
            break
    print(f"a file that includes <skein/skein.h> compiles in {best:.2f} s (wanted: at most 2 s)")
    if best > 4:
        sys.exit("that is more than 4 s")


def main():
    what, compiler, *includes = sys.argv[1:]
    {"alone": alone, "time": timed}[what](compiler, includes)


main()
