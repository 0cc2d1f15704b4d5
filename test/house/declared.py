# SPDX-License-Identifier: MIT
"""Which names the public headers declare: what the shared libraries must export, no less and no more."""

import pathlib
import re

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
DECLARATION = re.compile(r"BIGHT_API\s+([^;(]*?)(\w+)\s*([;(\[])")


def headers_of(include, testing_headers, library):
    """The headers of one library, as paths below the include directory."""
    if library == "bight-testing":
        return [pathlib.Path(header) for header in testing_headers.split(",")]
    if library == "bight-http-testing":
        return [pathlib.Path("bight/protocols") / name for name in ("http_client_testing.h", "http_testing.h")]
    everything = sorted(path.relative_to(include) for path in pathlib.Path(include).rglob("*.h"))
    return [path for path in everything if "testing" not in path.parts and not path.name.endswith("testing.h")
            and is_of_http(path) == (library == "bight-http")]


def is_of_http(path):
    return path.parts[1] == "protocols" and path.name.startswith(("http", "websocket"))


def names_in(path):
    """(name, is_function) for each declaration marked BIGHT_API, in order."""
    text = COMMENT.sub("", path.read_text())
    text = re.sub(r"^[ \t]*#.*(?:\\\n.*)*$", "", text, flags=re.MULTILINE)
    return [(match.group(2), match.group(3) == "(") for match in DECLARATION.finditer(text)]


def declared(include, testing_headers, library):
    """All of a library's names, each once: {name: is_function}."""
    names = {}
    for header in headers_of(include, testing_headers, library):
        names.update(names_in(pathlib.Path(include) / header))
    return names
