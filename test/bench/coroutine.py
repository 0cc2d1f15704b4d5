#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coroutine.py - what an await costs in asyncio, as coroutine.c measures it in bight: nanoseconds, medians.

fired: futures that are made, fired and awaited; loop: such as a callback of the loop fires, 100 tasks at a time.
Usage: coroutine.py [N]"""
import asyncio
import json
import statistics
import sys
import time

AT_ONCE = 100
ROUNDS = 5


async def fired(times):
    loop = asyncio.get_running_loop()
    for index in range(times):
        future = loop.create_future()
        future.set_result(index)
        await future


async def by_loop(times):
    loop = asyncio.get_running_loop()
    waiting = [None] * AT_ONCE

    async def wait(slot):
        for _ in range(times // AT_ONCE):
            future = waiting[slot] = loop.create_future()
            await future

    def fire_all():
        for future in waiting:
            if future is not None and not future.done():
                future.set_result(1)
        loop.call_soon(fire_all)

    tasks = [asyncio.ensure_future(wait(slot)) for slot in range(AT_ONCE)]
    loop.call_soon(fire_all)
    await asyncio.gather(*tasks)


def measure(work, times):
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter_ns()
        asyncio.run(work(times))
        taken.append((time.perf_counter_ns() - start) / times)
    return statistics.median(taken)


def main():
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 200000
    for name, work in [("fired", fired), ("loop", by_loop)]:
        print(json.dumps({"what": name, "ns": round(measure(work, times), 1)}))


main()
