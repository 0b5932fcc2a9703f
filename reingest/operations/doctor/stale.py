"""Dates that the register would change: it was corrected, accepted or refreshed after they were published."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.unit_reads import Effect, affected_dates

_SAID: Final[dict[Effect, str]] = {
    "came": "counts as wind by now",
    "left": "does not count as wind any more",
    "lead_party": "has another lead party",
}


def dates(site: Site) -> Iterator[Finding]:
    """Find served dates whose figures the register as it is now would change."""
    examined = site.examined
    last = examined.end - timedelta(days=1) if examined.end else None
    by_date: dict[date, list[str]] = defaultdict(list)
    for one in affected_dates(site.connection, first=examined.start, last=last):
        by_date[one.settlement_date].append(f"{one.bm_unit} {_SAID[one.effect]}")
    for settlement_date, units in by_date.items():
        yield Finding(
            "date-stale",
            subject=str(settlement_date),
            found="; ".join(units),
            expected="the figures that the register as it is now gives",
            settlement_date=settlement_date,
        )
