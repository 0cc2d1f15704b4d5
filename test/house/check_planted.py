# SPDX-License-Identifier: MIT
"""The planted bugs (test/planted) fit the sources as they are: of each hunk of each patch, what it takes out and what
stands around it is there once. Whether the fuzzers find them is test/planted/prove.sh's, by hand.

Argument: the project's directory."""

import pathlib
import sys


def hunks(patch):
    """(file, the text that a hunk replaces) of each."""
    file, old = None, []
    for line in patch.split("\n"):
        if line.startswith(("--- ", "@@ ")):
            if old:
                yield file, "\n".join(old)
            old = []
        if line.startswith("--- a/"):
            file = line[len("--- a/"):]
        elif file is not None and line[:1] in (" ", "-") and not line.startswith("---"):
            old.append(line[1:])
    if old:
        yield file, "\n".join(old)


def main(root):
    patches = sorted((root / "test" / "planted").glob("*.patch"))
    wrong = []
    for patch in patches:
        for file, old in hunks(patch.read_text(encoding="utf-8")):
            times = (root / file).read_text(encoding="utf-8").count(old)
            if times != 1:
                wrong.append(f"{patch.name}: what it changes is {times} times in {file}:\n{old}")
    print("\n".join(wrong) or f"{len(patches)} patches fit")
    sys.exit(1 if wrong or not patches else 0)


main(pathlib.Path(sys.argv[1]))
