#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py - bight's figures as ratios to programs that do the bare work, all in one run.

Usage: compare.py [--build DIR] [--seconds S] [--runs N] [echo | layers | fan | idle | queue | timers | deferred | await] ...

echo      rate and server CPU per message of bight-echo to a bare epoll echo ("limit", entered twice: what the second
          shows is the noise)
layers    the same through layers that hand everything on, beside an echo without one
fan       rate and server CPU per delivery of a broadcast to 500 connections, beside the same limit
idle      process memory per connection that has echoed once, without and with an idle timeout
queue     the same after every client has let 32 KiB wait and then read it
timers    call_at, reset_at, cancel and firing beside a bare wheel; deferred: a Deferred beside a bare list of callbacks,
          and gathering beside bare Deferreds

As root the programs run in a network namespace of their own, with real-time priority, the server on CPU 0 and the load on
CPU 1. Only ratios within one run mean anything."""
import argparse
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time

SCENARIOS = [("64 B, 50 connections", 50, 64, 1), ("64 B, 1000 connections", 1000, 64, 1),
             ("64 B, 50 connections, 16 in flight", 50, 64, 16), ("16 KiB, 50 connections", 50, 16384, 1)]
FANS = [("64 B to 500 connections", 500, 64, 1), ("64 B to 500 connections, 16 in flight", 500, 64, 16)]


def isolate():
    """A namespace of our own: no other traffic, and a congestion control that does not pace on loopback."""
    if os.geteuid() != 0 or os.environ.get("BIGHT_BENCH_ISOLATED"):
        return
    os.environ["BIGHT_BENCH_ISOLATED"] = "1"
    setup = ("ip link set lo up; echo reno > /proc/sys/net/ipv4/tcp_congestion_control; "
             "echo 8192 > /proc/sys/net/core/somaxconn; exec \"$@\"")
    os.execvp("unshare", ["unshare", "-n", "sh", "-c", setup, "sh", sys.executable] + sys.argv)


def pinned(cpu, command):
    priority = ["chrt", "-r", "1"] if os.geteuid() == 0 else []
    return priority + ["taskset", "-c", str(cpu)] + command


def wait_for(port, process):
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"{process.args} did not start")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{process.args} does not listen")


class Servers:
    """Starts servers on CPU 0 and ends them again."""

    def __init__(self, commands, port=28000):
        self.running = []
        for name, command in commands:
            process = subprocess.Popen(pinned(0, [part.replace("PORT", str(port)) for part in command]),
                                       stdout=subprocess.DEVNULL)
            self.running.append((name, port, process))
            port += 1

    def __enter__(self):
        for _, port, process in self.running:
            wait_for(port, process)
        return self.running

    def __exit__(self, *_):
        for _, _, process in self.running:
            process.kill()
            process.wait()


def bench(build, name):
    return os.path.join(build, "test", "bench", name)


def bight_echo(options):
    return "bight-echo", [os.path.join(options.build, "apps", "bight-echo"), "tcp:PORT"]


def race(options, what, scenarios, servers, how):
    """Loads the limit twice and `servers`, in each of the scenarios; `how` are options of the limit and of the load."""
    limit = [bench(options.build, "limit_echo"), *how, "PORT"]
    commands = [("limit", limit), ("limit again", limit), *servers]
    for title, connections, size, depth in scenarios:
        rows = {name: [] for name, _ in commands}
        for _ in range(options.runs):
            with Servers(commands) as running:
                load = [bench(options.build, "echo_load"), *how, "-c", str(connections), "-s", str(size), "-P", str(depth),
                        "-d", str(options.seconds)]
                load += [f"{port}:{process.pid}" for _, port, process in running]
                lines = subprocess.run(pinned(1, load), check=True, capture_output=True, text=True).stdout.split("\n")
            for (name, _, _), line in zip(running, lines):
                rows[name].append(json.loads(line))
        print(f"\n{what}, {title} (median of {options.runs})")
        for name, runs in rows.items():
            middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
            print(f"  {name:12} rate {middle['rate']:9.0f}/s  ratio {middle['rate_ratio']:.3f}   "
                  f"CPU {middle['cpu_ns']:6.0f} ns  ratio {middle['cpu_ratio']:.3f}")


def echo(options):
    race(options, "echo", SCENARIOS, [bight_echo(options)], [])


def layers(options):
    program = bench(options.build, "layered_echo")
    servers = [("no layer", [program, "0", "tcp:PORT"]), ("1, empty", [program, "1", "tcp:PORT", "empty"]),
               ("1", [program, "1", "tcp:PORT"]), ("2", [program, "2", "tcp:PORT"])]
    race(options, "layers", SCENARIOS[:1], servers, [])


def fan(options):
    server = ("broadcast", [bench(options.build, "broadcast"), "tcp:PORT"])
    race(options, "fan", FANS, [server], ["-B"])


def resident(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Rss:"))


def clients(port, count):
    made = []
    for index in range(count):
        client = socket.socket()
        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
        client.bind((f"127.1.0.{index % 250 + 1}", 0))
        client.connect(("127.0.0.1", port))
        made.append(client)
    return made


def echo_once(all_clients, _process):
    for client in all_clients:
        client.sendall(b"sixteen bytes ok")
        assert client.recv(100) == b"sixteen bytes ok"


def memory(options, title, command, use):
    results = []
    for _ in range(3):
        with Servers([command]) as servers:
            _, port, process = servers[0]
            warm = clients(port, 16)
            echo_once(warm, process)
            time.sleep(0.5)
            before = resident(process.pid)
            many = clients(port, options.connections)
            use(many, process)
            time.sleep(1)
            results.append((resident(process.pid) - before) / options.connections)
            for client in warm + many:
                client.close()
    print(f"\n{title}, {options.connections} connections: {statistics.median(results):.0f} bytes each (median of 3)")


def idle(options):
    memory(options, "idle after one echo", bight_echo(options), echo_once)
    timed = ("idle_echo", [bench(options.build, "idle_echo"), "60", "tcp:PORT"])
    memory(options, "the same with an idle timeout", timed, echo_once)


def let_queue(many, process):
    """48 KiB to each client that reads only afterwards: the kernel's small buffers take some, 32 KiB and more wait."""
    size = 49152
    before = resident(process.pid)
    for client in many:
        client.sendall(b"x" * size)
    time.sleep(1)
    waiting = (resident(process.pid) - before) / len(many)
    print(f"\nwhile {len(many)} clients do not read: {waiting / 1024:.1f} KiB more each", end="")
    for client in many:
        left = size
        while left > 0:
            left -= len(client.recv(left))
    time.sleep(4)


