# SPDX-License-Identifier: MIT
"""The library websockets with compression: ws_takeover.py URL CLIENT-BITS SERVER-BITS. How many messages came back as they were, and
what was agreed on, as JSON."""
import asyncio
import json
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


async def main():
    url, client_bits, server_bits = sys.argv[1], *(int(bits) or None for bits in sys.argv[2:])
    deflate = ClientPerMessageDeflateFactory(client_max_window_bits=client_bits or True, server_max_window_bits=server_bits)
    count = 0
    async with websockets.connect(url, compression=None, extensions=[deflate]) as socket:
        for number in range(200):
            message = f'{{"number":{number},"kind":"price","of":"ACME"}}'
            message += "".join(chr(97 + (i * number * 7919 >> 5) % 26) for i in range(5000)) if number % 7 == 3 else ""
            await socket.send(message)
            count += await socket.recv() == message
        agreed = repr(getattr(socket, "protocol", socket).extensions[0])
    print(json.dumps([count, agreed]))


asyncio.run(main())
