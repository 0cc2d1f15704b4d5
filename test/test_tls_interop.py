#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS with peers that are not bight's: openssl s_client and s_server, Python's ssl, node, curl, and GnuTLS's tools.

Usage: test_tls_interop.py BIGHT TLS_PEER [-k WORD] [-v]
"""
import argparse
import base64
import os
import select
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

UNSUPPORTED = "unsupported protocol (the peer speaks no version of TLS that is allowed here)"


def path(name):
    return os.path.join(DIRECTORY, name)


def make_certificate(name, key, issuer="ca", names="DNS:localhost,IP:127.0.0.1"):
    """NAME.pem and NAME-key.pem; what nobody issues has signed itself. All that RFC 5280 demands is said, and nothing comes
    from the machine's openssl.cnf: Python takes no less since 3.13 (VERIFY_X509_STRICT), and refused the whole handshake."""
    issued = ["-CA", path(issuer + ".pem"), "-CAkey", path(issuer + "-key.pem")] if issuer else []
    role = ["CA:FALSE", "digitalSignature"] if issuer else ["CA:TRUE", "digitalSignature,keyCertSign,cRLSign"]
    extensions = ["subjectAltName=" + names, "basicConstraints=critical," + role[0], "keyUsage=critical," + role[1],
                  "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"]
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-config", path("openssl.cnf"), "-subj", "/CN=" + name,
                    *(word for extension in extensions for word in ("-addext", extension)),
                    "-keyout", path(name + "-key.pem"), "-out", path(name + ".pem"), "-newkey", *key, *issued], check=True,
                   stderr=subprocess.DEVNULL)


def setUpModule():
    with open(path("openssl.cnf"), "w", encoding="ascii") as file:
        file.write("[req]\ndistinguished_name=name\n[name]\n")
    elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    make_certificate("ca", elliptic, None)
    make_certificate("ec", elliptic)
    make_certificate("rsa", ["rsa:2048"])
    make_certificate("client", elliptic)
    make_certificate("stranger", elliptic, None)


class Process:
    """A program whose standard error is gathered line by line; or all that it says."""

    def __init__(self, *words, gathers_all=False):
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT if gathers_all else subprocess.PIPE)
        self.gathered = self.process.stdout if gathers_all else self.process.stderr
        self.lines = []
        self.drainer = threading.Thread(target=self.drain, daemon=True)
        self.drainer.start()

    def drain(self):
        for line in self.gathered:
            self.lines.append(line.decode(errors="replace").rstrip())

    def wait_for_line(self, part, count=1):
        """The last of so many with that in it."""
        def look():
            found = [line for line in list(self.lines) if part in line]
            return found[count - 1] if len(found) >= count else None

        return wait_for(look, PATIENCE, f"nobody said {part!r} {count} times: {self.lines}")

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def exchange(self, data):
        """Both ways at once. What came back."""
        writer = threading.Thread(target=self.say, args=(data,))
        writer.start()
        got = self.process.stdout.read(len(data))
        writer.join()
        return got

    def read_until(self, part):
        got = b""
        while part not in got:
            piece = self.process.stdout.read1(65536)
            if not piece:
                raise AssertionError(f"the end came before {part!r}: {got[-1000:]}")
            got += piece
        return got

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.drainer.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                pass


class Server(Process):
    """Ours, by start_tls, which says what the connections are."""

    def __init__(self, kind="ec"):
        super().__init__(OPTIONS.peer, "serve", path(kind + ".pem"), path(kind + "-key.pem"), "tcp:0:interface=127.0.0.1")
        self.port = wait_for_port(self.process, PATIENCE)


class Service(Process):
    """Ours, by its endpoint string, which logs how connections end."""

    def __init__(self, kind="ec", more=""):
        endpoint = f"tls:0:interface=127.0.0.1:cert={path(kind)}.pem:key={path(kind)}-key.pem" + more
        super().__init__(OPTIONS.bight, "echo", "--log-level", "debug", endpoint)
        self.port = wait_for_port(self.process, PATIENCE)

    def wait_for_good_end(self, count=1):
        self.wait_for_line("the connection was closed cleanly", count)


