"""A stage run: it asks periods of a date and stages the answers; nothing that is served changes, and no lease is taken.

Two of them may stage the same date at once, also the same periods: of two answers the newer one stays.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import SIDES
from reingest.errors import PartialDate
from reingest.operations.date_run import DateRun, EachBatch, Progress, fetch_batch
from reingest.operations.fetching import all_or_first_fault, batches_of, fetcher_of
from reingest.operations.figures_text import counted, period_ranges
from reingest.operations.reingest import close_run, no_progress, open_date_run
from reingest.operations.request import DateRequest
from reingest.operations.resuming import let_go_of_the_outdated, resume
from reingest.operations.staging.desk import StagingDesk
from reingest.operations.staging.staged_date import StagedDate, read_staged_date
from reingest.operations.staging.staged_text import staged_lines
from reingest.settings import Settings
from reingest.store.database import bound_lock_waits, connect
from reingest.store.staging import StagedOutcome

_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class StagingReport:
    """What a stage run staged, and what the date has by now.

    Attributes:
        periods: The periods that it was asked to stage.
        outcomes: Stacks by what was made of them.
        date: Everything that is staged of the date.
    """

    run_id: str
    periods: tuple[int, ...]
    outcomes: Mapping[StagedOutcome, int]
    requests: int
    retries: int
    notes: tuple[str, ...]
    seconds: float
    date: StagedDate

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {
            "settlement_date": self.date.settlement_date.isoformat(),
            "run_id": self.run_id,
            "outcome": "staged",
            "exit_code": 0,
            "periods": list(self.periods),
            "outcomes": dict(self.outcomes),
            "requests": self.requests,
            "retries": self.retries,
            "notes": list(self.notes),
            "seconds": round(self.seconds, 3),
            "staged": self.date.as_dict(),
        }

    def lines(self) -> list[str]:
        """Return the report for people."""
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return [
            f"{self.date.settlement_date}: staged periods {period_ranges(self.periods)} (run {self.run_id})",
            *(f"  note: {note}" for note in self.notes),
            f"  stacks    {outcomes}",
            f"  source    {counted(self.requests, 'request')}, {self.retries} retries, {self.seconds:.1f} s",
            "",
            *staged_lines(self.date),
        ]


async def stage_periods(
    settings: Settings,
    database_url: str,
    request: DateRequest,
    progress: Progress = no_progress,
    each_batch: EachBatch = fetch_batch,
) -> StagingReport:
    """Ask the request's periods and stage what comes, each answer as soon as it was read.

    Raises:
        FutureDate: the date has not begun.
        PartialDate: some stacks could not be had; the others are staged.
        SourceError: none could be had; the first one's own error.
        ArchiveError: the archive cannot be written.
        DatabaseError: Postgres cannot be used.
    """
    async with open_date_run(settings, database_url, request, progress, each_batch) as run:
        began = time.perf_counter()
        run.sides = request.sides or SIDES
        with connect(database_url, purpose=f"staging {run.settlement_date}") as connection:
            bound_lock_waits(connection, settings.lease_ttl_seconds / 2)
            desk = StagingDesk(connection, run.run.id)
            await _fetch(run, desk)
        _require_staged(run, desk)
        seconds = time.perf_counter() - began
        close_run(run, "staged", {"fetch": seconds})
        return _report(run, desk, seconds)


async def _fetch(run: DateRun, desk: StagingDesk) -> None:
    """Ask the system prices, take what a stage run that broke off got, and ask the rest."""
    async with fetcher_of(run, desk.take) as fetcher:
        await fetcher.fetch_system_prices()
        desk.prices = run.system_prices if run.system_prices_fetch_id is not None else None
        resume(run)
        if run.resumed:
            let_go_of_the_outdated(run)
        for stack in tuple(run.fetched.values()):
            desk.take(stack)
        fetcher.periods = len({period for period, _ in run.to_ask})
        await all_or_first_fault([asyncio.create_task(run.each_batch(fetcher, batch)) for batch in batches_of(run)])


def _require_staged(run: DateRun, desk: StagingDesk) -> None:
    """Tell what could not be staged.

    Raises:
        PartialDate: some of it.
        SourceError: all of it; the first stack's own error, where it has one.
    """
    if not desk.refused:
        return
    errors = [fetched.error for fetched in run.fetched.values() if fetched.error is not None]
    if not desk.staged and errors:
        raise errors[0]
    again = replace(run.request, periods=tuple(sorted({period for period, _ in desk.refused})))
    shown = "; ".join(map(_refused, sorted(desk.refused.items())[:_SHOWN]))
    rest = len(desk.refused) - _SHOWN
    raise PartialDate(
        f"{len(desk.staged)} of {counted(len(desk.staged) + len(desk.refused), 'stack')} were staged, the others were "
        f"not: {shown}" + (f"; and {rest} more" if rest > 0 else ""),
        settlement_date=run.settlement_date,
        period=min(desk.refused)[0],
        next_command=again.command,
    )


def _refused(refused: tuple[Subject, str]) -> str:
    (period, side), why = refused
    return f"period {period} {side}: {why}"


def _report(run: DateRun, desk: StagingDesk, seconds: float) -> StagingReport:
    return StagingReport(
        run_id=str(run.run.id),
        periods=tuple(sorted(run.asked)),
        outcomes=Counter(desk.staged.values()),
        requests=run.run.requests,
        retries=run.run.retries,
        notes=tuple(run.notes),
        seconds=seconds,
        date=read_staged_date(run.connection, run.settlement_date),
    )
