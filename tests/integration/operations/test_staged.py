"""Staged runs: periods fetched by whom and whenever, and published when the calendar is complete, like any run."""

from datetime import date
from signal import SIGKILL
from typing import Any

from reingest.standin.server import StandIn
from reingest.store.database import connect
from reingest.store.staging import stage_answer
from tests.integration.operations.test_periods_and_sides import stacks_asked
from tests.integration.operations.test_plan import MAY_GROW
from tests.integration.operations.test_two_at_once import wait_for
from tests.support.days import DATE, TINY_DATE, TINY_DAY
from tests.support.sites import Ran, Serve, Site

ASKED_BY_A_PUBLISH = 5
"""The system prices, and two witnesses of each side."""


def stage(site: Site, periods: str, *words: object, day: date = DATE) -> Ran:
    return site.date(day, "--stage", periods, *words)


def staged(site: Site, day: date = DATE) -> Any:
    """Return what `status D --json` says of what is staged; None where nothing is."""
    ran = site.reingest("status", day, "--json")
    assert ran.exit_code == 0, ran.err
    return ran.json["staged"]


def publish(site: Site, *words: object, day: date = DATE) -> Ran:
    return site.reingest("publish", day, "--json", *words)


def test_periods_staged_in_batches_are_published_as_a_run_would(
    site: Site, published_site: Site, elexon: StandIn
) -> None:
    """Batches change nothing that is served; complete, they are published with only what judges them asked again."""
    counts = site.row_counts()
    first = stage(site, "1-12", "--reason", "the night shift")
    assert (first.exit_code, first.json["outcome"]) == (0, "staged"), first.err
    assert first.json["outcomes"] == {"fetched": 4, "confirmed_empty": 20}
    grown = {table for table, count in site.row_counts().items() if count != counts[table]}
    assert grown == {"run", "run_event", "fetch", "payload", "staged_stack"}
    assert (site.dump(DATE), site.states(DATE), site.runs()) == ("", {}, [("staged", 0)])
    shown = staged(site)
    assert (shown["ready"], shown["expected"], shown["complete"], shown["sides"]) == (12, 48, False, ["bid", "offer"])
    assert shown["next"] == f"reingest date {DATE} --stage 13-48"
    assert {one["period"] for one in shown["missing"]} == set(range(13, 49))

    refused = publish(site)
    assert (refused.exit_code, refused.error["code"]) == (2, "staged_incomplete")
    assert refused.error["message"] == "12 of 48 periods can be published: periods 13-48 are not staged"
    assert refused.error["next"] == f"reingest date {DATE} --stage 13-48"

    assert stage(site, "13-48").json["staged"]["complete"]
    asked = len(stacks_asked(elexon))
    plan = publish(site, "--plan")  # its one request more is for the register
    assert (plan.exit_code, plan.json["decision"], plan.json["requests"]) == (0, "publish", ASKED_BY_A_PUBLISH + 1)
    ran = publish(site)
    assert (ran.exit_code, ran.json["outcome"], ran.json["requests"]) == (0, "published", ASKED_BY_A_PUBLISH), ran.err
    assert len(stacks_asked(elexon)) == asked == 96
    assert any(note.startswith("48 periods (1-48; 96 stacks) staged by ") for note in ran.json["notes"])
    assert ran.json["content_hash"] == published_site.value("select content_hash from version")
    assert staged(site) is None
    assert publish(site).error["message"].startswith("nothing is staged of the date")
    assert site.reingest("doctor", DATE).exit_code == 0


def test_what_is_staged_is_told_to_people(site: Site) -> None:
    """`status` shows who staged which periods, when, how old they are, and what is missing, of a date and of all."""
    assert site.reingest("status", "--staged").out.splitlines()[-1] == "Nothing is staged."
    ran = site.reingest("date", DATE, "--stage", "1-3,48", "--side", "bid")
    lines = site.reingest("status", DATE).out.splitlines()
    told = lines[next(place for place, line in enumerate(lines) if line.startswith("Staged and not published")) :]
    assert told == ran.out.splitlines()[-len(told) :]
    assert told[0] == "Staged and not published: 4 of 48 periods, bid"
    assert told[1:3] == ["  1     7     13    19    25    31    37    43", "  ##0" + 44 * "." + "#"]
    ((holder, host, run_id),) = site.rows("select holder, host, id from run")
    assert told[4].startswith(f"  periods 1-3,48 (4 stacks) by {holder} on {host}, ")
    assert told[4].endswith(f"; the oldest answer is less than a minute old (run {run_id})")
    assert told[-2:] == [
        "Missing: periods 4-47 are not staged",
        f"Next: reingest date {DATE} --stage 4-47 --side bid",
    ]
    (listed,) = site.reingest("status", "--staged", "--json").json
    assert (listed["settlement_date"], listed["periods"], listed["stacks"]) == (str(DATE), 4, 4)


