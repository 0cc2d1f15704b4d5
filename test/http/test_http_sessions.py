#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sessions with clients that keep cookies: curl's jar, Python's http.cookiejar, Chromium; over TCP and TLS, in memory and signed.

Usage: test_http_sessions.py HTTP_SESSIONS_PEER BIGHT [-k WORD] [-v]
"""
import http.cookiejar
import os
import pathlib
import ssl
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import served
from served import Browsed, PATIENCE, Served, make_sure_of_the_end

PAGES = pathlib.Path(__file__).parent / "clients"
OLD_KEY, NEW_KEY = "an old key: 0123456789abcdefghijklm", "a new key: 0123456789abcdefghijklmn"


class Curl:
    """One visitor, with a jar in a file of Netscape's form."""
    COLUMNS = 7

    def __init__(self, test):
        self.test, self.jar = test, os.path.join(test.directory(), "jar")

    def ask(self, path, fields=None, words=()):
        """(status, text)"""
        fields = ["--data", urllib.parse.urlencode(fields)] if fields is not None else []
        trust = ["--cacert", self.test.certificate] if self.test.TLS else []
        said = self.test.run_client("curl", "--silent", "--show-error", "--noproxy", "*", "--cookie", self.jar, "--cookie-jar",
                                    self.jar, "--write-out", "\n%{http_code}", *trust, *fields, *words, self.test.url(path))
        text, _, status = said.decode().rpartition("\n")
        return int(status), text

    def lines(self):
        if not os.path.exists(self.jar):
            return []
        with open(self.jar, encoding="ascii") as file:
            lines = [line.rstrip("\n").removeprefix("#HttpOnly_").split("\t") for line in file]
        return [line for line in lines if len(line) == self.COLUMNS]

    def cookies(self):
        return {line[5]: line[6] for line in self.lines()}

    def say(self, name, value):
        """From now on it has this one."""
        lines = [line for line in self.lines() if line[5] != name]
        lines.append([self.test.HOST, "FALSE", "/", str(self.test.TLS).upper(), "0", name, value])
        with open(self.jar, "w", encoding="ascii") as file:
            file.writelines("\t".join(line) + "\n" for line in lines)

    def are_secure(self):
        return [line[3] == "TRUE" for line in self.lines()]


class Python:
    """One visitor, with urllib and http.cookiejar."""

    def __init__(self, test):
        self.test, self.jar = test, http.cookiejar.CookieJar()
        handlers = [urllib.request.HTTPCookieProcessor(self.jar), urllib.request.ProxyHandler({})]
        if test.TLS:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=test.certificate)))
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, path, fields=None):
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            with self.opener.open(self.test.url(path), data, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def cookies(self):
        return {cookie.name: cookie.value for cookie in self.jar}

    def say(self, name, value):
        next(cookie for cookie in self.jar if cookie.name == name).value = value

    def are_secure(self):
        return [bool(cookie.secure) for cookie in self.jar]


class Sessions(Served):
    """A site at one endpoint, TCP or TLS, with keys or in memory."""
    IDLE, KEYS, TLS, HOST = "1000", (), False, "127.0.0.1"

    @classmethod
    def words(cls):
        endpoint = "tcp:0:interface=127.0.0.1"
        if cls.TLS:
            cls.certificate, key = cls.make_certificate()
            endpoint = f"tls:0:interface=127.0.0.1:cert={cls.certificate}:key={key}"
        return served.PEER, cls.IDLE, PAGES, endpoint, *cls.KEYS

    def url(self, path):
        return f"{'https' if self.TLS else 'http'}://{self.HOST}:{self.port}{path}"

    def check(self, visitor, path, text, fields=None):
        self.assertEqual(visitor.ask(path, fields), (200, text), path)

    def log_in(self, visitor, user="ann"):
        self.check(visitor, "/login", user, {"user": user})


class Visits:
    """What holds for every visitor and every form of session."""
    NAME = "session"

    def setUp(self):
        super().setUp()
        self.visitor = self.VISITOR(self)

    def cookie(self):
        self.assertEqual(list(self.visitor.cookies()), [self.NAME])
        return self.visitor.cookies()[self.NAME]

    def test_one_who_has_said_nothing_has_no_cookie(self):
        self.check(self.visitor, "/who", "nobody")
        self.assertEqual(self.visitor.cookies(), {})

    def test_one_who_has_logged_in_is_known(self):
        self.log_in(self.visitor)
        for count in range(1, 4):
            self.check(self.visitor, "/who", f"ann {count}")
        self.assertEqual(self.visitor.are_secure(), [self.TLS])
        other = self.VISITOR(self)
        self.check(other, "/who", "nobody")
        self.log_in(other, "bob")
        self.check(other, "/who", "bob 1")
        self.check(self.visitor, "/who", "ann 4")

    def test_a_login_renews_the_cookie(self):
        self.check(self.visitor, "/keep?size=5", "OK", {})
        before = self.cookie()
        self.log_in(self.visitor)
        after = self.cookie()
        self.assertNotEqual(after, before)
        self.check(self.visitor, "/kept", "5")
        self.visitor.say(self.NAME, before)
        self.check(self.visitor, "/who", "nobody")
        self.check(self.visitor, "/kept", "5" if self.KEYS else "0")  # a signed one cannot be taken back
        self.visitor.say(self.NAME, after)
        self.check(self.visitor, "/who", "ann 1")

    def test_a_logout_is_forgotten_on_both_sides(self):
        self.log_in(self.visitor)
        before = self.cookie()
        self.check(self.visitor, "/logout", "bye", {})
        self.assertEqual(self.visitor.cookies(), {})
        self.check(self.visitor, "/who", "nobody")
        if not self.KEYS:
            self.log_in(self.visitor)
            self.visitor.say(self.NAME, before)
            self.check(self.visitor, "/who", "nobody")

    def test_a_cookie_that_was_changed_is_nobodys(self):
        self.log_in(self.visitor)
        good = self.cookie()
        for at in {*range(0, len(good) - 1, 9), len(good) - 2}:
            bad = good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1:]
            self.visitor.say(self.NAME, bad)
            self.check(self.visitor, "/who", "nobody")
        for bad in (good + "A", good[:-1], good.replace(".", ""), "", ".", "A" * 4000):
            if bad != good:
                self.visitor.say(self.NAME, bad)
                self.check(self.visitor, "/who", "nobody")
        self.visitor.say(self.NAME, good)
        self.check(self.visitor, "/who", "ann 1")

    def test_much(self):
        self.check(self.visitor, "/keep?size=2700", "OK", {})
        self.assertLessEqual(len(self.NAME) + len(self.cookie()), 4096)
        self.check(self.visitor, "/kept", "2700")
        self.assertEqual(self.visitor.ask("/keep?size=69000", {}), (413, "TOO_LONG"))
        self.check(self.visitor, "/kept", "2700")


