"""The stand-in Elexon in a process of its own, so that its CPU is not counted as ours.

Run as a module it serves until SIGTERM; `standin` starts it so.
"""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count, islice
from pathlib import Path
from typing import Final

from reingest.calendar import period_count
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import GeneratedDays
from reingest.standin.register import Register
from reingest.standin.server import StandInConfig, control, serve
from reingest.standin.units import generated_register
from tests.support.backfill import BackfillConfig

ROWS: Final = (145, 155)
"""Rows a side and period; the issue's figures are at 150."""

SEED: Final = 2
FIRST_DATE: Final = date(2024, 5, 1)

WINDY: Final = 1000
"""Wind units turned down times the periods of it, at least; a calm date would flatter the figures."""


class BenchConfig(StandInConfig):
    """The stand-in's configuration, with days of one even size."""

    def generated_days(self, register: Register) -> GeneratedDays:
        """Return days of some 150 rows a side and period."""
        fleet = fleet_of(register if self.register else generated_register())
        return GeneratedDays(self.generate or 0, fleet, rows=ROWS, created_after=self.created_after)


def windy_dates(number: int) -> list[date]:
    """Return the first so many dates of 48 periods on which much wind is curtailed."""
    days = BenchConfig(generate=SEED).generated_days(generated_register())
    every = (FIRST_DATE + timedelta(days=day) for day in count())
    return list(islice((day for day in every if period_count(day) == 48 and _turned_down(days, day) >= WINDY), number))


def _turned_down(days: GeneratedDays, settlement_date: date) -> int:
    return sum(unit.last_period - unit.first_period + 1 for unit in days.weather(settlement_date).curtailed)


@contextmanager
def standin(dates: Iterable[date], latency_ms: int = 0, *, witnesses: bool = False) -> Iterator[str]:
    """Give the base URL of a stand-in whose answers for these dates are made already, on request the witnesses' too."""
    with _served(str(latency_ms)) as url:
        for settlement_date in dates:
            wanted = {"settlement_date": settlement_date.isoformat(), "wire": "xml", "witnesses": witnesses}
            control(url, "POST", "warm", wanted)
        yield url


@contextmanager
def backfill_standin(shared: Path) -> Iterator[str]:
    """Give the base URL of a stand-in that serves the sums of the reference data, each answer made when it is asked."""
    with _served("0", str(shared)) as url:
        yield url


@contextmanager
def _served(*words: str) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.bench.elexon", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip() if server.stdout else ""
            if not url.startswith("http"):
                raise RuntimeError("the stand-in did not start")
            yield url
        finally:
            server.terminate()


def _config(latency_ms: str, shared: str = "") -> StandInConfig:
    """Return what is served: generated days, or with a folder of reference data its sums."""
    if shared:
        return BackfillConfig(shared=Path(shared), latency_ms=float(latency_ms))
    return BenchConfig(generate=SEED, latency_ms=float(latency_ms))


def _announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    serve(_config(*sys.argv[1:]), 0, _announce)
