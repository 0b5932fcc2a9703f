"""Unlock: a person ends a lease whose holder is gone, or is to be stopped; it is on the record.

It cannot let two write: the fencing token goes with the row, so a holder that was only thought dead publishes nothing
any more, and ends with `lease_lost` at its next heartbeat.
"""

from typing import Literal

from reingest.checkpoints import checkpoint
from reingest.errors import BadUsage, Refused
from reingest.store.database import Connection, database_errors
from reingest.store.leases import HeldLease, date_of_key, free_lease, leases
from reingest.store.runs import add_operator_action, this_person

Unlocked = Literal["unlocked", "gone"]


def find_lease(connection: Connection, key: str) -> HeldLease | None:
    """Return the lease of that key, live or dead, if there is one."""
    return next((held for held in leases(connection) if held.key == key), None)


def require_unlockable(held: HeldLease, *, force: bool) -> None:
    """Refuse to unlock a live holder, unless it is to be stopped.

    Raises:
        Refused: the holder lives: its heartbeat is fresh and its connection open.
    """
    if held.alive and not force:
        raise Refused(
            f"the holder of {held.key} lives, its last heartbeat is {held.silent_for.total_seconds():.0f} s old: "
            f"{held.who}; to stop it say --force",
            settlement_date=date_of_key(held.key),
            next_command="reingest status --locks",
        )


def unlock_lease(connection: Connection, held: HeldLease, reason: str, *, force: bool) -> Unlocked:
    """Delete the lease that was shown, and record who did it and why, in one transaction.

    Returns:
        `unlocked`, or `gone` where it had been released or taken over since it was shown: then nothing is done.

    Raises:
        BadUsage: no reason is given.
        Refused: the holder lives, and it was not to be forced.
    """
    if not reason.strip():
        raise BadUsage("a lease is unlocked with a reason; --reason is empty")
    with database_errors(), connection.transaction():
        now = find_lease(connection, held.key)
        if now is None or now.token != held.token:
            return "gone"
        require_unlockable(now, force=force)
        if not free_lease(connection, held, "unlocked", by=this_person(), reason=reason):
            return "gone"
        add_operator_action(
            connection,
            "unlock",
            reason,
            settlement_date=date_of_key(held.key),
            key=held.key,
            token=held.token,
            run_id=str(held.run_id),
            holder=held.holder,
            holder_host=held.host,
            alive=now.alive,
            forced=force,
            silent_seconds=round(now.silent_for.total_seconds(), 3),
        )
        checkpoint("before_unlock_commit")
    return "unlocked"
