#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`bight chatroom` as people use it: windows of Chromium in which somebody types, a server that restarts under them, and what is
on the way that lets no WebSocket through; and what strangers send who are no page of ours.

Usage: test_chatroom.py BIGHT [PICTURE] [-k WORD] [-v]; PICTURE is written: what a window looks like.
"""
import concurrent.futures
import functools
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

from chromium import Chromium, Window
from listening import wait_for_port

BIGHT = sys.argv.pop(1)
PICTURE = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
PATIENCE = 60  # seconds, for what should take none


def ask(port, method, target, body=None, **fields):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, target, body.encode() if isinstance(body, str) else body, fields)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


class Room(unittest.TestCase):
    OPTIONS = ()
    MAY_SAY = "^$"

    def setUp(self):
        self.server = None
        self.port = 0
        self.start()
        self.addCleanup(self.stop)

    def start(self):
        endpoint = f"tcp:{self.port}:interface=127.0.0.1"
        self.server = subprocess.Popen([BIGHT, "chatroom", *self.OPTIONS, endpoint], stderr=subprocess.PIPE)
        self.port = wait_for_port(self.server, PATIENCE)

    def stop(self):
        if self.server.poll() is None:
            self.server.terminate()
        said = self.server.communicate(timeout=PATIENCE)[1].decode()
        self.assertEqual(self.server.returncode, 0, said)
        self.assertRegex(said, self.MAY_SAY)


@functools.cache
def browser():
    """One for all tests: it takes long to start."""
    made = Chromium()
    unittest.addModuleCleanup(made.stop)
    return made


class Talk(Room):
    """Chromium leaves a kept connection open for seconds after the server has ended it; nobody waits for that here."""
    OPTIONS = ("--drain", "1")
    MAY_SAY = r"^(bight: warning: \[port\] \d connections? of \S+ cut after \S+ s\n)?$"
    windows = []  # of profiles of their own; those that the test before has used, too

    def setUp(self):
        super().setUp()
        self.opened = 0  # windows
        self.addCleanup(self.forget_names)

    def forget_names(self):
        for window in self.windows[:self.opened]:
            window.value_of("localStorage.clear()")

    def enter(self, name, more=""):
        """By the keyboard alone: the field for the name has the focus, and the next one is the message's."""
        window = self.browser_window(f"/rooms/lobby{more}")
        window.await_true("document.getElementById('state').textContent == 'connected'")
        window.type(name)
        window.press("Tab")
        return window

    def browser_window(self, target):
        url = f"http://127.0.0.1:{self.port}{target}"
        if self.opened == len(self.windows):
            self.windows.append(Window(browser(), url))
        else:
            self.windows[self.opened].go(url)
        self.opened += 1
        return self.windows[self.opened - 1]

    def say(self, window, text):
        window.type(text)
        window.press("Enter")

    def await_shown(self, window, *texts):
        """Each once, in this order, and all of them known to be known."""
        shown = ("JSON.stringify([...document.querySelectorAll('#log p:not(.note)')].map(line => line.className + "
                 "line.lastChild.textContent))")
        window.await_true(f"{shown} == {json.dumps(json.dumps(texts, separators=(',', ':')))}")

    def check_talk(self, more):
        ann, bob = self.enter("Ann", more), self.enter("Bob", more)
        self.say(ann, "hello <b>there</b>")
        self.await_shown(bob, "hello <b>there</b>")
        self.say(bob, "hello Ann")
        for window in ann, bob:
            self.await_shown(window, "hello <b>there</b>", "hello Ann")
        return ann, bob

    def check_restart(self, more):
        """What is said while nobody is there is told once, when there is somebody again."""
        ann, bob = self.check_talk(more)
        self.stop()
        for window in ann, bob:
            window.await_true("document.getElementById('state').textContent != 'connected'")
        self.say(ann, "is anybody there?")
        self.start()
        texts = ["hello <b>there</b>", "hello Ann", "is anybody there?"]
        self.await_shown(ann, *texts)
        self.await_shown(bob, *texts)
        self.say(bob, "again")
        for window in ann, bob:
            self.await_shown(window, *texts, "again")
            self.assertEqual(window.value_of("document.body.dataset.way"), more.partition("=")[2] or "socket")
        return ann, bob


