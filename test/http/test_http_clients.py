#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sites of bight's with programs that are clients: node, aiohttp, Chromium, ab and wrk. What node, aiohttp and Chromium do is in
clients/; they say what came of it as JSON.

Usage: test_http_clients.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import unittest

import served
from listening import wait_for
from served import Browsed, PATIENCE, Served

CLIENTS = pathlib.Path(__file__).parent / "clients"
LARGE_SIZE = str(len(served.LARGE))


class Clients(Served):
    def said_by(self, *words):
        return json.loads(self.run_client(*words))

    def left(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/left")
        said = connection.getresponse().read()
        connection.close()
        return int(said)

    def see_it_leave(self):
        wait_for(lambda: self.left() == 1, PATIENCE, "its leaving was not noticed")


class Node(Clients):
    def test_http(self):
        said = self.said_by("node", CLIENTS / "node_http.js", str(self.port))
        self.assertEqual(said, ["Hello", "sent", "one two three", "as told", "42", "", "line 0\nline 1\n", "later", 1])

    def test_fetch(self):
        said = self.said_by("node", CLIENTS / "node_fetch.js", str(self.port))
        self.assertEqual(said, ["Hello", "sent", "one two three", LARGE_SIZE, "line 0\nline 1\n", "later", 403, True, "AbortError"])
        self.see_it_leave()


class Aiohttp(Clients):
    @staticmethod
    def python():
        """The first Python that has aiohttp: this one, or the system's."""
        for python in (sys.executable, "/usr/bin/python3"):
            if subprocess.run([python, "-c", "import aiohttp"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
                return python
        raise unittest.TestCase.failureException("no Python here has aiohttp")

    def test_session(self):
        said = self.said_by(self.python(), CLIENTS / "use_aiohttp.py", str(self.port))
        fail = "403 Forbidden\nnot for you\n"
        self.assertEqual(said, ["Hello", "sent", "one two three", LARGE_SIZE, "line 0\nline 1\n", "later", fail, True, True])
        self.see_it_leave()


class Chromium(Clients, Browsed):
    @classmethod
    def words(cls):
        return served.PEER, "tcp:0:interface=127.0.0.1", CLIENTS / "page.html"

    def test_shows_what_a_handler_says(self):
        self.assertIn("line 0\nline 1\n", self.show("/stream/2"))

    def test_a_page_that_asks(self):
        said = self.said_in("/page")
        self.assertEqual(said, ["Hello", "sent", LARGE_SIZE, True, 10000, "later", 200, "403 403 Forbidden\nnot for you\n",
                                "same-origin", True, True])
        self.see_it_leave()


class Loads(Clients):
    """What measures servers, for a moment: nothing it asks fails, and nothing is lost."""

    def ab(self, *words):
        said = self.run_client("ab", "-q", "-n", "500", "-c", "10", *words).decode()
        self.assertRegex(said, r"Complete requests: +500\n")
        self.assertRegex(said, r"Failed requests: +0\n")
        self.assertNotIn("Non-2xx", said)
        return said

    def test_ab_over_connections_that_are_kept(self):
        self.assertRegex(self.ab("-k", self.url("/")), r"Keep-Alive requests: +500\n")

    def test_ab_over_a_connection_each(self):
        self.assertNotIn("Keep-Alive", self.ab(self.url("/later")))

    def test_ab_with_bodies(self):
        body = os.path.join(self.directory(), "body")
        pathlib.Path(body).write_bytes(b"x" * 20000)
        self.assertRegex(self.ab("-k", "-p", body, "-T", "text/plain", self.url("/echo")), r"Document Length: +20000 bytes\n")

    def wrk(self, *words):
        said = self.run_client("wrk", "-t", "1", "-c", "20", "-d", "1s", *words).decode()
        self.assertNotIn("Socket errors", said)
        self.assertNotIn("Non-2xx", said)
        self.assertGreater(int(re.search(r"(\d+) requests in", said)[1]), 0)

    def test_wrk(self):
        self.wrk(self.url("/"))

    def test_wrk_pipelined(self):
        script = os.path.join(self.directory(), "pipelined.lua")
        pathlib.Path(script).write_text(
            "init = function(arguments) wrk.headers['X-One'] = '1'\n"
            "    many = string.rep(wrk.format('GET', '/'), 16) end\n"
            "request = function() return many end\n", encoding="ascii")
        self.wrk("-s", script, self.url("/"))


if __name__ == "__main__":
    served.main()
