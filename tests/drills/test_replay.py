"""Thirty dates, four clock changes among them, replayed byte for byte by a process to which the network is denied."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from reingest.calendar import period_count
from reingest.standin.server import StandIn, StandInConfig
from tests.support.drills import DrillSize
from tests.support.sites import Site

CLOCK_CHANGES: Final = (date(2024, 3, 31), date(2024, 10, 27), date(2025, 3, 30), date(2025, 10, 26))
"""Two of 46 periods and two of 50."""
DATES: Final = 30


def spans(number: int) -> list[list[date]]:
    """Return so many dates as spans around the clock changes, each with its own clock change."""
    wanted = min(number, len(CLOCK_CHANGES))
    lengths = [number // wanted + (place < number % wanted) for place in range(wanted)]
    return [
        [changed + timedelta(days=offset - length // 2) for offset in range(length)]
        for changed, length in zip(CLOCK_CHANGES, lengths, strict=False)
    ]


def test_dates_replay_byte_for_byte(
    database_url: str, tmp_path: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """Every date that was published is rebuilt from the archive in a process of its own, equal byte for byte."""
    dates = spans(drill_size.pick(sample=2, ci=DATES, long=DATES))
    assert {period_count(day) for days in dates for day in days} >= {46, 50}
    site = Site(database_url, tmp_path / "home")
    with StandIn(StandInConfig(generate=30, small=True)) as elexon:
        site.elexon_url = elexon.url
        for days in dates:
            for place, day in enumerate(days):
                sides = ("--side", "bid") if place % 3 == 1 else ()
                assert site.date(day, *sides).json["outcome"] == "published"
        asked = len(elexon.requests())
        for days in dates:
            ran = site.start("replay", days[0], days[-1], "--json").finish()
            assert (ran.exit_code, ran.json["equal"]) == (0, len(days)), ran.err
            counted("dates replayed, equal byte for byte", len(days), wanted=len(days))
        assert len(elexon.requests()) == asked
