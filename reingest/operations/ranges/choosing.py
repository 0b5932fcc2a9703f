"""Which dates of a span a range is over: by what is known of each, less those that are left out."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, get_args

from reingest.calendar import settlement_date_of
from reingest.clock import utc_now
from reingest.errors import BadUsage, FutureDate
from reingest.spans import Span, listed_dates
from reingest.store.database import Connection
from reingest.store.ranges import ChoosableDate, dates_to_choose_from

Only = Literal["all", "missing", "failed", "held", "provisional", "stale", "unverified"]
"""What dates are chosen by.

`missing`: nothing is served; `failed`: the last run of the date failed or broke off; `held`: a version waits for a
person; `unverified`: served, but its witnesses did not all agree.
"""

ONLY: Final[tuple[Only, ...]] = get_args(Only)
UNFINISHED_DAYS: Final = 2
"""Today and yesterday: Elexon has not published all of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which dates a person wants.

    Attributes:
        start: The first date.
        end: The date after the last.
        only: What the dates must be, one of these at the least; none is all.
        excluded: Dates to leave out.
        backwards: The newest first.
    """

    start: date
    end: date
    only: Sequence[Only] = ()
    excluded: Collection[date] = ()
    backwards: bool = False


def only_of(text: str) -> Only:
    """Read what dates are chosen by.

    Raises:
        BadUsage: there is no such choice.
    """
    for name in ONLY:
        if name == text:
            return name
    raise BadUsage(f"{text!r} is nothing that dates are chosen by; those are {', '.join(ONLY)}")


def choice_of(start: Span, end: Span | None, *, only: Sequence[Only], exclude: str, backwards: bool) -> Choice:
    """Return the choice that a person makes in words; a month or year that goes on ends with today.

    Args:
        start: the first date, or the span that begins with it.
        end: the last date, or the span that ends with it; None for `start` alone.
        only: what the dates must be.
        exclude: a list as `listed_dates` reads it; empty for none.
        backwards: the newest first.

    Raises:
        BadUsage: the span runs backwards, or the list cannot be read.
        FutureDate: the first or the last date has not begun.
    """
    last, today = end or start, settlement_date_of(utc_now())
    if last.end <= start.start:
        raise BadUsage(f"the range {start} to {last} runs backwards; --backwards runs the newest date first")
    for named in (start, last):
        if named.start > today:
            raise FutureDate(f"{named} has not begun; today is {today}", settlement_date=named.start)
    until = min(last.end, today + timedelta(days=1))
    return Choice(start.start, until, only, listed_dates(exclude), backwards=backwards)


def choose_dates(connection: Connection, choice: Choice) -> tuple[date, ...]:
    """Return the dates that are wanted, in the order in which they are to be run."""
    known = dates_to_choose_from(connection, choice.start, choice.end)
    chosen = [
        one.settlement_date
        for one in known
        if _is_wanted(one, choice.only) and one.settlement_date not in choice.excluded
    ]
    return tuple(reversed(chosen) if choice.backwards else chosen)


def unfinished(dates: Collection[date]) -> tuple[date, ...]:
    """Return those of the dates of which Elexon has not published everything yet: today and yesterday."""
    first = settlement_date_of(utc_now()) - timedelta(days=UNFINISHED_DAYS - 1)
    return tuple(sorted(one for one in dates if one >= first))


def _is_wanted(one: ChoosableDate, only: Sequence[Only]) -> bool:
    return not only or any(name == "all" or bool(getattr(one, name)) for name in only)
