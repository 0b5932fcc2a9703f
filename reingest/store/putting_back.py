"""Putting a backup back: everything that Postgres holds is replaced in one transaction.

pg_restore writes the backup as SQL, and psql runs it between two scripts of ours. The transaction is committed by the
last line of the last script: where anything ends early, psql reads the end of its input, and Postgres rolls back.
"""

import json
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from typing import IO, Any, Final
from uuid import UUID

from psycopg import sql

from reingest.checkpoints import checkpoint
from reingest.errors import BackupFailed
from reingest.store.backups import Backup
from reingest.store.database import connect, database_errors
from reingest.store.heartbeat import Lease
from reingest.store.programs import command, environment_of, last_words
from reingest.store.runs import this_person
from reingest.store.sql import query

_CHUNK: Final = 2**20


@dataclass(frozen=True, slots=True)
class PutBack:
    """What is put back, by whose decision, under which lease.

    Attributes:
        act: Names this act, so that it can be told afterwards whether it was committed.
    """

    act: UUID
    backup: Backup
    lease: Lease
    reason: str
    detail: dict[str, Any]


def put_back(url: str, wanted: PutBack) -> None:
    """Replace everything that the database holds, but its leases, with what is in the backup; all of it or nothing.

    Version numbers, ids, generations and positions in the feed never go back: where they are beyond the backup's, they
    stay. Consumers are told of each date that serves another version afterwards, or none.

    Raises:
        BackupFailed: it was not put back; with what the programs said.
        DatabaseUnreachable: the connection is gone, and it cannot be told whether it was.
    """
    with tempfile.TemporaryFile() as restore_said, tempfile.TemporaryFile() as psql_said:
        with (
            _pg_restore(wanted.backup, restore_said) as restore,
            _psql(url, psql_said) as psql,
        ):
            complete = _feed(url, wanted, restore, psql)
        if complete and psql.returncode == 0:
            checkpoint("after_put_back_commit")
            return
        said = "; ".join(last_words(_read(words)) for words in (psql_said, restore_said) if words.tell())
    with connect(url, purpose="read back") as connection, database_errors():
        if connection.execute(query("was_put_back"), {"act": str(wanted.act)}).fetchone() is None:
            raise BackupFailed(f"{wanted.backup.path} was not put back: {said or 'a program ended early'}")


def _feed(url: str, wanted: PutBack, restore: "subprocess.Popen[bytes]", psql: "subprocess.Popen[bytes]") -> bool:
    """Give psql the scripts with the backup between them; False where it never got the last one, which commits."""
    if psql.stdin is None or restore.stdout is None:
        return False
    try:
        with suppress(BrokenPipeError), psql.stdin:  # psql ends at the first error, and says it itself
            psql.stdin.write(_settings(url, wanted) + _script("before_restore.sql"))
            shutil.copyfileobj(restore.stdout, psql.stdin, _CHUNK)
            if restore.wait() == 0:
                checkpoint("before_put_back_commit")
                psql.stdin.write(_script("after_restore.sql"))
                return True
    finally:
        restore.stdout.close()
    return False


def _settings(url: str, wanted: PutBack) -> bytes:
    """Return the beginning of the transaction, with what the scripts have to know."""
    values = {
        "lease_key": wanted.lease.key,
        "lease_token": str(wanted.lease.token),
        "tables": json.dumps(dict(wanted.backup.tables)),
        "who": this_person(),
        "host": socket.gethostname(),
        "reason": wanted.reason,
        "detail": json.dumps(wanted.detail | {"act": str(wanted.act)}),
    }
    with connect(url, purpose="quote", role=None) as connection:
        lines = [
            sql.SQL("select set_config({}, {}, true);\n").format(sql.Literal(f"reingest.{name}"), sql.Literal(value))
            for name, value in values.items()
        ]
        return b"begin;\n" + sql.Composed(lines).as_bytes(connection)


def _pg_restore(backup: Backup, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    # Of the schema only what is in it: the schema itself stays, and with it the leases.
    arguments = ["--file=-", "--clean", "--if-exists", "--no-owner", "--schema=public"]
    # It does not connect, so it is given nothing to connect with.
    return subprocess.Popen(
        command("pg_restore", [*arguments, backup.path]), stdout=subprocess.PIPE, stderr=said, env={"LC_ALL": "C"}
    )


def _psql(url: str, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    arguments = ["--no-password", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    return subprocess.Popen(
        command("psql", arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=said,
        env=environment_of(url),
    )


def _script(name: str) -> bytes:
    return resources.files("reingest.store.scripts").joinpath(name).read_bytes()


def _read(words: IO[bytes]) -> bytes:
    words.seek(0)
    return words.read()
