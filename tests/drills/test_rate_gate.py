"""Several workers at one rate gate."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from reingest.standin.server import StandIn
from tests.support.days import TINY_DATE, TINY_DAY, of_date
from tests.support.drills import DrillSize
from tests.support.outbox import wait_until
from tests.support.postgres import Databases
from tests.support.rates import SECOND, surely_in_a_second
from tests.support.sites import Site, recorded_elexon

WORKERS: Final = 3
DAYS: Final = tuple(TINY_DATE + timedelta(days=n) for n in range(WORKERS))
CUT: Final = """
select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity
where datname = current_database() and application_name = 'reingest gate'
"""
TOLD_TO_WAIT: Final = {
    "kind": "status", "status": 429, "retry_after": 1, "dataset": "ISPSTACK", "periods": 3, "attempts": 1, "times": 1,
}  # fmt: skip


def test_workers_keep_the_rate_together(
    databases: Databases,
    template: str,
    seeds: Callable[..., Iterator[int]],
    counted: Callable[..., None],
    drill_size: DrillSize,
    tmp_path: Path,
) -> None:
    """Three workers send at most rate + 1 requests in any second, when one is told to wait or all lose the gate too."""
    for seed in seeds("workers at one rate gate", sample=1, ci=9, long=200):
        chance = random.Random(seed)  # noqa: S311  (spreads the trials, keeps no secret)
        rate = chance.choice((20, 30, 50))
        folder = tmp_path / str(seed)
        folder.mkdir()
        rows = [row for day in DAYS for row in of_date(day, TINY_DAY)]
        with databases.database(template) as url, recorded_elexon(folder, rows) as elexon:
            if seed % 3 == 1:
                elexon.script([TOLD_TO_WAIT])
            site = Site(url, folder / "home", elexon.url, settings_of(rate))
            words = ("--side", "bid", *(("--periods", "1-15", "--plan") if drill_size.name == "sample" else ()))
            work(site, elexon, words, cut=seed % 3 == 2)
            went = sorted(request.at for request in elexon.requests())
            most = surely_in_a_second(went)
            assert most <= rate + 1, f"{most} in a second at a rate of {rate}, {len(went)} in all"
            assert site.value("select slots from rate_gate") >= len(went)
            counted("requests at one rate gate", len(went))


def test_a_worker_killed_when_it_was_told_to_wait(
    databases: Databases, template: str, drill_size: DrillSize, tmp_path: Path
) -> None:
    """A worker that dies right after it was told to wait has told the others: the next request goes out after that."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    with databases.database(template) as url, recorded_elexon(tmp_path, TINY_DAY) as elexon:
        elexon.script([TOLD_TO_WAIT | {"retry_after": 3}])
        site = Site(url, tmp_path / "home", elexon.url, settings_of(50))
        killed = site.start("date", TINY_DATE, "--side", "bid", REINGEST_CRASH_AT="after_gate_pause").finish()
        assert killed.exit_code == -SIGKILL
        told = max(request.at for request in elexon.requests() if request.status == 429)
        seen = len(elexon.requests())
        assert site.date(TINY_DATE, "--side", "bid").exit_code == 0
        assert min(request.at for request in elexon.requests()[seen:]) - told > 2.5 * SECOND


def settings_of(rate: int) -> dict[str, str]:
    return {
        "REINGEST_RATE_GATE": "shared",
        "REINGEST_REQUESTS_PER_SECOND": str(rate),
        "REINGEST_WITNESSES": "off",
        "REINGEST_ATTEMPTS": "3",
    }


def work(site: Site, elexon: StandIn, words: Sequence[str], *, cut: bool) -> None:
    """Have a worker for each date, all at once, and cut their connections to the gate on the way if asked."""
    assert site.reingest("units", "refresh").exit_code == 0
    workers = [site.start("date", day, *words, "--json") for day in DAYS]
    if cut:
        wait_until(lambda: len(elexon.requests()) > 2 * WORKERS)
        assert site.value(CUT) > 0
    for worker in workers:
        ran = worker.finish()
        assert ran.exit_code in (0, 1), ran.err  # a date of which few periods were asked would be held
