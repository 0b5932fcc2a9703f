"""Seals and digests as they are stored: what a version was built from, and what is served of which dates."""

from datetime import date

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


def payloads_of_version(connection: Connection, version_id: int) -> list[NamedPayload]:
    """Return the payloads that a version names, those of its witnesses among them, each once and in order."""
    with database_errors(), connection.cursor(row_factory=class_row(NamedPayload)) as cursor:
        found = cursor.execute(query("payloads_of_version"), {"version_id": version_id}).fetchall()
    return sorted(set(found), key=lambda one: one.order)
