"""The way of every reset: plan, show, lease on everything, backup, one transaction that does what was shown."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from reingest.checkpoints import checkpoint
from reingest.errors import Conflict
from reingest.ids import new_id
from reingest.operations.backup import path_of_backup_before
from reingest.operations.resets import data, ops, state
from reingest.operations.resets.plan import ResetAct, ResetDone, ResetPlan, ResetRequest
from reingest.settings import Settings
from reingest.store.backups import create_backup
from reingest.store.database import Connection, connect, database_errors
from reingest.store.heartbeat import Lease
from reingest.store.leases import hold_exclusive, require_lease
from reingest.store.migrate import require_schema
from reingest.store.outbox import number_changes
from reingest.store.resetting import database_now
from reingest.store.runs import Holder, add_operator_action


@dataclass(frozen=True, slots=True)
class _Act:
    """One of the three acts: what it would take, and the taking of it in the caller's transaction."""

    plan: Callable[[Connection, ResetRequest, ResetPlan], ResetPlan]
    take_away: Callable[[Connection, ResetRequest, ResetPlan], dict[str, int]]


_ACTS: Final[dict[ResetAct, _Act]] = {
    "state": _Act(state.plan, state.take_away),
    "ops": _Act(ops.plan, ops.take_away),
    "data": _Act(data.plan, data.take_away),
}


def plan_reset(settings: Settings, database_url: str, request: ResetRequest) -> ResetPlan:
    """Return what a reset would take; nothing is changed.

    Raises:
        BadUsage: the home, or where its folder of backups leads, is no place for a backup.
    """
    backup = path_of_backup_before(settings) if request.backup_first else None
    with connect(database_url, purpose="reset plan", role=None) as connection, database_errors():
        require_schema(connection)
        return _plan(connection, request, backup)


def reset(settings: Settings, database_url: str, request: ResetRequest, shown: ResetPlan) -> ResetDone:
    """Do what was shown, all of it or nothing, while no run holds a date.

    Raises:
        BadUsage: it was not said to be understood, or has no reason.
        Locked: a run holds a date.
        Conflict: what it would take is not what was shown any more.
        BackupFailed: the backup before it could not be written, so nothing was done.
    """
    request.require_meant()
    with (
        hold_exclusive(database_url, Holder(new_id()), settings.lease_ttl_seconds) as lease,
        # The owner's own role: the application's has no right to take anything away.
        connect(database_url, purpose=f"reset {request.act}", role=None) as connection,
        database_errors(),
    ):
        _require_shown(_plan(connection, request, shown.backup), shown)
        if shown.backup:
            create_backup(database_url, shown.backup, f"before reset {request.act} of {request.span}")
            checkpoint("between_backup_and_reset")
        gone = _take(connection, lease, request, shown)
        number_changes(connection)
    return ResetDone(request.act, gone, shown.backup, shown.next_commands)


def _plan(connection: Connection, request: ResetRequest, backup: Path | None) -> ResetPlan:
    blank = ResetPlan(request.act, request.span, (), (), database_now(connection), backup)
    return _ACTS[request.act].plan(connection, request, blank)


def _take(connection: Connection, lease: Lease, request: ResetRequest, shown: ResetPlan) -> dict[str, int]:
    with connection.transaction():
        require_lease(connection, lease)
        gone = _ACTS[request.act].take_away(connection, request, shown)
        if gone != shown.counts:
            raise Conflict(f"it would have taken {gone}, shown was {shown.counts}; nothing was taken")
        add_operator_action(
            connection,
            f"reset_{request.act}",
            request.reason,
            span=str(request.span),
            rows=gone,
            backup=shown.backup and str(shown.backup),
        )
        checkpoint("before_reset_commit")
    checkpoint("after_reset_commit")
    return gone


def _require_shown(now: ResetPlan, shown: ResetPlan) -> None:
    """Refuse to go on where the state has moved since the plan was shown.

    Raises:
        Conflict: it has.
    """
    if replace(now, before=shown.before, takes=()) != replace(shown, takes=()) or now.counts != shown.counts:
        raise Conflict(
            f"it would take {now.rows} rows by now, shown were {shown.rows}; look again",
            next_command=f"reingest reset {shown.act} --plan",
        )
