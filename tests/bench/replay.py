"""Archive replay: dates a second from archived payloads into a fresh database, on one core."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from reingest.curtailment.words import SIDES, Side
from reingest.operations.request import DateRequest
from reingest.settings import Settings
from tests.bench.days import Run, median_seconds, run_date
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure
from tests.bench.place import Place, in_own_process

DATES: Final = 20
BOTH_SIDES: Final = 4.0
BIDS_ONLY: Final = 7.0
OUR_CORE: Final = 0
SERVERS_CORE: Final = 1
NOWHERE: Final = "http://127.0.0.1:9"
"""Nothing listens there: a replay that asked the network would fail."""


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Fill an archive without publishing; replay it, once more unchanged, and bids only into another database."""
    days = windy_dates(6 if quick else DATES + 1)
    with place.database("archived") as archived_url:
        with standin(days) as elexon_url:
            in_own_process(_fill, place.settings(elexon_url), archived_url, days)
        with place.server_on_core(SERVERS_CORE):
            settings = place.settings(NOWHERE)
            with place.database("replay_both", copied_from="archived") as url:
                both = in_own_process(_replay, settings, url, days, SIDES)
                yield from _figures("replay, both sides", both, BOTH_SIDES)
                unchanged = in_own_process(_replay, settings, url, days, SIDES)
                yield Figure("  once more, unchanged", f"{_rate(unchanged):.2f} dates/s, {_cpu(unchanged)}")
            with place.database("replay_bids", copied_from="archived") as url:
                bids = in_own_process(_replay, settings, url, days, ("bid",))
                yield from _figures("replay, bids only", bids, BIDS_ONLY)


def _figures(name: str, runs: Sequence[Run], limit: float) -> Iterator[Figure]:
    report = runs[0].report
    yield Figure.at_least(name, _rate(runs), limit, "dates/s")
    yield Figure("  by stage, ms", median_seconds(runs))
    yield Figure(f"  over {len(runs)} dates of {report.rows:,} rows", _cpu(runs))


def _rate(runs: Sequence[Run]) -> float:
    return len(runs) / sum(run.wall for run in runs)


def _cpu(runs: Sequence[Run]) -> str:
    return f"{sum(run.cpu for run in runs) / len(runs):.3f} s CPU a date"


def _fill(settings: Settings, database_url: str, days: list[date]) -> None:
    """Fetch the dates as plans: payloads, fetch rows and the register are kept, and nothing is published."""
    for day in days:
        run_date(settings, database_url, DateRequest(day, plan=True))


def _replay(settings: Settings, database_url: str, days: list[date], sides: tuple[Side, ...]) -> list[Run]:
    """Replay the dates on one core; the first, which imports what is imported late, is not counted."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {OUR_CORE})
    return [run_date(settings, database_url, DateRequest(day, sides=sides, source="archive")) for day in days][1:]
