# SPDX-License-Identifier: MIT
"""Talking to an echo server that a test has started."""

import pathlib
import socket
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from listening import wait_for_port  # noqa: E402

PATIENCE = 60  # seconds until a server must have answered


def exchange(port, message):
    """Sends the message, then the end, and reads until the end: what came back."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(message)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def check_echo(command, environment=None):
    """Starts the server, which takes any port, has a message echoed, ends it. Gives what was wrong, or an empty text."""
    message = bytes(range(256)) * 40
    with subprocess.Popen(command, env=environment) as server:
        try:
            answer = exchange(wait_for_port(server, PATIENCE), message)
        except (OSError, AssertionError) as error:
            return str(error)
        finally:
            server.terminate()
    return "" if answer == message else f"{len(answer)} bytes came back in place of {len(message)}"
