# SPDX-License-Identifier: MIT
"""Compiles each public header by itself, twice in one file, as C11 and as C++17, with warnings as errors; and all
public and internal headers in one file, which no two may give one name to different things. What an internal header
names for other files begins with bi_ or BI_, so that a line says whether a user could have written it.

Arguments: the include directory, the C compiler's words, "--", the C++ compiler's words."""

import concurrent.futures
import pathlib
import re
import subprocess
import sys

from declared import COMMENT

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
FROM_THE_BUILD = {"BIGHT_DEBUG_CHECKS", "BIGHT_FCONTEXT", "BIGHT_HAS_BACKTRACE", "BIGHT_VALGRIND"}
FOREIGN = ("event2/", "event.h", "openssl/", "check.h")


def compile_header(compiler, language, standard, include, header):
    source = f"#include <{header}>\n#include <{header}>\nint bight_test_header_stands_alone;\n"
    command = [*compiler, f"-std={standard}", f"-I{include}", *FLAGS, "-x", language, "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else f"{header} as {standard}:\n{result.stderr}"


def foreign_includes(include, header):
    lines = (pathlib.Path(include) / header).read_text().splitlines()
    return "".join(f"{header}: {line}\n" for line in lines
                   if line.startswith("#include") and any(word in line for word in FOREIGN))


def headers_below(directory):
    return sorted(path.relative_to(directory) for path in pathlib.Path(directory).rglob("*.h"))


def all_in_one(compiler, include, lib):
    source = "".join(f"#include <{header}>\n" for header in headers_below(include) + headers_below(lib))
    flags = [flag for flag in FLAGS if flag != "-Wpedantic"]
    command = [*compiler, "-std=c11", "-D_GNU_SOURCE", f"-I{include}", f"-I{lib}", *flags, "-x", "c", "-"]
    result = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    return "" if result.returncode == 0 else f"all headers in one file:\n{result.stderr}"


def names_in(directory):
    """{header: the names of bight's that stand in it outside comments}"""
    return {header: set(re.findall(r"\b(?:bight|BIGHT)_\w+", COMMENT.sub("", (directory / header).read_text())))
            for header in headers_below(directory)}


def users_names(include, lib):
    """Names that look as if users might use them and are in no public header."""
    public = set().union(*names_in(include).values()) | FROM_THE_BUILD
    return "".join(f"{lib.name}/{header}: {name} is in no public header: should it be {new}?\n"
                   for header, names in names_in(lib).items()
                   for name in sorted(names - public) if not name.startswith("BIGHT_E_")
                   for new in [name.replace("bight_", "bi_").replace("BIGHT_", "BI_")])


def main(include, *compilers):
    split = compilers.index("--")
    c_compiler, cpp_compiler = list(compilers[:split]), list(compilers[split + 1:])
    headers = headers_below(include)
    lib = pathlib.Path(include).parent / "lib"
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(compile_header, compiler, language, standard, include, header)
                for header in headers
                for compiler, language, standard in (
                    (c_compiler, "c", "c11"), (cpp_compiler, "c++", "c++17"))]
        problems = [job.result() for job in jobs]
    problems += [foreign_includes(include, header) for header in headers]
    problems += [all_in_one(c_compiler, include, lib), users_names(pathlib.Path(include), lib)]
    print("".join(problems) or f"{len(headers)} headers, each as C11 and as C++17")
    sys.exit(1 if any(problems) or not headers else 0)


main(*sys.argv[1:])
