"""Energy and payment of curtailment records, signed and exact.

A bid's value before losses is volume times price (BSC T3.10.2 without its loss multiplier). Volumes of bids are
negative, so a negative price gives a positive product: the unit is paid. A positive price gives a negative
product: the unit pays, which is legitimate; whole days of it exist. The sign is the source's and is never
taken away.
"""

from collections.abc import Iterable
from decimal import Decimal

from reingest.curtailment.exact import ZERO, exactly
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
