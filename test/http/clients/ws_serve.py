# SPDX-License-Identifier: MIT
"""The library websockets as a server of /echo: ws_serve.py [CERTIFICATE KEY]. Says its port."""
import asyncio
import http
import ssl
import sys

import websockets


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def refuse(path, _):
    return None if path == "/echo" else (http.HTTPStatus.NOT_FOUND, [], b"not here")


async def main():
    context = None
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*sys.argv[1:3])
    async with websockets.serve(echo, "127.0.0.1", 0, ssl=context, process_request=refuse, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


asyncio.run(main())
