"""Reconciliation: planted restatements, missing, provisional, stale and held dates, policy by policy."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from reingest.clock import FixedClock, use_clock
from reingest.standin.server import StandIn
from tests.support.days import TINY_DAY, of_date
from tests.support.sites import NOWHERE, Ran, Serve, Site
from tests.support.small_sites import DATES, ONE, ROWS, THREE, TWO, heard_long_ago

FIRST_RUN = timedelta(minutes=14)


@pytest.fixture
def elexon(serve: Serve) -> StandIn:
    """Return an Elexon that publishes the three dates."""
    return serve(ROWS)


@pytest.fixture
def site(small: Site) -> Site:
    """Return a site that serves two dates of the three, the second heard so long ago that it is due for D+31."""
    heard_long_ago(small, TWO)
    return small


def verdicts(ran: Ran) -> dict[date, tuple[str, str | None]]:
    """Return why each date was due, and the verdict."""
    return {date.fromisoformat(one["settlement_date"]): (one["reason"], one["verdict"]) for one in ran.json["dates"]}


def told(site: Site) -> list[tuple[str, Any]]:
    """Return the kind of each notice, with the dates that it lists."""
    found = site.rows("select kind, detail from notice order by id")
    return [(kind, [one["settlement_date"] for one in detail["dates"]]) for kind, detail in found]


def test_a_restated_date_is_repaired_and_told_of_once(site: Site, elexon: StandIn) -> None:
    """What differs is served, the verdict has the exact change and its periods, and one notice lists it."""
    heard_long_ago(site)
    elexon.restate(TWO, period=1, unit="T_HILLW-1", volume_factor="2")
    ran = site.reingest("reconcile", "--json")
    assert (ran.exit_code, verdicts(ran)) == (0, {TWO: ("D+31", "repaired"), ONE: ("D+31", "same")}), ran.err
    repaired = ran.json["dates"][0]
    assert repaired["energy_mwh"] == {
        "before": "10.623456789012345678", "after": "21.123456789012345678", "change": "10.5",
    }  # fmt: skip
    assert repaired["payment_gbp"]["change"] == "527.625"
    assert repaired["periods"] == [1]
    assert {Decimal(btc["change"]) > 0 for btc in repaired["btc"].values()} == {True}
    assert site.states(TWO) == {1: "superseded", 2: "published"}
    assert site.value("select sides from version where number = 2") == ["bid"]
    assert told(site) == [("history_changed", [TWO.isoformat()])]
    elexon.reset()
    again = site.reingest("reconcile")
    assert (again.exit_code, again.out) == (0, "Nothing is due.\n")
    assert elexon.requests() == []


def test_a_report_changes_nothing_and_is_taken_up_by_a_repair(site: Site, elexon: StandIn) -> None:
    """By the policy report a difference is told of and left, once; it is due as soon as a repair is wanted."""
    before = site.dump(TWO)
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="2")
    ran = site.reingest("reconcile", "--plan", "--json")
    assert (ran.exit_code, verdicts(ran)) == (1, {TWO: ("D+31", "changed")})
    assert (ran.json["dates"][0]["energy_mwh"]["change"], ran.json["dates"][0]["periods"]) == ("10.5", [1])
    assert ran.json["dates"][0]["next"] == f"reingest date {TWO}"
    assert (site.dump(TWO), site.states(TWO)) == (before, {1: "published"})
    assert told(site) == [("history_changed", [TWO.isoformat()])]
    assert site.reingest("reconcile", "--policy", "report").out == "Nothing is due.\n"
    ran = site.reingest("reconcile", "--json")
    assert (ran.exit_code, verdicts(ran)) == (0, {TWO: ("reported", "repaired")})
    assert site.reingest("reconcile").out == "Nothing is due.\n"


def test_a_change_beyond_the_limit_is_held_and_told_of_once(site: Site, elexon: StandIn) -> None:
    """Within the limits a date is repaired, beyond them held for a person; one that stays held is no news again."""
    heard_long_ago(site)
    elexon.restate(ONE, unit="T_HILLW-1", volume_factor="1.5")
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="0.1")
    within = ("reconcile", "--within-payment", "263.8125", "--within-energy", "9", "--json")
    ran = site.reingest(*within)
    assert (ran.exit_code, verdicts(ran)) == (1, {TWO: ("D+31", "held"), ONE: ("D+31", "repaired")}), ran.err
    held = ran.json["dates"][0]
    assert (held["energy_mwh"]["change"], held["version"]) == ("-9.45", 2)
    assert held["next"] == f"reingest publish {TWO} --version 2 --reason TEXT"
    assert site.states(TWO) == {1: "published", 2: "held"}
    news = [("history_changed", [ONE.isoformat()]), ("date_held", [TWO.isoformat()])]
    assert told(site) == news
    heard_long_ago(site, TWO)
    ran = site.reingest(*within)
    assert verdicts(ran) == {TWO: ("held", "held")}
    assert (site.states(TWO), told(site)) == ({1: "published", 2: "held"}, news)
    assert site.reingest("publish", TWO, "--version", 2, "--reason", "Elexon confirmed it").exit_code == 0
    assert site.reingest("reconcile").out == "Nothing is due.\n"


def test_a_missing_date_is_published(small: Site) -> None:
    """A date of the window that is not served is due from D+2 on: a plan says so, a repair of any limits has it."""
    with use_clock(FixedClock(datetime(2024, 4, 4, 1, tzinfo=UTC))):
        window = {"REINGEST_RECONCILE_WINDOW_DAYS": "2"}
        due = small.reingest("reconcile", "--due", "--csv", **window)
        assert due.out.splitlines()[1] == "2024-04-02,missing,2024-04-04T01:00:00Z"
        ran = small.reingest("reconcile", "--plan", "--json", **window)
        assert (ran.exit_code, verdicts(ran)) == (1, {THREE: ("missing", "missing")})
        ran = small.reingest("reconcile", "--within-payment", "0", "--json", **window)
        assert (ran.exit_code, verdicts(ran)) == (0, {THREE: ("missing", "published")})
    assert small.states(THREE) == {1: "published"}
    assert told(small) == []


def test_a_provisional_date_becomes_final(small: Site, serve: Serve) -> None:
    """A date of Elexon's first run is due when the second one is, and is final after it, whatever it says."""
    small.elexon_url = serve(of_date(THREE, TINY_DAY), created_after=FIRST_RUN).url
    assert small.date(THREE, "--side", "bid").json["provisional"] is True
    heard_long_ago(small, THREE)
    small.elexon_url = serve(ROWS).url
    ran = small.reingest("reconcile", "--json")
    assert verdicts(ran) == {THREE: ("provisional", "same")}
    assert small.show(THREE)["provisional"] is False


