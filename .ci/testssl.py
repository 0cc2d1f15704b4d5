#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Has testssl.sh look at `bight echo tls:...`, with an ECDSA and with an RSA certificate of a CA of its own, and complains of
every finding of medium grade or worse, and of what it could not find out.

Usage: testssl.py BIGHT. Ends with status 1 if there is anything to complain of."""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test"))
from listening import wait_for_port  # pylint: disable=wrong-import-position

PATIENCE = 60  # seconds, for what should take none
LONGEST = 1500  # seconds, of one look; two at once take some three minutes of a machine that has nothing else to do

# Protocols, ciphers, forward secrecy, preferences, defaults, vulnerabilities. Not what it does for HTTP, which this is not, and not
# how old browsers would fare, which takes long and is never more than information.
SECTIONS = ["-p", "-s", "-f", "-P", "-S", "-U"]

KINDS = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
HARMLESS = {"OK", "INFO", "LOW", "DEBUG"}  # all else is MEDIUM, HIGH, CRITICAL, FATAL, or WARN: what could not be tested

# Of the world that a CA has around it and this one has not: addresses for revocation, and records in the DNS of who may issue.
# And of this machine's openssl, which testssl.sh itself works with.
LEFT_OUT = {"cert_revocation", "cert_ocspURL", "cert_crlDistributionPoints", "DNS_CAArecord", "engine_problem"}

# What is there when it has looked at all.
SIGNS = {"TLS1_2": "offered", "TLS1_3": "offered with final", "secure_client_renego": "not vulnerable", "ROBOT": "not vulnerable",
         "cert_chain_of_trust": "passed."}


def make_certificate(directory, name, key, *how):
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "90", "-subj", "/CN=" + name, "-keyout",
                    directory / (name + "-key.pem"), "-out", directory / (name + ".pem"), "-newkey", *key, *how], check=True,
                   stderr=subprocess.DEVNULL)


def make_certificates(directory):
    make_certificate(directory, "ca", KINDS["ec"])
    for kind, key in KINDS.items():
        make_certificate(directory, kind, key, "-CA", directory / "ca.pem", "-CAkey", directory / "ca-key.pem", "-addext",
                         "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-addext",
                         "extendedKeyUsage=serverAuth")


def look(directory, port, kind):
    """All findings. What it says of them in words is shown only when it could not go on."""
    findings = directory / (kind + ".json")
    findings.unlink(missing_ok=True)
    command = [shutil.which("testssl") or shutil.which("testssl.sh"), "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
               "--ip", "127.0.0.1", "--add-ca", directory / "ca.pem", "--jsonfile", findings, *SECTIONS,
               f"localhost:{port}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LONGEST,
                          cwd=directory, check=False)
    try:
        return json.loads(findings.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        sys.exit(f"testssl.sh ended with status {done.returncode}:\n" + done.stdout.decode(errors="replace"))


def is_left_out(finding):
    return finding["severity"] in HARMLESS or finding["id"].split(" ")[0] in LEFT_OUT


def complaints_of(findings):
    for finding in findings:
        if not is_left_out(finding):
            yield f"{finding['id']}: {finding['severity']}: {finding['finding']}"
    for sign, words in SIGNS.items():
        found = [finding["finding"] for finding in findings if finding["id"] == sign]
        if not any(text.startswith(words) for text in found):
            yield f"{sign}: \"{words}\" was expected, not {found}"


def was_disturbed(findings):
    return any(finding["severity"] == "WARN" and not is_left_out(finding) for finding in findings)


def examine(bight, directory, kind):
    """On a machine that is too busy there is something that it could not test: then it looks again, once."""
    endpoint = f"tls:0:interface=127.0.0.1:cert={directory}/{kind}.pem:key={directory}/{kind}-key.pem"
    with subprocess.Popen([bight, "echo", endpoint]) as server:
        try:
            port = wait_for_port(server, PATIENCE)
            findings = look(directory, port, kind)
            return list(complaints_of(look(directory, port, kind) if was_disturbed(findings) else findings))
        finally:
            server.terminate()


def main(bight):
    with tempfile.TemporaryDirectory() as name, concurrent.futures.ThreadPoolExecutor() as pool:
        directory = pathlib.Path(name)
        make_certificates(directory)
        looks = {kind: pool.submit(examine, os.path.abspath(bight), directory, kind) for kind in KINDS}
        complaints = [f"{kind}: {words}" for kind, looking in looks.items() for words in looking.result()]
    for words in complaints:
        print(words)
    print("nothing of medium grade or worse" if not complaints else f"{len(complaints)} findings")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
