"""Ranges by the command line: every date ends somehow, none stops another, and what breaks off is resumed."""

import re
import threading
from datetime import date, timedelta
from signal import SIGCONT, SIGINT, SIGKILL
from typing import Any, Final

import pytest

from reingest.clock import utc_now
from reingest.operations.ranges.choosing import Only, choice_of, choose_dates
from reingest.spans import settlement_span
from reingest.standin.server import StandIn
from reingest.store.database import connect
from reingest.store.leases import hold_lease
from reingest.store.runs import Run
from tests.support.days import CALM_DATE, DATE, NEXT_DATE, Row, of_date
from tests.support.sites import NOWHERE, Ran, Serve, Site
from tests.support.versions import Store

DATES: Final = (DATE, NEXT_DATE, CALM_DATE)
FEW: Final[tuple[Row, ...]] = (
    (DATE, 1, "bid", 1, "T_HILLW-1", 1001, -1, "true", "-50.25", "-10.5"),
    (DATE, 2, "bid", 1, "E_MOORW-1", 2001, -1, "false", "12.5", "-4"),
)
THREE: Final = ("range", DATE, CALM_DATE, "--side", "bid", "--yes", "--json")
TOLD: Final = "select kind, subject from notice order by id"
FAIL_THE_SECOND: Final[dict[str, Any]] = {
    "kind": "status", "status": 500, "dataset": "ISPSTACK", "dates": NEXT_DATE.isoformat(), "periods": 7,
}  # fmt: skip


@pytest.fixture
def elexon(serve: Serve) -> StandIn:
    """Return an Elexon that publishes two rows on three dates."""
    return serve(tuple(row for day in DATES for row in of_date(day, FEW)))


def test_a_failed_date_stops_no_other(site: Site, elexon: StandIn) -> None:
    """Every date of a range is run; the summary and the exit code tell which failed, with code and next command."""
    elexon.script([FAIL_THE_SECOND])
    ran = site.reingest(*THREE)
    assert (ran.exit_code, ran.json["state"]) == (4, "done"), ran.err
    assert outcomes(ran) == ["published", "partial", "published"]
    failed = ran.json["dates"][1]
    assert (failed["error"]["code"], failed["error"]["next"]) == ("partial", f"reingest date {NEXT_DATE}")
    assert changes(ran, 0)["energy_mwh", "so_flagged"] == (None, "10.5")
    assert changes(ran, 0)["payment_gbp", "all_bids"] == (None, "477.625")
    assert site.rows(TOLD) == [("range_ended", "Range ended: 2 published, 1 partial")]
    lines = site.reingest("range", "show", ran.json["range_id"]).out
    assert "done; 2 published, 1 partial" in lines
    elexon.script([])
    again = site.reingest(*THREE, "--only", "failed")
    assert [(one["settlement_date"], one["outcome"]) for one in again.json["dates"]] == [(str(NEXT_DATE), "published")]
    assert site.reingest(*THREE, "--only", "failed", "--only", "missing").out == ""


def test_what_changes_is_told_exactly(site: Site, elexon: StandIn) -> None:
    """A range over dates that are served tells which figures moved, from what to what; the others are unchanged."""
    site.reingest(*THREE)
    elexon.restate(NEXT_DATE, unit="T_HILLW-1", volume_factor="2")
    planned = site.reingest(*THREE, "--plan", "--backwards")
    assert outcomes(planned) == ["planned"] * 3
    assert site.states(NEXT_DATE) == {1: "published"}
    ran = site.reingest(*THREE)
    assert outcomes(ran) == ["unchanged", "published", "unchanged"]
    assert site.rows(TOLD) == [("range_ended", "Range ended: 2 unchanged, 1 published")]
    assert ran.json["dates"][0]["changes"] == []
    moved = changes(ran, 1)
    assert moved["energy_mwh", "so_flagged"] == ("10.5", "21")
    assert moved["payment_gbp", "all_bids"] == ("477.625", "1005.25")
    assert {figure for figure, _ in moved} == {"energy_mwh", "payment_gbp", "btc:S9", "btc:S19J_PRO", "btc:M20S"}
    assert moved == changes(planned, 1)


def test_a_killed_range_is_resumed_with_the_rest_only(site: Site, elexon: StandIn) -> None:
    """A range whose process was killed is seen as interrupted; resumed, it asks for what had not ended, and no more."""
    killed = site.start(*THREE, REINGEST_CRASH_AT="after_range_date_end:2").finish()
    assert killed.exit_code == -SIGKILL
    assert [one["state"] for one in site.reingest("range", "list", "--json").json] == ["interrupted"]
    elexon.reset()
    ran = site.reingest("range", "resume", "--json")
    assert (ran.exit_code, outcomes(ran)) == (0, ["published"] * 3)
    assert {day for request in elexon.requests() for day in DATES if str(day) in request.path} == {CALM_DATE}
    assert site.reingest("range", "resume", "--json").error["code"] == "not_found"


