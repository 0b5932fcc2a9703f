"""Examine a site: every check, in order, with what it found."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from reingest.operations.date_run import Progress
from reingest.operations.doctor import (
    archive,
    leases_and_runs,
    notices,
    outbox,
    overdue,
    rederived,
    seals,
    staged,
    stale,
    times,
    totals,
    versions,
)
from reingest.operations.doctor.dates import ExaminedDate
from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.site import Examined, Site
from reingest.settings import Settings
from reingest.store.database import connect, snapshot
from reingest.store.examined import examined_dates, explained_keys
from reingest.store.migrate import require_schema

SiteCheck = Callable[[Site], Iterable[Finding]]
DateCheck = Callable[[ExaminedDate], Iterable[Finding]]

OF_SITE: Final[dict[str, SiteCheck]] = {
    "leases": leases_and_runs.dead_leases,
    "runs": leases_and_runs.ended_runs,
    "open versions": leases_and_runs.orphaned_versions,
    "dead letters": outbox.dead_letters,
    "sinks": overdue.overdue_facts,
    "notices": notices.dead_notices,
    "channels": overdue.overdue_notices,
    "times": times.impossible,
    "stale dates": stale.dates,
    "staged periods": staged.waiting,
    "payloads without a date": archive.payloads_of_register,
    "manifests": archive.manifests,
    "stray files": archive.strays,
    "unfinished files": archive.leftovers,
}
"""The checks of what belongs to no one date."""

OF_DATE: Final[dict[str, DateCheck]] = {
    "payloads": archive.payloads_of_date,
    "current versions": versions.current_version,
    "generations": versions.generation,
    "version numbers": versions.last_number,
    "chains of versions": versions.chain,
    "served from": versions.served_from,
    "seals": seals.chain,
    "complete dates": versions.complete,
    "rows accounted for": versions.periods_account,
    "served totals": totals.served_totals,
    "served content": totals.served_content,
    "earlier versions": totals.earlier_content,
    "records against payloads": rederived.records_of_payloads,
    "outbox": outbox.messages,
    "held versions": versions.held,
}
"""The checks of one date, made of one moment of the database."""


@dataclass
class Examination:
    """What an examination found.

    Attributes:
        checks: How many findings each check gave, explained ones included, in the order in which they were made.
        findings: What is wrong, and nobody has explained.
        explained: What is wrong, and a person said why.
        dates: How many dates were examined; `versions` and `payloads` likewise.
        quick: Whether payloads were left unread and rows unhashed.
    """

    quick: bool
    checks: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    explained: list[Finding] = field(default_factory=list)
    dates: int = 0
    versions: int = 0
    payloads: int = 0

    @property
    def consistent(self) -> bool:
        """Whether nothing is wrong that nobody explained."""
        return not self.findings

    def as_dict(self) -> dict[str, Any]:
        """Return the examination for `--json`."""
        return {
            "consistent": self.consistent,
            "quick": self.quick,
            "dates": self.dates,
            "versions": self.versions,
            "payloads": self.payloads,
            "checks": self.checks,
            "findings": [finding.as_dict() for finding in self.findings],
            "explained": [finding.as_dict() for finding in self.explained],
        }


def examine(settings: Settings, database_url: str, examined: Examined, progress: Progress) -> Examination:
    """Examine a site; nothing is written.

    Raises:
        DatabaseError: Postgres cannot be used.
        ArchiveError: a manifest cannot be read.
    """
    with connect(database_url, purpose="doctor") as connection:
        require_schema(connection)
        return examine_site(Site.open(settings, database_url, connection, examined), progress)


def examine_site(site: Site, progress: Progress) -> Examination:
    """Examine a site over a connection that commits each statement."""
    examination = Examination(quick=site.examined.quick)
    explained = explained_keys(site.connection)
    for name, finding in _findings(site, examination, progress):
        if finding is None:
            examination.checks.setdefault(name, 0)
            continue
        examination.checks[name] = examination.checks.get(name, 0) + 1
        (examination.explained if finding.key in explained else examination.findings).append(finding)
    return examination


def _findings(site: Site, examination: Examination, progress: Progress) -> Iterator[tuple[str, Finding | None]]:
    """Yield each check's findings with its name, and its name alone once it is done."""
    for done, (name, check) in enumerate(OF_SITE.items(), start=1):
        progress(f"doctor, {name}", done, len(OF_SITE))
        for finding in check(site):
            yield name, finding
        yield name, None
    dates = examined_dates(site.connection, *_span(site.examined))
    for done, settlement_date in enumerate(dates, start=1):
        yield from _findings_of_date(site, settlement_date, examination)
        progress("doctor, dates", done, len(dates))


def _findings_of_date(
    site: Site, settlement_date: date, examination: Examination
) -> Iterator[tuple[str, Finding | None]]:
    """Yield the findings of a date, all of one moment of the database."""
    with snapshot(site.connection):
        seen = ExaminedDate.read(site, settlement_date)
        examination.dates += 1
        examination.versions += len(seen.versions)
        examination.payloads += len(seen.payloads)
        for name, check in OF_DATE.items():
            for finding in check(seen):
                yield name, finding
            yield name, None


def _span(examined: Examined) -> tuple[date, date]:
    return examined.start or date.min, examined.end or date.max
