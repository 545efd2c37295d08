"""python -m skein_export convert in.mlir out.mlir"""

import sys

from . import convert


def main():
    if len(sys.argv) != 4 or sys.argv[1] != "convert":
        sys.exit("usage: python -m skein_export convert in.mlir out.mlir")
    with open(sys.argv[2], "rb") as file:
        text = convert(file.read())
    with open(sys.argv[3], "w") as file:
        file.write(text)


if __name__ == "__main__":
    main()
