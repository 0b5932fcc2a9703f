"""Postgres is restarted again and again while dates are re-ingested: each of them ends as a clean run's."""

import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from reingest.standin.server import StandIn, StandInConfig
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.migrate import upgrade
from tests.drills.chaos.monkey import Monkey
from tests.support.drills import DrillSize
from tests.support.sites import Site

FIRST = date(2024, 3, 1)
MOST_TRIES = 30
# The disk need not be waited for, because no power is cut; a commit must be in the log, because a restart loses what
# is not.
CRASHED_ON_PURPOSE = {"fsync": "off", "full_page_writes": "off"}


@pytest.fixture(scope="module")
def elexon() -> Iterator[StandIn]:
    """Return an Elexon of small made-up days that is slow enough for restarts to hit runs."""
    with StandIn(StandInConfig(generate=11, small=True, latency_ms=25)) as elexon:
        yield elexon


@pytest.fixture
def shaky(open_folder: Path, tmp_path: Path, elexon: StandIn) -> tuple[EmbeddedPostgres, Site]:
    """Return a server of the test's own, and a site on it."""
    server = EmbeddedPostgres(open_folder / "postgres", settings=CRASHED_ON_PURPOSE)
    url = server.start()
    upgrade(url)
    settings = {"REINGEST_LEASE_TTL_SECONDS": "10"}
    return server, Site(url, tmp_path / "shaky", elexon.url, settings)


@pytest.mark.slow
def test_every_date_publishes_right(
    shaky: tuple[EmbeddedPostgres, Site],
    database_url: str,
    tmp_path: Path,
    elexon: StandIn,
    drill_size: DrillSize,
    counted: Callable[..., None],
) -> None:
    """A command that is run until it exits 0 publishes each date once, equal to a clean run's, whatever was hit."""
    server, site = shaky
    days = [FIRST + timedelta(days=n) for n in range(drill_size.pick(sample=1, ci=60, long=417))]
    seconds = drill_size.pick(sample=(0.3, 0.6), ci=(2.0, 8.0), long=(5.0, 40.0))
    most = drill_size.pick(sample=2, ci=None, long=None)
    seed = drill_size.first_seed if drill_size.only_seed is None else drill_size.only_seed
    counted("chaos: dates", 0, wanted=len(days))
    done: list[date] = []
    hit = tries = 0
    with Monkey(server, site.database_url, seed, seconds=seconds, most=most) as monkey:
        for day in days:
            if drill_size.is_over:
                break
            before = monkey.strikes
            of_day = until_it_exits_0(site, day)
            tries += of_day
            hit += monkey.strikes > before
            done.append(day)
            counted("chaos: dates")
    assert monkey.fault is None, monkey.fault
    counted("chaos: restarts of Postgres", monkey.restarts)
    counted("chaos: times that all connections were ended", monkey.terminations)
    counted("chaos: dates that a strike hit", hit)
    counted("chaos: commands that were run again", tries - len(done))
    server.start()
    clean = Site(database_url, tmp_path / "clean", elexon.url)
    for day in done:
        assert clean.date(day).exit_code == 0
        assert site.dump(day) == clean.dump(day), f"seed {seed}, {day}"
    require_whole(site, len(done))


def until_it_exits_0(site: Site, day: date) -> int:
    """Run a date as an operator would, again while the database is what failed; return how often it took."""
    for tries in range(1, MOST_TRIES + 1):
        ran = site.date(day)
        if ran.exit_code == 0:
            return tries
        assert ran.exit_code in {5, 69}, ran.err
        time.sleep(0.1)
    pytest.fail(f"{day} did not publish in {MOST_TRIES} runs: {ran.err}")


def require_whole(site: Site, days: int) -> None:
    """Require one publication a date, its fact, and nothing that is held or half done."""
    assert site.value("select count(*) from settlement_day where current_version_id is not null") == days
    assert site.value("select max(generation) from settlement_day") == 1
    assert site.value("select count(*) from outbox") == days
    assert site.value("select count(*) from version where state = 'published'") == days
    assert site.value("select count(*) from version where state not in ('published', 'abandoned')") == 0
    # A release that did not get through leaves the row of a dead holder, which the next run takes over at once.
    assert site.value("select count(*) from lease join pg_locks on locktype = 'advisory' and objid = token") == 0
