#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs against real peers: sockets of Python, nc, socat and telnet where they are installed.

Usage: test_programs.py BUILD_DIR [--bytes N] [--connections N] [-k WORD] [-v]

Everything listens on the loopback, on ports that the kernel chooses and that the programs report at log level info.
--bytes is the length of the stream through bight-echo, --connections how many are opened at once.
"""
import argparse
import hashlib
import os
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

from listening import wait_for_listener, wait_for_port

OPTIONS = None
PATIENCE = 60  # seconds, for what should take none


def program(name):
    return os.path.join(OPTIONS.build, "apps", name)


def need(*commands):
    for command in commands:
        if shutil.which(command) is None:
            raise unittest.SkipTest(command + " is not installed")


class Server:
    """A program that listens: with Server("bight", "echo") as server: server.connect()"""

    def __init__(self, name, *words, endpoint="tcp:0:interface=127.0.0.1"):
        self.command = [program(name), "--log-level=info", *words, endpoint]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            found = re.search(r"listening on (\S+)", line)
            if found:
                self.address = found.group(1)
                break
        else:
            raise AssertionError("did not listen: " + "".join(self.lines))
        self.port = int(self.address.rsplit(":", 1)[1]) if ":" in self.address else None
        self.drainer = threading.Thread(target=self.drain, daemon=True)
        self.drainer.start()
        return self

    def drain(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def __exit__(self, kind, value, trace):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.drainer.join()
        self.process.stderr.close()

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def status(self, key):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def read_all(sock):
    pieces = []
    while True:
        piece = sock.recv(65536)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)


def read_exactly(sock, size):
    pieces = b""
    while len(pieces) < size:
        piece = sock.recv(size - len(pieces))
        if not piece:
            break
        pieces += piece
    return pieces


def run(*words, **keywords):
    return subprocess.run([program(words[0]), *words[1:]], capture_output=True, timeout=PATIENCE, **keywords)


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain until " + what)
        time.sleep(0.01)


class Echo(unittest.TestCase):
    def check_socket(self, server):
        with server.connect() as sock:
            sock.sendall(b"hello")
            self.assertEqual(read_exactly(sock, 5), b"hello")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(sock), b"")

    def test_both_programs_echo_to_a_socket(self):
        for words in (["bight-echo"], ["bight", "echo"]):
            with Server(*words) as server:
                self.check_socket(server)
                self.assertEqual(server.stop(), 0)

    def test_a_bare_number_is_a_port(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        with Server("bight-echo", endpoint=str(port)) as server:
            self.assertTrue(server.address.endswith(f":{port}"), server.address)
            self.check_socket(server)

    def test_both_families_without_an_interface(self):
        with Server("bight-echo", endpoint="tcp:0") as server:
            self.check_socket(server)
            if server.address.startswith("["):
                with socket.create_connection(("::1", server.port), timeout=PATIENCE) as sock:
                    sock.sendall(b"six")
                    self.assertEqual(read_exactly(sock, 3), b"six")

    def test_unix_sockets_and_several_endpoints(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "echo")
            words = ["bight-echo", "tcp:0:interface=127.0.0.1"]
            with Server(*words, endpoint="unix:" + path) as server:
                wait_for_listener(path, PATIENCE)
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.settimeout(PATIENCE)
                    sock.connect(path)
                    sock.sendall(b"unix")
                    self.assertEqual(read_exactly(sock, 4), b"unix")
                self.assertEqual(server.stop(), 0)
            self.assertFalse(os.path.exists(path))

    def test_nc_and_socat(self):
        need("nc", "socat")
        data = os.urandom(1 << 20)
        with Server("bight-echo") as server:
            for peer in (["nc", "-N", "127.0.0.1", str(server.port)],
                         ["socat", "-t30", "-", f"TCP:127.0.0.1:{server.port}"]):
                done = subprocess.run(peer, input=data, capture_output=True, timeout=PATIENCE)
                self.assertEqual(done.stdout, data, peer[0])

    def test_telnet(self):
        need("telnet")
        with Server("bight-echo") as server:
            with subprocess.Popen(["telnet", "127.0.0.1", str(server.port)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as telnet:
                telnet.stdin.write(b"over telnet\n")
                telnet.stdin.flush()
                seen = b""
                while b"over telnet" not in seen:
                    piece = os.read(telnet.stdout.fileno(), 4096)
                    self.assertTrue(piece, seen)
                    seen += piece
                telnet.kill()

    def test_a_long_stream_comes_back_whole_while_the_peer_stalls(self):
        with Server("bight-echo") as server, server.connect() as sock:
            block = os.urandom(1 << 20)
            blocks = max(OPTIONS.bytes >> 20, 1)
            sent, received = hashlib.sha256(), hashlib.sha256()

            def send():
                for i in range(blocks):
                    stamped = struct.pack("!Q", i) + block[8:]
                    sent.update(stamped)
                    sock.sendall(stamped)
                sock.shutdown(socket.SHUT_WR)

            sender = threading.Thread(target=send)
            sender.start()
            time.sleep(0.5)  # the peer stalls: nothing is read while everything fills up
            stalled = server.status("VmRSS")
            buffer = bytearray(1 << 20)
            while True:
                size = sock.recv_into(buffer)
                if size == 0:
                    break
                received.update(memoryview(buffer)[:size])
            sender.join()
            peak = server.status("VmHWM")
            self.assertEqual(sent.digest(), received.digest())
            print(f"\n    {blocks} MiB through bight-echo: {stalled} KiB resident while stalled, {peak} KiB at most")
            if not is_sanitized():
                self.assertLess(peak, 16 * 1024)

    def test_many_connections_leak_nothing(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(OPTIONS.connections, hard - 100)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 100), hard))
        with Server("bight-echo") as server:
            descriptors = self.descriptors_of_a_loop_that_runs(server)
            self.open_echo_close(server, count)
            wait_until(lambda: server.descriptors() == descriptors, "all descriptors are closed")
            first = server.status("VmRSS")
            self.open_echo_close(server, count)
            wait_until(lambda: server.descriptors() == descriptors, "all descriptors are closed")
            second = server.status("VmRSS")
            print(f"\n    {count} connections twice: {first} KiB, then {second} KiB resident")
            if not is_sanitized():
                self.assertLess(second - first, 512)

    def descriptors_of_a_loop_that_runs(self, server):
        """Without the one that is open meanwhile. Before it polls for the first time, a loop may not have them all."""
        with server.connect() as sock:
            sock.sendall(b"x")
            self.assertEqual(sock.recv(1), b"x")
            return server.descriptors() - 1

    def open_echo_close(self, server, count):
        socks = [server.connect() for _ in range(count)]
        for sock in socks:
            sock.sendall(b"x")
        for sock in socks:
            self.assertEqual(sock.recv(1), b"x")
        for sock in socks:
            sock.close()


class Services(unittest.TestCase):
    def answer_of(self, *words):
        with Server("bight", *words) as server, server.connect() as sock:
            return read_all(sock)

    def test_discard(self):
        with Server("bight", "discard") as server, server.connect() as sock:
            sock.sendall(bytes(1 << 20))
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(read_all(sock), b"")

    def test_chargen_stops_for_a_peer_that_does_not_read(self):
        with Server("bight", "chargen") as server, server.connect() as sock:
            time.sleep(0.3)  # nothing is read meanwhile
            data = read_exactly(sock, 74 * 1000)
            ring = bytes(range(32, 127)) * 2
            for i in range(1000):
                self.assertEqual(data[i * 74:i * 74 + 74], ring[i % 95:i % 95 + 72] + b"\r\n")
            if not is_sanitized():
                self.assertLess(server.status("VmHWM"), 16 * 1024)

    def test_chargen_to_nc_without_input(self):
        need("nc")
        with Server("bight", "chargen") as server:
            with subprocess.Popen(["nc", "-N", "127.0.0.1", str(server.port)], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE) as nc:
                self.assertEqual(len(nc.stdout.read(1 << 20)), 1 << 20)
                nc.kill()

    def test_qotd(self):
        self.assertTrue(10 < len(self.answer_of("qotd")) <= 512)
        self.assertEqual(self.answer_of("qotd", "--text=Back at noon."), b"Back at noon.")
        self.assertEqual(self.answer_of("qotd", "--text", "q" * 600), b"q" * 512)

    def test_daytime(self):
        self.assertRegex(self.answer_of("daytime"),
                         rb"^[A-Z][a-z]+day, [A-Z][a-z]+ \d{1,2}, \d{4} \d\d:\d\d:\d\d-UTC\r\n$")

    def test_time(self):
        told, = struct.unpack("!I", self.answer_of("time"))
        self.assertLess(abs(told - 2208988800 - time.time()), 60)

    def test_time_to_socat(self):
        need("socat")
        with Server("bight", "time") as server:
            done = subprocess.run(["socat", "-u", f"TCP:127.0.0.1:{server.port}", "-"], capture_output=True,
                                  timeout=PATIENCE)
            self.assertEqual(len(done.stdout), 4)

    def test_chat(self):
        with Server("bight", "chat") as server, server.connect() as ann, server.connect() as bob:
            ann_reads, bob_reads = ann.makefile("rb"), bob.makefile("rb")
            for sock, reads, name in ((ann, ann_reads, b"ann"), (bob, bob_reads, b"bob")):
                self.assertEqual(reads.readline(), b"Your name?\r\n")
                sock.sendall(name + b"\n")
                self.assertTrue(reads.readline().startswith(b"Welcome"))
            self.assertEqual(ann_reads.readline(), b"* bob has joined\r\n")
            bob.sendall(b"hi \x1b[2J\r\n/quit\r\n")
            self.assertEqual(ann_reads.readline(), b"bob: hi \\x1b[2J\r\n")
            self.assertEqual(bob_reads.readline(), b"Goodbye.\r\n")
            bob_reads.close()
            bob.close()
            self.assertEqual(ann_reads.readline(), b"* bob has left\r\n")


class Peer:
    """A listening socket of Python for `bight connect`; serve(connection) runs in a thread."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "tcp:127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.accept, args=(serve,))

    def accept(self, serve):
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        with connection:
            serve(connection)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.thread.join(PATIENCE)
        self.listener.close()


