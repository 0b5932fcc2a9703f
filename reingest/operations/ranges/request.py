"""What a person asks of many dates."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from reingest.calendar import settlement_date_of
from reingest.clock import utc_now
from reingest.curtailment.checks import ChangeLimits
from reingest.errors import BadUsage, FutureDate
from reingest.ids import new_id
from reingest.operations.request import SIDES_OF_CHOICE, DateRequest, SideChoice, Source
from reingest.store.ranges import NewRange, RangeKind, StoredRange

MOST_JOBS: Final = 32


@dataclass(frozen=True, slots=True)
class RangeRequest:
    """A run over many dates, as asked.

    Attributes:
        dates: Which dates, in the order in which they are to be run; each once.
        kind: Who asks: a person for a range, or a reconciliation for what is due.
        side: Which stacks of each date.
        source: Ask Elexon, or take archived payloads, with no network at all.
        plan: Change nothing of any date, and say what each would become.
        limits: How far a date's figures may move without a person; one that moves farther is held.
        jobs: How many dates at once, each in a process of its own; 1 runs them in this process, one after the other.
        reason: Why, for the record of every date.
        flow_run_id: The Prefect flow run that asks, if one does.
    """

    dates: tuple[date, ...]
    kind: RangeKind = "range"
    side: SideChoice = "as-served"
    source: Source = "live"
    plan: bool = False
    limits: ChangeLimits | None = None
    jobs: int = 1
    reason: str | None = None
    flow_run_id: UUID | None = None

    def require_usable(self) -> None:
        """Refuse what cannot be run.

        Raises:
            BadUsage: no dates, a date twice, or an impossible number of jobs.
            FutureDate: a date has not begun.
        """
        if not self.dates:
            raise BadUsage("a range needs a date at the least")
        if len(set(self.dates)) < len(self.dates):
            raise BadUsage("a range has each date once")
        if not 1 <= self.jobs <= MOST_JOBS:
            raise BadUsage(f"--jobs is 1 to {MOST_JOBS}, not {self.jobs}")
        today, last = settlement_date_of(utc_now()), max(self.dates)
        if last > today:
            raise FutureDate(f"{last} has not begun; today is {today}", settlement_date=last)

    def as_new_range(self) -> NewRange:
        """Return the range to be stored, with an id of its own."""
        limits = self.limits or ChangeLimits()
        return NewRange(
            id=new_id(),
            kind=self.kind,
            side=self.side,
            source=self.source,
            plan=self.plan,
            energy_limit_mwh=limits.energy_mwh,
            payment_limit_gbp=limits.payment_gbp,
            jobs=self.jobs,
            reason=self.reason,
            flow_run_id=self.flow_run_id,
        )


def date_request_of(stored: StoredRange, settlement_date: date, wait_seconds: float) -> DateRequest:
    """Return what a stored range asks of one of its dates.

    Args:
        stored: the range.
        settlement_date: the date.
        wait_seconds: how long to wait for another run to let go of it.
    """
    limits = ChangeLimits(payment_gbp=stored.payment_limit_gbp, energy_mwh=stored.energy_limit_mwh)
    return DateRequest(
        settlement_date=settlement_date,
        plan=stored.plan,
        sides=SIDES_OF_CHOICE[stored.side],  # type: ignore[index]  # the table's own check
        source=stored.source,  # type: ignore[arg-type]  # likewise
        # A reconciliation asks whether what is served is what the source says, and not for more of it.
        keep_sides=stored.kind == "reconcile",
        limits=None if limits == ChangeLimits() else limits,
        reason=stored.reason,
        wait_seconds=wait_seconds,
        flow_run_id=stored.flow_run_id,
        tells_people=False,
    )
