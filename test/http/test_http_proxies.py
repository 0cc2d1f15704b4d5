#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A site behind nginx and behind haproxy, to which the ambiguous messages of ambiguous.py are sent: what the proxy has sent on is
what the site was asked for, request for request, or the connection between them ends.

Usage: test_http_proxies.py HTTP_COUNTER [-k WORD] [-v]
"""
import collections
import re
import socket
import subprocess
import sys
import tempfile
import unittest

import ambiguous
from listening import wait_for_port
from proxies import PATIENCE, Haproxy, Nginx, tag_of
from served import make_sure_of_the_end

COUNTER = None
ANSWERED = re.compile(rb"asked for /([msa]/\d+)")


def disagreements(in_front, behind):
    """What was sent on and what came, where that differs: {tag: (in front, behind)}. `in_front` is as of Proxy.sent_on, `behind` a
    list of tags. Less may come than was sent where the connection ended: a head was refused, and what lay behind it."""
    sent, ended = collections.Counter(), set()
    for tag, status, closes in in_front:
        sent[tag] += 1
        if closes and not status.startswith("2"):
            ended.add(tag.split("/")[-1])
    came = collections.Counter(behind)
    return {tag: (sent[tag], came[tag]) for tag in sent | came
            if came[tag] > sent[tag] or (came[tag] < sent[tag] and tag.split("/")[-1] not in ended)}


def exchange(address, text, family=socket.AF_UNIX):
    """What comes back for bytes that nothing follows."""
    with socket.socket(family) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(address)
        got = b""
        try:
            connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                got += piece
        except (ConnectionResetError, BrokenPipeError):
            pass  # it has heard enough
        return got


class Comparison(unittest.TestCase):
    """That differences would be seen."""

    def test_as_many_are_no_difference(self):
        self.assertEqual(disagreements([("m/100", "200", False), ("a/100", "404", True)], ["m/100", "a/100"]), {})

    def test_one_more_behind_is_one(self):
        self.assertEqual(disagreements([("m/100", "200", False)], ["m/100", "s/100"]), {"s/100": (0, 1)})
        self.assertEqual(disagreements([("m/100", "400", True)], ["m/100", "m/100"]), {"m/100": (1, 2)})

    def test_one_less_behind_is_one_unless_the_connection_ends(self):
        self.assertEqual(disagreements([("m/100", "200", False), ("a/100", "200", False)], ["m/100"]), {"a/100": (1, 0)})
        self.assertEqual(disagreements([("m/100", "400", False)], []), {"m/100": (1, 0)})
        self.assertEqual(disagreements([("m/100", "400", True)], []), {})


class Counted(unittest.TestCase):
    def setUp(self):
        self.counter = subprocess.Popen([COUNTER, "tcp:0:interface=127.0.0.1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(make_sure_of_the_end, self.counter)
        self.port = wait_for_port(self.counter, PATIENCE)

    def counted(self):
        """Ends it. The tags of what it was asked for."""
        self.counter.terminate()
        said, complained = self.counter.communicate(timeout=PATIENCE)
        self.assertEqual(self.counter.returncode, 0, complained.decode())
        self.assertNotIn(b"usage", complained)
        return [tag_of(each) for each in said.decode(errors="replace").splitlines()]

    def send_all(self, address, family):
        """Each message on a connection of its own, and nobody gets the answer of another."""
        for number, (name, _) in enumerate(ambiguous.ROWS):
            got = exchange(address, ambiguous.message(number), family)
            for tag in ANSWERED.findall(got):
                self.assertTrue(tag.endswith(b"/%d" % (100 + number)), f"{name}: {got!r}")


class Alone(Counted):
    """What the site makes of the messages without anybody in front."""
    READ_BY_ALL = ["a length underlined", "HTTP/1.0 that is kept"]  # no smuggling: to the letter, there are three requests

    def test_nothing_is_smuggled(self):
        self.send_all(("127.0.0.1", self.port), socket.AF_INET)
        came = self.counted()
        smuggled = [ambiguous.name_of(tag) for tag in came if tag.startswith("s/")]
        self.assertEqual(smuggled, self.READ_BY_ALL)
        behind_nothing = [ambiguous.name_of(tag) for tag in came if tag.startswith("a/") and tag.replace("a", "m") not in came]
        self.assertEqual(behind_nothing, [], "went on behind a head that was refused")
        self.assertEqual(max(collections.Counter(came).values()), 1)


class Proxies(Counted):
    def stand_behind(self, kind):
        with tempfile.TemporaryDirectory(prefix="bight-") as directory:
            proxy = kind(directory, f"127.0.0.1:{self.port}")
            try:
                self.send_all(proxy.socket, socket.AF_UNIX)
            finally:
                in_front = proxy.sent_on()
        behind = self.counted()
        found = [f"{ambiguous.name_of(tag)}, {tag}: {counts[0]} sent on, {counts[1]} came"
                 for tag, counts in disagreements(in_front, behind).items()]
        self.assertEqual(found, [], "\n".join(found))
        self.assertGreater(len(behind), len(ambiguous.ROWS) / 4)  # else nothing has been tried

    def test_nginx(self):
        self.stand_behind(Nginx)

    def test_haproxy(self):
        self.stand_behind(Haproxy)


if __name__ == "__main__":
    COUNTER = sys.argv[1]
    unittest.main(argv=[sys.argv[0]] + sys.argv[2:])
