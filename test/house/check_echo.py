# SPDX-License-Identifier: MIT
"""Runs an echo server that takes an endpoint as its argument, and talks to it."""

import sys

from peer import check_echo

sys.exit(check_echo([sys.argv[1], "tcp:0:interface=127.0.0.1"]) or 0)
