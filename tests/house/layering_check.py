#!/usr/bin/env python3
"""layering_check.py ROOT: no layer includes what does not stand before it (docs/design/README.md), no file is over 1000 lines.

Of each #include only the target matters: a folder of the tree ("runtime/", "skein/base/"), a foreign library ("mlir/"), a
system header (<dlfcn.h>, <sys/mman.h>) or a header of the C++ standard library (<vector>).
"""
import os
import re
import sys

LINES_MOST, LINES_WARN = 1000, 500
MLIR = ("mlir/", "llvm/", "llvm-c/", "mlir-c/")
# Layer, what of the tree it may include, which foreign headers. The first layer whose folder a file lies in is its layer.
LAYERS = [
    ("runtime/base", ("skein/base/",), ()),
    # The emulated driver executes LLVM modules; it is a library of its own, which nothing links.
    ("runtime/emulated", ("runtime/cuda/driver.h", "runtime/emulated/"), MLIR + ("boost/context/", "sanitizer/", "system")),
    ("runtime", ("skein/base/", "runtime/"), ("boost/context/", "third_party/", "fmt/", "tbb/", "oneapi/", "sanitizer/", "arpa/", "net/", "netinet/", "mpi.h", "cuda.h", "nccl.h", "system")),
    ("dialects", ("skein/base/", "dialects/"), MLIR),
    # The executable is what it makes; everything else of the runtime it knows by the ABI alone.
    ("compiler", ("skein/base/", "dialects/", "compiler/", "runtime/abi.h", "runtime/symbols.h", "runtime/executable.h"), MLIR + ("fmt/", "nlohmann/", "system")),
    ("frontend/include", ("skein/",), ("boost/pfr/",)),
    ("frontend", ("skein/", "frontend/", "compiler/", "dialects/", "runtime/"), MLIR + ("boost/pfr/", "fmt/", "nlohmann/", "zlib.h", "system")),
    ("examples", ("skein/skein.h",), ()),
]
SKIPPED = {"build", "third_party", ".git"}
SOURCES = (".cpp", ".h", ".td", ".py", ".mlir", ".cmake", ".sh", ".txt")
TREE = ("skein/", "runtime/", "dialects/", "compiler/", "frontend/", "tools/", "tests/", "bench/", "examples/")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def kind_of(target, root, folder, quoted):
    """The target as a path of the tree, "system", "std" or the foreign library's path."""
    if quoted and not target.startswith(TREE):
        beside = os.path.relpath(os.path.normpath(os.path.join(folder, target)), root)
        if os.path.exists(os.path.join(root, beside)):
            return beside
    if target.startswith(TREE):
        return target
    if "/" not in target and not target.endswith((".h", ".hpp")):
        return "std"
    if target in ("mpi.h", "cuda.h", "nccl.h", "zlib.h"):
        return target
    if "/" not in target or target.startswith(("sys/", "linux/")):
        return "system"
    return target


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SOURCES):
                yield os.path.join(folder, name)


def main():
    root = os.path.abspath(sys.argv[1])
    errors, warnings, checked = [], [], 0
    for file in files(root):
        path = os.path.relpath(file, root)
        lines = open(file, encoding="utf-8").read().splitlines()
        if len(lines) > LINES_MOST:
            errors.append(f"{path}: {len(lines)} lines, more than {LINES_MOST}")
        elif len(lines) > LINES_WARN:
            warnings.append(f"{path}: {len(lines)} lines, more than {LINES_WARN}")
        layer = next((layer for layer in LAYERS if path.startswith(layer[0] + "/")), None)
        if not layer or not path.endswith((".cpp", ".h")):
            continue
        checked += 1
        name, tree, foreign = layer
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            target = kind_of(match[2], root, os.path.dirname(file), match[1] == '"')
            if target != "std" and not target.startswith(tree + foreign):
                errors.append(f"{path}:{number}: {name} may not include {match[2]}")
    for warning in warnings:
        print("warning:", warning)
    for error in errors:
        print("error:", error)
    print(f"{checked} files of {len(LAYERS)} layers, {len(errors)} errors")
    sys.exit(1 if errors or not checked else 0)


main()
