"""A date as the doctor sees it: its row, its versions, and what is served."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TypedDict, Unpack

from reingest.curtailment.content import content_hash
from reingest.lake.upkeep import PayloadState, payload_state
from reingest.operations.doctor.finding import EXPLAIN, FETCH_AGAIN, REBUILD, Finding, Mending
from reingest.operations.doctor.site import Site
from reingest.store.contents import content_of, version_facts
from reingest.store.examined import Day, ExaminedPayload, ExaminedVersion, day_of, payloads_of, versions_of
from reingest.store.versions import recomputed_differences


class Where(TypedDict, total=False):
    """What in a date a finding is about, and what becomes of it; see `Finding`."""

    version: ExaminedVersion
    about: str
    target: object
    instead: tuple[Mending, str] | None


@dataclass
class ExaminedDate:
    """One date, read at one moment of the database."""

    site: Site
    settlement_date: date
    day: Day | None
    versions: Sequence[ExaminedVersion]

    @classmethod
    def read(cls, site: Site, settlement_date: date) -> "ExaminedDate":
        """Read the date's row and its versions."""
        connection = site.connection
        return cls(site, settlement_date, day_of(connection, settlement_date), versions_of(connection, settlement_date))

    @cached_property
    def published(self) -> ExaminedVersion | None:
        """The version whose state says that it is served."""
        return next((version for version in self.versions if version.state == "published"), None)

    @cached_property
    def served(self) -> Sequence[ExaminedVersion]:
        """The versions that are or were served, in the order of their publishes."""
        served = [version for version in self.versions if version.state in ("published", "superseded")]
        return sorted(served, key=lambda version: version.generation)

    @cached_property
    def payloads(self) -> list[tuple[ExaminedPayload, PayloadState]]:
        """The payloads that the date's fetches gave, each with what its file is worth."""
        site, read = self.site, not self.site.examined.quick
        return [
            (one, payload_state(site.archive, one.sha256, one.stored_size, read=read))
            for one in payloads_of(site.connection, self.settlement_date, site.ceiling)
        ]

    @cached_property
    def altered(self) -> dict[int, tuple[int, str]]:
        """The versions not served that are not what they were made as, by id: totals that differ, and their hash."""
        found = {}
        for version in self.versions:
            if version.state in ("superseded", "held") and not self.site.examined.quick:
                differences = len(recomputed_differences(self.site.connection, version.id))
                stored = self.stored_hash(version)
                if differences or stored != version.content_hash:
                    found[version.id] = differences, stored
        return found

    def stored_hash(self, version: ExaminedVersion) -> str:
        """Return the hash of what a version's stored rows say."""
        facts = version_facts(self.site.connection, self.settlement_date, version.number)
        return content_hash(content_of(self.site.connection, self.settlement_date, facts))

    def finding(self, kind: str, found: str, expected: str, **where: Unpack[Where]) -> Finding:
        """Return a finding about the date, one of its versions, or something in it."""
        version, about = where.get("version"), where.get("about")
        subject = f"{self.settlement_date} version {version.number}" if version else str(self.settlement_date)
        return Finding(
            kind,
            f"{subject} {about}" if about else subject,
            found,
            expected,
            settlement_date=self.settlement_date,
            version=version.number if version else None,
            target=where.get("target", version),
            instead=where.get("instead"),
        )

    def rebuilding(self) -> tuple[Mending, str]:
        """Return the command that publishes the date anew: from the archive, where that has all that is served."""
        lost = any(payload.served and state != "good" for payload, state in self.payloads)
        return "command", FETCH_AGAIN if lost else REBUILD


def explaining() -> tuple[Mending, str]:
    """Return that nothing mends it."""
    return "explain", EXPLAIN
