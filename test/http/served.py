# SPDX-License-Identifier: MIT
"""What tests of sites with clients that are not bight's share: a site in a process of its own for each test, a directory for
each class, and clients that are waited for."""
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from listening import wait_for_port

PEER = BIGHT = None  # the programs' paths
PATIENCE = 60  # seconds, for what should take none
LARGE = bytes(range(256)) * 8192  # 2 MiB


def make_sure_of_the_end(process):
    """Of one that a test which failed has not ended."""
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class Served(unittest.TestCase):
    """What a class serves is what its words() say."""

    @classmethod
    def words(cls):
        return PEER, "tcp:0:interface=127.0.0.1"

    @classmethod
    def directory(cls):
        made = tempfile.TemporaryDirectory(prefix="bight-")
        cls.addClassCleanup(made.cleanup)
        return made.name

    @classmethod
    def make_certificate(cls):
        """The paths of a certificate for localhost and of its key."""
        directory = cls.directory()
        certificate, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
        return certificate, key

    @classmethod
    def setUpClass(cls):
        cls.command = cls.words()

    def setUp(self):
        self.server = subprocess.Popen(self.command, stderr=subprocess.PIPE)
        self.addCleanup(make_sure_of_the_end, self.server)
        self.await_server()

    def await_server(self):
        self.port = wait_for_port(self.server, PATIENCE)

    def tearDown(self):
        self.server.terminate()
        said = self.server.communicate(timeout=PATIENCE)[1].decode()
        self.assertEqual(self.server.returncode, 0, said)
        self.assertNotIn("usage", said)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def run_client(self, *words, data=None, patience=PATIENCE):
        done = subprocess.run(words, input=data, capture_output=True, timeout=patience, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace"))
        return done.stdout

    def leave(self, *curl):
        """curl goes while it is being sent what does not end."""
        done = subprocess.run([*curl, "--silent", "--noproxy", "*", "--output", os.devnull, "--max-time", "0.3",
                               "--write-out", "%{http_code} %{size_download}", self.url("/endless")],
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 28, done)  # its own time is over
        status, size = done.stdout.split()
        self.assertEqual(status, b"200")
        self.assertGreater(int(size), 0)


class Browsed(Served):
    """In Chromium, without a profile of anybody's, and in no sandbox when root runs it, for which it has none."""
    SAID = re.compile(r'<p id="said">(.*?)</p>', re.DOTALL)
    BROWSER_OPTIONS = ()

    def show(self, path):
        """The page, as it is when it has loaded."""
        words = [shutil.which("chromium") or "chromium-browser", "--headless", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage", "--no-proxy-server",
                 "--disable-background-networking", "--disable-component-update", "--user-data-dir=" + self.directory(),
                 "--dump-dom", *self.BROWSER_OPTIONS]
        if os.geteuid() == 0:
            words.append("--no-sandbox")
        return self.run_client(*words, self.url(path), patience=2 * PATIENCE).decode()

    def said_in(self, path):
        """What the page leaves in its paragraph `said`, which is JSON."""
        return json.loads(html.unescape(self.SAID.search(self.show(path))[1]))


def main():
    global PEER, BIGHT
    PEER, BIGHT = sys.argv[1:3]
    unittest.main(module="__main__", argv=[sys.argv[0]] + sys.argv[3:])
