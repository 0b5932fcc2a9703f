"""Held versions: what holds a date, what stays served meanwhile, and how a person publishes one."""

from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.days import A_DAY, DATE, SO_FLAGGED
from tests.support.sites import Serve, Site
from tests.support.states import left_open

ENERGY, PAYMENT = (str(figure) for figure in SO_FLAGGED[:2])


@pytest.mark.parametrize(
    ("words", "check"),
    [
        (["--expect-energy", "13.875"], "expected_energy:so_flagged"),
        (["--expect-payment", "579.0999"], "expected_payment:so_flagged"),
        (["--expect-payment", "-579.08"], "expected_payment:so_flagged"),
        (["--expect-energy", "17.87", "--expect-definition", "all_bids"], "expected_energy:all_bids"),
    ],
)
def test_a_wrong_expected_total_holds(words: list[str], check: str, published: Site) -> None:
    """A date that does not come to what was expected is held with 1, says by how much, and serves what it served."""
    before = published.dump(DATE)
    ran = published.date(DATE, *words)
    assert (ran.exit_code, ran.json["outcome"], ran.json["version"]) == (1, "held", 2)
    failed = [one for one in ran.json["checks"] if one["status"] == "fail"]
    assert [one["name"] for one in failed] == [check]
    assert failed[0]["detail"].startswith("off by ")
    assert published.states(DATE) == {1: "published", 2: "held"}
    assert published.generation(DATE) == 1
    assert published.dump(DATE) == before
    assert published.runs()[-1] == ("held", 1)


def test_force_does_not_publish_what_a_check_holds(published: Site) -> None:
    """--force makes a new version of the same content; it is no way around a failed check."""
    assert published.date(DATE, "--expect-energy", "1", "--force").json["outcome"] == "held"
    assert published.generation(DATE) == 1


def test_right_expected_totals_pass(published: Site) -> None:
    """Totals within their tolerance, inclusive, hold nothing."""
    ran = published.date(
        DATE, "--expect-energy", ENERGY[:6], "--expect-payment", "579.0894", "--expect-payment-tolerance", "0.00992477"
    )
    assert ran.json["outcome"] == "unchanged"


def test_what_holds_is_printed_with_the_next_command(published: Site) -> None:
    """For people a hold prints the check, both figures, and the command that publishes the version with a reason."""
    ran = published.reingest("date", DATE, "--expect-energy", "1")
    assert ran.exit_code == 1
    assert "FAIL  expected_energy:so_flagged" in ran.out
    assert f"reingest publish {DATE} --version 2 --reason" in ran.out


def test_stored_expected_totals_hold(published: Site, tmp_path: Path) -> None:
    """A stored expectation is checked on every run, until one on the command line stands in for it."""
    assert published.reingest("expected", "set", DATE, "--energy", "99", "--definition", "net").exit_code == 0
    assert published.date(DATE).json["outcome"] == "held"
    ran = published.date(DATE, "--expect-energy", "15.373", "--expect-definition", "net")
    assert ran.json["outcome"] == "unchanged"


def test_the_same_held_content_is_not_made_twice(published: Site) -> None:
    """A second run that would hold the same content names the held version that is there."""
    versions = [published.date(DATE, "--expect-energy", "1").json["version"] for _ in range(2)]
    assert versions == [2, 2]
    assert published.states(DATE) == {1: "published", 2: "held"}
    assert published.value("select count(distinct run_id) from check_result where version_id = 2") == 2


def test_a_held_version_is_published_with_a_reason(published: Site, serve: Serve) -> None:
    """A person publishes a held version: it is served, with the reason on record, and the other is superseded."""
    elexon = serve()
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    published.elexon_url = elexon.url
    assert published.date(DATE, "--expect-energy", ENERGY).json["outcome"] == "held"
    ran = published.reingest("publish", DATE, "--version", 2, "--reason", "Elexon confirmed it", "--json")
    assert (ran.exit_code, ran.json["generation"]) == (0, 2)
    assert published.states(DATE) == {1: "superseded", 2: "published"}
    assert "-31.5" in published.dump(DATE)
    assert published.value("select reason from version where number = 2") == "Elexon confirmed it"
    assert published.rows("select action, reason from operator_action") == [("publish_held", "Elexon confirmed it")]
    assert published.runs()[-1] == ("published", 0)
    assert published.date(DATE).json["outcome"] == "unchanged"


