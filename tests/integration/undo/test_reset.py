"""Resets: three separate acts that do what their plan says, to nothing else, and never behind a run's back."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any, NoReturn

import pytest

from reingest.errors import Conflict
from reingest.operations.resets.acting import plan_reset, reset
from reingest.operations.resets.plan import ResetRequest
from reingest.settings import Settings
from reingest.store.resetting import DateSpan
from tests.support.days import A_DAY, DATE, NEXT_DATE, of_date
from tests.support.postgres import Databases
from tests.support.sites import Ran, Site, copy_of, recorded_elexon

ACT = ("--reason", "a clean slate", "--i-understand", "--json")
ACTS = {
    "state": ("state", DATE),
    "ops": ("ops",),
    "data": ("data", "--date", DATE),
}
every_act = pytest.mark.parametrize("act", ACTS)


@pytest.fixture(scope="module")
def used_site(history_site: Site, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site where each reset finds something: a held version, facts that were delivered, a refused run."""
    with copy_of(history_site, databases, tmp_path_factory.mktemp("used") / "home") as site:
        assert site.date(DATE, "--source", "archive", "--force", "--expect-energy", "1").exit_code == 1
        assert site.reingest("publish", DATE, "--version", 9, "--reason", "none").exit_code == 2
        site.rows("insert into outbox_sink values ('log')")
        site.rows(
            "insert into outbox_delivery (outbox_id, sink, settlement_date, state, delivered_at)"
            " select id, 'log', settlement_date, 'delivered', clock_timestamp() from outbox"
        )
        yield site


