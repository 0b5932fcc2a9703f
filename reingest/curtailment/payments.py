"""Energy, payment and indicative cashflow of curtailment records, signed and exact.

A bid's value before losses is volume times price (BSC T3.10.2 without its loss multiplier). Volumes of bids are
negative, so a negative price gives a positive product: the unit is paid. A positive price gives a negative
product: the unit pays, which is legitimate; whole days of it exist. The sign is the source's and is never
taken away.
"""

from collections.abc import Iterable
from decimal import Decimal

from reingest.curtailment.exact import EXACT_CASHFLOW, ZERO, exactly
from reingest.curtailment.records import CurtailmentRecord


def energy(records: Iterable[CurtailmentRecord]) -> Decimal:
    """Return minus the sum of volume in MWh: positive when curtailed.

    Raises:
        decimal.Inexact: the sum does not fit 100 digits.
    """
    with exactly():
        return ZERO - sum([record.volume for record in records], ZERO)


def payment(records: Iterable[CurtailmentRecord]) -> Decimal:
    """Return the sum of volume times originalPrice in GBP: positive when paid to the units.

    A record without a price adds nothing, as in SQL's `sum`; `checks.wind_rows_priced` holds its date.

    Raises:
        decimal.Inexact: a product or the sum does not fit 100 digits.
    """
    with exactly():
        return sum(
            [record.volume * record.original_price for record in records if record.original_price is not None], ZERO
        )


def indicative_cashflow(records: Iterable[CurtailmentRecord]) -> Decimal | None:
    """Return the sum of volume times originalPrice times TLM in GBP (BSC T3.10.2), or None where it is unknown.

    Indicative, because Elexon's loss multiplier is an estimate. A single record without a price or a multiplier makes
    the sum unknown: nothing is known to take their place, 1 least of all. Without any record it is zero.

    Raises:
        decimal.Inexact: a product or the sum does not fit 160 digits.
    """
    total = ZERO
    with exactly(EXACT_CASHFLOW):
        for record in records:
            if record.original_price is None or record.transmission_loss_multiplier is None:
                return None
            total += record.volume * record.original_price * record.transmission_loss_multiplier
    return total
