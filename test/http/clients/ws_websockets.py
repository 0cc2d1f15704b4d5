# SPDX-License-Identifier: MIT
"""The library websockets: ws_websockets.py PORT. What works with it, as JSON."""
import asyncio
import json
import sys

import websockets

SITE = f"ws://127.0.0.1:{sys.argv[1]}"


async def fragments():
    for piece in ("Gr", "üß", "e"):
        yield piece


async def main():
    said = []
    async with websockets.connect(SITE + "/echo", compression=None, subprotocols=["one"]) as socket:
        said.append(socket.subprotocol)
        await socket.send(fragments())
        said.append(await socket.recv())
        await socket.send(b"\0\xff" * 40000)
        said.append(await socket.recv() == b"\0\xff" * 40000)
        await (await socket.ping(b"there?"))
        said.append("pong")
    said.append(socket.close_code)
    async with websockets.connect(SITE + "/close") as socket:
        await socket.send("1001 going")
        await socket.wait_closed()
        said.append([socket.close_code, socket.close_reason])
    async with websockets.connect(SITE + "/all") as one, websockets.connect(SITE + "/all") as other:
        await one.send("to all")
        said.append([await one.recv(), await other.recv()])
    print(json.dumps(said))


asyncio.run(main())
