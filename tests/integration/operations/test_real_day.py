"""What a date comes to, from the wire to what is shown: one recorded day in full, one that was added up by hand."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from reingest.standin.render import XML_SHAPES, XmlShape
from reingest.standin.server import StandIn, StandInConfig
from tests.support.curtailment import REAL_DATE, real_day_expected
from tests.support.days import ALL_BIDS, DATE, NET, SO_FLAGGED
from tests.support.sites import Serve, Site

DEFINITIONS = ("so_flagged", "all_bids", "net")
BY_HAND = {"so_flagged": SO_FLAGGED, "all_bids": ALL_BIDS, "net": NET}


@pytest.mark.parametrize("refuse", [None, "xml"], ids=["as_xml", "as_json"])
def test_the_real_day_comes_to_its_known_totals(
    refuse: str | None, database_url: str, tmp_path: Path, shared: Path
) -> None:
    """The recorded day of 2022-01-01 publishes its exact totals, by definition and by period, from either format."""
    with StandIn(StandInConfig(days=[shared / "elexon/days/2022-01-01.csv"], refuse=refuse)) as elexon:  # type: ignore[arg-type]
        site = Site(database_url, tmp_path / "home", elexon.url)
        ran = site.date(REAL_DATE)
    assert ran.json["outcome"] == "published", ran.err
    shown, expected = site.show(REAL_DATE), real_day_expected(shared)
    assert figures(shown["totals"]) == {name: expected[name] for name in DEFINITIONS}
    assert {period: figures(totals) for period, totals in shown["per_period"].items()} == expected["per_period"]
    assert bool(ran.json["notes"]) == (refuse is not None)


def test_the_day_by_hand_comes_to_its_hand_made_totals(published: Site) -> None:
    """Energy, payment and records of every definition are what a pencil makes of the rows, to the last digit."""
    shown = published.show(DATE)
    assert {name: exact(shown["totals"][name]) for name in DEFINITIONS} == BY_HAND
    assert {name: (figures["bm_units"], figures["periods"]) for name, figures in shown["totals"].items()} == {
        "so_flagged": (2, 2),
        "all_bids": (3, 3),
        "net": (3, 3),
    }
    assert shown["periods"] == {
        "expected": 48,
        "fetched": 3,
        "confirmed_empty": 45,
        "not_published": 0,
        "failed": 0,
        "not_asked": 0,
    }


def test_totals_by_unit_carry_the_lead_party(published: Site) -> None:
    """Each unit's own totals stand beside its lead party, and a unit that pays has a negative payment."""
    rows = published.rows(
        "select bm_unit, lead_party, energy_mwh, payment_gbp, records from day_unit"
        " where settlement_date = %s and definition = 'net' order by 1",
        DATE,
    )
    assert rows == [
        ("E_MOORW-1", "Moor Wind plc", Decimal(4), Decimal(-50), 1),
        ("T_HILLW-1", "Hill Wind Ltd", Decimal("11.25"), Decimal("565.3125"), 3),
        (
            "T_HILLW-2",
            "Hill Wind Ltd",
            Decimal("0.123456789012345678"),
            Decimal("8.641975230864197583456789012345678"),
            1,
        ),
    ]


def test_mining_is_what_fractions_make_of_the_formula(published: Site) -> None:
    """BTC of each miner is energy / power x hashrate / (difficulty x 2^32) x reward, period by period."""
    hardware = {"S19J_PRO": ("100", 3050), "S9": ("13.5", 1323), "M20S": ("68", 3360)}
    difficulty = Fraction(published.value("select distinct difficulty from mining_rate"))
    mined = published.show(DATE)["mining"]["so_flagged"]
    assert difficulty == Fraction("73197634206448.34")  # in force from 2024-01-06 to 2024-01-20
    for model, (terahashes, watts) in hardware.items():
        seconds = Fraction(SO_FLAGGED[0]) * 1_000_000 * 3600 / watts
        expected = seconds * Fraction(terahashes) * 10**12 / (difficulty * 2**32) * Fraction("6.25")
        # Two periods are curtailed, and each is rounded once, by at most half of 10^-18.
        assert -Fraction(1, 10**18) <= Fraction(mined[model]) - expected <= Fraction(1, 10**18)


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_every_shape_of_xml_gives_the_same_content(shape: XmlShape, published: Site, serve: Serve) -> None:
    """Each XML shape that may come gives what plain XML gave, so nothing changes."""
    published.elexon_url = serve(xml_shape=shape).url
    assert published.date(DATE).json["outcome"] == "unchanged"


def test_json_gives_the_same_content_as_xml(published: Site, serve: Serve) -> None:
    """Where XML is refused, JSON is taken, said, and the same to the last digit."""
    published.elexon_url = serve(refuse="xml").url
    ran = published.date(DATE)
    assert ran.json["outcome"] == "unchanged"
    assert "JSON was taken where XML was asked" in ran.json["notes"][0]


@pytest.mark.parametrize("day", [date(2025, 3, 30), date(2025, 10, 26)], ids=["of_46_periods", "of_50_periods"])
def test_a_generated_day_is_the_same_in_xml_and_json(day: date, database_url: str, tmp_path: Path) -> None:
    """A clock-change date has every period of the calendar, in either format, and 17-digit numbers change nothing."""
    site = Site(database_url, tmp_path / "home")
    with StandIn(StandInConfig(generate=11, small=True)) as elexon:
        site.elexon_url = elexon.url
        first = site.date(day).json
        asked = [seen.path for seen in elexon.requests() if "/stack/" in seen.path]
    with StandIn(StandInConfig(generate=11, small=True, refuse="xml")) as elexon:
        site.elexon_url = elexon.url
        second = site.date(day).json
    count = {date(2025, 3, 30): 46, date(2025, 10, 26): 50}[day]
    assert (first["outcome"], second["outcome"]) == ("published", "unchanged")
    assert first["periods"]["expected"] == sum(site.show(day)["periods"].values()) - count == count
    assert len(asked) == 2 * count
    assert first["records"] > 0


def figures(totals: Mapping[str, Any]) -> dict[str, Any]:
    keys = ("records", "energy_mwh", "payment_gbp", "bm_units", "periods")
    return {name: {key: of[key] for key in keys} for name, of in totals.items()}


def exact(figures: Mapping[str, Any]) -> tuple[Decimal, Decimal, int]:
    return Decimal(figures["energy_mwh"]), Decimal(figures["payment_gbp"]), figures["records"]
