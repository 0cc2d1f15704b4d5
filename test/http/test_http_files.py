#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`bight web` with clients that are not bight's: curl, wget, Chromium. What a name may lead to is test_files_refused.c's.

Usage: test_http_files.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import gzip
import json
import os
import re
import subprocess
import threading

import served
from listening import wait_for_listener
from served import LARGE, PATIENCE, Browsed, Served, make_sure_of_the_end


class Web(Served):
    OPTIONS = ()

    @classmethod
    def words(cls):
        cls.folder = cls.directory()
        cls.fill()
        return served.BIGHT, "web", "--path", cls.folder, *cls.OPTIONS, "tcp:0:interface=127.0.0.1"

    @classmethod
    def write(cls, name, content, seconds=1_000_000_000):
        path = os.path.join(cls.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        os.utime(path, (seconds, seconds))
        return path

    @classmethod
    def fill(cls):
        cls.write("large.bin", LARGE)
        cls.write("page.html", b"<p id=\"said\">\"here\"</p>")

    def curl(self, *words):
        return self.run_client("curl", "--silent", "--show-error", "--noproxy", "*", *words)

    def status(self, path, *words):
        said = self.curl("--output", "/dev/null", "--write-out", "%{http_code}", *words, self.url(path))
        return int(said)

    def scratch(self):
        return os.path.join(self.directory(), "got")


class Curl(Web):
    def test_gets_files_whole(self):
        self.assertEqual(self.curl(self.url("/large.bin")), LARGE)
        self.assertEqual(self.curl(*[self.url("/page.html")] * 3), b"<p id=\"said\">\"here\"</p>" * 3)

    def test_gets_parts(self):
        self.assertEqual(self.curl("--range", "1000-1999", self.url("/large.bin")), LARGE[1000:2000])
        self.assertEqual(self.curl("--range", "-10", self.url("/large.bin")), LARGE[-10:])
        self.assertEqual(self.curl("--range", "0-3", self.url("/page.html")), b"<p i")

    def test_goes_on_where_it_stopped(self):
        path = self.scratch()
        with open(path, "wb") as file:
            file.write(LARGE[:777_777])
        self.curl("--continue-at", "-", "--output", path, self.url("/large.bin"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), LARGE)

    def test_is_told_that_nothing_has_changed(self):
        tag = self.scratch()
        self.assertEqual(self.status("/large.bin", "--etag-save", tag), 200)
        self.assertEqual(self.status("/large.bin", "--etag-compare", tag), 304)
        self.assertEqual(self.status("/large.bin", "--time-cond", "Mon, 10 Sep 2001 00:00:00 GMT"), 304)
        self.assertEqual(self.status("/large.bin", "--time-cond", "Sat, 01 Sep 2001 00:00:00 GMT"), 200)

    def test_does_not_get_out(self):
        secret = os.path.join(os.path.dirname(self.folder), "secret")
        for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "//etc/passwd", "/%2fetc%2fpasswd", "/.%00./secret"):
            self.assertIn(self.status(path, "--path-as-is"), (400, 404), path)
        self.assertFalse(os.path.exists(secret))

    def test_names_that_point_at_this_machine_are_refused(self):
        self.assertEqual(self.status("/page.html", "--header", "Host: rebound.example"), 421)
        self.assertEqual(self.status("/page.html", "--header", f"Host: localhost:{self.port}"), 200)

    def test_many_at_once_and_changes_meanwhile(self):
        path = self.write("changing", b"0" * 100_000)
        stops = threading.Event()

        def change():
            number = 0
            while not stops.wait(0.01):
                number = (number + 1) % 10
                with open(path + ".new", "wb") as file:
                    file.write(str(number).encode() * 100_000)
                os.replace(path + ".new", path)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            urls = [self.url("/changing")] * 300
            said = self.curl("--parallel", "--parallel-max", "30", "--write-out", "%{http_code} %{size_download}\n", "--output",
                             "/dev/null", *sum((["--output", "/dev/null"] for _ in urls[1:]), []), *urls)
        finally:
            stops.set()
            thread.join()
        self.assertEqual(said.split(b"\n")[:-1], [b"200 100000"] * 300)
        whole = self.curl(self.url("/changing"))
        self.assertEqual(whole, whole[:1] * 100_000)


class Wget(Web):
    OPTIONS = ("--listing",)

    @classmethod
    def fill(cls):
        super().fill()
        cls.write("a b/<c>.txt", b"c")
        cls.write("a b/deep/100%.txt", b"deep")
        cls.write(".hidden", b"hidden")

    def wget(self, *words):
        folder = self.directory()
        self.run_client("wget", "--quiet", "--no-proxy", "--tries", "1", "--directory-prefix", folder, *words)
        return folder

    def test_goes_on_where_it_stopped(self):
        folder = self.directory()
        path = os.path.join(folder, "large.bin")
        with open(path, "wb") as file:
            file.write(LARGE[:500_000])
        self.run_client("wget", "--quiet", "--no-proxy", "--tries", "1", "--continue", "--directory-prefix", folder,
                        self.url("/large.bin"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), LARGE)

    def test_mirrors_a_listing(self):
        folder = self.wget("--mirror", "--no-parent", "--no-host-directories", "--execute", "robots=off", "--reject-regex",
                           "[?]", "--reject", "index.html*", self.url("/"))
        found = {}
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder)] = file.read()
        self.assertEqual(found, {"large.bin": LARGE, "page.html": b"<p id=\"said\">\"here\"</p>", "a b/<c>.txt": b"c",
                                 "a b/deep/100%.txt": b"deep"})

    def test_times_are_kept(self):
        path = os.path.join(self.wget(self.url("/page.html")), "page.html")
        self.assertEqual(int(os.stat(path).st_mtime), 1_000_000_000)


