# SPDX-License-Identifier: MIT
"""Installs the build into a temporary directory; there README.md's programs are built with the line that README gives,
and run. Every program of docs/examples compiles in plain C11, without a warning, against what was installed."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

import readme

MAX_LINES = 16  # that are not blank, of README's first program


def install(build, root):
    environment = dict(os.environ, DESTDIR=str(root))
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet"], env=environment, check=True)


def find_package(root, name):
    found = list(root.rglob(name + ".pc"))
    if len(found) != 1:
        sys.exit(f"{len(found)} files {name}.pc were installed")
    return found[0]


def prefix_of(root):
    return re.search(r"^prefix=(.*)$", find_package(root, "bight").read_text(), re.MULTILINE).group(1)


def environment_for(root):
    """pkg-config and the loader find what was installed, as they would without the temporary directory around it."""
    packages = find_package(root, "bight").parent
    return dict(os.environ, PKG_CONFIG_PATH=str(packages), PKG_CONFIG_SYSROOT_DIR=str(root),
                LD_LIBRARY_PATH=str(packages.parent))


TESTING_PROGRAM = """
#include <bight/testing.h>
int main(void)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    bight_testing_advance(reactor, 2.0);
    uint64_t now = bight_clock_now(bight_reactor_clock(reactor));
    bight_reactor_free(reactor);
    return now == 3 * BIGHT_NANOSECONDS_PER_SECOND ? 0 : 1;
}
"""

SITE_TESTING_PROGRAM = """
#include <bight/protocols/http_testing.h>
#include <bight/testing/trial.h>
int main(void)
{
    struct bight_reactor *reactor = bight_testing_reactor_new();
    struct bight_http_site *site = bight_http_site_new();
    struct bight_deferred *asked = bight_http_testing_get(site, "/");
    struct bight_http_response *response = bight_expect_value(asked, &bight_type_http_response);
    int status = bight_http_response_status(response);
    bight_http_response_release(response);
    bight_deferred_release(asked);
    bight_reactor_free(reactor);
    bight_http_site_free(site);
    return status == 404 ? 0 : 1;
}
"""


def check_testing(directory, line, environment):
    for package, text in (("bight-testing", TESTING_PROGRAM), ("bight-http-testing", SITE_TESTING_PROGRAM)):
        program = readme.build(text, line.replace(" bight)", f" {package})"), directory / package, environment)
        subprocess.run([program], env=environment, check=True)


def check_examples(source_root, root, compiler):
    include = f"-I{root}{prefix_of(root)}/include"
    has_jansson = subprocess.run(["pkg-config", "--exists", "jansson"], check=False).returncode == 0
    for path in sorted((source_root / "docs" / "examples").glob("*.c")):
        if "<jansson.h>" in path.read_text() and not has_jansson:
            continue
        subprocess.run([*compiler, *readme.STRICT, "-fsyntax-only", include, path], check=True)


def main(source_root, build_root, *compiler):
    source_root = pathlib.Path(source_root)
    page = source_root / "README.md"
    lines = sum(1 for line in readme.programs_of(page)[0].splitlines() if line.strip())
    if lines > MAX_LINES:
        sys.exit(f"README.md's program has {lines} lines")
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        root = directory / "root"
        install(build_root, root)
        environment = environment_for(root)
        command = shlex.join(compiler)
        check_testing(directory, readme.compiling_line_of(page, command), environment)
        check_examples(source_root, root, compiler)
        sys.exit(readme.try_programs(page, directory, environment, command) or 0)


main(*sys.argv[1:])
