#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""reload.py - whether connections get lost while certificates are renewed: echoes, each over a TLS connection of its own, while
`bight echo` is given another certificate and SIGHUP again and again (tls_churn.c, which also says what is wrong).

Usage: reload.py [--build DIR] [--connections N] [--changes N] [--threads N]"""
import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from listening import wait_for_port  # pylint: disable=wrong-import-position


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--connections", type=int, default=100000)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever is started with it ignored, as by nohup, would not reload
    bight = os.path.abspath(os.path.join(options.build, "apps", "bight"))
    churn = os.path.abspath(os.path.join(options.build, "test", "bench", "tls_churn"))
    with tempfile.TemporaryDirectory() as directory:
        names = [f"c{number}.example" for number in range(options.changes + 1)]
        for name in names:
            subprocess.run([bight, "certificate", name, "localhost"], check=True, cwd=directory, stdout=subprocess.DEVNULL)
        files = [name + ".pem" for name in names]
        with subprocess.Popen([bight, "echo", f"tls:0:interface=127.0.0.1:cert={files[0]}"], cwd=directory) as server:
            try:
                port = wait_for_port(server, 60)
                return subprocess.run([churn, "-n", str(options.connections), "-t", str(options.threads), str(port), str(server.pid),
                                       *files], cwd=directory, check=False).returncode
            finally:
                server.terminate()


if __name__ == "__main__":
    sys.exit(main())
