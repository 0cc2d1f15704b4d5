#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The classic demonstrations print what docs/demonstrations.md shows, to the letter.

Usage: test_demonstrations.py EXAMPLES_BUILD_DIR SOURCE_ROOT

The first argument of a program scales its time; a program's clean end includes what the sanitizers say on standard
error. That the C on the page is from the programs is for test_examples.py to check.
"""
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
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

    def test_producers(self):
        self.check(9, "producers")

    def test_producers_await(self):
        self.check(9, "producers_await")

    def test_downloads(self):
        self.check(10, "downloads")

    def test_downloads_await(self):
        self.check(10, "downloads_await")

    def test_pi(self):
        self.check_scaled(11, "pi", 3)

    def test_pi_await(self):
        self.check_scaled(11, "pi_await", 3)

    def test_primes(self):
        self.check(12, "primes")

    def pictures(self):
        """A directory of two pictures and one that is broken."""
        for command in ["identify", "convert"]:
            if shutil.which(command) is None:
                self.fail(command + " of ImageMagick is not installed")
        directory = tempfile.TemporaryDirectory()
        for name, width, height in [("kite.ppm", 60, 40), ("tower.ppm", 80, 120)]:
            header = f"P6 {width} {height} 255\n".encode()
            pathlib.Path(directory.name, name).write_bytes(header + b"\x20\x80\xe0" * (width * height))
        pathlib.Path(directory.name, "broken.ppm").write_bytes(b"P6 60")
        return directory

    def check_pictures(self, program):
        with self.pictures() as source, tempfile.TemporaryDirectory() as destination:
            self.check(13, program, source, destination)
            made = {path.name: path.read_bytes()[:32].split()[:3] for path in pathlib.Path(destination).iterdir()}
        self.assertEqual(made, {
            "w10_kite.ppm": [b"P6", b"10", b"7"], "w10_tower.ppm": [b"P6", b"10", b"15"],
            "w20_kite.ppm": [b"P6", b"20", b"13"], "w20_tower.ppm": [b"P6", b"20", b"30"],
            "w40_kite.ppm": [b"P6", b"40", b"27"], "w40_tower.ppm": [b"P6", b"40", b"60"]})

    def test_pictures(self):
        self.check_pictures("pictures")

    def test_pictures_await(self):
        self.check_pictures("pictures_await")

    def check_failing_pictures(self, program):
        """Three widths that fail for each picture are one error each, and nothing else is said."""
        with self.pictures() as source:
            done = subprocess.run([PROGRAMS / program, source, os.path.join(source, "nowhere")], capture_output=True,
                                  timeout=PATIENCE, text=True)
        left_out = "".join(f"{name}.ppm: left out, PROCESS_TERMINATED\n" for name in ["broken", "kite", "tower"])
        self.assertEqual((done.stdout, done.stderr, done.returncode), (left_out, "", 0))

    def test_pictures_that_fail(self):
        self.check_failing_pictures("pictures")

    def test_pictures_await_that_fail(self):
        self.check_failing_pictures("pictures_await")

    def test_exhibition(self):
        self.check(14, "exhibition")

    def test_exhibition_await(self):
        self.check(14, "exhibition_await")

    def check_logged_echo(self, program):
        with socket.create_server(("127.0.0.1", 0)) as listening:
            address = listening.getsockname()
            server = subprocess.Popen([PROGRAMS / program, f"fd:{listening.fileno()}"], pass_fds=[listening.fileno()],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        expected = shown(15)
        log = ""
        try:
            for number, words in enumerate([[b"hello", b"world!"], [b"bye"]], start=1):
                client = socket.create_connection(address, PATIENCE)
                expected = expected.replace(f"127.0.0.1:4000{number} ", "127.0.0.1:%d " % client.getsockname()[1])
                for word in words:
                    client.sendall(word)
                    self.assertEqual(client.recv(len(word), socket.MSG_WAITALL), word)
                if number == 2: # closing is a reset then
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                while log.count(" went ") < number and (line := server.stdout.readline()):
                    log += line
        finally:
            server.terminate()
            rest, errors = server.communicate(timeout=PATIENCE)
        self.assertEqual((log + rest, errors, server.returncode), (expected, "", 0))

    def test_logged_echo(self):
        self.check_logged_echo("logged_echo")

    def test_logged_echo_await(self):
        self.check_logged_echo("logged_echo_await")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
