"""The doctor beside runs that are under way, and after those that were killed."""

import signal

from tests.support.days import DATE, NEXT_DATE
from tests.support.sites import Site


def test_a_run_under_way_is_no_finding(published: Site) -> None:
    """Whatever a live run has not finished is no finding: an unregistered file, a missing line, an open version."""
    for point in ("after_archive", "after_fetch_rows", "after_stage"):
        command = published.start("date", NEXT_DATE, stop_at=point)
        command.wait_until_stopped()
        seen = published.reingest("doctor")
        assert seen.exit_code == 0, (point, seen.out)
        assert published.reingest("doctor", "--fix").exit_code == 0
        command.send(signal.SIGKILL)
        command.finish()
        published.reingest("doctor", "--fix")


def test_what_a_killed_run_left_is_mended(published: Site) -> None:
    """A killed run leaves its lease, its end and its version open; --fix closes all three, and the next run resumes."""
    command = published.start("date", NEXT_DATE, stop_at="after_stage")
    command.wait_until_stopped()
    command.send(signal.SIGKILL)
    command.finish()
    found = published.reingest("doctor", NEXT_DATE, "--json")
    assert sorted(one["id"] for one in found.json["findings"]) == ["lease-dead", "run-unfinished", "version-orphaned"]
    assert published.reingest("doctor", DATE).exit_code == 0
    fixed = published.reingest("doctor", "--fix", "--reason", "the machine was restarted", "--json")
    assert fixed.exit_code == 0, fixed.out
    assert {one["done"] for one in fixed.json["mended"]} == {"released", "closed as lease_lost", "abandoned"}
    assert published.runs()[-1] == ("lease_lost", 5)
    actions = published.rows("select action, reason from operator_action order by id")
    assert actions == [
        (f"doctor:{kind}", "the machine was restarted") for kind in ("lease-dead", "run-unfinished", "version-orphaned")
    ]
    again = published.date(NEXT_DATE)
    assert (again.json["outcome"], again.json["version"]) == ("published", 2)
    assert again.json["requests"] < 101


def test_a_run_that_died_after_its_publish_is_closed_as_published(published: Site) -> None:
    """A run killed between its commit and its end is closed as what it came to, with its version and its requests."""
    killed = published.start("date", NEXT_DATE, REINGEST_CRASH_AT="after_publish_commit").finish()
    assert killed.exit_code == -signal.SIGKILL
    assert published.reingest("doctor", "--fix").exit_code == 0
    assert published.rows(
        "select outcome, requests, version_id is not null from run where settlement_date = %s", NEXT_DATE
    ) == [("published", 101, True)]


def test_acts_need_a_reason_and_one_another(published: Site) -> None:
    """What changes what is served, or explains, is refused without a reason, for no finding, or beside another act."""
    published.rows("update settlement_day set current_version_id = null")
    refusals = (
        ("--mend", "current-version-differs"),
        ("--mend", "lease-dead", "--reason", "x"),
        ("--explain", "0123456789ab", "--reason", "x"),
        ("--explain", "0123456789ab"),
        ("--fix", "--explain", "0123456789ab", "--reason", "x"),
    )
    for words in refusals:
        assert published.reingest("doctor", *words, "--json").error["code"] == "bad_usage", words
    assert published.value("select count(*) from operator_action") == 0
    left = published.reingest("doctor", "--fix")
    assert (left.exit_code, left.out.splitlines()[-1].split(" (")[0]) == (1, "Post-fix status: 1 finding")
    assert published.reingest("doctor", "--mend", "current-version-differs", "--reason", "x").exit_code == 0


def test_an_explained_finding_comes_back_when_it_changes(published: Site) -> None:
    """An explained finding is listed apart as long as it stays what it was; changed again it is found again."""
    assert published.date(DATE, "--source", "archive", "--force").json["version"] == 2
    published.rows("update daily_summary set energy_mwh = 1 where version_id = 1 and definition = 'net'")
    (finding,) = published.reingest("doctor", "--json").json["findings"]
    explained = published.reingest("doctor", "--explain", finding["key"], "--reason", "a test of mine", "--json")
    assert (explained.exit_code, explained.json["explained"][0]["key"]) == (0, finding["key"])
    assert published.reingest("doctor").out.splitlines()[-1].startswith("CONSISTENT; 1 explained")
    published.rows("update daily_summary set energy_mwh = 2 where version_id = 1 and definition = 'net'")
    assert published.reingest("doctor").exit_code == 1
