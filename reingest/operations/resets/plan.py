"""What a reset is asked to do, what it would take, and what it took."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from reingest.errors import BadUsage
from reingest.store.purging import Size
from reingest.store.resetting import DateSpan

ResetAct = Literal["state", "ops", "data"]

KEEPS: Final[Mapping[ResetAct, str]] = {
    "state": "Versions that were served, records, answers, the archive and every decision stay.",
    "ops": "Versions, records, answers, the archive, every decision, and the newest fact of each date stay.",
    "data": "Answers, the archive, expectations, decisions and facts stay; version numbers and generations go on.",
}
"""What each act leaves as it is."""


@dataclass(frozen=True, slots=True)
class ResetRequest:
    """A reset, as asked.

    Attributes:
        span: The dates; a reset of operations has none.
        run_logs: Take run logs too, where operations are reset.
        understood: The person said that what the plan lists goes.
        backup_first: Back the database up before.
    """

    act: ResetAct
    span: DateSpan = field(default_factory=DateSpan)
    reason: str = ""
    run_logs: bool = True
    understood: bool = False
    backup_first: bool = True

    def require_meant(self) -> None:
        """Refuse an act that is not said to be understood, or has no reason.

        Raises:
            BadUsage: either of them.
        """
        if not self.understood:
            raise BadUsage("nothing was done: this takes away what it lists; if that is meant, say --i-understand")
        if not self.reason.strip():
            raise BadUsage("a reset has a reason; --reason is empty")


@dataclass(frozen=True, slots=True)
class ResetPlan:
    """What a reset would take.

    Attributes:
        takes: Rows and bytes by table; a state that only moves counts as a row of what moves.
        ids: The versions that it concerns.
        served_dates: How many dates would serve nothing afterwards.
        before: The instant that decides what has ended; database time.
        backup: Where the database would be backed up; None where it would not.
        next_commands: What gives back what goes, where something does.
    """

    act: ResetAct
    span: DateSpan
    takes: Sequence[Size]
    ids: Sequence[int]
    before: datetime
    backup: Path | None
    served_dates: int = 0
    next_commands: Sequence[str] = ()

    @property
    def rows(self) -> int:
        """Rows of all tables that it takes."""
        return sum(size.rows for size in self.takes)

    @property
    def bytes(self) -> int:
        """Bytes of all rows that it takes."""
        return sum(size.bytes for size in self.takes)

    @property
    def counts(self) -> dict[str, int]:
        """Rows by table."""
        return {size.name: size.rows for size in self.takes}


@dataclass(frozen=True, slots=True)
class ResetDone:
    """What a reset took, and where what it took is kept."""

    act: ResetAct
    rows: dict[str, int]
    backup: Path | None
    next_commands: Sequence[str]
