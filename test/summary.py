# SPDX-License-Identifier: MIT
"""Adds up what `meson test` found in the build directories given and prints "N passed, N failed", with ", N skipped" if
there are any. The single tests of a Check program count, not the program. Exit status 1 unless all passed.

An argument of the form NAME=0 or NAME=1 is a check that was made otherwise: passed or failed."""

import json
import pathlib
import re
import sys

CHECKS = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.MULTILINE)


def count(test):
    """(passed, failed, skipped) of one program."""
    if test["result"] == "SKIP":
        return 0, 0, 1
    well = test["result"] in ("OK", "EXPECTEDFAIL")
    checks = CHECKS.findall(test.get("stdout") or "")
    total = sum(int(numbers[0]) for numbers in checks)
    wrong = sum(int(numbers[1]) + int(numbers[2]) for numbers in checks)
    if not total:
        return (1, 0, 0) if well else (0, 1, 0)
    if not well:
        wrong = max(wrong, 1)  # a leak, say, that was seen when all tests were over
    return total - wrong, wrong, 0


def tests_of(build):
    log = pathlib.Path(build) / "meson-logs" / "testlog.json"
    if not log.exists():
        return [{"name": "any test at all", "result": "ERROR"}]
    with open(log, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def main(arguments):
    passed = failed = skipped = 0
    for argument in arguments:
        name, _, status = argument.partition("=")
        for test in [{"name": name, "result": "FAIL" if int(status) else "OK"}] if status else tests_of(argument):
            numbers = count(test)
            passed, failed, skipped = passed + numbers[0], failed + numbers[1], skipped + numbers[2]
            if numbers[1] or numbers[2]:
                print(f"{test['result']}: {test['name']} ({argument})")
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
    sys.exit(1 if failed or skipped or not passed else 0)


main(sys.argv[1:])
