"""Fetch: every period's stacks and the date's system prices, from Elexon or from the archive.

Requests go out in batches of eight periods, all at once under one client, which bounds and paces them; a batch is a
unit of progress, and of work in the Prefect flow, never a barrier between requests.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from reingest.checkpoints import checkpoint
from reingest.curtailment.stack_facts import Subject
from reingest.elexon.client import Answer, ElexonClient
from reingest.elexon.requests import system_prices_request
from reingest.elexon.stack_source import StackSource
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import SourceError, SourceTooSlow, SourceUnreachable, TlsFailed
from reingest.operations.archived import archived_fetches, take_archived_prices, take_archived_stacks
from reingest.operations.date_run import Batch, DateRun, FetchedStack
from reingest.operations.intake import Intake
from reingest.store.fetches import fetches_of_version

BATCH_PERIODS: Final = 8


@dataclass
class StackKeeper:
    """Lets every stack answer pass through the intake before it is parsed, and remembers its fetch."""

    intake: Intake
    kept: dict[Subject, tuple[int, datetime]] = field(default_factory=dict)

    async def keep(self, answer: Answer) -> None:
        """Archive the answer and write its fetch row."""
        fetch_id = await self.intake.keep(answer)
        request = answer.request
        if request.period is not None and request.side is not None:
            self.kept[request.period, request.side] = (fetch_id, answer.answered_at)


@dataclass
class Fetcher:
    """What the batches of one run share: the client, where stacks come from, and where answers are kept.

    Nothing that it holds points back to it: the run and its answers are freed when it is, without the collector.
    """

    run: DateRun
    client: ElexonClient
    keeper: StackKeeper
    source: StackSource

    async def fetch_batch(self, periods: Batch) -> int:
        """Ask the stacks of these periods; what came of each is in the run then. Return how many rows came.

        Raises:
            SourceUnreachable: nothing was ever heard from the source, so asking on is pointless.
            SourceTooSlow: the run's time budget is spent.
            TlsFailed: the source's certificate was not accepted.
        """
        subjects = [(period, side) for period in periods for side in self.run.sides]
        return sum(await asyncio.gather(*(self._fetch(subject) for subject in subjects)))

    async def fetch_system_prices(self) -> None:
        """Ask the date's system prices, which judge empty answers and date their figures.

        A fault is noted and no more: they are needed only where an answer is empty, and there it shows.

        Raises:
            SourceTooSlow: the run's time budget is spent.
            TlsFailed: the source's certificate was not accepted.
        """
        run = self.run
        try:
            answer = await self.client.ask(system_prices_request(run.settlement_date))
            fetch_id = await self.keeper.intake.keep(answer)
            prices = read_system_prices(answer.require_ok().body, settlement_date=run.settlement_date)
        except (TlsFailed, SourceTooSlow):
            raise
        except SourceError as error:
            run.note(f"the system prices could not be had ({error.code}: {error}); an empty answer cannot be judged")
            return
        run.system_prices = {price.period: price for price in prices}
        run.system_prices_fetch_id = fetch_id
        checkpoint("after_system_prices")

    async def _fetch(self, subject: Subject) -> int:
        period, side = subject
        try:
            fetched = await self.source.fetch(self.run.settlement_date, period, side)
        except SourceError as error:
            if self._hopeless(error):
                raise
            fetch_id, answered_at = self.keeper.kept.get(subject, (None, None))
            self._add(subject, FetchedStack(period, side, fetch_id, answered_at, error=error))
            return 0
        if fetched.fallback:
            self.run.note(f"JSON was taken where XML was asked: {fetched.fallback}")
        elif fetched.stack.wire != fetched.stack.asked:
            self.run.note(f"the source answered {fetched.stack.wire} where {fetched.stack.asked} was asked")
        self._add(subject, FetchedStack(period, side, *self.keeper.kept[subject], stack=fetched.stack))
        return fetched.stack.rows

    def _add(self, subject: Subject, fetched: FetchedStack) -> None:
        self.run.fetched[subject] = fetched
        self.run.progress("fetch", len(self.run.fetched), len(self.run.calendar) * len(self.run.sides))

    def _hopeless(self, error: SourceError) -> bool:
        """Tell whether the fault is of the source as a whole, so that the other requests need not be tried."""
        if isinstance(error, TlsFailed | SourceTooSlow):
            return True
        return isinstance(error, SourceUnreachable) and not self.keeper.kept


async def fetch_date(run: DateRun) -> None:
    """Fetch the whole date, or its asked periods, into the run.

    Raises:
        SourceError: the source cannot be reached, or the run's time budget is spent.
        ArchiveError: an archived payload is missing or altered.
    """
    carry_over(run)
    if run.request.source == "archive":
        fetch_from_archive(run)
        return
    async with fetcher_of(run) as fetcher:
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(fetcher.fetch_system_prices())]
        tasks += [asyncio.create_task(run.each_batch(fetcher, batch)) for batch in batches_of(run)]
        await all_or_first_fault(tasks)


@asynccontextmanager
async def fetcher_of(run: DateRun) -> AsyncIterator[Fetcher]:
    """Give what the run's batches share, for the block."""
    async with Intake(run.archive, run.connection, run.run) as intake, ElexonClient(run.settings) as client:
        keeper = StackKeeper(intake)
        yield Fetcher(run, client, keeper, StackSource(client, keeper.keep))


def batches_of(run: DateRun) -> list[Batch]:
    """Return the asked periods in batches of eight."""
    periods = sorted(run.asked)
    return [tuple(periods[start : start + BATCH_PERIODS]) for start in range(0, len(periods), BATCH_PERIODS)]


def carry_over(run: DateRun) -> None:
    """Re-derive the periods that a period-range run does not ask from the payloads of the served version.

    Without a served version there is nothing to carry over: the periods stay unasked, and the date is held.

    Raises:
        ArchiveError: an archived payload is missing or altered.
    """
    kept = {period.number for period in run.calendar} - run.asked
    if kept and run.current.id is not None:
        take_archived_stacks(run, fetches_of_version(run.connection, run.current.id), kept, carried=True)


def fetch_from_archive(run: DateRun) -> None:
    """Take the asked periods and the system prices from the archive.

    Raises:
        ArchiveError: an archived payload is missing or altered.
        PayloadRejected: the archived system prices are not those of the date.
    """
    fetches = archived_fetches(run)
    take_archived_prices(run, fetches)
    take_archived_stacks(run, fetches, run.asked, carried=False)


async def all_or_first_fault(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for all tasks; the first fault cancels the others and is raised once they have ended."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
