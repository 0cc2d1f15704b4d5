# SPDX-License-Identifier: MIT
"""aiohttp: use_aiohttp.py PORT. In a process of its own: it is there for the system's Python, which need not be the tests'."""
import asyncio
import json
import sys

import aiohttp

SITE = f"http://127.0.0.1:{sys.argv[1]}"


async def text(session, method, path, **how):
    async with session.request(method, SITE + path, **how) as answer:
        return await answer.text()


async def pieces():
    for piece in (b"one ", b"two ", b"three"):
        yield piece


async def leave(session):
    """Reads what does not end until it has had a million bytes."""
    size = 0
    async with session.get(SITE + "/endless") as answer:
        async for piece in answer.content.iter_any():
            size += len(piece)
            if size > 1_000_000:
                return True


async def main():
    async with aiohttp.ClientSession() as session:
        said = [
            await text(session, "GET", "/"),
            await text(session, "POST", "/echo", data=b"sent"),
            await text(session, "POST", "/mirror", data=pieces()),
            await text(session, "POST", "/count", data=bytes(2 << 20), expect100=True),
            await text(session, "GET", "/stream/2"),
            await text(session, "GET", "/later/"),  # a redirect
            await text(session, "GET", "/fail"),
            set(await asyncio.gather(*(text(session, "GET", "/await") for _ in range(100)))) == {"awaited"},
            await leave(session),
        ]
    print(json.dumps(said))


asyncio.run(main())
