"""Ranges whose processes are killed, and ranges that several processes work on."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from signal import SIGCONT, SIGINT, SIGKILL
from typing import Final

import psutil
import pytest

from reingest.standin.server import StandIn
from tests.support.days import Row, of_date
from tests.support.drills import DrillSize
from tests.support.postgres import Databases
from tests.support.processes import wait_for_end
from tests.support.sites import Command, Site, recorded_elexon
from tests.support.states import left_open

DAYS: Final = tuple(date(2024, 1, 1) + timedelta(days=number) for number in range(6))
WORDS: Final = ("range", DAYS[0], DAYS[-1], "--side", "bid", "--yes", "--json")
SERVED_TWICE: Final = """
select settlement_date from version where state in ('published', 'superseded') group by 1 having count(*) > 1
"""
CUT: Final = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and application_name ~ 'reingest (run|lease|range)'
"""
BEGUN: Final = "select count(*) from run"
ENDED: Final = "select count(*) from range_date where state = 'done'"


def rows_of(day: date) -> tuple[Row, ...]:
    """Return rows that are each date's own."""
    number = day.toordinal() - DAYS[0].toordinal() + 1
    return of_date(
        day,
        (
            (day, 1, "bid", 1, "T_HILLW-1", 1000 + number, -1, "true", "-50.25", f"-{number}.5"),
            (day, 2, "bid", 1, "T_HILLW-2", 2000 + number, -1, "true", f"-{number}", "-0.123456789012345678"),
        ),
    )


@pytest.fixture(scope="module")
def elexon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Return an Elexon that publishes each of the dates."""
    rows = [row for day in DAYS for row in rows_of(day)]
    with recorded_elexon(tmp_path_factory.mktemp("elexon"), rows) as elexon:
        yield elexon


@pytest.fixture(scope="module")
def clean(
    databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory, elexon: StandIn
) -> dict[date, str]:
    """Return what each date serves when it is run alone, and nothing is killed."""
    with databases.database(template) as url:
        site = Site(url, tmp_path_factory.mktemp("clean") / "home", elexon.url)
        assert {site.date(day, "--side", "bid").exit_code for day in DAYS} == {0}
        return {day: site.dump(day) for day in DAYS}


@pytest.fixture
def site(database_url: str, tmp_path: Path, elexon: StandIn) -> Site:
    """Return a site where nothing was ever published."""
    elexon.script([])
    elexon.reset()
    return Site(database_url, tmp_path / "home", elexon.url)


@pytest.fixture
def for_ci(drill_size: DrillSize) -> None:
    """Leave a drill out of the sample that is part of every run of the tests."""
    if drill_size.name == "sample":
        pytest.skip("a drill for CI")


@pytest.mark.slow
def test_a_range_killed_at_any_moment(
    seeds: Callable[..., Iterator[int]],
    databases: Databases,
    template: str,
    elexon: StandIn,
    clean: dict[date, str],
    tmp_path: Path,
) -> None:
    """A kill -9 of a range with two jobs ends its children; resumed at once, every date is right, and none twice."""
    for seed in seeds("ranges killed at random moments", sample=1, ci=12, long=200):
        home, chance = tmp_path / str(seed) / "home", random.Random(seed)  # noqa: S311  (a moment)
        home.parent.mkdir()
        with databases.database(template) as url:
            kill_and_resume(Site(url, home, elexon.url), clean, chance)


def kill_and_resume(site: Site, clean: dict[date, str], chance: random.Random) -> None:
    """Kill a range with its first date under way, or later; resume it, and compare."""
    command = site.start(*WORDS, "--jobs", "2")
    wait_for(lambda: command.ended or bool(site.value(BEGUN)))
    time.sleep(chance.uniform(0, 1.0))
    children = children_of(command)
    command.send(SIGKILL)
    command.finish()
    ran = site.reingest("range", "resume", "--json", "--jobs", chance.choice((1, 2)))
    if ran.exit_code == 2:
        assert ran.error["code"] == "not_found"  # it had ended before
    else:
        assert (ran.exit_code, {one["outcome"] for one in ran.json["dates"]} <= {"published", "unchanged"}) == (0, True)
    for pid in children:
        wait_for_end(pid)
    assert {day: site.dump(day) for day in DAYS} == clean
    assert site.rows(SERVED_TWICE) == []
    assert left_open(site) == []


@pytest.mark.slow
@pytest.mark.usefixtures("for_ci")
def test_a_child_that_is_killed_is_replaced(site: Site, elexon: StandIn, clean: dict[date, str]) -> None:
    """Where the process of a date is killed, the date is run again in another, and the range ends as if nothing was."""
    elexon.script([{"kind": "latency", "ms": 1000, "dataset": "ISPSTACK", "periods": 7, "times": 2}])
    command = site.start(*WORDS, "--jobs", "2")
    wait_for(lambda: bool(site.value(BEGUN)))
    psutil.Process(children_of(command)[0]).kill()
    ran = command.finish()
    assert ran.exit_code == 0, ran.err
    assert {one["outcome"] for one in ran.json["dates"]} <= {"published", "unchanged"}
    assert site.value("select count(*) from range_date where deaths = 1") == 1
    assert {day: site.dump(day) for day in DAYS} == clean
    assert site.rows(SERVED_TWICE) == []


@pytest.mark.slow
@pytest.mark.usefixtures("for_ci")
def test_a_date_that_kills_its_processes_stops_no_other(site: Site) -> None:
    """A date of which two processes were killed ends as such, with the gravest exit code, and the range goes on."""
    words = ("range", DAYS[0], DAYS[1], "--side", "bid", "--yes", "--json", "--jobs", "2")
    ran = site.start(*words, REINGEST_CRASH_AT="after_stage").finish()
    assert (ran.exit_code, ran.json["state"]) == (70, "done"), ran.err
    assert [one["error"]["code"] for one in ran.json["dates"]] == ["process_died"] * 2
    again = site.reingest("range", DAYS[0], DAYS[1], "--only", "failed", "--side", "bid", "--yes", "--json")
    assert [one["outcome"] for one in again.json["dates"]] == ["published"] * 2


@pytest.mark.usefixtures("for_ci")
def test_what_a_killed_process_published_is_told(database_url: str, tmp_path: Path) -> None:
    """A date whose process was killed just after its publish is published all the same, with what changed."""
    words = ("range", DAYS[0], "--side", "bid", "--yes", "--json")
    with recorded_elexon(tmp_path, rows_of(DAYS[0])) as elexon:
        site = Site(database_url, tmp_path / "home", elexon.url)
        site.reingest(*words)
        elexon.restate(DAYS[0], unit="T_HILLW-1", volume_factor="2")
        assert site.start(*words, REINGEST_CRASH_AT="after_run_end").finish().exit_code == -SIGKILL
        ran = site.reingest("range", "resume", "--json")
    (end,) = ran.json["dates"]
    assert (end["outcome"], end["version"]) == ("published", 2)
    moved = {
        (one["figure"], one["definition"]): (Decimal(one["before"]), Decimal(one["after"])) for one in end["changes"]
    }
    assert moved["energy_mwh", "so_flagged"] == (Decimal("1.623456789012345678"), Decimal("3.123456789012345678"))
    assert moved["payment_gbp", "all_bids"][1] - moved["payment_gbp", "all_bids"][0] == Decimal("75.375")
    assert site.rows("select subject from notice") == [("Range ended: 1 published",)]


@pytest.mark.usefixtures("for_ci")
@pytest.mark.parametrize("number", [SIGCONT, SIGKILL], ids=["slow", "killed"])
def test_two_processes_share_a_range(number: int, site: Site, elexon: StandIn, clean: dict[date, str]) -> None:
    """Of two processes on one range neither repeats the other's dates; a date whose process is killed is taken over."""
    first = site.start(*WORDS, stop_at="after_range_claim:2")
    first.wait_until_stopped()
    second = site.start("range", "resume", "--json")
    wait_for(lambda: site.value(ENDED) == len(DAYS) - 1)
    assert [one["state"] for one in site.reingest("range", "list", "--json").json] == ["running"]
    first.send(SIGCONT if number == SIGCONT else SIGKILL)
    ends = [first.finish(), second.finish()]
    assert [ran.exit_code for ran in ends] == [0 if number == SIGCONT else -SIGKILL, 0], ends
    assert {one["outcome"] for one in ends[-1].json["dates"]} == {"published"}
    assert {day: site.dump(day) for day in DAYS} == clean
    asked = Counter(request.path for request in elexon.requests() if "/balancing/settlement/stack" in request.path)
    assert asked.most_common(1)[0][1] == 1
    assert len(asked) == 48 * len(DAYS)


