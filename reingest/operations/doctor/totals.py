"""Totals and content: what is stored of a version is what was published, to the last digit."""

from collections.abc import Iterator
from typing import Final

from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding
from reingest.store.examined import strayed_records
from reingest.store.versions import Difference, recomputed_differences

_KIND_OF_LEVEL: Final = {
    "records": "records-count-differs",
    "day": "daily-summary-differs",
    "unit": "unit-summary-differs",
    "mining": "mining-differs",
}


def served_totals(examined: ExaminedDate) -> Iterator[Finding]:
    """Find totals of the served version that are not what its rows come to."""
    version = examined.published
    if version is None:
        return
    for one in recomputed_differences(examined.site.connection, version.id):
        yield examined.finding(
            _KIND_OF_LEVEL[one.level],
            found=f"stored {one.stored or 'nothing'}",
            expected=f"{one.recomputed or 'nothing'}, counted from the records",
            version=version,
            about=_about(one),
            instead=examined.rebuilding(),
        )


def served_content(examined: ExaminedDate) -> Iterator[Finding]:
    """Find a served version whose stored rows do not come to the content hash that it was published with."""
    version = examined.published
    if version is None or examined.site.examined.quick:
        return
    stored = examined.stored_hash(version)
    if stored != version.content_hash:
        yield examined.finding(
            "content-hash-differs",
            found=f"the rows come to {stored}",
            expected=version.content_hash,
            version=version,
            instead=examined.rebuilding(),
        )
    for strayed in strayed_records(examined.site.connection, version.id):
        yield examined.finding(
            "fetch-of-other-subject",
            found=f"{strayed.records} records of another answer",
            expected="records of the period's own answer",
            version=version,
            about=f"period {strayed.period} {strayed.side} records",
            instead=examined.rebuilding(),
        )


def earlier_content(examined: ExaminedDate) -> Iterator[Finding]:
    """Find versions that were served earlier, or are held, whose rows are not what they were."""
    for version in examined.versions:
        if version.id in examined.altered:
            differences, stored = examined.altered[version.id]
            yield examined.finding(
                "version-altered",
                found=f"{version.state}; {differences} totals differ, the rows come to {stored}",
                expected=version.content_hash,
                version=version,
            )


def _about(one: Difference) -> str:
    return " ".join(part for part in (one.definition, one.subject) if part)
