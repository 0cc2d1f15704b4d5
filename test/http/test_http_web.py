#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The options of `bight web` that are middleware, with curl, wget, Python and Chromium: that each does what it says, that they go
together, and that what cannot be is told when it starts. Files themselves are test_http_files.py's.

Usage: test_http_web.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import base64
import gzip
import json
import os
import subprocess
import unittest
import urllib.error
import urllib.request

import served
from listening import wait_for_port
from served import PATIENCE, Browsed, make_sure_of_the_end
from test_http_files import Web

TEXT = b"".join(b"line %d\n" % number for number in range(5000))
PASSWORD = "open sesame"
ORIGIN = "https://app.example.org"


def make_users(path, mode=0o600):
    with open(path, "wb") as file:
        subprocess.run([served.BIGHT, "password", "ada"], input=PASSWORD.encode() + b"\n", stdout=file, check=True)
    os.chmod(path, mode)
    return path


class Options(Web):
    """With urllib: what a path is answered, whatever the status."""

    @classmethod
    def fill(cls):
        super().fill()
        cls.write("lines.txt", TEXT)

    def ask(self, path, method="GET", **fields):
        names = {name.replace("_", "-"): value for name, value in fields.items()}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(self.url(path), method=method, headers=names), timeout=PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()

    def stop(self):
        """The lines that it has said."""
        self.server.terminate()
        return self.server.communicate(timeout=PATIENCE)[1].decode().splitlines()


class Combined(Options):
    OPTIONS = ("--log", "combined")

    def test_a_line_comes_while_it_serves(self):
        self.status("/page.html", "--user-agent", "a\"b")
        line = self.server.stderr.readline().decode()
        self.assertRegex(line, r'^127\.0\.0\.1 - - \[.*\] "GET /page\.html HTTP/1\.1" 200 23 "-" "a\\x22b"\n$')

    def test_lines_of_the_last_moment_come_too(self):
        self.ask("/nowhere")
        self.ask("/page.html", Host="rebound.example")
        said = self.stop()
        self.assertRegex(said[0], r'"GET /nowhere HTTP/1\.1" 404 ')
        self.assertRegex(said[1], r'"GET /page\.html HTTP/1\.1" 421 ')
        self.assertEqual(len(said), 2)


class Json(Options):
    OPTIONS = ("--log=json",)

    def test_a_line_is_an_object(self):
        self.ask("/page.html?a=b")
        line = json.loads(self.stop()[0])
        self.assertEqual((line["method"], line["target"], line["status"]), ("GET", "/page.html?a=b", 200))
        self.assertGreaterEqual(line["seconds"], 0)


class Gzip(Options):
    OPTIONS = ("--gzip", "--precompressed")

    @classmethod
    def fill(cls):
        super().fill()
        cls.write("ready.txt", TEXT)
        cls.ready = gzip.compress(TEXT, 9)
        cls.write("ready.txt.gz", cls.ready)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        tried = subprocess.run([served.BIGHT, "web", "--gzip", "--metrics", "/"], capture_output=True, timeout=PATIENCE, check=False)
        if b"without zlib" in tried.stderr:
            raise unittest.SkipTest("built without zlib")

    def test_text_is_compressed(self):
        _, head, body = self.ask("/lines.txt", Accept_Encoding="gzip")
        self.assertEqual(head["Content-Encoding"], "gzip")
        self.assertEqual(head["Vary"], "Accept-Encoding")
        self.assertEqual(gzip.decompress(body), TEXT)
        self.assertEqual(self.curl("--compressed", self.url("/lines.txt")), TEXT)

    def test_what_is_compressed_already_goes_as_it_is(self):
        _, head, body = self.ask("/ready.txt", Accept_Encoding="gzip")
        self.assertEqual((head["Content-Encoding"], body), ("gzip", self.ready))

    def test_others_get_what_is_there(self):
        for path, accepted in ("/lines.txt", "identity"), ("/lines.txt", "gzip;q=0"), ("/large.bin", "gzip"), ("/page.html", "gzip"):
            _, head, body = self.ask(path, Accept_Encoding=accepted)
            self.assertIsNone(head["Content-Encoding"], path)
            with open(self.folder + path, "rb") as file:
                self.assertEqual(body, file.read())

    def test_a_part_is_not_compressed(self):
        status, head, body = self.ask("/lines.txt", Accept_Encoding="gzip", Range="bytes=10-19")
        self.assertEqual((status, head["Content-Encoding"], body), (206, None, TEXT[10:20]))
        folder = self.directory()
        with open(os.path.join(folder, "lines.txt"), "wb") as file:
            file.write(TEXT[:777])
        self.run_client("wget", "--quiet", "--no-proxy", "--tries", "1", "--continue", "--compression=none", "--directory-prefix", folder,
                        self.url("/lines.txt"))
        with open(os.path.join(folder, "lines.txt"), "rb") as file:
            self.assertEqual(file.read(), TEXT)

    def test_the_client_learns_that_nothing_has_changed(self):
        _, head, _ = self.ask("/lines.txt", Accept_Encoding="gzip")
        status, _, _ = self.ask("/lines.txt", Accept_Encoding="gzip", If_None_Match=head["ETag"])
        self.assertEqual(status, 304)


