"""Every error that Reingest raises, as one tree.

ReingestError
├── Refused              2   the request itself is wrong; nothing was begun
│   ├── BadUsage             a wrong flag, date, period list or file
│   ├── BadSetting           a setting that cannot be used
│   ├── FutureDate           the settlement date has not begun
│   ├── StagedIncomplete     a period of the calendar is not staged
│   └── NotFound             no such date, version, run or BM unit
├── Locked               3   another run holds the date
├── SourceError          4   Elexon did not give what was asked
│   ├── SourceUnreachable    transport fault, after all retries
│   ├── SourceRefused        an HTTP status that is not retried, or that outlived its retries
│   ├── SourceTooSlow        the run's time budget is spent
│   ├── SourceSilent         nothing was heard for several dates of a range
│   ├── TlsFailed            the certificate was not accepted
│   ├── PayloadRejected      an answer that is not what was asked; it is kept in the archive
│   └── PartialDate          some periods could not be had
├── ArchiveError         4   an archived payload is missing or altered
├── Moved                5   the state moved under the run
│   ├── Conflict             the date's generation is not the one the run began from
│   ├── PlanMoved            something that a sealed plan was made from is not as it was
│   └── LeaseLost            the lease was lost before the publish
├── Interrupted        130   the keyboard or a signal stopped the command
├── DatabaseError       69   Postgres cannot be used
│   ├── DatabaseUnreachable  no connection, or it broke
│   ├── SchemaBehind         the schema is not the one this code needs
│   ├── EmbeddedServerFailed the embedded server could not be started or stopped
│   └── BackupFailed         a backup could not be written or put back
├── PrefectError        69   Prefect cannot be used
│   ├── PrefectUnavailable   no server, deployment or worker that could run the flow
│   └── FlowRunCrashed       the flow run's process ended without an outcome
├── ProcessDied         70   a process that ran dates of a range was killed
└── Bug                 70   an impossible state; please report it

A class's docstring is its sentence for people, `code` is stable for machines, `safe` says what is safe
now, and `next_command` says what to run next. Codes never change meaning; new ones may be added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

RUN_THE_DATE: Final = "reingest date {date}"


class ReingestError(Exception):
    """Reingest could not do what was asked."""

    code: ClassVar[str] = "reingest"
    exit_code: ClassVar[int] = 70
    safe: ClassVar[str] = "Nothing that is served has changed."
    default_next: ClassVar[str] = "reingest status"

    def __init__(
        self,
        detail: str = "",
        *,
        settlement_date: date | None = None,
        period: int | None = None,
        next_command: str | None = None,
    ) -> None:
        """Keep the detail beside the class's own sentence, with the date and period it concerns."""
        self.detail = detail
        self.settlement_date = settlement_date
        self.period = period
        self._next_command = next_command
        super().__init__(detail or self.sentence)

    @property
    def sentence(self) -> str:
        """The class's docstring: what happened, in one sentence for people."""
        return (type(self).__doc__ or "").strip().splitlines()[0]

    @property
    def next_command(self) -> str:
        """The command that an operator runs next; `{date}` in the default is the error's own date."""
        command = self._next_command or self.default_next
        return command.replace("{date}", self.settlement_date.isoformat() if self.settlement_date else "D")

    def repeat_by(self, command: str) -> None:
        """Have the date's run repeated by this command, where running the date again is all that was to be done."""
        if self._next_command is None and self.default_next == RUN_THE_DATE:
            self._next_command = command

    def as_dict(self) -> dict[str, object]:
        """The error for `--json` and logs: code, message, date, period, what is safe, next command."""
        return {
            "code": self.code,
            "message": str(self),
            "settlement_date": self.settlement_date.isoformat() if self.settlement_date else None,
            "period": self.period,
            "safe": self.safe,
            "next": self.next_command,
        }


