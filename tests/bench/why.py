"""Why the figures of a date changed, and its replay: both derive stored versions again, from the archive alone."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from reingest.operations.request import DateRequest
from reingest.settings import Settings
from reingest.standin.server import control
from tests.bench.days import run_date
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure, spread
from tests.bench.place import Place, in_own_process
from tests.bench.processes import run_process

WHY_SECONDS: Final = 2.0
DATES: Final = 11
RUNS: Final = 7


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Publish dates, one of them twice with every answer changed; ask why it did, then replay all of them."""
    days = windy_dates(3 if quick else DATES)
    with place.database("why") as database_url, standin(days) as elexon_url:
        settings, environment = place.settings(elexon_url), place.environment(elexon_url, database_url)
        in_own_process(_publish, settings, database_url, days)
        restated = {"settlement_date": days[0].isoformat(), "volume_factor": "1.25"}
        control(elexon_url, "POST", "restate", restated)
        in_own_process(_publish, settings, database_url, days[:1])
        runs = [run_process(environment, "why", days[0].isoformat()) for _ in range(2 if quick else RUNS)]
        replay = run_process(environment, "replay", days[0].isoformat(), days[-1].isoformat())
    yield Figure.at_most("why of a date, every answer another", [run.wall for run in runs], WHY_SECONDS, "s")
    yield Figure("  CPU of the whole `reingest why` process", spread([run.cpu for run in runs], "s"))
    per_second, per_cpu = len(days) / replay.wall, len(days) / replay.cpu
    yield Figure(f"replay of {len(days)} dates, one process", f"{per_second:.2f} dates/s, {per_cpu:.2f} a CPU second")


def _publish(settings: Settings, database_url: str, days: Sequence[date]) -> None:
    for day in days:
        run_date(settings, database_url, DateRequest(day))
