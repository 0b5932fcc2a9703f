"""Verdicts of witnesses on versions: stored by run, read as the one that counts.

A verdict of the newest run that verified the version, or found a difference, counts; one that left it unverified takes
nothing back, for the version's content has not moved since.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from reingest.checkpoints import checkpoint
from reingest.curtailment.verdicts import Cause, Reason, RuleVerdict, Verdict
from reingest.curtailment.witness_rules import RuleName, Verification
from reingest.curtailment.words import Side
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """What one rule said of a version.

    Attributes:
        rules: The set that the rule belongs to.
        compared: How many amounts were compared, those that differ among them.
        not_compared: How many could not be.
        reasons: How many of those for which reason.
        run_id: The run that judged.
    """

    rule: RuleName
    rules: str
    status: Verification
    compared: int
    not_compared: int
    reasons: Mapping[Reason, int]
    differences: int
    run_id: UUID
    judged_at: datetime


@dataclass(frozen=True, slots=True)
class StoredDifference:
    """One figure that stacks and witness give differently, MWh or GBP as its rule has it.

    Attributes:
        stack: What the stack's rows come to; None where it has none.
        witness: What the witness says; None where it says nothing of it.
        difference: Stack less witness, exactly; nothing counts as zero.
        wind: Whether the unit was a wind unit.
        cause: What may have caused it and is told elsewhere.
    """

    rule: RuleName
    period: int
    side: Side
    bm_unit: str | None
    acceptance_id: int | None
    pair_id: int | None
    stack: Decimal | None
    witness: Decimal | None
    difference: Decimal
    wind: bool
    cause: Cause | None


def save_verdict(
    connection: Connection, version_id: int, run_id: UUID, verdict: Verdict, fetch_ids: Collection[int]
) -> None:
    """Store what a run's witnesses said of a version, all or nothing, and which answers they were."""
    key = {"version_id": version_id, "run_id": run_id}
    with database_errors(), connection.transaction():
        connection.execute(query("add_version_witnesses"), key | {"fetch_ids": sorted(fetch_ids)})
        with connection.cursor() as cursor:
            cursor.executemany(query("add_verdict"), [key | _verdict_row(verdict, one) for one in verdict.verdicts])
        if verdict.differences:
            with connection.cursor() as cursor, cursor.copy(query("copy_differences")) as copy:
                for one in verdict.differences:
                    copy.write_row((version_id, run_id, *one))
        checkpoint("before_verdict_commit")
    checkpoint("after_verdict")


def verification_of(connection: Connection, version_id: int) -> Verification:
    """Return what the witnesses come to for a version; `unverified` where it was never judged."""
    with database_errors():
        row = connection.execute(query("standing_verification"), {"version_id": version_id}).fetchone()
    return row[0] if row else "unverified"


def verdicts_of(connection: Connection, version_id: int) -> list[StoredVerdict]:
    """Return what each rule says of a version, by the run whose verdict counts; nothing where it was never judged."""
    return _read(connection, StoredVerdict, "standing_verdicts", version_id)


def differences_of(connection: Connection, version_id: int) -> list[StoredDifference]:
    """Return every figure of a version that a witness gives differently, by rule, period, side and unit."""
    return _read(connection, StoredDifference, "standing_differences", version_id)


def _verdict_row(verdict: Verdict, one: RuleVerdict) -> dict[str, object]:
    return {
        "rule": one.rule.name,
        "rules": verdict.rules,
        "status": one.status,
        "compared": one.compared,
        "not_compared": sum(one.not_compared.values()),
        "reasons": Jsonb(dict(one.not_compared)),
        "differences": len(one.differences),
    }


def _read(connection: Connection, row_class: type[_Row], name: str, version_id: int) -> list[_Row]:
    with database_errors(), connection.cursor(row_factory=class_row(row_class)) as cursor:
        return cursor.execute(query(name), {"version_id": version_id}).fetchall()