@pytest.fixture
def used(used_site: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a copy of the used site."""
    with copy_of(used_site, databases, tmp_path / "home") as site:
        yield site


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process connect through Python's sockets; Postgres' own library does not use them."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def act_of(site: Site, act: str, *words: object) -> Ran:
    return site.reingest("reset", *ACTS[act], *words)


def everything(site: Site) -> tuple[Any, ...]:
    """Return what a site holds: rows by table, files with their bytes, and what it serves."""
    files = {path: path.read_bytes() for path in site.home.rglob("*") if path.is_file()}
    return site.row_counts(), files, site.dump(DATE), site.dump(NEXT_DATE), site.states(DATE)


@every_act
def test_a_plan_changes_nothing_and_the_act_equals_it(act: str, used: Site) -> None:
    """--plan lists rows and bytes by table and leaves all as it is; the act takes just that, and is on record."""
    before = everything(used)
    planned = act_of(used, act, "--plan", "--json")
    assert planned.exit_code == 0, planned.err
    assert planned.json["rows"] == sum(one["rows"] for one in planned.json["takes"]) > 0
    assert everything(used) == before
    done = act_of(used, act, *ACT)
    assert done.exit_code == 0, done.err
    assert done.json["rows"] == {one["name"]: one["rows"] for one in planned.json["takes"]}
    gone = {name: rows - used.row_counts()[name] for name, rows in before[0].items()}
    wanted = {} if act == "state" else done.json["rows"]
    told = {"outbox": -1, "outbox_delivery": -1} if act == "data" else {}
    assert {name: rows for name, rows in gone.items() if rows} == {
        name: rows for name, rows in (wanted | told | {"operator_action": -1}).items() if rows
    }
    ((action, reason, detail),) = used.rows("select action, reason, detail from operator_action")
    assert (action, reason, detail["rows"]) == (f"reset_{act}", "a clean slate", done.json["rows"])
    assert act_of(used, act, "--plan", "--json").json["rows"] == 0


@every_act
def test_it_is_said_to_be_understood_and_why(act: str, used: Site) -> None:
    """Without --i-understand, or without a reason, the plan is printed, it ends with 2, and nothing is touched."""
    before = everything(used)
    for words in (("--reason", "why"), ("--i-understand",), ("--i-understand", "--reason", " ")):
        ran = act_of(used, act, *words)
        assert ran.exit_code == 2
        assert ran.out.startswith(f"reset {act}")
        assert everything(used) == before


@every_act
def test_a_live_run_refuses_it(act: str, used: Site) -> None:
    """While a run holds any date a reset ends with 3, and changes nothing: no row, no file, no backup."""
    command = used.start("date", NEXT_DATE, "--source", "archive", "--force", stop_at="after_basis")
    command.wait_until_stopped()
    before = everything(used)
    ran = act_of(used, act, *ACT)
    assert (ran.exit_code, ran.error["code"]) == (3, "locked")
    assert everything(used) == before
    command.send(SIGKILL)
    command.finish()


@every_act
def test_a_backup_gives_back_what_went(act: str, used: Site) -> None:
    """By default the database is backed up first, and what it serves can be had back; --no-backup makes none."""
    dumps, counts = (used.dump(DATE), used.dump(NEXT_DATE)), used.row_counts()
    done = act_of(used, act, *ACT)
    words = ("--reason", "back", "--i-understand", "--no-backup")
    assert used.reingest("backup", "restore", done.json["backup"], *words).exit_code == 0
    assert (used.dump(DATE), used.dump(NEXT_DATE)) == dumps
    after = used.row_counts()
    told = {"outbox", "outbox_delivery", "served_span"}
    assert {name: after[name] - counts[name] for name in counts if name not in told} == {
        name: int(name == "operator_action") for name in counts if name not in told
    }
    shutil.rmtree(used.home / "backups")
    assert act_of(used, act, *ACT, "--no-backup").json["backup"] is None
    assert not (used.home / "backups").exists()


@every_act
def test_a_home_that_is_none_is_refused(act: str, used: Site, tmp_path: Path) -> None:
    """A home that is the root, a person's or a repository, or backups that lead out of it: exit 2, nothing touched."""
    before = everything(used)
    repository, victim = tmp_path / "repository", tmp_path / "victim"
    (repository / ".git").mkdir(parents=True)
    victim.mkdir()
    for home in (Path("/"), Path.home(), repository):
        assert str(home) in refused(act_of(used, act, *ACT, "--home", home))
    (used.home / "backups").symlink_to(victim)
    message = refused(act_of(used, act, *ACT))
    assert str(victim) in message
    assert str(used.home) in message
    (used.home / "backups").unlink()
    assert everything(used) == before
    assert list(victim.iterdir()) == []
    assert [path.name for path in repository.iterdir()] == [".git"]


def refused(ran: Ran) -> str:
    """Return the message of a command that was refused."""
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage")
    return str(ran.error["message"])


def test_a_reset_of_operations_leaves_what_is_served(used: Site) -> None:
    """Dumps, versions, archive and the newest fact of each date are what they were; run logs are gone, or kept."""
    before = everything(used)
    refused_runs = "select count(*) from run where kind = 'publish' and outcome = 'refused'"
    assert used.value(refused_runs) == 1
    assert act_of(used, "ops", *ACT, "--no-backup", "--keep-run-logs").exit_code == 0
    assert {name: used.row_counts()[name] for name in ("run", "run_event")} == {
        name: before[0][name] for name in ("run", "run_event")
    }
    assert used.rows("select settlement_date, generation from outbox order by 1") == [(DATE, 3), (NEXT_DATE, 1)]
    assert act_of(used, "ops", *ACT, "--no-backup").exit_code == 0
    assert everything(used)[1:] == before[1:]
    assert used.value("select count(*) from run_event") == 0
    assert used.value(refused_runs) == 0
    assert used.date(DATE, "--source", "archive").json["outcome"] == "unchanged"


def test_facts_that_wait_are_kept(used: Site) -> None:
    """A fact that some sink has not had yet outlives a reset of operations."""
    used.rows("update outbox_delivery set state = 'pending', delivered_at = null where outbox_id = 1")
    assert act_of(used, "ops", *ACT, "--no-backup").json["rows"]["outbox"] == 1
    assert used.value("select min(id) from outbox") == 1


@pytest.mark.usefixtures("without_network")
def test_the_archive_gives_back_what_a_reset_of_data_took(used: Site) -> None:
    """With the network denied, a run from the archive serves the same bytes again; numbers and generations go on."""
    dump, other, archive = used.dump(DATE), used.dump(NEXT_DATE), sorted((used.home / "archive").rglob("*"))
    done = act_of(used, "data", *ACT)
    assert used.dump(DATE) == ""
    assert used.dump(NEXT_DATE) == other
    assert used.generation(DATE) == 4
    assert done.json["next_commands"] == [f"reingest date {DATE} --source archive"]
    ran = used.reingest(*done.json["next_commands"][0].split()[1:], "--json")
    assert (ran.json["outcome"], ran.json["version"], ran.json["generation"]) == ("published", 5, 5)
    assert used.dump(DATE) == dump
    assert sorted((used.home / "archive").rglob("*")) == archive


def test_the_archive_gives_back_what_was_served_and_not_what_is_newer(used: Site, tmp_path: Path) -> None:
    """Answers that a plan fetched later do not stand in for those that the version taken away was built from."""
    dump = used.dump(DATE)
    with recorded_elexon(tmp_path, (*A_DAY, *of_date(NEXT_DATE))) as elexon:
        used.elexon_url = elexon.url
        elexon.restate(DATE, unit="T_HILLW-1", volume_factor="9")
        assert used.date(DATE, "--plan").json["diff"]["changed"] > 0
    assert act_of(used, "data", *ACT, "--no-backup").exit_code == 0
    assert used.date(DATE, "--source", "archive").json["outcome"] == "published"
    assert used.dump(DATE) == dump


def test_consumers_and_months_follow_a_withdrawal(used: Site) -> None:
    """The month is that of the dates left, a fact says which date serves nothing, and only that date's."""
    left = used.value("select energy_mwh from day where definition = 'so_flagged' and settlement_date = %s", NEXT_DATE)
    assert act_of(used, "data", *ACT, "--no-backup").exit_code == 0
    assert used.value("select energy_mwh from month where definition = 'so_flagged'") == left
    facts = used.rows("select kind, settlement_date, generation, body from outbox where id > 4")
    assert [fact[:3] for fact in facts] == [("date_withdrawn", DATE, 4)]
    assert facts[0][3]["reason"] == "a clean slate"
    changes = used.reingest("changes", "--since", 0, "--json")
    assert changes.exit_code == 0, changes.err
    assert used.reingest("outbox", "list", "--all").exit_code == 0


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("--all",), []),
        (("--from", DATE, "--to", NEXT_DATE), []),
        (("--from", NEXT_DATE, "--to", NEXT_DATE), [DATE]),
        (("--from", "2001-01-01", "--to", DATE), [NEXT_DATE]),
    ],
)
def test_a_reset_of_data_takes_the_dates_that_it_names(words: tuple[object, ...], left: list[Any], used: Site) -> None:
    """One date, a span with both its ends, or all."""
    assert used.reingest("reset", "data", *words, *ACT, "--no-backup").exit_code == 0
    assert [row[0] for row in used.rows("select distinct settlement_date from version order by 1")] == left
    assert [row[0] for row in used.rows("select distinct settlement_date from day order by 1")] == left