def test_what_cannot_be_published_as_it_was_staged_is_asked_again(published: Site, elexon: StandIn) -> None:
    """A stack that the system prices of now contradict, or that the archive here lacks, is asked again, and told."""
    assert stage(published, "1-48").exit_code == 0
    elexon.restate(DATE, period=1, side="bid", unit="T_HILLW-1", volume_factor="2")
    named = """select payload_sha256 from staged_stack join "fetch" on "fetch".id = fetch_id"""
    sha256 = published.value(f"{named} where (staged_stack.period, staged_stack.side) = (48, 'bid')")
    (file,) = published.home.rglob(f"{sha256}*")
    file.unlink()
    elexon.reset()
    ran = publish(published)
    assert (ran.exit_code, ran.json["outcome"]) == (0, "published"), ran.err
    assert stacks_asked(elexon) == [("bid", 1), ("bid", 48), ("offer", 1)]  # a period's system prices speak of both
    assert any("2 of the stacks taken (periods 1) were outdated" in note for note in ran.json["notes"])
    assert "period 48 bid was asked again: its staged answer is not in the archive here" in ran.json["notes"]
    assert set(ran.json["diff"]["by_period"]) == {"1"}
    assert staged(published) is None


def test_an_unpublished_period_is_missing_until_it_is_an_accepted_gap(site: Site, elexon: StandIn) -> None:
    """It completes the date once a person accepted it; where Elexon has it at the publish all the same, it is asked."""
    site.settings["REINGEST_WITNESSES"] = "off"  # they know of the period
    elexon.script([{"kind": "no_rows", "dataset": ["ISPSTACK", "DISEBSP"], "periods": 48}])
    ran = stage(site, "1-48", "--side", "bid")
    assert ran.json["outcomes"]["not_published"] == 1
    assert ran.json["staged"]["missing"] == [{"period": 48, "side": "bid", "why": "not_published"}]
    assert site.reingest("gaps", "accept", DATE, "--periods", "48", "--reason", "never comes").exit_code == 0
    plan = publish(site, "--plan").json
    assert (plan["decision"], plan["periods"]["not_published"]) == ("publish", 1)
    elexon.script([])
    elexon.reset()
    assert publish(site).json["outcome"] == "published"
    assert stacks_asked(elexon) == [("bid", 48)]


def test_a_held_publish_keeps_what_is_staged_until_a_person_decides(site: Site, serve: Serve) -> None:
    """Held by a check, a date (here of 46 periods) stays staged; what its held version names is not once published."""
    site.elexon_url = serve(TINY_DAY).url
    assert stage(site, "45-47", day=TINY_DATE).error["code"] == "bad_usage"
    assert stage(site, "1-46", "--side", "bid", day=TINY_DATE).json["staged"]["complete"]
    assert site.reingest("expected", "set", TINY_DATE, "--energy", "1").exit_code == 0
    ran = publish(site, day=TINY_DATE)
    assert (ran.exit_code, ran.json["outcome"], ran.json["sides"]) == (1, "held", ["bid"])
    assert staged(site, TINY_DATE)["complete"]
    assert publish(site, "--version", 1, "--reason", "it is right", day=TINY_DATE).exit_code == 0
    assert staged(site, TINY_DATE) is None


def test_a_failed_period_is_told_and_not_staged(site: Site, elexon: StandIn) -> None:
    """What could not be had ends the run as partial, named with its next command; the rest is staged all the same."""
    elexon.script([{"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": 2}])
    ran = stage(site, "1-4", "--side", "bid")
    assert (ran.exit_code, ran.error["code"], ran.error["period"]) == (4, "partial", 2)
    assert "3 of 4 stacks were staged" in ran.error["message"]
    assert ran.error["next"] == f"reingest date {DATE} --stage 2 --side bid"
    assert [one["period"] for one in staged(site)["periods"]] == [1, 3, 4]
    nothing = stage(site, "2", "--side", "bid", "--fresh")
    assert (nothing.error["code"], nothing.error["next"]) == ("source_refused", ran.error["next"])
    elexon.script([])
    elexon.reset()
    assert stage(site, "1-4", "--side", "bid").exit_code == 0
    assert stacks_asked(elexon) == [("bid", 2), ("bid", 3), ("bid", 4)]  # empty answers are worth a request
    elexon.reset()
    assert stage(site, "1", "--side", "bid").exit_code == 0
    assert stacks_asked(elexon) == [("bid", 1)]


def test_two_stage_a_date_at_once_and_a_killed_one_loses_only_what_it_had_not_fetched(
    site: Site, elexon: StandIn
) -> None:
    """Stage runs go on side by side; what one fetched before it is killed stays, and a re-run asks for the rest."""
    elexon.script([{"kind": "latency", "ms": 60_000, "periods": "3-4", "dataset": "ISPSTACK"}])
    run = site.start("date", DATE, "--stage", "1-4", "--json")
    wait_for(lambda: site.value("select count(*) from staged_stack") == 4, 30)
    assert stage(site, "5-6").json["staged"]["ready"] == 4
    assert site.reingest("doctor", "--quick").exit_code == 0
    run.send(SIGKILL)
    run.finish()
    elexon.script([])
    elexon.reset()
    ran = stage(site, "1-4")
    assert any("taken from run" in note for note in ran.json["notes"])
    assert stacks_asked(elexon) == [("bid", 3), ("bid", 4), ("offer", 3), ("offer", 4)]
    assert staged(site)["ready"] == 6


