#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The client of HTTP against servers that are not bight's: nginx, node, haproxy and Python's, and with certificates that are
wrong in every way that there is.

Usage: test_http_client_interop.py ASKER [-v]
"""
import hashlib
import http.server
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from listening import wait_for_listener
from proxies import Haproxy, Proxy

ASKER = sys.argv.pop(1)
PATIENCE = 60  # seconds, for what should take none
DIRECTORY = None
FILES = {"empty": b"", "one": b"1", "text.txt": b"all work and no play\n" * 5000, "large": bytes(range(256)) * 12288}

ELLIPTIC = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]


def path(name):
    return str(pathlib.Path(DIRECTORY) / name)


def outcome_of(body, status=200, hops=0, times=1):
    return f"{times} x {status} {len(body)} {hashlib.sha256(body).hexdigest()} {hops}\n"


def ask(url, endpoint="", count=1, method="GET", ca="-", body=None):
    words = [ASKER, ca, str(count), method, url, endpoint] + ([body] if body is not None else [])
    return subprocess.run(words, stdout=subprocess.PIPE, timeout=PATIENCE, text=True, check=True).stdout


class Unverified(unittest.TestCase):
    def check(self, outcome, *words, **options):
        self.assertEqual(ask(*words, **options), outcome)


# ------------------------------------------------------------------------------------------- nginx

class Files(Proxy):
    """nginx with a directory of files, a redirect, and connections that are closed after three requests."""
    NAME = "nginx"
    STOPS = signal.SIGQUIT
    CONFIGURATION = """
