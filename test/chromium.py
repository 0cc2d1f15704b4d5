# SPDX-License-Identifier: MIT
"""Chromium as a child, told what to do by the DevTools protocol over a pair of pipes: windows in profiles of their own, in which
a test types as a person does, and looks at what there is to see."""
import base64
import json
import os
import shutil
import subprocess
import tempfile

from listening import wait_for

PATIENCE = 60  # seconds, for what should take none


class Window:
    def __init__(self, browser, url):
        self.browser = browser
        context = browser.ask("Target.createBrowserContext")["browserContextId"]
        target = browser.ask("Target.createTarget", url=url, browserContextId=context, width=800, height=600)["targetId"]
        self.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.await_true("document.readyState == 'complete'")

    def go(self, url):
        """Another page, in the same window: much cheaper than another window."""
        self.ask("Page.navigate", url=url)
        self.await_true("document.readyState == 'complete'")

    def ask(self, method, **parameters):
        return self.browser.ask(method, self.session, **parameters)

    def value_of(self, expression):
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in done:
            raise AssertionError(done["exceptionDetails"])
        return done["result"].get("value")

    def await_true(self, expression):
        def look():
            try:
                return self.value_of(expression)
            except AssertionError:
                return False  # the page is not there yet

        wait_for(look, PATIENCE, expression)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def press(self, key):
        codes = {"Enter": (13, "\r"), "Tab": (9, "")}
        number, text = codes[key]
        for kind in "keyDown", "keyUp":
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number,
                     **({"text": text} if kind == "keyDown" and text else {}))

    def picture(self):
        """A PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])


class Chromium:
    """Its ends of the pipes are 3, where it reads, and 4."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="bight-", ignore_cleanup_errors=True)
        # Low numbers are taken here, so that nothing that a child needs to start is in the way of its 3 and 4.
        held = [os.open(os.devnull, os.O_RDONLY) for _ in range(8)]
        commands, self.commands = os.pipe()
        self.answers, answers = os.pipe()

        def place():
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        words = [shutil.which("chromium") or "chromium-browser", "--headless", "--disable-gpu", "--no-first-run",
                 "--disable-dev-shm-usage", "--no-proxy-server", "--disable-background-networking", "--disable-component-update",
                 "--user-data-dir=" + self.directory.name, "--remote-debugging-pipe"]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        close_fds=False, preexec_fn=place)
        for descriptor in held + [commands, answers]:
            os.close(descriptor)
        self.number, self.waiting = 0, b""

    def read(self):
        while b"\0" not in self.waiting:
            piece = os.read(self.answers, 1 << 20)
            if not piece:
                raise AssertionError("Chromium has ended")
            self.waiting += piece
        message, _, self.waiting = self.waiting.partition(b"\0")
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            pass
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def stop(self):
        """Asked to end it takes its children along."""
        self.ask("Browser.close")
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.commands)
        os.close(self.answers)
        self.directory.cleanup()
