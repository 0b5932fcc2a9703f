"""Resume: what a run that broke off got from the source need not be asked again within the hour.

Only answers with rows are taken: an empty, refused or unreadable one may be another by now, and costs one request. A
run that came to its end, held ones included, leaves nothing to resume: whoever runs the date after it wants to know
what the source says now. The system prices are always asked: they judge the answers that come in now.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Final

from reingest.curtailment.outcomes import judge_period
from reingest.curtailment.stack_facts import StackFacts, Subject, stack_facts
from reingest.curtailment.witnesses import accepted_volume, comes_to
from reingest.elexon.rows import stack_table
from reingest.elexon.stack import RawStack
from reingest.errors import ArchiveError
from reingest.operations.archived import read_archived
from reingest.operations.date_inputs import FetchedStack
from reingest.operations.date_run import DateRun
from reingest.operations.figures_text import period_ranges
from reingest.store.fetches import FetchOutcome, ResumableFetch, judge_fetches, resumable_fetches
from reingest.store.runs import add_run_events

log = logging.getLogger(__name__)

NO_OLDER_THAN: Final = timedelta(hours=1)
SAME_CALCULATION: Final = timedelta(hours=1)
"""How far apart the stacks and the system prices of one calculation may be dated; they come minutes apart."""


def resume(run: DateRun) -> None:
    """Take into the run what earlier ones that broke off got of the periods asked, and say so.

    A plan asks everything: it holds no lease, so the run that it would take from may be under way.
    """
    if run.request.fresh or run.request.plan:
        return
    found = resumable_fetches(
        run.connection, run.run, base_url=f"{run.settings.elexon_url.rstrip('/')}/", no_older_than=NO_OLDER_THAN
    )
    wanted = [fetch for fetch in found if (fetch.period, fetch.side) in run.to_ask]
    read = list(_read(run, wanted))
    _judge(run, read)
    taken = [(fetch, stack) for fetch, stack in read if stack.stack is not None and stack.stack.rows]
    run.add(stack for _, stack in taken)
    run.resumed = frozenset((stack.period, stack.side) for _, stack in taken)
    _tell(run, [fetch for fetch, _ in taken])


def let_go_of_the_outdated(run: DateRun) -> int:
    """Drop what was taken of another run where the system prices of now contradict it; return how many stacks.

    Elexon may have calculated a period anew since: then its system prices are of a later calculation, or say another
    volume than the rows come to. So may an empty answer have come before the period's rows.
    """
    stacks = [fetched.stack for subject in sorted(run.resumed) if (fetched := run.fetched[subject]).stack is not None]
    outdated = [
        subject for subject, facts in stack_facts(stack_table(stacks).rows).items() if _is_outdated(run, subject, facts)
    ]
    outdated += [(stack.period, stack.side) for stack in stacks if not stack.rows and _is_contradicted(run, stack)]
    for subject in outdated:
        del run.fetched[subject]
    if outdated:
        periods = period_ranges({period for period, _ in outdated})
        run.note(
            f"{len(outdated)} of the stacks taken (periods {periods}) were outdated by the system prices, "
            "and were asked again"
        )
    return len(outdated)


def _is_contradicted(run: DateRun, empty: RawStack) -> bool:
    price = run.system_prices.get(empty.period)
    return price is not None and judge_period(empty.side, 0, price) == "failed"


def _is_outdated(run: DateRun, subject: Subject, facts: StackFacts) -> bool:
    period, side = subject
    price = run.system_prices.get(period)
    if price is None:
        return False
    if facts.created_last is not None and price.created_at > facts.created_last + SAME_CALCULATION:
        return True
    said = accepted_volume(price, side)
    return said is not None and not comes_to(facts, said)


def _read(run: DateRun, fetches: Sequence[ResumableFetch]) -> Iterator[tuple[ResumableFetch, FetchedStack]]:
    for fetch in fetches:
        try:
            yield fetch, read_archived(run.archive, run.settlement_date, fetch)
        except ArchiveError as error:  # it is asked again, which mends it
            log.warning("an archived answer cannot be taken: %s", error)


def _judge(run: DateRun, read: Sequence[tuple[ResumableFetch, FetchedStack]]) -> None:
    """Store what was read of the answers that a killed run had no time to judge."""
    outcomes: dict[int, FetchOutcome] = {}
    for fetch, fetched in read:
        if fetch.outcome == "answered":
            rows = fetched.stack.rows if fetched.stack else None
            outcomes[fetch.id] = "unreadable" if rows is None else "fetched" if rows else "empty"
    judge_fetches(run.connection, outcomes)


def _tell(run: DateRun, taken: Sequence[ResumableFetch]) -> None:
    """Name what was taken, from which run and how old, for people and in the run's log."""
    for run_id, group in groupby(sorted(taken, key=lambda fetch: fetch.run_id), key=lambda fetch: fetch.run_id):
        fetches = list(group)
        periods = sorted({fetch.period for fetch in fetches if fetch.period})
        age = fetches[0].age
        run.note(
            f"{len(periods)} periods ({period_ranges(periods)}; {len(fetches)} stacks) "
            f"taken from run {run_id}, {_ago(age)}; --fresh asks them again"
        )
        detail = {
            "run": str(run_id),
            "periods": periods,
            "stacks": len(fetches),
            "age_seconds": int(age.total_seconds()),
        }
        add_run_events(run.connection, run.run, [("fetch", "resumed", detail)])


def _ago(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    return f"{minutes} minutes ago" if minutes != 1 else "a minute ago"
