#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The classic demonstrations print what docs/demonstrations.md shows, to the letter.

Usage: test_demonstrations.py EXAMPLES_BUILD_DIR SOURCE_ROOT

The first argument of a program scales its time; a program's clean end includes what the sanitizers say on standard
error. That the C on the page is from the programs is for test_examples.py to check.
"""
import pathlib
import re
import subprocess
import sys
import time
import unittest

PROGRAMS = pathlib.Path(sys.argv[1])
PAGE = (pathlib.Path(sys.argv[2]) / "docs/demonstrations.md").read_text()
PATIENCE = 60
SCALE = 0.01


def shown(number):
    """The output that section `number` of the page shows: its lines indented by four, outside of code."""
    section = re.search(rf"^## {number}\. .*?(?=^## |\Z)", PAGE, re.S | re.M).group()
    prose = re.sub(r"^```.*?^```", "", section, flags=re.S | re.M)
    return "".join(line[4:] + "\n" for line in prose.splitlines() if line.startswith("    "))


class Demonstrations(unittest.TestCase):
    def check(self, number, program, *arguments):
        done = subprocess.run([PROGRAMS / program, *arguments], capture_output=True, timeout=PATIENCE, text=True)
        self.assertNotEqual(shown(number), "")
        self.assertEqual((done.stdout, done.stderr, done.returncode), (shown(number), "", 0))

    def check_scaled(self, number, program, seconds):
        """It takes at least the time it says."""
        before = time.monotonic()
        self.check(number, program, str(SCALE))
        self.assertGreaterEqual(time.monotonic() - before, seconds * SCALE)

    def test_hello(self):
        self.check_scaled(1, "hello", 3)

    def test_hello_await(self):
        self.check_scaled(1, "hello_await", 3)

    def test_callbacks(self):
        self.check_scaled(2, "callbacks", 3)

    def test_slow(self):
        self.check_scaled(3, "slow", 3)

    def test_task(self):
        self.check_scaled(4, "task", 2)

    def test_task_await(self):
        self.check_scaled(4, "task_await", 2)

    def test_blocking(self):
        self.check_scaled(5, "blocking", 3)

    def test_lock(self):
        self.check_scaled(6, "lock", 4)

    def test_lock_await(self):
        self.check_scaled(6, "lock_await", 4)

    def test_event(self):
        self.check_scaled(7, "event", 2)

    def test_event_await(self):
        self.check_scaled(7, "event_await", 2)

    def test_condition(self):
        self.check_scaled(8, "condition", 3)

    def test_condition_await(self):
        self.check_scaled(8, "condition_await", 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