class Listing(Browsed, Web):
    OPTIONS = ("--listing",)
    NAME = "<script>document.title='hurt'</script> & \"q\".txt"

    @classmethod
    def fill(cls):
        super().fill()
        cls.write("many/placeholder", b"")
        for number in range(5000):
            cls.write(f"many/file {number}", b"")
        cls.write("odd/" + cls.NAME.replace("/", "\u2215"), b"odd")

    def test_a_browser_shows_it(self):
        page = self.show("/")
        self.assertIn('<a href="large.bin">large.bin</a></td><td>2.0 MiB</td><td>2001-09-09 01:46</td>', page)
        self.assertIn('<a href="many/">many/</a>', page)

    def test_no_name_does_anything(self):
        page = self.show("/odd/")
        self.assertNotIn("<script", page)
        self.assertIn("<title>/odd/</title>", page)

    def test_a_browser_shows_a_large_one(self):
        page = self.show("/many/?sort=name&reverse")
        self.assertEqual(page.count("<tr><td><a"), 5002)
        self.assertLess(page.index("file 4999"), page.index("file 998"))

    def test_programs_get_json(self):
        entries = json.loads(self.run_client("curl", "--silent", "--header", "Accept: application/json", self.url("/many/")))
        names = [entry["name"] for entry in entries["entries"]]
        self.assertEqual(names, [f"file {number}" for number in range(5000)] + ["placeholder"])
        self.assertEqual(entries["entries"][7]["href"], "file%207")


class Options(Web):
    OPTIONS = ("--spa", "app.html", "--cache", "60", "--precompressed", "--index", "main.html", "--host", "box,My.Box:80")

    @classmethod
    def fill(cls):
        super().fill()
        cls.write("app.html", b"<p id=\"said\">\"app\"</p>")
        cls.write("main.html", b"main")
        cls.write("script.js", b"plain" * 100)
        cls.write("script.js.gz", gzip.compress(b"plain" * 100))

    def test_the_index_and_the_page_for_the_rest(self):
        self.assertEqual(self.curl(self.url("/")), b"main")
        self.assertEqual(self.curl("--header", "Accept: text/html", self.url("/users/7")), b"<p id=\"said\">\"app\"</p>")
        self.assertEqual(self.status("/users/7"), 404)

    def test_what_is_compressed_already(self):
        head = self.curl("--compressed", "--dump-header", "-", self.url("/script.js"))
        self.assertIn(b"Content-Encoding: gzip\r\n", head)
        self.assertIn(b"Cache-Control: max-age=60\r\n", head)
        self.assertTrue(head.endswith(b"\r\n\r\n" + b"plain" * 100))
        self.assertEqual(self.curl(self.url("/script.js")), b"plain" * 100)

    def test_further_names(self):
        for name in ("box", "BOX:1234", "my.box"):
            self.assertEqual(self.status("/", "--header", "Host: " + name), 200)
        self.assertEqual(self.status("/", "--header", "Host: box.example"), 421)


class Endpoints(Web):
    """Several at once: TCP, TLS, and a UNIX socket, for which names are free."""

    @classmethod
    def words(cls):
        cls.certificate, key = cls.make_certificate()
        cls.socket = os.path.join(cls.directory(), "web")
        tls = f"tls:0:cert={cls.certificate}:key={key}:interface=127.0.0.1"
        return (*super().words()[:-1], "unix:" + cls.socket, tls)

    def await_server(self):
        super().await_server()
        wait_for_listener(self.socket, PATIENCE)

    def test_all_of_them_serve(self):
        self.assertEqual(self.curl("--unix-socket", self.socket, "http://any.example/large.bin"), LARGE)
        self.assertEqual(self.curl("--cacert", self.certificate, f"https://localhost:{self.port}/large.bin"), LARGE)


class Terminal(Web):
    def test_the_urls_are_told(self):
        near, far = os.openpty()
        command = [served.BIGHT, "web", "--path", self.folder, "tcp:0:interface=127.0.0.1"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=far) as process:
            self.addCleanup(make_sure_of_the_end, process)
            os.close(far)
            said = b""
            while said.count(b"\n") < 2:
                said += os.read(near, 4096)
            url = re.search(rb"  (http://127\.0\.0\.1:\d+/)\r\n", said)
            self.assertIsNotNone(url, said)
            self.assertEqual(self.curl(url[1].decode() + "page.html"), b"<p id=\"said\">\"here\"</p>")
            process.terminate()
            self.assertEqual(process.wait(PATIENCE), 0)
        os.close(near)

    def test_what_cannot_be_served_is_told(self):
        for words, why in ((["--path", "/nowhere"], b"/nowhere"), (["--spa", "../x"], b"fallback"), (["--host", "a/b"], b"host"),
                           (["--index", "a/b"], b"index"), (["--cache", "-1"], b"--cache is a number")):
            done = subprocess.run([served.BIGHT, "web", *words, "tcp:0:interface=127.0.0.1"], capture_output=True,
                                  timeout=PATIENCE, check=False)
            self.assertNotEqual(done.returncode, 0, done.stderr)
            self.assertIn(why, done.stderr)


if __name__ == "__main__":
    served.main()
