"""The body of one HTTP answer, decompressed, bounded, and known to be whole.

httpx would decompress too, but it accepts a gzip stream that ends early, and it has no bound on what a small
body may unpack to.
"""

import zlib
from typing import Final

import httpx

from reingest.elexon.rejects import rejected
from reingest.elexon.sniff import LARGEST_BODY

_GZIP: Final = zlib.MAX_WBITS | 16


async def read_body(response: httpx.Response, limit: int = LARGEST_BODY) -> bytes:
    """Read the answer's body to its end.

    Raises:
        httpx.TransportError: it was cut short or took too long.
        httpx.DecodingError: the gzip stream is damaged or has no end.
        PayloadRejected: `too_large`, or `bad_encoding` for a compression that was not asked for.
    """
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        raise rejected("bad_encoding", f"{response.url} came compressed as {encoding!r}, where only gzip was asked for")
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        chunks.append(_within(chunk, size, limit))
    body = b"".join(chunks)
    return _gunzip(body, limit, response.request) if encoding.endswith("gzip") and body else body


def _within(chunk: bytes, size: int, limit: int) -> bytes:
    if size > limit:
        raise rejected("too_large", f"the body has more than {limit} bytes")
    return chunk


def _gunzip(packed: bytes, limit: int, request: httpx.Request) -> bytes:
    """Unpack every member of a gzip stream (RFC 1952 allows several) and require the last one's end."""
    parts: list[bytes] = []
    size = 0
    while packed:
        member = zlib.decompressobj(_GZIP)
        try:
            part = member.decompress(packed, limit + 1 - size)
        except zlib.error as error:
            raise httpx.DecodingError(f"the gzip stream is damaged: {error}", request=request) from error
        size += len(part)
        parts.append(_within(part, size, limit))
        if not member.eof:
            raise httpx.DecodingError("the gzip stream ends early", request=request)
        packed = member.unused_data
    return b"".join(parts)
