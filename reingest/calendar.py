"""Settlement dates and settlement periods: local days of Europe/London and their half hours.

A settlement date has 48 periods, 46 when clocks go forward and 50 when they go back, numbered from local
midnight without a gap. Which periods a date has comes from here and never from the data.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from reingest.errors import BadUsage

LONDON: Final = ZoneInfo("Europe/London")
PERIOD_LENGTH: Final = timedelta(minutes=30)

_RANGE = re.compile(r"\s*([0-9]{1,2})\s*(?:-\s*([0-9]{1,2})\s*)?")


@dataclass(frozen=True, slots=True)
class SettlementPeriod:
    """One half hour of a settlement date.

    Attributes:
        settlement_date: The local day in Europe/London.
        number: 1 for the half hour that begins at local midnight; up to 46, 48 or 50.
        start: Aware, UTC; the period includes it.
        end: Aware, UTC; the period ends before it.
    """

    settlement_date: date
    number: int
    start: datetime
    end: datetime


def period_count(settlement_date: date) -> int:
    """Return how many settlement periods the date has: 46, 48 or 50."""
    return (_midnight(settlement_date + timedelta(days=1)) - _midnight(settlement_date)) // PERIOD_LENGTH


@lru_cache(maxsize=512)
def settlement_periods(settlement_date: date) -> tuple[SettlementPeriod, ...]:
    """Return the date's settlement periods in order, the first numbered 1."""
    midnight = _midnight(settlement_date)
    starts = (midnight + index * PERIOD_LENGTH for index in range(period_count(settlement_date)))
    return tuple(
        SettlementPeriod(settlement_date, number, start, start + PERIOD_LENGTH)
        for number, start in enumerate(starts, start=1)
    )


def settlement_date_of(instant: datetime) -> date:
    """Return the settlement date that holds the instant.

    Raises:
        ValueError: the instant is naive, so that it names no moment.
    """
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no UTC offset")
    return instant.astimezone(LONDON).date()


def instant_of_local(local: datetime) -> datetime:
    """Return the instant, in UTC, at which the clocks of Europe/London show a naive time.

    Raises:
        BadUsage: they show it twice, or never, because they change then.
    """
    first, second = (local.replace(tzinfo=LONDON, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first == second:
        return first
    if first.astimezone(LONDON).replace(tzinfo=None) != local:
        raise BadUsage(f"{local:%Y-%m-%d} has no {local:%H:%M} in Europe/London: the clocks go forward then")
    earlier, later = (f"{one.astimezone(LONDON):%H:%M}{offset}" for one, offset in ((first, "+01:00"), (second, "Z")))
    raise BadUsage(
        f"{local:%Y-%m-%d} has {local:%H:%M} twice in Europe/London: the clocks go back then; "
        f"write {local:%Y-%m-%d}T{earlier} or {local:%Y-%m-%d}T{later}"
    )


def parse_period_range(text: str, settlement_date: date) -> tuple[int, ...]:
    """Read a list of periods such as `5`, `1-12` or `1-4,17`, for one date.

    Returns:
        The period numbers, ascending, each once.

    Raises:
        BadUsage: not such a list, a range that runs backwards, or a period that the date does not have.
    """
    return tuple(sorted({number for part in text.split(",") for number in _expand(part, settlement_date)}))


def _expand(part: str, settlement_date: date) -> Iterator[int]:
    match = _RANGE.fullmatch(part)
    if match is None:
        raise BadUsage(f"{part.strip()!r} is not a period or a range such as 1-12", settlement_date=settlement_date)
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise BadUsage(f"the range {part.strip()} runs backwards", settlement_date=settlement_date)
    count = period_count(settlement_date)
    for number in (first, last):
        if not 1 <= number <= count:
            raise BadUsage(
                f"{settlement_date} has periods 1 to {count}; there is no period {number}",
                settlement_date=settlement_date,
            )
    return iter(range(first, last + 1))


def _midnight(local_day: date) -> datetime:
    """Return local midnight as a UTC instant; London's clocks never change at midnight, so it is one instant."""
    return datetime.combine(local_day, time(), tzinfo=LONDON).astimezone(UTC)
