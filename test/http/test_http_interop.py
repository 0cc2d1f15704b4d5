#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sites of bight's with clients that are not: curl, Python's http.client, bare sockets. Others are in test_http_clients.py.

Usage: test_http_interop.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import http.client
import os
import socket
import tempfile

import served
from listening import wait_for, wait_for_listener
from served import LARGE, PATIENCE, Served


class Curl(Served):
    def curl(self, *words, data=None):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", *words, data=data)

    def test_gets_a_page(self):
        self.assertEqual(self.curl(self.url("/")), b"Hello")

    def test_asks_for_two_over_one_connection(self):
        said = self.curl("--verbose", "--write-out", "%{num_connects} ", self.url("/"), self.url("/later"))
        self.assertEqual(said, b"Hello1 later0 ")

    def test_asks_for_the_head_alone(self):
        head = self.curl("--head", self.url("/")).decode()
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"), head)
        self.assertIn("Content-Length: 5\r\n", head)

    def test_sends_a_body(self):
        self.assertEqual(self.curl("--data-binary", "@-", self.url("/echo"), data=LARGE), LARGE)

    def test_sends_a_large_body_after_a_100(self):
        said = self.curl("--expect100-timeout", str(PATIENCE), "--header", "Expect: 100-continue", "--data-binary", "@-",
                         "--dump-header", "-", self.url("/count"), data=LARGE)
        self.assertTrue(said.startswith(b"HTTP/1.1 100 Continue\r\n"), said)
        self.assertTrue(said.endswith(str(len(LARGE)).encode()), said)

    def test_sends_chunks(self):
        for path in ("/echo", "/mirror"):
            got = self.curl("--header", "Transfer-Encoding: chunked", "--request", "POST", "--data-binary", "@-", self.url(path),
                            data=LARGE)
            self.assertEqual(got, LARGE, path)

    def test_reads_chunks(self):
        lines = self.curl(self.url("/stream/1000")).decode().splitlines()
        self.assertEqual(lines, [f"line {number}" for number in range(1000)])

    def test_reads_a_stream_as_http_1_0(self):
        said = self.curl("--http1.0", "--dump-header", "-", self.url("/stream/3")).decode()
        self.assertNotIn("chunked", said)
        self.assertTrue(said.endswith("line 0\nline 1\nline 2\n"), said)

    def test_awaits_a_coroutine(self):
        self.assertEqual(self.curl(self.url("/await")), b"awaited")

    def test_is_told_what_failed(self):
        self.assertIn(b"not for you", self.curl("--write-out", " %{http_code}", self.url("/fail")))
        self.assertTrue(self.curl("--write-out", " %{http_code}", self.url("/nowhere")).endswith(b" 404"))
        said = self.curl("--dump-header", "-", "--request", "DELETE", self.url("/echo")).decode()
        self.assertIn("HTTP/1.1 405 Method Not Allowed\r\n", said)
        self.assertIn("Allow: OPTIONS, POST\r\n", said)

    def test_follows_the_slash(self):
        self.assertEqual(self.curl("--location", self.url("/later/")), b"later")

    def test_many_at_once(self):
        urls = [self.url("/later")] * 200
        self.assertEqual(self.curl("--parallel", "--parallel-max", "50", *urls), b"later" * 200)

    def test_keeps_its_connection_behind_bodies_and_refusals(self):
        paths = ["/count", "/nowhere", "/echo", "/fail"]
        said = self.curl("--write-out", " %{http_code} %{num_connects} ", "--data-binary", "sent", *map(self.url, paths))
        self.assertEqual(said.split()[-2:], [b"405", b"0"], said)
        self.assertTrue(said.startswith(b"4 200 1 "), said)
        self.assertIn(b" 404 0 sent 200 0 ", said)

    def test_asks_as_http_1_0(self):
        said = self.curl("--http1.0", "--dump-header", "-", "--data-binary", "sent", self.url("/echo"))
        self.assertTrue(said.startswith(b"HTTP/1.1 200 OK\r\n"), said)
        self.assertIn(b"Connection: close\r\n", said)
        self.assertTrue(said.endswith(b"\r\n\r\nsent"), said)

    def test_an_upload_that_nobody_wants_is_told_so_at_once(self):
        said = self.curl("--expect100-timeout", str(PATIENCE), "--header", "Expect: 100-continue", "--data-binary", "@-",
                         "--write-out", " %{http_code} %{size_upload}", self.url("/nowhere"), data=LARGE)
        self.assertTrue(said.endswith(b" 404 0"), said)

    def test_asks_for_the_head_of_a_stream(self):
        self.assertIn("Transfer-Encoding: chunked\r\n", self.curl("--head", self.url("/stream/3")).decode())

    def test_leaves_midway(self):
        self.leave("curl")
        wait_for(lambda: self.curl(self.url("/left")) == b"1", PATIENCE, "its leaving was not noticed")


