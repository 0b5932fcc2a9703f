"""Staged periods that nobody goes on with: they are published, or dropped, but not forgotten."""

from collections.abc import Iterator

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.operations.figures_text import counted
from reingest.store.staging import WAITS_LONG, old_staged_dates


def waiting(site: Site) -> Iterator[Finding]:
    """Find dates of which something is staged, and nobody has staged anything for a week."""
    for one in old_staged_dates(site.connection, WAITS_LONG):
        if site.examined.covers(one.settlement_date):
            yield Finding(
                "staged-waiting",
                subject=str(one.settlement_date),
                found=f"{counted(one.periods, 'period')} staged by {', '.join(one.staged_by)}, "
                f"the last {one.last_staged_at:%Y-%m-%d %H:%M:%SZ}",
                expected=f"published or dropped within {WAITS_LONG.days} days",
                settlement_date=one.settlement_date,
            )
