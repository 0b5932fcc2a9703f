"""Backups: what Postgres holds, as one file of the server's own pg_dump with a manifest beside it.

    reingest-20250321T101500123456Z.dump         pg_dump's custom format
    reingest-20250321T101500123456Z.dump.json    when, why, of which schema, how many rows, and the file's sha256

A file without its manifest is no backup: the manifest is written last, and what is not registered is never read.
Payloads are not in it: they are in the archive, which is files already. Leases are not in it either.
"""

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict

from reingest import __version__
from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.errors import BackupFailed, BadUsage
from reingest.store.database import Connection, connect, database_errors
from reingest.store.migrate import REVISION, require_schema
from reingest.store.programs import command, environment_of, last_words, require_known_server
from reingest.store.sql import query

SUFFIX: Final = ".dump"
MANIFEST_SUFFIX: Final = ".json"
UNFINISHED_SUFFIX: Final = ".new"
FORMAT: Final = 1
LEFT_OVER: Final = timedelta(days=1)
"""An unfinished file this old was left by a process that died."""


@dataclass(frozen=True, slots=True)
class Served:
    """What all dates together serve: how many they are, the first and last, and one hash over their versions."""

    dates: int
    first: date | None
    last: date | None
    digest: str


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup, as its manifest tells.

    Attributes:
        path: The file itself.
        revision: The schema's.
        server_version: As in 18.6.
        database: Where it was made: host, port, database, user; never a password.
        size: Bytes of the file.
        tables: Rows by table.
    """

    path: Path
    created_at: datetime
    reason: str
    revision: str
    code_version: str
    server_version: str
    database: str
    sha256: str
    size: int
    tables: Mapping[str, int]
    served: Served

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(self.tables.values())


def new_backup_path(folder: Path) -> Path:
    """Return a name in the folder that no other backup has."""
    return folder / f"reingest-{utc_now():%Y%m%dT%H%M%S%f}Z{SUFFIX}"


def create_backup(url: str, path: Path, reason: str) -> Backup:
    """Write a backup; when this returns, a power cut does not lose it.

    Rows are counted in the very snapshot that is dumped.

    Raises:
        BadUsage: the file is there already.
        BackupFailed: it could not be written, or the server is newer than pg_dump.
        SchemaBehind: the database has another schema than this code's.
    """
    if path.exists() or manifest_path(path).exists():
        raise BadUsage(f"{path} is there already; a backup is never written over")
    try:
        _make_folder(path.parent)
        _sweep(path.parent)
    except OSError as error:
        raise BackupFailed(f"{path.parent} cannot be written: {error.strerror}") from error
    unfinished = path.with_name(f".{path.name}{UNFINISHED_SUFFIX}")
    try:
        backup = _dump(url, path, unfinished, reason)
        _register(backup, unfinished)
    except OSError as error:
        raise BackupFailed(f"the backup could not be written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return backup


def list_backups(folder: Path) -> list[Backup]:
    """Return the backups of a folder, newest first.

    Raises:
        BackupFailed: a manifest there is not one.
    """
    manifests = folder.glob(f"*{SUFFIX}{MANIFEST_SUFFIX}")
    backups = [read_backup(manifest.with_name(manifest.name.removesuffix(MANIFEST_SUFFIX))) for manifest in manifests]
    return sorted(backups, key=lambda backup: backup.created_at, reverse=True)


def read_backup(path: Path) -> Backup:
    """Return what the manifest beside a backup says of it.

    Raises:
        BadUsage: there is no manifest, so the file is no backup.
        BackupFailed: the manifest cannot be read.
    """
    manifest = manifest_path(path)
    try:
        values: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        return _from_manifest(path, values)
    except FileNotFoundError as error:
        raise BadUsage(
            f"{path} is no backup: {manifest.name} is not beside it", next_command="reingest backup list"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFailed(f"{manifest} cannot be read: {error!r}", next_command="reingest backup list") from error


def require_whole(backup: Backup) -> None:
    """Refuse a backup whose file is not what was written, or whose schema is not this code's.

    Raises:
        BadUsage: it is either of them.
    """
    if backup.revision != REVISION:
        raise BadUsage(
            f"{backup.path.name} is of schema {backup.revision} (Reingest {backup.code_version}), this is {REVISION}; "
            "put it back into an empty home with that version, then upgrade the schema"
        )
    try:
        found = _sha256(backup.path)
    except OSError as error:
        raise BadUsage(f"{backup.path} cannot be read: {error}", next_command="reingest backup list") from error
    if found != backup.sha256:
        raise BadUsage(
            f"{backup.path} is not the file that was written: its sha256 is {found}",
            next_command="reingest backup list",
        )


def table_counts(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has that belongs into a backup."""
    names = [str(row[0]) for row in connection.execute(query("tables_in_backups"))]
    counts = (connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(name))) for name in names)
    return {name: int(row[0]) for name, count in zip(names, counts, strict=True) if (row := count.fetchone())}


