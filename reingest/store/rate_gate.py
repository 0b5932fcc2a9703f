"""The rate gate in Postgres: one row a source, from which every process takes its next slot.

It is asked over a connection and in a thread of its own, so that neither the event loop nor the run's connection waits.
While Postgres cannot be reached nobody takes a slot: a process that paced itself meanwhile could not know how many
others do the same. A restart is waited for; the run it belongs to has nowhere to put its answers before that anyway.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import Any, Final, Self, TypeAlias, TypeVar

import psycopg

from reingest.checkpoints import checkpoint
from reingest.errors import Bug, DatabaseError, DatabaseUnreachable
from reingest.store.database import Connection, connect, database_errors, within
from reingest.store.sql import query

log = logging.getLogger(__name__)

Cursor: TypeAlias = psycopg.Cursor[tuple[Any, ...]]
_Value = TypeVar("_Value")

PATIENCE_SECONDS: Final = 60.0
"""How long the gate waits for a Postgres that went away."""
RETRY_SECONDS: Final = 0.25
ANSWER_SECONDS: Final = 10.0
"""A statement that takes longer than this has lost its way; its connection is cut."""
AFTER_LOSS_SECONDS: Final = 1.0
"""How long nothing goes out after a lost connection: if Postgres crashed, it forgot the slots of the last moments."""


class RateGate:
    """The gate of one source, as an async context manager; it connects when the first slot is taken.

    Attributes:
        source: What the rate is for; processes with the same name share it.
    """

    def __init__(self, url: str, source: str) -> None:
        """Take slots in the database at `url`; nothing is connected yet."""
        self.source = source
        self._url = url
        self._connection: Connection | None = None
        self._closing = threading.Event()
        self._was_lost = False
        # One thread: psycopg's connection is asked one thing at a time.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gate")

    async def __aenter__(self) -> Self:
        """Give the gate."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go of the connection; what still waits for a slot ends first."""
        self._closing.set()
        await asyncio.to_thread(self._thread.shutdown)
        self._disconnect()

    async def take(self, gap_seconds: float) -> float:
        """Take the next free slot, and leave a gap behind it; return the seconds until it begins.

        Raises:
            DatabaseUnreachable: Postgres was away for a minute.
            DatabaseError: it refuses.
        """
        return await self._in_thread(self._take_patiently, timedelta(seconds=gap_seconds))

    async def pause(self, seconds: float) -> None:
        """Give out no slot for so long, to nobody; where Postgres cannot be reached, that is said and no more."""
        await self._in_thread(self._pause, timedelta(seconds=seconds))

    async def _in_thread(self, act: Callable[[timedelta], _Value], span: timedelta) -> _Value:
        # With the context, by which log lines say which run they are about.
        return await asyncio.get_running_loop().run_in_executor(self._thread, copy_context().run, act, span)

    def _take_patiently(self, gap: timedelta) -> float:
        """Take a slot; where Postgres is away, wait until it is back, for a minute at most."""
        give_up: float | None = None
        while True:
            try:
                wait = self._take(gap)
            except DatabaseUnreachable as error:
                now = time.monotonic()
                if give_up is None:
                    log.warning("no request goes out while the rate gate cannot be reached: %s", error)
                    give_up = now + PATIENCE_SECONDS
                if now >= give_up or self._closing.wait(RETRY_SECONDS):
                    raise
            else:
                if give_up is not None:
                    log.warning("the rate gate can be reached again")
                return wait

    def _take(self, gap: timedelta) -> float:
        lead = timedelta(seconds=AFTER_LOSS_SECONDS if self._was_lost else 0)
        row = self._ask("take_slot", gap=gap, lead=lead).fetchone()
        checkpoint("after_slot")
        if row is None:
            raise Bug("the rate gate gave no slot")
        self._was_lost = False
        return float(row[0])

    def _pause(self, pause: timedelta) -> None:
        try:
            self._ask("pause_gate", pause=pause)
        except DatabaseError as error:
            log.warning("the other processes could not be told to wait for %s: %s", pause, error)
        checkpoint("after_gate_pause")

    def _ask(self, name: str, **parameters: timedelta) -> Cursor:
        """Run one statement, over another connection where the last one broke."""
        try:
            with database_errors():
                connection = self._connected()
                with within(connection, ANSWER_SECONDS):
                    return connection.execute(query(name), {"source": self.source, **parameters})
        except DatabaseUnreachable:
            self._was_lost = True
            self._disconnect()
            raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._url, purpose="gate")
            self._connection.execute(query("begin_gate"))
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
