"""Sealed plans: what was planned is published exactly so, from the archive, or refused with everything that moved."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reingest.operations.plans import applying
from reingest.standin.server import StandIn
from tests.integration.operations.test_archive_replay import without_network
from tests.support.days import DATE, NEXT_DATE
from tests.support.postgres import Databases
from tests.support.sites import NOWHERE, Ran, Site, copy_of

__all__ = ["without_network"]
PLAN = "{home}/plan.json"


def planned(site: Site, *words: object, day: date = DATE) -> dict[str, Any]:
    """Seal a plan; return what is in its file."""
    ran = site.date(day, "--plan", "--out", PLAN, *words)
    assert ran.exit_code == 0, ran.err
    values: dict[str, Any] = json.loads((site.home / "plan.json").read_text(encoding="utf-8"))
    return values


def applied(site: Site) -> Ran:
    """Apply the plan, with an Elexon that cannot be reached."""
    site.elexon_url = NOWHERE
    return site.reingest("apply", PLAN, "--json")


@pytest.fixture
def restated(published: Site, elexon: StandIn) -> Site:
    """Return a site whose Elexon says something else by now than what is served."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    return published


def test_a_plan_is_published_as_it_was_planned(restated: Site, request: pytest.FixtureRequest) -> None:
    """With the network denied the plan's own content is published, by a run of its own kind, in one new version."""
    plan = planned(restated)
    request.getfixturevalue("without_network")
    fetches = restated.value('select count(*) from "fetch"')
    ran = applied(restated)
    assert (ran.exit_code, ran.json["outcome"], ran.json["version"]) == (0, "published", 2)
    assert ran.json["content_hash"] == plan["content_digest"] == restated.dump(DATE).split()[-1]
    shown = restated.show(DATE)
    for name, totals in plan["totals"].items():
        assert shown["totals"][name]["energy_mwh"] == totals["energy_mwh"]
        assert shown["mining"][name] == totals["btc"]
    assert plan["change"]["totals"]["so_flagged"] == {"energy_mwh": "11.75", "payment_gbp": "590.4375"}
    assert restated.value('select count(*) from "fetch"') == fetches
    assert restated.rows("select kind from run order by started_at")[-1] == ("apply",)
    assert restated.reingest("doctor", DATE).exit_code == 0


def test_applied_twice_it_is_unchanged(restated: Site) -> None:
    """A plan that was applied before publishes nothing, whatever has moved since, and says so; also a forced one."""
    for words in ((), ("--force",)):
        planned(restated, *words)
        elexon = restated.elexon_url
        assert applied(restated).json["outcome"] == "published"
        generation = restated.generation(DATE)
        assert restated.reingest("units", "exclude", "T_HILLW-2", "--reason", "a test").exit_code == 0
        again = applied(restated)
        assert (again.exit_code, again.json["outcome"]) == (0, "unchanged")
        assert "the plan was applied before" in str(again.json["notes"])
        assert restated.generation(DATE) == generation
        assert restated.reingest("units", "include", "T_HILLW-2", "--reason", "a test").exit_code == 0
        restated.elexon_url = elexon


@pytest.mark.parametrize("words", [("--periods", "1-2"), ("--side", "bid"), ("--source", "archive", "--force")])
def test_every_way_of_asking_can_be_planned(
    words: tuple[str, ...], restated: Site, databases: Databases, tmp_path: Path
) -> None:
    """A plan of some periods, of one side, or from the archive publishes what a run asked the same way does."""
    with copy_of(restated, databases, tmp_path / "run" / "home") as other:
        ran = other.date(DATE, *words).json
        planned(restated, *words)
        report = applied(restated).json
        for said in ("outcome", "version", "content_hash", "sides", "diff", "periods", "totals", "checks"):
            assert report[said] == ran[said], said
        kind = "select kind, sides from version where number = 2"
        assert restated.rows(kind) == other.rows(kind)


def test_a_first_version_and_an_unchanged_date_can_be_planned(published: Site) -> None:
    """A plan of a date that was never published publishes its first version; one of an unchanged date confirms it."""
    assert planned(published, day=NEXT_DATE)["change"] is None
    elexon = published.elexon_url
    assert (applied(published).json["version"], published.states(NEXT_DATE)) == (1, {1: "published"})
    published.elexon_url = elexon
    assert planned(published)["decision"] == "unchanged"
    assert [applied(published).json["outcome"] for _ in range(2)] == ["unchanged", "unchanged"]
    assert published.states(DATE) == {1: "published"}


def publish_another(site: Site) -> None:
    assert site.date(DATE, "--source", "archive", "--force").exit_code == 0


def exclude_a_unit(site: Site) -> None:
    assert site.reingest("units", "exclude", "T_HILLW-1", "--reason", "a test").exit_code == 0


def expect_a_total(site: Site) -> None:
    assert site.reingest("expected", "set", DATE, "--energy", "1").exit_code == 0


def change_the_difficulty(site: Site) -> None:
    site.rows("update difficulty_epoch set difficulty = difficulty * 2")


def of_payload(site: Site) -> Path:
    plan = json.loads((site.home / "plan.json").read_text(encoding="utf-8"))
    (path,) = site.home.rglob(f"{plan['payloads'][5]['sha256']}.zst")
    return path


