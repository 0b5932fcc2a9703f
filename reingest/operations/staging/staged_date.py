"""What is staged of a date, and what it lacks to be published: the calendar decides, never the data."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import product
from typing import Any, Final, Literal

from reingest.calendar import settlement_periods
from reingest.curtailment.outcomes import accepted_gap
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import SIDES, Side
from reingest.errors import StagedIncomplete
from reingest.operations.figures_text import counted, period_ranges
from reingest.store.database import Connection
from reingest.store.gaps import accepted_gaps
from reingest.store.staging import StagedStack, staged_stacks

Lack = Literal["not_staged", "not_published", "overtaken"]
"""Why a side of a period cannot be published: nothing is staged of it; the source had not published it; what is served
came later."""

_SAID: Final[dict[Lack, str]] = {
    "not_staged": "not staged",
    "not_published": "not published when staged",
    "overtaken": "older than what is served",
}


@dataclass(frozen=True)
class StagedDate:
    """What is staged of a date.

    Attributes:
        stacks: What is staged, by period and side.
        gaps: The periods and sides that a person accepted as gaps of the source.
    """

    settlement_date: date
    stacks: Sequence[StagedStack]
    gaps: frozenset[Subject] = frozenset()

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that anything is staged of: all their periods make the date complete. Both where nothing is."""
        staged = {stack.side for stack in self.stacks}
        return tuple(side for side in SIDES if side in staged or not staged)

    @cached_property
    def by_subject(self) -> dict[Subject, StagedStack]:
        """What is staged by period and side."""
        return {(stack.period, stack.side): stack for stack in self.stacks}

    @property
    def expected(self) -> int:
        """How many periods the date has."""
        return len(settlement_periods(self.settlement_date))

    @cached_property
    def lacking(self) -> dict[Subject, Lack]:
        """What keeps the date from being published, in the order of the calendar."""
        periods = (period.number for period in settlement_periods(self.settlement_date))
        lacks = {subject: self._lack(subject) for subject in product(periods, self.sides)}
        return {subject: lack for subject, lack in lacks.items() if lack is not None}

    @property
    def missing_periods(self) -> list[int]:
        """The periods of which a side is lacking."""
        return sorted({period for period, _ in self.lacking})

    @property
    def ready_periods(self) -> int:
        """How many periods lack nothing."""
        return self.expected - len(self.missing_periods)

    @property
    def is_complete(self) -> bool:
        """Whether the date can be published."""
        return not self.lacking

    @property
    def next_command(self) -> str:
        """The command that brings the date further: it stages what is missing, or publishes."""
        if self.is_complete:
            return f"reingest publish {self.settlement_date}"
        side = f" --side {self.sides[0]}" if len(self.sides) == 1 else ""
        return f"reingest date {self.settlement_date} --stage {period_ranges(self.missing_periods)}{side}"

    def lacks_sentence(self) -> str:
        """Return what is missing and why, such as `periods 13-48 are not staged`; one side, where it is only that."""
        periods: dict[tuple[Lack, Side | None], list[int]] = {}
        for (period, side), lack in self.lacking.items():
            whole = all(self.lacking.get((period, other)) == lack for other in self.sides)
            periods.setdefault((lack, None if whole else side), []).append(period)
        return "; ".join(_lacking_sentence(lack, side, set(of)) for (lack, side), of in periods.items())

    def require_complete(self) -> None:
        """Refuse to publish what is not complete.

        Raises:
            StagedIncomplete: it names the periods that are missing.
        """
        if self.is_complete:
            return
        if not self.stacks:
            raise StagedIncomplete(
                "nothing is staged of the date; a held version is published with --version",
                settlement_date=self.settlement_date,
                next_command=self.next_command,
            )
        raise StagedIncomplete(
            f"{self.ready_periods} of {counted(self.expected, 'period')} can be published: {self.lacks_sentence()}",
            settlement_date=self.settlement_date,
            next_command=self.next_command,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return what is staged for `--json`; instants are UTC, ages in seconds."""
        return {
            "complete": self.is_complete,
            "expected": self.expected,
            "ready": self.ready_periods,
            "sides": list(self.sides),
            "periods": [self._row(stack) for stack in self.stacks],
            "missing": [{"period": period, "side": side, "why": lack} for (period, side), lack in self.lacking.items()],
            "next": self.next_command,
        }

    def _lack(self, subject: Subject) -> Lack | None:
        stack = self.by_subject.get(subject)
        if stack is None:
            return "not_staged"
        if stack.overtaken:
            return "overtaken"
        period, side = subject
        accepted = [gap_side for gap_period, gap_side in self.gaps if gap_period == period]
        is_gap = accepted_gap({side: stack.outcome}, accepted)
        return "not_published" if stack.outcome == "not_published" and not is_gap else None

    def _row(self, stack: StagedStack) -> dict[str, Any]:
        return {
            "period": stack.period,
            "side": stack.side,
            "outcome": stack.outcome,
            "rows": stack.rows,
            "staged_at": stack.staged_at.isoformat(),
            "answered_at": stack.answered_at.isoformat(),
            "age_seconds": int(stack.age.total_seconds()),
            "staged_by": stack.holder,
            "host": stack.host,
            "run_id": str(stack.run_id),
            "overtaken": stack.overtaken,
            "accepted_gap": (stack.period, stack.side) in self.gaps,
        }


def _lacking_sentence(lack: Lack, side: Side | None, periods: Collection[int]) -> str:
    """Return what is the matter with periods, or with one side of them."""
    one = len(periods) == 1
    subject = f"{f'{side}s of ' if side else ''}period{'' if one else 's'} {period_ranges(periods)}"
    return f"{subject} {'is' if one and side is None else 'are'} {_SAID[lack]}"


def read_staged_date(connection: Connection, settlement_date: date) -> StagedDate:
    """Return what is staged of a date."""
    return StagedDate(
        settlement_date,
        staged_stacks(connection, settlement_date),
        accepted_gaps(connection, settlement_date),
    )
