"""What a range came to: every one of its dates with how it ended, and what changed of its figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from reingest.curtailment.exact import plain
from reingest.curtailment.words import DefinitionName
from reingest.errors import ReingestError
from reingest.operations.date_run import Decision
from reingest.operations.outlook import Figures, Outlook
from reingest.operations.report import DateReport
from reingest.store.ranges import RangeDate, RangeKind, RangeState
from reingest.store.runs import EXIT_CODES, RunOutcome

WELL: frozenset[RunOutcome] = frozenset({"published", "unchanged", "planned"})
"""The outcomes that leave nothing to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """A figure of a date that is another now, exact: MWh, GBP or BTC; None where nothing was, or is, served.

    Of a held or planned date it is what the change would be.

    Attributes:
        figure: `energy_mwh`, `payment_gbp`, or `btc:` with the miner model.
    """

    figure: str
    definition: DefinitionName
    before: Decimal | None
    after: Decimal | None

    def as_dict(self) -> dict[str, str | None]:
        """Return the change with exact decimals as text."""
        return {
            "figure": self.figure,
            "definition": self.definition,
            "before": None if self.before is None else plain(self.before),
            "after": None if self.after is None else plain(self.after),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Change":
        """Return the change that `as_dict` gave."""
        before, after = (None if stored[name] is None else Decimal(stored[name]) for name in ("before", "after"))
        return cls(stored["figure"], stored["definition"], before, after)


@dataclass(frozen=True, slots=True)
class EndError:
    """Why a date did not become what was asked, and the command that goes on from there."""

    code: str
    text: str
    next_command: str

    def as_dict(self) -> dict[str, str]:
        """Return the error as JSON has it everywhere."""
        return {"code": self.code, "message": self.text, "next": self.next_command}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "EndError":
        """Return the error that `as_dict`, or an error's own one, gave."""
        return cls(stored["code"], stored["message"], stored["next"])


@dataclass(frozen=True, slots=True)
class DateEnd:
    """How one date of a range ended.

    Attributes:
        outcome: None where it has not been run.
        exit_code: That of `reingest date`; None where it has not been run.
        version: The version that the run made or confirmed.
        error: Why it is not as it should be: also of a date that is held.
        changes: What is another now of the figures that the date serves; of a held or planned date what would be.
        requests: Requests that were answered.
        decision: What the run decided; of a planned date what a run would do. None where it did not get so far.
    """

    settlement_date: date
    outcome: RunOutcome | None = None
    exit_code: int | None = None
    run_id: UUID | None = None
    version: int | None = None
    error: EndError | None = None
    changes: tuple[Change, ...] = ()
    requests: int = 0
    seconds: float = 0.0
    decision: Decision | None = None

    @property
    def is_well(self) -> bool:
        """Whether nothing is left to do: published, unchanged or planned."""
        return self.outcome in WELL

    @property
    def changed_what_was_served(self) -> bool:
        """Whether a figure is another that was served before; a date's first figures change nothing."""
        return self.outcome == "published" and any(change.before is not None for change in self.changes)

    def as_dict(self) -> dict[str, Any]:
        """Return the end for `--json`: exact decimals as text."""
        return {
            "settlement_date": self.settlement_date.isoformat(),
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "decision": self.decision,
            "run_id": None if self.run_id is None else str(self.run_id),
            "version": self.version,
            "error": None if self.error is None else self.error.as_dict(),
            "changes": [change.as_dict() for change in self.changes],
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "DateEnd":
        """Return the end that `as_dict` gave."""
        return cls(
            settlement_date=date.fromisoformat(stored["settlement_date"]),
            outcome=stored["outcome"],
            exit_code=stored["exit_code"],
            run_id=None if stored["run_id"] is None else UUID(stored["run_id"]),
            version=stored["version"],
            error=None if stored["error"] is None else EndError.from_dict(stored["error"]),
            changes=tuple(map(Change.from_dict, stored["changes"])),
            requests=stored["requests"],
            seconds=stored["seconds"],
            decision=stored["decision"],
        )


@dataclass(frozen=True, slots=True)
class RangeReport:
    """What a range came to.

    Attributes:
        state: `done`, or `interrupted`: the rest can be resumed.
        ends: Every date of the range, in its order, also those that have not been run.
        error: What interrupted it, where it was a fault or a signal.
        is_running: Whether others work on it now.
    """

    range_id: UUID
    kind: RangeKind
    state: Literal["done", "interrupted"]
    plan: bool
    ends: tuple[DateEnd, ...]
    error: ReingestError | None = None
    is_running: bool = False

    @property
    def shown_state(self) -> RangeState:
        """The state for people: one that others work on now runs."""
        return "running" if self.is_running else self.state

    @property
    def exit_code(self) -> int:
        """The gravest exit code of its dates, and of what interrupted it; the larger, the graver."""
        codes = [end.exit_code for end in self.ends if end.exit_code is not None]
        return max([*codes, self.error.exit_code if self.error else 0], default=0)

    @property
    def counts(self) -> Counter[str]:
        """How many dates ended how; `pending` are those that have not been run."""
        return Counter(end.outcome or "pending" for end in self.ends)

    @property
    def left(self) -> tuple[DateEnd, ...]:
        """The dates that leave something to do: neither published, unchanged nor planned, but run."""
        return tuple(end for end in self.ends if end.outcome is not None and not end.is_well)

    @property
    def next_command(self) -> str | None:
        """The command that goes on with the range; None where it is done."""
        return None if self.state == "done" else resume_command(self.range_id)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {
            "range_id": str(self.range_id),
            "kind": self.kind,
            "state": self.shown_state,
            "plan": self.plan,
            "exit_code": self.exit_code,
            "counts": dict(sorted(self.counts.items())),
            "error": self.error.as_dict() if self.error else None,
            "next": self.next_command,
            "dates": [end.as_dict() for end in self.ends],
        }


def resume_command(range_id: UUID) -> str:
    """Return the command that goes on with a range."""
    return f"reingest range resume {range_id}"


def end_of_report(report: DateReport, seconds: float) -> DateEnd:
    """Return the end of a date that went through its stages."""
    return DateEnd(
        settlement_date=date.fromisoformat(report.settlement_date),
        outcome=report.outcome,
        exit_code=report.exit_code,
        run_id=UUID(report.run_id),
        version=report.version,
        error=_held(report) if report.outcome == "held" else None,
        changes=changes_of(report),
        requests=report.requests,
        seconds=seconds,
        decision=report.decision,
    )


def end_of_error(
    settlement_date: date,
    outcome: RunOutcome,
    error: ReingestError,
    *,
    run_id: UUID | None = None,
    requests: int = 0,
    seconds: float = 0.0,
) -> DateEnd:
    """Return the end of a date that an error stopped."""
    told = EndError.from_dict(error.as_dict())
    exit_code = error.exit_code or EXIT_CODES[outcome]
    return DateEnd(settlement_date, outcome, exit_code, run_id, None, told, requests=requests, seconds=seconds)


def changes_of(report: DateReport) -> tuple[Change, ...]:
    """Return what is, or would be, another of the day's figures by definition: energy, payment, BTC by model."""
    days = [outlook for outlook in report.outlook if outlook.span == "day"]
    return tuple(change for outlook in days for change in _changes(outlook))


def end_of_row(row: RangeDate) -> DateEnd:
    """Return the end of a date as it is stored."""
    return DateEnd(
        settlement_date=row.settlement_date,
        outcome=row.outcome,
        exit_code=row.exit_code,
        run_id=row.run_id,
        version=row.version,
        error=None if row.error is None else EndError.from_dict(row.error),
        changes=tuple(map(Change.from_dict, row.changes)),
        requests=row.requests,
        seconds=row.seconds or 0.0,
        decision=row.decision,
    )


def _changes(outlook: Outlook) -> Iterable[Change]:
    served, new = _flat(outlook.served), _flat(outlook.new)
    for figure in {**served, **new}:
        before, after = served.get(figure), new.get(figure)
        if before != after:
            yield Change(figure, outlook.definition, before, after)


def _flat(figures: Figures | None) -> dict[str, Decimal]:
    if figures is None:
        return {}
    mining = {f"btc:{model}": btc for model, btc in sorted(figures.mining.items())}
    return {"energy_mwh": figures.energy_mwh, "payment_gbp": figures.payment_gbp, **mining}


def _held(report: DateReport) -> EndError:
    failed = [check for check in report.checks if check.status == "fail"]
    why = "; ".join(f"{check.name}: {check.actual}, expected {check.expected}" for check in failed)
    return EndError(
        "held",
        f"version {report.version} is held by {why}",
        f"reingest publish {report.settlement_date} --version {report.version} --reason TEXT",
    )
