"""The outbox: every publish is told of, and what is told gets out."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Site
from reingest.store.outbox import list_outbox

_ALL: Final = 1_000_000


def messages(examined: ExaminedDate) -> Iterator[Finding]:
    """Find publishes that the outbox does not tell of."""
    for before, version in pairwise((None, *examined.served)):
        if version is not None and version.outbox_generation is None:
            yield examined.finding(
                "outbox-row-missing",
                found="no message",
                expected=f"date_published at generation {version.generation}",
                version=version,
                target=(version, before.id if before else None),
            )


def dead_letters(site: Site) -> Iterator[Finding]:
    """Find facts that a sink refused at every attempt."""
    for fact in list_outbox(site.connection, ["dead"], limit=_ALL):
        if site.examined.covers(fact.settlement_date):
            yield Finding(
                "outbox-dead",
                subject=f"{fact.dedupe_key} at {fact.sink}",
                found=f"dead after {fact.attempts} attempts: {fact.last_error}",
                expected="delivered",
                settlement_date=fact.settlement_date,
                version=fact.version,
                instead=("command", f"reingest outbox retry {fact.id}"),
            )
