"""The loop over the dates of a range: lanes that each take a date, have it run, and store how it ended.

A date that fails stops nothing. What stops the range is what would stop every date: a database that is gone, a disk
that is full, a source of which nothing was heard for several dates one after the other. The dates that met it are then
left to be resumed, as are those that nobody began.
"""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Final, TypeVar

from reingest.errors import (
    ArchiveError,
    DatabaseError,
    DatabaseUnreachable,
    ProcessDied,
    ReingestError,
    SourceSilent,
)
from reingest.operations.date_run import PATIENCE_SECONDS, RETRY_SECONDS, Progress
from reingest.operations.ranges.claims import Claims
from reingest.operations.ranges.report import DateEnd, end_of_error, resume_command
from reingest.store.ranges import Claim

log = logging.getLogger(__name__)
_T = TypeVar("_T")

GRACE_SECONDS: Final = 10.0
"""How long the dates under way may take to end once the range is asked to stop."""
LOCKED_WAIT_SECONDS: Final = 5.0
"""How long a date that was found locked is waited for at the end of the range."""
SILENT_DATES: Final = 3
"""So many dates one after the other of which nothing came mean that the source is down; never fewer than lanes."""
DATABASE_FAULTS: Final = 3
POLL_SECONDS: Final = 0.5
BREATH_SECONDS: Final = 0.001
_NO_SPACE: Final = os.strerror(errno.ENOSPC)

RunDate = Callable[[date, float], Awaitable[DateEnd]]
"""Runs one date, in this process or in another; told the date, and how long to wait where another run holds it."""

EachDate = Callable[[date, Callable[[], Awaitable[DateEnd]]], Awaitable[DateEnd]]
"""What is around the run of one date; the Prefect flow makes a task of it."""


async def run_plainly(_settlement_date: date, run_date: Callable[[], Awaitable[DateEnd]]) -> DateEnd:
    """Run a date, and nothing around it."""
    return await run_date()


class Stopping:
    """How a range is asked to stop: no date is begun any more, and those under way have `GRACE_SECONDS` to end."""

    def __init__(self) -> None:
        """Ask nothing yet."""
        self._event = asyncio.Event()

    @property
    def asked(self) -> bool:
        """Whether the range was asked to stop."""
        return self._event.is_set()

    def ask(self) -> None:
        """Ask the range to stop; from the loop that it runs in."""
        self._event.set()

    async def wait(self) -> None:
        """Return when it is asked."""
        await self._event.wait()


