"""The outbox: every publish is told of, and what is told gets out."""

from collections.abc import Iterator
from itertools import pairwise

from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding


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
