"""What is staged of a date, taken into the run that publishes it, by the stages of every run.

The system prices and the witnesses are asked now. A stack that the system prices of now contradict, or whose payload is
not in this machine's archive, is asked again, and staged in place of the old answer: a run that breaks off after that,
or is held, leaves it to the next one.
"""

import logging
from collections.abc import Iterator

from reingest.errors import ArchiveError, Bug
from reingest.operations.archived import read_archived
from reingest.operations.date_inputs import FetchedStack
from reingest.operations.date_run import DateRun
from reingest.operations.figures_text import counted, period_ranges
from reingest.operations.staging.desk import StagingDesk
from reingest.operations.staging.staged_date import StagedDate, read_staged_date
from reingest.operations.staging.staged_text import age_text
from reingest.store.fetches import fetches_by_id
from reingest.store.runs import add_run_events

log = logging.getLogger(__name__)


def find_staged(run: DateRun) -> None:
    """Find what is staged of the run's date, and keep to its sides.

    Raises:
        StagedIncomplete: a period of the calendar is missing.
    """
    run.staged = read_staged_date(run.connection, run.settlement_date)
    run.staged.require_complete()
    run.sides = run.staged.sides


def take_staged(run: DateRun) -> None:
    """Take the staged answers into the run, and say whose they are."""
    staged = _require_staged(run)
    taken = list(_read(run, staged))
    run.add(taken)
    run.resumed = frozenset((stack.period, stack.side) for stack in taken)
    _tell(run, staged)


def stage_what_was_asked_again(run: DateRun) -> None:
    """Stage the answers that came in place of staged ones; a plan leaves those as they are."""
    if run.request.plan:
        return
    before = {stack.fetch_id for stack in _require_staged(run).stacks}
    prices = run.system_prices if run.system_prices_fetch_id is not None else None
    desk = StagingDesk(run.connection, run.run.id, prices)
    for stack in run.fetched.values():
        if stack.stack is not None and stack.fetch_id not in before:
            desk.take(stack)


def _require_staged(run: DateRun) -> StagedDate:
    if run.staged is None:
        raise Bug("nobody looked what is staged of the date", settlement_date=run.settlement_date)
    return run.staged


def _read(run: DateRun, staged: StagedDate) -> Iterator[FetchedStack]:
    fetches = fetches_by_id(run.connection, [stack.fetch_id for stack in staged.stacks])
    for fetch in fetches:
        try:
            read = read_archived(run.archive, run.settlement_date, fetch)
        except ArchiveError as error:
            log.warning("a staged answer cannot be taken: %s", error)
            run.note(
                f"period {fetch.period} {fetch.side} was asked again: its staged answer is not in the archive here"
            )
            continue
        if read.stack is None:
            run.note(f"period {fetch.period} {fetch.side} was asked again: its staged answer cannot be read")
        else:
            yield read


def _tell(run: DateRun, staged: StagedDate) -> None:
    """Name who staged what, and how old it is, for people and in the run's log."""
    people = sorted({f"{stack.holder} on {stack.host}" for stack in staged.stacks})
    periods = sorted({stack.period for stack in staged.stacks})
    oldest = max(stack.age for stack in staged.stacks)
    run.note(
        f"{counted(len(periods), 'period')} ({period_ranges(periods)}; {counted(len(staged.stacks), 'stack')}) "
        f"staged by {', '.join(people)}; the oldest answer is {age_text(oldest)} old"
    )
    detail = {
        "runs": sorted({str(stack.run_id) for stack in staged.stacks}),
        "stacks": len(staged.stacks),
        "people": people,
        "oldest_seconds": int(oldest.total_seconds()),
    }
    add_run_events(run.connection, run.run, [("fetch", "staged_taken", detail)])
