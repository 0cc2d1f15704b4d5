#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compressed answers of bight's, read by programs that are not: curl, Python's gzip, Chromium.

Usage: test_http_compression.py HTTP_COMPRESSION BIGHT [-k WORD] [-v]
"""
import gzip
import http.client
import os
import pathlib
import re
import shutil
import zlib

import served
from served import PATIENCE, Served


class Compression(Served):
    @classmethod
    def words(cls):
        cls.file = pathlib.Path(cls.directory()) / "large.txt"
        cls.file.write_text("".join(f"{number} {number * 2654435761 % 4294967296:x}\n" for number in range(100000)))
        return served.PEER, "tcp:0:interface=127.0.0.1", cls.file

    def ask(self, path, method="GET", **fields):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in fields.items()})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response, body

    def test_python_reads_what_is_sent_whole(self):
        response, body = self.ask("/report", Accept_Encoding="gzip")
        plain, text = self.ask("/report")
        self.assertEqual(response.getheader("Content-Encoding"), "gzip")
        self.assertEqual(response.getheader("ETag"), 'W/"500"')
        self.assertEqual(plain.getheader("ETag"), '"500"')
        self.assertEqual(gzip.decompress(body), text)
        self.assertLess(len(body) * 4, len(text))

    def test_python_reads_a_file(self):
        response, body = self.ask("/file", Accept_Encoding="gzip")
        self.assertEqual(response.getheader("Transfer-Encoding"), "chunked")
        self.assertEqual(gzip.decompress(body), self.file.read_bytes())
        head, nothing = self.ask("/file", method="HEAD", Accept_Encoding="gzip")
        self.assertEqual((head.getheader("Content-Encoding"), nothing), ("gzip", b""))

    def test_python_reads_a_stream_flush_by_flush(self):
        _, body = self.ask("/log", Accept_Encoding="gzip")
        self.assertEqual(gzip.decompress(body), b"line 1\nline 2\nline 3\n")
        self.assertEqual(body.count(b"\0\0\xff\xff"), 3)
        self.assertEqual(zlib.decompressobj(31).decompress(body[:body.index(b"\0\0\xff\xff") + 4]), b"line 1\n")

    def test_a_tag_leads_to_304(self):
        _, body = self.ask("/file", Accept_Encoding="gzip")
        response, _ = self.ask("/file", method="HEAD", Accept_Encoding="gzip")
        tag = response.getheader("ETag")
        self.assertTrue(tag.startswith("W/"), tag)
        response, body = self.ask("/file", Accept_Encoding="gzip", If_None_Match=tag)
        self.assertEqual((response.status, response.getheader("ETag"), body), (304, tag, b""))

    def test_curl(self):
        words = "curl", "--silent", "--fail", "--noproxy", "*", "--compressed"
        for path, expected in ("/log", b"line 1\nline 2\nline 3\n"), ("/file", self.file.read_bytes()):
            self.assertEqual(self.run_client(*words, self.url(path)), expected)
        counted = self.run_client(*words, "--output", os.devnull, "--write-out", "%{size_download}", self.url("/file"))
        self.assertLess(int(counted), self.file.stat().st_size)
        self.assertIn(b"Content-Encoding: gzip", self.run_client(*words, "--head", self.url("/report")))
        self.assertNotIn(b"Encoding", self.run_client(*words, "--head", self.url("/form?name=x")))

    def test_chromium(self):
        shown = self.run_client(shutil.which("chromium") or "chromium-browser", "--headless", "--disable-gpu", "--no-first-run",
                                "--disable-dev-shm-usage", "--no-proxy-server", "--disable-background-networking",
                                "--disable-component-update", "--user-data-dir=" + self.directory(), "--dump-dom",
                                *(["--no-sandbox"] if os.geteuid() == 0 else []), self.url("/log"))
        self.assertRegex(shown.decode(), re.compile("line 1\nline 2\nline 3"))


if __name__ == "__main__":
    served.main()
