"""Ten million curtailment records, so that what is measured is a database of years and not an empty one."""

import re
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, LiteralString, cast

import psycopg

RECORDS_A_VERSION: Final = 3792
"""79 rows a period; the busiest recorded date has 3,791."""


@dataclass(frozen=True, slots=True)
class Filled:
    """What was made: how many versions and curtailment records the database holds now, and the seconds it took."""

    versions: int
    records: int
    seconds: float


def fill(database_url: str, records: int, last: date) -> Filled:
    """Make versions of the dates until `last` that hold so many records; the register must be there.

    As the server's superuser, and without the foreign keys' triggers, which would look up 20 million rows that the
    statements have just made; everything else of the tables stands.
    """
    began = time.perf_counter()
    versions = -(-records // RECORDS_A_VERSION)
    size = {"versions": versions, "records": RECORDS_A_VERSION, "last": last}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        for statement in blocks(Path(__file__).with_name("fill.sql")).values():
            connection.execute(statement, size)
        # Statistics, as years of use would have left them, but no autovacuum in the middle of a measurement.
        connection.execute("alter table curtailment_record set (autovacuum_enabled = false)")
        connection.execute("analyze")
        connection.execute("checkpoint")
        row = connection.execute("select count(*), (select count(*) from version) from curtailment_record").fetchone()
    if row is None:
        raise RuntimeError("a count gave no row")
    return Filled(versions=row[1], records=row[0], seconds=time.perf_counter() - began)


def blocks(file: Path) -> dict[str, LiteralString]:
    """Return the statements of a file of this folder, in order, by the names that stand above them."""
    _, *parts = re.split(r"^-- name: (\w+)$", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    # The text is this folder's own, never a user's: a literal in all but syntax.
    return {
        name: cast("LiteralString", text.strip().rstrip(";"))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
