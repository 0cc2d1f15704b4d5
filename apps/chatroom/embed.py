#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes files as the texts of a C program: embed.py OUTPUT NAME=FILE ..."""
import pathlib
import sys


def lines_of(data):
    """Numbers: a literal need not be taken that is longer than 4095 bytes."""
    for start in range(0, len(data), 24):
        yield "    " + " ".join(f"{byte}," for byte in data[start:start + 24])


def main(output, *files):
    written = ["/* Made from the page's files. */", '#include "chatroom.h"', ""]
    for name, file in (each.split("=", 1) for each in files):
        data = pathlib.Path(file).read_bytes() + b"\0"
        data.decode("ascii")  # what a char can hold everywhere
        written += [f"const char {name}[] = {{", *lines_of(data), "};", ""]
    pathlib.Path(output).write_text("\n".join(written), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
