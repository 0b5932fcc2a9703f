"""Indicative cashflows (EBOCF) of a date: the witness of volume times price times TLM, by BM unit and bid-offer pair.

Indicative, because the loss multiplier is Elexon's estimate: these are not the settled amounts.
"""

from datetime import date
from typing import Final

from reingest.curtailment.statements import Statement
from reingest.elexon.rejects import concerning
from reingest.elexon.witness_rows import read_statements

_PAIRS: Final = "bidOfferPairCashflows"


def read_cashflows(body: bytes, *, settlement_date: date) -> tuple[Statement, ...]:
    """Read one side of a date's indicative cashflows, in XML or JSON, in the order of the answer.

    Each statement is of one BM unit in one period, its amounts GBP by pair, positive when paid to the unit. Rows do
    not say of which side they are, and may come again (`curtailment.statements` judges repeats).

    Raises:
        PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for what cannot be read.
    """
    with concerning(settlement_date):
        return read_statements(body, "EBOCF", _PAIRS, settlement_date)
