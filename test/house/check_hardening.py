# SPDX-License-Identifier: MIT
"""Reads programs and shared libraries and checks how they were hardened, and that a library stays
where threads that used it will call into it when they end.

Arguments: --fortify (if the build is optimised), then the files."""

import re
import subprocess
import sys


def readelf(option, path):
    return subprocess.run(["readelf", "-W", option, path], check=True, capture_output=True, text=True).stdout


def problems_of(path, fortified):
    segments = readelf("-l", path)
    dynamic = readelf("-d", path)
    symbols = readelf("--dyn-syms", path)
    stack = re.search(r"GNU_STACK.*", segments)
    conditions = {
        "is not position-independent": "DYN (" in readelf("-h", path),
        "has no RELRO": "GNU_RELRO" in segments,
        "is bound lazily": "BIND_NOW" in dynamic or re.search(r"FLAGS_1.*NOW", dynamic),
        "has an executable stack": stack and "RWE" not in stack.group(0),
        "has text relocations": "TEXTREL" not in dynamic,
        "has a search path": not path.count(".so") or "RPATH" not in dynamic,
        "can be unloaded": ".so" not in path or re.search(r"FLAGS_1.*NODELETE", dynamic),
        "has no stack protector": "__stack_chk_fail" in symbols,
        "is not fortified": not fortified or re.search(r"__(?!stack)\w+_chk\b", symbols),
    }
    return [f"{path} {text}" for text, good in conditions.items() if not good]


def main(arguments):
    fortified = "--fortify" in arguments
    files = [argument for argument in arguments if argument != "--fortify"]
    problems = [problem for path in files for problem in problems_of(path, fortified)]
    print("\n".join(problems) or f"{len(files)} files are hardened")
    sys.exit(1 if problems else 0)


main(sys.argv[1:])
