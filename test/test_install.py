# SPDX-License-Identifier: MIT
"""What apps/install.sh does for apps/run and test/run: what it finds missing, what it says, where it builds.

Usage: test_install.py SOURCE_ROOT

Scripts run with a PATH of their own, on which stand the few tools that the test wants there to be."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1])
TOOLS = ["sh", "cat", "cut", "dirname", "grep", "head", "mkdir", "mktemp", "rm", "sed", "sleep", "tail", "tr"]
PATIENCE = 60


class Machine:
    """A checkout with the scripts and nothing else, and a PATH with `TOOLS` and fakes."""

    def __init__(self, **fakes):
        self.fakes = fakes

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        top = pathlib.Path(self.directory.name)
        self.bin = top / "bin"
        self.checkout = top / "checkout"
        self.bin.mkdir()
        (self.checkout / "apps").mkdir(parents=True)
        for script in ("install.sh", "run"):
            shutil.copy(ROOT / "apps" / script, self.checkout / "apps")
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        for name, body in self.fakes.items():
            self.add(name.replace("_", "-"), body)
        return self

    def __exit__(self, *_):
        self.directory.cleanup()

    def add(self, name, body):
        (self.bin / name).write_text("#!/bin/sh\n" + body + "\n")
        (self.bin / name).chmod(0o755)

    def run(self, *command, **variables):
        environment = {"PATH": str(self.bin), "HOME": self.directory.name, **variables}
        return subprocess.run(command, env=environment, cwd=self.checkout, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=PATIENCE)


GOOD = {"cc": "exit 0", "meson": "echo 1.0.1", "ninja": "exit 0", "pkg_config": "exit 0"}
NO_ROOT = {"id": "echo 1000"}
NO_NETWORK = """echo "Err:1 http://deb.debian.org/debian bookworm InRelease"
echo "  Temporary failure resolving 'deb.debian.org'"
echo "E: Unable to locate package meson"
exit 100"""


class Install(unittest.TestCase):
    def one_line(self, done, status=69):
        self.assertEqual((done.returncode, done.stdout, done.stderr.count("\n")), (status, "", 1), done)
        return done.stderr

    def test_a_missing_compiler_is_named_and_not_what_comes_of_it(self):
        with Machine(**{**GOOD, **NO_ROOT, "cc": "exit 1", "apt_get": "exit 1"}) as machine:
            line = self.one_line(machine.run("apps/run", "echo"))
            self.assertRegex(line, r"^bight needs: cc\. Type this as root and try again: apt-get .* gcc libc6-dev$")

    def test_without_pkg_config_no_library_is_called_missing_but_all_are_installed(self):
        with Machine(**{**GOOD, **NO_ROOT, "pkg_config": "exit 1", "apt_get": "exit 1"}) as machine:
            (machine.bin / "pkg-config").unlink()
            line = self.one_line(machine.run("apps/run", "echo"))
            self.assertRegex(line, r"^bight needs: pkg-config\. .* pkg-config libevent-dev libssl-dev$")

    def test_a_compiler_that_the_environment_names_is_not_installed(self):
        with Machine(**{**GOOD, **NO_ROOT, "apt_get": "exit 1"}) as machine:
            line = self.one_line(machine.run("apps/run", "echo", CC="nocc"))
            self.assertEqual(line, "The C compiler that CC names does not work: nocc\n")

    def test_no_network_is_one_line(self):
        with Machine(**{**GOOD, "id": "echo 0", "cc": "exit 1", "apt_get": NO_NETWORK}) as machine:
            done = machine.run("apps/run", "echo")
            said, reason = done.stderr.splitlines()
            self.assertEqual((done.returncode, said), (69, "Installing what is missing: cc"))
            self.assertRegex(reason, r"^Installing failed: Temporary failure resolving 'deb.debian.org' \(the command was: ")

    def test_without_a_package_manager_it_says_what_to_install(self):
        with Machine(**{**GOOD, **NO_ROOT, "meson": "exit 1"}) as machine:
            self.assertRegex(self.one_line(machine.run("apps/run", "echo")), r"^bight needs: meson\. Install them")

    def test_boost_is_not_needed_to_serve(self):
        with Machine(**GOOD) as machine:
            done = machine.run("sh", "-c", '. apps/install.sh; install_needs $needs_to_build; echo fine')
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "fine\n", ""))

    def test_a_checkout_that_cannot_be_written_to_is_one_line(self):
        with Machine(**GOOD) as machine:
            done = machine.run("apps/run", "echo", BIGHT_BUILD_ROOT="/proc/nowhere")
            self.assertEqual(self.one_line(done), "Cannot write to /proc/nowhere/build-run. Name a directory to build in: "
                                                  "BIGHT_BUILD_ROOT=/some/directory\n")

    def test_no_room_for_a_log_is_one_line(self):
        with Machine(**GOOD) as machine:
            done = machine.run("sh", "-c", ". apps/install.sh; quietly true", TMPDIR="/proc/nowhere")
            self.assertEqual(self.one_line(done), "Cannot write to /proc/nowhere.\n")

    def test_what_is_built_stands_in_directories_of_the_scripts_own(self):
        meson = 'case $1 in --version) echo 1.0.1 ;; setup) echo > "$2/build.ninja" ;; esac'
        ninja = 'mkdir -p "$2/apps"; printf "#!/bin/sh\\necho served \\"\\$@\\"\\n" > "$2/apps/bight"; chmod +x "$2/apps/bight"'
        chmod = shutil.which("chmod")
        for root in (None, "elsewhere"):
            with Machine(**{**GOOD, "meson": meson, "ninja": ninja, "chmod": f'exec {chmod} "$@"'}) as machine:
                done = machine.run("apps/run", "echo", "tcp:0", **({"BIGHT_BUILD_ROOT": root} if root else {}))
                self.assertEqual((done.returncode, done.stdout), (0, "served echo tcp:0\n"), done.stderr)
                made = machine.checkout / (root or ".") / "build-run"
                self.assertTrue((made / "build.ninja").exists())
                self.assertEqual({path.name for path in machine.checkout.iterdir()}, {"apps", root or "build-run"})

    def test_warnings_are_errors_only_where_ci_is_set(self):
        meson = 'case $1 in --version) echo 1.0.1 ;; *) echo "$@" >> said ;; esac'
        for variables, expected in (({}, False), ({"CI": "true"}, True)):
            with Machine(**{**GOOD, "meson": meson}) as machine:
                done = machine.run("sh", "-c", ". apps/install.sh; set_up build-run -Dtests=enabled", **variables)
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
                self.assertEqual("-Dwerror=true" in (machine.checkout / "said").read_text(), expected)

    def test_a_long_build_tells_how_far_it_has_come(self):
        with Machine(**GOOD) as machine:
            (machine.bin / "sleep").unlink()
            machine.add("sleep", f"exec {shutil.which('sleep')} 0.01")  # its seconds are shorter
            builds = 'echo "[1/9] a"; echo "[7/9] b"; while ! grep -q "7 of 9" said; do :; done'
            done = machine.run("sh", "-c", f'. apps/install.sh; quietly sh -c \'{builds}\' 2>said')
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertIn("  7 of 9\n", (machine.checkout / "said").read_text())

    def test_what_fails_shows_what_it_said(self):
        with Machine(**GOOD) as machine:
            done = machine.run("sh", "-c", ". apps/install.sh; quietly sh -c 'echo why; exit 3'")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (3, "", "why\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
