"""Fourteen real months, back-filled as one range: what they come to is known, and published to the last digit."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from reingest.operations.ranges.report import RangeReport
from reingest.operations.ranges.request import RangeRequest
from reingest.operations.ranges.running import run_range
from reingest.operations.request import Source
from reingest.settings import load_settings
from reingest.standin.server import StandIn
from tests.support.backfill import BackfillConfig, Totals, daily_totals, span_totals
from tests.support.drills import DrillSize
from tests.support.sites import NOWHERE, Site

CALM: Final = date(2024, 11, 4)
PAYING: Final = date(2025, 2, 11)
LONGEST: Final = date(2025, 10, 26)
YEAR_2025: Final = Totals(Decimal("10242298.36117296717802824391"), Decimal("397414180.47955599424466262178"))
DEFINITIONS: Final = ("so_flagged", "all_bids", "net")


def chosen(daily: Mapping[date, Totals], size: DrillSize) -> list[date]:
    """Return the dates to back-fill: in every size one without curtailment, one that pays, and a clock change."""
    march = [date(2025, 3, 1) + timedelta(days=day) for day in range(31)]
    return size.pick(sample=[CALM, PAYING, LONGEST], ci=sorted({CALM, PAYING, LONGEST, *march}), long=list(daily))


def test_a_range_comes_to_the_published_totals(
    database_url: str, tmp_path: Path, shared: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """Dates back-filled as one range come to the known totals by day, month and year, live and from the archive."""
    every_day = daily_totals(shared)
    daily = {day: every_day[day] for day in chosen(every_day, drill_size)}
    assert daily[CALM].energy_mwh == 0 > daily[PAYING].payment_gbp
    site, jobs = Site(database_url, tmp_path / "home"), drill_size.pick(sample=1, ci=2, long=2)
    with StandIn(BackfillConfig(shared=shared)) as elexon:
        site.elexon_url = elexon.url
        assert outcomes(back_fill(site, daily, "live", jobs)) == {"published"}
    site.elexon_url = NOWHERE
    assert_totals(site, daily)
    emptied = site.reingest("reset", "data", "--all", "--no-backup", "--i-understand", "--reason", "from the archive")
    assert emptied.exit_code == 0, emptied.err
    assert site.rows("select * from day") == []
    for outcome in ("published", "unchanged"):
        assert outcomes(back_fill(site, daily, "archive", jobs)) == {outcome}
        assert_totals(site, daily)
    counted("dates back-filled, equal to the last digit", len(daily), wanted=len(daily))


def back_fill(site: Site, dates: Iterable[date], source: Source, jobs: int) -> RangeReport:
    """Run the dates as one range, as the command and the flow do it."""
    request = RangeRequest(dates=tuple(dates), source=source, jobs=jobs)
    with patch.dict("os.environ", site.environment()):
        return asyncio.run(run_range(load_settings(), site.database_url, request))


def outcomes(report: RangeReport) -> set[str | None]:
    """Return how the dates ended, once for all that ended so."""
    return {end.outcome for end in report.ends}


def assert_totals(site: Site, daily: Mapping[date, Totals]) -> None:
    """Compare what is served of each date, month and year, by each definition, with what it must come to."""
    assert served_days(site) == {
        (day, definition): totals for day, totals in daily.items() for definition in DEFINITIONS
    }
    for length in (7, 4):
        for span, totals in span_totals(daily, length).items():
            shown = site.show(span)
            assert {name: exact(shown["totals"][name]) for name in DEFINITIONS} == dict.fromkeys(DEFINITIONS, totals)
            assert shown["days_verified"] == shown["days_published"] == sum(str(day).startswith(span) for day in daily)
    if len(daily) > 365:
        assert exact(site.show(2025)["totals"]["all_bids"]) == YEAR_2025


def served_days(site: Site) -> dict[tuple[date, str], Totals]:
    """Return what the view of days says, by date and definition."""
    rows: Sequence[tuple[Any, ...]] = site.rows(
        "select settlement_date, definition, energy_mwh, payment_gbp, bm_units from day"
    )
    return {(day, definition): Totals(energy, payment, units) for day, definition, energy, payment, units in rows}


def exact(figures: Mapping[str, Any]) -> Totals:
    """Return the energy and payment that `reingest show --json` says, digit for digit."""
    return Totals(Decimal(figures["energy_mwh"]), Decimal(figures["payment_gbp"]))
