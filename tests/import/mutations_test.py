#!/usr/bin/env python3
"""mutations_test.py SKEIN_OPT [SEED SECONDS]: programs of this folder with words, lines and ends changed at random. The importer takes
or refuses each: it never crashes, and never takes long."""
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

skein_opt, *numbers = sys.argv[1:]
seed, seconds = (int(numbers[0]), float(numbers[1])) if numbers else (1, 20.0)
PROGRAMS = [path.read_text() for path in sorted(pathlib.Path(__file__).parent.glob("*.mlir"))]
WORDS = ["-1", "0", "9223372036854775807", "4294967296", "tensor<?xf32>", "tensor<*xf32>", "i1", "f64", "[]", "[0, 0]", "array<i64>", "dense<>", '"x"', "@main", "%arg0", "bf16",
         "complex<f32>", "tensor<9223372036854775807x8xf32>", "#stablehlo", "\xff"]
MOST_SECONDS = 20
random.seed(seed)


def changed(text):
    words = list(re.finditer(r"[A-Za-z_0-9.%@#]+|<[^<>]*>|\[[^\[\]]*\]", text))
    word, other, lines, how = random.choice(words), random.choice(words), text.split("\n"), random.random()
    if how < 0.4:
        return text[:word.start()] + random.choice(WORDS) + text[word.end():]
    if how < 0.6:
        return text[:word.start()] + other.group() + text[word.end():]
    if how < 0.7:
        return text[:random.randrange(len(text))] or "("
    i, j = random.randrange(len(lines)), random.randrange(len(lines))
    if how < 0.85:
        return "\n".join(lines[:i] + lines[i + 1:]) or "("
    lines[i], lines[j] = lines[j], lines[i]
    return "\n".join(lines)


tried = taken = 0
end = time.monotonic() + seconds
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "program.mlir"
    while time.monotonic() < end:
        text = random.choice(PROGRAMS)
        for _ in range(random.choice([1, 1, 2, 4])):
            text = changed(text) if re.search(r"\w", text) else text
        path.write_text(text, encoding="latin-1", errors="replace")
        try:
            code = subprocess.run([skein_opt, "--from-stablehlo", path], capture_output=True, timeout=MOST_SECONDS).returncode
        except subprocess.TimeoutExpired:
            code = "time-out"
        tried, taken = tried + 1, taken + (code == 0)
        if code not in (0, 1):
            sys.exit(f"{code}, seed {seed}, program {tried}:\n{text}")
print(f"{tried} programs, {taken} of them taken, the others refused")
sys.exit(not (tried and tried > taken))