class Users(Options):
    """And what lies behind them: figures, pages for other origins, the log."""

    @classmethod
    def words(cls):
        cls.OPTIONS = ("--basic-auth", make_users(os.path.join(cls.directory(), "users")), "--cors", ORIGIN + ",http://127.0.0.1:1",
                       "--metrics", "/metrics", "--log", "combined")
        return super().words()

    def authorization(self, password=PASSWORD):
        return "Basic " + base64.b64encode(b"ada:" + password.encode()).decode()

    def test_who_has_no_password_gets_nothing(self):
        for path in "/page.html", "/metrics", "/nowhere":
            status, head, _ = self.ask(path)
            self.assertEqual((status, head["WWW-Authenticate"]), (401, 'Basic realm="bight web", charset="UTF-8"'))
            self.assertEqual(self.ask(path, Authorization=self.authorization("sesame"))[0], 401)
        self.assertEqual([line.split()[2] for line in self.stop()], ["-"] * 6)

    def test_who_has_gets_all(self):
        self.assertEqual(self.curl("--user", "ada:" + PASSWORD, self.url("/lines.txt")), TEXT)
        wget = self.run_client("wget", "--quiet", "--no-proxy", "--user=ada", "--password=" + PASSWORD, "-O", "-", self.url("/lines.txt"))
        self.assertEqual(wget, TEXT)
        self.assertEqual(self.stop()[0].split()[2], "ada")

    def test_a_password_opens_no_stranger_s_name(self):
        self.assertEqual(self.ask("/page.html", Authorization=self.authorization(), Host="rebound.example")[0], 421)

    def test_the_figures(self):
        self.ask("/page.html", Authorization=self.authorization())
        status, head, text = self.ask("/metrics", Authorization=self.authorization())
        self.assertEqual((status, head["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        self.assertIn(b"\nbight_http_requests_total 2\n", text)
        self.assertEqual(self.ask("/metrics", method="POST", Authorization=self.authorization())[0], 405)

    def test_a_preflight_needs_no_password(self):
        asks = {"Access_Control_Request_Method": "GET", "Access_Control_Request_Headers": "authorization"}
        status, head, _ = self.ask("/page.html", method="OPTIONS", Origin=ORIGIN, **asks)
        self.assertEqual((status, head["Access-Control-Allow-Origin"], head["Access-Control-Allow-Credentials"]), (204, ORIGIN, "true"))
        self.assertIn("Authorization", head["Access-Control-Allow-Headers"])
        status, head, _ = self.ask("/page.html", method="OPTIONS", Origin="https://other.example", **asks)
        self.assertEqual((status, head["Access-Control-Allow-Origin"], head["Vary"]), (
            204, None, "Access-Control-Request-Method, Access-Control-Request-Headers"))

    def test_a_page_of_a_listed_origin_may_read(self):
        _, head, _ = self.ask("/page.html", Origin=ORIGIN, Authorization=self.authorization())
        self.assertEqual(head["Access-Control-Allow-Origin"], ORIGIN)
        self.assertIsNone(self.ask("/page.html", Origin="https://other.example")[1]["Access-Control-Allow-Origin"])


class Shared(Browsed, Options):
    OPTIONS = ("--cors", "*")
    PAGE = """<p id="said"></p><script>
        const request = new XMLHttpRequest();
        let said;
        request.open("GET", location.search.slice(1), false); // waited for, so that the page has not loaded before
        request.setRequestHeader("Range", "bytes=0-3");
        try {
            request.send();
            said = [request.status, request.getResponseHeader("Content-Range"), request.responseText];
        } catch (error) {
            said = error.name;
        }
        document.getElementById("said").textContent = JSON.stringify(said);
        </script>"""

    def serve_page(self):
        """From another origin: its URL."""
        folder = self.directory()
        with open(os.path.join(folder, "page.html"), "w", encoding="utf-8") as file:
            file.write(self.PAGE)
        other = subprocess.Popen([served.BIGHT, "web", "--path", folder, "tcp:0:interface=127.0.0.1"], stderr=subprocess.PIPE)
        self.addCleanup(make_sure_of_the_end, other)
        return f"http://127.0.0.1:{wait_for_port(other, PATIENCE)}/page.html"

    def url(self, path):
        return path if path.startswith("http:") else super().url(path)

    def test_a_browser_lets_another_site_s_page_read_it(self):
        page = self.serve_page()
        self.assertEqual(self.said_in(f"{page}?{self.url('/lines.txt')}"), [206, f"bytes 0-3/{len(TEXT)}", "line"])
        own = self.said_in(f"{page}?{page.replace('127.0.0.1', 'localhost')}")
        self.assertEqual(own, "NetworkError")

    def test_any_origin_is_no_origin_in_particular(self):
        _, head, _ = self.ask("/page.html", Origin="https://any.example")
        self.assertEqual((head["Access-Control-Allow-Origin"], head["Access-Control-Allow-Credentials"]), ("*", None))


class Start(Web):
    """What it says before it serves, or instead."""

    def setUp(self):
        self.scratch_folder = self.directory()

    def tearDown(self):
        pass

    def complaint_about(self, *words):
        done = subprocess.run([served.BIGHT, "web", "--path", self.folder, *words, "tcp:0:interface=127.0.0.1"], capture_output=True,
                              timeout=PATIENCE, check=False, text=True)
        self.assertIn(done.returncode, (64, 71), done.stderr)
        self.assertLessEqual(done.stderr.count("\n"), 2)
        return done.stderr

    def path_of(self, name, text):
        path = os.path.join(self.scratch_folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_values_that_cannot_be(self):
        for words, why in (
            (("--log", "apache"), "--log apache: a format is combined or json"),
            (("--cors", ORIGIN + ",example.org"), 'CORS: "example.org" is no origin'),
            (("--cors", ORIGIN + "/"), f'CORS: "{ORIGIN}/" is no origin'),
            (("--cors", "*," + ORIGIN), 'CORS: "*" is no origin'),
            (("--cors", ","), "CORS: there is no origin"),
            (("--cors", ",".join([ORIGIN] * 33)), "there are more than 32"),
            (("--cors", "https://" + "a" * 3000), "it is too long"),
            (("--metrics", "metrics"), "--metrics metrics: a path is written as /metrics"),
            (("--metrics", "/"), "--metrics /: a path is written as /metrics"),
            (("--metrics", "/{all...}"), "a path is written as /metrics"),
            (("--metrics", "/a%zz"), "column 7"),
            (("--metrics", "/page.html"), "--metrics /page.html: the directory has a file there"),
            (("--gzip=9",), "--gzip takes no value"),
            (("--metric", "/m"), 'did you mean "--metrics"?'),
        ):
            self.assertIn(why, self.complaint_about(*words))

    def test_files_of_users_that_cannot_be(self):
        wrong = self.path_of("wrong", "# users\neve:secret\n")
        inside = self.write("users", b"")
        for path, why in (
            ("/nowhere", "/nowhere: No such file or directory"),
            (self.folder, "Is a directory"),
            (wrong, f"users of {wrong}: line 2: what stands behind the name is no hash"),
            (self.path_of("nobody", "ada\n"), "line 1: it does not begin with a user's name and a colon"),
            (inside, "it lies in the directory that is served"),
        ):
            self.assertIn(why, self.complaint_about("--basic-auth", path))

    def said_by(self, *words):
        """Whatever it warns of, as it comes to serve."""
        with subprocess.Popen([served.BIGHT, "web", "--path", self.folder, *words], stderr=subprocess.PIPE, text=True) as process:
            self.addCleanup(make_sure_of_the_end, process)
            wait_for_port(process, PATIENCE)
            process.terminate()
            said = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual(process.returncode, 0, said)
        return said

    def test_passwords_that_others_can_read(self):
        users = make_users(os.path.join(self.scratch_folder, "users"))
        said = self.said_by("--basic-auth", users, "tcp:0:interface=0.0.0.0", "tcp6:0")
        self.assertRegex(said, r"^bight: warning: \[web\] (0\.0\.0\.0|\[::\]):\d+: passwords cross the network for everybody to read.*\n$")
        certificate, key = self.make_certificate()
        self.assertEqual(self.said_by("--basic-auth", users, f"tls:0:cert={certificate}:key={key}"), "")
        self.assertEqual(self.said_by("--basic-auth", users, "tcp:0:interface=127.0.0.1"), "")
        self.assertEqual(self.said_by("tcp:0"), "")

    def test_a_file_of_users_that_others_can_read(self):
        users = make_users(os.path.join(self.scratch_folder, "users"), 0o644)
        self.assertEqual(self.said_by("--basic-auth", users, "tcp:0:interface=127.0.0.1"),
                         f"bight: warning: [web] {users}: all users of this machine can read it\n")

    def test_a_hidden_file_of_users_may_lie_in_the_directory(self):
        self.assertEqual(self.said_by("--basic-auth", make_users(os.path.join(self.folder, ".users")), "tcp:0:interface=127.0.0.1"), "")


if __name__ == "__main__":
    served.main()
