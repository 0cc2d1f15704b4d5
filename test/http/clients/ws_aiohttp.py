# SPDX-License-Identifier: MIT
"""aiohttp: ws_aiohttp.py PORT. What of WebSockets works, as JSON."""
import asyncio
import json
import sys

import aiohttp

SITE = f"http://127.0.0.1:{sys.argv[1]}"


async def main():
    said = []
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(SITE + "/echo", protocols=("one", "two"), max_msg_size=0) as socket:
            said.append(socket.protocol)
            for text in ("", "Grüße", "x" * 125, "y" * 126, "z" * 70000):
                await socket.send_str(text)
                said.append(await socket.receive_str() == text)
            large = bytes(range(256)) * 16384
            await socket.send_bytes(large)
            said.append(await socket.receive_bytes() == large)
            for number in range(1000):
                await socket.send_str(str(number))
            said.append([await socket.receive_str() for _ in range(1000)] == [str(number) for number in range(1000)])
            await socket.close(code=4001, message=b"bye")
            said.append(socket.close_code)
        async with session.ws_connect(SITE + "/close") as socket:
            await socket.send_str("4000 so long")
            message = await socket.receive()
            said.append([message.type.name, message.data, message.extra])
        async with session.ws_connect(SITE + "/echo", compress=15) as socket:
            said.append(socket.compress)
            for text in ("small", "x" * 100000, "Grüße" * 1000):
                await socket.send_str(text)
                said.append(await socket.receive_str() == text)
        try:
            await session.ws_connect(SITE + "/echo", origin="http://example.com")
        except aiohttp.WSServerHandshakeError as error:
            said.append(error.status)
    print(json.dumps(said))


asyncio.run(main())
