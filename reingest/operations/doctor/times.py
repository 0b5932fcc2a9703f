"""Instants that cannot be: ends before beginnings, and a past that is still to come."""

from collections.abc import Iterator

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.examined import impossible_times


def impossible(site: Site) -> Iterator[Finding]:
    """Find instants that cannot be, beside those that a date's own versions tell of each other."""
    for time in impossible_times(site.connection):
        if site.examined.covers(time.settlement_date):
            yield Finding(
                "time-impossible",
                time.subject,
                time.found,
                time.expected,
                settlement_date=time.settlement_date,
                version=time.version,
            )
