"""Leases as `status --locks` and `unlock` show them."""

from collections.abc import Sequence
from typing import Final

from reingest.cli.output import Column, Output
from reingest.store.leases import HeldLease

COLUMNS: Final = (
    Column("key", "lease"),
    Column("state", "state"),
    Column("run_id", "run"),
    Column("holder", "who"),
    Column("host", "host"),
    Column("pid", "process"),
    Column("acquired_at", "since"),
    Column("heartbeat_at", "last heartbeat"),
    Column("expires_at", "expires"),
)


def write_locks(output: Output, held: Sequence[HeldLease]) -> None:
    """Print every lease there is, dead ones included."""
    rows = [lease_row(one) for one in held]
    after = [] if held else ["No lease is held."]
    if any(not one.alive for one in held):
        after = ["", "A lease that is not alive is taken over by the next run; nothing need be done."]
    output.write(rows, COLUMNS, rows, after=after)


def lease_row(held: HeldLease) -> dict[str, object]:
    """Return a lease as a row; instants are UTC, `silent_seconds` is the age of the last heartbeat."""
    return {
        "key": held.key,
        "state": state_of(held),
        "alive": held.alive,
        "run_id": held.run_id,
        "token": held.token,
        "holder": held.holder,
        "host": held.host,
        "pid": held.pid,
        "acquired_at": held.acquired_at,
        "heartbeat_at": held.heartbeat_at,
        "expires_at": held.expires_at,
        "silent_seconds": round(held.silent_for.total_seconds()),
    }


def state_of(held: HeldLease) -> str:
    """Return how its holder is: `alive`, `dead`, or, where it was silent for its whole time to live, `expired`."""
    return "alive" if held.alive else "expired" if held.expired else "dead"


def lease_lines(held: HeldLease) -> list[str]:
    """Return what a person must know of a lease before ending it."""
    age = held.silent_for.total_seconds()
    return [
        f"{held.key} is held by {held.who}.",
        f"Its last heartbeat is {age:.0f} s old; the holder is {state_of(held)}.",
    ]
