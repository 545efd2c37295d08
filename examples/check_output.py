#!/usr/bin/env python3
"""check_output.py [--each N] EXPECTED PROGRAM [ARGUMENTS...]: runs the program and compares what it prints, line by line. With
--each N it is N processes, each of which prints every line; theirs may come mixed.

The file holds the lines as they are; what stands between {{ and }} is a regular expression. Blanks at the end of a
line do not count.
"""
import re
import subprocess
import sys


def pattern(line):
    parts = re.split(r"\{\{(.*?)\}\}", line)
    return "".join(part if i % 2 else re.escape(part) for i, part in enumerate(parts))


def check_mixed(expected, printed, each):
    left = [each] * len(expected)
    for have in printed:
        for i, want in enumerate(expected):
            if left[i] and re.fullmatch(pattern(want.rstrip()), have.rstrip()):
                left[i] -= 1
                break
        else:
            sys.exit(f"nothing like this is expected, or not so often: {have}")
    if any(left):
        sys.exit(f"not printed {each} times: {expected[next(i for i, n in enumerate(left) if n)]}")


def main():
    arguments = sys.argv[1:]
    each = 1
    if arguments[0] == "--each":
        each, arguments = int(arguments[1]), arguments[2:]
    expected_file, *command = arguments
    expected = open(expected_file, encoding="utf-8").read().splitlines()
    done = subprocess.run(command, capture_output=True, text=True)
    printed = done.stdout.splitlines()
    print(done.stdout, end="")
    if done.returncode:
        sys.exit(f"{done.stderr}the program ended with {done.returncode}")
    if each > 1:
        return check_mixed(expected, printed, each)
    for number, (want, have) in enumerate(zip(expected, printed), 1):
        if not re.fullmatch(pattern(want.rstrip()), have.rstrip()):
            sys.exit(f"line {number} differs\n  expected: {want}\n  printed:  {have}")
    if len(expected) != len(printed):
        sys.exit(f"{len(expected)} lines are expected, {len(printed)} were printed")


main()
