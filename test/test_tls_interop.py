#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS with peers that are not bight's: openssl s_client and s_server, Python's ssl, and node.

Usage: test_tls_interop.py TLS_PEER [-k WORD] [-v]
"""
import argparse
import os
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from listening import wait_for, wait_for_port

OPTIONS = None
PATIENCE = 60  # seconds, for what should take none
DIRECTORY = None


def path(name):
    return os.path.join(DIRECTORY, name)


def make_certificate(name, *key):
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", path(name + "-key.pem"), "-out", path(name + ".pem"),
                    "-newkey", *key], check=True, stderr=subprocess.DEVNULL)


def setUpModule():
    make_certificate("ec", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    make_certificate("rsa", "rsa:2048")


class Process:
    """A program whose standard error is gathered line by line."""

    def __init__(self, *words):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.drainer = threading.Thread(target=self.drain, daemon=True)
        self.drainer.start()

    def drain(self):
        for line in self.process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip())

    def wait_for_line(self, part):
        return wait_for(lambda: next((line for line in list(self.lines) if part in line), None), PATIENCE,
                        f"nobody said {part!r}: {self.lines}")

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.drainer.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


class Server(Process):
    """Ours."""

    def __init__(self, kind="ec"):
        super().__init__(OPTIONS.peer, "serve", path(kind + ".pem"), path(kind + "-key.pem"), "tcp:0:interface=127.0.0.1")
        self.port = wait_for_port(self.process, PATIENCE)


def context_of_client(kind="ec", version=None):
    context = ssl.create_default_context(cafile=path(kind + ".pem"))
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class OurServer(unittest.TestCase):
    def s_client(self, port, *words):
        return Process("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", path("ec.pem"), "-servername",
                       "localhost", "-verify_return_error", *words)

    def say(self, client, text):
        client.process.stdin.write(text)
        client.process.stdin.flush()

    def read_until(self, client, part):
        got = b""
        while part not in got:
            byte = client.process.stdout.read1(4096)
            self.assertTrue(byte, got)
            got += byte
        return got

    def test_s_client_is_answered(self):
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), Server() as server, self.s_client(server.port, version) as client:
                self.say(client, b"hello\n")
                self.read_until(client, b"hello\n")
                server.wait_for_line("secure TLSv1." + version[-1])
                client.process.stdin.close()
                server.wait_for_line("lost CONNECTION_DONE")

    def test_s_client_updates_its_keys(self):
        with Server() as server, self.s_client(server.port, "-tls1_3") as client:
            self.say(client, b"K\n")  # and asks for ours
            client.wait_for_line("KEYUPDATE")  # or it would take what follows for a part of the command
            self.say(client, b"hello\n")
            self.read_until(client, b"hello\n")

    def test_s_client_may_not_renegotiate(self):
        with Server() as server, self.s_client(server.port, "-tls1_2") as client:
            self.say(client, b"hello\n")
            self.read_until(client, b"hello\n")
            self.say(client, b"R\n")
            server.wait_for_line("lost ")
            self.assertNotIn("lost CONNECTION_DONE", "".join(server.lines))

    def test_old_versions_are_refused(self):
        with Server() as server, self.s_client(server.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as client:
            server.wait_for_line("lost TLS")
            self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_python_echoes_large_and_small_pieces(self):
        data = os.urandom(3000000)
        for kind in "ec", "rsa":
            for version in VERSIONS:
                with self.subTest(kind=kind, version=version), Server(kind) as server:
                    self.exchange(server.port, context_of_client(kind, version), data)
                    server.wait_for_line("lost CONNECTION_DONE")

    def exchange(self, port, context, data):
        """Both ways at once, and in one thread: OpenSSL's sessions are not for two, and Python lets two in."""
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.setblocking(False)
                got, sizes = bytearray(), iter([1, 2, 3, 100, 16383, 16384, 16385])
                at, piece = 0, data[:next(sizes)]
                while len(got) < len(data):
                    sent = self.send_some(secure, piece)
                    if sent:
                        at += sent
                        piece = data[at:at + next(sizes, 100000)]
                    came = self.receive_some(secure)
                    self.assertNotEqual(came, b"", "the peer has ended early")
                    got += came or b""
                    if not sent and came is None:
                        select.select([secure], [secure] if piece else [], [], PATIENCE)
                self.assertTrue(got == data)
                secure.setblocking(True)
                secure.unwrap()

    @staticmethod
    def send_some(secure, piece):
        try:
            return secure.send(piece) if piece else 0
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            return 0

    @staticmethod
    def receive_some(secure):
        """None: there is nothing at present."""
        try:
            return secure.recv(65536)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def test_an_end_without_close_notify_is_a_truncation(self):
        with Server() as server, socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain:
            secure = context_of_client().wrap_socket(plain, server_hostname="localhost")
            secure.sendall(b"hello")
            self.assertEqual(secure.recv(5), b"hello")
            os.close(secure.detach())
            server.wait_for_line("lost TRUNCATED")

    def test_what_is_no_tls_is_refused(self):
        with Server() as server, socket.create_connection(("127.0.0.1", server.port), PATIENCE) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            server.wait_for_line("lost TLS")

    def test_many_at_once(self):
        with Server() as server:
            threads = [threading.Thread(target=self.exchange, args=(server.port, context_of_client(), bytes([i]) * 100000))
                       for i in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wait_for(lambda: sum("lost CONNECTION_DONE" in line for line in server.lines) == 20, PATIENCE, server.lines)

    def test_node_is_answered(self):
        if shutil.which("node") is None:
            raise unittest.SkipTest("node is not installed")
        script = ("const tls = require('tls'), fs = require('fs');"
                  "const s = tls.connect({port: +process.argv[1], host: '127.0.0.1', servername: 'localhost',"
                  " ca: fs.readFileSync(process.argv[2])}, () => s.write('hello'));"
                  "s.on('data', d => { console.log(String(d), s.getProtocol()); s.end(); });")
        with Server() as server:
            said = subprocess.run(["node", "-e", script, str(server.port), path("ec.pem")], check=True, capture_output=True,
                                  timeout=PATIENCE).stdout
            self.assertEqual(said, b"hello TLSv1.3\n")
            server.wait_for_line("lost CONNECTION_DONE")


class OurClient(unittest.TestCase):
    def run_client(self, port, data, kind="ec", name="localhost"):
        return subprocess.run([OPTIONS.peer, "connect", path(kind + ".pem"), name, f"tcp:127.0.0.1:{port}"], input=data,
                              capture_output=True, timeout=PATIENCE)

    def s_server(self, *words, kind="ec"):
        return Process("openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", path(kind + ".pem"), "-key",
                       path(kind + "-key.pem"), *words)

    def test_s_server_turns_our_lines_round(self):
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), self.s_server("-rev", version) as server:
                client = self.run_client(wait_for_port(server.process, PATIENCE), b"hello\n")
                self.assertIn(b"secure TLSv1." + version[-1].encode(), client.stderr)
                self.assertEqual(client.stdout, b"olleh\n")

    def test_the_certificate_is_verified(self):
        with self.s_server("-rev") as server:
            client = self.run_client(wait_for_port(server.process, PATIENCE), b"the secret\n", kind="rsa")
            self.assertIn(b"lost NOT_VERIFIED", client.stderr)
            self.assertEqual(client.stdout, b"")

    def test_the_name_is_verified(self):
        with self.s_server("-rev") as server:
            client = self.run_client(wait_for_port(server.process, PATIENCE), b"the secret\n", name="example.com")
            self.assertIn(b"lost WRONG_NAME", client.stderr)
            self.assertEqual(client.stdout, b"")

    def serve_with_python(self, listener, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(path("ec.pem"), path("ec-key.pem"))
        plain, _ = listener.accept()
        with context.wrap_socket(plain, server_side=True, suppress_ragged_eofs=False) as secure:
            got = bytearray()
            while piece := secure.recv(65536):
                got += piece
            secure.sendall(got[::-1])
            secure.unwrap()

    def test_python_has_all_before_it_answers(self):
        """Half-close: our close_notify is its end, and what it says then still comes to us."""
        data = os.urandom(1000000)
        for version in VERSIONS:
            with self.subTest(version=version), socket.create_server(("127.0.0.1", 0)) as listener:
                thread = threading.Thread(target=self.serve_with_python, args=(listener, version))
                thread.start()
                client = self.run_client(listener.getsockname()[1], data)
                thread.join()
                self.assertTrue(client.stdout == data[::-1])
                self.assertIn(b"lost CONNECTION_DONE", client.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("peer")
    OPTIONS, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as DIRECTORY:
        unittest.main(argv=[__file__, *rest])
