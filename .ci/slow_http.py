#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has slowhttptest hold a site's connections in each of its ways, at heads, at bodies, at answers that are not read, and with
ranges that overlap. They have to be gone by their deadlines, to cost little memory, and to be in nobody else's way: a client that
behaves is answered meanwhile.

Usage: slow_http.py HTTP_PEER [CONNECTIONS [WAY...]]. Ends with status 1 if there is anything to complain of."""

import http.client
import os
import pathlib
import resource
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test"))
from listening import wait_for_port  # pylint: disable=wrong-import-position

PATIENCE = 60  # seconds, for what should take none
MOST_BYTES = 48 << 10  # of the process, each
MOST_SECONDS = 0.1  # the 99th percentile of the honest client's answers
ESTABLISHED = "01"
HONEST = 2  # connections: one, and one that is about to be closed

# way -> (what it does, seconds until all have gone, the path, slowhttptest's own options). 10 s for a head; 1 KiB/s of a body over
# 10 s; of an answer over 30 s, from when the kernel takes no more.
WAYS = {
    "H": ("heads that do not end", 15, "/", ["-i", "5", "-x", "24"]),
    "B": ("bodies that do not end", 25, "/echo", ["-i", "5", "-x", "10"]),
    "X": ("answers that are not read", 40, "/endless", ["-n", "5", "-z", "32", "-w", "512", "-y", "1024"]),
    "R": ("ranges that overlap", 15, "/", ["-a", "1", "-b", "2000"]),
}


def isolate():
    """As root, a network namespace of our own in which segments are as long as on a network. On the loopback they have 64 KiB, for
    which the kernel takes 1.7 MB of each answer that nobody reads; a thousand of those are all that it has for TCP, and hold up
    everybody."""
    if os.geteuid() == 0 and not os.environ.get("BIGHT_ISOLATED"):
        os.environ["BIGHT_ISOLATED"] = "1"
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", 'ip link set lo mtu 1500 up && exec "$@"', "sh", sys.executable] + sys.argv)


class Honest(threading.Thread):
    """Asks fifty times a second, and on a connection of its own every tenth time."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.over, self.took, self.wrong = port, threading.Event(), [], []

    def run(self):
        connection = None
        while not self.over.wait(0.02):
            if connection is None or len(self.took) % 10 == 0:
                if connection is not None:
                    connection.close()
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            start = time.monotonic()
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                if (answer.status, answer.read()) != (200, b"Hello"):
                    self.wrong.append(str(answer.status))
            except OSError as error:
                self.wrong.append(str(error))
                connection = None
            self.took.append(time.monotonic() - start)

    def percentile(self, percent):
        return sorted(self.took)[int(len(self.took) * percent / 100)]


class Site:
    def __init__(self, program):
        self.process = subprocess.Popen([program, "tcp:0:interface=127.0.0.1"])
        self.port = wait_for_port(self.process, PATIENCE)

    def connections(self):
        here = f":{self.port:04X}"
        lines = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        return sum(words[1].endswith(here) and words[3] == ESTABLISHED for words in map(str.split, lines))

    def memory(self):
        pages = int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * resource.getpagesize()

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)


def watch(site, attack, count, longest):
    """(the most connections, seconds from when all were there until all were gone or None, bytes that memory grew by)."""
    before, most, grown, full = site.memory(), 0, 0, time.monotonic()
    while True:
        now, open_now = time.monotonic(), site.connections()
        grown = max(grown, site.memory() - before)
        if most < count:
            full = now
        most = max(most, open_now)
        if (most >= count or attack.poll() is not None) and open_now <= HONEST:
            return most, now - full, grown
        if now - full > longest:
            return most, None, grown
        time.sleep(0.2)


def attack_with(program, way, count):
    """The complaints; says what was seen."""
    what, longest, path, options = WAYS[way]
    site = Site(program)
    honest = Honest(site.port)
    honest.start()
    attack = subprocess.Popen(["slowhttptest", "-" + way, "-c", str(count), "-r", str(count), "-l", str(longest + 30), "-p", "10", "-u",
                               f"http://127.0.0.1:{site.port}{path}", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        most, gone, grown = watch(site, attack, count, longest)
    finally:
        attack.terminate()
        attack.wait()
        honest.over.set()
        honest.join()
        status = site.stop()
    each, slow = grown / count, honest.percentile(99)
    print(f"{what:28} {most:6} at a time, gone after {'never' if gone is None else f'{gone:.1f} s':8} {each / 1024:6.1f} KiB each, "
          f"others answered in {slow * 1000:.1f} ms (99 %, of {len(honest.took)})", flush=True)
    found = {"they were not gone in time": gone is None, "too much memory": each > MOST_BYTES, "others were held up": slow > MOST_SECONDS,
             f"others were not answered: {honest.wrong[:3]}": bool(honest.wrong), f"the site ended with {status}": status != 0}
    return [f"{what}: {complaint}" for complaint, is_so in found.items() if is_so]


def main(program, count="1000", *ways):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    complaints = [complaint for way in ways or WAYS for complaint in attack_with(program, way, int(count))]
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    isolate()
    sys.exit(main(*sys.argv[1:]))