def lose_a_payload(site: Site) -> None:
    of_payload(site).unlink()


def alter_a_payload(site: Site) -> None:
    path = of_payload(site)
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_fetch(site: Site) -> None:
    fetch = json.loads((site.home / "plan.json").read_text(encoding="utf-8"))["payloads"][5]["fetch_id"]
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute('delete from "fetch" where id = %s', [fetch])


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (publish_another, ["the date's generation: 1 in the plan, 2 now"]),
        (exclude_a_unit, ["the register: ", "the content: "]),
        (expect_a_total, ["the expected totals: none in the plan, so_flagged 1 ± 0.001 MWh now", "the check "]),
        (change_the_difficulty, ["the mining inputs: ", "the content: "]),
        (lose_a_payload, ["is not in the archive"]),
        (alter_a_payload, ["was altered"]),
        (lose_a_fetch, ["this database has no such fetch"]),
    ],
)
def test_what_moved_is_named(move: Callable[[Site], None], said: list[str], restated: Site) -> None:
    """Whatever moved since the plan is named, the command ends with 5, and nothing that is served has changed."""
    planned(restated)
    move(restated)
    before, versions = restated.dump(DATE), restated.states(DATE)
    ran = applied(restated)
    assert (ran.exit_code, ran.error["code"]) == (5, "plan_moved")
    assert len(ran.error["moved"]) == len(said), ran.error["moved"]
    for part, moved in zip(said, ran.error["moved"], strict=True):
        assert part in moved
    assert (restated.dump(DATE), restated.states(DATE)) == (before, versions)
    assert restated.runs()[-1] == ("conflict", 5)
    assert restated.rows("select key from lease") == []


def test_all_that_moved_is_named_at_once(restated: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan under which everything moved is refused once, with all of it."""
    planned(restated)
    for move in (publish_another, exclude_a_unit, expect_a_total, change_the_difficulty, lose_a_payload):
        move(restated)
    monkeypatch.setattr(applying, "__version__", "99")
    moved = applied(restated).error["moved"]
    subjects = [one.partition(":")[0] for one in moved]
    assert subjects[:-1] == [
        "the date's generation", "the register", "the mining inputs", "Reingest", "the expected totals"
    ]  # fmt: skip
    assert "is not in the archive" in moved[-1]


def test_a_plan_to_hold_is_not_applied(restated: Site) -> None:
    """A plan that found a failing check is refused, and the way on is said."""
    assert planned(restated, "--expect-energy", "1")["failed"] == ["expected_energy:so_flagged"]
    ran = applied(restated)
    assert (ran.exit_code, ran.error["next"]) == (2, f"reingest date {DATE}")
    assert "expected_energy:so_flagged" in ran.error["message"]


def test_a_plan_keeps_what_it_was_held_to(restated: Site) -> None:
    """What the command line expected is in the plan, and is checked again when it is applied."""
    (expected,) = planned(restated, "--expect-energy", "25.623456789012345678")["expected"]
    assert (expected["origin"], expected["energy_mwh"]) == ("asked", "25.623456789012345678")
    checks = {check["name"]: check["status"] for check in applied(restated).json["checks"]}
    assert checks["expected_energy:so_flagged"] == "pass"


ALTERATIONS: dict[str, Callable[[str], str]] = {
    "another request": lambda text: text.replace('"force":false', '"force":true'),
    "another basis": lambda text: text.replace('"basis_generation":1', '"basis_generation":2'),
    "cut short": lambda text: text[:-2],
    "nothing": lambda _: "{}",
    "laid out anew": lambda text: json.dumps(json.loads(text), indent=2),
}


@pytest.mark.parametrize("alter", ALTERATIONS.values(), ids=ALTERATIONS)
def test_a_plan_altered_by_hand_is_refused(alter: Callable[[str], str], restated: Site) -> None:
    """A plan that is not as it was sealed begins nothing: exit code 2, and no run of it is stored."""
    planned(restated)
    path = restated.home / "plan.json"
    text = path.read_text(encoding="utf-8")
    path.write_text(alter(text), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    runs = restated.runs()
    ran = applied(restated)
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage")
    assert restated.runs() == runs


def test_a_file_is_of_a_plan_and_can_be_read(published: Site) -> None:
    """--out without --plan, a file that is not there, a folder that is not there, and a proof are refused."""
    assert published.date(DATE, "--out", PLAN).error["code"] == "bad_usage"
    assert published.reingest("apply", "{home}/none.json").exit_code == 2
    assert published.date(DATE, "--plan", "--out", "{home}/none/plan.json").exit_code == 2
    assert published.reingest("proof", DATE, "--out", PLAN).exit_code == 0
    assert applied(published).exit_code == 2


def test_the_plan_says_what_comes_next(restated: Site) -> None:
    """The last line of a sealed plan is the command that applies it, and that one says what is served then."""
    said = restated.reingest("date", DATE, "--plan", "--out", PLAN).out.splitlines()
    assert said[-1].split() == ["Next:", "reingest", "apply", str(restated.home / "plan.json")]
    out = restated.reingest("apply", PLAN).out
    assert "published, version 2, generation 2" in out.splitlines()[0]
