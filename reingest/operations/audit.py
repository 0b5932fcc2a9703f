"""Audit: where the figures of a date come from: run, payloads, files, rows, totals, each beside the next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reingest.curtailment.content import content_hash
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DefinitionName
from reingest.lake.archive import Archive
from reingest.lake.upkeep import PayloadState, payload_state
from reingest.store.audit import AuditedAnswer, AuditedVersion, audited_answers, audited_version
from reingest.store.contents import content_of, version_facts
from reingest.store.database import Connection
from reingest.store.reads import ShownCheck, checks_of
from reingest.store.versions import Difference, recomputed_differences, totals_of_version


@dataclass(frozen=True, slots=True)
class AnswerFile:
    """An answer with its file in the archive, and whether that holds the bytes that were archived."""

    answer: AuditedAnswer
    path: str | None
    state: PayloadState | None


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything that a version's figures come from, and whether it still agrees.

    Attributes:
        differences: Totals that are not what the stored rows come to.
        stored_hash: What the stored rows hash to.
    """

    settlement_date: date
    version: AuditedVersion
    answers: Sequence[AnswerFile]
    totals: Mapping[DefinitionName, Totals]
    checks: Sequence[ShownCheck]
    differences: Sequence[Difference]
    stored_hash: str

    @property
    def faults(self) -> list[str]:
        """What does not agree, in words."""
        bad = [one for one in self.answers if one.state in ("missing", "altered")]
        faults = [f"{one.path} is {one.state}" for one in bad]
        if self.differences:
            faults.append(f"{len(self.differences)} totals are not what the records come to")
        if self.stored_hash != self.version.content_hash:
            faults.append(f"the stored rows hash to {self.stored_hash}")
        return faults

    def as_dict(self) -> dict[str, Any]:
        """Return the audit for `--json`."""
        return {
            "settlement_date": self.settlement_date,
            "agrees": not self.faults,
            "faults": self.faults,
            "version": self.version,
            "answers": [_flat(one) for one in self.answers],
            "totals": self.totals,
            "checks": self.checks,
            "stored_hash": self.stored_hash,
        }


def audit(connection: Connection, archive: Archive, settlement_date: date, number: int) -> Audit:
    """Join what a version was made from: its run, payloads, files, rows and totals.

    Args:
        connection: sees the database at one moment.
        archive: its files are read and hashed.
        settlement_date: the date.
        number: the version.

    Raises:
        NotFound: the date has no such version.
    """
    version = audited_version(connection, settlement_date, number)
    facts = version_facts(connection, settlement_date, number)
    return Audit(
        settlement_date=settlement_date,
        version=version,
        answers=[_with_file(archive, answer) for answer in audited_answers(connection, version.id)],
        totals=totals_of_version(connection, version.id),
        checks=checks_of(connection, version.id),
        differences=recomputed_differences(connection, version.id),
        stored_hash=content_hash(content_of(connection, settlement_date, facts)),
    )


def _with_file(archive: Archive, answer: AuditedAnswer) -> AnswerFile:
    if answer.sha256 is None:
        return AnswerFile(answer, None, None)
    path = archive.payload_path(answer.sha256).relative_to(archive.folder)
    return AnswerFile(answer, str(path), payload_state(archive, answer.sha256, answer.stored_size, read=True))


def _flat(one: AnswerFile) -> dict[str, Any]:
    answer = {name: getattr(one.answer, name) for name in AuditedAnswer.__slots__}
    return answer | {"path": one.path, "payload": one.state}
