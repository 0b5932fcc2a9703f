"""What became of a settlement period, judged from the answers, and whether Elexon will still change it."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol

from reingest.calendar import SettlementPeriod
from reingest.curtailment.words import COMPLETE_OUTCOMES, PeriodOutcome, Side

# Elexon runs each period's calculation again 24 h 14 min after the period's end, which is 24 h 44 min after its
# start. A row created earlier than start + 24 h comes from the first run, about 14 minutes after the period.
FIRST_RUN_ENDS: Final = timedelta(hours=24)
RERUN_DUE: Final = timedelta(hours=24, minutes=44)

# The worst first: a date is no better than its worst period, a period no better than its worse side. The side
# that has rows names a period whose other side is empty.
_WORST_FIRST: Final[tuple[PeriodOutcome, ...]] = (
    "failed",
    "not_published",
    "not_asked",
    "fetched",
    "confirmed_empty",
)


class SystemPrice(Protocol):
    """The volumes of one period's DISEBSP row that prove an empty stack; None where the row has null."""

    @property
    def total_accepted_bid_volume(self) -> Decimal | None:
        """`totalAcceptedBidVolume`, MWh."""

    @property
    def total_adjustment_sell_volume(self) -> Decimal | None:
        """`totalAdjustmentSellVolume`, MWh."""

    @property
    def total_accepted_offer_volume(self) -> Decimal | None:
        """`totalAcceptedOfferVolume`, MWh."""

    @property
    def total_adjustment_buy_volume(self) -> Decimal | None:
        """`totalAdjustmentBuyVolume`, MWh."""


def judge_period(side: Side, rows: int, price: SystemPrice | None) -> PeriodOutcome:
    """Return what became of one side of a period that was answered.

    Args:
        side: Which stack was asked.
        rows: How many rows the answer has, of any unit, before any filter.
        price: The period's DISEBSP row; None where DISEBSP has none.

    Returns:
        `fetched` where there are rows. An empty answer is a claim that DISEBSP has to prove: `confirmed_empty`
        where it says zero, `not_published` where it has no row. Anything else is `failed`, null among it: what
        is unknown is never empty.
    """
    if rows:
        return "fetched"
    if price is None:
        return "not_published"
    return "confirmed_empty" if all(volume == 0 for volume in _volumes(side, price)) else "failed"


def combine_outcomes(outcomes: Iterable[PeriodOutcome]) -> PeriodOutcome:
    """Return the outcome of a period from those of its sides; `not_asked` where no side was."""
    return min(outcomes, key=_WORST_FIRST.index, default="not_asked")


def provisional_until(periods: Iterable[tuple[SettlementPeriod, datetime | None]]) -> datetime | None:
    """Return when Elexon's second run of a date is due, or None where every period already comes from it.

    Args:
        periods: Each period with the instant its figures were calculated: the earliest `createdDateTime` of its
            rows, or of its DISEBSP row where it is empty. None, an unknown instant, counts as the first run.
    """
    due = (
        period.start + RERUN_DUE
        for period, created_at in periods
        if created_at is None or created_at < period.start + FIRST_RUN_ENDS
    )
    return max(due, default=None)


def accepted_gap(outcomes: Mapping[Side, PeriodOutcome], accepted: Collection[Side]) -> bool:
    """Tell whether all that a period lacks are sides that are not published, and that a person accepted as a gap.

    Args:
        outcomes: What became of each of its sides.
        accepted: The sides that a person accepted.
    """
    lacking = {side: outcome for side, outcome in outcomes.items() if outcome not in COMPLETE_OUTCOMES}
    return bool(lacking) and all(outcome == "not_published" and side in accepted for side, outcome in lacking.items())


def _volumes(side: Side, price: SystemPrice) -> tuple[Decimal | None, Decimal | None]:
    if side == "bid":
        return price.total_accepted_bid_volume, price.total_adjustment_sell_volume
    return price.total_accepted_offer_volume, price.total_adjustment_buy_volume
