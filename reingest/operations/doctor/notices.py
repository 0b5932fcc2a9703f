"""The notices: what people are told gets out."""

from collections.abc import Iterator
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.notices import list_notices

_ALL: Final = 1_000_000


def dead_notices(site: Site) -> Iterator[Finding]:
    """Find notices that a channel refused at every attempt."""
    for notice in list_notices(site.connection, ["dead"], limit=_ALL):
        if site.examined.covers(notice.settlement_date):
            yield Finding(
                "notice-dead",
                subject=f"{notice.cause} by {notice.channel}",
                found=f"dead after {notice.attempts} attempts: {notice.last_error}",
                expected="delivered",
                settlement_date=notice.settlement_date,
                instead=("command", f"reingest notices retry {notice.id}"),
            )
