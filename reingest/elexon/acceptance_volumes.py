"""Acceptance volumes (BOAV) of a date: the witness of what each acceptance moved, by BM unit and bid-offer pair."""

from datetime import date
from typing import Final

from reingest.curtailment.statements import Statement
from reingest.elexon.rejects import concerning
from reingest.elexon.witness_rows import read_statements

_ACCEPTANCE: Final = "acceptanceId"
_PAIRS: Final = "pairVolumes"


def read_acceptance_volumes(body: bytes, *, settlement_date: date) -> tuple[Statement, ...]:
    """Read one side of a date's acceptance volumes, in XML or JSON, in the order of the answer.

    Each statement is of one acceptance of one BM unit in one period, its amounts MWh by pair, bids negative. Rows do
    not say of which side they are, and may come again (`curtailment.statements` judges repeats).

    Raises:
        PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for what cannot be read.
    """
    with concerning(settlement_date):
        return read_statements(body, "BOAV", _PAIRS, settlement_date, acceptance=_ACCEPTANCE)
