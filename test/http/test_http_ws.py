#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`bight ws` with servers that are not bight's, the Python library websockets and node's ws, and with sites of bight's: lines and
bytes both ways, what is asked, what a terminal gets to see, and with which status it ends.

Usage: test_http_ws.py WS_PEER BIGHT [-k WORD] [-v]
"""
import json
import os
import pathlib
import select
import signal
import subprocess
import tempfile
import threading
import unittest

import served
from served import LARGE, PATIENCE, Served
from test_http_websocket import CLIENTS, python_with


class Spoken:
    """A program at a WebSocket."""

    def start(self, *words, command="ws", stdin=subprocess.PIPE, stdout=subprocess.PIPE, **environment):
        process = subprocess.Popen([served.BIGHT, command, *words], stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                   env={**os.environ, **environment})
        self.addCleanup(served.make_sure_of_the_end, process)
        if process.stdin is not None:
            self.addCleanup(process.stdin.close)
        return process

    def end(self, process, status=0):
        """What is left of what it says, and complains of."""
        out, complaints = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status, complaints)
        return out, complaints.decode()

    def run_it(self, *words, data=b"", status=0, **environment):
        process = self.start(*words, **environment)
        out, complaints = process.communicate(data, PATIENCE)
        self.assertEqual(process.returncode, status, complaints)
        return out, complaints.decode()

    def say(self, process, line, answer=None):
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        self.assertEqual(process.stdout.readline(), (line if answer is None else answer) + b"\n")

    def talk(self, *words, **environment):
        process = self.start(*words, **environment)
        self.say(process, b"one")
        self.say(process, "Grüße".encode())
        self.say(process, b"")
        process.stdin.write(b"without an end")
        self.assertEqual(self.end(process), (b"", "bight: closed: 1000\n"))

    def serve(self, *command):
        server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(served.make_sure_of_the_end, server)
        return server.stdout.readline().strip()


class Python(Spoken, unittest.TestCase):
    def serve_echo(self, *words):
        return self.serve(python_with("websockets"), CLIENTS / "ws_serve.py", *words)

    def test_lines(self):
        self.talk(f"ws://127.0.0.1:{self.serve_echo()}/echo")

    def test_tls(self):
        certificate, key = Served.make_certificate.__func__(type(self))
        url = f"wss://localhost:{self.serve_echo(certificate, key)}/echo"
        self.talk(url, SSL_CERT_FILE=certificate)
        self.assertIn("not verified", self.run_it(url, status=76)[1])

    def test_a_refusal(self):
        self.assertIn("answers 404", self.run_it(f"ws://127.0.0.1:{self.serve_echo()}/", status=8)[1])

    def test_bytes_through_it(self):
        certificate, key = Served.make_certificate.__func__(type(self))
        port, secure_port = self.serve_echo(), self.serve_echo(certificate, key)
        for endpoint in (f"ws:127.0.0.1:{port}:path=/echo", f"wss:localhost:{secure_port}:path=/echo:ca={certificate}"):
            with self.subTest(endpoint):
                process = self.start(endpoint, command="connect")
                self.say(process, b"x" * 100000)
                self.say(process, b"\0\xff")
                self.assertEqual(self.end(process), (b"", ""))
        self.assertIn("answers 404", self.run_it(f"ws:127.0.0.1:{port}", command="connect", status=69)[1])

    directory = classmethod(Served.directory.__func__)


class NodeServer(Spoken):
    def setUp(self):
        os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")
        self.url = "ws://127.0.0.1:" + self.serve("node", CLIENTS / "ws_serve.js")


class Node(NodeServer, unittest.TestCase):
    def listen(self, path, *words, status=0):
        return self.run_it("--wait=inf", *words, self.url + path, status=status)

    def test_lines(self):
        self.talk(self.url + "/echo")

    def test_what_is_asked(self):
        out, _ = self.listen("/asked", "-s", "two", "--subprotocol=one", "-H", "X-One: 1", "--header", "x-two:2", "--origin",
                             "https://example.org")
        self.assertEqual(json.loads(out), ["two", "https://example.org", "1", "2"])

    def test_pings_and_the_end_are_told(self):
        _, told = self.listen("/ping", status=8)
        self.assertEqual(told, "bight: ping: there?\\x1b[2J\nbight: closed: 4001: there: there?\\x1b[2J\n")
        self.assertEqual(self.listen("/ping", "--quiet", status=8)[1], told.splitlines(True)[1])
        self.assertEqual(self.listen("/asked", "-q")[1], "")
        self.assertEqual(self.listen("/asked")[1], "bight: closed\n")

    def test_a_pipe_gets_what_was_sent(self):
        out, told = self.listen("/evil")
        self.assertEqual(out.decode(), "\x1b[31mred\x07\r\nGrüße “so”\u202e\n")
        self.assertIn("binary message of 4 bytes is left out", told)
        out, _ = self.listen("/evil", "--binary")
        self.assertEqual(out, "\x1b[31mred\x07\r\nGrüße “so”\u202e".encode() + b"\0\1\x1b\xff")

    def test_a_long_message(self):
        self.assertEqual(self.listen("/long")[0], b"x" * 3000000 + b"\n")

    def test_ends_have_a_status(self):
        self.assertIn("closed: 1001", self.listen("/away", status=8)[1])
        self.assertIn("the connection was lost", self.listen("/lost", status=69)[1])
        self.assertIn("closed, for what the server did: 1002: reserved bits", self.listen("/wrong", status=76)[1])


class Terminal(NodeServer, unittest.TestCase):
    """What it sees, and says."""

    def start_at_terminal(self, *words):
        near, far = os.openpty()
        process = subprocess.Popen([served.BIGHT, "ws", *words], stdin=far, stdout=far, stderr=far, start_new_session=True)
        os.close(far)
        self.addCleanup(os.close, near)
        self.addCleanup(served.make_sure_of_the_end, process)
        return process, near

    def see(self, near, wanted=None):
        """Until that has been seen, or all."""
        shown = b""
        try:
            while (wanted is None or wanted not in shown) and select.select([near], [], [], PATIENCE)[0]:
                piece = os.read(near, 65536)
                if not piece:
                    break
                shown += piece
        except OSError:
            pass  # the far side is closed
        return shown

    def test_a_terminal_is_not_disturbed(self):
        process, near = self.start_at_terminal(self.url + "/evil")
        shown = self.see(near)
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertIn("\\x1b[31mred\\x07\\x0d\\nGrüße “so”\\xe2\\x80\\xae\r\n".encode(), shown)
        self.assertIn(rb"closed: 1000: bye\x1b[2J", shown)
        self.assertFalse(set(shown) & (set(range(32)) - {9, 10, 13}))

    def test_bytes_do_not_disturb_it_either(self):
        process, near = self.start_at_terminal("--binary", self.url + "/evil")
        shown = self.see(near)
        self.assertEqual(process.wait(PATIENCE), 0)
        self.assertIn(rb"\x00\x01\x1b\xff", shown)
        self.assertNotIn(b"\x1b", shown)

    def test_control_d_closes(self):
        process, near = self.start_at_terminal(self.url + "/echo")
        self.assertIn(b"connected", self.see(near, b"connected\r\n"))
        os.write(near, b"hello\n")
        self.see(near, b"hello\r\nhello\r\n")
        os.write(near, b"\x04")
        self.assertIn(b"closed: 1000", self.see(near))
        self.assertEqual(process.wait(PATIENCE), 0)


class Sites(Spoken, Served):
    """Of bight's."""

    def ws(self, path):
        return f"ws://127.0.0.1:{self.port}{path}"

    def test_lines(self):
        self.talk(self.ws("/echo"))

    def test_a_long_line(self):
        process = self.start(self.ws("/echo"))
        self.say(process, b"x" * 3000000)
        self.end(process)

    def exchange(self, stdin):
        process = self.start("--binary", "--wait=inf", self.ws("/echo"), stdin=stdin)
        if stdin is subprocess.PIPE:
            threading.Thread(target=lambda: process.stdin.write(LARGE), daemon=True).start()
        self.assertEqual(process.stdout.read(len(LARGE)), LARGE)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(self.end(process, 143), (b"", ""))

    def test_bytes_of_a_pipe(self):
        self.exchange(subprocess.PIPE)

    def test_bytes_of_a_file(self):
        with tempfile.TemporaryFile() as file:
            file.write(LARGE)
            file.seek(0)
            self.exchange(file)

    def test_lines_of_a_file(self):
        with tempfile.TemporaryFile() as file:
            file.write(b"3333 so long\nmore\n")
            file.seek(0)
            process = self.start("--wait=inf", self.ws("/close"), stdin=file)
            self.assertEqual(self.end(process, 8), (b"", "bight: closed: 3333: so long\n"))

    def test_it_waits_for_answers(self):
        self.assertEqual(self.run_it("--wait", "0.5", self.ws("/echo"), data=b"hello\n")[0], b"hello\n")

    def test_another_sites_page(self):
        self.assertIn("answers 403", self.run_it("-o", "https://example.org", self.ws("/echo"), status=8)[1])

    def test_what_is_no_text(self):
        self.assertIn("--binary", self.run_it(self.ws("/echo"), data=b"a\xffb\n", status=65)[1])

    def test_it_is_interrupted(self):
        process = self.start(self.ws("/echo"))
        self.say(process, b"hello")
        process.send_signal(signal.SIGINT)
        self.end(process, 130)

    def test_nobody_reads_what_it_writes(self):
        process = self.start(self.ws("/echo"))
        process.stdout.close()
        process.stdin.write(b"hello\n")
        process.stdin.flush()
        self.assertEqual(process.wait(PATIENCE), 74)
        self.assertIn(b"cannot write to standard output", process.stderr.read())

    def test_the_example(self):
        echo = subprocess.Popen([pathlib.Path(served.PEER).parent / "ws_echo", "tcp:0:interface=127.0.0.1"])
        self.addCleanup(served.make_sure_of_the_end, echo)
        self.talk(f"ws://127.0.0.1:{served.wait_for_port(echo, PATIENCE)}/echo")


class Words(Spoken, unittest.TestCase):
    def test_what_is_wrong(self):
        for words, why in (((), "needs a URL"), (("http://127.0.0.1/",), "neither ws: nor wss:"), (("ws://[",), "URL"),
                           (("--wait=soon", "ws://a"), "--wait"), (("--orign", "x"), '"--origin"'), (("-H", "x", "ws://a"), "NAME: VALUE"),
                           (("ws://a", "ws://b"), "one URL"), (("--header", "a b: c", "ws://a"), "field")):
            with self.subTest(words):
                self.assertIn(why, self.run_it(*words, status=64)[1])

    def test_nobody_is_there(self):
        self.assertIn("refused", self.run_it("ws://127.0.0.1:1/", status=69)[1])

    def test_help_tells(self):
        out, _ = self.run_it("--help")
        self.assertIn(b"Usage: bight ws", out)
        self.assertEqual(subprocess.run([served.BIGHT, "help", "ws"], capture_output=True, check=True).stdout, out)
        self.assertTrue(all(len(line) <= 88 for line in out.splitlines()))


if __name__ == "__main__":
    served.main()
