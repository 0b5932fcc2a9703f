"""The notices: what people are told gets out."""

from collections.abc import Iterator
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.notices import channel_lags, list_notices

_OVERDUE_SECONDS: Final = 24 * 3600
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


def overdue_notices(site: Site) -> Iterator[Finding]:
    """Find channels by which people have not got a notice for more than a day."""
    for lag in channel_lags(site.connection):
        if site.examined.whole and (lag.oldest_pending_seconds or 0) > _OVERDUE_SECONDS:
            yield Finding(
                "notice-overdue",
                subject=f"channel {lag.sink}",
                found="notices wait for more than a day",
                expected="delivered within hours",
            )