def served_now(connection: Connection) -> Served:
    """Return what all dates together serve."""
    row = connection.execute(query("served_digest")).fetchone()
    return Served(*row) if row else Served(0, None, None, "")


def manifest_path(path: Path) -> Path:
    """Return where the manifest of a backup stands."""
    return path.with_name(f"{path.name}{MANIFEST_SUFFIX}")


def sync(path: Path) -> None:
    """Wait until the file, or the entries of the folder, are on disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _dump(url: str, path: Path, unfinished: Path, reason: str) -> Backup:
    with connect(url, purpose="backup", role=None) as connection, database_errors():
        require_schema(connection)
        require_known_server(connection)
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        with connection.transaction():
            row = connection.execute("select pg_export_snapshot()").fetchone()
            counts, served = table_counts(connection), served_now(connection)
            _pg_dump(url, unfinished, snapshot=str(row[0]) if row else "")
        version = connection.info.server_version
    checkpoint("after_pg_dump")
    return Backup(
        path=path,
        created_at=utc_now(),
        reason=reason,
        revision=REVISION,
        code_version=__version__,
        server_version=f"{version // 10_000}.{version % 10_000}",
        database=_place_of(url),
        sha256=_sha256(unfinished),
        size=unfinished.stat().st_size,
        tables=counts,
        served=served,
    )


def _pg_dump(url: str, target: Path, *, snapshot: str) -> None:
    arguments = [
        "--no-password",
        "--format=custom",
        "--no-owner",
        "--schema=public",
        f"--snapshot={snapshot}",
        f"--file={target}",
    ]
    # A lease is about a process that lives now; so is the sequence of tokens, which must never go back.
    arguments += ["--exclude-table=public.lease", "--exclude-table=public.lease_token"]
    target.touch(mode=0o600)
    done = subprocess.run(command("pg_dump", arguments), check=False, capture_output=True, env=environment_of(url))
    if done.returncode != 0:
        raise BackupFailed(f"pg_dump failed: {last_words(done.stderr)}")


def _register(backup: Backup, unfinished: Path) -> None:
    """Give the file its name, then write the manifest that makes it a backup."""
    sync(unfinished)
    checkpoint("before_backup_rename")
    unfinished.rename(backup.path)
    sync(backup.path.parent)
    checkpoint("after_backup_rename")
    manifest = manifest_path(backup.path)
    draft = manifest.with_name(f".{manifest.name}{UNFINISHED_SUFFIX}")
    draft.write_text(json.dumps(_manifest(backup), indent=2, default=str) + "\n", encoding="utf-8")
    sync(draft)
    checkpoint("before_backup_manifest")
    draft.rename(manifest)
    sync(manifest.parent)
    checkpoint("after_backup_manifest")


def _manifest(backup: Backup) -> dict[str, Any]:
    values = asdict(replace(backup, tables=dict(backup.tables)))
    return {"format": FORMAT, "file": values.pop("path").name, **values}


def _from_manifest(path: Path, values: dict[str, Any]) -> Backup:
    if values.pop("format") != FORMAT:
        raise ValueError("another format")
    values.pop("file")
    served = values.pop("served")
    days = {name: served[name] and date.fromisoformat(served[name]) for name in ("first", "last")}
    created_at = datetime.fromisoformat(values.pop("created_at"))
    return Backup(path=path, created_at=created_at, served=Served(**{**served, **days}), **values)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place_of(url: str) -> str:
    parts = conninfo_to_dict(url)
    return " ".join(f"{name}={parts[name]}" for name in ("host", "port", "dbname", "user") if parts.get(name))


def _make_folder(folder: Path) -> None:
    """Make the folder, for its owner alone, and its parents, each entered in its parent on disk."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync(folder.parent)
    checkpoint("after_backup_folder")


def _sweep(folder: Path) -> None:
    """Remove what backups left that were killed on their way."""
    oldest = (utc_now() - LEFT_OVER).timestamp()
    for path in folder.glob(f".*{UNFINISHED_SUFFIX}"):
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
