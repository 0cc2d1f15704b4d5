#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Streams of bytes by chance, in order and broken, to sockets of bight's and to node's ws: both make the same of them, but for what
the table in docs/websocket.md has, whose rows are the functions here.

Usage: test_http_ws_verdict.py WS_VERDICT [--seed N] [--count N] [--limit BYTES] [--show N]
"""
import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

CLIENTS = pathlib.Path(__file__).parent / "clients"
ENDS = re.compile(r"(.*?)end:(\d+):(\S*)(?: \((.*)\))?\s*$")


class Verdict:
    def __init__(self, line):
        events, code, how, why = ENDS.fullmatch(line).groups()
        self.events, self.code, self.how, self.why = events.split(), int(code), how, why or ""

    def is_as(self, other):
        return (self.events, self.code, self.how) == (other.events, other.code, other.how)

    def goes_on_behind(self, other):
        """It has all that the other has, and perhaps more."""
        return self.events[:len(other.events)] == other.events

    def rest_behind(self, other):
        return self.events[len(other.events):]


def is_control(events):
    return all(event.startswith(("ping:", "pong:")) for event in events)


# Each is asked of a difference in which ws goes on where bight has ended, or ends where bight has gone on.

def a_length_that_is_not_minimal(ours, theirs, _):
    return ours.why == "a length is not minimal" and theirs.goes_on_behind(ours)


def the_top_bit_of_a_length(ours, theirs, _):
    return ours.why == "a length has its top bit set" and theirs.code in (1009, 1006) and theirs.events == ours.events


def text_at_the_first_byte(ours, theirs, _):
    return ours.why in ("text is not UTF-8", "a reason is not UTF-8") and theirs.goes_on_behind(ours) and \
        is_control(theirs.rest_behind(ours))


def a_head_at_the_first_byte(ours, theirs, _):
    return ours.code in (1002, 1009) and theirs.code == 1006 and theirs.events == ours.events


def a_message_that_ends_within_a_block(ours, theirs, deflates):
    return deflates and ours.why == "a compressed message is damaged" and theirs.goes_on_behind(ours)


def fragments_inflated_as_they_come(ours, theirs, deflates):
    return deflates and theirs.code in (1007, 1009) and ours.goes_on_behind(theirs) and is_control(ours.rest_behind(theirs))


def the_limit_of_what_comes_compressed(ours, theirs, deflates):
    return deflates and theirs.code == 1009 and ours.goes_on_behind(theirs)


def a_reason_with_a_nul(ours, theirs, _):
    """A text of C ends there; the frame that goes back has all of it."""
    return ours.code == theirs.code and ours.events == theirs.events and theirs.how.startswith(ours.how.split(":")[0] + "00")


ROWS = (a_length_that_is_not_minimal, the_top_bit_of_a_length, text_at_the_first_byte, a_head_at_the_first_byte,
        a_message_that_ends_within_a_block, fragments_inflated_as_they_come, the_limit_of_what_comes_compressed,
        a_reason_with_a_nul)


def row_of(ours, theirs, deflates):
    for row in ROWS:
        if row(ours, theirs, deflates):
            return row.__name__
    return None


def run(options):
    """The lines of both."""
    limit = str(options.limit)
    ours = subprocess.run([options.program, str(options.seed), str(options.count), limit], stdout=subprocess.PIPE, check=True,
                          text=True).stdout
    theirs = subprocess.run(["node", CLIENTS / "ws_verdict.js", limit], input=ours, stdout=subprocess.PIPE, check=True, text=True,
                            env={"NODE_PATH": "/usr/share/nodejs", **os.environ}).stdout
    return ours.splitlines(), theirs.splitlines()


def main():
    words = argparse.ArgumentParser()
    words.add_argument("program")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--count", type=int, default=2000)
    words.add_argument("--limit", type=int, default=66000)
    words.add_argument("--show", type=int, default=0, help="so many of the differences that have a row")
    options = words.parse_args()
    ours, theirs = run(options)
    counts, unknown = collections.Counter(), 0
    for line, their_line in zip(ours, theirs, strict=True):
        stream, our_line = line.split("\t")
        verdict, other = Verdict(our_line), Verdict(their_line)
        row = "the same" if verdict.is_as(other) else row_of(verdict, other, " plain " not in stream)
        counts[row] += 1
        unknown += row is None
        if row is None or (row != "the same" and counts[row] <= options.show):
            print(f"{row}:\n  {stream[:4000]}\n  bight {our_line}\n  ws    {their_line}")
    print(f"seed {options.seed}: {len(ours)} streams")
    for row, count in counts.most_common():
        print(f"{count:8} {str(row).replace('_', ' ')}")
    return 1 if unknown > 0 or counts["the same"] < len(ours) / 2 else 0


if __name__ == "__main__":
    sys.exit(main())
