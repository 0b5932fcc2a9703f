"""Indicative cashflows (EBOCF) of a date: the witness of volume times price times TLM, by BM unit and bid-offer pair.

Indicative, because the loss multiplier is Elexon's estimate: these are not the settled amounts.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from reingest.elexon.rejects import concerning
from reingest.elexon.values import unit_id
from reingest.elexon.witness_rows import UNIT, Texts, WitnessRows

_PAIRS: Final = "bidOfferPairCashflows"


class Cashflow(NamedTuple):
    """What EBOCF says of one BM unit in one settlement period.

    Attributes:
        period: The settlement period.
        created_at: When Elexon calculated it, aware, UTC; None where it does not say.
        bm_unit: Elexon BM unit id; None where the row names none.
        cashflows: GBP by bid-offer pair, -6 to 6; positive when paid to the unit. A pair of which nothing is said is
            left out.
    """

    period: int
    created_at: datetime | None
    bm_unit: str | None
    cashflows: Mapping[int, Decimal]


def read_cashflows(body: bytes, *, settlement_date: date) -> tuple[Cashflow, ...]:
    """Read one side of a date's indicative cashflows, in XML or JSON, in the order of the answer.

    Rows do not say of which side they are, and may come again (`curtailment.witnesses` judges repeats).

    Raises:
        PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for a row that cannot be read.
    """
    with concerning(settlement_date):
        rows = WitnessRows(body, "EBOCF", (UNIT,), _PAIRS, settlement_date)
        units = Texts(UNIT, unit_id)
        names = [units[text] for text in rows.columns[UNIT]]
    return tuple(map(Cashflow._make, zip(rows.periods, rows.created, names, rows.amounts, strict=True)))
