# SPDX-License-Identifier: MIT
"""README.md as a reader follows it: its programs, built with the line that it gives, and run.

Alone (readme.py README.md) it takes bight as it is installed on this machine; .ci/bare-debian does so."""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from peer import PATIENCE, check_echo, wait_for_port

STRICT = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


def programs_of(readme):
    blocks = re.findall(r"^```c\n(.*?)^```", readme.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [block for block in blocks if re.search(r"^int main\(", block, re.MULTILINE)]


def compiling_line_of(readme, compiler):
    found = re.search(r"`cc( echo\.c [^`]*)`", readme.read_text(encoding="utf-8"))
    if found is None:
        sys.exit("README.md does not say how its program is built")
    return compiler + found.group(1)


def build(source, line, directory, environment):
    """The program, compiled by README's line as it stands, and with all warnings as errors."""
    directory.mkdir()
    (directory / "echo.c").write_text(source, encoding="utf-8")
    for command in (line + " " + " ".join(STRICT), line):
        subprocess.run(["sh", "-c", command], cwd=directory, env=environment, check=True)
    return directory / "a.out"


def try_echo(program, environment):
    return check_echo([program], environment)


def try_hello(program, environment):
    done = subprocess.run([program, "0.01"], env=environment, capture_output=True, text=True, timeout=PATIENCE)
    return "" if (done.returncode, done.stdout, done.stderr) == (0, "hello\nWorld\n", "") else repr(done)


def hear(ann, bob):
    """What the one hears first. Nobody hears what was said before he was there, so it is said until it is heard."""
    heard = b""
    deadline = time.monotonic() + PATIENCE
    ann.settimeout(0.1)
    while b"\n" not in heard and time.monotonic() < deadline:
        bob.sendall(b"hello\n")
        try:
            heard += ann.recv(100)
        except socket.timeout:
            pass
    return heard


def try_chat(program, environment):
    with subprocess.Popen([program], env=environment) as server:
        try:
            address = ("127.0.0.1", wait_for_port(server, PATIENCE))
            with socket.create_connection(address) as ann, socket.create_connection(address) as bob:
                heard = hear(ann, bob)
        finally:
            server.terminate()
    return "" if heard.startswith(b"hello\r\n") else repr(heard)


TRIALS = {"echo": try_echo, "hello": try_hello, "chat": try_chat}  # in README's order


def try_programs(readme, directory, environment, compiler="cc"):
    """Builds and runs every program of README.md. Gives what was wrong, or an empty text."""
    programs = programs_of(readme)
    if len(programs) != len(TRIALS):
        return f"README.md has {len(programs)} programs"
    line = compiling_line_of(readme, compiler)
    for source, (name, trial) in zip(programs, TRIALS.items()):
        program = build(re.sub(r'"tcp:\d+"', '"tcp:0"', source), line, directory / name, environment)
        wrong = trial(program, environment)
        if wrong:
            return f"README.md's {name}: {wrong}"
    return ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as where:
        sys.exit(try_programs(pathlib.Path(sys.argv[1]), pathlib.Path(where), dict(os.environ)) or 0)
