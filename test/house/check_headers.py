# SPDX-License-Identifier: MIT
"""Compiles each public header by itself, twice in one file, as C11 and as C++17, with warnings as errors.

Arguments: the include directory, the C compiler's words, "--", the C++ compiler's words."""

import concurrent.futures
import pathlib
import subprocess
import sys

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only"]
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


def main(include, *compilers):
    split = compilers.index("--")
    c_compiler, cpp_compiler = list(compilers[:split]), list(compilers[split + 1:])
    headers = sorted(path.relative_to(include) for path in pathlib.Path(include).rglob("*.h"))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(compile_header, compiler, language, standard, include, header)
                for header in headers
                for compiler, language, standard in (
                    (c_compiler, "c", "c11"), (cpp_compiler, "c++", "c++17"))]
        problems = [job.result() for job in jobs]
    problems += [foreign_includes(include, header) for header in headers]
    print("".join(problems) or f"{len(headers)} headers, each as C11 and as C++17")
    sys.exit(1 if any(problems) or not headers else 0)


main(*sys.argv[1:])
