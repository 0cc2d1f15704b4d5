# SPDX-License-Identifier: MIT
"""Whether somebody listens on the UNIX socket at a path: that the path is there does not say so, between the two lies a
moment in which connections are refused. And the port on which a program listens that was told to take any: a port
that was free a moment ago may be somebody else's when it is used."""
import os
import pathlib
import time

SOCKETS = pathlib.Path("/proc/net/unix")  # Num RefCount Protocol Flags Type St Inode Path
LISTENS = 0x10000
TCP_SOCKETS = [pathlib.Path("/proc/net/tcp"), pathlib.Path("/proc/net/tcp6")]  # sl local_address rem_address st ... inode
TCP_LISTENS = "0A"


def is_listened_on(path):
    if not SOCKETS.exists():
        return os.path.exists(path)
    sockets = [line.split() for line in SOCKETS.read_text().splitlines()[1:]]
    return any(int(socket[3], 16) & LISTENS and socket[7:] == [path] for socket in sockets)


def wait_for_listener(path, patience):
    wait_for(lambda: is_listened_on(path), patience, "nobody listens on " + path)


def wait_for(condition, patience, complaint):
    """What the condition gives when it is true."""
    end = time.monotonic() + patience
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(complaint)
        time.sleep(0.01)
    return found


def inodes_of(pid):
    """Of the sockets that a process has open."""
    found = set()
    for descriptor in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:
            continue  # closed meanwhile
        if target.startswith("socket:["):
            found.add(target[len("socket:["):-1])
    return found


def port_of(pid):
    """The TCP port on which a process listens, or None."""
    inodes = inodes_of(pid)
    for table in TCP_SOCKETS:
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            words = line.split()
            if words[3] == TCP_LISTENS and words[9] in inodes:
                return int(words[1].rsplit(":", 1)[1], 16)
    return None


def wait_for_port(process, patience):
    """The TCP port on which a subprocess listens, as soon as it does."""
    def look():
        if process.poll() is not None:
            raise AssertionError(f"ended with status {process.returncode} instead of listening")
        return port_of(process.pid)

    return wait_for(look, patience, "does not listen")