class Refused(ReingestError):
    """The request was refused before anything was begun."""

    code = "refused"
    exit_code = 2
    safe = "Nothing was begun and nothing has changed."
    default_next = "reingest --help"


class BadUsage(Refused):
    """A value on the command line or in a file cannot be used."""

    code = "bad_usage"


class BadSetting(Refused):
    """A setting cannot be used."""

    code = "bad_setting"
    default_next = "reingest config check"


class FutureDate(Refused):
    """The settlement date has not begun in Europe/London."""

    code = "future_date"
    default_next = "reingest status"


class StagedIncomplete(Refused):
    """What is staged of the date is not its whole calendar, so it cannot be published."""

    code = "staged_incomplete"
    safe = "Nothing was published; what is staged stays staged."
    default_next = "reingest status {date}"


class NotFound(Refused):
    """There is no such date, version, run or BM unit."""

    code = "not_found"
    default_next = "reingest status"


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who holds a lease: which one, by which run, person and host, since when and until when (aware UTC)."""

    key: str
    run_id: str
    holder: str
    host: str
    since: datetime
    expires_at: datetime


class Locked(ReingestError):
    """Another run holds the date, or everything."""

    code = "locked"
    exit_code = 3
    safe = "The other run goes on; the served version has not changed."
    default_next = "reingest status --locks"

    def __init__(
        self,
        detail: str = "",
        held: LeaseHolder | None = None,
        *,
        settlement_date: date | None = None,
        period: int | None = None,
    ) -> None:
        """Keep which lease it is and who holds it beside the detail."""
        super().__init__(detail, settlement_date=settlement_date, period=period)
        self.key = held.key if held else None
        self.run_id = held.run_id if held else None
        self.holder = held.holder if held else None
        self.host = held.host if held else None
        self.since = held.since if held else None
        self.expires_at = held.expires_at if held else None

    def as_dict(self) -> dict[str, object]:
        """The error for `--json` and logs, with the lease and its holder."""
        return super().as_dict() | {
            "key": self.key,
            "run_id": self.run_id,
            "holder": self.holder,
            "host": self.host,
            "since": self.since.isoformat() if self.since else None,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
        }


class SourceError(ReingestError):
    """Elexon did not give what was asked."""

    code = "source_failed"
    exit_code = 4
    safe = "The served version has not changed; the answers already fetched are archived."
    default_next = RUN_THE_DATE


class SourceUnreachable(SourceError):
    """The source could not be reached after all retries."""

    code = "source_unreachable"
    default_next = "reingest config show"


class SourceRefused(SourceError):
    """The source answered with an error status."""

    code = "source_refused"

    def __init__(
        self,
        detail: str = "",
        *,
        status: int | None = None,
        answer: object | None = None,
        settlement_date: date | None = None,
        period: int | None = None,
    ) -> None:
        """Keep the HTTP status and the whole answer (`reingest.elexon.client.Answer`) beside the detail."""
        super().__init__(detail, settlement_date=settlement_date, period=period)
        self.status = status
        self.answer = answer


class SourceTooSlow(SourceError):
    """The run's time budget is spent."""

    code = "source_too_slow"


class SourceSilent(SourceError):
    """Nothing was heard from the source for several dates one after the other, so the range was stopped."""

    code = "source_silent"
    default_next = "reingest range resume"


class TlsFailed(SourceError):
    """The source's certificate was not accepted."""

    code = "tls"
    default_next = "reingest config show"


class PayloadRejected(SourceError):
    """An answer is not what was asked; it is kept in the archive."""

    code = "payload_rejected"

    def __init__(
        self,
        detail: str = "",
        *,
        reject_code: str,
        settlement_date: date | None = None,
        period: int | None = None,
        next_command: str | None = None,
    ) -> None:
        """Keep the structural reject code (`reingest.elexon.rejects`) beside the detail."""
        super().__init__(detail, settlement_date=settlement_date, period=period, next_command=next_command)
        self.reject_code = reject_code


