"""A date that changes: restated at the source, by the register, or by a hand in the database."""

from decimal import Decimal
from typing import Any

import pytest

from reingest.curtailment.exact import exactly
from reingest.standin.server import StandIn
from tests.support.days import A_DAY, DATE, LATER_DATE, NEXT_DATE, of_date
from tests.support.sites import Serve, Site


def exact(delta: dict[str, Any]) -> tuple[Decimal, Decimal, int]:
    """Return MWh, GBP and records of a difference or of a total."""
    return Decimal(delta["energy_mwh"]), Decimal(delta["payment_gbp"]), delta["records"]


def test_a_restatement_is_published_with_its_exact_difference(published: Site, elexon: StandIn) -> None:
    """What a restatement changed stands in the diff by period and by unit, to the last digit, and nothing else does."""
    elexon.restate(DATE, period=1, side="bid", unit="T_HILLW-1", volume_factor="2")
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    row = {"id": "T_HILLW-2", "acceptanceId": "5", "bidOfferPairId": "-1", "soFlag": "true", "originalPrice": "-3"}
    elexon.restate(DATE, period=40, side="bid", rows=[row | {"volume": "-0.1"}])
    ran = published.date(DATE)
    assert (ran.json["outcome"], ran.json["version"], ran.json["generation"]) == ("published", 2, 2)
    diff = ran.json["diff"]
    assert (diff["added"], diff["removed"], diff["changed"]) == (1, 1, 2)
    by_period = {int(period): exact(deltas["all_bids"]) for period, deltas in diff["by_period"].items()}
    assert by_period == {
        1: (Decimal("11.75"), Decimal("590.4375"), 0),
        2: (Decimal(-4), Decimal(50), -1),
        40: (Decimal("0.1"), Decimal("0.3"), 1),
    }
    by_unit = {unit: exact(deltas["net"]) for unit, deltas in diff["by_unit"].items()}
    assert by_unit == {
        "T_HILLW-1": (Decimal("11.75"), Decimal("590.4375"), 0),
        "E_MOORW-1": (Decimal(-4), Decimal(50), -1),
        "T_HILLW-2": (Decimal("0.1"), Decimal("0.3"), 1),
    }
    assert published.states(DATE) == {1: "superseded", 2: "published"}


def test_month_and_year_move_by_exactly_the_difference(site: Site, serve: Serve) -> None:
    """Month and year are the sums of their dates, and a restatement of one date moves them by its own difference."""
    elexon = serve((*A_DAY, *of_date(NEXT_DATE), *of_date(LATER_DATE)))
    site.elexon_url = elexon.url
    for day in (DATE, NEXT_DATE, LATER_DATE):
        assert site.date(day).exit_code == 0
    before = {span: site.show(span) for span in ("2024-01", "2024-02", "2024")}
    assert {span: (shown["days_published"], shown["days_expected"]) for span, shown in before.items()} == {
        "2024-01": (2, 31),
        "2024-02": (1, 29),
        "2024": (3, 366),
    }
    elexon.restate(NEXT_DATE, unit="T_HILLW-2", volume_factor="1.000000001")
    diff = site.date(NEXT_DATE).json["diff"]["by_unit"]["T_HILLW-2"]
    for definition, moved in diff.items():
        for span, of_that in (("2024-01", moved), ("2024-02", dict.fromkeys(moved, 0)), ("2024", moved)):
            old, new = (exact(shown["totals"][definition]) for shown in (before[span], site.show(span)))
            with exactly():
                assert (new[0] - old[0], new[1] - old[1], new[2] - old[2]) == exact(of_that)


def test_units_of_a_month_are_counted_once(site: Site, serve: Serve) -> None:
    """A unit that is curtailed on two dates is one unit of the month."""
    site.elexon_url = serve((*A_DAY, *of_date(NEXT_DATE))).url
    for day in (DATE, NEXT_DATE):
        site.date(day)
    assert site.show("2024-01")["totals"]["net"]["bm_units"] == 3


def test_a_later_run_that_says_the_same_changes_nothing(published: Site, elexon: StandIn) -> None:
    """Later creation times and other ranks are no news: the date is unchanged."""
    gas = {"id": "T_GASP-1", "acceptanceId": "9", "bidOfferPairId": "-1", "originalPrice": "3", "volume": "-1"}
    elexon.restate(DATE, period=1, side="bid", unit="T_GASP-1", drop=True)
    elexon.restate(DATE, period=48, side="bid", rows=[gas])
    ran = published.date(DATE)
    assert (ran.json["outcome"], ran.json["rows"]) == ("unchanged", len(A_DAY))


def test_a_unit_that_is_excluded_leaves_the_date(published: Site) -> None:
    """A unit that is decided not to be wind has no records in the next version, whose register hash says why."""
    assert published.reingest("units", "exclude", "E_MOORW-1", "--reason", "it is solar").exit_code == 0
    ran = published.date(DATE)
    assert (ran.json["outcome"], ran.json["diff"]["removed"]) == ("published", 1)
    assert set(ran.json["diff"]["by_unit"]) == {"E_MOORW-1"}
    assert published.value("select count(distinct register_hash) from version") == 2
    assert published.value("select count(distinct register_id) from version") == 1
    assert published.reingest("units", "reset", "E_MOORW-1", "--reason", "it is wind").exit_code == 0
    assert published.date(DATE).json["outcome"] == "published"
    assert (
        published.rows("select register_hash from version where number in (1, 3)")
        == [(published.value("select register_hash from version where number = 1"),)] * 2
    )


def test_a_unit_that_is_included_enters_the_date(published: Site) -> None:
    """A unit that is decided to be wind has its records in the next version."""
    assert published.reingest("units", "include", "T_GASP-1", "--reason", "to try it").exit_code == 0
    ran = published.date(DATE)
    assert exact(ran.json["diff"]["by_unit"]["T_GASP-1"]["net"]) == (Decimal(30), Decimal(-1200), 1)


@pytest.mark.parametrize(
    ("tampering", "periods"),
    [
        ("update curtailment_record set volume = volume * 2 where period = 1", {"1"}),
        ("update curtailment_record set so_flag = false where period = 48", {"48"}),
        ("delete from curtailment_record where period = 2", {"2"}),
        ("update daily_summary set payment_gbp = 50518.72 where definition = 'so_flagged'", set()),
        ("update daily_unit_summary set energy_mwh = 1 where bm_unit = 'E_MOORW-1'", set()),
        ("update daily_mining set btc = 37.99 where miner_model = 'S9'", set()),
    ],
)
def test_a_date_that_was_tampered_with_is_published_from_its_payloads(
    tampering: str, periods: set[str], published: Site
) -> None:
    """Rows that no longer come to their totals, or totals that no row explains, are replaced by a new version."""
    clean = published.dump(DATE)
    published.rows(tampering)
    ran = published.date(DATE, "--source", "archive")
    assert (ran.json["outcome"], ran.json["version"]) == ("published", 2)
    assert any("the served version's totals are not what its rows come to" in note for note in ran.json["notes"])
    assert set(ran.json["diff"]["by_period"]) == periods
    assert published.dump(DATE) == clean
    assert published.date(DATE).json["outcome"] == "unchanged"