@dataclass
class Lanes:
    """The work of one process on a range.

    Attributes:
        count: How many dates at once.
        done: How many dates ended here, of `todo` that had not when it began.
        silent: The dates that ended one after the other without a word from the source.
        database_faults: How many dates one after the other the database failed.
    """

    claims: Claims
    run_date: RunDate
    each_date: EachDate
    progress: Progress
    stopping: Stopping
    count: int
    todo: int = 0
    done: int = 0
    silent: list[Claim] = field(default_factory=list)
    database_faults: int = 0

    def is_stopped(self) -> bool:
        """Whether no further date is to be begun."""
        return self.stopping.asked or self.claims.stopped_by is not None

    async def go(self) -> None:
        """Run dates until every one of the range has ended, here or elsewhere, or the range is stopped.

        Raises:
            DatabaseError: Postgres cannot be used, and did not come back.
        """
        left = self.claims.left()
        self.todo = left.pending + left.running
        while not self.is_stopped():
            await self._all_lanes()
            left = await self._patiently(self.claims.left)
            if self.is_stopped() or not (left.pending or left.running):
                return
            if not left.pending and not await self._patiently(self.claims.free_dead):
                self.progress("dates of another process", self.done, self.todo)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.stopping.wait(), POLL_SECONDS)

    async def finish(self, tell: Callable[[], object]) -> None:
        """End the range where every date of it has ended; see `Claims.finish`.

        Raises:
            DatabaseError: Postgres cannot be used, and did not come back.
        """
        await self._patiently(partial(self.claims.finish, tell))

    async def _all_lanes(self) -> None:
        """Run the lanes until none has anything to do; where the range is asked to stop, the last dates may end."""
        running = {asyncio.create_task(self._lane()) for _ in range(self.count)}
        asked = asyncio.create_task(self.stopping.wait())
        try:
            while running and not asked.done():
                ended, _ = await asyncio.wait({*running, asked}, return_when=asyncio.FIRST_COMPLETED)
                running = await self._without(ended, running, asked)
            if running:
                log.warning("stopping; the dates under way have %.0f s to end", GRACE_SECONDS)
                ended, running = await asyncio.wait(running, timeout=GRACE_SECONDS)
                await self._without(ended, set(), asked)
        finally:
            for task in (*running, asked):
                task.cancel()
            await asyncio.gather(*running, asked, return_exceptions=True)

    @staticmethod
    async def _without(
        ended: set[asyncio.Task[None]], running: set[asyncio.Task[None]], asked: asyncio.Task[None]
    ) -> set[asyncio.Task[None]]:
        """Return what still runs; a lane's fault is raised."""
        for task in ended - {asked}:
            await task
        return running - ended

    async def _lane(self) -> None:
        while not await self._is_stopped_by_now() and (claim := await self._patiently(self.claims.next)) is not None:
            self.progress("dates", self.done, self.todo)
            try:
                end = await self._end_of(claim)
            except ProcessDied as died:
                await self._after_a_death(claim, died)
            except BaseException:  # an interrupt, or a fault of what is around the date
                with suppress(DatabaseError):
                    self.claims.give_back(claim)
                raise
            else:
                await self._settle(claim, end)

    async def _is_stopped_by_now(self) -> bool:
        """Let a signal be heard that came while a date kept the loop busy."""
        await asyncio.sleep(BREATH_SECONDS)
        return self.is_stopped()

    async def _end_of(self, claim: Claim) -> DateEnd:
        wait_seconds = LOCKED_WAIT_SECONDS if claim.locked_before else 0.0
        return await self.each_date(claim.settlement_date, partial(self.run_date, claim.settlement_date, wait_seconds))

    async def _after_a_death(self, claim: Claim, died: ProcessDied) -> None:
        """Run a date again whose process was killed; one that has two processes killed is what kills them."""
        died.settlement_date = claim.settlement_date
        if claim.deaths:
            await self._settle(claim, end_of_error(claim.settlement_date, "bug", died))
        else:
            log.warning("%s; it is run again", died)
            await self._patiently(partial(self.claims.give_back, claim, died=True))

    async def _settle(self, claim: Claim, end: DateEnd) -> None:
        """Store how a date ended, or leave it to be run again."""
        if end.outcome == "database_unreachable":
            await self._patiently(partial(self.claims.give_back, claim))
            self._after_a_database_fault(end)
            return
        self.database_faults = 0
        if end.outcome == "locked" and not claim.locked_before:
            await self._patiently(partial(self.claims.give_back, claim, locked=True))
            return
        end = await self._patiently(partial(self.claims.as_made, claim, end))
        if not await self._patiently(partial(self.claims.end, claim, end)):
            log.warning("%s is another process's by now, which will say how it ended", claim.settlement_date)
        self.done += 1
        self.progress("dates", self.done, self.todo)
        await self._listen_for_silence(claim, end)

    def _after_a_database_fault(self, end: DateEnd) -> None:
        """Stop where the database fails date after date, or has no space left."""
        self.database_faults += 1
        text = end.error.text if end.error else ""
        if self.database_faults >= DATABASE_FAULTS or _NO_SPACE in text:
            self._stop(DatabaseUnreachable(text, next_command=self._resume))

    async def _listen_for_silence(self, claim: Claim, end: DateEnd) -> None:
        """Stop where nothing is heard from the source for date after date, and leave those dates to be resumed."""
        if self.claims.stored.source != "live" or end.outcome != "source_failed" or end.error is None:
            self.silent.clear()
            return
        self.silent.append(claim)
        full = end.error.code == ArchiveError.code and _NO_SPACE in end.error.text
        # A lane that was under way when another found the source silent finds the same.
        is_down = full or self.claims.stopped_by is not None or len(self.silent) >= max(SILENT_DATES, self.count)
        if not is_down:
            return
        silent, self.silent = self.silent, []
        await self._patiently(partial(self.claims.run_again, silent))
        self.done -= len(silent)
        last = f"{end.error.code}: {end.error.text}"
        if full:
            self._stop(ArchiveError(end.error.text, next_command=self._resume))
        else:
            dates = ", ".join(str(one.settlement_date) for one in silent)
            told = f"{len(silent)} dates one after the other ({dates}); the last: {last}"
            self._stop(SourceSilent(told, next_command=self._resume))

    def _stop(self, error: ReingestError) -> None:
        if self.claims.stopped_by is None:
            self.claims.stopped_by = error

    @property
    def _resume(self) -> str:
        return resume_command(self.claims.stored.id)

    async def _patiently(self, act: Callable[[], _T]) -> _T:
        """Do what needs the database; where that went away, as at a restart, wait half a minute for it.

        Raises:
            DatabaseError: it did not come back.
        """
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self.claims.reconnect()
                return act()
            except DatabaseUnreachable as error:
                if time.monotonic() >= give_up:
                    error = DatabaseUnreachable(str(error), next_command=self._resume)
                    self._stop(error)
                    raise error from None
                await asyncio.sleep(RETRY_SECONDS)
