#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`bight get` against servers that are not bight's, Python's and nginx, and against `bight web`: what goes where, what is asked, how
often, what is left when something goes wrong, and with which status it ends.

Usage: test_http_get.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import hashlib
import http.server
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import served
from listening import wait_for
from proxies import program
from served import LARGE, PATIENCE
from test_http_files import Web


def bight():
    """Wherever it is called."""
    return os.path.abspath(served.BIGHT)


class Pages(http.server.BaseHTTPRequestHandler):
    """Says back what it was asked, but for paths that have a meaning."""
    protocol_version = "HTTP/1.1"
    content = LARGE

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, **fields):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def take_body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            raise AssertionError("it should have had a length")
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        self.server.asked.append((self.command, self.path, dict(self.headers), self.take_body()))
        with self.server.lock:
            self.server.now += 1
            self.server.most = max(self.server.most, self.server.now)
        try:
            method = getattr(self, "get_" + self.path.strip("/").split("/")[0].split("?")[0], None)
            if method is not None:
                method()
            else:
                self.answer(f"{self.command} {self.path}\n".encode())
        finally:
            with self.server.lock:
                self.server.now -= 1

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def do_FROB(self):
        self.do_GET()

    def get_login(self):
        self.answer(b"in\n", Set_Cookie="id=7; Path=/")

    def get_missing(self):
        self.answer(b"not here\n", 404)

    def get_slow(self):
        time.sleep(0.1)
        self.answer(b"slow\n")

    def get_stuck(self):
        self.server.stop.wait(PATIENCE)

    def get_busy(self):
        """The third time it is better."""
        count = sum(path == self.path for _, path, _, _ in self.server.asked)
        self.answer(b"at last\n", 200 if count > 2 else 503)

    def get_drop(self):
        self.close_connection = True

    def get_garbage(self):
        self.wfile.write(b"This is no HTTP at all\r\n\r\n")
        self.close_connection = True

    def get_evil(self):
        self.answer(b"evil\n", Content_Disposition='attachment; filename="../../evil"', X_Evil="a\x9b31mb")

    def get_part(self):
        """Half of it at first; the rest to those who ask for it. /part/changed/... is another thing each time."""
        changed = "changed" in self.path
        tag = f'"{len(self.server.asked) if changed else 1}"'
        begin = re.match(r"bytes=(\d+)-$", self.headers.get("Range", ""))
        count = sum(path == self.path for _, path, _, _ in self.server.asked)
        if begin and self.headers.get("If-Range") == tag:
            at = int(begin[1])
            self.answer(self.content[at:], 206, ETag=tag, Content_Range=f"bytes {at}-{len(self.content) - 1}/{len(self.content)}")
        elif count > 1:
            self.answer(self.content, ETag=tag)
        else:
            self.send_response(200)
            self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(self.content)))
            self.end_headers()
            self.wfile.write(self.content[:len(self.content) // 2])
            self.wfile.flush()
            if "held" in self.path:
                self.server.stop.wait(PATIENCE)
            self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # clients go as they like


class Get(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        self.server = Server(("127.0.0.1", 0), Pages)
        self.server.socket.listen(128)
        self.server.asked = []
        self.server.lock, self.server.stop = threading.Lock(), threading.Event()
        self.server.now = self.server.most = 0
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.end_server)

    def end_server(self):
        self.server.stop.set()
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def get(self, *words, status=0, data=None):
        """What it has written, to either output."""
        done = subprocess.run([bight(), "get", *words], cwd=self.folder, input=data, capture_output=True, timeout=PATIENCE,
                              check=False)
        self.assertEqual(done.returncode, status, done.stderr.decode(errors="replace")[-2000:])
        self.assertNotIn(b"usage", done.stderr)
        return done.stdout, done.stderr.decode()

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


class Output(Get):
    def test_one_goes_to_standard_output(self):
        self.assertEqual(self.get(self.url("/a?b=c#d")), (b"GET /a?b=c\n", ""))
        self.assertEqual(self.files(), [])

    def test_several_go_there_in_their_order_if_asked(self):
        out, _ = self.get("--output", "-", self.url("/slow"), self.url("/b"))
        self.assertEqual(out, b"slow\nGET /b\n")

    def test_several_are_files_named_as_their_urls_end(self):
        out, said = self.get(self.url("/x/one"), self.url("/two.txt?q"), self.url("/"))
        self.assertEqual((out, self.files()), (b"", ["index.html", "one", "two.txt"]))
        self.assertEqual((self.folder / "one").read_bytes(), b"GET /x/one\n")
        self.assertRegex(said, r"(?m)^one: 11 B$")
        self.assertEqual(self.get("--quiet", "-f", self.url("/x/one"), self.url("/two"))[1], "")

    def test_names_are_no_paths_and_nothing_hidden(self):
        for path, name in {"/..%2f..%2fa": "_._.._a", "/.bashrc": "_bashrc", "/%2e%2e": "_.", "/-rf": "_rf", "/%1b%5b31mb": "_[31mb",
                           "/a%00b": "a_b", "/a%5cb": "a_b", "/%e2%80%aeb": "___b", "/" + "n" * 300: "n" * 200,
                           "/%c3%a4": "\u00e4", "/%c3": "_", "/x/": "index.html", "": "index.html"}.items():
            with self.subTest(path):
                self.get("--force", "--output", "./", self.url(path))
                self.assertEqual(self.files(), [name])
                (self.folder / name).unlink()

    def test_a_file_that_is_there_is_left_alone(self):
        (self.folder / "a").write_text("mine")
        _, said = self.get("--output", "a", self.url("/a"), status=73)
        self.assertIn("exists", said)
        self.assertEqual(((self.folder / "a").read_text(), self.server.asked), ("mine", []))
        self.get("--force", "--output", "a", self.url("/a"))
        self.assertEqual((self.folder / "a").read_text(), "GET /a\n")
        self.assertEqual(self.files(), ["a"])
        self.assertEqual(oct((self.folder / "a").stat().st_mode & 0o111), "0o0")

    def test_the_head_is_printed_where_it_is_asked_for(self):
        out, _ = self.get("--include", self.url("/evil"))
        self.assertRegex(out, rb"(?s)^HTTP/1\.1 200\r\n.*Content-Disposition: .*\r\n\r\nevil\n$")
        out, _ = self.get("-I", self.url("/a"))
        self.assertRegex(out, rb"(?s)^HTTP/1\.1 200\r\n.*\r\n\r\n$")
        self.assertEqual(self.server.asked[-1][0], "HEAD")

    def test_nothing_is_written_to_who_does_not_read(self):
        process = subprocess.Popen([bight(), "get", self.url("/part/x")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(len(process.stdout.read(10)), 10)
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        self.assertIn(process.wait(PATIENCE), (69, 74), said)


class Asking(Get):
    def ask(self, *words, **more):
        self.get(*words, self.url("/x"), **more)
        return self.server.asked[-1]

    def test_fields_and_methods_are_sent(self):
        method, _, fields, _ = self.ask("-H", "X-A: b c", "--header=User-Agent: me", "--method", "FROB")
        self.assertEqual((method, fields["X-A"], fields["User-Agent"]), ("FROB", "b c", "me"))

    def test_bodies_are_words_files_and_standard_input(self):
        (self.folder / "data").write_bytes(LARGE)
        self.assertEqual(self.ask("--data", "a=b")[0::3], ("POST", b"a=b"))
        self.assertEqual(self.ask("-d", "@data")[3], LARGE)
        method, _, fields, body = self.ask("--json", "@-", "-X", "PUT", data=b"[1]")
        self.assertEqual((method, fields["Content-Type"], fields["Accept"], body), ("PUT", "application/json", "application/json", b"[1]"))
        self.assertEqual(self.ask("-d", "a", "-H", "Content-Type: text/plain")[2]["Content-Type"], "text/plain")

    def test_forms_have_fields_and_files(self):
        (self.folder / "pier.jpg").write_bytes(b"\xff\xd8")
        _, _, fields, body = self.ask("--form", "name=Ann=Bob", "-F", "photo=@pier.jpg")
        self.assertRegex(fields["Content-Type"], "^multipart/form-data; boundary=")
        self.assertIn(b'name="name"\r\n\r\nAnn=Bob\r\n', body)
        self.assertIn(b'name="photo"; filename="pier.jpg"\r\nContent-Type: application/octet-stream\r\n\r\n\xff\xd8\r\n', body)

    def test_cookies_are_kept(self):
        jar = self.folder / "jar"
        self.get("--cookie-jar", "jar", self.url("/login"))
        self.assertEqual(oct(jar.stat().st_mode & 0o777), "0o600")
        self.assertEqual(self.ask("--cookie-jar=jar")[2]["Cookie"], "id=7")
        self.get("--cookie-jar", ".", self.url("/"), status=66)

    def test_urls_are_read_from_standard_input(self):
        urls = "".join(f"{self.url('/slow')}/{number}\r\n" for number in range(30))
        self.get("--limit", "5", "--per-host=100", "--output", ".", "-", data=("# a list\n\n" + urls).encode())
        self.assertEqual(len(self.files()), 30)
        self.assertLessEqual(self.server.most, 5)
        self.assertGreater(self.server.most, 1)

    def test_one_host_is_not_asked_for_everything_at_once(self):
        urls = "".join(f"{self.url('/slow')}/{number}\n" for number in range(30))
        self.get("--limit", "30", "--output", ".", "-", data=urls.encode())
        self.assertLessEqual(self.server.most, 4)


class Going(Get):
    """Where it was cut short."""

    def test_what_has_come_is_gone_on_with(self):
        self.get("--continue", "--retries", "0", "--output", "big", self.url("/part/x"), status=69)
        self.assertEqual(self.files(), ["big.part", "big.part.from"])
        size = (self.folder / "big.part").stat().st_size
        self.assertEqual(size, len(LARGE) // 2)
        self.get("-c", "--output", "big", self.url("/part/x"))
        self.assertEqual(self.files(), ["big"])
        self.assertEqual((self.folder / "big").read_bytes(), LARGE)
        self.assertEqual(self.server.asked[-1][2]["Range"], f"bytes={size}-")
        _, said = self.get("-c", "--output", "big", self.url("/part/x"))
        self.assertEqual((said, len(self.server.asked)), ("big: there already\n", 2))

    def test_trying_again_goes_on_too(self):
        self.get("-c", "--output", "big", self.url("/part/x"))
        self.assertEqual((self.folder / "big").read_bytes(), LARGE)
        self.assertIn("Range", self.server.asked[-1][2])

    def test_what_has_changed_is_begun_again(self):
        self.get("-c", "--output", "big", self.url("/part/changed"))
        self.assertEqual((self.folder / "big").read_bytes(), LARGE)
        self.assertEqual(self.files(), ["big"])

    def test_without_it_nothing_stays(self):
        self.get("--retries=0", "--output", "big", self.url("/part/x"), status=69)
        self.assertEqual(self.files(), [])

    def interrupt(self, *words):
        process = subprocess.Popen([bight(), "get", *words, "--output", "big", self.url("/part/held")], cwd=self.folder,
                                   stderr=subprocess.PIPE)
        wait_for(lambda: any(path.stat().st_size == len(LARGE) // 2 for path in self.folder.iterdir()), PATIENCE, "does not begin")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.stderr.read(), b"")
        process.stderr.close()
        return process.wait(PATIENCE)

    def test_an_interrupt_leaves_nothing(self):
        self.assertEqual(self.interrupt(), 130)
        self.assertEqual(self.files(), [])

    def test_an_interrupt_leaves_what_can_be_gone_on_with(self):
        self.assertEqual(self.interrupt("-c"), 130)
        self.assertEqual(self.files(), ["big.part", "big.part.from"])


class Failing(Get):
    def test_the_status_says_what_has_failed(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{taken.getsockname()[1]}/"
            for status, words in ((8, [self.url("/missing")]), (8, ["-o", "x", self.url("/missing")]), (64, []), (64, ["ftp://a/"]),
                                  (64, ["--frob"]), (64, ["-o", "x", self.url("/a"), self.url("/b")]),
                                  (64, [self.url("/a"), self.url("/x/a")]), (64, ["--data", "a", "--json", "b", self.url("/")]),
                                  (64, ["--limit", "0", self.url("/")]), (64, [self.url("/%zz")]), (64, ["-c", "-o", "x", "http://1.2.3/"]), (66, ["--data", "@none", self.url("/")]),
                                  (66, ["--form", "a=@none", self.url("/")]), (69, ["--retries", "0", nobody]),
                                  (69, ["--retries", "0", self.url("/drop")]), (73, ["-o", "no/such/place", self.url("/")]),
                                  (75, ["--timeout", "1", "--retries", "0", self.url("/stuck")]), (76, [self.url("/garbage")]),
                                  (76, ["--retries=0", self.url("/").replace("http:", "https:")])):
                with self.subTest(words):
                    _, said = self.get(*words, status=status)
                    self.assertRegex(said, r"(?m)\Abight: .*\n\Z")
        self.assertEqual(self.files(), [])

    def test_a_body_that_says_why_is_shown(self):
        self.assertEqual(self.get(self.url("/missing"), status=8)[0], b"not here\n")

    def test_one_that_fails_does_not_keep_the_others(self):
        _, said = self.get("--retries=0", self.url("/one"), self.url("/missing"), self.url("/drop"), self.url("/two"), status=8)
        self.assertEqual(self.files(), ["one", "two"])
        self.assertIn("/missing: the response's status is 404\n", said)

    def test_what_is_passing_is_tried_again(self):
        self.get("--output", "x", self.url("/busy"))
        self.assertEqual((self.folder / "x").read_bytes(), b"at last\n")
        self.assertEqual(len(self.server.asked), 3)

    def test_what_cannot_be_repeated_is_not(self):
        self.get("--data", "a", self.url("/drop"), status=69)
        self.assertEqual(len(self.server.asked), 1)

    def test_help_tells(self):
        out, _ = self.get("--help")
        self.assertIn(b"Usage: bight get", out)
        self.assertEqual(subprocess.run([bight(), "help", "get"], capture_output=True, check=True).stdout, out)
        self.assertTrue(all(len(line) <= 88 for line in out.splitlines()))


class Shown(Get):
    """At a terminal."""

    def run_at_terminal(self, *words):
        near, far = os.openpty()
        process = subprocess.Popen([bight(), "get", *words], cwd=self.folder, stdin=far, stdout=far, stderr=far)
        os.close(far)
        shown = b""
        try:
            while select.select([near], [], [], PATIENCE)[0]:
                piece = os.read(near, 65536)
                if not piece:
                    break
                shown += piece
        except OSError:
            pass  # the far side is closed
        os.close(near)
        return process.wait(PATIENCE), shown

    def test_a_line_tells_how_far_it_is(self):
        threading.Timer(1, self.server.stop.set).start()
        status, shown = self.run_at_terminal("--retries=0", "-o", "./", self.url("/part/held%1b%5b31m"))
        self.assertEqual(status, 69)
        self.assertRegex(shown, rb"held_\[31m: 1\.0 MB of 2\.1 MB, 50 %, [0-9.]+ .?B/s, 0:0\d left\r\n")
        self.assertNotIn(b"\x1b[31m", shown)

    def test_there_is_a_line_for_all(self):
        status, shown = self.run_at_terminal(self.url("/slow/a"), self.url("/b"))
        self.assertEqual(status, 0)
        self.assertRegex(shown, rb"1 of 2, 0 failed, ")

    def test_what_is_no_text_is_not_shown(self):
        status, shown = self.run_at_terminal(self.url("/part/x"))
        self.assertEqual(status, 78)
        self.assertNotIn(b"\0", shown)
        self.assertIn(b"--output", shown)

    def test_a_head_cannot_disturb(self):
        _, shown = self.run_at_terminal("--include", self.url("/evil"))
        self.assertIn(b"X-Evil: a?31mb", shown)


class FromWeb(Web):
    """`bight web` at the other end."""

    def test_files_are_the_same(self):
        with tempfile.TemporaryDirectory(prefix="bight-") as folder:
            subprocess.run([bight(), "get", "-q", "-c", "-o", folder, self.url("/large.bin"), self.url("/page.html")], check=True,
                           timeout=PATIENCE)
            self.assertEqual(pathlib.Path(folder, "large.bin").read_bytes(), LARGE)

    def test_a_part_is_gone_on_with(self):
        with tempfile.TemporaryDirectory(prefix="bight-") as folder:
            tag = re.search(rb"ETag: (.*)\r\n", self.curl("--head", self.url("/large.bin")))[1].decode()
            pathlib.Path(folder, "x.part").write_bytes(LARGE[:1000])
            pathlib.Path(folder, "x.part.from").write_text(f"bight part 1\n{self.url('/large.bin')}\n{tag}\n")
            subprocess.run([bight(), "get", "-q", "-c", "-o", folder + "/x", self.url("/large.bin")], check=True, timeout=PATIENCE)
            self.assertEqual(pathlib.Path(folder, "x").read_bytes(), LARGE)
            self.assertEqual(os.listdir(folder), ["x"])


class FromNginx(unittest.TestCase):
    CONFIGURATION = """daemon off; master_process off; pid DIRECTORY/pid; error_log stderr error; events { worker_connections 64; }
        http { access_log DIRECTORY/log; root DIRECTORY/www; client_body_temp_path DIRECTORY; proxy_temp_path DIRECTORY;
        fastcgi_temp_path DIRECTORY; uwsgi_temp_path DIRECTORY; scgi_temp_path DIRECTORY;
        server { listen 127.0.0.1:PORT; location /slow/ { limit_rate 200k; alias DIRECTORY/www/; } } }"""

    def setUp(self):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(made.cleanup)
        self.folder = pathlib.Path(made.name)
        os.chmod(self.folder, 0o755)
        (self.folder / "www").mkdir()
        (self.folder / "www" / "large.bin").write_bytes(LARGE * 4)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        configuration = self.folder / "configuration"
        configuration.write_text(self.CONFIGURATION.replace("DIRECTORY", made.name).replace("PORT", str(self.port)))
        self.nginx = subprocess.Popen([program("nginx"), "-c", str(configuration), "-e", "stderr"], stdin=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        self.addCleanup(self.end)
        wait_for(self.listens, PATIENCE, "does not listen")

    def end(self):
        self.nginx.terminate()
        self.nginx.wait(PATIENCE)

    def listens(self):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def test_it_is_interrupted_and_gone_on_with(self):
        words = [bight(), "get", "-q", "-c", "-o", str(self.folder / "got"), f"http://127.0.0.1:{self.port}/slow/large.bin"]
        process = subprocess.Popen(words)
        part = self.folder / "got.part"
        wait_for(lambda: part.exists() and part.stat().st_size > 0, PATIENCE, "does not begin")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE), 130)
        size = part.stat().st_size
        self.assertGreater(size, 0)
        words[-1] = words[-1].replace("/slow/", "/")
        source = self.folder / "got.part.from"
        source.write_text(source.read_text().replace("/slow/", "/"))
        subprocess.run(words, check=True, timeout=PATIENCE)
        self.assertEqual(hashlib.sha256((self.folder / "got").read_bytes()).digest(), hashlib.sha256(LARGE * 4).digest())
        log = (self.folder / "log").read_text()
        self.assertRegex(log.splitlines()[-1], f'" 206 {len(LARGE) * 4 - size} ')


if __name__ == "__main__":
    served.main()
