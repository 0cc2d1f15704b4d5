# SPDX-License-Identifier: MIT
"""Whether somebody listens on the UNIX socket at a path. That the path is there does not say so: between the two lies a
moment in which connections are refused."""
import os
import pathlib
import time

SOCKETS = pathlib.Path("/proc/net/unix")  # Num RefCount Protocol Flags Type St Inode Path
LISTENS = 0x10000


def is_listened_on(path):
    if not SOCKETS.exists():
        return os.path.exists(path)
    sockets = [line.split() for line in SOCKETS.read_text().splitlines()[1:]]
    return any(int(socket[3], 16) & LISTENS and socket[7:] == [path] for socket in sockets)


def wait_for_listener(path, patience):
    end = time.monotonic() + patience
    while not is_listened_on(path):
        if time.monotonic() > end:
            raise AssertionError("nobody listens on " + path)
        time.sleep(0.01)
