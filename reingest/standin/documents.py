"""From what is asked and what is published to the document that answers it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from reingest.calendar import settlement_periods
from reingest.clock import utc_now
from reingest.curtailment.words import SIDES, Side
from reingest.standin import witnesses
from reingest.standin.asked import Asked, Dataset
from reingest.standin.model import PeriodStack, StackRow, WireRecord, stack_record
from reingest.standin.publication import Publication
from reingest.standin.register import Register, unit_record
from reingest.standin.render import Document

_STATUS_PERIODS: Final = 25
"""How many periods `/data-status` answers without dates, the current one included."""

_Witness = Callable[[PeriodStack, Side, Register], list[WireRecord]]
_BY_SIDE: Final[dict[Dataset, _Witness]] = {
    "BOAV": witnesses.acceptance_volumes,
    "EBOCF": witnesses.cashflows,
    "DISPTAV": witnesses.indicative_volumes,
}


def document(asked: Asked, publication: Publication) -> Document | None:
    """Return the document that answers a request; None where the summary has no data, which Elexon answers with 404."""
    if asked.dataset == "BMUNITS":
        return Document("BMUNITS", publication.register.records, enclosed=False, columns=_UNIT_COLUMNS)
    if asked.dataset == "DATA_STATUS":
        return _data_status(asked, publication)
    stacks = published(asked, publication)
    if asked.dataset == "SUMMARY":
        records = [witnesses.summary(stack) for stack in stacks]
        return Document("SUMMARY", records, enclosed=False, single=True) if records else None
    return records_of(asked, stacks, publication.register)


def published(asked: Asked, publication: Publication) -> list[PeriodStack]:
    """Return the published stacks that a request is about: of one period, or of the whole date; none without a date."""
    if asked.settlement_date is None:
        return []
    if asked.period is None:
        return list(publication.day(asked.settlement_date))
    stack = publication.period(asked.settlement_date, asked.period)
    return [stack] if stack else []


def records_of(asked: Asked, stacks: list[PeriodStack], register: Register) -> Document:
    """Return the document that these stacks give for a settlement dataset."""
    if asked.dataset == "DISEBSP":
        records = [witnesses.system_price(stack) for stack in stacks]
        return Document(asked.dataset, records, columns=_PRICE_COLUMNS)
    side = asked.side or "bid"
    if asked.dataset == "ISPSTACK":
        records = [stack_record(row, stack) for stack in stacks for row in stack.side(side)]
        return Document(asked.dataset, records, columns=_STACK_COLUMNS)
    witness = _BY_SIDE[asked.dataset]
    records = [record for stack in stacks for record in witness(stack, side, register)]
    return Document(asked.dataset, [record for record in records if _is_wanted(record, asked.bm_units)])


def _is_wanted(record: WireRecord, bm_units: tuple[str, ...]) -> bool:
    """Whether the record is of a unit asked for, by Elexon's id or by NESO's; both are accepted."""
    return not bm_units or record["bmUnit"] in bm_units or record["nationalGridBmUnit"] in bm_units


def _data_status(asked: Asked, publication: Publication) -> Document:
    """Count what is published of a dataset by period, both sides together, its dates read as UTC days.

    In summer time the first two periods of a settlement date begin on the UTC day before, so they are missing unless
    the range starts a day earlier: API.md §1.
    """
    records: list[WireRecord] = [
        {
            "settlementDate": stack.period.settlement_date.isoformat(),
            "settlementPeriod": stack.period.number,
            "dataPointCount": _count(asked, stack, publication.register),
        }
        for stack in _stacks_to_count(asked, publication)
    ]
    return Document(asked.counted or "", records, columns=("settlementDate", "settlementPeriod", "dataPointCount"))


def _stacks_to_count(asked: Asked, publication: Publication) -> list[PeriodStack]:
    first, last = asked.settlement_date or date.min, asked.last_date or date.min
    days = [first + timedelta(days=offset) for offset in range(-1, (last - first).days + 2)]
    stacks = [stack for day in days for stack in publication.day(day)]
    if asked.is_recent:
        now = utc_now()
        return [stack for stack in stacks if stack.period.start <= now][-_STATUS_PERIODS:]
    return [stack for stack in stacks if first <= stack.period.start.astimezone(UTC).date() <= last]


def _count(asked: Asked, stack: PeriodStack, register: Register) -> int:
    if asked.counted == "DISEBSP":
        return 1
    counted: dict[str, Dataset] = {"ISPSTACK": "ISPSTACK", "BOAV": "BOAV", "EBOCF": "EBOCF", "DISPTAV": "DISPTAV"}
    dataset = counted[asked.counted or "ISPSTACK"]
    sides = (replace(asked, dataset=dataset, side=side, bm_units=()) for side in SIDES)
    return sum(len(records_of(one, [stack], register).records) for one in sides)


def _example() -> PeriodStack:
    period = settlement_periods(date(2025, 1, 1))[0]
    return PeriodStack(period, datetime(2025, 1, 2, tzinfo=UTC), (), ())


_STACK_COLUMNS: Final = tuple(stack_record(StackRow(1, None, None, None, "0"), _example()))
_PRICE_COLUMNS: Final = tuple(witnesses.system_price(_example()))
_UNIT_COLUMNS: Final = tuple(unit_record({}))