class Connect(unittest.TestCase):
    def test_input_ends_first(self):
        def serve(connection):
            connection.sendall(b"got " + read_all(connection))

        with Peer(serve) as peer:
            done = run("bight", "connect", peer.endpoint, input=b"question")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"got question", b""))

    def test_the_peer_ends_first_and_still_gets_everything(self):
        got = []

        def serve(connection):
            connection.sendall(b"that was all")
            connection.shutdown(socket.SHUT_WR)
            got.append(read_all(connection))

        data = os.urandom(3 << 20)
        with Peer(serve) as peer:
            done = run("bight", "connect", peer.endpoint, input=data)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"that was all", b""))
        self.assertEqual(got[0], data)

    def test_files_as_input_and_output(self):
        data = os.urandom(5 << 20)
        with Server("bight", "echo") as server, tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
            source.write(data)
            source.seek(0)
            done = subprocess.run([program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"], stdin=source,
                                  stdout=sink, timeout=PATIENCE)
            sink.seek(0)
            self.assertEqual((done.returncode, sink.read()), (0, data))

    def test_a_small_stack(self):
        def connect(host):
            words = [program("bight"), "connect", f"tcp:{host}:{server.port}"]
            return subprocess.run(["sh", "-c", 'ulimit -s 64; exec "$@"', "sh", *words], input=b"words",
                                  capture_output=True, timeout=PATIENCE)

        with Server("bight", "echo") as server:
            for host in ("127.0.0.1", "localhost"):
                done = connect(host)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"words", b""), host)

    def test_a_file_that_may_grow_no_more(self):
        with Server("bight", "echo") as server, tempfile.TemporaryFile() as sink:
            words = [program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"]
            done = subprocess.run(["sh", "-c", 'ulimit -f 1; exec "$@"', "sh", *words], input=bytes(100000), stdout=sink,
                                  stderr=subprocess.PIPE, timeout=PATIENCE)
        self.assertEqual(done.returncode, 74)
        self.assertEqual(done.stderr.count(b"\n"), 1)
        self.assertIn(b"File too large", done.stderr)

    def test_nothing_as_input_and_output(self):
        with Server("bight", "daytime") as server:
            done = subprocess.run([program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0)

    def test_a_reader_that_stalls_holds_the_peer_back(self):
        sent = []

        def serve(connection):
            connection.settimeout(0.5)
            try:
                while sum(sent) < 64 << 20:
                    sent.append(connection.send(bytes(1 << 16)))
            except TimeoutError:
                sent.append(0)
            connection.settimeout(PATIENCE)
            connection.shutdown(socket.SHUT_WR)
            read_all(connection)

        with Peer(serve) as peer:
            with subprocess.Popen([program("bight"), "connect", peer.endpoint], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE) as client:
                wait_until(lambda: sent and sent[-1] == 0, "the peer is held back")
                self.assertEqual(len(client.stdout.read()), sum(sent))
                self.assertEqual(client.wait(PATIENCE), 0)

    def test_a_peer_that_stalls_holds_the_input_back(self):
        go_on = threading.Event()
        got = []

        def serve(connection):
            go_on.wait(PATIENCE)
            got.append(len(read_all(connection)))

        with Peer(serve) as peer:
            with subprocess.Popen([program("bight"), "connect", peer.endpoint], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL) as client:
                os.set_blocking(client.stdin.fileno(), False)
                written, refusals = 0, 0
                while refusals < 20 and written < 64 << 20:
                    try:
                        written += os.write(client.stdin.fileno(), bytes(1 << 16))
                        refusals = 0
                    except BlockingIOError:
                        refusals += 1
                        time.sleep(0.02)
                self.assertLess(written, 64 << 20)
                go_on.set()
                client.stdin.close()
                self.assertEqual(client.wait(PATIENCE), 0)
        self.assertEqual(got[0], written)

    def test_nc_listening(self):
        need("nc")
        with subprocess.Popen(["nc", "-N", "-l", "127.0.0.1", "0"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as nc:
            nc.stdin.write(b"from nc")
            nc.stdin.close()
            port = wait_for_port(nc, PATIENCE)
            done = run("bight", "connect", f"tcp:127.0.0.1:{port}", input=b"from bight")
            self.assertEqual((done.returncode, done.stdout), (0, b"from nc"))
            self.assertEqual(nc.stdout.read(), b"from bight")

    def test_socat_listening_on_a_unix_socket(self):
        need("socat")
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "socket")
            with subprocess.Popen(["socat", "-t30", f"UNIX-LISTEN:{path}", "EXEC:cat"]):
                wait_for_listener(path, PATIENCE)
                data = os.urandom(1 << 20)
                done = run("bight", "connect", "unix:" + path, input=data)
                self.assertEqual((done.returncode, done.stdout == data), (0, True))

    def test_at_a_terminal_the_peer_s_end_is_the_end(self):
        near, far = os.openpty()
        with Server("bight", "daytime") as server:
            done = subprocess.run([program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"], stdin=far,
                                  capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertIn(b"-UTC", done.stdout)
        os.close(near)
        os.close(far)

    def test_closed_standard_descriptors(self):
        with Server("bight", "echo") as server:
            done = subprocess.run(["sh", "-c", '"$0" connect "$1" <&- 2>&-', program("bight"),
                                   f"tcp:127.0.0.1:{server.port}"], capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout), (0, b""))

    def test_a_reset_is_told(self):
        def serve(connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with Peer(serve) as peer:
            with subprocess.Popen([program("bight"), "connect", peer.endpoint], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as client:
                self.assertEqual(client.stderr.read().count(b"\n"), 1)
                self.assertEqual(client.wait(PATIENCE), 69)

    def test_a_reset_is_told_in_words(self):
        def serve(connection):
            connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        with Peer(serve) as peer:
            done = run("bight", "connect", peer.endpoint, input=b"x")
            self.assertEqual((done.returncode, done.stderr.decode()),
                             (69, f"bight: {peer.endpoint}: connection reset by peer\n"))

    def test_output_that_fails_is_told_once(self):
        data = bytes(3 << 20)
        with Server("bight", "echo") as server, open("/dev/full", "wb") as full:
            done = subprocess.run([program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"], input=data,
                                  stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
            self.assertEqual(done.returncode, 74)
            self.assertEqual(done.stderr, b"bight: cannot write to standard output: No space left on device\n")

    def test_one_that_is_interrupted_says_so_by_its_status(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with Server("bight", "echo") as server, subprocess.Popen(
                    [program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
                client.stdin.write(b"x")
                client.stdin.flush()
                self.assertEqual(client.stdout.read(1), b"x")
                client.send_signal(number)
                self.assertEqual((client.wait(PATIENCE), client.stderr.read()), (128 + number, b""))

    def test_a_signal_that_is_ignored_stays_so(self):
        def ignore():
            signal.signal(signal.SIGINT, signal.SIG_IGN)

        with Server("bight", "echo") as server, subprocess.Popen(
                [program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, preexec_fn=ignore) as client:
            for word in (b"x", b"y"):
                client.stdin.write(word)
                client.stdin.flush()
                self.assertEqual(client.stdout.read(1), word)
                client.send_signal(signal.SIGINT)
            client.stdin.close()
            self.assertEqual(client.wait(PATIENCE), 0)

    def test_output_that_nobody_reads_any_more(self):
        with Server("bight", "chargen") as server:
            with subprocess.Popen([program("bight"), "connect", f"tcp:127.0.0.1:{server.port}"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
                client.stdout.read(10)
                client.stdout.close()
                self.assertIn(b"Broken pipe", client.stderr.read())
                self.assertEqual(client.wait(PATIENCE), 74)


def contents(path):
    with open(path) as file:
        return file.read()


class Tls(unittest.TestCase):
    """Secure endpoints, with certificates that the runner makes."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.certificate = os.path.join(self.folder.name, "localhost.pem")
        done = self.make("localhost", "127.0.0.1")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"bight echo tls:4433:cert=localhost.pem", done.stdout)
        self.endpoint = f"tls:0:interface=127.0.0.1:cert={self.certificate}"

    def tearDown(self):
        self.folder.cleanup()

    def make(self, *names):
        return run("bight", "certificate", *names, cwd=self.folder.name)

    def context(self):
        return ssl.create_default_context(cafile=self.certificate)

    def connect(self, server, context=None, name="localhost"):
        return (context or self.context()).wrap_socket(server.connect(), server_hostname=name)

    def client(self, server, *words, more=""):
        return run("bight", "connect", *words, f"tls:localhost:{server.port}{more}", input=b"hello")

    def test_a_certificate_is_its_owner_s_alone_and_never_written_over(self):
        self.assertEqual(os.stat(self.certificate).st_mode & 0o777, 0o600)
        before = contents(self.certificate)
        done = self.make("localhost")
        self.assertEqual(done.returncode, 73)
        self.assertIn(b"exists", done.stderr)
        self.assertEqual(contents(self.certificate), before)
        self.assertEqual(self.make("no name").returncode, 64)
        self.assertEqual(self.make().returncode, 64)

    def test_python_is_answered_and_verifies(self):
        with Server("bight", "echo", endpoint=self.endpoint) as server, self.connect(server) as sock:
            self.assertEqual(sock.version(), "TLSv1.3")
            sock.sendall(b"hello")
            self.assertEqual(read_exactly(sock, 5), b"hello")
        with Server("bight", "echo", endpoint=self.endpoint) as server:
            with self.assertRaises(ssl.SSLCertVerificationError):
                self.connect(server, name="other.example")
            wait_until(lambda: any("was not established" in line for line in server.lines), "it is told")

    def test_openssl_is_answered(self):
        need("openssl")
        with Server("bight", "echo", endpoint=self.endpoint) as server, subprocess.Popen(
                ["openssl", "s_client", "-quiet", "-verify_return_error", "-CAfile", self.certificate, "-connect",
                 f"127.0.0.1:{server.port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL) as client:
            client.stdin.write(b"hello\n")
            client.stdin.flush()
            self.assertEqual(client.stdout.readline(), b"hello\n")
            client.terminate()

    def test_the_runner_connects_and_shows(self):
        with Server("bight", "echo", endpoint=self.endpoint) as server:
            done = self.client(server, "--show", more=f":ca={self.certificate}")
            self.assertEqual((done.returncode, done.stdout), (0, b"hello"))
            self.assertRegex(done.stderr.decode(), r": TLSv1\.3, TLS_\w+, key exchange by \S+, the peer is verified\n")
            self.assertRegex(done.stderr.decode(), r": the peer is CN=localhost, for localhost, 127\.0\.0\.1; from [\d-]{10} to"
                             r" [\d-]{10}, SHA-256 [0-9a-f]{64}\n$")
            done = self.client(server)
            self.assertEqual((done.returncode, done.stdout), (76, b""))
            self.assertRegex(done.stderr.decode(), r"^bight: cannot connect to localhost: the peer's certificate was not"
                             r" verified: self-signed certificate")
            self.assertEqual(self.client(server, more=":verify=no").stdout, b"hello")

    def test_a_hang_up_reloads_and_cuts_nobody(self):
        with Server("bight", "echo", endpoint=self.endpoint) as server, self.connect(server) as old:
            first = old.getpeercert(True)
            os.unlink(self.certificate)
            self.make("localhost", "127.0.0.1")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: self.serves_another(server, first), "the new certificate is served")
            old.sendall(b"still")
            self.assertEqual(read_exactly(old, 5), b"still")
            os.unlink(self.certificate)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: any("could not be read again" in line for line in server.lines), "it is told")
            self.assertTrue(self.serves_another(server, first))

    def serves_another(self, server, first):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with self.connect(server, context) as sock:
            return sock.getpeercert(True) != first

    def test_keys_are_logged_when_asked_for(self):
        keys = os.path.join(self.folder.name, "keys")
        with Server("bight", "echo", endpoint=self.endpoint) as server:
            done = self.client(server, "--keylog", keys, more=f":ca={self.certificate}")
            self.assertEqual(done.stdout, b"hello")
            self.assertIn(b"warning", done.stderr)
            self.assertIn("CLIENT_TRAFFIC_SECRET_0", contents(keys))
            self.assertEqual(os.stat(keys).st_mode & 0o777, 0o600)

    def test_half_a_handshake_leaks_nothing(self):
        with Server("bight", "echo", endpoint=self.endpoint) as server:
            before = server.descriptors()
            for greeting in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.0\r\n\r\n"):
                with server.connect() as sock:
                    sock.sendall(greeting)
            wait_until(lambda: server.descriptors() <= before + 1, "they are gone")
            with self.connect(server) as sock:
                sock.sendall(b"x")
                self.assertEqual(sock.recv(1), b"x")


class CommandLine(unittest.TestCase):
    def complain(self, status, pattern, *words):
        done = run(*words, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, (words, done.stderr))
        self.assertEqual(done.stdout, b"")
        self.assertEqual(done.stderr.count(b"\n"), 1, done.stderr)
        self.assertRegex(done.stderr.decode(), pattern)

    def test_help_and_version(self):
        for words in (["bight", "--help"], ["bight", "echo", "--help"], ["bight", "chat", "--help"],
                      ["bight", "help"], ["bight", "help", "chat"], ["bight", "help", "connect"], ["bight", "web", "--help"],
                      ["bight", "qotd", "-h"], ["bight", "connect", "--help"],
                      ["bight", "certificate", "--help"], ["bight-echo", "--help"]):
            done = run(*words)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertTrue(done.stdout.startswith(b"Usage: "), words)
            self.assertLessEqual(max(map(len, done.stdout.splitlines())), 90)
        for name in ("bight", "bight-echo"):
            self.assertRegex(run(name, "--version").stdout, rb"^%s \d+\.\d+\.\d+\n" % name.encode())
            self.assertEqual(run(name, "-V").stdout, run(name, "--version").stdout)
        self.assertEqual(run("bight", "help", "chat").stdout, run("bight", "chat", "--help").stdout)
        self.assertIn(b"maxconn=N", run("bight", "--help").stdout)
        self.assertIn(b"libevent 2", run("bight", "--version").stdout)

    def test_wrong_words(self):
        self.complain(64, "which service", "bight")
        self.complain(64, 'did you mean "echo"', "bight", "ehco", "tcp:0")
        self.complain(64, "unknown service", "bight", "nonsense", "tcp:0")
        self.complain(64, "unknown option", "bight", "--nonsense")
        self.complain(64, "unknown option", "bight", "echo", "--nonsense", "tcp:0")
        self.complain(64, "unknown option", "bight", "echo", "-x", "tcp:0")
        self.complain(64, "needs an endpoint", "bight", "echo")
        self.complain(64, "needs one endpoint", "bight", "connect")
        self.complain(64, "needs a value", "bight", "qotd", "--text")
        self.complain(64, "is a number from 1 to", "bight", "chat", "--members=0", "tcp:0")
        self.complain(64, "is a number from", "bight", "chat", "--members=1x", "tcp:0")
        self.complain(64, "log-level is", "bight", "--log-level", "loud", "echo", "tcp:0")
        self.complain(64, "log-level is", "bight-echo", "--log-level", "loud")
        self.complain(64, "log-level is", "bight-echo", "--log-level")
        self.complain(64, "unknown option", "bight-echo", "--nonsense")
        self.complain(64, r"unknown service .\\x1b", "bight", "\x1b[2J")

    def test_what_was_probably_meant(self):
        self.complain(64, '"conect"; did you mean "connect"', "bight", "conect", "tcp:a:1")
        self.complain(64, '"ehco"; did you mean "echo"', "bight", "help", "ehco")
        self.complain(64, "which service shall there be on", "bight", "tcp:1234")
        self.complain(64, '"--memebrs"; did you mean "--members"', "bight", "chat", "--memebrs=2", "tcp:0")
        self.complain(64, '"--drian"; did you mean "--drain"', "bight", "echo", "--drian", "1", "tcp:0")
        self.complain(64, '"--log-lvel"; did you mean "--log-level"', "bight", "--log-lvel=info", "echo", "tcp:0")
        self.complain(64, '"--versoin"; did you mean "--version"', "bight-echo", "--versoin")
        for service in ("echo", "discard", "chargen", "qotd", "daytime", "time", "chat", "web"):
            self.assertIn(f"\nExamples:\n  bight {service} ".encode(), run("bight", service, "--help").stdout)

    def test_what_to_write_instead(self):
        self.complain(64, r"; write tcp:1234$", "bight", "echo", "1234")
        self.complain(64, r"; write tcp:1234:interface=127\.0\.0\.1$", "bight", "echo", "localhost:1234")
        self.complain(64, r"; write tcp:localhost:1234$", "bight", "connect", "localhost:1234")
        self.complain(64, r"; write tcp:\[::1\]:80$", "bight", "connect", "tcp:::1:80")
        for name in ("tls6", "udp"):
            self.complain(64, rf'there is no type "{name}" \(to listen on there are [^()]*\)$', "bight", "echo", name + ":1")

    def test_what_the_user_wrote_is_escaped_once(self):
        self.complain(64, r'^bight: cannot listen on "12\\nX": column 1: there is no type "12\\nX" ', "bight", "echo", "12\nX")

    def test_bad_endpoints(self):
        for words in (["bight", "echo"], ["bight-echo"]):
            self.complain(64, "column 5", *words, "tcp:99999")
            self.complain(64, 'did you mean "tcp"', *words, "tpc:1")
        self.complain(64, "column", "bight", "connect", "tcp:localhost")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = "tcp:%d:interface=127.0.0.1" % taken.getsockname()[1]
            self.complain(69, "already in use", "bight", "echo", endpoint)
            self.complain(69, "already in use", "bight-echo", endpoint)
            self.complain(69, "already in use", "bight", "echo", "tcp:0", endpoint)

    def test_a_missing_permission(self):
        if os.getuid() == 0:
            need("setpriv")
            prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        else:
            prefix = []
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o555)
            command = prefix + [program("bight"), "echo", f"unix:{directory}/socket"]
            done = subprocess.run(command, capture_output=True, timeout=PATIENCE)
            if b"failed to execute" in done.stderr or b"cannot open shared object" in done.stderr:
                self.skipTest("the build directory is not everybody's")
            os.chmod(directory, 0o755)
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (77, 1), done.stderr)

    def test_nobody_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self.complain(69, rf"^bight: cannot connect to 127\.0\.0\.1:{port}: refused$", "bight", "connect",
                      f"tcp:127.0.0.1:{port}")
        self.complain(69, "no such socket", "bight", "connect", "unix:/nonexistent/socket")

    def test_a_path_that_cannot_be_a_socket(self):
        self.complain(69, '^bight: cannot listen on "unix:/nonexistent/socket": there is no such directory$', "bight", "echo",
                      "unix:/nonexistent/socket")
        self.complain(69, "it exists and is no socket", "bight-echo", "unix:/dev/null")

    def test_places_in_the_source_are_for_debug_mode(self):
        for debug, pattern in (("0", r"^[^()]*$"), ("1", r" \[NO_SUCH_SOCKET\] \(lib/.*\.c:\d+\)$")):
            done = run("bight", "connect", "unix:/nonexistent/socket", stdin=subprocess.DEVNULL,
                       env=dict(os.environ, BIGHT_DEBUG=debug))
            self.assertRegex(done.stderr.decode().rstrip("\n"), pattern)


class AtATerminal(unittest.TestCase):
    def said_by(self, *words):
        """What the program says at a terminal until there is a whole line."""
        near, far = os.openpty()
        with subprocess.Popen([program(words[0]), *words[1:]], stdin=subprocess.DEVNULL, stderr=far) as process:
            os.close(far)
            said = b""
            while b"\n" not in said:
                said += os.read(near, 4096)
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        os.close(near)
        return said.decode()

    def test_a_service_says_where_it_listens(self):
        for words in (["bight", "echo"], ["bight-echo"]):
            self.assertRegex(self.said_by(*words, "tcp:0:interface=127.0.0.1"),
                             rf"^{words[0]}: listening on 127\.0\.0\.1:[1-9]\d*\r\n$")

    def test_it_is_said_once(self):
        self.assertRegex(self.said_by("bight", "--log-level=info", "echo", "tcp:0:interface=127.0.0.1"),
                         r"^bight: info: \[port\] listening on [^\n]*\n$")


class Log(unittest.TestCase):
    def test_each_connection_is_a_line_at_level_debug(self):
        server = Server("bight", "echo")
        server.command[1] = "--log-level=debug"
        with server:
            with server.connect() as sock:
                name = "%s:%d" % sock.getsockname()
                sock.sendall(b"x")
                self.assertEqual(sock.recv(1), b"x")
            pattern = re.compile(r"^bight: debug: \[connection\] accepted from %s, lasted \d+\.\d{3} s: "
                                 r"the connection was closed cleanly$" % re.escape(name), re.M)
            wait_until(lambda: pattern.search("".join(server.lines)), "the connection is told of")


class Stopping(unittest.TestCase):
    def test_a_connection_may_finish(self):
        with Server("bight", "echo") as server, server.connect() as sock:
            sock.sendall(b"a")
            self.assertEqual(sock.recv(1), b"a")
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: self.is_refused(server), "nothing is accepted any more")
            sock.sendall(b"b")
            self.assertEqual(sock.recv(1), b"b")
            self.assertIsNone(server.process.poll())
            sock.close()
            self.assertEqual(server.process.wait(PATIENCE), 0)

    def is_refused(self, server):
        try:
            server.connect().close()
            return False
        except ConnectionResetError:
            return False  # it waited in the queue of a port that was closed just then
        except ConnectionRefusedError:
            return True

    def test_a_second_signal_stops_at_once(self):
        with Server("bight", "echo", "--drain=1000") as server, server.connect() as sock:
            sock.sendall(b"a")
            self.assertEqual(sock.recv(1), b"a")
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: self.is_refused(server), "nothing is accepted any more")
            self.assertEqual(server.stop(signal.SIGINT), 0)

    def test_a_hang_up_drains(self):
        with Server("bight", "echo", "--drain=1000") as server, server.connect() as sock:
            sock.sendall(b"a")
            self.assertEqual(sock.recv(1), b"a")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: self.is_refused(server), "nothing is accepted any more")
            sock.sendall(b"b")
            self.assertEqual(sock.recv(1), b"b")
            sock.close()
            self.assertEqual(server.process.wait(PATIENCE), 0)

    def test_what_is_cut_is_told(self):
        with Server("bight", "echo", "--drain=0.1") as server, server.connect() as ann, server.connect() as bob:
            for sock in (ann, bob):
                sock.sendall(b"a")
                self.assertEqual(sock.recv(1), b"a")
            self.assertEqual(server.stop(), 0)
            server.drainer.join()
            said = [line for line in server.lines if ": info: " not in line]
            self.assertEqual(len(said), 1, said)
            self.assertRegex(said[0], r"^bight: warning: \[port\] 2 connections of 127\.0\.0\.1:\d+ cut after 0\.1\d* s$")

    def test_draining_ends_in_time(self):
        with Server("bight", "echo", "--drain=0.2") as server, server.connect() as sock:
            sock.sendall(b"a")
            self.assertEqual(sock.recv(1), b"a")
            begun = time.monotonic()
            self.assertEqual(server.stop(), 0)
            self.assertLess(time.monotonic() - begun, 8)

    def test_without_connections_it_stops_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server("bight", "echo", "--drain=1000") as server:
                self.assertEqual(server.stop(number), 0)


def is_sanitized():
    with open(program("bight"), "rb") as image:
        return b"__asan_init" in image.read()


def hear_signals():
    """nohup, and shells that put a job into the background, have signals ignored, and the programs leave that as it is."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def main():
    global OPTIONS
    hear_signals()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--bytes", type=int, default=64 << 20)
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("-k", metavar="WORD", action="append")
    parser.add_argument("-v", action="store_true")
    OPTIONS = parser.parse_args()
    os.environ.pop("BIGHT_DEBUG", None)  # with which programs say more
    words = ["test_programs"] + ["-v"] * OPTIONS.v
    for word in OPTIONS.k or []:
        words += ["-k", word]
    unittest.main(argv=words)


if __name__ == "__main__":
    main()
