#!/usr/bin/env python3
"""check_output.py EXPECTED PROGRAM [ARGUMENTS...]: runs the program and compares what it prints, line by line.

The file holds the lines as they are; what stands between {{ and }} is a regular expression. Blanks at the end of a
line do not count.
"""
import re
import subprocess
import sys


def pattern(line):
    parts = re.split(r"\{\{(.*?)\}\}", line)
    return "".join(part if i % 2 else re.escape(part) for i, part in enumerate(parts))


def main():
    expected_file, *command = sys.argv[1:]
    expected = open(expected_file, encoding="utf-8").read().splitlines()
    done = subprocess.run(command, capture_output=True, text=True)
    printed = done.stdout.splitlines()
    print(done.stdout, end="")
    if done.returncode:
        sys.exit(f"{done.stderr}the program ended with {done.returncode}")
    for number, (want, have) in enumerate(zip(expected, printed), 1):
        if not re.fullmatch(pattern(want.rstrip()), have.rstrip()):
            sys.exit(f"line {number} differs\n  expected: {want}\n  printed:  {have}")
    if len(expected) != len(printed):
        sys.exit(f"{len(expected)} lines are expected, {len(printed)} were printed")


main()
