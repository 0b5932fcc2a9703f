"""Acceptance volumes (BOAV) of a date: the witness of what each acceptance moved, by BM unit and bid-offer pair."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from reingest.elexon.rejects import concerning, rejected
from reingest.elexon.values import integer, unit_id
from reingest.elexon.witness_rows import UNIT, Texts, WitnessRows

_ACCEPTANCE: Final = "acceptanceId"
_PAIRS: Final = "pairVolumes"


class AcceptanceVolume(NamedTuple):
    """What BOAV says of one acceptance of one BM unit in one settlement period.

    Attributes:
        period: The settlement period.
        created_at: When Elexon calculated it, aware, UTC; None where it does not say.
        bm_unit: Elexon BM unit id; None where the row names none.
        acceptance_id: The acceptance; not unique across units.
        volumes: MWh by bid-offer pair, -6 to 6; bids negative. A pair of which nothing is said is left out.
    """

    period: int
    created_at: datetime | None
    bm_unit: str | None
    acceptance_id: int
    volumes: Mapping[int, Decimal]


def read_acceptance_volumes(body: bytes, *, settlement_date: date) -> tuple[AcceptanceVolume, ...]:
    """Read one side of a date's acceptance volumes, in XML or JSON, in the order of the answer.

    Rows do not say of which side they are, and may come again (`curtailment.witnesses` judges repeats).

    Raises:
        PayloadRejected: a structural fault, `wrong_date`, `wrong_period`, or `bad_row` for a row that cannot be read.
    """
    with concerning(settlement_date):
        rows = WitnessRows(body, "BOAV", (UNIT, _ACCEPTANCE), _PAIRS, settlement_date)
        units, ids = Texts(UNIT, unit_id), Texts(_ACCEPTANCE, integer(64))
        columns = (
            rows.periods,
            rows.created,
            [units[text] for text in rows.columns[UNIT]],
            [ids[text] for text in rows.columns[_ACCEPTANCE]],
            rows.amounts,
        )
        if None in columns[3]:
            raise rejected("bad_row", f"a row has no {_ACCEPTANCE}")
    return tuple(map(AcceptanceVolume._make, zip(*columns, strict=True)))
