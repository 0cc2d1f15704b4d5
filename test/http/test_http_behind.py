#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The configurations of docs/http_behind_a_proxy.md for nginx and haproxy, as they stand there but for where they listen and where
the site does.

Usage: test_http_behind.py HTTP_PEER DOCUMENT [-k WORD] [-v]
"""
import os
import pathlib
import re
import sys
import tempfile
import unittest

import proxies
import served
from listening import wait_for, wait_for_listener
from served import LARGE, PATIENCE, Served

PAGE = ""
AROUND = {
    "nginx": ("daemon off; master_process off; pid DIRECTORY/pid; error_log stderr error; events { worker_connections 64; }\n"
              "http { access_log off; client_body_temp_path DIRECTORY/body; proxy_temp_path DIRECTORY/proxy;\n"
              "fastcgi_temp_path DIRECTORY/fastcgi; uwsgi_temp_path DIRECTORY/uwsgi; scgi_temp_path DIRECTORY/scgi;\n", "}\n"),
    "haproxy": ("global\n    maxconn 100\n", ""),
}
CHANGES = {
    "nginx": {"listen 80;": "listen unix:DIRECTORY/front;", "/run/site/site.sock": "BEHIND", "/events/": "/stream/", "/uploads/": "/echo"},
    "haproxy": {"bind :80\n": "bind unix@DIRECTORY/front\n", "/run/site/site.sock": "BEHIND"},
}


def configuration(name):
    block = re.search(f"```{name}\n(.*?)```", PAGE, re.DOTALL)[1]
    for old, new in CHANGES[name].items():
        assert block.count(old) == 1, f"{old} is not there once"
        block = block.replace(old, new)
    before, behind = AROUND[name]
    return before + block + behind


class Documented(Served):
    KIND = None

    @classmethod
    def words(cls):
        cls.socket = os.path.join(cls.directory(), "site")
        return served.PEER, "unix:" + cls.socket

    def await_server(self):
        wait_for_listener(self.socket, PATIENCE)
        kind = type("Documented", (self.KIND,), {"CONFIGURATION": configuration(self.KIND.NAME)})
        directory = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(directory.cleanup)
        self.proxy = kind(directory.name, self.socket)

    def tearDown(self):
        said = self.proxy.stop()
        super().tearDown()
        self.assertEqual(self.proxy.process.returncode, 0, said)

    def curl(self, *words, data=None):
        return self.run_client("curl", "--silent", "--show-error", "--unix-socket", self.proxy.socket, *words, data=data)

    def url(self, path):
        return "http://site.example" + path


class Everything:
    """What has to work behind either."""

    def test_pages(self):
        self.assertEqual(self.curl(self.url("/"), self.url("/later"), self.url("/await")), b"Hellolaterawaited")

    def test_the_host_is_the_clients(self):
        self.assertEqual(self.curl(self.url("/field/host")), b"site.example")

    def test_what_a_client_says_of_itself_is_replaced(self):
        lie = ("--header", "X-Forwarded-For: 192.0.2.1", "--header", "X-Forwarded-Proto: https")
        self.assertNotIn(b"192.0.2.1", self.curl(*lie, self.url("/field/x-forwarded-for")))
        self.assertEqual(self.curl(*lie, self.url("/field/x-forwarded-proto")), b"http")

    def test_bodies_both_ways(self):
        self.assertEqual(self.curl("--data-binary", "@-", self.url("/echo"), data=LARGE), LARGE)
        chunked = ("--header", "Transfer-Encoding: chunked", "--data-binary", "@-")
        self.assertEqual(self.curl(*chunked, self.url("/echo"), data=LARGE), LARGE)

    def test_streams(self):
        self.assertEqual(self.curl(self.url("/stream/1000")).count(b"\n"), 1000)

    def test_a_client_that_leaves_is_noticed(self):
        self.leave("curl", "--unix-socket", self.proxy.socket)
        wait_for(lambda: self.curl(self.url("/left")) == b"1", PATIENCE, "its leaving was not noticed")

    def test_a_failure_is_the_sites(self):
        self.assertIn(b"not for you", self.curl(self.url("/fail")))


class Nginx(Everything, Documented):
    KIND = proxies.Nginx


class Haproxy(Everything, Documented):
    KIND = proxies.Haproxy


if __name__ == "__main__":
    served.PEER = sys.argv[1]
    PAGE = pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:])
