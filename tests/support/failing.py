"""Failing calls: the n-th call of one layer fails, at the edge of the library that makes it."""

import errno
import io
import os
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeAlias
from unittest.mock import patch

import httpx
import psycopg
from psycopg.errors import DiskFull
from psycopg.pq import TransactionStatus

Layer: TypeAlias = Literal["database", "files", "http"]

KINDS: Final[dict[Layer, tuple[str, ...]]] = {
    "database": ("lost after", "lost before", "refused"),
    "files": ("no space",),
    "http": ("cut", "no connection", "status 503"),
}
"""How a call of a layer may fail: with or without its effect, with or without the connection."""


@dataclass
class Calls:
    """Counts the calls of a layer, of all threads; the n-th is to fail."""

    nth: int
    made: int = 0
    failed: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fails(self, what: str) -> bool:
        """Count a call, and tell whether it is the one that fails."""
        with self._lock:
            self.made += 1
            if self.made == self.nth:
                self.failed = what
            return self.made == self.nth


@contextmanager
def failing(layer: Layer, kind: str, nth: int, home: Path) -> Iterator[Calls]:
    """Have the n-th call of a layer fail for the block, in this process; `home` is where files are counted."""
    calls = Calls(nth)
    with {"database": _database, "files": _files, "http": _http}[layer](calls, kind, home):
        yield calls


@contextmanager
def _database(calls: Calls, kind: str, _home: Path) -> Iterator[None]:
    """Every exchange with the server goes through `Connection.wait`: statements, COPY, the begin and end of blocks."""
    wait, connect = psycopg.Connection.wait, psycopg.connect

    def wait_or_fail(self: "psycopg.Connection[Any]", gen: Generator[Any, Any, Any], *rest: Any, **more: Any) -> Any:
        what = getattr(gen, "__qualname__", "exchange")
        if _says_nothing(self, what) or not calls.fails(f"{what} ({kind})"):
            return wait(self, gen, *rest, **more)
        if kind == "refused" and not what.startswith("copy_"):
            # A server that refuses a statement, or a commit, has given the whole transaction up.
            if self.pgconn.transaction_status == TransactionStatus.INTRANS:
                self.pgconn.exec_(b"select 1 / 0")
            if what.endswith("_exit_gen"):
                wait(self, gen, *rest, **more)
            gen.close()
            raise DiskFull("could not extend file: No space left on device")
        if kind == "lost after":
            wait(self, gen, *rest, **more)
        gen.close()
        self.pgconn.finish()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    def connect_or_fail(*words: Any, **more: Any) -> Any:
        if calls.fails("connect"):
            raise psycopg.OperationalError("connection failed: connection refused")
        return connect(*words, **more)

    with patch.object(psycopg.Connection, "wait", wait_or_fail), patch.object(psycopg, "connect", connect_or_fail):
        yield


def _says_nothing(connection: "psycopg.Connection[Any]", what: str) -> bool:
    """Tell whether the server hears nothing of it: a flag of the driver's own, or the end of no transaction."""
    idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
    return what == "BasePipeline._enter_gen" or (idle and what.endswith(("_commit_gen", "_rollback_gen")))


@contextmanager
def _files(calls: Calls, _kind: str, home: Path) -> Iterator[None]:
    open_file = io.open

    def open_or_fail(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if not set(mode) & set("wxa+") or home not in Path(str(file)).parents:
            return open_file(file, mode, *rest, **more)
        if calls.fails("open"):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return _File(open_file(file, mode, *rest, **more), calls)

    with patch.object(io, "open", open_or_fail), _failing_calls(calls, ("fsync", "rename", "replace", "mkdir", "link")):
        yield


@contextmanager
def _failing_calls(calls: Calls, names: tuple[str, ...]) -> Iterator[None]:
    def or_fail(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*words: Any, **more: Any) -> Any:
            if calls.fails(name):
                raise OSError(errno.EIO, "Input/output error", name)
            return call(*words, **more)

        return called

    with ExitStack() as patched:
        for name in names:
            patched.enter_context(patch.object(os, name, or_fail(name, getattr(os, name))))
        yield


class _File:
    """A file of which a write may fail half way."""

    def __init__(self, file: Any, calls: Calls) -> None:
        self._file = file
        self._calls = calls

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: Any) -> Any:
        if not self._calls.fails("write"):
            return self._file.write(content)
        self._file.write(content[: len(content) // 2])
        self._file.flush()
        raise OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def _http(calls: Calls, kind: str, _home: Path) -> Iterator[None]:
    send = httpx.AsyncHTTPTransport.handle_async_request

    async def send_or_fail(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        if not calls.fails(f"{request.url.path} ({kind})"):
            return await send(self, request)
        if kind == "no connection":
            raise httpx.ConnectError("connection refused", request=request)
        response = await send(self, request)
        await response.aclose()
        if kind == "status 503":
            return httpx.Response(503, stream=httpx.ByteStream(b""), request=request)
        raise httpx.ReadError("connection reset by peer", request=request)

    with patch.object(httpx.AsyncHTTPTransport, "handle_async_request", send_or_fail):
        yield
