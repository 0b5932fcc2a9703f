"""What was reported at instants, remembered by a plain model, to be compared with what as-of tells of them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import psycopg

from reingest.curtailment.exact import exactly
from tests.support.sites import Site

Key = tuple[Any, ...]
Rows = dict[Key, Key]

# What was told, before it: the instant that is asked for, or now.
DAYS: Final = """
select {at}, settlement_date, definition, version, energy_mwh, payment_gbp, records, bm_units, periods, provisional,
    indicative_cashflow_gbp
from {day}
"""
UNITS: Final = """
select {at}, settlement_date, definition, bm_unit, lead_party, energy_mwh, payment_gbp, records from {day_unit}
"""
MINING: Final = "select {at}, settlement_date, definition, miner_model, btc from {day_mining}"
SPANS: Final = """
select {at}, {span}, definition, energy_mwh, payment_gbp, records, bm_units, days_published, days_expected,
    days_provisional
from {each} cross join lateral {span}_as_of({at})
"""
SPANS_MINING: Final = """
select {at}, {span}, definition, miner_model, btc, days_estimated
from {each} cross join lateral {span}_mining_as_of({at})
"""
UNKNOWN: Final = "select {at}, settlement_date from {each} cross join lateral served_as_of({at}) where not known"
AT: Final = "at.reported"
EACH: Final = "unnest(%s::timestamptz[]) as at (reported)"
HASHES: Final = (
    "select day.settlement_date, content_hash from settlement_day day join version on version.id = current_version_id"
)


@dataclass(frozen=True)
class Look:
    """What the views of what is served showed at an instant; `hashes` of what content each date was."""

    instant: datetime
    days: Rows
    units: Rows
    mining: Rows
    hashes: dict[date, str]

    def without(self, lost: set[date]) -> "Look":
        """Return what is left of it when the figures of some dates are lost."""
        days, units, mining = (
            {key: row for key, row in rows.items() if key[0] not in lost}
            for rows in (self.days, self.units, self.mining)
        )
        return Look(self.instant, days, units, mining, self.hashes)


def look(site: Site) -> Look:
    """Look at what is served now; the instant is taken after it, while nobody publishes."""
    names = {name: name for name in ("day", "day_unit", "day_mining")}
    with reader(site) as connection:
        days, units, mining = (
            by_key(connection.execute(query.format(at="null", **names)), width).get(None, {})
            for query, width in ((DAYS, 2), (UNITS, 3), (MINING, 3))
        )
        hashes = dict(site.rows(HASHES))
        ((instant,),) = connection.execute("select clock_timestamp()").fetchall()
    return Look(instant, days, units, mining, hashes)


def as_of(site: Site, instants: list[datetime]) -> list[Look]:
    """Return what the functions of an instant tell of each."""
    names = {name: f"{EACH} cross join lateral {name}_as_of({AT})" for name in ("day", "day_unit", "day_mining")}
    with reader(site) as connection:
        days, units, mining = (
            by_key(connection.execute(query.format(at=AT, **names), [instants]), width)
            for query, width in ((DAYS, 2), (UNITS, 3), (MINING, 3))
        )
    return [Look(one, days.get(one, {}), units.get(one, {}), mining.get(one, {}), {}) for one in instants]


def spans_as_of(site: Site, span: str, instants: list[datetime]) -> list[tuple[Rows, Rows]]:
    """Return what the functions of months or years tell of each instant: totals, and mining."""
    words = {"span": span, "at": AT, "each": EACH}
    with reader(site) as connection:
        totals = by_key(connection.execute(SPANS.format(**words), [instants]), 2)
        mining = by_key(connection.execute(SPANS_MINING.format(**words), [instants]), 3)
    return [(totals.get(one, {}), mining.get(one, {})) for one in instants]


def unknown_as_of(site: Site, instants: list[datetime]) -> list[set[date]]:
    """Return the dates of which each instant tells that something was served, and that nobody knows what."""
    with reader(site) as connection:
        rows = connection.execute(UNKNOWN.format(at=AT, each=EACH), [instants]).fetchall()
    return [{day for instant, day in rows if instant == one} for one in instants]


def spans_of(seen: Look, span: str) -> tuple[Rows, Rows]:
    """Add up what was seen of days by months or years, as a person with a pencil would."""
    totals: dict[Key, list[Any]] = defaultdict(lambda: [Decimal(0), Decimal(0), 0, 0, 0])
    for (day, definition), (_, energy, payment, records, _, _, provisional, _) in seen.days.items():
        row = totals[first_of(span, day), definition]
        with exactly():
            for place, value in enumerate((energy, payment, records, 1, int(provisional))):
                row[place] += value
    units: dict[Key, set[str]] = defaultdict(set)
    for day, definition, unit in seen.units:
        units[first_of(span, day), definition].add(unit)
    mining: dict[Key, list[Any]] = defaultdict(lambda: [Decimal(0), 0])
    for (day, definition, model), (btc,) in seen.mining.items():
        mining[first_of(span, day), definition, model][0] += btc
        mining[first_of(span, day), definition, model][1] += 1
    return {
        key: (energy, payment, records, len(units[key]), days, length(span, key[0]), provisional)
        for key, (energy, payment, records, days, provisional) in totals.items()
    }, {key: tuple(row) for key, row in mining.items()}


def first_of(span: str, day: date) -> date:
    """Return the first day of a date's month or year."""
    return day.replace(day=1) if span == "month" else day.replace(month=1, day=1)


def length(span: str, first: date) -> int:
    """Return how many days a month or year has."""
    return (first_of(span, first + timedelta(days=31 if span == "month" else 366)) - first).days


def by_key(cursor: psycopg.Cursor[Any], width: int) -> dict[datetime | None, Rows]:
    """Return rows by their instant, which stands first, and then by so many columns."""
    found: dict[datetime | None, Rows] = defaultdict(dict)
    for instant, *row in cursor:
        found[instant][tuple(row[:width])] = tuple(row[width:])
    return found


def reader(site: Site) -> psycopg.Connection[Any]:
    """Return a connection as people have it."""
    connection = psycopg.connect(site.database_url, autocommit=True, options="-c timezone=UTC")
    connection.execute("set role reingest_reader")
    return connection
