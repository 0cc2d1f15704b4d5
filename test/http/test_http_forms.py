#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forms and cookies of clients that are not bight's: curl, Python's urllib, node's fetch.

Usage: test_http_forms.py HTTP_FORMS_PEER BIGHT [-k WORD] [-v]
"""
import os
import unittest
import urllib.parse
import urllib.request

import served
from served import LARGE, Served


class Forms(Served):
    @classmethod
    def words(cls):
        cls.uploads = cls.directory()
        cls.files = cls.directory()
        return served.PEER, "tcp:0:interface=127.0.0.1", cls.uploads

    def write(self, name, data):
        path = os.path.join(self.files, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def curl(self, *words):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", *words)

    def said(self, answer):
        """[kind, text, ...] of each line."""
        lines = [line.split(" ") for line in answer.decode().splitlines()]
        return [[line[0], *(bytes.fromhex(word) for word in line[1:4])] + line[4:] for line in lines]

    def saved(self, number):
        with open(os.path.join(self.uploads, str(number)), "rb") as file:
            return file.read()


class CurlForms(Forms):
    def test_urlencoded(self):
        said = self.curl("--data-urlencode", "a=x y&z=\u00e9%", "--data-urlencode", "a=\n\0\x7f".replace("\0", ""), "--data", "b&c=%00",
                         self.url("/form"))
        self.assertEqual(self.said(said), [["field", b"a", "x y&z=\u00e9%".encode()], ["field", b"a", b"\n\x7f"],
                                           ["field", b"b", b""], ["field", b"c", b"\0"]])

    def test_multipart(self):
        path = self.write("large.bin", LARGE)
        said = self.curl("-F", "a=1", "-F", "f=@" + path, "-F", "b=--\r\n--", "-F", "g=@-;filename=../../etc/pass\twd;type=text/x",
                         "-F", "e=@/dev/null;filename=empty", self.url("/form"))
        self.assertEqual(self.said(said), [
            ["field", b"a", b"1"], ["field", b"b", b"--\r\n--"],
            ["file", b"f", b"large.bin", b"application/octet-stream", str(len(LARGE))],
            ["file", b"g", b"passwd", b"text/x", "0"],
            ["file", b"e", b"empty", b"application/octet-stream", "0"]])
        self.assertEqual(self.saved(0), LARGE)
        self.assertEqual(self.saved(1), b"")
        self.assertEqual(sorted(os.listdir(self.uploads)), ["0", "1", "2"])

    def test_escapes_of_either_kind(self):
        path = self.write("x", b"x")
        for words, name in ([], b"a%22b\\c"), (["--form-escape"], b'a"b\\c'):
            said = self.curl(*words, "-F", f'f=@{path};filename="a\\"b\\\\c"', self.url("/form"))
            self.assertEqual(self.said(said)[0][2], name.rpartition(b"\\")[2])

    def test_chunked(self):
        path = self.write("large.bin", LARGE)
        said = self.curl("-H", "Transfer-Encoding: chunked", "-F", "f=@" + path, self.url("/form"))
        self.assertEqual(self.said(said)[0][4], str(len(LARGE)))
        self.assertEqual(self.saved(0), LARGE)

    def test_what_is_no_form(self):
        said = self.curl("-H", "Content-Type: text/plain", "--data", "a=1", "--write-out", " %{http_code}", self.url("/form"))
        self.assertTrue(said.endswith(b" 415"), said)
        said = self.curl("-H", "Content-Type: multipart/form-data; boundary=b", "--data", "--b\r\n", "--write-out", " %{http_code}",
                         self.url("/form"))
        self.assertTrue(said.endswith(b" 400"), said)

    def test_cookies_come_back(self):
        jar = os.path.join(self.files, "jar")
        self.curl("--cookie-jar", jar, self.url("/cookies?theme=dark&size=7"))
        said = self.curl("--cookie", jar, self.url("/cookies"))
        self.assertEqual(sorted(said.split()), [b"size=7", b"theme=dark"])


class PythonForms(Forms):
    def test_urlencoded(self):
        fields = [("a", "1"), ("a", "\u20ac &=+%"), ("b", ""), ("", "x"), ("c", "".join(map(chr, range(256))))]
        data = urllib.parse.urlencode(fields).encode()
        with urllib.request.urlopen(self.url("/form"), data) as answer:
            said = self.said(answer.read())
        self.assertEqual(said, [["field", name.encode(), value.encode()] for name, value in fields])


class NodeForms(Forms):
    SCRIPT = """
        const form = new FormData();
        form.append("a", "x\\ny");
        form.append('na"me', "\\u20ac");
        form.append("f", new Blob(["bytes"], { type: "text/x" }), 'di"r/la\\\\bel');
        fetch(process.argv[1], { method: "POST", body: form }).then(a => a.text()).then(t => process.stdout.write(t));
    """

    def test_multipart_as_browsers_send_it(self):
        said = self.run_client("node", "--no-warnings", "-e", self.SCRIPT, self.url("/form"))
        self.assertEqual(self.said(said), [["field", b"a", b"x\r\ny"], ["field", b"na%22me", "\u20ac".encode()],
                                           ["file", b"f", b"bel", b"text/x", "5"]])
        self.assertEqual(self.saved(0), b"bytes")


if __name__ == "__main__":
    served.main()
