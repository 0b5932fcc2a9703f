"""Rows that a newer answer no longer has: when they are told as gone, when as back, and when not at all."""

from typing import Any, Final

from reingest.standin.server import StandIn
from tests.support.days import DATE
from tests.support.sites import Site

MOOR: Final = {"id": "E_MOORW-1", "acceptanceId": "2001", "bidOfferPairId": "-1", "soFlag": "false"}
"""The one wind row of period 2, as the stand-in takes new rows."""


def publish(site: Site, *words: object) -> int:
    """Publish what Elexon says now; return the version's number."""
    ran = site.date(DATE, "--fresh", *words)
    assert ran.json["outcome"] == "published", ran.out
    return int(ran.json["version"])


def gone(site: Site) -> list[tuple[Any, ...]]:
    """Return the tombstones: period, side, unit, volume, and the versions it came, went and came back with."""
    ran = site.reingest("history", DATE, "--tombstones", "--json")
    assert ran.exit_code == 0, ran.err
    names = ("period", "side", "bm_unit", "volume", "came_with", "gone_with", "back_with")
    return [tuple(one[name] for name in names) for one in ran.json]


def causes(site: Site) -> list[tuple[Any, ...]]:
    """Return unit, version and cause of each row that went, as SQL tells them."""
    query = "select bm_unit, gone_with, gone_because from record_history(%s) where gone_with is not null order by 2, 1"
    return site.rows(query, DATE)


def test_a_row_goes_and_comes_back(published: Site, elexon: StandIn) -> None:
    """A row that a newer answer lacks has a tombstone, which ends with the version that has the row again."""
    site = published
    assert gone(site) == []
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    publish(site)
    assert gone(site) == [(2, "bid", "E_MOORW-1", "-4", 1, 2, None)]
    elexon.restate(DATE, period=2, side="bid", rows=[MOOR | {"originalPrice": "12.5", "volume": "-4"}])
    publish(site)
    assert gone(site) == [(2, "bid", "E_MOORW-1", "-4", 1, 2, 3)]


def test_a_row_that_says_something_else_is_not_gone(published: Site, elexon: StandIn) -> None:
    """A row with another volume is changed; one that comes back with another price is back all the same."""
    site = published
    elexon.restate(DATE, period=1, side="bid", unit="T_HILLW-1", volume_factor="2")
    publish(site)
    assert gone(site) == []
    assert causes(site) == [("T_HILLW-1", 2, "changed")] * 2
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    publish(site)
    elexon.restate(DATE, period=2, side="bid", rows=[MOOR | {"originalPrice": "11", "volume": "-4"}])
    publish(site)
    assert gone(site) == [(2, "bid", "E_MOORW-1", "-4", 1, 3, 4)]


def test_what_was_not_asked_is_not_gone(published: Site, elexon: StandIn) -> None:
    """Offers that a version of bids did not ask for have no tombstone; the next answer that has none of them does."""
    site = published
    publish(site, "--side", "bid", "--force")
    assert gone(site) == []
    elexon.restate(DATE, period=1, side="offer", unit="T_HILLW-1", drop=True)
    publish(site)
    assert gone(site) == [(1, "offer", "T_HILLW-1", "0.5", 1, 3, None)]


def test_other_periods_of_a_run_are_not_gone(published: Site, elexon: StandIn) -> None:
    """A run of one period carries the others over from the same answers, and takes none of their rows away."""
    site = published
    elexon.restate(DATE, unit="T_HILLW-1", drop=True)
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    publish(site, "--periods", "2")
    assert [one[0] for one in gone(site)] == [2]


def test_what_the_register_takes_away_is_not_gone(published: Site, elexon: StandIn) -> None:
    """Rows of a unit that no longer counts as wind have no tombstone, whether the answer is the same or a newer one."""
    site = published
    assert site.reingest("units", "exclude", "E_MOORW-1", "--reason", "a trial").exit_code == 0
    publish(site)
    assert causes(site) == [("E_MOORW-1", 2, "same_answer")]
    assert site.reingest("units", "exclude", "T_HILLW-2", "--reason", "a trial").exit_code == 0
    elexon.restate(DATE, period=48, unit="T_HILLW-2", volume_factor="2")
    elexon.restate(DATE, period=1, side="offer", unit="T_HILLW-1", drop=True)
    publish(site)
    assert causes(site)[1:] == [
        ("T_HILLW-1", 3, "newer_answer"), ("T_HILLW-2", 3, "register"), ("T_HILLW-2", 3, "register"),
    ]  # fmt: skip
    assert [one[2] for one in gone(site)] == ["T_HILLW-1"]


def test_a_restore_takes_no_row_for_gone(published: Site, elexon: StandIn) -> None:
    """What an older version lacks is not gone when that one is restored; what a restore has again is back."""
    site = published
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    row = MOOR | {"id": "T_HILLW-2", "acceptanceId": "7", "originalPrice": "-3", "volume": "-1"}
    elexon.restate(DATE, period=40, side="bid", rows=[row])
    publish(site)
    assert site.reingest("restore", DATE, "--version", 1, "--reason", "it was right").exit_code == 0
    assert gone(site) == [(2, "bid", "E_MOORW-1", "-4", 1, 2, 3)]
    assert causes(site)[1:] == [("T_HILLW-2", 3, "older_answer")]


def test_history_tells_spans_and_changes(published: Site, elexon: StandIn) -> None:
    """`history` has a line for each span with what it changed, and what it says of rows that are gone."""
    site = published
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    publish(site)
    assert site.reingest("restore", DATE, "--version", 1, "--reason", "it was right").exit_code == 0
    told = site.reingest("history", DATE, "--json").json["served"]
    assert told[0]["changed"] is None
    changes = [one["changed"]["all_bids"] for one in told[1:]]
    assert [(one["energy_mwh"], one["payment_gbp"], one["records"]) for one in changes] == [
        ("-4", "50", -1), ("4", "-50", 1),
    ]  # fmt: skip
    assert [one["served"]["served_to"] for one in told[:2]] == [one["served"]["served_from"] for one in told[1:]]
    out = site.reingest("history", DATE, "--definition", "all_bids").out
    assert "restore of 1" in out
    assert "Rows that a newer answer no longer had: 1, of which 1 came back" in out
    csv = site.reingest("history", DATE, "--csv").out.splitlines()
    assert csv[0].startswith("version,how,served_from,served_to,energy_mwh,")
    assert len(csv) == 4
