"""Two at once: runs of one date, runs of two dates, holders that die or sleep, and readers during a publish."""

import threading
import time
from collections.abc import Callable
from signal import SIGCONT, SIGKILL

import psycopg
import pytest

from reingest.standin.server import StandIn
from tests.support.days import DATE, NEXT_DATE
from tests.support.sites import Site

SHORT_TTL = {"REINGEST_LEASE_TTL_SECONDS": "2"}


def test_of_two_runs_of_one_date_one_publishes(site: Site, elexon: StandIn) -> None:
    """Of two processes that begin together one publishes and the other ends locked, having changed nothing."""
    elexon.script([{"kind": "latency", "ms": 1500, "periods": 7, "side": "bid", "dataset": "ISPSTACK"}])
    runs = [site.start("date", DATE, "--json") for _ in range(2)]
    ended = sorted((run.finish() for run in runs), key=lambda ran: ran.exit_code)
    assert [ran.exit_code for ran in ended] == [0, 3], [ran.err for ran in ended]
    assert ended[1].error["code"] == "locked"
    assert site.states(DATE) == {1: "published"}
    assert sorted(site.runs()) == [("locked", 3), ("published", 0)]


def test_two_dates_at_once_both_publish(site: Site) -> None:
    """Runs of two dates of one month do not hinder each other, and the month has both."""
    runs = [site.start("date", day, "--json") for day in (DATE, NEXT_DATE)]
    assert [run.finish().exit_code for run in runs] == [0, 0]
    assert site.show("2024-01")["days_published"] == 2


def test_the_lease_of_a_dead_process_is_taken_over_at_once(published: Site) -> None:
    """A lease whose holder was killed is free long before it expires, and the takeover is logged with its holder."""
    holder = published.start("date", DATE, stop_at="after_fetch")
    holder.wait_until_stopped()
    assert published.date(DATE).exit_code == 3
    holder.send(SIGKILL)
    holder.finish()
    wait_for(lambda: not published.rows("select 1 from pg_locks where locktype = 'advisory'"))
    left = published.value("select extract(epoch from expires_at - clock_timestamp()) from lease")
    assert left > 30
    ran = published.date(DATE)
    assert (ran.exit_code, ran.json["outcome"]) == (0, "unchanged")
    assert "taking over date:2024-01-15 from run" in ran.err


@pytest.mark.parametrize("stopped_at", ["after_fetch", "after_version_row", "after_stage", "in_publish"])
def test_a_sleeping_holder_is_overtaken_and_publishes_nothing(
    stopped_at: str, published: Site, elexon: StandIn
) -> None:
    """A holder that sleeps past its lease is overtaken; awake again, it publishes nothing and ends with lease_lost."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    sleeper = published.start("date", DATE, "--json", stop_at=stopped_at, **SHORT_TTL)
    sleeper.wait_until_stopped()
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    wait_for(lambda: published.value("select expires_at < clock_timestamp() from lease"))
    overtaker = published.date(DATE, **SHORT_TTL)
    assert (overtaker.exit_code, overtaker.json["outcome"]) == (0, "published")
    after = published.dump(DATE)
    sleeper.send(SIGCONT)
    ran = sleeper.finish()
    assert (ran.exit_code, ran.error["code"]) == (5, "lease_lost"), ran.err
    assert published.dump(DATE) == after
    assert "-63" in after  # 10.5 MWh, times 3, times 2
    assert published.generation(DATE) == 2
    assert set(published.states(DATE).values()) <= {"superseded", "abandoned", "published"}
    assert ("lease_lost", 5) in published.runs()
    assert published.value("select count(*) from lease") == 0


def test_a_slow_run_keeps_its_lease(published: Site, elexon: StandIn) -> None:
    """A run that takes longer than its lease's TTL beats meanwhile, so nobody takes the date from it."""
    elexon.script([{"kind": "latency", "ms": 4500, "periods": 7, "side": "bid", "dataset": "ISPSTACK"}])
    slow = published.start("date", DATE, "--json", **SHORT_TTL)
    wait_for(lambda: published.value("select count(*) from lease"))
    first = published.value("select expires_at from lease")
    wait_for(lambda: published.value("select clock_timestamp() > %s", first))
    elexon.script([])
    assert published.date(DATE, **SHORT_TTL).exit_code == 3
    assert slow.finish().exit_code == 0


def test_readers_see_whole_versions(published: Site, elexon: StandIn) -> None:
    """While versions replace each other, every look at the date sees totals, rows and units of one version."""
    torn: list[object] = []
    seen: set[int] = set()
    done = threading.Event()

    def read() -> None:
        with psycopg.connect(published.database_url, autocommit=True) as connection:
            while not done.is_set():
                rows = connection.execute(A_LOOK, {"date": DATE}).fetchall()
                seen.update(row[0] for row in rows)
                agree = len({row[0] for row in rows}) == 1 and all(row[1] == row[2] == row[3] for row in rows)
                if len(rows) != 3 or not agree:
                    torn.append(rows)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for factor in ("2", "0.5", "3", "7"):
            elexon.restate(DATE, volume_factor=factor)
            assert published.date(DATE, "--periods", "1-2,48").json["outcome"] == "published"
        wait_for(lambda: 5 in seen)
    finally:
        done.set()
        reader.join()
    assert torn == []
    assert 1 in seen


A_LOOK = """
select day.version, day.energy_mwh,
    (select sum(energy_mwh) from curtailment
     where settlement_date = day.settlement_date and version = day.version
        and case day.definition when 'net' then net when 'all_bids' then all_bids else so_flagged end),
    (select sum(energy_mwh) from day_unit
     where settlement_date = day.settlement_date and definition = day.definition)
from day where settlement_date = %(date)s
"""


def wait_for(is_so: Callable[[], object], seconds: float = 15) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