class PartialDate(SourceError):
    """Some settlement periods could not be had, so the date was not rebuilt."""

    code = "partial"


class ArchiveError(ReingestError):
    """An archived payload is missing or is not the bytes that were archived."""

    code = "archive"
    exit_code = 4
    default_next = "reingest date {date} --source live"


class Moved(ReingestError):
    """The state moved under the run."""

    code = "moved"
    exit_code = 5
    safe = "The version that another run published is served, whole."
    default_next = "reingest versions {date}"


class Conflict(Moved):
    """The date's generation is not the one this work began from."""

    code = "conflict"


class PlanMoved(Moved):
    """Something that the plan was made from is not as it was, so it was not applied."""

    code = "plan_moved"
    safe = "Nothing was published; what is served has not changed."
    default_next = "reingest date {date} --plan --out FILE"

    def __init__(
        self,
        detail: str = "",
        *,
        moved: Sequence[str] = (),
        settlement_date: date | None = None,
        period: int | None = None,
    ) -> None:
        """Keep everything that moved, one sentence each."""
        counted = f"not as it was when the plan was made: {len(moved)} thing{'s' if len(moved) != 1 else ''}"
        super().__init__(detail or counted, settlement_date=settlement_date, period=period)
        self.moved = tuple(moved)

    def as_dict(self) -> dict[str, object]:
        """The error for `--json` and logs, with everything that moved."""
        return super().as_dict() | {"moved": list(self.moved)}


class LeaseLost(Moved):
    """The lease on the date was lost before the publish, so nothing was published."""

    code = "lease_lost"
    default_next = RUN_THE_DATE


class Interrupted(ReingestError):
    """The command was stopped by the keyboard or a signal."""

    code = "interrupted"
    exit_code = 130
    safe = "A date is published whole or not at all; the answers already fetched are archived."
    default_next = "reingest run list"


class DatabaseError(ReingestError):
    """Postgres cannot be used."""

    code = "database"
    exit_code = 69
    safe = "A transaction that was not committed left nothing behind."
    default_next = "reingest db status"


class DatabaseUnreachable(DatabaseError):
    """Postgres cannot be reached, or the connection broke."""

    code = "database_unreachable"


class SchemaBehind(DatabaseError):
    """The database's schema is not the one that this version of Reingest needs."""

    code = "schema_behind"
    default_next = "reingest db upgrade"


class EmbeddedServerFailed(DatabaseError):
    """The embedded Postgres could not be started or stopped."""

    code = "embedded_server"


class BackupFailed(DatabaseError):
    """A backup could not be written or put back."""

    code = "backup_failed"
    safe = "What is served has not changed; a file that was not finished is no backup."


class PrefectError(ReingestError):
    """Prefect cannot be used."""

    code = "prefect"
    exit_code = 69
    default_next = RUN_THE_DATE


class PrefectUnavailable(PrefectError):
    """There is no Prefect server, deployment or worker that could run the flow."""

    code = "prefect_unavailable"
    default_next = "make up"


class FlowRunCrashed(PrefectError):
    """The flow run's process ended without an outcome."""

    code = "flow_run_crashed"
    safe = "A date is published whole or not at all; the answers already fetched are archived."
    default_next = "reingest run list"


class ProcessDied(ReingestError):
    """A process that ran dates of a range was killed, as by a system that is out of memory."""

    code = "process_died"
    exit_code = 70
    safe = "A date is published whole or not at all; the answers already fetched are archived."
    default_next = RUN_THE_DATE


class Bug(ReingestError):
    """Reingest met a state that it holds to be impossible."""

    code = "bug"
    exit_code = 70
    default_next = "reingest run list"


def every_error() -> tuple[type[ReingestError], ...]:
    """Return every error of the tree, parents before their children."""
    return tuple(one for one in globals().values() if isinstance(one, type) and issubclass(one, ReingestError))
