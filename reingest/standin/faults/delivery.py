"""Faults of delivery: what happens to the bytes between a right answer and the client.

An ASGI application cannot reset a connection or break a promised Content-Length: uvicorn would mend or refuse it.
`OpenConnection`, the protocol class that the server is started with, hands the connection's transport to the
application in the request's state; these faults write to it, or abort it, past uvicorn. A server of our own would do
the same with an HTTP parser of our own to maintain.
"""

import asyncio
import functools
import http.client
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

from reingest.standin.faults.bodies import cut_at
from reingest.standin.faults.rules import FaultRule
from reingest.standin.reply import Reply

_HOUR: Final = 3600.0
_RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 seconds: closing then sends RST, and drops what was not sent."""

_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK: Final = b"\x03\x00"

_Delivery = Callable[[Request, Reply, FaultRule], Awaitable[None]]


class OpenConnection(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which lets the application reach the connection's transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the transport into the state of every request of this connection."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def deliver_badly(request: Request, reply: Reply, rule: FaultRule) -> None:
    """Send the reply as a fault of place `delivery` does, and end the connection."""
    await _DELIVERIES[rule.kind](request, reply, rule)
    _transport(request).close()
    # uvicorn answers 500 for an application that returns before the client is gone.
    await _disconnected(request)


async def _hang(request: Request, _reply: Reply, rule: FaultRule) -> None:
    gone = asyncio.ensure_future(_disconnected(request))
    await asyncio.wait({gone}, timeout=_HOUR if rule.seconds is None else rule.seconds)
    gone.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _drip(request: Request, reply: Reply, rule: FaultRule) -> None:
    body, head = _whole(request, reply)
    transport = _transport(request)
    transport.write(head)
    for piece in _pieces(body, rule.bytes or 64):
        if transport.is_closing():
            return
        transport.write(piece)
        await asyncio.sleep((20 if rule.ms is None else rule.ms) / 1000)


async def _reset_first(request: Request, _reply: Reply, _rule: FaultRule) -> None:
    _reset(_transport(request))


async def _reset_in_body(request: Request, reply: Reply, rule: FaultRule) -> None:
    await _close_early(request, reply, rule)
    # The client shall have read what was sent before the reset reaches it.
    await asyncio.sleep(0.02)
    _reset(_transport(request))


async def _close_first(_request: Request, _reply: Reply, _rule: FaultRule) -> None:
    return


async def _close_early(request: Request, reply: Reply, rule: FaultRule) -> None:
    body, head = _whole(request, reply)
    _transport(request).write(head + body[: cut_at(body, rule)])


async def _close_without_length(request: Request, reply: Reply, rule: FaultRule) -> None:
    body, headers = reply.encoded(request.headers.get("accept-encoding", ""))
    _transport(request).write(_head(reply.status, headers | {"connection": "close"}) + body[: cut_at(body, rule)])


async def _chunked_cut(request: Request, reply: Reply, rule: FaultRule) -> None:
    body, headers = reply.encoded(request.headers.get("accept-encoding", ""))
    part = body[: cut_at(body, rule)]
    head = _head(reply.status, headers | {"transfer-encoding": "chunked"})
    _transport(request).write(head + f"{len(part):x}\r\n".encode() + part + b"\r\n")


async def _not_http(request: Request, _reply: Reply, _rule: FaultRule) -> None:
    _transport(request).write(b"220 mail.example ESMTP ready\r\n\r\n")


async def _bad_gzip(request: Request, reply: Reply, _rule: FaultRule) -> None:
    _send_as_gzip(request, reply, b"\x1f\x8b" + reply.body)


async def _truncated_gzip(request: Request, reply: Reply, _rule: FaultRule) -> None:
    packed = reply.gzipped()
    _send_as_gzip(request, reply, packed[: len(packed) // 2])


async def _gzip_bomb(request: Request, reply: Reply, rule: FaultRule) -> None:
    _send_as_gzip(request, reply, _bomb(rule.megabytes or 256))


def _bomb(megabytes: int) -> bytes:
    """Return one gzip member of so many megabytes of spaces, without ever holding them.

    A fully flushed deflate block ends on a byte and refers to nothing before it, so one block can be repeated.
    """
    spaces = b" " * 2**20
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    block = packer.compress(spaces) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = functools.reduce(lambda checksum, _: zlib.crc32(spaces, checksum), range(megabytes), 0)
    trailer = struct.pack("<II", checksum, megabytes * 2**20 % 2**32)
    return _GZIP_HEADER + block * megabytes + _LAST_BLOCK + trailer


def _send_as_gzip(request: Request, reply: Reply, packed: bytes) -> None:
    headers = {
        "content-type": reply.content_type,
        "content-encoding": "gzip",
        "content-length": str(len(packed)),
    }
    _transport(request).write(_head(reply.status, headers) + packed)


def _whole(request: Request, reply: Reply) -> tuple[bytes, bytes]:
    """Return the body and the head that promises all of it."""
    body, headers = reply.encoded(request.headers.get("accept-encoding", ""))
    return body, _head(reply.status, headers | {"content-length": str(len(body))})


def _head(status: int, headers: dict[str, str]) -> bytes:
    phrase = http.client.responses.get(status, "")
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def _reset(transport: asyncio.Transport) -> None:
    connection: Any = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def _transport(request: Request) -> asyncio.Transport:
    transport = request.state.transport
    if not isinstance(transport, asyncio.Transport):
        raise TypeError("delivery faults need the server that the stand-in starts")
    return transport


_DELIVERIES: Final[dict[str, _Delivery]] = {
    "hang": _hang,
    "drip": _drip,
    "reset_before_headers": _reset_first,
    "reset_mid_body": _reset_in_body,
    "close_before_headers": _close_first,
    "close_early": _close_early,
    "close_without_length": _close_without_length,
    "chunked_cut": _chunked_cut,
    "not_http": _not_http,
    "bad_gzip": _bad_gzip,
    "truncated_gzip": _truncated_gzip,
    "gzip_bomb": _gzip_bomb,
}
