"""Thirty dates, four clock changes among them, replayed byte for byte by processes to which the network is denied."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
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


def dates_around(changes: Sequence[date], number: int) -> list[date]:
    """Return so many dates in order, about as many around each clock change."""
    lengths = [number // len(changes) + (place < number % len(changes)) for place in range(len(changes))]
    return [
        changed + timedelta(days=offset - length // 2)
        for changed, length in zip(changes, lengths, strict=True)
        for offset in range(length)
    ]


def without_interfaces(database_url: str) -> list[str]:
    """Return what runs a command where there is no network at all; nothing where system or database forbid it."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if "host=%2F" not in database_url or shutil.which(alone[0]) is None:
        return []
    return [] if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode else alone


def test_dates_replay_byte_for_byte(
    database_url: str, tmp_path: Path, drill_size: DrillSize, counted: Callable[..., None]
) -> None:
    """Every date that was published is rebuilt from the archive, equal byte for byte, where there is no network."""
    thirty = dates_around(CLOCK_CHANGES, DATES)
    dates = drill_size.pick(sample=dates_around(CLOCK_CHANGES[:2], 2), ci=thirty, long=thirty)
    assert {period_count(day) for day in dates} >= {46, 50}
    site = Site(database_url, tmp_path / "home")
    with StandIn(StandInConfig(generate=30, small=True)) as elexon:
        site.elexon_url = elexon.url
        for place, day in enumerate(dates):
            sides = ("--side", "bid") if place % 3 == 1 else ()
            assert site.date(day, *sides).json["outcome"] == "published"
        asked = len(elexon.requests())
        words = ["-m", "reingest", "replay", str(dates[0]), str(dates[-1]), "--json", "--jobs", "2"]
        command = [*without_interfaces(database_url), sys.executable, *words]
        environment = {**os.environ, **site.environment()}
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert len(elexon.requests()) == asked
    replayed = json.loads(ran.stdout)
    equal = [one["settlement_date"] for one in replayed["dates"] if one["outcome"] == "equal"]
    assert equal == [str(day) for day in dates]
    assert replayed["not_served"] == (dates[-1] - dates[0]).days + 1 - len(dates)
    counted("dates replayed, equal byte for byte", len(equal), wanted=len(dates))
