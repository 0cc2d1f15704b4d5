#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""WebSockets of a site with clients that are not bight's: aiohttp, the Python library websockets, node's ws, Chromium. What they
do is in clients/; they say what came of it as JSON.

Usage: test_http_websocket.py WS_PEER BIGHT [-k WORD] [-v]
"""
import json
import os
import pathlib
import subprocess
import sys
import unittest

import served
from served import Browsed, Served

DEFLATES = "WITHOUT_DEFLATE" not in os.environ  # the library has been built with zlib
CLIENTS = pathlib.Path(__file__).parent / "clients"


def python_with(module):
    """The first Python that has it: this one, or the system's."""
    for python in (sys.executable, "/usr/bin/python3"):
        if subprocess.run([python, "-c", "import " + module], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            return python
    raise unittest.TestCase.failureException("no Python here has " + module)


class Clients(Served):
    def said_by(self, *words):
        return json.loads(self.run_client(*words))

    def test_aiohttp(self):
        said = self.said_by(python_with("aiohttp"), CLIENTS / "ws_aiohttp.py", str(self.port))
        self.assertEqual(said, ["two", True, True, True, True, True, True, True, 4001, ["CLOSE", 4000, "so long"],
                                15 if DEFLATES else 0, True, True, True, 403])

    def test_websockets(self):
        said = self.said_by(python_with("websockets"), CLIENTS / "ws_websockets.py", str(self.port))
        self.assertEqual(said, ["one", "Grüße", True, "pong", 1000, [1001, "going"], ["to all", "to all"]])

    def test_node(self):
        os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")
        said = self.said_by("node", CLIENTS / "ws_node.js", str(self.port))
        self.assertEqual(said, ["two", "pong there?", "Grüße", True, [4002, "enough"],
                                "permessage-deflate" if DEFLATES else "", True, [1005, ""], [3000, ""], 403])


    def test_takeover_with_websockets(self):
        for client, server in ((0, 0), (10, 0), (0, 9), (12, 15)):
            with self.subTest(client=client, server=server):
                count, agreed = self.said_by(python_with("websockets"), CLIENTS / "ws_takeover.py", self.kept(), str(client), str(server))
                self.assertEqual(count, 200)
                self.assertIn("remote_no_context_takeover=False, local_no_context_takeover=False", agreed)

    def test_takeover_with_node(self):
        os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")
        for options, agreed in (({}, {"server_max_window_bits": 11, "client_max_window_bits": 11}),
                                ({"serverNoContextTakeover": True}, {"server_no_context_takeover": True, "client_max_window_bits": 11}),
                                ({"clientNoContextTakeover": True, "serverMaxWindowBits": 9},
                                 {"client_no_context_takeover": True, "server_max_window_bits": 9})):
            with self.subTest(options):
                self.assertEqual(self.said_by("node", CLIENTS / "ws_takeover.js", self.kept(), json.dumps(options)), [200, agreed])

    def kept(self):
        if not DEFLATES:
            self.skipTest("there is no zlib")
        return f"ws://127.0.0.1:{self.port}/kept"


class Chromium(Browsed):
    @classmethod
    def words(cls):
        return served.PEER, "tcp:0:interface=127.0.0.1", CLIENTS / "ws.html"

    def test_a_page_that_talks(self):
        self.assertEqual(self.said_in("/page"), ["two permessage-deflate" if DEFLATES else "two ", "Grüße", 100000, 200000,
                                                 [4003, "enough", True], [4000, "so long", True],
                                                 [1006, "", False]])


class Servers(unittest.TestCase):
    """A client of bight's, the example ws_ask, with servers that are not."""

    def ask(self, *words, status=0, **environment):
        done = subprocess.run([pathlib.Path(served.PEER).parent / "ws_ask", *words], capture_output=True, timeout=served.PATIENCE,
                              check=False, env={**os.environ, **environment}, text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def serve(self, *words):
        server = subprocess.Popen([python_with("websockets"), CLIENTS / "ws_serve.py", *words], stdout=subprocess.PIPE, text=True)
        self.addCleanup(served.make_sure_of_the_end, server)
        return server.stdout.readline().strip()

    def test_websockets(self):
        port = self.serve()
        self.assertEqual(self.ask(f"ws://127.0.0.1:{port}/echo", "Grüße"), "Grüße\n1000 thank you\n")
        self.assertEqual(self.ask(f"ws://localhost:{port}/echo", "x" * 100000), "x" * 100000 + "\n1000 thank you\n")
        self.assertIn("answers 404", self.ask(f"ws://127.0.0.1:{port}/", "x", status=69))

    def test_takeover(self):
        os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")
        node = {"threshold": 0}, {"serverNoContextTakeover": True}, {"serverMaxWindowBits": 9, "clientMaxWindowBits": 9}
        servers = [[python_with("websockets"), CLIENTS / "ws_serve.py"]] + [["node", CLIENTS / "ws_serve.js", json.dumps(options)]
                                                                            for options in node]
        for command in servers if DEFLATES else []:
            server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            self.addCleanup(served.make_sure_of_the_end, server)
            url = f"ws://127.0.0.1:{server.stdout.readline().strip()}/echo"
            for bits in "15", "9":
                with self.subTest(command=command, bits=bits):
                    done = subprocess.run([pathlib.Path(served.PEER).parent / "ws_kept", url, bits], capture_output=True, text=True,
                                          timeout=served.PATIENCE, check=False)
                    self.assertEqual((done.returncode, done.stdout), (0, "200 messages, closed: 1000 \n"), done.stderr)

    def test_tls(self):
        certificate, key = Served.make_certificate.__func__(type(self))
        port = self.serve(certificate, key)
        url = f"wss://localhost:{port}/echo"
        self.assertEqual(self.ask(url, "hello", certificate), "hello\n1000 thank you\n")
        self.assertEqual(self.ask(url, "hello", SSL_CERT_FILE=certificate), "hello\n1000 thank you\n")
        self.assertIn("not verified", self.ask(url, "hello", status=69))

    directory = classmethod(Served.directory.__func__)


if __name__ == "__main__":
    served.main()
