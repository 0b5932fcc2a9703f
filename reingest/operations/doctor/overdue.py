"""What is owed for too long, of the outbox and of the notices alike."""

from collections.abc import Iterable, Iterator
from typing import Final

from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.notices import channel_lags
from reingest.store.outbox import SinkLag, sink_lags

_OVERDUE_SECONDS: Final = 24 * 3600


def overdue_facts(site: Site) -> Iterator[Finding]:
    """Find sinks that have not got a fact for more than a day."""
    return _overdue(site, sink_lags(site.connection), "outbox-overdue", "sink", "facts")


def overdue_notices(site: Site) -> Iterator[Finding]:
    """Find channels by which people have not got a notice for more than a day."""
    return _overdue(site, channel_lags(site.connection), "notice-overdue", "channel", "notices")


def _overdue(site: Site, lags: Iterable[SinkLag], finding: str, whom: str, what: str) -> Iterator[Finding]:
    for lag in lags:
        if site.examined.whole and (lag.oldest_pending_seconds or 0) > _OVERDUE_SECONDS:
            yield Finding(
                finding,
                subject=f"{whom} {lag.sink}",
                found=f"{what} wait for more than a day",
                expected="delivered within hours",
            )