def test_a_stale_date_is_rebuilt(small: Site) -> None:
    """A date whose figures the register would change is due at once, and is served by the register of now."""
    assert small.reingest("units", "exclude", "T_HILLW-2", "--reason", "it is solar").exit_code == 0
    ran = small.reingest("reconcile", "--json")
    assert verdicts(ran) == {TWO: ("stale", "repaired"), ONE: ("stale", "repaired")}
    assert ran.json["dates"][0]["periods"] == [46]
    assert told(small) == [("history_changed", [TWO.isoformat(), ONE.isoformat()])]


def test_a_held_date_is_published_once_its_cause_is_gone(site: Site, elexon: StandIn) -> None:
    """A date that a check held is asked again, and is served when the check passes."""
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="2")
    assert site.reingest("expected", "set", TWO, "--energy", "1").exit_code == 0
    assert verdicts(site.reingest("reconcile", "--json"))[TWO] == ("D+31", "held")
    assert site.reingest("expected", "retire", TWO).exit_code == 0
    heard_long_ago(site, TWO)
    assert verdicts(site.reingest("reconcile", "--json"))[TWO] == ("held", "repaired")


def test_what_could_not_be_asked_stays_due(site: Site, elexon: StandIn) -> None:
    """A date that the source refuses is failed, with its error and exit code, told of, and due again."""
    elexon.script([{"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": "3", "dates": str(TWO)}])
    ran = site.reingest("reconcile", "--json")
    assert (ran.exit_code, verdicts(ran)) == (4, {TWO: ("D+31", "failed")})
    assert ran.json["dates"][0]["error"]["code"] == "partial"
    assert told(site) == [("date_failed", [TWO.isoformat()])]
    elexon.script([])
    assert verdicts(site.reingest("reconcile", "--json")) == {TWO: ("D+31", "same")}


