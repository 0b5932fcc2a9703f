"""What people decide on BM units: whether one counts as wind, and what is true of it."""

from typing import Literal

from reingest.checkpoints import checkpoint
from reingest.curtailment.unit_spans import EVER
from reingest.store.database import Connection, database_errors
from reingest.store.register_acts import begin_change, lock_register, mark_stale
from reingest.store.runs import add_operator_action
from reingest.store.sql import query


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
