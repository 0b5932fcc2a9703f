"""A year at a glance: a line a month, one character a date; for the terminal."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import typer

from reingest.cli.output import colours_wanted
from reingest.store.status import DateStatus

SIGNS: Final = {
    "differs": "!",
    "stale": "~",
    "held": "h",
    "waiting": "H",
    "provisional": "*",
    "unverified": "+",
    "verified": "#",
    "none": ".",
}
"""What a date shows: the gravest thing that is to be said of it, in this order."""
LEGEND: Final = (
    "# verified  + published, not verified  * provisional  H published, another version held  "
    "h held, nothing published\n! differs from a witness  ~ stale  . nothing"
)

_COLOURS: Final = {"#": "green", "+": "green", "*": "yellow", "H": "magenta", "h": "magenta", "!": "red", "~": "yellow"}
_DAYS: Final = range(1, 32)
_RULER_STEP: Final = 5


def board_lines(dates: Sequence[DateStatus]) -> list[str]:
    """Return a heading and a line a month: a character a date, and how many dates are published."""
    ruler = "".join(f"{day:<{_RULER_STEP}}" for day in _DAYS[::_RULER_STEP]).rstrip()
    months = [list(month) for _, month in groupby(dates, key=lambda one: one.settlement_date.replace(day=1))]
    return [f"{'month':<7}  {ruler:<{len(_DAYS)}}  published", *map(_month_line, months)]


def sign_of(one: DateStatus) -> str:
    """Return the character that a date shows."""
    return SIGNS[_gravest(one)]


def _gravest(one: DateStatus) -> str:
    if one.state != "published":
        return one.state
    said = {
        "differs": one.verification == "differs",
        "stale": one.stale,
        "waiting": one.held_version is not None,
        "provisional": one.provisional,
        "unverified": one.verification != "verified",
    }
    return next((what for what, is_so in said.items() if is_so), "verified")


def _month_line(dates: Sequence[DateStatus]) -> str:
    first = dates[0].settlement_date
    signs = "".join(map(sign_of, dates))
    published = sum(one.state == "published" for one in dates)
    blank = " " * (len(_DAYS) - len(signs))
    return f"{first:%Y-%m}  {_paint(signs)}{blank}  {published:>2} of {len(dates)}"


def _paint(signs: str) -> str:
    if not colours_wanted():
        return signs
    runs = ("".join(run) for _, run in groupby(signs))
    return "".join(typer.style(run, fg=_COLOURS.get(run[0])) for run in runs)