class Windows(Talk):
    def test_two_windows_talk(self):
        ann, bob = self.check_talk("")
        self.assertEqual(ann.value_of("document.body.dataset.way"), "socket")
        late = self.enter("Carl")
        self.await_shown(late, "hello <b>there</b>", "hello Ann")
        self.assertEqual(bob.value_of("document.querySelectorAll('.note').length"), 0)
        if PICTURE:
            with open(PICTURE, "wb") as file:
                file.write(bob.picture())

    def test_by_server_sent_events(self):
        ann, _ = self.check_talk("?via=events")
        self.assertEqual(ann.value_of("document.body.dataset.way"), "events")

    def test_by_polls(self):
        ann, _ = self.check_talk("?via=polls")
        self.assertEqual(ann.value_of("document.body.dataset.way"), "polls")

    def test_the_server_restarts_and_both_come_back(self):
        for window in self.check_restart(""):  # the history has gone, and they are told so
            self.assertEqual(window.value_of("document.querySelectorAll('.note').length"), 1)

    def test_the_server_restarts_under_server_sent_events(self):
        self.check_restart("?via=events")

    def test_the_server_restarts_under_polls(self):
        self.check_restart("?via=polls")

    def test_another_way_is_found_where_no_websocket_gets_through(self):
        window = self.browser_window("/rooms/lobby?via=socket")
        window.await_true("document.getElementById('state').textContent == 'connected'")
        window = self.browser_window("/")
        window.await_true("location.pathname == '/rooms/lobby' && document.body.dataset.way == 'socket'")
        window.value_of("WebSocket = class { constructor() { setTimeout(() => this.onclose()); } }; isLost(false)")
        window.await_true("document.body.dataset.way == 'events'")


class Remembered(Talk):
    """With a journal a restart is nothing but a moment's absence."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(directory.cleanup)
        self.journal = pathlib.Path(directory.name, "said")
        self.OPTIONS = (*Talk.OPTIONS, "--journal", self.journal)
        super().setUp()

    def test_the_server_restarts_and_both_come_back(self):
        for window in self.check_restart(""):
            self.assertEqual(window.value_of("document.querySelectorAll('.note').length"), 0)
        late = self.enter("Carl")
        self.await_shown(late, "hello <b>there</b>", "hello Ann", "is anybody there?", "again")


class Journal(Room):
    """The file itself, and what may become of it."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="bight-")
        self.addCleanup(directory.cleanup)
        self.journal = pathlib.Path(directory.name, "said")
        self.OPTIONS = ("--journal", self.journal)
        super().setUp()

    def say(self, key, text, room="lobby"):
        self.assertEqual(ask(self.port, "POST", f"/rooms/{room}", f"{key}\nAnn\n{text}")[0], 204)

    def texts(self, room="lobby"):
        told = json.loads(ask(self.port, "GET", f"/rooms/{room}/poll?after=0-0")[1])
        return [each["text"].split("\n", 3)[3] for each in told["messages"]]

    def restart(self):
        self.stop()
        self.start()

    def test_what_was_said_is_there_again_and_not_said_twice(self):
        texts = ["a\tb\\n", "two\nlines", "\u00e9\u4e16", "x" * 4000]
        for number, text in enumerate(texts):
            self.say(number, text)
        self.say("other", "elsewhere", "x%20y")
        self.restart()
        self.say(0, texts[0])
        self.assertEqual(self.texts(), texts)
        self.assertEqual(self.texts("x%20y"), ["elsewhere"])
        self.say("next", "more")
        self.restart()
        self.assertEqual(self.texts(), texts + ["more"])

    def test_a_line_that_a_crash_cut_short_is_cut_off(self):
        self.say("1", "one")
        self.server.kill()
        self.server.communicate()
        whole = self.journal.read_bytes()
        for size in 1, 5:
            self.journal.write_bytes(whole + b"2\tlob"[:size])
            self.start()
            self.assertEqual(self.texts(), ["one"])
            self.stop()
            self.assertEqual(self.journal.read_bytes(), whole)
        self.start()

    def test_it_is_killed_and_nothing_that_was_acknowledged_is_lost(self):
        for number in range(20):
            self.say(number, f"text {number}")
        self.server.kill()
        self.server.communicate()
        self.start()
        self.assertEqual(self.texts(), [f"text {number}" for number in range(20)])

    def test_what_is_said_again_while_it_is_written_is_answered_when_it_is_kept(self):
        for number in range(10):
            with concurrent.futures.ThreadPoolExecutor(8) as threads:
                said = [threads.submit(self.say, number, f"text {number}") for _ in range(8)]
                next(concurrent.futures.as_completed(said)).result()  # the first that is answered, whoever asked
                self.assertIn(f"text {number}\n".encode(), self.journal.read_bytes())
                for each in said:
                    each.result()
        self.assertEqual(self.texts(), [f"text {number}" for number in range(10)])

    def test_a_file_that_has_grown_large_is_rewritten_with_what_is_kept_and_its_keys(self):
        self.say("first", "one")
        self.stop()
        title = self.journal.read_bytes().splitlines(keepends=True)[0]
        lines = [f"{number}\tlobby\tkey{number}\\nAnn\\n0\\n{'x' * 600}\n".encode() for number in range(1, 4001)]
        self.journal.write_bytes(title + b"".join(lines) + b"4001\tlob")
        self.journal.chmod(0o640)
        pathlib.Path(f"{self.journal}.new").write_text("what a crash has left")
        for _ in range(2):
            self.start()
            self.assertEqual(set(self.texts()), {"x" * 600})
            self.say("key1", "that was said long ago")
            self.stop()
            kept = self.journal.read_bytes().splitlines(keepends=True)
            self.assertEqual([line for line in kept if not line.startswith(b"key\t")], [title, *lines[2999:]])
            self.assertEqual(len(kept), 4001)
        self.assertEqual(self.journal.stat().st_mode & 0o777, 0o640)
        self.assertEqual(list(self.journal.parent.iterdir()), [self.journal])
        self.start()

    def test_a_file_in_a_directory_that_is_not_ours_is_written_where_it_is(self):
        self.stop()
        self.journal.unlink()
        self.journal.with_name("said.new").mkdir()  # so that there can be no other one, for root too
        self.start()
        self.say("1", "one")
        self.restart()
        self.assertEqual(self.texts(), ["one"])

    def check_refused(self, words):
        done = subprocess.run([BIGHT, "chatroom", *self.OPTIONS, "tcp:0:interface=127.0.0.1"], stderr=subprocess.PIPE,
                              timeout=PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.decode(), f"^bight: cannot start chatroom: --journal .*{words}\n$")

    def test_what_is_no_journal_is_refused_and_left_as_it_is(self):
        self.check_refused("another chat room has it")
        self.say("1", "one")
        self.stop()
        title, line = self.journal.read_bytes().splitlines(keepends=True)
        for text, words in (b"hello\n", ":1: this is no journal of a chat room"), (title + b"x\n", ":2: a number, a room and a text.*"), \
                (title + b"x\ty\tz\n", ":2: a number that is none.*"), (title + line + line, ":3: it cannot be restored.*"), \
                (title + b"1\ty\t\\x\n", ":2: .*escape"), (title + b"1\ty\t\xff\n", ":2: it cannot be restored.*"), \
                (title + b"1\ty\t\0\n", ":2: a line that is too long, or holds a NUL"):
            self.journal.write_bytes(text)
            self.check_refused(words)
            self.assertEqual(self.journal.read_bytes(), text)
        self.journal.write_bytes(title)
        self.OPTIONS = ("--journal", self.journal.parent)
        self.check_refused("Is a directory")
        self.OPTIONS = ("--journal", "/dev/null")
        self.check_refused("this is no file")
        self.OPTIONS = ("--journal", self.journal)
        self.start()