def test_an_interrupted_range_lets_the_date_under_way_end(site: Site) -> None:
    """After Ctrl-C the date under way ends, no other begins, and the last line says how to go on."""
    words = [word for word in THREE if word != "--json"]
    command = site.start(*words, stop_at="after_fetch")
    command.wait_until_stopped()
    command.send(SIGINT)
    command.send(SIGCONT)
    ran = command.finish()
    assert ran.exit_code == 130, ran.err
    assert "interrupted; 2 pending, 1 published" in ran.out
    following = ran.out.splitlines()[-1]
    assert re.fullmatch(r"  Next: reingest range resume [0-9a-f-]{36}", following)
    resumed = site.reingest(*following.split()[2:], "--json")
    assert (resumed.exit_code, outcomes(resumed)) == (0, ["published"] * 3)


def test_a_silent_source_stops_the_range(site: Site, elexon: StandIn) -> None:
    """Where nothing is heard of three dates one after the other the range stops, and none of them counts as run."""
    served, site.elexon_url = site.elexon_url, NOWHERE
    ran = site.reingest(*THREE)
    assert (ran.exit_code, ran.json["state"], ran.json["error"]["code"]) == (4, "interrupted", "source_silent")
    assert outcomes(ran) == [None] * 3
    assert site.rows(TOLD) == [("range_ended", "Range interrupted: 3 pending")]
    site.elexon_url = served
    assert outcomes(site.reingest("range", "resume", "--json")) == ["published"] * 3


def test_a_locked_date_is_run_at_the_end(site: Site) -> None:
    """A date that another run holds is left for last, and run then; the lease is free by that time."""
    found_locked = "select count(*) from range_date where locked_before"
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_lease(site.database_url, DATE, Run("reingest").holder, 60):
            held.set()
            while not done.is_set() and not site.value(found_locked):
                done.wait(0.01)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    try:
        ran = site.reingest(*THREE)
    finally:
        done.set()
        holder.join()
    assert (ran.exit_code, outcomes(ran)) == (0, ["published"] * 3)
    order = site.rows("select settlement_date from range_date order by ended_at")
    assert [day for (day,) in order] == [NEXT_DATE, CALM_DATE, DATE]


def test_the_card_says_what_a_range_costs(site: Site) -> None:
    """Before a range runs it says how many dates, requests, minutes and bytes, and by what it estimates them."""
    ran = site.reingest("range", DATE, CALM_DATE, "--side", "bid", "--plan", "--yes")
    card = ran.out.partition("Range ")[0]
    assert card.startswith("3 dates, 2024-01-15 to 2024-01-17, to be planned; nothing that is served changes")
    for said in ("requests  153 to", "rows ", "archive ", "this database has too few to go by"):
        assert said in card, card
    assert "  2024-01-15  would be published  10.500 MWh, £527.62 (so_flagged), the first" in ran.out
    assert site.rows("select count(*) from version") == [(0,)]


def test_dates_are_chosen_by_what_is_known_of_them(database_url: str) -> None:
    """--only takes the dates that are so, any of those named; --exclude leaves out; --backwards turns them round."""
    Store(database_url).publish()
    served = date(2024, 3, 29)
    march = settlement_span("2024-03")

    def chosen(*only: Only, backwards: bool = False) -> list[int]:
        left_out = "2024-03-01..2024-03-27,2024-03-30"
        choice = choice_of(march, None, only=only, exclude=left_out, backwards=backwards)
        with connect(database_url, purpose="test") as connection:
            return [day.day for day in choose_dates(connection, choice)]

    assert chosen() == chosen("all") == [28, served.day, 31]
    assert chosen("missing", backwards=True) == [31, 28]
    assert chosen("unverified") == [served.day]
    assert chosen("held") == chosen("stale") == chosen("failed") == chosen("provisional") == []
    assert chosen("unverified", "missing") == [28, served.day, 31]


def test_what_cannot_be_run_is_refused(site: Site) -> None:
    """A range that runs backwards, into the future, or is not written as one is refused before anything begins."""
    cases: tuple[tuple[tuple[object, ...], str], ...] = (
        ((CALM_DATE, DATE), "bad_usage"),
        ((DATE, CALM_DATE, "--exclude", "soon"), "bad_usage"),
        ((DATE, (utc_now() + timedelta(days=3)).date()), "future_date"),
        ((DATE, "--only", "red"), "bad_usage"),
        (("resume", "x"), "bad_usage"),
    )
    for words, code in cases:
        ran = site.reingest("range", *words, "--json", *(() if words[0] == "resume" else ("--yes",)))
        assert (ran.exit_code, ran.error["code"]) == (2, code), words
    assert site.rows("select count(*) from range_run") == [(0,)]


def outcomes(ran: Ran) -> list[str | None]:
    """Return how each date of the range ended, in the range's order."""
    return [one["outcome"] for one in ran.json["dates"]]


def changes(ran: Ran, position: int) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """Return what changed of a date, by figure and definition: before and after."""
    return {
        (one["figure"], one["definition"]): (one["before"], one["after"])
        for one in ran.json["dates"][position]["changes"]
    }
