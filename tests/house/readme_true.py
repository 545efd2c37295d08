#!/usr/bin/env python3
"""readme_true.py ROOT: the README's first program is lesson 1, and the output below it is the one that lesson 1's test expects."""
import pathlib
import re
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", (root / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if len(blocks) < 2 or blocks[0][0] != "cpp":
        sys.exit("README.md does not begin with a program and its output")
    lesson = (root / "examples/lesson_01_shard_map.cpp").read_text(encoding="utf-8")
    if blocks[0][1].strip() not in lesson:
        sys.exit("the README's program is not that of examples/lesson_01_shard_map.cpp")
    expected = (root / "examples/lesson_01_shard_map.expected").read_text(encoding="utf-8")
    if blocks[1][1].strip() != expected.strip():
        sys.exit("the README's output is not that of examples/lesson_01_shard_map.expected")
    # Links to files of the tree lead somewhere.
    for target in re.findall(r"\]\(([^)#:]+)\)", (root / "README.md").read_text(encoding="utf-8")):
        if not (root / target).exists():
            sys.exit(f"the README links to {target}, which is not there")
    print("program and output are lesson 1's")


main()
