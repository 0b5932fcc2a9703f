"""Seals: each version is bound to what it was made from, and to the version that it replaced."""

from collections.abc import Iterator
from itertools import pairwise

from reingest.curtailment.seals import NO_SEAL
from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding
from reingest.store.examined import seals_of


def chain(examined: ExaminedDate) -> Iterator[Finding]:
    """Find seals that are not those of their versions, and versions that name another one as the one before."""
    seals = seals_of(examined.site.connection, examined.settlement_date)
    withdrawn = examined.day.withdrawn_seal if examined.day else None
    for before, version in pairwise((None, *examined.served)):
        if version is None:
            continue
        sealed = seals[version.id]
        previous = (seals[before.id].seal if before else withdrawn) or NO_SEAL
        if sealed.previous_seal != previous:
            found, expected = f"after {sealed.previous_seal or 'nothing'}", f"after {previous}"
        elif sealed.seal != sealed.made_again:
            found, expected = f"{sealed.seal or 'no seal'}", sealed.made_again
        else:
            continue
        yield examined.finding("seal-broken", found, expected, version=version)
