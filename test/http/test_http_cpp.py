#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A site that is written in C++, site.cc.

Usage: test_http_cpp.py SITE BIGHT [-k WORD] [-v]
"""
import http.client

import served
from served import PATIENCE, Served


class SiteInCpp(Served):
    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        got = answer.status, answer.read()
        connection.close()
        return got

    def test_serves(self):
        self.assertEqual(self.ask("GET", "/"), (200, b"Hello from C++"))
        self.assertEqual([self.ask("GET", "/visits")[1] for _ in range(3)], [b"1", b"2", b"3"])
        self.assertEqual(self.ask("POST", "/reversed", b"abc" * 10000), (200, b"cba" * 10000))
        self.assertEqual(self.ask("POST", "/reversed", bytes(1 << 17))[0], 413)
        self.assertEqual(self.ask("GET", "/later"), (200, b"later"))
        self.assertEqual(self.ask("GET", "/await/me"), (200, b"awaited me"))


if __name__ == "__main__":
    served.main()
