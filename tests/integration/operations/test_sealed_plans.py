"""Sealed plans: what was planned is published exactly so, from the archive, or refused with everything that moved."""

import json
from collections.abc import Callable

import pytest

from reingest.operations.plans import applying
from reingest.standin.server import StandIn
from tests.integration.operations.test_archive_replay import without_network
from tests.support.days import DATE, NEXT_DATE
from tests.support.plans import MOVES, PLAN, applied, planned
from tests.support.sites import Site

__all__ = ["without_network"]


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
    assert ran.json["verification"] == plan["verification"]
    named = (
        "select payload_sha256 from version_payload join version on version.id = version_id where state = 'published'"
    )
    assert {one["sha256"] for one in plan["payloads"]} == {row[0] for row in restated.rows(named)}
    assert {"BOAV", "EBOCF"} < {one["dataset"] for one in plan["payloads"]}
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


def test_a_first_version_and_an_unchanged_date_can_be_planned(published: Site) -> None:
    """A plan of a date that was never published publishes its first version; one of an unchanged date confirms it."""
    assert planned(published, day=NEXT_DATE)["change"] is None
    elexon = published.elexon_url
    assert (applied(published).json["version"], published.states(NEXT_DATE)) == (1, {1: "published"})
    published.elexon_url = elexon
    assert planned(published)["decision"] == "unchanged"
    assert [applied(published).json["outcome"] for _ in range(2)] == ["unchanged", "unchanged"]
    assert published.states(DATE) == {1: "published"}


def test_all_that_moved_is_named_at_once(restated: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan under which everything moved is refused once, with all of it."""
    planned(restated)
    before, versions = restated.dump(DATE), restated.states(DATE)
    for name in (
        "a unit is wind no more",
        "another total is expected",
        "difficulty is known better",
        "a payload is gone",
    ):
        MOVES[name].move(restated)
    monkeypatch.setattr(applying, "__version__", "99")
    ran = applied(restated)
    assert (ran.exit_code, ran.error["code"]) == (5, "plan_moved")
    moved = ran.error["moved"]
    subjects = [one.partition(":")[0] for one in moved]
    assert subjects[:-1] == [
        "the register", "the mining inputs", "Reingest", "the expected totals"
    ]  # fmt: skip
    assert "is not in the archive" in moved[-1]
    assert (restated.dump(DATE), restated.states(DATE)) == (before, versions)
    assert restated.runs()[-1] == ("conflict", 5)
    said = restated.reingest("apply", PLAN).err.splitlines()
    assert [line for line in said if line.startswith("Moved: ")] == [f"Moved: {one}" for one in moved]
    assert restated.rows("select key from lease") == []


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


def test_a_plan_altered_by_hand_is_refused(restated: Site) -> None:
    """A plan that is not as it was sealed begins nothing: exit code 2, and no run of it is stored."""
    planned(restated)
    path, runs = restated.home / "plan.json", restated.runs()
    text = path.read_text(encoding="utf-8")
    for name, alter in ALTERATIONS.items():
        assert alter(text) != text, name
        path.write_text(alter(text), encoding="utf-8")
        ran = applied(restated)
        assert (ran.exit_code, ran.error["code"]) == (2, "bad_usage"), name
    assert restated.runs() == runs


def test_a_file_is_of_a_plan_and_can_be_read(published: Site) -> None:
    """--out without --plan, a file that is not there, a folder that is not there, and a proof are refused."""
    assert published.date(DATE, "--out", PLAN).error["code"] == "bad_usage"
    assert published.reingest("apply", "{home}/none.json").exit_code == 2
    assert published.date(DATE, "--plan", "--out", "{home}/none/plan.json").exit_code == 2
    assert published.reingest("proof", DATE, "--out", PLAN).exit_code == 0
    other = applied(published)
    assert (other.exit_code, "'reingest-proof 1', not 'reingest-plan 1'" in other.error["message"]) == (2, True)


def test_the_plan_says_what_comes_next(restated: Site) -> None:
    """The last line of a sealed plan is the command that applies it, and that one says what is served then."""
    said = restated.reingest("date", DATE, "--plan", "--out", PLAN).out.splitlines()
    assert said[-1].split() == ["Next:", "reingest", "apply", str(restated.home / "plan.json")]
    out = restated.reingest("apply", PLAN).out
    assert "published, version 2, generation 2" in out.splitlines()[0]