def test_dates_are_named_in_one_way(used: Site) -> None:
    """No dates, dates named twice, or a span that ends before it begins are refused with 2."""
    before = everything(used)
    wrong = (
        ("data",),
        ("data", "--all", "--date", DATE),
        ("data", "--from", DATE),
        ("data", "--from", NEXT_DATE, "--to", DATE),
        ("state",),
        ("state", DATE, "--all"),
    )
    assert [used.reingest("reset", *words, *ACT).exit_code for words in wrong] == [2] * len(wrong)
    assert everything(used) == before


def test_a_reset_of_state_forgets_what_runs_remember(used: Site, tmp_path: Path) -> None:
    """Held versions are abandoned, and the next run asks for every period again; what is served is what it was."""
    with recorded_elexon(tmp_path, A_DAY) as elexon:
        used.elexon_url = elexon.url
        killed = used.start("date", DATE, "--json", REINGEST_CRASH_AT="after_fetch").finish()
        assert killed.exit_code == -SIGKILL
        dump = used.dump(DATE)
        assert act_of(used, "state", *ACT).exit_code == 0
        assert used.states(DATE)[4] == "abandoned"
        assert used.dump(DATE) == dump
        assert used.date(DATE, "--plan").json["requests"] >= 97


def test_what_was_not_shown_is_not_done(used: Site) -> None:
    """Where the state has moved since the plan was shown, nothing is taken, and it is a conflict."""
    settings = Settings(home=used.home, database_url=used.database_url)
    request = ResetRequest("data", DateSpan(DATE, DATE), "late", understood=True, backup_first=False)
    shown = plan_reset(settings, used.database_url, request)
    assert used.date(DATE, "--source", "archive", "--force").json["outcome"] == "published"
    before = everything(used)
    with pytest.raises(Conflict):
        reset(settings, used.database_url, request, shown)
    assert everything(used) == before
