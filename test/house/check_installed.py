# SPDX-License-Identifier: MIT
"""Installs the build into a temporary directory, builds README.md's first program with `cc` and pkg-config as README
says, and talks to it."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from peer import check_echo

MOST_LINES = 16  # that are not blank, of README's program


def program_of(readme):
    match = re.search(r"^```c\n(.*?)^```", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if match is None:
        sys.exit("README.md shows no program")
    return match.group(1)


def install(build, root):
    environment = dict(os.environ, DESTDIR=str(root))
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"], env=environment, check=True)


def find_package(root, name):
    found = list(root.rglob(name + ".pc"))
    if len(found) != 1:
        sys.exit(f"{len(found)} files {name}.pc were installed")
    return found[0]


def flags_of(root, package):
    pc_file = find_package(root, package)
    prefix = re.search(r"^prefix=(.*)$", pc_file.read_text(), re.MULTILINE).group(1)
    environment = dict(os.environ, PKG_CONFIG_PATH=str(pc_file.parent))
    words = subprocess.run(
        ["pkg-config", f"--define-variable=prefix={root}{prefix}", "--cflags", "--libs", package],
        env=environment, check=True, capture_output=True, text=True).stdout.split()
    return words


def build(directory, source, flags, compiler, output):
    path = directory / (output + ".c")
    path.write_text(source, encoding="utf-8")
    program = directory / output
    subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", path, *flags, "-o", program], check=True)
    return program


TESTING_PROGRAM = """
#include <bight/testing.h>
int main(void)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_testing_advance(reactor, 2.0);
    uint64_t now = bight_clock_now(bight_reactor_clock(reactor));
    bight_reactor_free(reactor);
    return now == 3 * BIGHT_NANOSECONDS_PER_SECOND ? 0 : 1;
}
"""


def main(source_root, build_root, *compiler):
    program = program_of(pathlib.Path(source_root) / "README.md")
    lines = sum(1 for line in program.splitlines() if line.strip())
    if lines > MOST_LINES:
        sys.exit(f"README.md's program has {lines} lines")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        root = directory / "root"
        install(build_root, root)
        libraries = find_package(root, "bight").parent.parent
        environment = dict(os.environ, LD_LIBRARY_PATH=str(libraries))
        source = program.replace("tcp:1234", "tcp:0")
        echo = build(directory, source, flags_of(root, "bight"), compiler, "echo")
        testing = build(directory, TESTING_PROGRAM, flags_of(root, "bight-testing"), compiler, "testing")
        subprocess.run([testing], env=environment, check=True)
        sys.exit(check_echo([echo], environment) or 0)


main(*sys.argv[1:])
