"""A server on python-hl7's own asyncio MLLP server that acknowledges from memory: `python python_hl7_server.py PORT`. To compare with."""

import asyncio
import sys

from hl7.mllp import start_hl7_server


async def answer(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port):
    async with await start_hl7_server(answer, "127.0.0.1", port=port) as server:
        print("ready", flush=True)
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