class Strangers(Room):
    def ask(self, method, target, body=None, **fields):
        return ask(self.port, method, target, body, **fields)

    def told(self, after="0-0"):
        return [each["text"].split("\n") for each in
                json.loads(self.ask("GET", f"/rooms/lobby/poll?after={after}")[1])["messages"]]

    def test_what_is_said_twice_is_told_once(self):
        for _ in range(3):
            self.assertEqual(self.ask("POST", "/rooms/lobby", "key\nAnn\nhello\nthere")[0], 204)
        (told,) = self.told()
        self.assertEqual([*told[:2], *told[3:]], ["key", "Ann", "hello", "there"])

    def test_what_is_no_message_is_refused(self):
        for body in "", "key", "key\nAnn", "key\nAnn\n", "\nAnn\nx", "key\n\nx", "k" * 65 + "\nAnn\nx", "key\n" + "A" * 61 + "\nx", \
                "key\nAnn\n\x07", "key\nA\tnn\nx", "key\nAnn\n" + "x" * 4001:
            with self.subTest(body[:20]):
                self.assertEqual(self.ask("POST", "/rooms/lobby", body)[0], 400)
        self.assertEqual(self.ask("POST", "/rooms/lobby", "key\nAnn\n" + "x" * 10000)[0], 413)
        self.assertEqual(self.ask("POST", "/rooms/lobby", b"key\nAnn\n\xff")[0], 400)
        self.ask("POST", "/rooms/lobby", "key\nAnn\nx")
        self.assertEqual(len(self.told()), 1)

    def test_pages_of_strangers_cannot_speak(self):
        for fields in {"Host": "evil.example"}, {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}:
            self.assertIn(self.ask("POST", "/rooms/lobby", "key\nEve\nhello", **fields)[0], (403, 421))

    def test_rooms_that_cannot_be(self):
        for target in "/rooms/%01/poll", "/rooms/%01/events", "/rooms/" + "x" * 300 + "/poll":
            self.assertEqual(self.ask("GET", target)[0], 404)


if __name__ == "__main__":
    unittest.main()