def test_publishing_a_held_version_clears_up_after_a_killed_run(published: Site, serve: Serve) -> None:
    """What a killed run left half made is abandoned where a person publishes a held version of the date."""
    elexon = serve()
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    published.elexon_url = elexon.url
    assert published.date(DATE, "--expect-energy", ENERGY).json["outcome"] == "held"
    killed = published.start("date", DATE, REINGEST_CRASH_AT="after_version_row").finish()
    assert (killed.exit_code, published.states(DATE)[3]) == (-SIGKILL, "staging")
    assert published.reingest("publish", DATE, "--version", 2, "--reason", "it is right").exit_code == 0
    assert published.states(DATE) == {1: "superseded", 2: "published", 3: "abandoned"}
    assert left_open(published) == []


def test_a_version_is_published_once(published: Site) -> None:
    """A second publish of the same version is refused with 2, as is one of a version that does not exist."""
    published.date(DATE, "--expect-energy", "1")
    words = ("publish", DATE, "--reason", "again", "--json", "--version")
    assert published.reingest(*words, 2).exit_code == 0
    second, missing = published.reingest(*words, 2), published.reingest(*words, 9)
    assert (second.exit_code, second.error["code"]) == (2, "bad_usage")
    assert (missing.exit_code, missing.error["code"]) == (2, "not_found")
    assert published.generation(DATE) == 2


def test_a_publish_needs_a_reason(published: Site) -> None:
    """An empty reason is refused with 2."""
    published.date(DATE, "--expect-energy", "1")
    assert published.reingest("publish", DATE, "--version", 2, "--reason", " ").exit_code == 2
    assert published.states(DATE)[2] == "held"


def test_a_held_version_whose_basis_moved_is_a_conflict(published: Site) -> None:
    """A held version that was made from an older generation is refused with 5, and what is served stays."""
    published.date(DATE, "--expect-energy", "1")
    published.date(DATE, "--force")
    ran = published.reingest("publish", DATE, "--version", 2, "--reason", "late", "--json")
    assert (ran.exit_code, ran.error["code"]) == (5, "conflict")
    assert published.states(DATE) == {1: "superseded", 2: "held", 3: "published"}
    assert published.runs()[-1] == ("conflict", 5)
    assert published.value("select count(*) from operator_action") == 0


def test_a_date_that_was_never_published_can_be_held_and_published(site: Site) -> None:
    """A first version may be held: nothing is served until a person publishes it."""
    assert site.date(DATE, "--expect-energy", "1").json["outcome"] == "held"
    assert site.dump(DATE) == ""
    assert site.value("select count(*) from day") == 0
    assert site.reingest("publish", DATE, "--version", 1, "--reason", "it is right").exit_code == 0
    assert len([line for line in site.dump(DATE).splitlines() if line.startswith("record")]) == 6


def test_a_held_date_is_published_once_its_cause_is_gone(site: Site, serve: Serve) -> None:
    """When the source is right again, the plain re-run publishes, and the held version stays held."""
    site.elexon_url = serve((*A_DAY, (DATE, 9, "bid", 1, "T_HILLW-1", 9, -1, "true", "", "-1"))).url
    assert site.date(DATE).json["outcome"] == "held"
    site.elexon_url = serve().url
    assert site.date(DATE).json["outcome"] == "published"
    assert site.states(DATE) == {1: "held", 2: "published"}


def test_a_held_version_whose_rows_were_changed_is_not_published(published: Site) -> None:
    """Rows that somebody changed since a check held them are not what a person decides to publish."""
    assert published.date(DATE, "--force", "--expect-energy", "1").json["outcome"] == "held"
    published.rows("update curtailment_record set acceptance_id = 9 where acceptance_id = 1001 and version_id = 2")
    clean = published.dump(DATE)
    refused = published.reingest("publish", DATE, "--version", 2, "--reason", "it is right", "--json")
    assert (refused.exit_code, refused.error["next"]) == (2, f"reingest doctor {DATE}")
    assert published.dump(DATE) == clean
    (finding,) = published.reingest("doctor", DATE, "--json").json["findings"]
    assert finding["id"] == "version-altered"