daemon off;
master_process off;
pid DIRECTORY/pid;
error_log stderr error;
events { worker_connections 512; }
http {
    client_body_temp_path DIRECTORY/body;
    proxy_temp_path DIRECTORY/proxy;
    fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi;
    scgi_temp_path DIRECTORY/scgi;
    access_log off;
    gzip on;
    gzip_types text/plain;
    types { text/plain txt; }
    default_type application/octet-stream;
    server {
        listen unix:DIRECTORY/front;
        root DIRECTORY/files;
        keepalive_requests 3;
        location = /elsewhere { return 302 /one; }
        location = /circle { return 307 /circle; }
        location = /refuses { return 405; }
        location = /drops { return 444; }
    }
}
"""

    def __init__(self, directory):
        files = pathlib.Path(directory) / "files"
        files.mkdir()
        files.parent.chmod(0o755)  # nginx's worker is nobody
        for name, data in FILES.items():
            (files / name).write_bytes(data)
        super().__init__(directory, "")

    def arguments(self, configuration):
        return ["-p", str(self.directory), "-c", str(configuration), "-e", "stderr"]


class WithNginx(Unverified):
    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        cls.addClassCleanup(made.cleanup)
        cls.server = Files(made.name)
        cls.addClassCleanup(cls.server.stop)
        cls.endpoint = "unix:" + cls.server.socket

    def test_files_come_as_they_are(self):
        for name, data in FILES.items():  # the text in gzip and chunked
            self.check(outcome_of(data), f"http://localhost/{name}", self.endpoint)

    def test_a_hundred_over_connections_that_end_after_three_each(self):
        self.check(outcome_of(FILES["text.txt"], times=100), "http://localhost/text.txt", self.endpoint, count=100)

    def test_the_head_alone(self):
        self.check(outcome_of(b"", times=20), "http://localhost/large", self.endpoint, count=20, method="HEAD")

    def test_redirects(self):
        self.check(outcome_of(b"1", hops=1), "http://localhost/elsewhere", self.endpoint)
        self.assertRegex(ask("http://localhost/circle", self.endpoint), "^1 x LIMIT/")

    def test_refusals_are_responses(self):
        self.assertRegex(ask("http://localhost/nothing", self.endpoint), "^1 x 404 ")
        self.assertRegex(ask("http://localhost/refuses", self.endpoint, body="x" * 100000, method="POST"), "^1 x 405 ")

    def test_a_server_that_hangs_up(self):
        self.assertRegex(ask("http://localhost/drops", self.endpoint, count=5), "^5 x [A-Z_]*/0 ")


# ------------------------------------------------------------------------------------------- certificates

def make_certificate(name, key, issuer=None, subject="localhost", names="DNS:localhost", days="2", more=()):
    """NAME.pem, with `more` extensions, and NAME-key.pem; what nobody issues has signed itself."""
    subprocess.run(["openssl", "req", "-new", "-nodes", "-config", path("openssl.cnf"), "-subj", "/CN=" + subject,
                    "-keyout", path(name + "-key.pem"), "-out", path(name + ".csr"), "-newkey", *key], check=True,
                   stderr=subprocess.DEVNULL)
    extensions = pathlib.Path(path(name + ".ext"))
    extensions.write_text("\n".join([f"subjectAltName={names}"] * bool(names) + list(more)) + "\n", encoding="ascii")
    signer = ["-CA", path(issuer + ".pem"), "-CAkey", path(issuer + "-key.pem"), "-CAcreateserial"] if issuer else [
        "-key", path(name + "-key.pem")]
    command = ["openssl", "x509", "-req", "-in", path(name + ".csr"), "-out", path(name + ".pem"), "-days", days, "-extfile",
               str(extensions), *signer]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def make_certificates():
    pathlib.Path(path("openssl.cnf")).write_text("[req]\ndistinguished_name=name\n[name]\n", encoding="ascii")
    make_certificate("ca", ELLIPTIC, names="", subject="ca", more=["basicConstraints=critical,CA:TRUE",
                                                                   "keyUsage=critical,keyCertSign,cRLSign"])
    make_certificate("stranger", ELLIPTIC, names="", subject="stranger", more=["basicConstraints=critical,CA:TRUE"])
    make_certificate("good", ELLIPTIC, "ca")
    make_certificate("rsa", ["rsa:2048"], "ca")
    make_certificate("another", ELLIPTIC, "ca", names="DNS:other.example")
    make_certificate("nameless", ELLIPTIC, "ca", names="")
    make_certificate("wild", ELLIPTIC, "ca", names="DNS:*.example.org")
    make_certificate("self", ELLIPTIC)
    make_certificate("unknown", ELLIPTIC, "stranger")
    make_certificate("over", ELLIPTIC, "ca", days="-1")
    make_certificate("weak", ["rsa:1024"], "ca")
    make_certificate("client", ELLIPTIC, "ca", more=["extendedKeyUsage=clientAuth"])
    make_certificate("issued", ELLIPTIC, "good")  # by one that is no CA, which is in the chain
    with open(path("issued.pem"), "a", encoding="ascii") as chain:
        chain.write(pathlib.Path(path("good.pem")).read_text(encoding="ascii"))


# What each is asked for as, and what the client says of it: None is a page that comes.
CERTIFICATES = {
    "good": ("localhost", None),
    "rsa": ("localhost", None),
    "wild": ("a.example.org", None),
    "another": ("localhost", "WRONG_NAME/0 .*not for localhost, but for other.example"),
    "nameless": ("localhost", "WRONG_NAME/0 "),
    "self": ("localhost", "NOT_VERIFIED/0 .*self.signed"),
    "unknown": ("localhost", "NOT_VERIFIED/0 .*unable to get local issuer certificate"),
    "over": ("localhost", "NOT_VERIFIED/0 .*expired"),
    "weak": ("localhost", "NOT_VERIFIED/0 .*too weak"),
    "client": ("localhost", "NOT_VERIFIED/0 .*purpose"),
    "issued": ("localhost", "NOT_VERIFIED/0 .*CA"),
}
ELSEWHERE = {"wild": ["example.org", "a.b.example.org"], "good": ["127.0.0.1", "localhost.example"]}


class Secured(Files):
    CONFIGURATION = Files.CONFIGURATION.replace("server {", "SERVERS server {", 1)

    def __init__(self, directory):
        servers = "".join(f"server {{ listen unix:DIRECTORY/{name} ssl; root DIRECTORY/files; ssl_certificate {path(name)}.pem; "
                          f"ssl_certificate_key {path(name)}-key.pem; ssl_ciphers DEFAULT@SECLEVEL=0; }}\n" for name in CERTIFICATES)
        servers += (f"server {{ listen unix:DIRECTORY/old ssl; ssl_certificate {path('good')}.pem; ssl_certificate_key "
                    f"{path('good')}-key.pem; ssl_protocols TLSv1.1; ssl_ciphers DEFAULT@SECLEVEL=0; }}\n")
        self.CONFIGURATION = type(self).CONFIGURATION.replace("SERVERS", servers)
        super().__init__(directory)


class WithCertificates(Unverified):
    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        cls.addClassCleanup(made.cleanup)
        make_certificates()
        cls.server = Secured(made.name)
        cls.addClassCleanup(cls.server.stop)

    def ask_for(self, name, host, ca="ca.pem"):
        return ask(f"https://{host}/one", f"unix:{self.server.directory}/{name}", ca=path(ca))

    def test_each_is_taken_or_refused_for_what_it_is(self):
        for name, (host, refusal) in CERTIFICATES.items():
            with self.subTest(name):
                if refusal is None:
                    self.assertEqual(self.ask_for(name, host), outcome_of(b"1"))
                else:
                    self.assertRegex(self.ask_for(name, host), "^1 x " + refusal)

    def test_names_that_it_is_not_for(self):
        for name, hosts in ELSEWHERE.items():
            for host in hosts:
                with self.subTest(host):
                    self.assertRegex(self.ask_for(name, host), "^1 x WRONG_NAME/0 ")

    def test_nobody_is_trusted_whom_the_system_does_not_know(self):
        self.assertRegex(ask("https://localhost/one", f"unix:{self.server.directory}/good"), "^1 x NOT_VERIFIED/0 ")

    def test_an_old_version_is_not_spoken(self):
        self.assertRegex(self.ask_for("old", "localhost"), "^1 x [A-Z_]*/[0-9-]* .*(version|protocol)")

    def test_a_server_that_does_not_speak_tls(self):
        self.assertRegex(self.ask_for("front", "localhost"), "^1 x [A-Z_]*/")

    def test_a_hundred_with_sessions_that_are_resumed(self):
        endpoint = f"unix:{self.server.directory}/good"
        self.check(outcome_of(FILES["large"], times=30), "https://localhost/large", endpoint, count=30, ca=path("ca.pem"))


# ------------------------------------------------------------------------------------------- haproxy, node, Python

class Quiet(http.server.ThreadingHTTPServer):
    """haproxy resets what it is done with."""

    def handle_error(self, request, client_address):
        pass


class InFront(Haproxy):
    CONFIGURATION = Haproxy.CONFIGURATION.replace("maxconn 1\n", "\n").replace("option accept-invalid-http-request", "")


class WithOthers(Unverified):
    @classmethod
    def setUpClass(cls):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        cls.addClassCleanup(made.cleanup)
        cls.directory = made.name

    def serve_by_python(self, protocol):
        class Page(http.server.BaseHTTPRequestHandler):
            protocol_version = protocol

            def do_GET(self):
                self.send_response(200)
                if protocol == "HTTP/1.1":
                    self.send_header("Content-Length", str(len(FILES["text.txt"])))
                self.end_headers()
                self.wfile.write(FILES["text.txt"])

            def log_message(self, *_):
                pass

        server = Quiet(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_port

    def test_python_whose_bodies_end_with_the_connection(self):
        port = self.serve_by_python("HTTP/1.0")
        self.check(outcome_of(FILES["text.txt"], times=20), f"http://127.0.0.1:{port}/", count=20)

    def test_haproxy_in_front_of_python(self):
        port = self.serve_by_python("HTTP/1.1")
        proxy = InFront(self.directory, f"127.0.0.1:{port}")
        try:
            url, endpoint = "http://localhost/s/1", "unix:" + proxy.socket
            self.check(outcome_of(FILES["text.txt"], times=100), url, endpoint, count=100)
        finally:
            proxy.stop()
        self.assertRegex(ask(url, endpoint), "^1 x [A-Z_]*/")

    def test_haproxy_in_front_of_nobody(self):
        proxy = InFront(self.directory, "127.0.0.1:1")
        try:
            self.assertRegex(ask("http://localhost/s/1", "unix:" + proxy.socket), "^1 x 503 ")
        finally:
            proxy.stop()

    def test_node_with_all_that_it_can_do(self):
        place = self.directory + "/node"
        script = """
