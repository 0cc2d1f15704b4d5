#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documented programs do what the pages say, and the pages show what the programs are.

Usage: test_examples.py EXAMPLES_BUILD_DIR SOURCE_ROOT

Every piece of C in README.md and docs/*.md stands, line by line, in a program of docs/examples; every link to a file of
the project leads somewhere.
"""
import gzip
import http.server
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

from listening import port_of, wait_for, wait_for_listener, wait_for_port

PROGRAMS = pathlib.Path(sys.argv[1])
ROOT = pathlib.Path(sys.argv[2])
PATIENCE = 30


def plain(text):
    """Without indentation and empty lines, which differ between a page and a program."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def sections(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


class Pages(unittest.TestCase):
    def pages(self):
        return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

    def test_every_piece_of_code_is_from_a_program(self):
        programs = [plain(path.read_text()) for path in (ROOT / "docs/examples").glob("*.[ch]")]
        pieces = [(page.name, piece) for page in self.pages()
                  for piece in re.findall(r"^```c\n(.*?)^```", page.read_text(), re.S | re.M)]
        self.assertGreater(len(pieces), 5)
        for page, piece in pieces:
            self.assertTrue(any(plain(piece) in program for program in programs), f"{page} shows:\n{piece}")

    def test_every_link_leads_somewhere(self):
        for page in [*self.pages(), ROOT / "CONTRIBUTING.md"]:
            for link, section in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", page.read_text()):
                target = page.parent / link if link else page
                self.assertTrue(target.exists(), f"{page.name} links to {link}")
                self.assertTrue(not section or section in sections(target), f"{page.name} links to {link}#{section}")

    def test_every_page_is_a_step_away(self):
        for page in [ROOT / "README.md", ROOT / "docs/guide.md"]:
            linked = {pathlib.Path(link).name for link in re.findall(r"\]\(([^)#:]+)", page.read_text())}
            pages = {other.name for other in (ROOT / "docs").glob("*.md") if other != page}
            self.assertEqual(pages - linked, set(), f"{page.name} does not lead there")

    def test_every_page_says_where_to_go_next(self):
        for page in self.pages():
            if page.name != "README.md":
                links = re.search(r"\n## Where to go next\n\n((?:- .*\n)+)$", page.read_text())
                self.assertTrue(links and 2 <= links[1].count("\n") <= 4, page.name)

    def test_every_picture_is_shown(self):
        shown = {link for page in self.pages() for link in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text())}
        self.assertEqual(shown, {f"pictures/{path.name}" for path in (ROOT / "docs/pictures").iterdir()})

    def test_every_name_is_declared(self):
        sources = [*(ROOT / "include/bight").rglob("*.h"), ROOT / "apps/install.sh"]
        headers = "\n".join(path.read_text() for path in sources)
        declared = set(re.findall(r"\b[A-Za-z]\w+", headers))
        for page in self.pages():
            if page.name != "design.md":  # which tells of the inside
                for name in re.findall(r"`(bight_\w+|BIGHT_[A-Z_]+)", page.read_text()):
                    self.assertTrue(name in declared, f"{page.name} names {name}")


class Server:
    def __init__(self, name, *words, **options):
        self.name = name
        self.words = words
        self.options = options

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.directory.name, "socket")
        self.process = subprocess.Popen([PROGRAMS / self.name, "unix:" + self.path, *self.words], **self.options)
        wait_for_listener(self.path, PATIENCE)
        return self

    def __exit__(self, kind, value, trace):
        self.process.send_signal(signal.SIGTERM)
        self.status = self.process.wait(PATIENCE)
        self.directory.cleanup()

    def converse(self, data):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(self.path)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: sock.recv(65536), b""))


class Page(socketserver.StreamRequestHandler):
    """What the site of the guide's crawler answers; to /slow nothing before the client gives up."""

    def handle(self):
        path = self.rfile.readline().split()[1]
        self.rfile.readline()
        if path == b"/slow":
            self.rfile.read(1)
        else:
            size = {b"/small": 5, b"/large": 100000}[path]
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * size)


class Site(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    def handle_error(self, request, client_address):
        """The client that gives up resets."""


class FlakyPage(socketserver.StreamRequestHandler):
    """The site of the scraper: /late answers 503 twice before it answers, /missing is not there, /dead is never well."""

    def handle(self):
        path = self.rfile.readline().split()[1].decode()
        self.rfile.readline()
        with self.server.lock:
            self.server.asked[path] = self.server.asked.get(path, 0) + 1
            is_well = path != "/dead" and (path != "/late" or self.server.asked[path] > 2)
            status = "404 Not Found" if path == "/missing" else "200 OK" if is_well else "503 Service Unavailable"
        self.wfile.write(f"HTTP/1.0 {status}\r\n\r\n".encode())


class Shown(unittest.TestCase):
    """The programs of docs/http*.md answer what the pages show."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def curl(self, server, words):
        """What curl prints, but for the date, in whole lines."""
        words = shlex.split(words.replace("localhost:8888", "http://localhost"))
        done = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), "--unix-socket", server.path, *words],
                              cwd=self.directory, capture_output=True, timeout=2 * PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        said = re.sub("^Date: .*$", "Date: ...", done.stdout.replace("\r", ""), flags=re.M)
        return said if said.endswith("\n") or not said else said + "\n"

    def listen(self, server, target, fields=""):
        """A file with the body of an answer that does not end: its head has come."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(server.path)
            sock.sendall(f"GET {target} HTTP/1.0\r\n{fields}\r\n".encode())
            body = sock.makefile(encoding="utf-8", newline="\n")
        self.addCleanup(body.close)
        self.assertEqual(body.readline(), "HTTP/1.1 200 OK\r\n")
        while body.readline() != "\r\n":
            pass
        return body

    def check_shown(self, server, target, page="http"):
        """As the page asks, at targets that match, in its order."""
        page = (ROOT / f"docs/{page}.md").read_text()
        shown = re.findall(r"^    \$ curl (.*)\n((?:    (?!\$ ).*\n|\n(?=    [^$\n]))*)", page, re.M)
        shown = [(words, answer) for words, answer in shown if re.search(f"localhost:8888{target}$", words)]
        self.assertGreater(len(shown), 0)
        for words, answer in shown:
            self.assertEqual(self.curl(server, words), re.sub("^    ", "", answer, flags=re.M), words)


class Web(Shown):
    def test_serving(self):
        with tempfile.TemporaryDirectory() as directory:
            room, page = os.path.join(directory, "room"), os.path.join(directory, "page")
            with Server("serving", "unix:" + room, "unix:" + page) as server:
                self.assertEqual(server.converse(b"hello"), b"hello")
                for path, expected in (room, b"^welcome\\n$"), (page, b"^port .*socket: 0 connections\\n"):
                    wait_for_listener(path, PATIENCE)
                    with socket.socket(socket.AF_UNIX) as sock:
                        sock.settimeout(PATIENCE)
                        sock.connect(path)
                        self.assertRegex(b"".join(iter(lambda: sock.recv(65536), b"")), expected)
            self.assertEqual(server.status, 0)

    def test_hello(self):
        with Server("http_hello") as server:
            self.check_shown(server, "/")
        self.assertEqual(server.status, 0)

    def ask(self, *words):
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=PATIENCE, text=True).stdout

    def test_http_client(self):
        class Pages(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            notes = []

            def answer(self, text):
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_GET(self):
                self.answer(self.path.encode() + b"\n")

            def do_POST(self):
                form = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(b"%d parts" % form.count(b"Content-Disposition: form-data; name="))

            def do_PUT(self):
                if self.headers["Transfer-Encoding"] == "chunked":
                    self.answer(self.chunks())
                    return
                self.notes.append((self.headers["Authorization"], self.rfile.read(int(self.headers["Content-Length"]))))
                self.answer(b"")

            def chunks(self):
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
            server.request_queue_size = 128
            server.socket.listen(128)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            size = sum(len(f"/pages/{n}\n") for n in range(500))
            self.assertEqual(self.ask(PROGRAMS / "http_get", url), f"500 pages, 500 found, {size} bytes\n")
            self.assertEqual(self.ask(PROGRAMS / "http_get_await", url + "/a"), f"{url}/a: 200, text/plain\n/a\n")
            lines = sum(len(f"line {n}\n") for n in range(1000))
            self.assertEqual(self.ask(PROGRAMS / "http_send", url, __file__), f"200, 7 bytes\n200, {lines} bytes\n")
            with tempfile.TemporaryDirectory() as directory:
                path = pathlib.Path(directory) / "page"
                self.assertEqual(self.ask(PROGRAMS / "http_download", url + "/page", path), "6 bytes\n")
                self.assertEqual(path.read_bytes(), b"/page\n")
            self.assertEqual(Pages.notes, [("Bearer a secret", b"Buy milk.\n")])
            millis = r"[0-9.]+ ms"
            line = (f"GET {re.escape(url)}/{{}}: 200 from {re.escape(url[7:])}{{}}; name {millis}, connect {millis}, "
                    f"TLS 0.0 ms, wait {millis}, body {millis}\n")
            self.assertRegex(self.ask(PROGRAMS / "http_times", url + "/a", url + "/b"),
                             f"^{line.format('a', '')}{line.format('b', ' .kept.')}$")
            refused = subprocess.run([PROGRAMS / "http_strangers", url], stderr=subprocess.PIPE, text=True)
            self.assertIn(f"{url[7:]}: not allowed by the program", refused.stderr)
            server.shutdown()

    def test_cookies(self):
        class Site(http.server.BaseHTTPRequestHandler):
            cookies = []

            def do_GET(self):
                self.cookies.append(self.headers["Cookie"])
                self.send_response(200)
                for cookie in ("id=1; Path=/; Max-Age=1000; HttpOnly", "deep=2; Path=/x; Max-Age=1000", "gone=3"):
                    self.send_header("Set-Cookie", cookie)
                self.end_headers()

            def log_message(self, *_):
                pass

        with tempfile.TemporaryDirectory() as directory, http.server.HTTPServer(("127.0.0.1", 0), Site) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            url, jar = f"http://127.0.0.1:{server.server_port}", os.path.join(directory, "jar")
            ours = (PROGRAMS / "http_cookies", url + "/x/y", jar)
            self.assertEqual(self.ask(*ours), "theme=dark for 127.0.0.1/\nid=1 for 127.0.0.1/\ndeep=2 for 127.0.0.1/x\n"
                                              "gone=3 for 127.0.0.1/x\n")
            self.ask(*ours)
            self.ask("curl", "-fsS", "-b", jar, "-c", jar, url + "/x/y")  # reads ours, and writes its own
            self.ask(*ours)
            self.ask("wget", "-qO-", "--load-cookies", jar, "--save-cookies", jar, url + "/x/y")
            self.ask(*ours)
            server.shutdown()
        first, kept = "theme=dark", [sorted(sent.split("; ")) for sent in Site.cookies[1:]]
        self.assertEqual(Site.cookies[0], first)
        for_wget = [sorted(sent.split("; ")) for sent in Site.cookies[4:5]]
        self.assertIn(for_wget, ([["deep=2"]], [["deep=2", "id=1"]]))  # to most of its releases #HttpOnly_ is a comment
        self.assertEqual(kept, [["deep=2", "id=1", first], ["deep=2", "id=1"], ["deep=2", "gone=3", "id=1", first],
                                *for_wget, ["deep=2", "id=1", first]])

    def test_chat(self):
        with Server("http_chat") as server:
            self.assertIn("EventSource", self.curl(server, "localhost:8888/"))
            listener = self.listen(server, "/events")
            self.check_shown(server, "/say", "http_events")
            self.assertEqual(self.curl(server, "-d text=hello localhost:8888/say"),
                             "400 Bad Request\na form with a name and a text, please\n")
            self.assertEqual([listener.readline() for _ in range(2)], ["data: Ann: anybody here?\n", "\n"])
        self.assertEqual(listener.read(), "")
        self.assertEqual(server.status, 0)

    def test_hub(self):
        with Server("http_hub") as server:
            listener = self.listen(server, "/rooms/lobby")
            first = self.curl(server, "-X POST localhost:8888/rooms/lobby?text=hello").strip()
            self.assertRegex(first, "^[0-9a-f]{16}-1$")
            heard = [listener.readline() for _ in range(3)]
            self.assertEqual(heard, [f"id: {first}\n", "data: hello\n", "\n"])
            self.curl(server, "-X POST localhost:8888/rooms/lobby?text=%22again%22")
            epoch = first[:-1]
            self.assertEqual(json.loads(self.curl(server, f"localhost:8888/rooms/lobby/poll?after={first}")),
                             {"id": epoch + "2", "gap": False, "messages": [{"id": epoch + "2", "text": '"again"'}]})
            late = self.listen(server, "/rooms/lobby", f"Last-Event-ID: {first}\r\n")
            self.assertEqual(late.readline(), f"id: {epoch}2\n")
            other = self.listen(server, "/rooms/lobby", "Last-Event-ID: another-7\r\n")
            self.assertEqual([other.readline() for _ in range(2)], [f"id: {epoch}0\n", "event: gap\n"])
            self.assertIn("404", self.curl(server, "localhost:8888/rooms/%01"))
        self.assertEqual(server.status, 0)

    def test_events(self):
        with Server("http_events") as server:
            self.assertIn("EventSource", self.curl(server, "localhost:8888/"))
            clock, prices = self.listen(server, "/clock"), self.listen(server, "/prices")
            for _ in range(2):
                self.assertRegex(clock.readline(), r"^data: \d\d:\d\d:\d\d\n$")
                self.assertEqual(clock.readline(), "\n")
            self.assertEqual([prices.readline() for _ in range(2)], ["retry: 1000\n", "\n"])
            self.assertRegex(prices.readline(), "^id: [12]\n$")
            late = self.listen(server, "/prices", "Last-Event-ID: 1\r\n")
            page = (ROOT / "docs/http_events.md").read_text()
            shown = re.search(r"Last-Event-ID: 1' localhost:8888/prices\n((?:    .*\n|\n)*?)    \.\.\.", page)[1]
            for line in re.sub("^    ", "", shown, flags=re.M).splitlines(keepends=True):
                self.assertEqual(late.readline(), line)
        for stream in prices, late:
            self.assertTrue(stream.read().endswith("\n\n"))
        self.assertEqual(server.status, 0)

    def test_websocket(self):
        head = (b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        with Server("ws_echo") as server:
            said = server.converse(head + b"\x81\x85\x01\x02\x03\x04\x69\x67\x6f\x68\x6e")
        self.assertTrue(said.startswith(b"HTTP/1.1 101 "))
        self.assertTrue(said.endswith(b"\r\n\r\n\x81\x05hello"))
        self.assertEqual(server.status, 0)

    def test_middleware(self):
        with Server("http_middleware", stderr=subprocess.PIPE) as server:
            self.check_shown(server, "/inside/", "http_middleware")
            self.assertEqual(self.curl(server, "-H 'X-Forwarded-For: 192.0.2.7' localhost:8888/"), "anybody\n")
        with server.process.stderr as said:
            lines = [json.loads(line) for line in said.read().splitlines() if line.startswith(b"{")]
        self.assertEqual([line["status"] for line in lines], [401, 200, 200])
        self.assertEqual([line["address"] for line in lines], ["unix:", "unix:", "192.0.2.7"])
        self.assertEqual(server.status, 0)

    def test_mounts(self):
        with Server("http_mounts") as server:
            self.check_shown(server, "/shop/items/7", "http_routes")
            for words in ("localhost:8888/inside/metrics", "-H 'Host: inside.example.org' localhost:8888/metrics"):
                self.assertIn("# TYPE bight_http_requests_total counter", self.curl(server, words))
            self.assertIn("404", self.curl(server, "localhost:8888/metrics"))
        self.assertEqual(server.status, 0)

    def test_forms(self):
        picture = self.directory / "picture.raw"
        picture.write_bytes(os.urandom(1 << 20) * 3)
        uploads = self.directory / "uploads"
        uploads.mkdir()
        with Server("http_forms", uploads) as server:
            self.check_shown(server, ".*", "http_forms")
            self.assertEqual(os.listdir(uploads), ["photo-1"])
            self.assertEqual((uploads / "photo-1").read_bytes(), picture.read_bytes())
            self.assertIn("400 Bad Request", self.curl(server, "-F other=1 localhost:8888/photos"))
            self.assertIn("400 Bad Request", self.curl(server, "-X POST localhost:8888/theme/a%20b"))
            self.assertIn("Max-Age=0", self.curl(server, "-i -X DELETE localhost:8888/theme"))
        self.assertEqual(server.status, 0)

    def test_files(self):
        pages, downloads = self.directory / "pages", self.directory / "downloads"
        for path, content in ((pages / "index.html", "<p>page"), (downloads / "a.log", "1\n")):
            path.parent.mkdir()
            path.write_text(content)
            os.utime(path, (1_000_000_000, 1_000_000_000))
        with Server("http_files", pages, downloads) as server:
            self.check_shown(server, "/downloads/", "http_files")
            self.assertEqual(self.curl(server, "localhost:8888/api/greeting"), "hello\n")
            self.assertEqual(self.curl(server, "-H 'Accept: text/html' localhost:8888/users/7"), "<p>page\n")
            self.assertIn("Content-Type: text/plain; charset=utf-8", self.curl(server, "-i localhost:8888/downloads/a.log"))
        self.assertEqual(server.status, 0)

    def test_upload(self):
        picture = self.directory / "picture.raw"
        picture.write_bytes(os.urandom(1 << 20) * 3)
        uploads = self.directory / "uploads"
        uploads.mkdir()
        (uploads / "notes.txt").write_text("Dear\nreader\n")
        with Server("http_upload", uploads, stdout=subprocess.PIPE) as server, server.process.stdout as told:
            self.check_shown(server, "/uploads/picture.raw", "http_bodies")
            self.assertEqual(told.readline(), b"picture.raw: 3145728 bytes\n")
            self.assertEqual(told.readline(), b"picture.raw: 0 bytes, and then no more\n")
            self.check_shown(server, "/uploads/notes.txt", "http_answers")
            with socket.socket(socket.AF_UNIX) as leaver:
                leaver.connect(server.path)
                leaver.sendall(b"PUT /uploads/half HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400)
                wait_for(lambda: "400" in self.curl(server, "localhost:8888/uploads"), PATIENCE, "nothing is taken")
                self.check_shown(server, "/uploads", "http_bodies")
                self.assertEqual(len(os.listdir(uploads)), 3)
            self.assertEqual(told.readline(), b"half: 400 bytes, and then no more\n")
            wait_for(lambda: len(os.listdir(uploads)) == 2, PATIENCE, "the draft stays")
            self.assertEqual((uploads / "picture.raw").read_bytes(), picture.read_bytes())
        self.assertEqual(server.status, 0)


class Sessions(Shown):
    def test_sessions(self):
        with Server("http_sessions") as server:
            jar = str(self.directory / "jar")
            for words, expected in (("localhost:8888/", "nobody, 0 visits"), ("-d '' localhost:8888/login?user=ann", "welcome"),
                                    ("localhost:8888/", "ann, 1 visits"), ("localhost:8888/", "ann, 2 visits"),
                                    ("-d '' localhost:8888/logout", "bye"), ("localhost:8888/", "nobody, 0 visits")):
                self.assertEqual(self.curl(server, f"-b {jar} -c {jar} {words}").strip(), expected)
            made_up = self.curl(server, "-i -H 'Cookie: session=AAAAAAAAAAAAAAAAAAAAAA' -d '' localhost:8888/login?user=eve")
            self.assertRegex(made_up, "Set-Cookie: session=[A-Za-z0-9_-]{22}; Path=/; .*HttpOnly")
            self.assertNotIn("AAAAAAAAAA", made_up)
        self.assertEqual(server.status, 0)


class Compression(Shown):
    """What takes zlib."""

    def test_compression(self):
        with Server("http_compression") as server:
            self.check_shown(server, "/log", "http_compression")
            self.assertIn('ETag: "500"', self.curl(server, "-I localhost:8888/report"))
            self.assertIn('ETag: W/"500"', self.curl(server, "-I --compressed localhost:8888/report"))
            self.assertNotIn("Encoding", self.curl(server, "-I --compressed localhost:8888/form"))
            (self.directory / "lines.gz").write_bytes(gzip.compress(b"a line\n" * 100000))
            self.check_shown(server, "/lines", "http_bodies")
        self.assertEqual(server.status, 0)


if not (PROGRAMS / "http_compression").exists():
    del Compression


class Json(Shown):
    """What takes jansson."""

    def check_figures(self, server):
        page = (ROOT / "docs/http.md").read_text()
        shown = re.search(r"^    \$ curl localhost:8888/metrics\n((?:    #.*\n)+)    (\w+) \d+\n", page, re.M)
        told = self.curl(server, "localhost:8888/metrics")
        self.assertIn(re.sub("^    ", "", shown[1], flags=re.M) + shown[2], told)
        self.assertIn('bight_http_responses_total{class="4xx"} 5\n', told)

    def test_sensors(self):
        with Server("http_sensors", self.directory, str(PATIENCE)) as server:
            self.check_shown(server, "/sensors/(cellar|attic)")
            self.assertEqual(self.curl(server, "localhost:8888/sensors/..%2Fcellar"),
                             "404 Not Found\nthere is no such sensor\n")
            self.assertEqual(self.curl(server, """-X PUT --json '{"celsius": "warm"}' localhost:8888/sensors/cellar"""),
                             '422 Unprocessable Content\na reading is {"celsius": NUMBER}\n')
            self.check_figures(server)
        self.assertEqual(server.status, 0)

    def test_sensors_time_limit(self):
        roof = self.directory / "roof"
        os.mkfifo(roof)
        with Server("http_sensors", self.directory, "0.05", stderr=subprocess.PIPE) as server:
            self.check_shown(server, "/sensors/roof")
            roof.write_text("3\n")  # lets the thread go
        with server.process.stderr as log:
            self.assertIn(b"has not been answered in its route's time", log.read())
        self.assertEqual(server.status, 0)


if not (PROGRAMS / "http_sensors").exists():
    del Json


class Programs(unittest.TestCase):
    def answer(self, page, question):
        """What the page shows behind the line that ends with `question`; what that line says to the shell."""
        text = (ROOT / "docs" / page).read_text()
        line, answer = re.search(rf"^    \$ (.*{re.escape(question)})\n((?:    (?!\$ ).*\n)+)", text, re.M).groups()
        return line, re.sub("^    ", "", answer, flags=re.M)

    def check_asked(self, server, page, question):
        """The page sends a text with printf, and shows what comes back."""
        line, answer = self.answer(page, question)
        said = re.search("printf '(.*)'", line)[1].replace("\\n", "\n")
        self.assertEqual(server.converse(said.encode()).decode().replace("\r", ""), answer)

    def test_every_line_that_builds_names_programs(self):
        for page in ["guide.md", "first_hour.md"]:
            lines = re.findall(r"^    \$ cc (.*) -o (\w+) ", (ROOT / "docs" / page).read_text(), re.M)
            self.assertGreater(len(lines), 0)
            for sources, program in lines:
                self.assertTrue((PROGRAMS / program).exists(), program)
                for source in sources.split():
                    self.assertTrue((ROOT / "docs/examples" / source).exists(), source)

    def test_reverse(self):
        with Server("reverse") as server:
            self.assertEqual(server.converse(b"abc\nquit\n"), b"ready\r\ncba\r\n1 lines, goodbye\r\n")
            self.check_asked(server, "guide.md", "bight connect tcp:localhost:4000")
        self.assertEqual(server.status, 0)

    def test_first_hour(self):
        with Server("first_hour", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
            self.assertEqual(server.process.stdout.readline(), b"the motto is there\n")
            self.assertEqual(server.converse(b"hello\n"), b"one thread, one loop\r\n")
            with Server("first_hour", "unix:" + server.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as proxy:
                self.check_asked(proxy, "first_hour.md", "bight connect tcp:localhost:4001")
                lines = proxy.converse(b"count 200000\n").split(b"\r\n")
                self.assertEqual((len(lines), lines[0], lines[-2:]), (200001, b"1", [b"200000", b""]))
                self.leave_early(proxy)
            server.process.send_signal(signal.SIGUSR1)
            self.assertRegex(server.process.stdout.readline(), rb"^\d+ bytes wait\n$")
        self.assertEqual((server.status, proxy.status), (0, 0))
        for each in (server, proxy):
            self.assertIn(b"listening on", each.process.stderr.readline())
            each.process.stdout.close()
            each.process.stderr.close()

    def leave_early(self, server):
        """A client that resets in the middle of much that is being produced."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(server.path)
            sock.sendall(b"count 900000\nsum 1000000\n")
            sock.recv(100)

    def test_first_hour_without_a_backend(self):
        with Server("first_hour", "unix:/nonexistent", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
            self.assertEqual(server.converse(b""), b"")
        with server.process.stderr as log:
            self.assertIn(b"warning: the backend cannot be reached: cannot connect to /nonexistent", log.read())

    def test_guest(self):
        with Server("guest", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            self.assertEqual(server.converse(b"hi"), b"hi")
            server.process.stdin.write(b"abc\n")
            server.process.stdin.flush()
            self.assertEqual(server.process.stdout.readline(), b"4 bytes of input\n")
            server.process.stdin.close()
            self.assertEqual(server.process.wait(PATIENCE), 0)
            server.process.stdout.close()
        with Server("guest", stdin=subprocess.PIPE) as server:
            pass
        server.process.stdin.close()
        self.assertEqual(server.status, 0)

    def test_ask(self):
        with Server("reverse") as server:
            done = subprocess.run([PROGRAMS / "ask", "unix:" + server.path, "x"], capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"ready\n", b""))
        done = subprocess.run([PROGRAMS / "ask", "unix:/nonexistent", "x"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (69, 1))

    def test_crawl(self):
        with tempfile.TemporaryDirectory() as directory, Site(os.path.join(directory, "site"), Page) as site:
            threading.Thread(target=site.serve_forever, daemon=True).start()
            done = subprocess.run([PROGRAMS / "crawl", "unix:" + site.server_address, "2", "/small", "/large", "/slow"],
                                  capture_output=True, timeout=PATIENCE, text=True)
            site.shutdown()
        shown = self.answer("guide.md", "2 /small /large /slow")[1]
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, shown, ""))
        done = subprocess.run([PROGRAMS / "crawl"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (64, 1))

    def test_later(self):
        done = subprocess.run([PROGRAMS / "later"], capture_output=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(sorted(done.stdout.split(b"\n")), [b"", b"a turn has passed", b"counted 500500", b"signal USR1"])

    def test_threads(self):
        done = subprocess.run([PROGRAMS / "threads"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        shown = "".join(line.strip() + "\n" for line in (ROOT / "docs/threads.md").read_text().splitlines()
                        if re.match("    (the loop|a dish|2 jobs)", line))
        self.assertEqual(sorted(done.stdout.splitlines()), sorted(shown.splitlines()))

    def test_counter(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "number")
            counters = [subprocess.Popen([PROGRAMS / "counter", path, "25"]) for _ in range(4)]
            self.assertEqual([counter.wait(PATIENCE) for counter in counters], [0] * 4)
            with open(path) as file:
                self.assertEqual(file.read(), "100\n")
            self.assertIn(path + ".lock", [entry.path for entry in os.scandir(directory)])

    def shown(self, page):
        """What the page shows first as a program's output."""
        lines = (ROOT / "docs" / page).read_text().splitlines()
        first = next(i for i, line in enumerate(lines) if re.match("    [^ ]", line))
        return "".join(line[4:] + "\n" for line in lines[first:lines.index("", first)])

    def test_time(self):
        done = subprocess.run([PROGRAMS / "time", "0.001"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.shown("time.md"), ""))

    def test_coroutines(self):
        done = subprocess.run([PROGRAMS / "coroutines", "0.002"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.shown("coroutines.md"), ""))

    def test_scopes(self):
        done = subprocess.run([PROGRAMS / "scopes", "0.001"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, self.shown("scopes.md"), ""))

    def test_company(self):
        done = subprocess.run([PROGRAMS / "company"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = (ROOT / "docs/combinators.md").read_text()
        shown = "".join(re.findall(r"^    ((?:Amsterdam|Bergen|Cork|gather|race|next): .*\n)", page, re.M))
        self.assertEqual(done.stdout, shown)

    def test_turns(self):
        done = subprocess.run([PROGRAMS / "turns"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = (ROOT / "docs/synchronisation.md").read_text()
        for name in ["event|barrier", "semaphore", "condition", "queue"]:
            lines = re.compile(f"^(?:    )?((?:{name}): .*\\n)", re.M)
            self.assertEqual(lines.findall(done.stdout), lines.findall(page))

    def test_child(self):
        done = subprocess.run([PROGRAMS / "child", "oak", "willow", "pine"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.replace(b"\r", b"").decode(), self.shown("processes.md"))

    def test_rot13(self):
        with Server("rot13") as server:
            self.assertEqual(server.converse(b"Bight, 13!"), b"Ovtug, 13!")
        self.assertEqual(server.status, 0)

    def test_sorted(self):
        done = subprocess.run([PROGRAMS / "sorted", "20", "3", "100"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"3\n20\n100\nfalse ended with 1\nstarted\n", b""))

    def test_factors(self):
        done = subprocess.run([PROGRAMS / "factors", "1001", "97", "1", "1000000"], capture_output=True,
                              timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(sorted(done.stdout.split(b"\n")), [
            b"", b"1 has no factors", b"1000000 = 2 2 2 2 2 2 5 5 5 5 5 5", b"1001 = 7 11 13", b"97 = 97"])

    def test_adder(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "socket")
            server = subprocess.Popen([PROGRAMS / "adder", "serve", "unix:" + path])
            wait_for_listener(path, PATIENCE)
            done = subprocess.run([PROGRAMS / "adder", "unix:" + path, "1", "20", "300"], capture_output=True,
                                  timeout=PATIENCE)
            server.send_signal(signal.SIGTERM)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"321\n", b""))
            self.assertEqual(server.wait(PATIENCE), 0)

    def test_proxy(self):
        with tempfile.TemporaryDirectory() as directory:
            path, proxied = os.path.join(directory, "socket"), os.path.join(directory, "proxied")
            server = subprocess.Popen([PROGRAMS / "adder", "serve", "unix:" + path])
            proxy = subprocess.Popen([PROGRAMS / "proxy", "unix:" + proxied, "unix:" + path], stdout=subprocess.PIPE)
            wait_for_listener(path, PATIENCE)
            wait_for_listener(proxied, PATIENCE)
            done = subprocess.run([PROGRAMS / "adder", "unix:" + proxied, "1", "20", "300"], capture_output=True,
                                  timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"321\n", b""))
            self.assertEqual(proxy.stdout.readline(), b"9 bytes there, 4 back\n")
            proxy.send_signal(signal.SIGTERM)
            self.assertEqual(proxy.wait(PATIENCE), 0)
            proxy.stdout.close()
            server.send_signal(signal.SIGTERM)
            self.assertEqual(server.wait(PATIENCE), 0)

    def test_scrape(self):
        for name in ("scrape", "scrape_await"):
            with tempfile.TemporaryDirectory() as directory, Site(os.path.join(directory, "site"), FlakyPage) as site:
                site.asked, site.lock = {}, threading.Lock()
                threading.Thread(target=site.serve_forever, daemon=True).start()
                done = subprocess.run([PROGRAMS / name, "unix:" + site.server_address, "2", "/", "/late", "/missing",
                                       "/dead", "/more"], capture_output=True, timeout=PATIENCE, text=True)
                site.shutdown()
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            lines = [re.fullmatch(r"(\d of 5): (/\w*): (.*)", line).groups() for line in done.stdout.splitlines()]
            self.assertEqual([count for count, _, _ in lines], [f"{i} of 5" for i in range(1, 6)])
            said = {path: outcome for _, path, outcome in lines}
            shown = re.search(r"^    \$ scrape .*\n((?:    .*\n)+)", (ROOT / "docs/six_programs.md").read_text(), re.M)
            self.assertEqual(dict(re.findall(r"\d of 5: (.*): (.*)", shown.group(1))), said)
            self.assertEqual(site.asked, {"/": 1, "/late": 3, "/missing": 1, "/dead": 4, "/more": 1})
            done = subprocess.run([PROGRAMS / name], capture_output=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stderr.count(b"\n")), (64, 1))

    def check_session(self, server, client, *typed):
        """The page of the six programs shows what a client types and what it sees."""
        page = (ROOT / "docs/six_programs.md").read_text()
        shown = re.search(rf"^    \$ bight connect unix:{server.name}\n((?:    .*\n)+)", page, re.M).group(1)
        lines = [line.strip() for line in shown.splitlines()]
        self.assertEqual([line for line in lines if line in typed], list(typed))
        client.settimeout(PATIENCE)
        client.connect(server.path)
        with client.makefile("rwb", buffering=0) as session:
            for line in lines:
                if line in typed:
                    session.write(line.encode() + b"\n")
                else:
                    self.assertEqual(session.readline().decode().rstrip("\r\n"), line)

    def test_jobs(self):
        with Server("jobs", "2") as server, socket.socket(socket.AF_UNIX) as client:
            self.check_session(server, client, "echo a; echo bb >&2; exit 3", "kill -KILL $$")
            self.check_jobs_end_with_the_client(server)
        self.assertEqual(server.status, 0)

    def check_jobs_end_with_the_client(self, server):
        """Two fill the server; the third one's job begins when they have left, and what they ran has ended."""
        pids = pathlib.Path(server.directory.name, "pids")
        pids.touch()
        command = f"echo $$ >> {pids}; exec sleep 1000\n".encode()
        leavers = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for leaver in leavers:
            leaver.connect(server.path)
            leaver.sendall(command)
        wait_for(lambda: len(pids.read_text().split()) == 2, PATIENCE, "two jobs run")
        with socket.socket(socket.AF_UNIX) as third:
            third.settimeout(PATIENCE)
            third.connect(server.path)
            third.sendall(b"echo done\n")
            for leaver in leavers:
                leaver.close()
            with third.makefile("rb") as answers:
                self.assertEqual(answers.readline(), b"status 0, signal 0, 5 bytes of output, 0 of errors\n")
        for pid in pids.read_text().split():
            wait_for(lambda: not os.path.exists(f"/proc/{pid}"), PATIENCE, "the job has ended")

    def test_hub(self):
        with Server("hub", "100000", stderr=subprocess.DEVNULL) as server:
            with socket.socket(socket.AF_UNIX) as client:
                self.check_session(server, client, "subscribe", "publish the shop is open", "figures")
            clients = [socket.socket(socket.AF_UNIX) for _ in range(3)]
            for client in clients:
                client.settimeout(PATIENCE)
                client.connect(server.path)
            publisher, reader, slow = [client.makefile("rwb", buffering=0) for client in clients]
            for subscriber in (reader, slow):
                subscriber.write(b"subscribe\nhello\n")
                self.assertEqual(subscriber.readline(), b"subscribe, publish TEXT or figures, please\r\n")
            text, figures, count = b"x" * 400, b"0 were dropped\r\n", 0
            while figures.endswith(b"0 were dropped\r\n"):
                count += 1
                publisher.write(b"publish " + text + b"\nfigures\n")
                self.assertEqual(reader.readline(), text + b"\r\n")
                figures = publisher.readline()
            self.assertEqual(figures, b"1 subscribe, 1 were dropped\r\n")
            publisher.write(b"publish and on\n")
            self.assertEqual(reader.readline(), b"and on\r\n")
            self.assertLess(count, 10000)
            for file in (publisher, reader, slow, *clients):
                file.close()
        self.assertEqual(server.status, 0)

    def test_finger(self):
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "names")
            file.write_text("carl Carl, room 9\nann The other Ann\n")
            with Server("finger") as first, Server("finger", "file", file, stderr=subprocess.PIPE) as second, \
                    Server("finger", "ask", "unix:" + second.path) as third, second.process.stderr as log:
                with socket.socket(socket.AF_UNIX) as client:
                    self.check_session(first, client, "ann")
                self.assertEqual(first.converse(b"dora\n"), b"nobody of this name\r\n")
                self.assertEqual(third.converse(b"ann\r\n"), b"The other Ann\r\n")
                self.assertEqual(third.converse(b"bob\r\n"), b"nobody of this name\r\n")
                file.unlink()
                self.assertEqual(third.converse(b"ann\r\n"), b"cannot be looked up now\r\n")
                self.assertIn(b"No such file", log.readline())
            self.assertEqual([first.status, second.status, third.status], [0, 0, 0])

    def test_finger_limits_and_drain(self):
        with subprocess.Popen([PROGRAMS / "finger", "tcp:0:interface=127.0.0.1"], stderr=subprocess.DEVNULL) as server:
            place = ("127.0.0.1", wait_for_port(server, PATIENCE))
            clients = [socket.create_connection(place, PATIENCE) for _ in range(10)]
            with socket.create_connection(place, PATIENCE) as refused:
                self.assertIn(self.whatever_comes(refused), (b"", "reset"))
            server.send_signal(signal.SIGTERM)
            wait_for(lambda: port_of(server.pid) is None, PATIENCE, "it goes on listening")
            for client in clients:
                client.sendall(b"ann\n")
                self.assertEqual(self.whatever_comes(client), b"Ann, room 7\r\n")
                client.close()
            self.assertEqual(server.wait(PATIENCE), 0)
        done = subprocess.run([PROGRAMS / "finger", "tcp:x"], capture_output=True, timeout=PATIENCE)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (64, 1))

    def whatever_comes(self, client):
        try:
            with client.makefile("rb") as file:
                return file.read()
        except ConnectionResetError:
            return "reset"

    def test_command(self):
        with Server("command", "command:sort -n", stdout=subprocess.PIPE) as server, server.process.stdout as told:
            self.assertEqual(server.converse(b"300\n20\n1\n"), b"1\n20\n300\n")
            self.assertEqual(told.readline(), b"9 bytes there, 9 back\n")
        self.assertEqual(server.status, 0)
        for place, answer in (("/usr", b"/usr\n"), ("/no/such/place", b"")):
            with Server("command", "command:pwd:directory=" + place, stdout=subprocess.DEVNULL) as server:
                self.assertEqual(server.converse(b""), answer)
            self.assertEqual(server.status, 0)

    def test_look(self):
        done = subprocess.run([PROGRAMS / "look"], capture_output=True, timeout=PATIENCE, text=True)
        self.assertEqual(done.returncode, 0)
        shown = re.sub(r"docs/examples/|(?<=longest )\d+\.\d+(?= s)|(?<=due in )\d+\.\d+", "", done.stdout)
        shown = re.sub(r"\d+\.\d s|\d+(?= turns)", "N s", shown)
        self.assertEqual(shown, "1 of 2 handlers took too long; the longest: timer look.c:64, N s\n"
                         "  reactor: N s turns, 2 handlers, longest  s: timer look.c:64, 0 bytes received, 0 sent, "
                         "0 threads with 0 jobs waiting\n\n"
                         "2 Deferreds\n"
                         "  #1 (look.c:29), not fired, awaited by #2, N s old\n"
                         "  #2 (look.c:30), fired at look.c:33, waits for #1, held by nobody, N s old\n\n"
                         "1 timer\n"
                         "  call (look.c:66), due in  s\n")
        watchdog, limit = done.stderr.splitlines()
        self.assertRegex(watchdog, r"^look: warning: \[watchdog\] a handler has held the loop for \d\.\d+ s and still does: "
                         r"timer.*\(docs/examples/look\.c:64\)$")
        self.assertRegex(limit, r"^look: warning: \[reactor\] a handler held the loop for \d\.\d+ s: timer "
                         r"nanoseconds=\d+ \(docs/examples/look\.c:64\)$")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
