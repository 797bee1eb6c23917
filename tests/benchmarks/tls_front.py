"""TLS in front of a server on this machine, with a certificate of an authority made for the occasion.

Lambda reaches DynamoDB over TLS, and loading root certificates is a visible part of a cold start; DynamoDB Local
speaks plain HTTP only.
"""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Final

import trustme

HOST: Final = "localhost"
CHUNK_BYTES: Final = 65_536
STOP_SECONDS: Final = 5


@contextmanager
def tls_front(port: int, authority: trustme.CA) -> Iterator[str]:
    """Forward TLS connections to a loopback port while inside. Yields `https://localhost:<port>`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST).configure_cert(context)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        asyncio.start_server(lambda reader, writer: _forward(reader, writer, port), "127.0.0.1", 0, ssl=context)
    )
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(STOP_SECONDS)
        server.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    engine_reader, engine_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        await asyncio.gather(_copy(reader, engine_writer), _copy(engine_reader, writer))
    finally:
        engine_writer.close()
        writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what comes, until either side is gone: measured processes are killed in the middle of a connection."""
    with suppress(ConnectionError, ssl.SSLError):
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()
    target.close()
