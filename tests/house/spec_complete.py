#!/usr/bin/env python3
"""spec_complete.py ROOT: every op of the dialect has an entry in docs/spec.md: a heading that names it, a table row that
begins with it, or a definition, `mnemonic`: ..."""
import pathlib
import re
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    ops = {}
    for file in sorted((root / "dialects/skein").glob("*.td")):
        for mnemonic in re.findall(r'def\s+Skein_\w+Op\s*:\s*\w+<\s*"(\w+)"', file.read_text(encoding="utf-8")):
            ops[mnemonic] = file.name
    spec = root / "docs/spec.md"
    text = spec.read_text(encoding="utf-8") if spec.exists() else ""
    told = set()
    for line in text.splitlines():
        if heading := re.match(r"#{2,4}\s+(.*)", line):
            told.update(re.findall(r"\w+", heading[1]))
        elif line.startswith("|"):
            told.update(re.findall(r"`(?:skein\.)?(\w+)`", line.split("|")[1]))
        else:
            told.update(re.findall(r"`(\w+)`:", line))
    missing = sorted(set(ops) - told)
    print(f"{len(ops)} ops, {len(ops) - len(missing)} of them in docs/spec.md")
    if not ops:
        sys.exit("no op was found in dialects/skein/*.td")
    for mnemonic in missing:
        print(f"missing: {mnemonic} ({ops[mnemonic]})")
    sys.exit(1 if missing else 0)


main()
