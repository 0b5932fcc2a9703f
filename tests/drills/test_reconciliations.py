"""Reconciliations of many dates that were restated at random, some of them killed on the way."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from signal import SIGCONT, SIGKILL
from typing import Any, Final

import pytest

from reingest.standin.server import StandIn
from tests.support.days import Row, of_date
from tests.support.drills import DrillSize
from tests.support.postgres import Databases
from tests.support.prefect import wait_until
from tests.support.sites import Site, copy_of, recorded_elexon

DAYS: Final = tuple(date(2024, 1, 1) + timedelta(days=number) for number in range(4))
UNITS: Final = ("T_HILLW-1", "T_HILLW-2", "E_MOORW-1")
LIMIT_MWH: Final = 5
SETTINGS: Final = {"REINGEST_RECONCILE_WINDOW_DAYS": "0"}
KILLED_AT: Final = (
    "before_reconciliation_commit",
    "after_reconciliation_begun",
    "after_range_claim",
    "after_fetch_rows",
    "after_stage_commit",
    "before_publish_commit",
    "after_publish_commit",
    "after_run_end",
    "after_range_date_end",
    "before_verdicts",
    "before_verdicts_commit",
)
WORDS: Final = ("reconcile", "--within-energy", LIMIT_MWH, "--json")
VERDICTS: Final = "select settlement_date, verdict, energy_after_mwh - energy_before_mwh from reconciliation_date"
ENDED: Final = "select count(*) from range_date where state = 'done'"
WAITING: Final = """
select count(*) from pg_locks join pg_database on pg_database.oid = pg_locks.database
where locktype = 'advisory' and not granted and datname = current_database()
"""
RUNS_SINCE: Final = "select count(*) from run where reason is not null"
SERVED_TWICE: Final = """
select settlement_date from version where state in ('published', 'superseded') group by 1 having count(*) > 2
"""


def rows_of(day: date) -> tuple[Row, ...]:
    """Return rows that are each date's own: a unit that is paid, one that pays, and a third."""
    number = day.day
    return of_date(
        day,
        (
            (day, 1, "bid", 1, "T_HILLW-1", 1000 + number, -1, "true", "-50.25", f"-{number}.5"),
            (day, 2, "bid", 1, "E_MOORW-1", 2000 + number, -1, "true", "12.5", f"-1.{number}"),
            (day, 48, "bid", 1, "T_HILLW-2", 3000 + number, -1, "true", f"-{number}", "-0.123456789012345678"),
        ),
    )


@dataclass
class Planted:
    """What was done to the source: a restatement of some dates."""

    elexon: StandIn
    chance: Random
    restated: set[date] = field(default_factory=set)

    def restate(self, day: date) -> None:
        """Have the source say something else of a date, in one of four ways."""
        unit = self.chance.choice(UNITS)
        row = {"id": unit, "acceptanceId": "9", "bidOfferPairId": "-1", "soFlag": "true", "originalPrice": "-3"}
        changes: dict[str, Any] = self.chance.choice(
            [
                {"unit": unit, "volume_factor": self.chance.choice(["1.001", "0.5", "9"])},
                {"unit": unit, "price": self.chance.choice(["-1.5", "70"])},
                {"unit": unit, "drop": True},
                {"period": self.chance.randint(3, 47), "side": "bid", "rows": [row | {"volume": "-0.25"}]},
            ]
        )
        self.elexon.restate(day, **changes)
        self.restated.add(day)


