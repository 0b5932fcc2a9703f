"""What the stand-in publishes: recorded before archived before generated days, and the restatements of them.

A restatement replaces the stacks of a period by newer ones with a later createdDateTime, as a later run of Elexon's
does; every witness follows, because it is derived from the stacks.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from reingest.calendar import SettlementPeriod, settlement_periods
from reingest.curtailment.words import Side
from reingest.errors import NotFound
from reingest.standin.archived import ArchivedAnswers
from reingest.standin.model import EXACT, PeriodStack, StackRow, StackSource
from reingest.standin.register import Register

FIRST_RUN: Final = timedelta(minutes=14)
"""From a period's end to its first, provisional calculation: API.md §3."""

LATER_RUN: Final = timedelta(hours=5, minutes=6)
"""How much later a restatement is created than what it restates; seen once in the recorded days: API.md §3."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """A change of published stacks.

    Attributes:
        settlement_date: The date that changes.
        period: The period that changes; None for all of the date.
        side: The side that changes; None for both.
        bm_unit: The unit whose rows change; None for every unit, adjustments apart.
        volume_factor: Multiplies the rows' volumes, exactly.
        original_price: Replaces the rows' prices (GBP/MWh).
        drop: Takes the rows away.
        add: New rows; their side is `side`, or `bid` without one.
        created_at: The new createdDateTime; five hours after the old one without it.
    """

    settlement_date: date
    period: int | None = None
    side: Side | None = None
    bm_unit: str | None = None
    volume_factor: Decimal | None = None
    original_price: str | None = None
    drop: bool = False
    add: tuple[StackRow, ...] = ()
    created_at: datetime | None = None


class Publication:
    """The stacks, the register and the archived answers that are served, as restated so far."""

    def __init__(
        self,
        register: Register,
        *,
        recorded: StackSource | None = None,
        archived: ArchivedAnswers | None = None,
        generated: StackSource | None = None,
    ) -> None:
        """Publish from the sources given; a date that none of them serves is not published."""
        self.register = register
        self.archived = archived
        self._recorded = recorded
        self._generated = generated
        self._restated: dict[SettlementPeriod, PeriodStack] = {}
        self._superseded: dict[SettlementPeriod, PeriodStack] = {}
        self._revisions: Counter[date] = Counter()

    def revision(self, settlement_date: date | None) -> int:
        """Return how many times the date was restated."""
        return self._revisions[settlement_date] if settlement_date else 0

    def period(self, settlement_date: date, number: int) -> PeriodStack | None:
        """Return a period's current stacks; None where it is not published or the date does not have it."""
        periods = settlement_periods(settlement_date)
        return self._current(periods[number - 1]) if 1 <= number <= len(periods) else None

    def day(self, settlement_date: date) -> tuple[PeriodStack, ...]:
        """Return the current stacks of a date's periods, none where it is not published."""
        stacks = (self._current(period) for period in settlement_periods(settlement_date))
        return tuple(stack for stack in stacks if stack is not None)

    def serves_bytes_of(self, settlement_date: date | None) -> bool:
        """Whether the date is answered from the archive: it is there, and no recorded day stands before it."""
        if self.archived is None:
            return False
        if settlement_date is None:
            return self._recorded is None and self._generated is None
        if self._recorded and self._recorded.period(settlement_periods(settlement_date)[0]):
            return False
        return self.archived.serves(settlement_date)

    def before_restatement(self, stack: PeriodStack) -> PeriodStack:
        """Return what the last restatement of the period replaced, or the stacks as its first run made them."""
        return self._superseded.get(stack.period) or as_first_run(stack)

    def restate(self, change: Restatement) -> tuple[int, ...]:
        """Apply a restatement and return the periods whose rows it changed.

        Raises:
            NotFound: nothing is published there that could change, or it is published as archived bytes.
        """
        stacks = self._to_restate(change)
        changed = [(stack, restated) for stack in stacks if (restated := _restated(stack, change)) is not None]
        if not changed:
            raise NotFound(f"no row of {change.settlement_date} matches the restatement", next_command=_HELP)
        for stack, restated in changed:
            self._superseded[stack.period] = stack
            self._restated[stack.period] = restated
        self._revisions[change.settlement_date] += 1
        return tuple(stack.period.number for stack, _ in changed)

    def _to_restate(self, change: Restatement) -> list[PeriodStack]:
        if self.serves_bytes_of(change.settlement_date):
            raise NotFound(
                f"{change.settlement_date} is served from an archive, byte for byte, so it cannot be restated",
                next_command=_HELP,
            )
        stacks = [stack for stack in self.day(change.settlement_date) if change.period in (None, stack.period.number)]
        if not stacks:
            raise NotFound(f"{change.settlement_date} has no published period to restate", next_command=_HELP)
        return stacks

    def _current(self, period: SettlementPeriod) -> PeriodStack | None:
        if self.serves_bytes_of(period.settlement_date):
            return None
        if period in self._restated:
            return self._restated[period]
        for source in (self._recorded, self._generated):
            stack = source.period(period) if source else None
            if stack is not None:
                return stack
        return None


def as_first_run(stack: PeriodStack) -> PeriodStack:
    """Return the stacks as the provisional run dates them, 14 minutes after the period's end."""
    return replace(stack, created_at=stack.period.end + FIRST_RUN)


_HELP: Final = "reingest stand-in restate --help"


def _restated(stack: PeriodStack, change: Restatement) -> PeriodStack | None:
    bids = _restated_rows(stack.bids, change, "bid")
    offers = _restated_rows(stack.offers, change, "offer")
    if (bids, offers) == (stack.bids, stack.offers):
        return None
    created_at = change.created_at or stack.created_at + LATER_RUN
    return PeriodStack(stack.period, created_at, bids, offers)


def _restated_rows(rows: tuple[StackRow, ...], change: Restatement, side: Side) -> tuple[StackRow, ...]:
    if change.side not in (None, side):
        return rows
    changed = (_changed(row, change) if _matches(row, change) else row for row in rows)
    kept = tuple(row for row in changed if row is not None)
    added = change.add if side == (change.side or "bid") else ()
    return _ranked((*kept, *added)) if added or len(kept) < len(rows) else kept


def _matches(row: StackRow, change: Restatement) -> bool:
    return not row.is_adjustment if change.bm_unit is None else row.bm_unit == change.bm_unit


def _changed(row: StackRow, change: Restatement) -> StackRow | None:
    """Return the row as restated, None where it is dropped; columns that repeat the volume follow it."""
    if change.drop:
        return None
    if change.original_price is not None:
        row = replace(row, original_price=change.original_price)
    if change.volume_factor is None:
        return row
    volume = str(EXACT.multiply(Decimal(row.volume), change.volume_factor))

    def follow(value: str | None) -> str | None:
        return volume if value == row.volume else value

    return replace(
        row,
        volume=volume,
        dmat_adjusted_volume=follow(row.dmat_adjusted_volume),
        arbitrage_adjusted_volume=follow(row.arbitrage_adjusted_volume),
        niv_adjusted_volume=follow(row.niv_adjusted_volume),
    )


def _ranked(rows: Iterable[StackRow]) -> tuple[StackRow, ...]:
    """Return the rows numbered anew: a sequence number is a rank, and moves when a row comes or goes."""
    return tuple(replace(row, sequence_number=rank) for rank, row in enumerate(rows, start=1))
