#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The example programs that are clients of HTTP, against a server of Python's.

Usage: test_http_client_examples.py EXAMPLES_BUILD_DIR
"""
import contextlib
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

from listening import wait_for_port

PROGRAMS = pathlib.Path(sys.argv[1])
PATIENCE = 30


class Api(http.server.BaseHTTPRequestHandler):
    """What clients are shown: pages that say their path, a site with links, an API that hands out a list in pages."""
    protocol_version = "HTTP/1.1"
    notes = []
    at_once, most_at_once = 0, 0
    lock = threading.Lock()

    @classmethod
    @contextlib.contextmanager
    def serving(cls):
        cls.notes, cls.most_at_once = [], 0
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), cls) as server:
            server.request_queue_size = 128
            server.socket.listen(128)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    def answer(self, text, kind="text/plain", status=200, link=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        if link is not None:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(text)

    def answer_items(self):
        """Seven of them, three a page; the first page asked for is busy once."""
        number = int(self.path.partition("page=")[2] or 1)
        if number == 2 and "busy" not in self.notes:
            self.notes.append("busy")
            self.answer(b"", status=503)
            return
        items = [{"name": f"item {n}"} for n in range(3 * number - 3, min(3 * number, 7))]
        there = "http://localhost/items" if "away" in self.path else ""
        link = f'<{there}?page={number + 1}>; rel="next"' if number < 3 else None
        self.answer(json.dumps(items).encode(), "application/json", link=link)

    def answer_site(self):
        links = "".join(f'<a href="/site/{n}">' for n in range(20)) + '<a href="/missing"><a href="mailto:a@b">'
        links = links + '<a href="http://localhost/"><a href="page">' if self.path == "/" else '<a href="/"><a href="0/more#x">'
        self.answer(links.encode(), "text/html; charset=utf-8")

    def do_GET(self):
        with self.lock:
            Api.at_once += 1
            Api.most_at_once = max(self.at_once, self.most_at_once)
        if self.path.startswith("/items"):
            self.answer_items()
        elif self.path == "/missing":
            self.answer(b"", status=404)
        elif self.path == "/" or self.path.startswith("/site/") and not self.path.endswith("more"):
            self.answer_site()
        else:
            self.answer(self.path.encode() + b"\n")
        with self.lock:
            Api.at_once -= 1

    def log_message(self, *_):
        pass


class Clients(unittest.TestCase):
    def ask(self, *words):
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=PATIENCE, text=True).stdout

    def test_five_hundred_pages_that_take_their_time(self):
        """By callbacks and by coroutines, a hundred at a time: so it takes five times as long as one of them."""
        command = [PROGRAMS / "http_sleeper", "tcp:0:interface=127.0.0.1", "0.1"]
        with subprocess.Popen(command) as server:
            url = f"http://127.0.0.1:{wait_for_port(server, PATIENCE)}"
            size = sum(len(str(number)) for number in range(500))
            for program in "http_get", "http_get_many":
                self.assertEqual(self.ask(PROGRAMS / program, url), f"500 pages, 500 found, {size} bytes\n")
            server.terminate()

    def test_http_crawl(self):
        with Api.serving() as url:
            found = self.ask(PROGRAMS / "http_crawl", url + "/site/0").splitlines()
            self.assertEqual(found[-1], "2 pages, 0 broken")  # what is not below the first is not looked at
            found = self.ask(PROGRAMS / "http_crawl", url + "/").splitlines()
            self.assertEqual(sorted(found[:-1]), [f"{url}/missing: 404"])
            self.assertEqual(found[-1], "24 pages, 1 broken")
            self.assertEqual(self.ask(PROGRAMS / "http_crawl", url + "/", "5").splitlines()[-1][:8], "5 pages,")
            self.assertLessEqual(Api.most_at_once, 2)

    def test_http_health(self):
        with Api.serving() as url, socket.create_server(("127.0.0.1", 0)) as silent:
            dumb = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            words = [PROGRAMS / "http_health", "2", url + "/", url + "/missing", dumb]
            done = subprocess.run(words, stdout=subprocess.PIPE, timeout=PATIENCE, text=True, check=False)
            found = done.stdout.splitlines()  # as they have come; who does not answer is the last
            late, missing, well = found.pop(), *sorted(found)
            self.assertRegex(well, f"^well    {url}/: [0-9]{{1,3}} ms$")
            self.assertRegex(missing, f"^unwell  {url}/missing: .*404")
            self.assertRegex(late, f"^unwell  {dumb}: .*2 s")
            self.assertEqual(done.returncode, 1)
            self.assertEqual(subprocess.run(words[:3], stdout=subprocess.PIPE, timeout=PATIENCE, check=False).returncode, 0)

    def test_http_pages(self):
        if not (PROGRAMS / "http_pages").exists():
            return  # built without jansson
        with Api.serving() as url:
            names = "".join(f"item {n}\n" for n in range(7))
            self.assertEqual(self.ask(PROGRAMS / "http_pages", url, "/items"), names + "7 in 3 pages\n")
            self.assertEqual(self.ask(PROGRAMS / "http_pages", url, "/items?away", "secret"), names[:21] + "3 in 1 pages\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
