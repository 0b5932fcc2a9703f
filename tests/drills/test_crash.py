"""A run that is killed: what it leaves is the old date or the new one, whole, and the next run finishes the work."""

import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import pytest

import reingest
from reingest.operations.stages import STAGES
from tests.support.days import A_DAY, DATE
from tests.support.postgres import Databases
from tests.support.sites import Command, Site, copy_of, recorded_elexon

SOURCE = Path(reingest.__file__).parent
A_CALL = re.compile(r"(?<!def )\bcheckpoint\((.+?)\)\n")
COMMITS = {"after_publish_commit", "after_numbering", "after_publish"}
"""The checkpoints after the commit; at every other one nothing new may be served."""
ELSEWHERE = {
    "after_restored_version_row", "before_restored_rows_commit", "after_restored_rows_commit", "after_restore",
    "after_know_sinks", "before_notify", "after_notify", "after_notify_commit", "after_success_mark",
    "after_failure_mark", "before_retry_commit", "after_retry_commit", "before_forget_commit", "after_forget_commit",
}  # fmt: skip
"""The checkpoints that no run of a date passes."""
KILLS = 5


def checkpoints_in(source: Path) -> tuple[str, ...]:
    """Return the names of all checkpoints that the source passes, in no particular order.

    One call names its stage; it stands for every stage.
    """
    arguments = [call for path in sorted(source.rglob("*.py")) for call in A_CALL.findall(path.read_text("utf-8"))]
    names: list[str] = []
    for argument in arguments:
        if argument == 'f"after_{stage.name}"':
            names += [f"after_{stage.name}" for stage in STAGES]
        else:
            assert re.fullmatch(r'"\w+"', argument), f"a checkpoint has a name that is not known: {argument}"
            names.append(argument.strip('"'))
    return tuple(names)


@dataclass(frozen=True)
class Drill:
    """A site to kill runs in, with the two dumps between which there is nothing."""

    site: Site
    old: str
    new: str


@pytest.fixture(scope="module", params=["nothing", "an_older_version"])
def original(
    request: pytest.FixtureRequest, databases: Databases, published_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Drill]:
    """Return a site, to be copied, in which a run would publish something new: over nothing, or over version 1."""
    folder = tmp_path_factory.mktemp("crash")
    elexon = recorded_elexon(folder, A_DAY)
    with elexon, copy_of(published_site, databases, folder / "home") as site:
        elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
        site.elexon_url = elexon.url
        if request.param == "nothing":
            forget_versions(site)
        old = site.dump(DATE)
        with copy_of(site, databases, folder / "clean" / "home") as clean:
            assert clean.date(DATE).json["outcome"] == "published"
            new = clean.dump(DATE)
        assert (old == "") == (request.param == "nothing")
        assert old != new
        yield Drill(site, old, new)


@pytest.fixture
def drill(original: Drill, databases: Databases, tmp_path: Path) -> Iterator[Drill]:
    """Return a copy of the original that may be broken."""
    with copy_of(original.site, databases, tmp_path / "home") as site:
        yield Drill(site, original.old, original.new)


def test_checkpoints_have_different_names() -> None:
    """No two places of the code are one checkpoint, and every stage has one."""
    names = checkpoints_in(SOURCE)
    assert len(set(names)) == len(names) > len(STAGES)
    assert set(names) >= COMMITS


@pytest.mark.parametrize("name", sorted(set(checkpoints_in(SOURCE)) - ELSEWHERE))
def test_a_run_killed_at_a_checkpoint_leaves_a_whole_date(name: str, drill: Drill) -> None:
    """A kill -9 at any named place leaves the old date or the new one; one plain re-run at once ends in the new one."""
    ran = drill.site.start("date", DATE, REINGEST_CRASH_AT=name).finish()
    assert ran.exit_code == -SIGKILL, f"the kill did not happen: {ran.err}"
    assert drill.site.dump(DATE) == (drill.new if name in COMMITS else drill.old)
    finish_what_was_begun(drill, "unchanged" if name in COMMITS else "published")


@pytest.mark.parametrize("number", range(KILLS))
def test_a_run_killed_at_any_moment_leaves_a_whole_date(number: int, drill: Drill) -> None:
    """A kill -9 at a moment that nobody chose leaves the old date or the new one, too."""
    command = drill.site.start("date", DATE)
    wait_for_a_lease(drill.site, command)
    # The stages take some 0.4 s; a run that has ended by then is one that was killed too late.
    time.sleep(random.Random(number).uniform(0, 0.5))  # noqa: S311  (it only spreads the kills)
    command.send(SIGKILL)
    command.finish()
    served = drill.site.dump(DATE)
    assert served in (drill.old, drill.new)
    finish_what_was_begun(drill, "unchanged" if served == drill.new else "published")


def finish_what_was_begun(drill: Drill, outcome: str) -> None:
    """Run again at once, and find the new date, nothing half done, and no lease."""
    wait_until_gone(drill.site)
    ran = drill.site.date(DATE)
    assert ran.exit_code == 0, ran.err
    assert ran.json["outcome"] == outcome
    assert drill.site.dump(DATE) == drill.new
    states = drill.site.states(DATE)
    assert set(states.values()) <= {"published", "superseded", "abandoned"}
    assert list(states.values()).count("published") == 1
    assert drill.site.value("select count(*) from lease") == 0
    assert drill.site.value("select count(*) from outbox where settlement_date = %s", DATE) == drill.site.generation(
        DATE
    )


def wait_until_gone(site: Site) -> None:
    """Return when Postgres has noticed that the killed process is gone, which takes it some milliseconds."""
    connected = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and starts_with(application_name, 'reingest ')"
    )
    deadline = time.monotonic() + 10
    while site.value(connected):
        assert time.monotonic() < deadline, "Postgres still serves a process that is gone"
        time.sleep(0.005)


def wait_for_a_lease(site: Site, command: Command) -> None:
    """Return when the command holds the date."""
    while not command.ended and not site.value("select count(*) from lease"):
        time.sleep(0.005)


def forget_versions(site: Site) -> None:
    """Leave of a site its register alone, as if no date was ever published."""
    site.rows("update run set version_id = null")
    for table in (
        "outbox", "settlement_day", "check_result", "daily_mining", "daily_summary", "daily_unit_summary",
        "mining_rate", "curtailment_record", "version_period", "version",
    ):  # fmt: skip
        site.rows(f"delete from {table}")  # noqa: S608  (names of this list)