def test_a_silent_source_breaks_it_off_and_people_are_told(site: Site) -> None:
    """Where nothing is heard of several dates nothing is judged of them: they stay due, and a notice says why."""
    assert site.date(THREE, "--side", "bid").exit_code == 0
    heard_long_ago(site)
    site.elexon_url = NOWHERE
    ran = site.reingest("reconcile")
    assert ran.exit_code == 4
    assert "3 unjudged. What was not come to stays due." in ran.out
    ((kind, subject),) = site.rows("select kind, subject from notice")
    assert (kind, "3 of 3 dates not compared" in subject) == ("range_ended", True)
    assert len(site.reingest("reconcile", "--due", "--json").json) == len(DATES)


def test_a_killed_reconciliation_is_finished_by_the_next(site: Site, elexon: StandIn) -> None:
    """One that was killed after a publish, before it could say so, is gone on with, and the change is told of."""
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="2")
    killed = site.start("reconcile", REINGEST_CRASH_AT="after_publish_commit").finish()
    assert (killed.exit_code, site.states(TWO), told(site)) == (-SIGKILL, {1: "superseded", 2: "published"}, [])
    ran = site.reingest("reconcile", "--json")
    assert verdicts(ran) == {TWO: ("D+31", "repaired")}
    assert ran.json["dates"][0]["energy_mwh"]["change"] == "10.5"
    assert told(site) == [("history_changed", [TWO.isoformat()])]
    assert site.value("select count(*) from reconciliation") == 1
    assert site.states(TWO) == {1: "superseded", 2: "published"}


def test_past_reconciliations_are_shown(site: Site, elexon: StandIn) -> None:
    """The list counts verdicts, and one is shown as a calendar with its dates; an id that is none is refused."""
    elexon.restate(TWO, unit="T_HILLW-1", volume_factor="2")
    assert "1 repaired. Next: reingest reconcile show" in site.reingest("reconcile").out
    (listed,) = site.reingest("reconcile", "list", "--json").json
    assert (listed["state"], listed["verdicts"]) == ("done", {"repaired": 1})
    shown = site.reingest("reconcile", "show").out.splitlines()
    assert f"2024-04  R{'·' * 29}" in shown
    assert site.reingest("reconcile", "show", listed["id"], "--json").json["dates"][0]["verdict"] == "repaired"
    assert site.reingest("reconcile", "show", "00000000-0000-0000-0000-000000000000").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--plan", "--policy", "repair"),
        ("--plan", "--within-payment", "5"),
        ("--policy", "report", "--within-energy", "5"),
        ("--within-energy", "-1"),
        ("--within-payment", "much"),
    ],
)
def test_a_policy_that_means_nothing_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    """A plan that repairs, limits without a repair, and limits that are none are refused with 2."""
    assert Site(NOWHERE, tmp_path).reingest("reconcile", *words).exit_code == 2


def test_settlement_runs_are_enabled_with_a_reason(site: Site) -> None:
    """None is enabled as shipped; one that is enabled counts from then on, and the decision is on the record."""
    rows = site.reingest("reconcile", "runs", "--json").json
    assert [(row["name"], row["enabled"]) for row in rows][0::6] == [("II", False), ("DF", False)]
    assert not any(row["enabled"] for row in rows)
    assert site.reingest("reconcile", "runs", "--enable", "SF").exit_code == 2
    assert site.reingest("reconcile", "runs", "--enable", "XX", "--reason", "why not").exit_code == 2
    ran = site.reingest("reconcile", "runs", "--enable", "R3", "--reason", "to see whether it changes stacks", "--json")
    assert [row["name"] for row in ran.json if row["enabled"]] == ["R3"]
    assert site.rows("select action, detail from operator_action") == [("enable_settlement_runs", {"names": ["R3"]})]
    due = site.reingest("reconcile", "--due", "--json").json
    assert {one["reason"] for one in due} == {"R3"}
