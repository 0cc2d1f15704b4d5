# SPDX-License-Identifier: MIT
"""Builds test/subproject, a project that has bight as its Meson subproject, without a network, and runs it."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main(source_root):
    source = pathlib.Path(source_root)
    with tempfile.TemporaryDirectory() as name:
        project = pathlib.Path(name) / "project"
        shutil.copytree(source / "test" / "subproject", project)
        (project / "subprojects").mkdir()
        (project / "subprojects" / "bight").symlink_to(source, target_is_directory=True)
        build = project / "build"
        # Only that it builds and links is of interest: not optimised, one kind of library.
        subprocess.run(
            ["meson", "setup", build, project, "--wrap-mode=nodownload", "-Dbuildtype=plain",
             "-Dbight:default_library=static"],
            check=True)
        jobs = str(min(2, os.cpu_count() or 1))
        subprocess.run(["meson", "compile", "-C", build, "-j", jobs, "guest"], check=True)
        subprocess.run([build / "guest"], check=True)


main(*sys.argv[1:])