@pytest.mark.usefixtures("for_ci")
@pytest.mark.parametrize("killed_at", ["", "after_claims_adopted"], ids=["goes on", "killed"])
def test_a_range_that_loses_its_connection(killed_at: str, site: Site, clean: dict[date, str]) -> None:
    """A range whose connections are cut goes on with what it has in hand; killed as it does, it is resumed."""
    environment = {"REINGEST_CRASH_AT": killed_at} if killed_at else {}
    command = site.start(*WORDS, stop_at="after_stage:2", **environment)
    command.wait_until_stopped()
    site.rows(CUT)
    command.send(SIGCONT)
    ran = command.finish()
    assert ran.exit_code == (-SIGKILL if killed_at else 0), ran.err
    if killed_at:
        ran = site.reingest("range", "resume", "--json")
    assert (ran.exit_code, [one["settlement_date"] for one in ran.json["dates"]]) == (0, [str(day) for day in DAYS])
    assert {day: site.dump(day) for day in DAYS} == clean
    assert site.rows(SERVED_TWICE) == []


@pytest.mark.usefixtures("for_ci")
@pytest.mark.parametrize(
    ("killed_at", "jobs"), [("", 1), ("", 2), ("after_range_date_back", 1)], ids=["ends", "ends its children", "killed"]
)
def test_a_range_that_is_broken_off(killed_at: str, jobs: int, site: Site, clean: dict[date, str]) -> None:
    """A second Ctrl-C breaks the date under way off; resumed at once, also after a kill, every date is right."""
    environment = {"REINGEST_CRASH_AT": killed_at} if killed_at else {}
    site.settings["REINGEST_REQUESTS_PER_SECOND"] = "20"  # so that the date takes two seconds
    command = site.start(*WORDS, "--jobs", jobs, **environment)
    wait_for(lambda: site.value('select count(*) from "fetch"') > 3)
    children = children_of(command)
    command.send(SIGINT)
    time.sleep(0.1)
    command.send(SIGINT)
    ran = command.finish()
    assert ran.exit_code == (-SIGKILL if killed_at else 130), ran.err
    for pid in children:
        wait_for_end(pid)
    assert site.value(ENDED) == 0
    site.settings["REINGEST_REQUESTS_PER_SECOND"] = "0"
    ran = site.reingest("range", "resume", "--json")
    assert (ran.exit_code, {one["outcome"] for one in ran.json["dates"]}) == (0, {"published"})
    assert {day: site.dump(day) for day in DAYS} == clean
    assert left_open(site) == []


def children_of(command: Command) -> list[int]:
    """Return the numbers of a command's children."""
    try:
        return [child.pid for child in psutil.Process(command.pid).children()]
    except psutil.NoSuchProcess:
        return []


def wait_for(is_so: Callable[[], object], seconds: float = 30) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
