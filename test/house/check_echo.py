# SPDX-License-Identifier: MIT
"""Runs an echo server that takes an endpoint as its argument, and talks to it."""

import sys

from peer import check_echo, free_port


def main(program):
    port = free_port()
    sys.exit(check_echo([program, f"tcp:{port}:interface=127.0.0.1"], port) or 0)


main(*sys.argv[1:])