class CurlUploads(Served):
    @classmethod
    def words(cls):
        cls.uploads = cls.directory()
        return served.PEER, "tcp:0:interface=127.0.0.1", "", cls.uploads

    def tearDown(self):
        super().tearDown()
        for name in os.listdir(self.uploads):
            os.unlink(os.path.join(self.uploads, name))

    def put(self, name, *words, data=LARGE):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", "--upload-file", "-", *words,
                               self.url("/save/" + name), data=data)

    def check_file(self, name):
        path = os.path.join(self.uploads, name)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), LARGE)
        self.assertEqual(os.stat(path).st_mode & 0o7777, 0o640)
        self.assertEqual(os.listdir(self.uploads), [name])

    def test_saves_chunks_to_a_file(self):
        self.assertEqual(self.put("chunks"), str(len(LARGE)).encode())
        self.check_file("chunks")

    def test_saves_a_file_to_a_file(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(LARGE)
            file.flush()
            self.assertEqual(self.put("file", "--upload-file", file.name), str(len(LARGE)).encode())
        self.check_file("file")

    def test_does_not_save_over_a_file(self):
        self.put("file")
        self.assertTrue(self.put("file", "--write-out", " %{http_code}", data=b"new").endswith(b" 500"))
        self.check_file("file")

    def test_leaves_nothing_of_what_it_does_not_finish(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as leaver:
            leaver.sendall(b"PUT /save/half HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n" + LARGE)
            wait_for(lambda: os.listdir(self.uploads), PATIENCE, "nothing is saved")
        wait_for(lambda: not os.listdir(self.uploads), PATIENCE, "the draft stays")


    def get(self, name, *words):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", *words, self.url("/save/" + name))

    def test_gets_a_file_and_what_is_left_of_it(self):
        self.put("file")
        self.assertEqual(self.get("file"), LARGE)
        self.assertEqual(self.get("file", "--range", "100-199"), LARGE[100:200])
        part = os.path.join(self.directory(), "part")
        with open(part, "wb") as file:
            file.write(LARGE[:1000000])
        self.get("file", "--continue-at", "-", "--output", part)
        with open(part, "rb") as file:
            self.assertEqual(file.read(), LARGE)

    def test_gets_a_file_only_if_it_has_changed(self):
        self.put("file")
        path = os.path.join(self.uploads, "file")
        os.utime(path, (1000000000, 1000000000))
        tag = os.path.join(self.directory(), "tag")
        said = self.get("file", "--etag-save", tag, "--output", os.devnull, "--write-out", "%{http_code}")
        self.assertEqual(said, b"200")
        self.assertEqual(self.get("file", "--etag-compare", tag, "--write-out", "%{http_code}"), b"304")
        self.assertEqual(self.get("file", "--time-cond", path, "--write-out", "%{http_code}"), b"304")
        os.utime(path, (1000000001, 1000000001))
        self.assertEqual(self.get("file", "--etag-compare", tag), LARGE)

    def test_a_file_that_is_not_there(self):
        self.assertTrue(self.get("none", "--write-out", "%{http_code}").endswith(b"404"))


class CurlOverTls(Served):
    @classmethod
    def words(cls):
        cls.certificate, key = cls.make_certificate()
        return served.PEER, f"tls:0:interface=127.0.0.1:cert={cls.certificate}:key={key}", "", cls.directory()

    def test_saves_and_gets_a_file(self):
        url = self.url("/save/file")
        self.assertEqual(self.curl("--upload-file", "-", url, data=LARGE), str(len(LARGE)).encode())
        self.assertEqual(self.curl(url), LARGE)
        self.assertEqual(self.curl("--range", "-100000", url), LARGE[-100000:])

    def curl(self, *words, data=None):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", "--cacert", self.certificate, *words, data=data)

    def url(self, path):
        return f"https://localhost:{self.port}{path}"

    def test_sends_and_reads_much(self):
        self.assertEqual(self.curl("--data-binary", "@-", self.url("/mirror"), data=LARGE), LARGE)

    def test_sends_a_large_body_after_a_100(self):
        said = self.curl("--expect100-timeout", str(PATIENCE), "--header", "Expect: 100-continue", "--data-binary", "@-",
                         "--dump-header", "-", self.url("/count"), data=LARGE)
        self.assertTrue(said.startswith(b"HTTP/1.1 100 Continue\r\n"), said)

    def test_asks_for_two_over_one_connection(self):
        said = self.curl("--write-out", " %{num_connects} ", self.url("/"), self.url("/stream/2"))
        self.assertEqual(said, b"Hello 1 line 0\nline 1\n 0 ")

    def test_leaves_midway(self):
        self.leave("curl", "--cacert", self.certificate)
        wait_for(lambda: self.curl(self.url("/left")) == b"1", PATIENCE, "its leaving was not noticed")


class CurlOverUnix(Served):
    @classmethod
    def words(cls):
        cls.socket = os.path.join(cls.directory(), "site")
        return served.PEER, "unix:" + cls.socket

    def await_server(self):
        wait_for_listener(self.socket, PATIENCE)

    def test_sends_and_reads_much(self):
        got = self.run_client("curl", "--silent", "--show-error", "--unix-socket", self.socket, "--data-binary", "@-",
                              "http://site/mirror", "--next", "--silent", "--unix-socket", self.socket, "http://site/", data=LARGE)
        self.assertEqual(got, LARGE + b"Hello")


class PythonsClient(Served):
    def setUp(self):
        super().setUp()
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def tearDown(self):
        self.connection.close()
        super().tearDown()

    def ask(self, method, path, body=None, **fields):
        self.connection.request(method, path, body=body, headers=fields)
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def test_asks_many_times(self):
        first = None
        for _ in range(100):
            self.assertEqual(self.ask("GET", "/"), (200, b"Hello"))
            first = first or self.connection.sock
            self.assertIs(self.connection.sock, first)

    def test_sends_bodies_of_both_kinds(self):
        self.assertEqual(self.ask("POST", "/echo", LARGE), (200, LARGE))
        self.assertEqual(self.ask("POST", "/echo", iter([b"one ", b"two"])), (200, b"one two"))
        self.assertEqual(self.ask("POST", "/count", iter([LARGE[:1000]] * 100)), (200, b"100000"))

    def test_a_body_that_nobody_reads_is_in_nobodys_way(self):
        self.assertEqual(self.ask("POST", "/", b"x" * 10000)[0], 405)
        self.assertEqual(self.ask("GET", "/"), (200, b"Hello"))

    def test_fields_reach_the_handler(self):
        self.assertEqual(self.ask("GET", "/field/x-strange", **{"X-Strange": "a, b"}), (200, b"a, b"))


class Bare(Served):
    def test_pipelined_requests_are_answered_in_order(self):
        requests = "".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in ("/later", "/", "/await", "/stream/1") * 20)
        requests += "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as connection:
            connection.sendall(requests.encode())
            got = b""
            while piece := connection.recv(65536):
                got += piece
        order = [word for word in (line.rsplit("\r\n", 1)[-1] for line in got.decode().split("HTTP/1.1 200 OK")) if word]
        self.assertEqual(order[:3], ["later", "Hello", "awaited"])
        self.assertEqual(got.count(b"HTTP/1.1 200 OK\r\n"), 81)


class Hello(Served):
    @classmethod
    def words(cls):
        return served.BIGHT, "hello", "--text=Good morning", "tcp:0:interface=127.0.0.1"

    def test_says_it(self):
        self.assertEqual(self.run_client("curl", "--silent", "--noproxy", "*", self.url("/")), b"Good morning\n")


if __name__ == "__main__":
    served.main()
