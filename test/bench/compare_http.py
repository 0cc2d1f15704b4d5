#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare_http.py - a site's figures beside nginx's, and beside its own in two threads, all in one run.

Usage: compare_http.py [--build DIR] [--seconds S] [--runs N] [--cpus SERVER,LOAD] [keep | close | tail | threads | files | app] ...

keep      rate and server CPU per request over 64 connections that are kept
close     the same with a connection for each request, which the server closes
tail      what answers take while both are asked as often as 70 % of the most that nginx managed just before
threads   CPU per request of one reactor, and of two in threads that share a port
files     a directory of files, and nginx with sendfile: files of 1 KiB, 16 KiB and 1 MiB, which are in the kernel's memory
app       the first, with 200 routes, an access log, request ids and limits of time, beside a site with none of these

The first server stands in the list twice: how far the second is from 1 is the noise. nginx (Debian's) says the same text from
its configuration, in one process without logs. As root the programs run in a network namespace of their own, with real-time
priority. Only ratios within one run mean anything."""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

import compare
from compare import Servers, bench, pinned

NGINX = """
daemon off; master_process off; pid DIRECTORY/pid; error_log stderr error; worker_rlimit_nofile 20000;
events { worker_connections 16384; multi_accept on; }
http {
    access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; tcp_nodelay on; default_type text/plain;
    client_body_temp_path DIRECTORY/body; proxy_temp_path DIRECTORY/proxy; fastcgi_temp_path DIRECTORY/fastcgi;
    uwsgi_temp_path DIRECTORY/uwsgi; scgi_temp_path DIRECTORY/scgi;
    server { listen 127.0.0.1:LISTENS backlog=4096 DEFERS; location / { SERVES } }
}
"""
TEXT = 'return 200 "Hello, World!";'
FILES = {"1 KiB": (1 << 10, 64), "16 KiB": (16 << 10, 64), "1 MiB": (1 << 20, 8)}  # bytes, connections


def bight(options, arguments=""):
    return [bench(options.build, "http_hello"), "tcp:PORT:interface=127.0.0.1" + arguments]


def nginx(directory, port, serves=TEXT, defers=""):
    """nginx's port is in a file: it has to be the one that Servers gives to the server in this place."""
    program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if program is None:
        sys.exit("there is no nginx")
    path = os.path.join(directory, f"nginx-{port}.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX.replace("DIRECTORY", directory).replace("LISTENS", str(port)).replace("SERVES", serves).replace("DEFERS", defers))
    return [program, "-p", directory, "-c", path, "-e", "stderr"]


def threads(options, count):
    return [bench(options.build, "http_threads"), str(count), "tcp:PORT:interface=127.0.0.1:reuseport=yes"]


def load(options, running, *how):
    """What http_load says of each server."""
    command = [bench(options.build, "http_load"), *how, "-d", str(options.seconds)]
    command += [f"{port}:{process.pid}" for _, port, process in running]
    done = subprocess.run(pinned(options.cpus[1], command), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"http_load: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def race(options, title, commands, measure):
    """`measure` gives a row for each of the servers that run; medians of all runs are shown."""
    rows = {name: [] for name, _ in commands}
    for _ in range(options.runs):
        with Servers(commands) as running:
            for (name, _, _), row in zip(running, measure(running)):
                rows[name].append(row)
    print(f"\n{title} (median of {options.runs})")
    for name, runs in rows.items():
        middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(f"  {name:14} rate {middle['rate']:8.0f}/s  ratio {middle['rate_ratio']:.3f}   CPU {middle['cpu_ns']:6.0f} ns  ratio "
              f"{middle['cpu_ratio']:.3f}   50 % {middle['p50_us']:6.0f} us  99 % {middle['p99_us']:6.0f} us  99.9 % "
              f"{middle['p999_us']:6.0f} us", flush=True)


def beside_nginx(options, title, measure, defers=("", "")):
    """`defers`: what makes nginx and bight leave silent connections to the kernel."""
    with tempfile.TemporaryDirectory(prefix="bight-") as directory:
        commands = [(name, nginx(directory, port, defers=defers[0])) for name, port in (("nginx", 28000), ("nginx again", 28002))]
        commands.insert(1, ("bight", bight(options, defers[1])))
        race(options, title, commands, measure)


def keep(options):
    beside_nginx(options, "keep-alive, 64 connections", lambda running: load(options, running, "-c", "64"))


def close(options):
    def measure(running):
        return load(options, running, "-x", "-c", "32")

    beside_nginx(options, "a connection each, 32 at a time", measure)
    beside_nginx(options, "the same, accepted with their first bytes", measure, ("deferred", ":defer=30"))


def tail(options):
    def measure(running):
        most = load(options, running[:1], "-c", "64")[0]["rate"]
        return load(options, running, "-c", "64", "-r", f"{0.7 * most:.0f}", "-q", "200")

    beside_nginx(options, "keep-alive, 64 connections, at 70 % of nginx's most", measure)


def app(options):
    with tempfile.TemporaryDirectory(prefix="bight-") as directory:
        full = bight(options) + ["app", os.path.join(directory, "log")]
        commands = [("plain", bight(options)), ("app", full), ("plain again", bight(options))]
        race(options, "keep-alive, 64 connections", commands, lambda running: load(options, running, "-c", "64"))


def in_threads(options):
    commands = [("one", threads(options, 1)), ("two threads", threads(options, 2)), ("one again", threads(options, 1))]
    race(options, "reactors in threads, 64 connections", commands, lambda running: load(options, running, "-c", "64"))


def files(options):
    with tempfile.TemporaryDirectory(prefix="bight-") as directory:
        served = os.path.join(directory, "served")
        os.mkdir(served)
        web = [bench(options.build, "http_files"), served, "tcp:PORT:interface=127.0.0.1"]
        serves = f"root {served}; sendfile on; types {{ application/octet-stream bin; }}"
        for title, (size, connections) in FILES.items():
            with open(os.path.join(served, f"{size}.bin"), "wb") as file:
                file.write(os.urandom(size))
            os.utime(file.name, (1_000_000_000, 1_000_000_000))
            commands = [("nginx", nginx(directory, 28000, serves)), ("bight", web), ("nginx again", nginx(directory, 28002, serves))]
            race(options, f"a file of {title}, {connections} connections", commands,
                 lambda running, size=size, connections=connections: load(options, running, "-p", f"/{size}.bin", "-c", str(connections)))


def main():
    compare.isolate()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cpus", default="0,1", type=lambda text: text.split(","))
    options = parser.parse_args()
    parts = {"keep": keep, "close": close, "tail": tail, "threads": in_threads, "files": files, "app": app}
    unknown = [word for word in options.what if word not in parts]
    if unknown or len(options.cpus) != 2:
        parser.error(f"parts are {', '.join(parts)}; --cpus takes two numbers")
    for word in options.what or parts:
        parts[word](options)


if __name__ == "__main__":
    main()
