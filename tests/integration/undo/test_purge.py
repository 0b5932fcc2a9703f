"""Purges: what was never served goes when a person says so; what was served cannot, and no number comes again."""

import io
from collections.abc import Iterator
from pathlib import Path
from signal import SIGCONT, SIGKILL

import psycopg
import pytest

from reingest.store.database import connect
from tests.support.days import DATE, NEXT_DATE
from tests.support.postgres import Databases
from tests.support.sites import Ran, Site, copy_of

SERVED = {1: "superseded", 2: "superseded", 3: "published"}
ACT = ("--reason", "tidy", "--yes", "--json")


@pytest.fixture(scope="module")
def littered_site(history_site: Site, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site with two held versions of a date, an abandoned one between them, and one held of the next date."""
    with copy_of(history_site, databases, tmp_path_factory.mktemp("littered") / "home") as site:
        again = ("date", DATE, "--source", "archive", "--force")
        assert site.reingest(*again, "--expect-energy", "1").exit_code == 1
        assert site.start(*again, REINGEST_CRASH_AT="after_stage").finish().exit_code == -SIGKILL
        site.rows("update version set basis_generation = -1 where state = 'held'")  # else it is held once only
        assert site.reingest(*again, "--expect-energy", "1").exit_code == 1
        assert site.reingest("date", NEXT_DATE, *again[2:], "--expect-energy", "1").exit_code == 1
        assert site.states(DATE) == SERVED | {4: "held", 5: "abandoned", 6: "held"}
        yield site


@pytest.fixture
def littered(littered_site: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a copy of the littered site."""
    with copy_of(littered_site, databases, tmp_path / "home") as site:
        yield site


def purge(site: Site, *words: object) -> Ran:
    return site.reingest("purge", "versions", *words)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ((), SERVED | {6: "held"}),
        (("--abandoned",), SERVED | {4: "held", 6: "held"}),
        (("--held",), SERVED | {5: "abandoned", 6: "held"}),
        (("--pending",), SERVED),
        (("--keep", 2), SERVED | {5: "abandoned", 6: "held"}),
    ],
)
def test_only_what_was_never_served_is_purged(words: tuple[object, ...], left: dict[int, str], littered: Site) -> None:
    """Abandoned and held versions go, as chosen, with every row of theirs; a held one that waits stays unless asked."""
    before = littered.dump(DATE), littered.dump(NEXT_DATE), littered.reingest("dump", DATE, "--version", 1).out
    ran = purge(littered, *words, *ACT)
    assert ran.exit_code == 0, ran.err
    assert littered.states(DATE) == left
    assert (
        littered.dump(DATE),
        littered.dump(NEXT_DATE),
        littered.reingest("dump", DATE, "--version", 1).out,
    ) == before
    assert strays(littered) == 0


def strays(site: Site) -> int:
    """Return how many rows belong to a version that is not there."""
    tables = ("curtailment_record", "check_result", "version_period", "daily_summary", "mining_rate")
    orphans = "select count(*) from {} one where not exists (select from version where id = one.version_id)"
    return sum(site.value(orphans.format(table)) for table in tables)


def test_the_plan_is_what_goes(littered: Site) -> None:
    """--plan lists versions, rows and bytes and changes nothing; then exactly that many rows go."""
    before = littered.row_counts()
    ran = purge(littered, "--plan", "--json")
    assert [(one["settlement_date"], one["number"]) for one in ran.json["versions"]] == [(str(DATE), 4), (str(DATE), 5)]
    assert littered.row_counts() == before
    assert purge(littered, *ACT).exit_code == 0
    after = littered.row_counts()
    gone = {name: before[name] - after[name] for name in before if before[name] != after[name]}
    assert gone == {one["name"]: one["rows"] for one in ran.json["takes"] if one["rows"]} | {"operator_action": -1}
    assert all(one["bytes"] > 0 for one in ran.json["takes"] if one["rows"])
    assert purge(littered, "--plan").out == "Nothing to purge.\n"


def test_a_purge_is_on_record(littered: Site) -> None:
    """Who, why, and which numbers of which date is stored; the runs that made them stay, without their version."""
    runs = littered.value("select count(*) from run")
    assert purge(littered, *ACT).exit_code == 0
    assert littered.rows("select action, settlement_date, reason, detail from operator_action") == [
        ("purge_versions", DATE, "tidy", {"versions": [4, 5]})
    ]
    assert littered.value("select count(*) from run") == runs


def test_numbers_never_come_again(littered: Site) -> None:
    """After the newest version was purged, the next one has the next number and not the same."""
    assert purge(littered, "--pending", *ACT).exit_code == 0
    assert littered.date(DATE, "--source", "archive", "--force").json["version"] == 7


def test_nobody_is_asked_in_the_dark(littered: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --yes and without anyone to answer it is refused with 2; without a reason too; nothing goes."""
    before = littered.states(DATE)
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert purge(littered, "--reason", "tidy").exit_code == 2
    assert purge(littered, "--yes").exit_code == 2
    assert littered.states(DATE) == before


def test_a_live_run_keeps_its_date(littered: Site) -> None:
    """A date that a run holds is left as it is, its candidate too; the others are purged: exit 3."""
    command = littered.start("date", DATE, "--source", "archive", "--force", stop_at="after_stage")
    command.wait_until_stopped()
    ran = purge(littered, "--pending", *ACT)
    assert (ran.exit_code, ran.json["versions"], ran.json["locked"]) == (3, 1, [str(DATE)])
    assert littered.states(DATE)[4] == "held"
    assert littered.states(NEXT_DATE) == {1: "published"}
    command.send(SIGCONT)
    assert command.finish().exit_code == 0
    assert littered.states(DATE)[7] == "published"


@pytest.mark.parametrize("number", [1, 3])
def test_the_database_refuses_to_purge_what_was_served(number: int, littered: Site) -> None:
    """Whatever the program asks, Postgres itself deletes neither a published version nor a superseded one."""
    with connect(littered.database_url, purpose="test") as connection:
        id_ = littered.value("select id from version where settlement_date = %s and number = %s", DATE, number)
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("select purge_versions(%s)", [[id_]])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select remove_versions(%s)", [[id_]])
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("select purge_events(clock_timestamp())")
    assert littered.states(DATE)[number] in ("superseded", "published")


def test_old_events_are_purged(history: Site) -> None:
    """Log lines of ended runs older than the days given go; runs, fetches and what is served stay."""
    history.rows("update run_event set at = at - interval '40 days'")
    history.rows(
        "update run set finished_at = finished_at - interval '40 days' where run.version_id is distinct from 1"
    )
    before = history.row_counts(), history.dump(DATE)
    recent = history.value(
        "select count(*) from run_event join run on run.id = run_id where finished_at > now() - interval '1 day'"
    )
    ran = history.reingest("purge", "events", "--days", 30, "--plan", "--json")
    rows = before[0]["run_event"] - recent
    assert 0 < rows == ran.json["takes"][0]["rows"]
    assert (history.row_counts(), history.dump(DATE)) == before
    assert history.reingest("purge", "events", "--days", 30, "--yes", "--json").json["deleted"] == rows
    assert history.row_counts() == before[0] | {"run_event": recent, "operator_action": 1}
    assert history.dump(DATE) == before[1]
    assert history.date(DATE, "--source", "archive").json["outcome"] == "unchanged"
    assert history.reingest("purge", "events", "--days", 0, "--yes").exit_code == 2
