"""The page that explains the figures: its worked day is what Reingest makes of the rows on it."""

import csv
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from reingest.standin.days import REQUIRED
from reingest.standin.server import StandIn, StandInConfig
from tests.support.days import write_register
from tests.support.sites import Site

PAGE = (Path(__file__).parents[3] / "docs/figures.md").read_text(encoding="utf-8")
WORKED_DATE = date(2024, 6, 5)


def table(heading: str) -> list[dict[str, str]]:
    """Return the table of the page that begins with a heading, as rows by column."""
    lines = PAGE[PAGE.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


@pytest.fixture
def worked(database_url: str, tmp_path: Path) -> Site:
    """Return a site that has published the worked day."""
    path = tmp_path / "day.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*REQUIRED, "transmissionLossMultiplier"])
        for number, row in enumerate(table("period | side"), start=1):
            period, side, unit, acceptance, pair, flag, price, volume, multiplier = row.values()
            writer.writerow(
                [WORKED_DATE, period, side, number, unit, acceptance, pair, flag, price, volume, multiplier]
            )
    site = Site(database_url, tmp_path / "home")
    with StandIn(StandInConfig(days=[path], register=write_register(tmp_path / "register.csv"))) as elexon:
        site.elexon_url = elexon.url
        assert site.date(WORKED_DATE).json["outcome"] == "published"
    return site


def test_the_worked_day_comes_to_what_the_page_says(worked: Site) -> None:
    """Every figure of the worked day's table is what its rows come to when they are published."""
    shown = worked.show(WORKED_DATE)
    said = table("definition | MWh | GBP")
    assert [row["definition"] for row in said] == [*shown["totals"]]
    for row in said:
        totals = shown["totals"][row["definition"]]
        keys = ("energy_mwh", "payment_gbp", "indicative_cashflow_gbp", "records", "bm_units", "periods")
        assert [row[key] for key in ("MWh", "GBP", "indicative GBP", "records", "units", "periods")] == [
            str(totals[key]) for key in keys
        ]
        btc = Decimal(shown["mining"][row["definition"]]["S19J_PRO"])
        assert row["BTC (S19J_PRO)"] == str(round(btc, 8))
    assert f"£{Decimal(said[1]['indicative GBP']):,.2f}, wastedwind's £{Decimal(said[0]['GBP']):,.2f}" in PAGE


def test_the_real_days_are_those_of_the_reference_data(shared: Path) -> None:
    """What the page says of all wind bids on real days is what the independent daily sums say."""
    with (shared / "elexon/wind_bids_daily_totals.csv").open(encoding="utf-8", newline="") as file:
        sums = {row["settlement_date"]: row for row in csv.DictReader(file)}
    rows = [row for row in table("date | who") if "subsidy-clock" in row["who"]]
    assert len(rows) == 4
    for row in rows:
        known = sums[row["date"]]
        assert row["MWh"] == f"{-Decimal(known['volume_mwh']):,.2f}"
        assert row["GBP"] == f"{Decimal(known['cost_gbp']):,.2f}"


def test_the_predecessors_figures_are_those_that_it_published(shared: Path) -> None:
    """What the page says of the predecessor stands in the collection of its published figures."""
    with (shared / "elexon/predecessor_totals.csv").open(encoding="utf-8", newline="") as file:
        published = {(row["date"], row["mwh"], row["gbp"]) for row in csv.DictReader(file)}
    rows = [row for row in table("date | who") if "predecessor" in row["who"]]
    assert len(rows) == 7
    dates = {row["date"] for row in rows}
    known = {(day, _number(mwh), _number(gbp)) for day, mwh, gbp in published if day in dates}
    assert [row for row in rows if (row["date"], _number(row["MWh"]), _number(row["GBP"])) not in known] == []


def test_the_flags_share_is_the_difference() -> None:
    """The share of the flag on 2025-03-21 is the difference of the two figures beside each other."""
    rows = {row["who"]: row for row in table("date | who") if row["date"] == "2025-03-21"}
    every, flagged = rows["all wind bids, no TLM (subsidy-clock)"], rows["the predecessor, last"]
    energy, money = ((_number(every[key]) or 0) - (_number(flagged[key]) or 0) for key in ("MWh", "GBP"))
    assert re.search(rf"the flag alone is {energy} MWh and £{money:,}", PAGE)


def _number(text: str) -> Decimal | None:
    return Decimal(text.replace(",", "")) if text else None
