"""Fetch: every period's stacks and the date's system prices, from Elexon or from the archive.

Requests go out in batches of eight periods, all at once under one client, which bounds and paces them; a batch is a
unit of progress, and of work in the Prefect flow, never a barrier between requests.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from reingest.checkpoints import checkpoint
from reingest.curtailment.stack_facts import Subject
from reingest.elexon.client import ElexonClient
from reingest.elexon.requests import system_prices_request
from reingest.elexon.stack_source import StackSource
from reingest.elexon.system_prices import read_system_prices
from reingest.errors import DatabaseError, SourceError, SourceTooSlow, SourceUnreachable, TlsFailed
from reingest.operations.answer_keeper import AnswerKeeper
from reingest.operations.archived import (
    archived_fetches,
    take_archived_prices,
    take_archived_stacks,
    take_archived_witnesses,
)
from reingest.operations.asking import elexon_client
from reingest.operations.date_inputs import FetchedStack
from reingest.operations.date_run import Batch, DateRun
from reingest.operations.intake import Intake
from reingest.operations.plans.applying import take_planned
from reingest.operations.resuming import let_go_of_the_outdated, resume
from reingest.operations.staging.taking import stage_what_was_asked_again, take_staged
from reingest.operations.witnessing import witnesses_beside
from reingest.store.fetches import FetchOutcome, fetches_of_version, judge_fetches

BATCH_PERIODS: Final = 8


@dataclass
class Fetcher:
    """What the batches of one run share: the client, where stacks come from, and where answers are kept.

    Nothing that it holds points back to it: the run and its answers are freed when it is, without the collector.
    """

    run: DateRun
    client: ElexonClient
    keeper: AnswerKeeper
    source: StackSource
    periods: int
    """How many periods are to be asked."""
    each_answer: Callable[[FetchedStack], None] | None = None
    """Told of each stack as soon as it was read, or failed."""

    async def fetch_batch(self, periods: Batch) -> int:
        """Ask the stacks of these periods; what came of each is in the run then. Return how many rows came.

        Raises:
            SourceUnreachable: nothing was ever heard from the source, so asking on is pointless.
            SourceTooSlow: the run's time budget is spent.
            TlsFailed: the source's certificate was not accepted.
        """
        subjects = [subject for subject in self.run.to_ask if subject[0] in periods]
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
            fetch_id = await self.keeper.keep(answer)
            prices = read_system_prices(answer.require_ok().body, settlement_date=run.settlement_date)
            self.keeper.was_read(fetch_id, len(prices))
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
        fetch_id, answered_at = self.keeper.kept[subject]
        self.keeper.was_read(fetch_id, fetched.stack.rows)
        self._add(subject, FetchedStack(period, side, fetch_id, answered_at, stack=fetched.stack))
        return fetched.stack.rows

    def _add(self, subject: Subject, fetched: FetchedStack) -> None:
        self.run.fetched[subject] = fetched
        if self.each_answer is not None:
            self.each_answer(fetched)
        self.run.progress("fetch", len(self.run.fetched), len(self.run.fetched) + len(self.run.to_ask))

    def _hopeless(self, error: SourceError) -> bool:
        """Tell whether the fault is of the source as a whole, so that the other requests need not be tried.

        One request may fail before the first is answered. So a source is given up when nothing was heard of it while as
        many requests failed as are under way at once, or all there are.
        """
        if isinstance(error, TlsFailed | SourceTooSlow):
            return True
        if not isinstance(error, SourceUnreachable) or self.client.was_heard:
            return False
        failed = 1 + sum(isinstance(one.error, SourceUnreachable) for one in self.run.fetched.values())
        return failed >= self.run.settings.concurrency or len(self.run.to_ask) == 1


async def fetch_date(run: DateRun) -> None:
    """Fetch the whole date, or its asked periods, into the run.

    Raises:
        SourceError: the source cannot be reached, or the run's time budget is spent.
        ArchiveError: an archived payload is missing or altered.
        PlanMoved: one that a plan names is.
    """
    if run.request.sealed is not None:
        take_planned(run, run.request.sealed)
        return
    carry_over(run)
    if run.request.source == "archive":
        fetch_from_archive(run)
        return
    if run.request.source == "staged":
        take_staged(run)
    else:
        resume(run)
    async with fetcher_of(run) as fetcher, witnesses_beside(run, fetcher.client, fetcher.keeper):
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(fetcher.fetch_system_prices())]
        tasks += [asyncio.create_task(run.each_batch(fetcher, batch)) for batch in batches_of(run)]
        await all_or_first_fault(tasks)
        if run.resumed and let_go_of_the_outdated(run):
            fetcher.periods += len({period for period, _ in run.to_ask})
            await all_or_first_fault([asyncio.create_task(run.each_batch(fetcher, batch)) for batch in batches_of(run)])
    if run.request.source == "staged":
        stage_what_was_asked_again(run)


@asynccontextmanager
async def fetcher_of(run: DateRun, each_answer: Callable[[FetchedStack], None] | None = None) -> AsyncIterator[Fetcher]:
    """Give what the run's batches share, for the block; each answer is told of as soon as it was read."""
    outcomes: dict[int, FetchOutcome] = {}
    try:
        kept_by = Intake(run.archive, run.connection, run.run, run.reconnect)
        async with kept_by as intake, elexon_client(run.settings, run.database_url) as client:
            keeper = AnswerKeeper(intake, outcomes=outcomes)
            periods = len({period for period, _ in run.to_ask})
            yield Fetcher(run, client, keeper, StackSource(client, keeper.keep), periods, each_answer)
    except BaseException:
        with suppress(DatabaseError):  # it may be the database that failed; the next run judges what was not judged
            judge_fetches(run.connection, outcomes)
        raise
    judge_fetches(run.connection, outcomes)


def batches_of(run: DateRun) -> list[Batch]:
    """Return the periods that are to be asked in batches of eight."""
    periods = sorted({period for period, _ in run.to_ask})
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
    take_archived_witnesses(run, fetches)


async def all_or_first_fault(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Wait for all tasks; the first fault cancels the others and is raised once they have ended."""
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