def queue(options):
    if not os.environ.get("BIGHT_BENCH_ISOLATED"):
        print("\nqueue: needs root, to make the kernel's buffers small in a namespace of its own")
        return
    with open("/proc/sys/net/ipv4/tcp_wmem", "w", encoding="ascii") as file:
        file.write("4096 8192 8192")
    with open("/proc/sys/net/ipv4/tcp_rmem", "w", encoding="ascii") as file:
        file.write("4096 8192 8192")
    memory(options, "after a queue was read", bight_echo(options), let_queue)


def run_bench(options, name, *arguments):
    subprocess.run(pinned(0, [bench(options.build, name), *arguments]), check=True)


def timers(options):
    print("\ntimers, a million pending (CPU ns each); then in random order; then how late one is on an idle loop", flush=True)
    for arguments in (["bare"], ["bight"], ["-r", "bare"], ["-r", "bight"], ["late"]):
        run_bench(options, "timers", *arguments)


def deferred(options):
    print("\nDeferreds with 2 and with 10 callbacks: made, fired, let go of by both ends", flush=True)
    for count in ("2", "10"):
        run_bench(options, "chain", "-k", count)
    print("\n1000 Deferreds and gather_results of 1000", flush=True)
    run_bench(options, "combine")


def awaiting(options):
    print("\nawaits: of what has fired, of what the loop fires; beside bare changes of stacks, then in asyncio", flush=True)
    run_bench(options, "coroutine")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "coroutine.py")
    subprocess.run(pinned(0, [sys.executable, script]), check=True)


def main():
    isolate()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=[])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--connections", type=int, default=10000)
    options = parser.parse_args()
    parts = {"echo": echo, "layers": layers, "fan": fan, "idle": idle, "queue": queue, "timers": timers, "deferred": deferred,
             "await": awaiting}
    unknown = [word for word in options.what if word not in parts]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; there are {', '.join(parts)}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.connections + 100 > most:
        parser.error(f"only {most} descriptors are allowed: use --connections")
    for word in options.what or parts:
        parts[word](options)


if __name__ == "__main__":
    main()
