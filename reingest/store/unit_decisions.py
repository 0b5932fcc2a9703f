"""What people decide on BM units: whether one counts as wind, what is true of it, and what the register proposes.

Each decision is recorded with its reason, in the transaction that carries it out and marks dates stale by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Literal

from reingest.checkpoints import checkpoint
from reingest.curtailment.unit_spans import EVER, FOR_EVER, Spans, corrected, without
from reingest.errors import BadUsage, NotFound
from reingest.store.database import Connection, database_errors
from reingest.store.register_acts import begin_change, lock_register, mark_stale, rewrite, spans_in_force
from reingest.store.runs import add_operator_action
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says is true of a unit.

    Attributes:
        start: The first settlement date of which it is true; `EVER` for all before `end`.
        end: The date after the last; None for as long as the unit is known, or goes on.
        facts: What it is, by the fields of `UnitFacts`; None where the unit did not exist then.
    """

    bm_unit: str
    start: date
    end: date | None
    facts: Mapping[str, Any] | None


def override_unit(
    connection: Connection, bm_unit: str, decision: Literal["include", "exclude"] | None, reason: str
) -> int:
    """Record that a unit counts as wind, or does not, whatever the register says; None ends the override.

    Returns:
        How many served dates are stale after it.
    """
    kind = decision or "reset"
    with database_errors(), connection.transaction():
        lock_register(connection)
        action_id = add_operator_action(connection, f"unit_{kind}", reason, bm_unit=bm_unit)
        change = begin_change(connection, kind, action_id=action_id)
        subject = {"bm_unit": bm_unit, "at": change.recorded_at}
        connection.execute(query("retire_override"), subject)
        checkpoint("override_retired")
        if decision is not None:
            connection.execute(query("add_override"), subject | {"decision": decision, "reason": reason})
            checkpoint("override_added")
        stale = mark_stale(connection, EVER)
    checkpoint("after_unit_decision")
    return stale


def correct_unit(connection: Connection, correction: Correction, reason: str) -> int:
    """Record what is true of a unit from now on, for the dates of the correction; what was recorded before stays.

    Returns:
        How many served dates are stale after it.

    Raises:
        NotFound: the register never had the unit.
        BadUsage: the correction changes nothing.
    """
    bm_unit = correction.bm_unit
    facts = correction.facts and {name: value and str(value) for name, value in correction.facts.items()}
    detail: dict[str, Any] = {"valid_from": _text(correction.start), "valid_to": _text(correction.end), "facts": facts}
    with database_errors(), connection.transaction():
        lock_register(connection)
        if not spans_in_force(connection, [bm_unit]):
            raise NotFound(f"the register has no BM unit {bm_unit}", next_command="reingest units list --all")
        action_id = add_operator_action(connection, "unit_correct", reason, bm_unit=bm_unit, **detail)
        change = begin_change(connection, "correct", action_id=action_id)
        if not rewrite(connection, change, {bm_unit: partial(_as_corrected, correction=correction)}):
            raise BadUsage(
                f"all of this is recorded of {bm_unit} already", next_command=f"reingest units show {bm_unit}"
            )
        stale = mark_stale(connection, correction.start)
    checkpoint("after_correction")
    return stale


def accept_proposal(connection: Connection, bm_unit: str, start: date | None, reason: str) -> int:
    """Let a unit have the fuel type that the register proposes.

    Args:
        connection: an autocommitting connection.
        bm_unit: a unit with an open proposal.
        start: from which settlement date; None for the day on which the register first said so.
        reason: why.

    Returns:
        How many served dates are stale after it.

    Raises:
        NotFound: nothing is proposed of the unit.
    """
    with database_errors(), connection.transaction():
        lock_register(connection)
        action_id = add_operator_action(connection, "unit_accept", reason, bm_unit=bm_unit, valid_from=_text(start))
        change = begin_change(connection, "accept", action_id=action_id)
        proposed = {"bm_unit": bm_unit, "state": "accepted", "at": change.recorded_at, "action_id": action_id}
        decided = connection.execute(query("decide_proposal"), proposed).fetchone()
        if decided is None:
            raise _nothing_proposed(bm_unit)
        checkpoint("proposal_accepted")
        since = start or decided[0]
        accepted = Correction(bm_unit, since, None, {"fuel_type": decided[1]})
        rewrite(connection, change, {bm_unit: partial(_as_corrected, correction=accepted)})
        stale = mark_stale(connection, since)
    checkpoint("after_proposal_accepted")
    return stale


def decline_proposal(connection: Connection, bm_unit: str, reason: str) -> None:
    """Leave a unit without the fuel type that the register proposes.

    Raises:
        NotFound: nothing is proposed of the unit.
    """
    with database_errors(), connection.transaction():
        lock_register(connection)
        action_id = add_operator_action(connection, "unit_decline", reason, bm_unit=bm_unit)
        instant = connection.execute(query("register_instant")).fetchone()
        declined = {"bm_unit": bm_unit, "state": "declined", "at": instant and instant[0], "action_id": action_id}
        if connection.execute(query("decide_proposal"), declined).fetchone() is None:
            raise _nothing_proposed(bm_unit)
    checkpoint("after_proposal_declined")


def _as_corrected(spans: Spans, correction: Correction) -> Spans:
    start, end = correction.start, correction.end
    if end is None:
        # A unit that is gone is not brought back by what is said of the time when it was there.
        last = max(span.valid_to for span in spans)
        end = last if start < last else FOR_EVER
    if correction.facts is None:
        return without(spans, start, end)
    return corrected(spans, start, end, correction.facts)


def _nothing_proposed(bm_unit: str) -> NotFound:
    return NotFound(f"the register proposes nothing of {bm_unit}", next_command="reingest units proposals")


def _text(day: date | None) -> str | None:
    return None if day is None or day == EVER else day.isoformat()
