#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The middleware that bight provides, with curl and Chromium: what they are told, what they are let do, and what the log says.

Usage: test_http_middleware.py HTTP_MIDDLE BIGHT [-k WORD] [-v]
"""
import os
import pathlib
import re
import signal
import subprocess

import served
from listening import wait_for, wait_for_port
from served import Browsed, make_sure_of_the_end, PATIENCE, Served

CLIENTS = pathlib.Path(__file__).parent / "clients"
COMBINED = re.compile(r'(\S+) - (\S+) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\x[0-9A-F]{2})*)" '
                      r'(\d{3}) (\d+) "((?:[^"\\]|\\x[0-9A-F]{2})*)" "((?:[^"\\]|\\x[0-9A-F]{2})*)" ([0-9a-f]{32})$')


class Middle(Served):
    ORIGIN = "https://app.example.org"

    @classmethod
    def words(cls):
        cls.place = cls.directory()
        cls.log, users = os.path.join(cls.place, "log"), os.path.join(cls.place, "users")
        with open(users, "wb") as file:
            subprocess.run([served.BIGHT, "password", "ada"], input=b"open sesame\n", stdout=file, check=True)
        return cls.words_for(cls.log, cls.ORIGIN)

    @classmethod
    def words_for(cls, log, origin):
        users = os.path.join(cls.place, "users")
        return served.PEER, "tcp:0:interface=127.0.0.1", log, users, CLIENTS / "cors.html", origin

    def setUp(self):
        pathlib.Path(self.log).unlink(missing_ok=True)
        super().setUp()

    def lines(self, log=None):
        path = pathlib.Path(log or self.log)
        return path.read_text().splitlines() if path.exists() else []

    def await_lines(self, count, log=None):
        """The fields of so many lines."""
        wait_for(lambda: len(self.lines(log)) >= count, PATIENCE, "the log does not say it")
        found = [COMBINED.match(line) for line in self.lines(log)]
        self.assertTrue(all(found), self.lines(log))
        return [match.groups() for match in found]


class Curl(Middle):
    def curl(self, path, *words):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", *words, self.url(path)).decode()

    def status(self, path, *words):
        return int(self.curl(path, "--output", os.devnull, "--write-out", "%{http_code}", *words))

    def test_the_log_is_combined(self):
        self.curl("/?a=b", "--user-agent", 'a"\\\t\xe4', "--referer", "https://a.example/")
        self.curl("/nowhere", "--header", "X-Forwarded-For: 192.0.2.7")
        lines = self.await_lines(2)
        self.assertEqual(lines[0][:2] + lines[0][3:8], ("127.0.0.1", "-", "GET /?a=b HTTP/1.1", "200", "3", "https://a.example/",
                                                        "a\\x22\\x5C\\x09\\xC3\\xA4"))
        self.assertEqual((lines[1][0], lines[1][4]), ("192.0.2.7", "404"))

    def test_the_log_is_opened_again(self):
        self.curl("/")
        self.await_lines(1)
        os.rename(self.log, self.log + ".1")
        self.server.send_signal(signal.SIGUSR1)
        wait_for(lambda: os.path.exists(self.log), PATIENCE, "it is not opened again")
        self.curl("/")
        self.await_lines(1)
        self.assertEqual(len(self.lines(self.log + ".1")), 1)

    def test_the_fields(self):
        head = self.curl("/", "--head").lower()
        for field in ("x-content-type-options: nosniff", "x-frame-options: deny", "vary: origin", "referrer-policy: "):
            self.assertIn(field, head)
        self.assertRegex(head, "x-request-id: [0-9a-f]{32}\r\n")
        self.assertNotIn("strict-transport", head)

    def test_the_client_is_the_one_that_the_proxy_names(self):
        self.assertRegex(self.curl("/client"), r"^127\.0\.0\.1:\d+ http [0-9a-f]{32}$")
        self.assertRegex(self.curl("/client", "--header", "X-Forwarded-For: 203.0.113.9, 192.0.2.7", "--header",
                                   "X-Forwarded-Proto: https"), r"^192\.0\.2\.7:0 https ")

    def test_users(self):
        self.assertEqual(self.status("/private/"), 401)
        self.assertEqual(self.status("/private/", "--user", "ada:sesame"), 401)
        self.assertEqual(self.status("/private/", "--user", "eve:open sesame"), 401)
        self.assertEqual(self.curl("/private/", "--user", "ada:open sesame"), "ada")
        self.assertEqual(self.curl("/private/", "--anyauth", "--user", "ada:open sesame"), "ada")
        self.assertEqual({line[1] for line in self.await_lines(5)}, {"-", "ada"})
        self.assertNotIn("sesame", pathlib.Path(self.log).read_text())

    def test_one_that_asks_too_often(self):
        found = self.run_client("curl", "--silent", "--noproxy", "*", "--output", os.devnull, "--write-out", "%{http_code}\n",
                                "--header", "X-Forwarded-For: 192.0.2.8", self.url("/?[1-120]")).decode().split()
        self.assertGreaterEqual(found.count("200"), 100)
        self.assertGreater(found.count("429"), 0)
        self.assertEqual(self.status("/", "--header", "X-Forwarded-For: 192.0.2.9"), 200)

    def test_a_preflight(self):
        head = self.curl("/", "--head", "--request", "OPTIONS", "--header", "Origin: " + self.ORIGIN, "--header",
                         "Access-Control-Request-Method: PUT")
        self.assertIn("HTTP/1.1 204 ", head)
        self.assertIn("Access-Control-Allow-Origin: " + self.ORIGIN, head)
        self.assertEqual(self.status("/", "--data", "a=b", "--header", "Origin: https://evil.example"), 403)
        self.assertEqual(self.status("/", "--data", "a=b", "--header", "Origin: " + self.ORIGIN), 200)
        self.assertEqual(self.status("/", "--data", "a=b"), 200)


class Chromium(Middle, Browsed):
    def serve_another(self, origin):
        """A second site, which lists the origin: its port."""
        other = subprocess.Popen(self.words_for(os.path.join(self.place, "other"), origin), stderr=subprocess.PIPE)
        self.addCleanup(make_sure_of_the_end, other)
        self.other = other
        return wait_for_port(other, PATIENCE)

    def test_what_a_page_may_do_elsewhere(self):
        listed = f"http://127.0.0.1:{self.serve_another(f'http://127.0.0.1:{self.port}')}"
        other = f"http://localhost:{self.port}"
        said = self.said_in(f"/page?listed={listed}&other={other}")
        self.assertEqual(said, [
            ["basic", 200, "42", "POST"],
            ["cors", 200, "42", "GET"],
            ["cors", 200, "42", "PUT"],
            ["cors", 200, "42", "POST"],
            "TypeError",
            "TypeError",
            "TypeError",
            "TypeError",
            ["opaque", 0, None, ""],
        ])
        at_other = [(line[3].split()[0], line[4]) for line in self.await_lines(6) if " / " in line[3]]
        self.assertEqual(at_other, [("POST", "200"), ("GET", "200"), ("OPTIONS", "204"), ("POST", "403")])
        self.other.terminate()
        self.other.communicate(timeout=PATIENCE)
        at_listed = [(line[3].split()[0], line[4]) for line in self.await_lines(6, os.path.join(self.place, "other"))]
        self.assertEqual(at_listed, [("GET", "200"), ("OPTIONS", "204"), ("PUT", "200"), ("POST", "200"), ("OPTIONS", "204"),
                                     ("OPTIONS", "204")])


if __name__ == "__main__":
    served.main()
