# SPDX-License-Identifier: MIT
"""`meson setup` says nothing that a user would have to think about, and without the tests looks for nothing of theirs."""

import subprocess
import sys
import tempfile


def set_up(source, *options):
    with tempfile.TemporaryDirectory() as build:
        command = ["meson", "setup", "--fatal-meson-warnings", build, source, *options]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or "WARNING" in done.stdout or "DEPRECATION" in done.stdout:
        sys.exit(done.stdout)
    return done.stdout


def main(source):
    output = set_up(source)
    if "dependency check " in output or "C++ compiler" in output:
        sys.exit("the tests are not wanted, but what they need is looked for:\n" + output)
    set_up(source, "-Dtests=enabled")


main(*sys.argv[1:])
