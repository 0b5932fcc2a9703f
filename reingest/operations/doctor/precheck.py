"""The cheap part of the doctor, before every run of a date: some milliseconds, in which nothing is written.

What a run would build on is looked at: is it what was published last, and do its rows come to its totals. A finding
does not stop the run, for a run is what mends the date; it says what the difference that the run reports is worth.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from reingest.calendar import period_count
from reingest.operations.doctor.finding import Finding
from reingest.store.database import Connection
from reingest.store.examined import ServedVersion, served_version

_CONTENT = frozenset({"records-count-differs", "daily-summary-differs", "date-incomplete"})


@dataclass(frozen=True, slots=True)
class Precheck:
    """What was found on a date before a run of it."""

    findings: tuple[Finding, ...]

    @property
    def trusted(self) -> bool:
        """Whether a difference from the served version's rows is one from what was published."""
        return not any(finding.id in _CONTENT for finding in self.findings)

    @property
    def sentences(self) -> Iterator[str]:
        """The findings for people, and what they mean for the run."""
        for finding in self.findings:
            yield f"precheck: {finding.id}: {finding.subject}: {finding.found}; expected: {finding.expected}"
        if not self.trusted:
            yield "the served rows are not what was published, so the difference shown is one from changed rows"

    def as_detail(self) -> dict[str, object]:
        """Return it as the detail of a run's event."""
        findings = [
            {"id": one.id, "subject": one.subject, "found": one.found, "expected": one.expected}
            for one in self.findings
        ]
        return {"findings": findings, "trusted": self.trusted}


def precheck(connection: Connection, settlement_date: date) -> Precheck:
    """Look at what a date serves."""
    served = served_version(connection, settlement_date)
    return Precheck(tuple(_findings(served, settlement_date)) if served else ())


def _findings(served: ServedVersion, settlement_date: date) -> Iterator[Finding]:
    subject = f"{settlement_date} version {served.number}"
    if served.state != "published" or served.settlement_date != settlement_date:
        of = f"version {served.number} of {served.settlement_date}, {served.state}"
        yield Finding("current-version-differs", str(settlement_date), of, "the published version of the date")
    if served.generation != served.published_generation:
        found, expected = f"generation {served.generation}", f"generation {served.published_generation}"
        yield Finding("generation-differs", str(settlement_date), found, expected)
    if served.records != served.counted_records:
        found, expected = f"{served.records} records", f"{served.counted_records}, counted"
        yield Finding("records-count-differs", subject, found, expected)
    wanted = period_count(settlement_date) * served.sides
    if served.periods != wanted:
        yield Finding("date-incomplete", subject, f"{served.periods} periods and sides", f"{wanted}, by the calendar")
    for total in served.totals:
        found, expected = f"stored {total['found'] or 'nothing'}", f"{total['expected']}, counted from the records"
        yield Finding("daily-summary-differs", f"{subject} {total['definition']}", found, expected)