def test_staging_again_replaces_and_an_older_answer_does_not(site: Site, elexon: StandIn) -> None:
    """A period staged again has the new answer; a slower run that comes late with an older one changes nothing."""
    assert stage(site, "1", "--side", "bid").exit_code == 0
    (old,) = staged(site)["periods"]
    elexon.restate(DATE, period=1, side="bid", volume_factor="2")
    assert stage(site, "1", "--side", "bid").exit_code == 0
    (new,) = staged(site)["periods"]
    assert new["run_id"] != old["run_id"]
    first_fetch = site.value("""select min(id) from "fetch" where dataset = 'ISPSTACK'""")
    with connect(site.database_url, purpose="test") as connection:
        stage_answer(
            connection, site.value("select id from run order by started_at limit 1"), first_fetch, "fetched", 3
        )
    assert [one["run_id"] for one in staged(site)["periods"]] == [new["run_id"]]


def test_what_is_served_by_newer_answers_overtakes_what_is_staged(published: Site, elexon: StandIn) -> None:
    """A run that publishes meanwhile leaves what is staged there, as older than what is served; it is not published."""
    assert stage(published, "1-48").exit_code == 0
    elexon.restate(DATE, period=1, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--periods", "1-3").json["outcome"] == "published"
    shown = staged(published)
    assert {(one["period"], one["why"]) for one in shown["missing"]} == {(number, "overtaken") for number in (1, 2, 3)}
    refused = publish(published)
    assert (refused.exit_code, refused.error["next"]) == (2, f"reingest date {DATE} --stage 1-3")
    assert "periods 1-3 are older than what is served" in refused.error["message"]
    assert stage(published, "1-3").json["staged"]["complete"]
    assert publish(published).json["outcome"] == "unchanged"
    assert staged(published) is None
    assert published.states(DATE) == {1: "superseded", 2: "published"}


def test_what_is_staged_is_dropped_with_a_reason(site: Site) -> None:
    """`purge staged` drops periods, or all, on the record; a week-old staging is a finding that names the command."""
    assert stage(site, "1-4", "--side", "bid").exit_code == 0
    site.rows("update staged_stack set staged_at = staged_at - interval '8 days'")
    (finding,) = site.reingest("doctor", "--quick", "--json").json["findings"]
    assert (finding["id"], finding["command"]) == (
        "staged-waiting",
        f"reingest purge staged {DATE} --yes --reason TEXT",
    )
    words = ("purge", "staged", DATE, "--reason", "a trial", "--yes", "--json")
    assert site.reingest(*words, "--periods", "1", "--plan").json["takes"] == [[1, "bid"]]
    assert site.reingest(*words, "--periods", "1").json["dropped"] == [[1, "bid"]]
    assert len(staged(site)["periods"]) == 3
    assert site.reingest(*words).exit_code == 0
    assert staged(site) is None
    assert site.reingest("purge", "staged", DATE, "--reason", " ", "--yes").exit_code == 2
    assert site.rows("select action, reason from operator_action") == [("drop_staged", "a trial")] * 2


def test_a_reset_of_state_forgets_what_is_staged(site: Site) -> None:
    """A reset of operations leaves what is staged; after `reset state` nothing is."""
    assert stage(site, "1-4", "--side", "bid").exit_code == 0
    meant = ("--reason", "anew", "--i-understand", "--no-backup", "--json")
    assert site.reingest("reset", "ops", *meant).exit_code == 0
    assert len(staged(site)["periods"]) == 4
    assert site.reingest("reset", "state", DATE, *meant).json["rows"]["staged_stack"] == 4
    assert staged(site) is None


def test_a_test_batch_of_a_date_never_published_writes_nothing_that_is_served(site: Site) -> None:
    """`--plan --periods 1-4` asks four periods, and leaves the date as unknown as it was."""
    counts = site.row_counts()
    plan = site.date(DATE, "--plan", "--periods", "1-4")
    assert (plan.exit_code, plan.json["outcome"], plan.json["periods"]["not_asked"]) == (0, "planned", 44)
    assert {table for table, count in site.row_counts().items() if count != counts[table]} == MAY_GROW
    assert (site.dump(DATE), site.states(DATE), site.generation(DATE), staged(site)) == ("", {}, 0, None)


def test_what_a_stage_run_cannot_do_is_refused(site: Site) -> None:
    """A stage run publishes nothing, so what speaks of a publish is refused, with nothing begun."""
    for words in (
        ("1-4", "--plan"),
        ("1-4", "--periods", "1-4"),
        ("1-4", "--source", "archive"),
        ("1-4", "--expect-energy", "1"),
        ("1-4", "--via", "prefect"),
        ("1-4", "--out", "plan.json"),
        ("",),
    ):
        assert site.date(DATE, "--stage", *words).error["code"] == "bad_usage", words
    assert site.runs() == []
