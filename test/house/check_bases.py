# SPDX-License-Identifier: MIT
"""Compiles small programs that give the macros for factories and selves a struct: right ones must compile, wrong ones must
not, and for the right reason. In C11 and C++17, by the compilers of the build and, where they are there, by gcc and clang.

Arguments: the include directory, the C compiler's words, "--", the C++ compiler's words."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

# What each macro is for. A receiver is itself a struct over the protocol.
OWN = {"protocol": "struct bight_protocol", "line": "struct bight_line_receiver", "stream": "struct bight_stream",
       "websocket": "struct bight_websocket"}
FACTORY = {
    "protocol": "struct bight_factory f = BIGHT_FACTORY(TYPE, &ops);",
    "line": "struct bight_line_factory f = BIGHT_LINE_FACTORY(TYPE, &line_ops);",
    "stream": "struct bight_stream_factory f = BIGHT_STREAM_FACTORY(TYPE, nothing, nothing);",
    "websocket": "struct bight_websocket_factory f = BIGHT_WEBSOCKET_FACTORY(TYPE, &websocket_ops);",
}
SELF = {
    "protocol": "void *f(struct bight_protocol *p) { return bight_self(TYPE, p); }",
    "line": "void *f(struct bight_line_receiver *r) { return bight_line_self(TYPE, r); }",
    "stream": "void *f(struct bight_stream *s) { return bight_stream_self(TYPE, s); }",
    "websocket": "void *f(struct bight_websocket *s) { return bight_websocket_self(TYPE, s); }",
}
STRUCTS = """
#include <bight/bight.h>
#include <bight/process.h>
#include <bight/protocols/line.h>
#include <bight/protocols/websocket.h>
#define nothing NULL
extern const struct bight_protocol_ops ops;
extern const struct bight_line_ops line_ops;
extern const struct bight_websocket_ops websocket_ops;
struct over_protocol { struct bight_protocol base; int more; };
struct over_line { struct bight_line_receiver base; int more; };
struct over_websocket { struct bight_websocket base; int more; };
struct over_stream { struct bight_stream base; int more; };
struct deeper_protocol { struct over_protocol base; };
struct deeper_line { struct over_line base; };
struct deeper_websocket { struct over_websocket base; };
struct deeper_stream { struct over_stream base; };
struct behind_protocol { int before; struct bight_protocol base; };
struct behind_line { int before; struct bight_line_receiver base; };
struct behind_websocket { int before; struct bight_websocket base; };
struct behind_stream { int before; struct bight_stream base; };
struct pointing { struct bight_protocol *base; };
struct faking { const struct bight_protocol_ops *base; };
struct child { int before; struct bight_process_protocol base; };
struct no_child { struct bight_protocol base; };
"""
# A receiver over the line receiver, with a table and a factory of its own, as the next room would write it.
RECEIVER = """
struct record_ops { void (*record_received)(struct over_line *receiver); };
struct record_factory { struct bight_line_factory base; const struct record_ops *ops; };
#define RECORD_FACTORY(type, record_ops) \\
    { BIGHT_LINE_FACTORY_OF_SIZE(BIGHT_SIZE_OVER(type, struct over_line), &line_ops), (record_ops) }
extern const struct record_ops record_ops;
struct record_factory f = RECORD_FACTORY(TYPE, &record_ops);
"""


def programs():
    """(what, text, whether it is right)"""
    for kind, own in OWN.items():
        right = {own, f"struct over_{kind}"} | (set(OWN.values()) if kind == "protocol" else set())
        others = {f"struct {how}_{other}" for how in ("over", "deeper") for other in OWN}
        for type_name in sorted(right | others | {f"struct behind_{kind}", "struct pointing", "struct faking"} | set(OWN.values())):
            for macro, text in (("factory", FACTORY[kind]), ("self", SELF[kind])):
                yield f"{kind} {macro} of {type_name}", STRUCTS + text.replace("TYPE", type_name), type_name in right
    for type_name, is_right in (("struct over_line", True), ("struct deeper_line", True), ("struct over_protocol", False),
                                ("struct bight_line_receiver", False), ("struct over_stream", False)):
        yield f"record factory of {type_name}", STRUCTS + RECEIVER.replace("TYPE", type_name), is_right
    for type_name, is_right in (("struct child", True), ("struct no_child", False)):
        yield (f"process self of {type_name}", STRUCTS + "void *f(struct bight_process_protocol *p) "
               f"{{ return bight_process_self({type_name}, p); }}", is_right)


def complaint(include, compiler, language, standard, program):
    what, text, is_right = program
    command = [*compiler, f"-std={standard}", f"-I{include}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
               "-x", language, "-"]
    result = subprocess.run(command, input=text + "\n", capture_output=True, text=True, check=False)
    compiles = result.returncode == 0
    if compiles == is_right and (is_right or "must" in result.stderr):
        return ""
    return (f"{what} as {standard} by {' '.join(compiler)}: {'compiles' if compiles else 'does not compile'}\n"
            f"{result.stderr}")


def compilers_of(words, language, standard):
    """The build's own, and those of the two by name that are others."""
    def real(name):
        return os.path.realpath(shutil.which(name) or name)
    compilers = {real(words[-1]): words}
    for name in ("gcc", "clang") if language == "c" else ("g++", "clang++"):
        if shutil.which(name):
            compilers.setdefault(real(name), [name])
    return [(compiler, language, standard) for compiler in compilers.values()]


def main(include, *words):
    split = words.index("--")
    compilers = compilers_of(list(words[:split]), "c", "c11") + compilers_of(list(words[split + 1:]), "c++", "c++17")
    jobs = [(*compiler, program) for compiler in compilers for program in programs()]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        problems = [text for text in pool.map(lambda job: complaint(include, *job), jobs) if text]
    print("".join(problems) or f"{len(jobs)} programs, each as it should be")
    sys.exit(1 if problems or not jobs else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
