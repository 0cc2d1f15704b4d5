# SPDX-License-Identifier: MIT
"""Talking to an echo server that a test has started."""

import socket
import subprocess
import time

PATIENCE = 20  # seconds until a server must have answered


def free_port():
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, server):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except OSError:
            if server.poll() is not None:
                raise RuntimeError(f"the server ended with status {server.returncode}") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def exchange(port, server, message=b"the quick brown fox\n"):
    """Sends the message, then the end, and reads until the end: what came back."""
    with connect(port, server) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def check_echo(command, port, environment=None):
    """Starts the server, has a message echoed, ends it. Gives what was wrong, or an empty text."""
    message = bytes(range(256)) * 40
    with subprocess.Popen(command, env=environment) as server:
        try:
            answer = exchange(port, server, message)
        except (OSError, RuntimeError) as error:
            return str(error)
        finally:
            server.terminate()
    return "" if answer == message else f"{len(answer)} bytes came back in place of {len(message)}"
