#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams of events with clients that are not bight's: curl, Python, Chromium's EventSource.

Usage: test_http_events.py HTTP_PEER BIGHT [-k WORD] [-v]
"""
import http.client
import pathlib
import subprocess
import urllib.parse

import served
from listening import wait_for
from served import Browsed, PATIENCE, Served

PAGE = pathlib.Path(__file__).parent / "clients" / "events.html"


class Events(Served):
    @classmethod
    def words(cls):
        return served.PEER, "tcp:0:interface=127.0.0.1", PAGE

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def ask(self, method, target, body=None):
        connection = self.connect()
        connection.request(method, target, body)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def say(self, text, **named):
        return self.ask("POST", "/say?" + urllib.parse.urlencode(named), text.encode())[0]

    def await_listeners(self, count, gone):
        wait_for(lambda: self.ask("GET", "/listeners")[1] == f"{count} {gone}".encode(), PATIENCE, "its leaving was not noticed")

    def listen(self, target="/events", fields=None):
        connection = self.connect()
        connection.request("GET", target, headers=fields or {})
        return connection, connection.getresponse()

    @staticmethod
    def read_event(answer):
        """The next event's lines, without comments."""
        lines = []
        while True:
            line = answer.readline().decode()
            if line == "\n" and lines:
                return lines
            if line not in ("\n", ":\n", "retry: 50\n"):
                lines.append(line.rstrip("\n"))


class Python(Events):
    def test_reads_events(self):
        _, answer = self.listen()
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        self.assertEqual(answer.getheader("Cache-Control"), "no-store")
        self.assertEqual(self.read_event(answer), ["event: last", "data: none"])
        self.assertEqual(self.say("one\ntwo", id="7", type="price"), 204)
        self.assertEqual(self.read_event(answer), ["id: 7", "event: price", "data: one", "data: two"])

    def test_says_what_it_got_last(self):
        for target, fields in ("/events", {"Last-Event-ID": "7"}), ("/events?lastEventId=7", {}):
            _, answer = self.listen(target, fields)
            self.assertEqual(self.read_event(answer), ["event: last", "data: 7"])

    def test_leaves(self):
        connection, answer = self.listen()
        self.read_event(answer)
        self.await_listeners(1, 0)
        connection.close()
        answer.close()
        self.await_listeners(0, 1)

    def test_reads_until_the_end(self):
        connection, answer = self.listen()
        self.ask("POST", "/close")
        self.assertTrue(answer.read().startswith(b"retry: 50\n\nevent: last\ndata: none\n\n"))
        connection.request("GET", "/listeners")
        self.assertEqual(connection.getresponse().read(), b"0 0")

    def test_is_given_signs_of_life(self):
        _, answer = self.listen()
        self.read_event(answer)
        self.assertEqual(answer.readline(), b":\n")

    def test_reads_nothing_and_is_dropped(self):
        self.listen()
        for _ in range(40):
            self.say("x" * 500_000)
        self.await_listeners(0, 1)

    def test_is_not_held_up_by_another_that_reads_nothing(self):
        self.listen()
        _, answer = self.listen()
        self.read_event(answer)
        for number in range(30):
            self.say("x" * 500_000 + str(number))
            self.assertEqual(self.read_event(answer), ["data: " + "x" * 500_000 + str(number)])

    def test_cannot_say_what_looks_like_another_event(self):
        self.assertEqual(self.ask("POST", "/say?id=a%0Ab", b"x")[0], 400)
        self.assertEqual(self.ask("POST", "/say?type=a%0Db", b"x")[0], 400)
        self.assertEqual(self.ask("POST", "/say", b"\xff")[0], 400)

    def tearDown(self):
        """Usage errors are what the last one is about."""
        self.server.terminate()
        self.server.communicate(timeout=PATIENCE)
        self.assertEqual(self.server.returncode, 0)


class Curl(Events):
    def listen_by(self, *words):
        curl = subprocess.Popen(["curl", "-sSN", "--noproxy", "*", "--max-time", str(PATIENCE), *words, self.url("/events")],
                                stdout=subprocess.PIPE)
        self.addCleanup(served.make_sure_of_the_end, curl)
        self.read_event(curl.stdout)
        return curl

    def test_reads_events_as_they_come(self):
        for words in (), ("--http1.0",):
            curl = self.listen_by(*words)
            for number in range(10):
                self.say(str(number))
                self.assertEqual(self.read_event(curl.stdout), [f"data: {number}"])
            self.ask("POST", "/close")
            self.assertEqual(curl.wait(PATIENCE), 0)

    def test_leaves(self):
        curl = self.listen_by()
        self.await_listeners(1, 0)
        curl.kill()
        self.await_listeners(0, 1)

    def test_asks_for_the_head(self):
        head = self.run_client("curl", "-sSI", "--noproxy", "*", self.url("/events")).decode()
        self.assertIn("Content-Type: text/event-stream\r\n", head)
        self.assertIn("X-Accel-Buffering: no\r\n", head)


class Chromium(Events, Browsed):
    def test_event_source(self):
        self.assertEqual(self.said_in("/page"), [
            ["last", "none", ""],
            ["message", "hello", ""],
            ["message", "one\ntwo\nthree\n\n four: \U0001f600", "caf\u00e9"],
            ["price", "data: 42\n\nevent: fake", "caf\u00e9"],
            ["empty", "", "caf\u00e9"],
            ["error", 0],
            ["last", "caf\u00e9", "caf\u00e9"],
        ])
        self.await_listeners(0, 1)


if __name__ == "__main__":
    served.main()
