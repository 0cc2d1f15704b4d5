# SPDX-License-Identifier: MIT
"""Compares what a shared library exports with what its headers declare and its version map lists as private."""

import re
import subprocess
import sys

from declared import declared


def exported(library_file):
    """{name: version node} of what is defined and visible."""
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", "--with-symbol-versions", library_file],
        check=True, capture_output=True, text=True).stdout.splitlines()
    symbols = {}
    for line in lines:
        kind, name = line.split()[-2:]
        if kind != "A":  # the version nodes themselves
            base, _, version = name.partition("@@")
            symbols[base] = version
    return symbols


def private_names(map_file):
    with open(map_file, encoding="utf-8") as file:
        nodes = re.findall(r"(\w+) \{(.*?)\};", re.sub(r"/\*.*?\*/", "", file.read(), flags=re.DOTALL), re.DOTALL)
    return {name for node, body in nodes if node.endswith("PRIVATE") for name in re.findall(r"(\w+);", body)}


def main(include, testing_headers, library, library_file, map_file):
    symbols = exported(library_file)
    public = set(declared(include, testing_headers, library))
    private = private_names(map_file)
    wrong = []
    wrong += [f"exported but in no header: {name}" for name in sorted(set(symbols) - public - private)]
    wrong += [f"declared but not exported: {name}" for name in sorted(public - set(symbols))]
    wrong += [f"private but not exported: {name}" for name in sorted(private - set(symbols))]
    wrong += [f"private but declared in a header: {name}" for name in sorted(private & public)]
    for name, version in sorted(symbols.items()):
        if version.endswith("PRIVATE") != (name in private) or not version:
            wrong.append(f"in the wrong version node: {name} is in '{version}'")
    print("\n".join(wrong) or f"{len(public)} names declared and exported, {len(private)} private")
    sys.exit(1 if wrong else 0)


main(*sys.argv[1:])
