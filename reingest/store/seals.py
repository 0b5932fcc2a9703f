"""Seals and digests as they are stored: what a version was built from, and what is served of which dates."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from psycopg.rows import class_row

from reingest.curtailment.digests import Digests
from reingest.curtailment.seals import NamedPayload
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


def digests_of(connection: Connection, span: str, start: date, end: date) -> Digests:
    """Return the content digests of the dates that are served from `start` until before `end`."""
    with database_errors():
        rows = connection.execute(query("day_digests"), {"start": start, "end": end}).fetchall()
    return Digests(span, dict(rows))


@dataclass(frozen=True, slots=True)
class AskedPayload(NamedPayload):
    """A payload of a version with the format in which it was asked for."""

    wire: Literal["xml", "json", "csv"]

    @property
    def named(self) -> NamedPayload:
        """The payload as a seal names it."""
        return NamedPayload(self.dataset, self.period, self.side, self.sha256)


@dataclass(frozen=True, slots=True)
class SealOfVersion:
    """A version's seal and the one before it, since when it is or was served, and its seal made again from its rows."""

    seal: str
    previous_seal: str
    served_from: datetime
    made_again: str


def asked_payloads(connection: Connection, version_id: int) -> list[AskedPayload]:
    """Return the payloads that a version names as they were asked for, each once and in order."""
    with database_errors(), connection.cursor(row_factory=class_row(AskedPayload)) as cursor:
        found = cursor.execute(query("asked_payloads"), {"version_id": version_id}).fetchall()
    return sorted(set(found), key=lambda one: (*one.order, one.wire))


def payloads_of_version(connection: Connection, version_id: int) -> set[NamedPayload]:
    """Return the payloads that a version names, however they were asked for."""
    return {one.named for one in asked_payloads(connection, version_id)}


def seal_of_version(connection: Connection, version_id: int) -> SealOfVersion | None:
    """Return the seal of a version, None where it was never published."""
    with database_errors(), connection.cursor(row_factory=class_row(SealOfVersion)) as cursor:
        return cursor.execute(query("seal_of_version"), {"version_id": version_id}).fetchone()
