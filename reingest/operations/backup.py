"""Backups: made by hand or before an act that takes something away, and put back as one act."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from reingest.checkpoints import checkpoint
from reingest.errors import BadUsage, Bug
from reingest.ids import new_id
from reingest.operations.safe_paths import ensure_under, safe_root
from reingest.settings import Settings
from reingest.store.backups import (
    Backup,
    Served,
    create_backup,
    new_backup_path,
    read_backup,
    require_whole,
    served_now,
    table_counts,
)
from reingest.store.database import connect, database_errors, snapshot
from reingest.store.leases import hold_exclusive
from reingest.store.migrate import require_schema
from reingest.store.outbox import number_changes
from reingest.store.putting_back import PutBack, put_back
from reingest.store.runs import Holder


@dataclass(frozen=True, slots=True)
class BackupToRestore:
    """What a person asks to have put back.

    Attributes:
        understood: The person said that what is there now goes.
        backup_first: Back up what is there now before it goes.
    """

    path: Path
    reason: str
    understood: bool = False
    backup_first: bool = True


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What putting a backup back would do.

    Attributes:
        there: What the dates serve now; `backup.served` is what they would serve.
        rows: Rows by table now; `backup.tables` is what there would be.
        backup_first: Where what is there now would be backed up; None where it would not.
    """

    backup: Backup
    there: Served
    rows: dict[str, int]
    backup_first: Path | None


@dataclass(frozen=True, slots=True)
class RestoredBackup:
    """What was put back, and what of the state before it was kept."""

    path: Path
    created_at: datetime
    served: Served
    backup_before: Path | None


def make_backup(settings: Settings, database_url: str, reason: str, out: Path | None = None) -> Backup:
    """Write a backup, in the home's own folder unless told otherwise.

    Raises:
        BadUsage: the file is there already, or the home is no place to write in.
        BackupFailed: it could not be written.
    """
    path = out.expanduser().absolute() if out else _path_in_home(settings)
    return create_backup(database_url, path, reason)


def plan_restore_backup(settings: Settings, database_url: str, wanted: BackupToRestore) -> RestorePlan:
    """Return what putting the backup back would do; nothing is changed.

    Raises:
        BadUsage: it is no backup, or not the file that was written, or of another schema.
    """
    backup = read_backup(_find(settings, wanted.path))
    require_whole(backup)
    first = _path_in_home(settings) if wanted.backup_first else None
    with connect(database_url, purpose="plan") as connection:
        require_schema(connection)
        with snapshot(connection):
            return RestorePlan(backup, served_now(connection), table_counts(connection), first)


def restore_backup(settings: Settings, database_url: str, wanted: BackupToRestore, plan: RestorePlan) -> RestoredBackup:
    """Put a backup back, whole, under the lease on everything; what is there now is backed up before.

    Raises:
        BadUsage: no reason is given, or it was not said to be understood.
        Locked: a run holds a date.
        BackupFailed: it was not put back, and everything is as it was.
    """
    if not wanted.reason.strip():
        raise BadUsage("a backup is put back with a reason; --reason is empty")
    if not wanted.understood:
        raise BadUsage("what is there now would be replaced; if that is meant, say --i-understand")
    act = new_id()
    with hold_exclusive(database_url, Holder(act), settings.lease_ttl_seconds) as lease:
        before = None
        if plan.backup_first:
            before = create_backup(database_url, plan.backup_first, f"before {plan.backup.path.name} was put back").path
            checkpoint("between_backup_and_put_back")
        detail = {"file": str(plan.backup.path), "sha256": plan.backup.sha256, "backup": before and str(before)}
        put_back(database_url, PutBack(act, plan.backup, lease, wanted.reason, detail))
    with connect(database_url, purpose="verify") as connection, database_errors():
        number_changes(connection)
        served = served_now(connection)
    if served != plan.backup.served:
        raise Bug(f"the dates serve {served}, the backup has {plan.backup.served}")
    return RestoredBackup(plan.backup.path, plan.backup.created_at, served, before)


def path_of_backup_before(settings: Settings) -> Path:
    """Return where an act that takes something away backs it up before.

    Raises:
        BadUsage: the home, or where its folder of backups leads, is no place for that.
    """
    return _path_in_home(settings)


def _find(settings: Settings, path: Path) -> Path:
    """Return the file that a person names: a path, or the bare name of one in the home's folder of backups."""
    here = path.expanduser().absolute()
    return here if here.exists() or path.parent != Path() else settings.backups_folder / path


def _path_in_home(settings: Settings) -> Path:
    safe_root(settings.home)
    return new_backup_path(ensure_under(settings.backups_folder, settings.home))
