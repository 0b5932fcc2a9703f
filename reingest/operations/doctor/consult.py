"""Consult the doctor: examine, mend or explain what a person wants mended or explained, and examine again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reingest.operations.date_run import Progress
from reingest.operations.doctor.examine import Examination, examine
from reingest.operations.doctor.finding import Finding
from reingest.operations.doctor.mending import DEFAULT_REASON, Mended, explain, fix, mend_served
from reingest.operations.doctor.site import Examined, Site
from reingest.settings import Settings
from reingest.store.database import connect


@dataclass(frozen=True, slots=True)
class Consultation:
    """What a person asks the doctor.

    Attributes:
        examined: What is examined, and how far.
        fix: Mend what changes no published figure.
        mend: A kind of finding to be mended although that changes what is served.
        explain: The key of a finding that is explained by the reason.
    """

    examined: Examined
    fix: bool = False
    mend: str | None = None
    explain: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the doctor found, what was done about it, and what was found after that; None where nothing was done."""

    before: Examination
    mended: Sequence[Mended] = ()
    after: Examination | None = None

    @property
    def last(self) -> Examination:
        """The last examination: how things are now."""
        return self.after or self.before

    def as_dict(self) -> dict[str, Any]:
        """Return it for `--json`: how things are now, and what was done."""
        return self.last.as_dict() | {
            "exit_code": 0 if self.last.consistent else 1,
            "mended": [one.as_dict() for one in self.mended],
        }


def consult(settings: Settings, database_url: str, wanted: Consultation, progress: Progress) -> Consulted:
    """Examine, do what is wanted, and examine again; a healthy site has nothing written.

    Raises:
        BadUsage: a reason is missing, or there is no such finding.
        DatabaseError: Postgres cannot be used.
        ArchiveError: a manifest cannot be read.
    """
    before = examine(settings, database_url, wanted.examined, progress)
    if not (wanted.fix or wanted.mend or wanted.explain):
        return Consulted(before)
    with connect(database_url, purpose="doctor mends") as connection:
        site = Site.open(settings, database_url, connection, wanted.examined)
        mended = _act(site, before.findings, wanted, progress)
    if not mended:
        return Consulted(before)
    return Consulted(before, mended, examine(settings, database_url, wanted.examined, progress))


def _act(site: Site, findings: Sequence[Finding], wanted: Consultation, progress: Progress) -> list[Mended]:
    if wanted.explain:
        return [Mended(explain(site, findings, wanted.explain, wanted.reason), done="explained")]
    if wanted.mend:
        return mend_served(site, findings, wanted.mend, wanted.reason)
    return fix(site, findings, wanted.reason or DEFAULT_REASON, progress)
