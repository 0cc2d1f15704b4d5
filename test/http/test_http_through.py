#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client through tinyproxy and through ncat, to a server of Python's: http, https by a tunnel, right and wrong passwords.

Usage: test_http_through.py HTTP_PROXY BIGHT [-k WORD] [-v]; the first is docs/examples/http_proxy.c
"""
import http.server
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest

from listening import port_of, wait_for
from proxies import PATIENCE, program
from served import make_sure_of_the_end

CLIENT = BIGHT = None


class Site(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        self.asked.append((self.path, self.headers["Proxy-Authorization"]))
        self.send_response(203)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Through:
    """What both proxies have to do. They want a password."""
    REFUSES = None  # the status for a wrong one

    def command(self):
        raise NotImplementedError

    def serve(self, context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def setUp(self):
        Site.asked.clear()
        made = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(made.cleanup)
        self.directory = pathlib.Path(made.name)
        while not self.start():
            pass  # somebody else took the port meanwhile; neither proxy can be told to take any

    def start(self):
        self.port = free_port()
        proxy = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(make_sure_of_the_end, proxy)
        wait_for(lambda: proxy.poll() is not None or port_of(proxy.pid), PATIENCE, "does not listen")
        return proxy.poll() is None

    def ask(self, url, credentials="user:secret@", **environment):
        words = [CLIENT, url, f"http://{credentials}127.0.0.1:{self.port}"]
        return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, text=True,
                              env={**os.environ, **environment})

    def certificate(self):
        path = str(self.directory / "pem")
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-keyout", path,
                        "-out", path + ".crt"], check=True, stderr=subprocess.DEVNULL)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path + ".crt", path)
        return context, path + ".crt"

    def test_http(self):
        url = f"http://127.0.0.1:{self.serve()}/a"
        self.assertEqual(self.ask(url).stdout, "203\n")
        self.assertEqual(Site.asked, [("/a", None)])

    def test_https(self):
        context, trusted = self.certificate()
        url = f"https://127.0.0.1:{self.serve(context)}/b"
        self.assertEqual(self.ask(url, SSL_CERT_FILE=trusted).stdout, "203\n")
        self.assertEqual(Site.asked, [("/b", None)])

    def test_a_wrong_password(self):
        port = self.serve()
        self.assertEqual(self.ask(f"http://127.0.0.1:{port}/", "user:wrong@").stdout, f"{self.REFUSES}\n")
        self.assertIn(f"status is {self.REFUSES}", self.ask(f"https://127.0.0.1:{port}/", "user:wrong@").stderr)
        self.assertEqual(Site.asked, [])


    def run_bight(self, *words, data=None, **environment):
        return subprocess.run([BIGHT, *words], input=data, capture_output=True, timeout=PATIENCE, text=True, check=False,
                              env={**os.environ, **environment})

    def test_bight_get_by_its_option_and_by_the_environment(self):
        url, proxy = f"http://127.0.0.1:{self.serve()}/a", f"http://user:secret@127.0.0.1:{self.port}"
        self.assertEqual(self.run_bight("get", "--proxy", proxy, url).returncode, 0)
        self.assertEqual(self.run_bight("get", url, http_proxy=proxy).returncode, 0)
        self.assertEqual(Site.asked, [("/a", None)] * 2)
        for words, environment in (["--proxy", proxy.replace("secret", "wrong")], {}), ([], {"http_proxy": proxy.replace("secret", "wrong")}):
            self.assertEqual(self.run_bight("get", *words, url, **environment).returncode, 8)
        done = self.run_bight("get", "--proxy", "ftp://proxy", url)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("proxy", done.stderr)
        self.assertEqual(len(Site.asked), 2)

    def test_an_endpoint_string(self):
        """The proxies end what our side has ended, so it stays open until the answer is there."""
        endpoint = f"connect:127.0.0.1:{self.serve()}:user=user:password=PASSWORD:tcp:127.0.0.1:{self.port}"
        with subprocess.Popen([BIGHT, "connect", endpoint.replace("PASSWORD", "secret")], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as client:
            client.stdin.write(b"GET /a HTTP/1.0\r\n\r\n")
            client.stdin.flush()
            self.assertIn(b" 203 ", client.stdout.readline())
        self.assertEqual(Site.asked, [("/a", None)])
        refused = self.run_bight("connect", endpoint.replace("PASSWORD", "wrong"), data="")
        self.assertIn(f"status is {self.REFUSES}", refused.stderr)
        self.assertNotIn("wrong", refused.stderr.replace("wrong name", ""))


class Tinyproxy(Through, unittest.TestCase):
    REFUSES = 401  # 1.11 says so to a password that is wrong, 407 to none

    def command(self):
        configuration = self.directory / "configuration"
        configuration.write_text(f"Port {self.port}\nListen 127.0.0.1\nBasicAuth user secret\nLogLevel Error\n", encoding="ascii")
        return [program("tinyproxy"), "-d", "-c", str(configuration)]


class Ncat(Through, unittest.TestCase):
    REFUSES = 407

    def command(self):
        return ["ncat", "-l", "127.0.0.1", str(self.port), "--proxy-type", "http", "--proxy-auth", "user:secret"]


if __name__ == "__main__":
    CLIENT, BIGHT = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