const { createServer } = require("http");
createServer((request, response) => {
    if (request.url === "/early") {
        response.writeEarlyHints({ link: "</style.css>; rel=preload" });
        response.end("late");
    } else if (request.url === "/trailers") {
        response.writeHead(200, { Trailer: "X-Sum" });
        response.write("a");
        setTimeout(() => { response.addTrailers({ "X-Sum": "1" }); response.end("b"); }, 20);
    } else if (request.url === "/echo") {
        request.pipe(response);
    } else if (request.url === "/half") {
        response.writeHead(200, { "Content-Length": 10 });
        response.write("half");
        setTimeout(() => response.destroy(), 20);
    } else {
        response.writeHead(204, { "Keep-Alive": "timeout=1" });
        response.end();
    }
}).listen(process.argv[1]);
"""
        server = subprocess.Popen([shutil.which("node"), "-e", script, place])
        try:
            wait_for_listener(place, PATIENCE)
            endpoint = "unix:" + place
            self.check(outcome_of(b"late", times=9), "http://localhost/early", endpoint, count=9)
            self.check(outcome_of(b"ab", times=9), "http://localhost/trailers", endpoint, count=9)
            self.check(outcome_of(b"", status=204, times=9), "http://localhost/", endpoint, count=9)
            body = "abc" * 30000
            self.check(outcome_of(body.encode(), times=9), "http://localhost/echo", endpoint, count=9, method="POST", body=body)
            self.assertRegex(ask("http://localhost/half", endpoint), "^1 x INCOMPLETE/")
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bight-") as DIRECTORY:
        unittest.main()
