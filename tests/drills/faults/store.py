"""The 15 faults of the store: Postgres, and the disk under the archive."""

import errno
from contextlib import AbstractContextManager
from functools import partial as bound
from typing import Final

from tests.drills.faults.database_ways import (
    NO_TRIGGER,
    REFUSING_TRIGGER,
    altered,
    change_the_day,
    only_hold,
    reached_by,
    rival,
    run_against,
    run_cut_at,
    run_losing_the_commit,
    slow_line,
    want_the_lease,
)
from tests.drills.faults.disk_ways import failing_call, full_disk, read_only_disk
from tests.drills.faults.fault import Fault, Ground, Make, Trial, database_failed, published, source_failed
from tests.drills.faults.host_ways import clock_ahead
from tests.drills.faults.replica import run_on_a_replica

NO_LAKE: Final = "tables of the lake are not built yet"
ARCHIVE_FAILED: Final = "payloads cannot be archived"


def _refusing(code: str, message: str) -> Make:
    """Have Postgres refuse records with one of its own error codes."""
    return bound(altered, before=REFUSING_TRIGGER.format(code, message), after=NO_TRIGGER)


def _disk_call(name: str, ground: Ground) -> AbstractContextManager[None]:
    return failing_call(name, errno.EIO)


STORE: Final[tuple[Fault, ...]] = (
    Fault("connection lost before, at or after the commit", (
        Trial("before: the transaction is gone", database_failed(""),
              run=bound(run_cut_at, place="before_publish_commit"), sample=True),
        Trial("at: the server committed, nobody heard; it is read back", published(), run=run_losing_the_commit),
        Trial("after: it is read back too", published(), run=bound(run_cut_at, place="after_publish_commit")),
        Trial("when all is done but the run's own end", published(), run=bound(run_cut_at, place="after_publish")),
    )),
    Fault("deadlock", (
        Trial("a rival wants the run's rows in the other order; the run gives way", database_failed("deadlock"),
              run=bound(run_against, act=want_the_lease, place="after_stage")),
    )),
    Fault("serialization failure", (
        Trial("a rival changes the date's row, under `serializable`", database_failed("could not serialize"),
              make=lambda ground: _Both(reached_by(ground, options="-c default_transaction_isolation=serializable"),
                                        rival(ground, act=change_the_day))),
    )),
    Fault("disk full", (
        Trial("under the archive", source_failed("archive", "No space left on device"), make=full_disk, sample=True),
        Trial("under Postgres, by its own error code", database_failed("could not extend file"),
              make=_refusing("53100", "could not extend file")),
    )),
    Fault("read-only", (
        Trial("a database that takes no writes", database_failed("read-only transaction", "database"),
              make=bound(altered, before="alter database {database} set default_transaction_read_only = on",
                         after="alter database {database} reset default_transaction_read_only")),
        Trial("it becomes so while the candidate is written", database_failed("read-only", "database"),
              make=_refusing("25006", "cannot execute in a read-only transaction")),
    )),
    Fault("slow", (Trial("10 ms more for every message to Postgres", published(), make=slow_line),)),
    Fault("lock timeout", (
        Trial("a rival keeps the date's row for longer than a run may wait", database_failed("lock timeout"),
              make=bound(rival, act=only_hold)),
        Trial("the same in the publish", database_failed("lock timeout"),
              run=bound(run_against, act=only_hold, place="after_stage")),
    )),
    Fault("constraint hit", (
        Trial("by the rows of the candidate", database_failed("drill_never", "database"),
              make=bound(altered, before="alter table daily_summary add constraint drill_never check (records < 0)"
                                         " not valid",
                         after="alter table daily_summary drop constraint drill_never")),
        Trial("by the publish", database_failed("drill_never", "database"),
              make=bound(altered, before="alter table settlement_day add constraint drill_never"
                                         " check (generation < 2) not valid",
                         after="alter table settlement_day drop constraint drill_never")),
    )),
    Fault("replica lag", (
        Trial("a standby that replays nothing serves the old date whole, refuses a run, and catches up",
              database_failed("read-only transaction", "database"), run=run_on_a_replica),
    )),
    Fault("Parquet half written", (), not_yet=NO_LAKE),
    Fault("Delta conflict", (), not_yet=NO_LAKE),
    Fault("rename fails", (
        Trial("of a payload", source_failed("archive", ARCHIVE_FAILED), make=bound(_disk_call, "rename")),
    )),
    Fault("fsync fails", (
        Trial("of a payload", source_failed("archive", ARCHIVE_FAILED), make=bound(_disk_call, "fsync")),
    )),
    Fault("no permission", (
        Trial("to write in the archive", source_failed("archive", ARCHIVE_FAILED), make=read_only_disk),
        Trial("to write records", database_failed("permission denied", "database"),
              make=bound(altered, before="revoke insert on curtailment_record from reingest_app",
                         after="grant insert on curtailment_record to reingest_app")),
    )),
    Fault("clock skew", (
        Trial("this machine's clock is 2 h ahead of the database's", published(), make=bound(clock_ahead, hours=2)),
        Trial("it is 2 h behind", published(), make=bound(clock_ahead, hours=-2)),
    )),
)  # fmt: skip


class _Both(AbstractContextManager[None]):
    """Two faults, the second inside the first."""

    def __init__(self, outer: AbstractContextManager[None], inner: AbstractContextManager[None]) -> None:
        self._outer = outer
        self._inner = inner

    def __enter__(self) -> None:
        self._outer.__enter__()
        self._inner.__enter__()

    def __exit__(self, *failure: object) -> None:
        self._inner.__exit__(*failure)  # type: ignore[arg-type]
        self._outer.__exit__(*failure)  # type: ignore[arg-type]
