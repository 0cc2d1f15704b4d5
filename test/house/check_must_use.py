# SPDX-License-Identifier: MIT
"""A result that must be kept or let go of cannot be ignored: every declared function that gives a Deferred or makes
something is marked BIGHT_MUST_USE, and a call that ignores the result of a marked one, or of a macro over it, is warned
of (-Wunused-result, which is on unless turned off). In C11 and C++17, by the compilers of the build and, where they are there, by gcc and
clang.

Arguments: the include directory, the C compiler's words, "--", the C++ compiler's words."""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

from check_bases import compilers_of
from declared import COMMENT

FUNCTION = re.compile(r"^BIGHT_API\s+(BIGHT_MUST_USE\s+)?([\w ]+\*+)(bight_\w+)\(([^;]*?)\)(?:\s*BIGHT_PRINTF\([^)]*\))?;",
                      re.DOTALL | re.MULTILINE)
# These give an argument back.
GIVE_BACK = {"bight_deferred_hold", "bight_deferred_tie", "bight_protocol_tie"}
MACROS = (
    "bight_deferred_new(promise, NULL, NULL)",
    "bight_succeed(NULL, NULL)",
    "bight_failure_new(BIGHT_E_USAGE, 0, NULL, \"text\")",
    "bight_gather_results(&deferred, 1)",
    "bight_sleep(clock, 1)",
    "bight_spawn(reactor, body, NULL)",
    "bight_stream_read_line(stream, 80)",
    "bight_listen(reactor, \"tcp:0\", factory)",
)
IGNORABLE = (
    "bight_deferred_hold(deferred)",
    "bight_deferred_tie(deferred, NULL)",
    "bight_callback(*promise, NULL, NULL)",
    "bight_deferred_add_both(deferred, NULL, NULL)",
    "bight_await(deferred, NULL)",
    "bight_reactor_stop(reactor)",
)
PARAMETERS = ("struct bight_reactor *reactor, struct bight_deferred *deferred, struct bight_promise *promise, "
              "struct bight_clock *clock, struct bight_stream *stream, struct bight_factory *factory, "
              "bight_coroutine_function body")


def functions_of(include, headers):
    """(name, its parameters, whether it is marked, whether it must be)"""
    for header in headers:
        text = COMMENT.sub("", (pathlib.Path(include) / header).read_text())
        for marked, result, name, parameters in FUNCTION.findall(text):
            is_owned = "const" not in result and name not in GIVE_BACK and (
                result.split() == ["struct", "bight_deferred", "*"] or "_new" in name)
            yield name, " ".join(parameters.split()), bool(marked), is_owned


def ignoring(name, parameters):
    """A function that passes its parameters on and ignores what comes of it; variable ones are left out."""
    own = parameters.removesuffix(", ...")
    names = [] if own == "void" else [re.search(r"(\w+)(?:\[\w*\])?$", each).group(1) for each in own.split(", ")]
    return f"void ignore_{name}({own}) {{ {name}({', '.join(names)}); }}"


def warned_lines(include, compiler, language, standard, lines):
    """The numbers of the lines with warnings, those in what a macro came to included, and the errors. Warnings, for
    compilers stop after so many errors."""
    command = [*compiler, f"-std={standard}", f"-I{include}", "-Wunused-result", "-c", "-o", "/dev/null", "-x", language, "-"]
    result = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    numbers = re.findall(r"^<stdin>:(\d+):\d+: (?:warning|note): ", result.stderr, re.MULTILINE)
    return {int(number) for number in numbers}, re.findall(r"^.*error: .*$", result.stderr, re.MULTILINE)


def complaint(include, compiler, headers, functions):
    includes = [f"#include <{header}>" for header in headers]
    bad = [ignoring(name, parameters) for name, parameters, is_marked, _ in functions if is_marked]
    bad += [f"void ignore_macro_{i}({PARAMETERS}) {{ {text}; }}" for i, text in enumerate(MACROS)]
    good = [f"void may_ignore_{i}({PARAMETERS}) {{ {text}; }}" for i, text in enumerate(IGNORABLE)]
    lines = includes + bad + good
    seen, errors = warned_lines(include, *compiler, lines)
    wanted = set(range(len(includes) + 1, len(includes) + len(bad) + 1))
    how = f"as {compiler[2]} by {' '.join(compiler[0])}"
    return "".join([f"{how}: {text}\n" for text in errors] +
                   [f"{how}: no warning: {lines[number - 1]}\n" for number in sorted(wanted - seen)] +
                   [f"{how}: a warning: {lines[number - 1]}\n" for number in sorted(seen - wanted)])


def main(include, *words):
    split = words.index("--")
    compilers = compilers_of(list(words[:split]), "c", "c11") + compilers_of(list(words[split + 1:]), "c++", "c++17")
    headers = sorted(path.relative_to(include) for path in pathlib.Path(include).rglob("*.h"))
    functions = list(functions_of(include, headers))
    problems = [f"{name} is not marked BIGHT_MUST_USE\n" for name, _, is_marked, is_owned in functions
                if is_owned and not is_marked]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems += pool.map(lambda compiler: complaint(include, compiler, headers, functions), compilers)
    marked = sum(is_marked for _, _, is_marked, _ in functions)
    print("".join(problems) or f"{marked} functions whose results cannot be ignored, by {len(compilers)} compilers")
    sys.exit(1 if any(problems) or marked == 0 else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
