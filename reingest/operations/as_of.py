"""What was served of a date, a month or a year at an instant in the past: the answer, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from reingest.curtailment.words import DefinitionName
from reingest.errors import BadUsage, NotFound
from reingest.store.database import Connection
from reingest.store.history import (
    ServedThen,
    UnitThen,
    as_of_day,
    as_of_span,
    as_of_units,
    database_clock,
    first_served,
    served_then,
)
from reingest.store.reads import Figures, ShownSpan, SpanKind

_Figures = TypeVar("_Figures")
_NAMED: Final = 3
"""How many dates a message names."""


@dataclass(frozen=True, slots=True)
class DayAsOf:
    """What a date served at an instant.

    Attributes:
        served: Which version, since when and until when.
        totals: MWh, GBP and counts by definition.
        mining: BTC by definition and model, None where it was not known.
        verification: What Elexon's other datasets had said of it by then.
    """

    settlement_date: date
    reported: datetime
    served: ServedThen
    totals: Mapping[DefinitionName, Figures]
    mining: Mapping[DefinitionName, Mapping[str, Decimal | None]]
    verification: str

    def only(self, definition: DefinitionName) -> "DayAsOf":
        """Return the figures by one definition; none where one of its sides had not been fetched."""
        return replace(self, totals=_only(self.totals, definition), mining=_only(self.mining, definition))


@dataclass(frozen=True, slots=True)
class SpanAsOf:
    """What a month or year came to at an instant, over the dates served then.

    Attributes:
        unknown: The dates that were served and whose figures were taken away since; they are in no total.
    """

    kind: SpanKind
    reported: datetime
    figures: ShownSpan
    unknown: Sequence[ServedThen]

    def only(self, definition: DefinitionName) -> "SpanAsOf":
        """Return the figures by one definition; none where no date was totalled by it."""
        then = self.figures
        totals, mining = _only(then.totals, definition), _only(then.mining, definition)
        return replace(self, figures=replace(then, totals=totals, mining=mining))


def require_past(connection: Connection, reported: datetime) -> None:
    """Refuse an instant that is yet to come, by the database's clock, which tells when a version was served.

    Raises:
        BadUsage: it is.
    """
    now = database_clock(connection)
    if reported > now:
        raise BadUsage(f"{reported:%Y-%m-%dT%H:%M:%SZ} is in the future: nobody knows what will be served then")


def day_as_of(connection: Connection, settlement_date: date, reported: datetime) -> DayAsOf:
    """Return what a date served at an instant.

    Raises:
        BadUsage: the instant is in the future.
        NotFound: it served nothing then, or what it served was taken away since.
    """
    require_past(connection, reported)
    end = date.fromordinal(settlement_date.toordinal() + 1)
    served = served_then(connection, settlement_date, end, reported)
    if not served:
        raise _nothing(connection, str(settlement_date), settlement_date, end, reported)
    if not served[0].known:
        raise _taken_away(str(settlement_date), served, reported)
    then = as_of_day(connection, settlement_date, reported)
    return DayAsOf(settlement_date, reported, served[0], then.totals, then.mining, then.verification)


def span_as_of(connection: Connection, kind: SpanKind, start: date, end: date, reported: datetime) -> SpanAsOf:
    """Return what a month or year, from its first day until before `end`, came to at an instant.

    Raises:
        BadUsage: the instant is in the future.
        NotFound: none of its dates served anything then, or all that was served was taken away since.
    """
    require_past(connection, reported)
    unknown = [one for one in served_then(connection, start, end, reported) if not one.known]
    figures = as_of_span(connection, kind, start, reported)
    name = start.isoformat()[: {"month": 7, "year": 4}[kind]]
    if figures is None:
        raise _taken_away(name, unknown, reported) if unknown else _nothing(connection, name, start, end, reported)
    return SpanAsOf(kind, reported, figures, unknown)


def units_as_of(
    connection: Connection, start: date, end: date, reported: datetime, definition: DefinitionName | None
) -> list[UnitThen]:
    """Return what each BM unit came to at an instant over a span of dates, by one definition or by all."""
    units = as_of_units(connection, start, end, reported)
    return [one for one in units if definition in (None, one.definition)]


def _only(
    by_definition: Mapping[DefinitionName, _Figures], definition: DefinitionName
) -> dict[DefinitionName, _Figures]:
    return {name: figures for name, figures in by_definition.items() if name == definition}


def _nothing(connection: Connection, name: str, start: date, end: date, reported: datetime) -> NotFound:
    since = first_served(connection, start, end)
    known = f"; something of it is served since {_exact(since)}" if since and since > reported else ""
    if since is None:
        known = ", nor ever"
    return NotFound(
        f"nothing of {name} was served at {_exact(reported)}{known}",
        settlement_date=start,
        next_command="reingest history {date}" if since else "reingest date {date}",
    )


def _taken_away(name: str, served: Sequence[ServedThen], reported: datetime) -> NotFound:
    which = ", ".join(f"version {one.version} of {one.settlement_date}" for one in served[:_NAMED])
    more = f" and {len(served) - _NAMED} more" if len(served) > _NAMED else ""
    return NotFound(
        f"{name} cannot be told as of {_exact(reported)}: {which}{more} was served then, and its figures were taken "
        "away, by a reset or a backup put back; they are known again when a version of the same content is published",
        settlement_date=served[0].settlement_date,
        next_command="reingest history {date}",
    )


def _exact(instant: datetime) -> str:
    return instant.isoformat().replace("+00:00", "Z")
