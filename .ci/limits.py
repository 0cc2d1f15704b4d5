# SPDX-License-Identifier: MIT
"""Checks the limits of CONTRIBUTING.md that can be told by looking: how long files and functions are, how files begin,
what lib/ may not call, which rooms may include which headers, the public ones among them."""

import pathlib
import re
import statistics
import sys

LONGEST_FILE = 600
LONGEST_FUNCTION = 70
LONG_FUNCTION = 40  # nine in ten are not longer
MEDIAN_FUNCTION = 15
ROOMS = ["base", "system", "deferred", "sync", "task", "reactor", "coroutine", "thread", "transport", "tls", "stream", "process",
         "endpoint", "insight", "service", "testing"]
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
FORBIDDEN = re.compile(
    r"(?<![>.])\b(?:(?:v?printf|puts|exit|abort|v?sprintf|strcpy|strcat|gets)\s*\(|v?fprintf\s*\(\s*std)")
# A function's name alone does not say what was wrong with the call.
MUTE_USAGE_ERROR = re.compile(r'bi_usage_error\([^;"]*"\w*"')
DECLARED = re.compile(r"^BIGHT_API\b[^;]*?\b(bight_\w+)\(", re.MULTILINE)
DEFINED = re.compile(r"^(?!static|typedef|return)[a-z][^;{}#]*?\b(bight_\w+)\(", re.MULTILINE)
# protocols/ and apps/ are made as a user's programs are, but for what parses.
ALLOWED_OUTSIDE = {("protocols", "transport/input.h")}
FOREIGN = {"event2/": ("lib/reactor/",), "openssl/": ("lib/base/", "lib/tls/", "lib/testing/")}


def sources():
    for folder in ("lib", "include", "protocols", "apps", "test", "docs/examples"):
        for path in sorted(pathlib.Path(folder).rglob("*.[ch]")):
            yield path, path.read_text(encoding="utf-8")


def function_lengths(text):
    """(line of the opening brace, lines from brace to brace) of each function: braces in the first column."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = number
        elif line.startswith("}") and start is not None:
            yield start, number - start + 1
            start = None


def without_comments(text):
    return COMMENT_OR_STRING.sub(lambda match: "\n" * match.group(0).count("\n"), text)


def rooms_of_headers():
    """A public header belongs to the lowest room that defines a function of it; one that declares none is anybody's."""
    rooms = {}
    for path in pathlib.Path("lib").rglob("*.c"):
        for function in DEFINED.findall(without_comments(path.read_text(encoding="utf-8"))):
            rooms[function] = ROOMS.index(path.parts[1])
    found = {}
    for path in pathlib.Path("include/bight").rglob("*.h"):
        of_functions = [rooms[function] for function in DECLARED.findall(path.read_text(encoding="utf-8"))
                        if function in rooms]
        if of_functions:
            found[path.relative_to("include").as_posix()] = min(of_functions)
    return found


def room_of(path, of_headers):
    """The number of the room that a file is in; None: it is in none, or in anybody's."""
    if path.parts[0] == "include":
        return of_headers.get(path.relative_to("include").as_posix())
    return ROOMS.index(path.parts[1]) if path.parts[0] == "lib" and path.parts[1] in ROOMS else None


def wrong_includes(path, text, of_headers):
    name = path.as_posix()
    own_room = room_of(path, of_headers)
    parts = path.parts
    for include in re.findall(r'^#include [<"]([^>"]+)[>"]', text, re.MULTILINE):
        for prefix, homes in FOREIGN.items():
            if include.startswith(prefix) and parts[0] in ("lib", "include") and not name.startswith(homes):
                yield f"{name}: includes {include}"
        first = include.split("/")[0]
        room = ROOMS.index(first) if first in ROOMS else of_headers.get(include)
        if None not in (room, own_room) and room > own_room:
            yield f"{name}: reaches up to {include}"
        if parts[0] in ("protocols", "apps") and first in ROOMS and (parts[0], include) not in ALLOWED_OUTSIDE:
            yield f"{name}: includes {include}"


def problems_of(path, text, of_headers):
    name = path.as_posix()
    if not text.startswith("/* SPDX-License-Identifier: MIT */\n"):
        yield f"{name}: does not begin with its licence"
    if path.suffix == ".c" and not re.match(r"/\*.*?\*/\n+/\*", text):
        yield f"{name}: does not say what lives here"
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        yield f"{name}: {lines} lines"
    for line, length in function_lengths(text):
        if length > LONGEST_FUNCTION:
            yield f"{name}:{line}: a function of {length} lines"
    for match in MUTE_USAGE_ERROR.finditer(text):
        yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: a usage error that does not say what was wrong"
    if path.parts[0] == "lib":
        bare = without_comments(text)
        for match in FORBIDDEN.finditer(bare):
            place = bare.count("\n", 0, match.start()) + 1
            # The testing kit speaks to whoever runs the tests; bight's own assertions end the process.
            if not (name.startswith("lib/testing/") or name == "lib/base/check.c" and "abort" in match.group(0)):
                yield f"{name}:{place}: calls {match.group(0)}"
    yield from wrong_includes(path, text, of_headers)


def main():
    problems = []
    lengths = []
    of_headers = rooms_of_headers()
    for path, text in sources():
        problems += problems_of(path, text, of_headers)
        if path.parts[0] != "test":
            lengths += [length for _, length in function_lengths(text)]
    lengths.sort()
    ninth = lengths[len(lengths) * 9 // 10]
    if ninth > LONG_FUNCTION or statistics.median(lengths) > MEDIAN_FUNCTION:
        problems.append(f"functions: the median has {statistics.median(lengths)} lines, nine in ten at most {ninth}")
    print("\n".join(problems) or "in order")
    print(f"{len(lengths)} functions: median {statistics.median(lengths)}, nine in ten at most {ninth}, "
          f"longest {lengths[-1]} lines")
    sys.exit(1 if problems else 0)


main()
