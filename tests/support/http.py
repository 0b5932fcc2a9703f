"""A bare HTTP server for faults that no HTTP library would let a test make."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
RawAnswer = bytes | None | Talk
"""Bytes to send, None to break the connection, or a way to talk."""


@dataclass
class RawServer:
    """Where a server is, and the heads of the requests it heard."""

    url: str = ""
    heads: list[str] = field(default_factory=list)


def whole(body: bytes, headers: str = "") -> bytes:
    """Return one whole answer; each further header ends its line."""
    return f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the other side goes."""
    await reader.read()


async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body byte by byte, never idle and never done."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b".")
        await asyncio.sleep(0.01)


@asynccontextmanager
async def raw_server(answers: Sequence[RawAnswer], *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    """Serve these answers, one a request, each on a connection of its own; the last is repeated for ever."""
    served = RawServer()
    talks: set[asyncio.Task[None] | None] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            answer = answers[min(len(served.heads), len(answers) - 1)]
            served.heads.append(head.decode())
            await _answer(answer, reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    scheme = "https" if tls else "http"
    served.url = f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()
        await server.wait_closed()
        await asyncio.gather(*(talk for talk in talks if talk))


async def _answer(answer: RawAnswer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if answer is None:
        writer.transport.abort()
    elif isinstance(answer, bytes):
        writer.write(answer)
    else:
        await answer(reader, writer)
