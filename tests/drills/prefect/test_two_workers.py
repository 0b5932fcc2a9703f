"""Sixty dates reconciled by two workers, one of which is killed: every date ends right, and none is done twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from deployments.children import Child
from reingest.standin.server import StandIn, StandInConfig
from tests.support.postgres import Databases
from tests.support.prefect import PrefectServer, wait_until
from tests.support.rates import SECOND, most_within, surely_in_a_second
from tests.support.sites import Site

FIRST: Final = date(2025, 2, 20)
DATES: Final = tuple(FIRST + timedelta(days=number) for number in range(60))
"""The day on which the clocks go forward is among them."""
RESTATED: Final = DATES[::4]
SPOILED: Final = DATES[1::10]
"""Dates whose stacks came wrong when they were ingested first, which holds them."""
RATE: Final = 25
PATIENCE: Final = 300.0
DEPLOYMENT: Final = "reingest-reconcile/reconcile"

SPOILING: Final = tuple(
    {"kind": "scaled", "factor": "3", "row": "all", "dataset": "ISPSTACK", "dates": str(day), "periods": "5-40"}
    for day in SPOILED
)
FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "status", "status": 503, "probability": 0.02},
    {"kind": "status", "status": 429, "retry_after": 1, "probability": 0.002},
    {"kind": "close_early", "probability": 0.01, "attempts": "1"},
)

LONG_AGO: Final = """
update run set started_at = settlement_date, finished_at = settlement_date + interval '1 minute'
where settlement_date is not null
"""
"""The first ingestion was on each date itself, so that every date is due."""
WHO_WORKS: Final = "select count(distinct pid) from range_date where state = 'running'"
DONE: Final = (
    "select count(*) from range_date join range_run on id = range_id where kind = 'reconcile' and outcome is not null"
)
ENDED_RUNS: Final = """
select settlement_date, count(*) from run
where kind = 'reingest' and outcome is not null and started_at >= %s group by 1
"""


@pytest.fixture(scope="module")
def elexon() -> Iterator[StandIn]:
    """Return an Elexon with generated dates of a few rows a period."""
    with StandIn(StandInConfig(generate=17, small=True)) as elexon:
        yield elexon


@pytest.fixture
def two_workers(prefect_server: PrefectServer, worker_site: Site) -> Iterator[Sequence[Child]]:
    """Return two workers of the site, which share one rate."""
    environment = worker_site.environment(
        REINGEST_RATE_GATE="shared",
        REINGEST_REQUESTS_PER_SECOND=str(RATE),
        REINGEST_ATTEMPTS="8",
        # While it makes the answer of a whole day the stand-in hears nobody, and who comes meanwhile comes together.
        REINGEST_WITNESSES="off",
        REINGEST_RECONCILE_WINDOW_DAYS="0",  # the dates before today, of which nothing is served, are no matter here
    )
    with prefect_server.workers(environment, 2) as workers:
        yield workers


@pytest.fixture
def clean(databases: Databases, template: str, elexon: StandIn, tmp_path: Path) -> Iterator[Site]:
    """Return a site that ingests everything only once all is over."""
    with databases.database(template) as url:
        yield Site(url, tmp_path / "clean", elexon.url)


@pytest.mark.slow
def test_two_workers_reconcile_sixty_dates(
    prefect_server: PrefectServer,
    two_workers: Sequence[Child],
    site: Site,
    clean: Site,
    elexon: StandIn,
    counted: Callable[..., None],
) -> None:
    """Two workers reconcile sixty dates, one is killed on the way: each date ends right, none twice, at the rate."""
    _ingest_badly(site, elexon)
    began: datetime = site.value("select clock_timestamp()")
    elexon.reset()
    elexon.script(FAULTS)
    runs = [prefect_server.submit_to(DEPLOYMENT, jobs=1) for _ in two_workers]
    wait_until(
        lambda: site.value(WHO_WORKS) == len(two_workers) and site.value(DONE) >= len(DATES) // 4, "both", PATIENCE
    )
    _kill(two_workers[0])
    wait_until(lambda: site.value(DONE) == len(DATES), "every date has ended", PATIENCE)
    wait_until(lambda: any(prefect_server.is_over(run) for run in runs), "the other worker's run ends")

    came = sorted(seen.at for seen in elexon.requests())
    assert surely_in_a_second(came) <= RATE + 1
    ended = dict(site.rows(ENDED_RUNS, began))
    assert Counter(ended.values()) == {1: len(DATES)}
    elexon.script([])
    _ingest(clean, "--side", "bid", "--exclude", ",".join(map(str, SPOILED)))
    _ingest(clean, "--only", "missing")  # with both sides, which a date gets that was never served
    assert _dumps(site) == _dumps(clean)
    assert _served_versions(site) == {day: 2 if day in RESTATED and day not in SPOILED else 1 for day in DATES}
    counted("dates reconciled by two workers, one killed", len(DATES), wanted=len(DATES))
    counted("requests in the second in which most were heard", most_within(came, SECOND))


def _ingest_badly(site: Site, elexon: StandIn) -> None:
    elexon.script(SPOILING)
    assert _ingest(site, "--side", "bid") == {"published": len(DATES) - len(SPOILED), "held": len(SPOILED)}
    elexon.script([])
    for day in RESTATED:
        elexon.restate(day, volume_factor="1.25")
    site.rows(LONG_AGO)


def _ingest(site: Site, *words: str) -> dict[str, int]:
    """Ingest the dates as one range; return how many of them ended how."""
    counts: dict[str, int] = site.reingest("range", DATES[0], DATES[-1], *words, "--yes", "--json").json["counts"]
    return counts


def _kill(worker: Child) -> None:
    """Kill a worker and all that it started, as a loss of power would."""
    process = psutil.Process(worker.pid)
    for one in (process, *process.children(recursive=True)):
        one.kill()


def _dumps(site: Site) -> dict[date, str]:
    return {day: site.dump(day) for day in DATES}


def _served_versions(site: Site) -> dict[date, int]:
    """Return how many versions each date ever served."""
    return dict(
        site.rows("select settlement_date, count(*) from version where state in ('published', 'superseded') group by 1")
    )