def context_of_client(version=None):
    context = ssl.create_default_context(cafile=path("ca.pem"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # which is Python's default since 3.13
    if version is not None:
        context.minimum_version = context.maximum_version = version
    return context


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class OurServer(unittest.TestCase):
    def s_client(self, port, *words):
        return Process("openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", path("ca.pem"), "-servername",
                       "localhost", "-verify_return_error", *words)

    def test_s_client_is_answered(self):
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), Server() as server, self.s_client(server.port, version) as client:
                client.say(b"hello\n")
                client.read_until(b"hello\n")
                server.wait_for_line("secure TLSv1." + version[-1])
                client.process.stdin.close()
                server.wait_for_line("lost CONNECTION_DONE")

    def test_s_client_updates_its_keys(self):
        with Server() as server, self.s_client(server.port, "-tls1_3") as client:
            client.say(b"K\n")  # and asks for ours
            client.wait_for_line("KEYUPDATE")  # or it would take what follows for a part of the command
            client.say(b"hello\n")
            client.read_until(b"hello\n")

    def test_s_client_may_not_renegotiate(self):
        """It is told so, goes itself, and nothing was negotiated."""
        with Server() as server, self.s_client(server.port, "-tls1_2") as client:
            client.say(b"hello\n")
            client.read_until(b"hello\n")
            client.say(b"R\n")
            client.wait_for_line("no renegotiation")
            server.wait_for_line("lost TLS_ALERT")
            self.assertEqual(sum("secure " in line for line in server.lines), 1)

    def test_s_client_resumes(self):
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), Server() as server:
                kept = path("session" + version)
                for way, said in ("-sess_out", "secure TLSv1"), ("-sess_in", f"secure TLSv1.{version[-1]} resumed"):
                    with self.s_client(server.port, version, way, kept) as client:
                        client.say(b"hello\n")
                        client.read_until(b"hello\n")
                        client.process.stdin.close()
                        client.process.wait(PATIENCE)
                        server.wait_for_line(said)

    def test_s_client_has_records_as_small_as_it_wants(self):
        """512 bytes, by the extension of RFC 6066."""
        data = os.urandom(300000)
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), Server() as server, \
                    self.s_client(server.port, version, "-quiet", "-maxfraglen", "512") as client:
                self.assertTrue(client.exchange(data) == data)

    def test_old_versions_are_refused(self):
        with Server() as server, self.s_client(server.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0") as client:
            self.assertIn(UNSUPPORTED, server.wait_for_line("lost TLS "))
            self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_python_echoes_large_and_small_pieces(self):
        data = os.urandom(3000000)
        for kind in "ec", "rsa":
            for version in VERSIONS:
                with self.subTest(kind=kind, version=version), Server(kind) as server:
                    self.exchange(server.port, context_of_client(version), data)
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
        script = ("const tls = require('tls'), fs = require('fs');"
                  "const s = tls.connect({port: +process.argv[1], host: '127.0.0.1', servername: 'localhost',"
                  " ca: fs.readFileSync(process.argv[2])}, () => s.write('hello'));"
                  "s.on('data', d => { console.log(String(d), s.getProtocol()); s.end(); });")
        with Server() as server:
            said = subprocess.run(["node", "-e", script, str(server.port), path("ca.pem")], check=True, capture_output=True,
                                  timeout=PATIENCE).stdout
            self.assertEqual(said, b"hello TLSv1.3\n")
            server.wait_for_line("lost CONNECTION_DONE")


class OurClient(unittest.TestCase):
    def run_client(self, port, data, ca="ca", name="localhost", times=1):
        return subprocess.run([OPTIONS.peer, "connect", path(ca + ".pem"), name, f"tcp:127.0.0.1:{port}", str(times)], input=data,
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

    def test_s_server_resumes_our_session(self):
        for version in "-tls1_2", "-tls1_3":
            with self.subTest(version), self.s_server("-rev", version) as server:
                client = self.run_client(wait_for_port(server.process, PATIENCE), b"hello\n", times=2)
                self.assertIn(b"secure TLSv1." + version[-1].encode() + b" resumed", client.stderr)
                self.assertEqual(client.stdout, b"olleh\n" * 2)

    def test_the_certificate_is_verified(self):
        with self.s_server("-rev") as server:
            client = self.run_client(wait_for_port(server.process, PATIENCE), b"the secret\n", ca="stranger")
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


class Curl(unittest.TestCase):
    """At our service, which gives back what it is sent: what curl sends is made so that it is an answer, too."""

    def curl(self, port, *words, ca="ca", name="localhost", data=b"hello"):
        trust = ["--cacert", path(ca + ".pem")] if ca else []
        return subprocess.run(["curl", "--silent", "--show-error", "--http1.1", "--noproxy", "*", "--resolve",
                               f"{name}:{port}:127.0.0.1", *trust, "--request", "HTTP/1.1 200 OK", "--header", "Expect:",
                               "--data-binary", "@-", *words, f"https://{name}:{port}/"],
                              input=data, capture_output=True, timeout=PATIENCE)

    def assert_refused(self, done, *statuses):
        self.assertIn(done.returncode, statuses, done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_it_is_answered(self):
        for kind in "ec", "rsa":
            for version in "1.2", "1.3":
                for data in b"hello", os.urandom(1000000):
                    with self.subTest(kind=kind, version=version, size=len(data)), Service(kind) as service:
                        done = self.curl(service.port, "--tlsv" + version, "--tls-max", version, data=data)
                        self.assertEqual(done.returncode, 0, done.stderr)
                        self.assertTrue(done.stdout == data)
                        service.wait_for_good_end()

    def test_it_refuses_whom_it_does_not_know(self):
        """PEER_FAILED_VERIFICATION, or SSL_CACERT_BADFILE where nobody is trusted."""
        with Service("stranger") as service:
            self.assert_refused(self.curl(service.port), 60)
            trusting = self.curl(service.port, ca=None)
            self.assert_refused(trusting, 60, 77)
            handshakes = 1 if trusting.returncode == 77 else 2  # without any trust curl does not begin one
            service.wait_for_line("was not established: the TLS handshake failed: the peer", handshakes)
            self.assertEqual(self.curl(service.port, ca="stranger").stdout, b"hello")

    def test_it_refuses_a_certificate_for_another_name(self):
        with Service() as service:
            self.assert_refused(self.curl(service.port, name="a.example"), 60)

    def test_it_shows_a_certificate(self):
        known = ["--cert", path("client.pem"), "--key", path("client-key.pem")]
        unknown = ["--cert", path("stranger.pem"), "--key", path("stranger-key.pem")]
        for version in "1.2", "1.3":
            with self.subTest(version), Service(more=":client_ca=" + path("ca.pem")) as service:
                limits = ["--tlsv" + version, "--tls-max", version]
                self.assertEqual(self.curl(service.port, *limits, *known).stdout, b"hello")
                self.assert_refused(self.curl(service.port, *limits), 35, 55, 56)
                service.wait_for_line("peer did not return a certificate")
                self.assert_refused(self.curl(service.port, *limits, *unknown), 35, 55, 56)
                service.wait_for_line("the peer's certificate was not verified")


class Gnutls(unittest.TestCase):
    """gnutls-cli at our service, and our program at gnutls-serv."""

    VERSIONS = ["1.2", "1.3"]

    @staticmethod
    def only(version):
        return ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS" + version]

    def client(self, port, *words, ca="ca", name="localhost"):
        """What it has to say besides the data comes between them, unless there is a --logfile."""
        return Process("gnutls-cli", "--x509cafile", path(ca + ".pem"), "--verify-hostname", name, "--port",
                       str(port), *words, "127.0.0.1")

    def echo(self, client, text):
        client.say(text)
        return client.read_until(text)

    def command(self, client, word, answer):
        client.say(b"^" + word + b"^\n")
        self.assertIn(answer, self.echo(client, b"behind " + word + b"\n"))

    def test_the_client_is_answered(self):
        data = os.urandom(300000)
        for kind in "ec", "rsa":
            for version in self.VERSIONS:
                with self.subTest(kind=kind, version=version), Service(kind) as service, \
                        self.client(service.port, "--logfile", path("said"), *self.only(version)) as client:
                    self.assertTrue(client.exchange(data) == data)
                    client.process.stdin.close()
                    service.wait_for_good_end()
                    self.assertEqual(client.process.wait(PATIENCE), 0)

    def test_the_client_sends_tiny_records(self):
        for version in self.VERSIONS:
            with self.subTest(version), Service() as service, self.client(service.port, *self.only(version)) as client:
                for i in range(200):
                    self.echo(client, b"%c" % (ord("a") + i % 26))
                client.process.stdin.close()
                service.wait_for_good_end()

    def test_the_client_updates_keys(self):
        """Its own, and both."""
        with Service() as service, self.client(service.port, "--inline-commands", *self.only("1.3")) as client:
            for word in b"rekey1", b"rekey":
                self.echo(client, b"before it\n")
                self.command(client, word, b"Rekey was completed")
            client.process.stdin.close()
            service.wait_for_good_end()

    def test_the_client_resumes(self):
        for version in self.VERSIONS:
            with self.subTest(version), Service() as service, \
                    self.client(service.port, "--inline-commands", *self.only(version)) as client:
                self.echo(client, b"before it\n")
                self.command(client, b"resume", b"This is a resumed session")
                client.process.stdin.close()
                service.wait_for_good_end(2)

    def test_the_client_may_not_renegotiate(self):
        """It is told so, goes itself, and others are served."""
        with Service() as service:
            with self.client(service.port, "--inline-commands", *self.only("1.2")) as client:
                self.echo(client, b"before it\n")
                client.say(b"^renegotiate^\n")
                client.read_until(b"No renegotiation is allowed")
                self.assertNotEqual(client.process.wait(PATIENCE), 0)
            service.wait_for_line("the TLS connection failed: the peer's alert")
            with self.client(service.port) as client:
                self.echo(client, b"hello\n")

    def test_old_versions_are_refused(self):
        with Service() as service, self.client(service.port, *self.only("1.1")) as client:
            self.assertIn("a connection from 127.0.0.1", service.wait_for_line(UNSUPPORTED))
            self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_the_client_shows_a_certificate(self):
        shown = ["--x509certfile", path("client.pem"), "--x509keyfile", path("client-key.pem")]
        for version in self.VERSIONS:
            with self.subTest(version), Service(more=":client_ca=" + path("ca.pem")) as service:
                with self.client(service.port, *self.only(version), *shown) as client:
                    self.echo(client, b"hello\n")
                with self.client(service.port, *self.only(version)) as client:
                    service.wait_for_line("peer did not return a certificate")
                    self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_the_client_refuses_whom_it_does_not_know(self):
        with Service() as service:
            for words in {"ca": "stranger"}, {"name": "a.example"}:
                with self.subTest(words), self.client(service.port, **words) as client:
                    client.read_until(b"PKI verification of server certificate failed")
                    self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_a_client_that_dies_is_a_truncation(self):
        with Service() as service, self.client(service.port) as client:
            self.echo(client, b"hello\n")
            client.process.kill()
            service.wait_for_line("without TLS's close_notify")

    def server(self, *words, kind="ec"):
        process = Process("gnutls-serv", "--echo", "--port", "0", "--x509certfile", path(kind + ".pem"), "--x509keyfile",
                          path(kind + "-key.pem"), *words, gathers_all=True)
        process.port = wait_for_port(process.process, PATIENCE)
        return process

    @staticmethod
    def words(port, more="", ca="ca", name="localhost"):
        return [OPTIONS.bight, "connect", "--show", f"tls:127.0.0.1:{port}:servername={name}:ca={path(ca)}.pem" + more]

    def connect(self, data, *where, **whom):
        return subprocess.run(self.words(*where, **whom), input=data, capture_output=True, timeout=PATIENCE)

    def test_the_server_answers(self):
        """To full records, and with such; it takes lines."""
        data = base64.encodebytes(os.urandom(300000))
        for kind in "ec", "rsa":
            for version in self.VERSIONS:
                with self.subTest(kind=kind, version=version), self.server(*self.only(version), kind=kind) as server:
                    done = self.connect(data, server.port)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertTrue(done.stdout == data)
                    self.assertIn(b"TLSv" + version.encode(), done.stderr)

    def test_the_server_is_verified(self):
        with self.server() as server:
            for words, why in ({"ca": "stranger"}, b"unable to get local issuer"), ({"name": "a.example"}, b"not for a.example"):
                with self.subTest(words):
                    done = self.connect(b"the secret\n", server.port, **words)
                    self.assertEqual(done.returncode, 76)
                    self.assertIn(why, done.stderr)
                    self.assertEqual(done.stdout, b"")

    def test_the_server_wants_a_certificate(self):
        shown = f":cert={path('client.pem')}:key={path('client-key.pem')}"
        for version in self.VERSIONS:
            wants = ["--require-client-cert", "--verify-client-cert", "--x509cafile", path("ca.pem")]
            with self.subTest(version), self.server(*wants, *self.only(version)) as server:
                self.assertEqual(self.connect(b"hello\n", server.port, shown).stdout, b"hello\n")
                with Process(*self.words(server.port)) as client:  # says nothing: what is unread would make a reset of the end
                    client.wait_for_line("the peer's alert")
                    self.assertNotEqual(client.process.wait(PATIENCE), 0)

    def test_the_server_resumes_our_session(self):
        for version in self.VERSIONS:
            with self.subTest(version), self.server(*self.only(version)) as server:
                done = subprocess.run([OPTIONS.peer, "connect", path("ca.pem"), "localhost", f"tcp:127.0.0.1:{server.port}", "2"],
                                      input=b"hello\n", capture_output=True, timeout=PATIENCE)
                self.assertIn(b"secure TLSv" + version.encode() + b" resumed", done.stderr)
                self.assertEqual(done.stdout, b"hello\n" * 2)

    def test_the_server_may_not_renegotiate(self):
        """It asks for that when it is sent so, and goes when it has our warning."""
        with self.server(*self.only("1.2")) as server, Process(*self.words(server.port)) as client:
            self.echo(client, b"before it\n")
            client.say(b"**REHANDSHAKE**\n")
            server.wait_for_line("Sending rehandshake request")
            server.wait_for_line("A TLS warning alert has been received")
            client.wait_for_line("without TLS's close_notify")

    def test_a_server_that_dies_is_a_truncation(self):
        with self.server() as server, Process(*self.words(server.port)) as client:
            self.echo(client, b"hello\n")
            server.process.kill()
            client.wait_for_line("without TLS's close_notify")
            self.assertNotEqual(client.process.wait(PATIENCE), 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("bight")
    parser.add_argument("peer")
    OPTIONS, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as DIRECTORY:
        unittest.main(argv=[__file__, *rest])