@pytest.fixture(scope="module")
def served(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site, to be copied, that serves the dates with their bids and heard them long ago."""
    folder = tmp_path_factory.mktemp("served")
    rows = [row for day in DAYS for row in rows_of(day)]
    with databases.database(template) as url, recorded_elexon(folder, rows) as elexon:
        site = Site(url, folder / "home", elexon.url, dict(SETTINGS))
        for day in DAYS:
            assert site.date(day, "--side", "bid").json["outcome"] == "published"
        site.rows("update run set started_at = %s", datetime(2024, 1, 10, tzinfo=UTC))
        yield site


@pytest.mark.drill(share=0.4)
def test_every_date_ends_as_a_clean_ingestion(
    served: Site, databases: Databases, template: str, tmp_path: Path, seeds: Callable[..., Iterator[int]]
) -> None:
    """After one reconciliation, killed on the way or not, each date is what a clean ingestion gives, or held beyond."""
    for seed in seeds("reconciliations of restated dates", sample=1, ci=12, long=10**6):
        chance, folder = Random(seed), tmp_path / str(seed)  # noqa: S311
        with ExitStack() as until:
            site = until.enter_context(copy_of(served, databases, folder / "home"))
            elexon = until.enter_context(recorded_elexon(folder, [row for day in DAYS for row in rows_of(day)]))
            site.elexon_url = elexon.url
            planted = Planted(elexon, chance)
            for day in chance.sample(DAYS, chance.randint(1, len(DAYS))):
                planted.restate(day)
            killed = chance.choice([*KILLED_AT, "", "", ""]) if seed else "after_publish_commit"
            if killed:
                ran = site.start(*WORDS, REINGEST_CRASH_AT=killed).finish()
                assert ran.exit_code in (-SIGKILL, 0, 1), ran.err  # what is not restated is not published
            before = {day: site.dump(day) for day in DAYS}
            ran = site.reingest(*WORDS, "--jobs", chance.choice([1, 2]) if seed else 1)
            assert ran.exit_code in (0, 1), ran.err
            url = until.enter_context(databases.database(template))
            clean = Site(url, folder / "clean", elexon.url, dict(SETTINGS))
            compare(site, clean, planted, before)


def test_two_at_once_share_the_dates(
    served: Site, databases: Databases, tmp_path: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """A second reconciliation takes dates of the first one's list, and goes on with what it had when it is killed."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    rows = [row for day in DAYS for row in rows_of(day)]
    with copy_of(served, databases, tmp_path / "home") as site, recorded_elexon(tmp_path, rows) as elexon:
        site.elexon_url = elexon.url
        for day in DAYS:
            elexon.restate(day, unit="T_HILLW-1", volume_factor="1.1")
        first = site.start(*WORDS, stop_at="after_stage_commit")
        first.wait_until_stopped()
        second = site.start(*WORDS)
        wait_until(lambda: site.value(ENDED) == len(DAYS) - 1, "the second does all dates but the first one's")
        first.send(SIGKILL)
        ran = second.finish()
        assert (ran.exit_code, first.finish().exit_code) == (0, -SIGKILL), ran.err
        assert ran.json["counts"] == {"repaired": len(DAYS)}
        assert site.value("select count(*) from reconciliation") == 1
        assert site.rows(SERVED_TWICE) == []
        counted("dates that two reconciliations shared", len(DAYS), wanted=len(DAYS))


def test_two_that_begin_at_once_share_the_dates(
    served: Site, databases: Databases, tmp_path: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """Of two that decide at once what is due, the second finds it taken, and takes dates of the first one's list."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")
    rows = [row for day in DAYS for row in rows_of(day)]
    with copy_of(served, databases, tmp_path / "home") as site, recorded_elexon(tmp_path, rows) as elexon:
        site.elexon_url = elexon.url
        elexon.restate(DAYS[0], unit="T_HILLW-1", volume_factor="1.1")
        first = site.start(*WORDS, stop_at="reconciliation_begun")
        first.wait_until_stopped()
        second = site.start(*WORDS)
        wait_until(lambda: site.value(WAITING) == 1, "the second waits for its turn to decide")
        first.send(SIGCONT)
        for ran in (first.finish(), second.finish()):
            assert (ran.exit_code, ran.json["counts"]) == (0, {"repaired": 1, "same": len(DAYS) - 1}), ran.err
        assert site.value("select count(*) from reconciliation") == 1
        assert site.value(RUNS_SINCE) == len(DAYS)
        counted("dates that two reconciliations shared", len(DAYS), wanted=len(DAYS))


def compare(site: Site, clean: Site, planted: Planted, before: dict[date, str]) -> None:
    """Require that each date is what the source says now, or held because that is beyond the limit."""
    found = {day: (verdict, change) for day, verdict, change in site.rows(VERDICTS)}
    assert set(found) == set(DAYS)
    held = {day for day, (verdict, _) in found.items() if verdict == "held"}
    for day in DAYS:
        assert clean.date(day, "--side", "bid").json["outcome"] == "published"
        verdict, change = found[day]
        if day in held:
            assert not -LIMIT_MWH <= change <= LIMIT_MWH
            assert site.dump(day) == before[day] != clean.dump(day)
        else:
            assert site.dump(day) == clean.dump(day)
            assert verdict == ("repaired" if day in planted.restated else "same")
    assert held <= planted.restated
    assert told(site, "history_changed") == Counter(planted.restated - held)
    assert told(site, "date_held") == Counter(held)
    assert site.rows(SERVED_TWICE) == []


def told(site: Site, kind: str) -> Counter[date]:
    """Return how often people were told of each date."""
    details = site.rows("select detail from notice where kind = %s", kind)
    return Counter(date.fromisoformat(one["settlement_date"]) for (detail,) in details for one in detail["dates"])