class CurlVisits(Visits, Sessions):
    VISITOR = Curl

    def test_a_cookie_of_4_kib_beside_it(self):
        self.log_in(self.visitor)
        self.visitor.say("aaa", "a" * 4090)
        self.check(self.visitor, "/who", "ann 1")

    def test_the_name_of_one_that_came_by_tls_is_none_here(self):
        self.log_in(self.visitor)
        field = f"Cookie: __Host-session={self.cookie()}"
        self.assertEqual(Curl(self).ask("/who", words=["--header", field]), (200, "nobody"))


class PythonVisits(Visits, Sessions):
    VISITOR = Python


class SignedCurlVisits(CurlVisits):
    KEYS = (NEW_KEY, OLD_KEY)


class TlsCurlVisits(Visits, Sessions):
    VISITOR, TLS, HOST, NAME = Curl, True, "localhost", "__Host-session"


class TlsPythonVisits(Visits, Sessions):
    VISITOR, TLS, HOST, NAME = Python, True, "localhost", "__Host-session"


class SignedTlsPythonVisits(TlsPythonVisits):
    KEYS = (NEW_KEY,)


class Expiry(Sessions):
    IDLE = "1"

    def test_one_who_has_been_away_is_nobody(self):
        visitor = Curl(self)
        self.log_in(visitor)
        time.sleep(2.1)
        self.check(visitor, "/who", "nobody")


class SignedExpiry(Expiry):
    KEYS = (NEW_KEY,)


class Rotation(Sessions):
    """The program starts again, each time with other keys."""
    KEYS = (OLD_KEY,)

    def restart(self, *keys):
        super().tearDown()
        self.server = subprocess.Popen([*self.command[:4], *keys], stderr=subprocess.PIPE)
        self.addCleanup(make_sure_of_the_end, self.server)
        self.await_server()

    def test_keys_are_changed_and_nobody_notices(self):
        visitor, idler = Curl(self), Curl(self)
        self.log_in(visitor)
        self.log_in(idler, "bob")
        self.restart(NEW_KEY, OLD_KEY)
        self.check(visitor, "/who", "ann 1")  # which is signed with the new one
        self.restart(NEW_KEY)
        self.check(visitor, "/who", "ann 2")
        self.check(idler, "/who", "nobody")


class Chromium(Browsed, Sessions):
    KNOWN = ["nobody", "ann & bob", "ann & bob 1", "", "ann & bob a %22note%22.txt text/x 300000", "ann & bob 2", "bye", "nobody"]

    def test_forms_and_a_file(self):
        self.assertEqual(self.said_in("/page/visit.html"), self.KNOWN)


class ChromiumSigned(Chromium):
    KEYS = (NEW_KEY,)


class ChromiumOverTls(Chromium):
    TLS, HOST, BROWSER_OPTIONS = True, "localhost", ("--ignore-certificate-errors",)


class ChromiumElsewhere(Browsed, Sessions):
    """A visitor of 127.0.0.1, and a page of localhost, which is another site."""

    def show_and_come_back(self, then):
        words = {"home": self.url(""), "other": f"http://localhost:{self.port}", "then": then}
        return self.show("/page/elsewhere.html?" + urllib.parse.urlencode(words))

    def test_another_site_asks_without_the_cookie_and_a_link_leads_back_with_it(self):
        self.assertIn("ann 1<", self.show_and_come_back("link"))

    def test_another_site_cannot_post(self):
        page = self.show_and_come_back("form")
        self.assertIn("403", page)
        self.assertNotIn("eve", page)


if __name__ == "__main__":
    served.main()
