"""Faults of rows: what a wrong, stale or doctored answer says, while everything else that is served stays right."""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from typing import Final

from reingest.standin.faults.rules import FaultRule
from reingest.standin.model import EXACT, Number, WireRecord, WireValue, instant, plain

Records = list[WireRecord]
_Strike = Callable[[Records, list[int], FaultRule], Records]

_AMOUNTS: Final = frozenset(
    {
        "volume",
        "dmatAdjustedVolume",
        "arbitrageAdjustedVolume",
        "nivAdjustedVolume",
        "totalVolumeAccepted",
        "pairVolumes",
        "totalCashflow",
        "bidOfferPairCashflows",
        "totalAcceptedBidVolume",
        "totalAcceptedOfferVolume",
    }
)


def strike_rows(records: Records, rule: FaultRule, rng: random.Random) -> Records:
    """Return the rows as the fault leaves them; where no row is to be struck, they stay."""
    struck = _chosen(records, rule, rng)
    return _STRIKES[rule.kind]([dict(record) for record in records], struck, rule) if struck else records


def _chosen(records: Records, rule: FaultRule, rng: random.Random) -> list[int]:
    """Return the positions of the rows that the rule strikes: the first that it is about, unless it says more."""
    about = [position for position, record in enumerate(records) if _is_about(record, rule)]
    if not about or rule.kind in _ALL_ROWS or rule.row == "all":
        return about
    if rule.row == "random":
        return [rng.choice(about)]
    place = 0 if rule.row is None else int(rule.row)
    return about[place:][:1]


def _is_about(record: WireRecord, rule: FaultRule) -> bool:
    return rule.unit in {None, record.get("id", record.get("bmUnit"))} and (
        not rule.periods or rule.is_about_period(record.get("settlementPeriod"))
    )


def _no_rows(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return [record for position, record in enumerate(records) if position not in set(struck)]


def _doubled(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return [*records, *_numbered_on(records, [records[position] for position in struck])]


def _duplicate(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    again = set(struck)
    twice = ([record, dict(record)] if position in again else [record] for position, record in enumerate(records))
    return list(chain.from_iterable(twice))


def _conflicting(records: Records, struck: list[int], rule: FaultRule) -> Records:
    records = _duplicate(records, struck, rule)
    for offset, position in enumerate(struck, start=1):
        second = records[position + offset]
        second |= _scaled_amounts(second, Decimal(2))
    return records


def _flipped(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck, lambda record: _scaled_amounts(record, Decimal(-1)))


def _scaled(records: Records, struck: list[int], rule: FaultRule) -> Records:
    return _each(records, struck, lambda record: _scaled_amounts(record, rule.factor or Decimal(1)))


def _off_by(records: Records, struck: list[int], rule: FaultRule) -> Records:
    return _each(records, struck, lambda record: _moved_amounts(record, rule.by or Decimal(0), rule.field))


def _swapped(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    name = "id" if "id" in records[0] else "bmUnit"
    for position in struck:
        own = records[position].get(name)
        others = (record.get(name) for record in records[position:] + records[:position])
        records[position][name] = next((unit for unit in others if unit not in {own, None}), "T_OTHER-1")
    return records


def _many(records: Records, _struck: list[int], rule: FaultRule) -> Records:
    copies = (rule.copies or 10) - 1
    return [*records, *_numbered_on(records, [dict(record) for _ in range(copies) for record in records])]


def _reversed(records: Records, _struck: list[int], _rule: FaultRule) -> Records:
    return records[::-1]


def _wrong_date(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    def before(record: WireRecord) -> WireRecord:
        day = date.fromisoformat(str(record["settlementDate"])) - timedelta(days=1)
        return {"settlementDate": day.isoformat()}

    return _each(records, struck, before)


def _wrong_period(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck, lambda record: {"settlementPeriod": int(str(record["settlementPeriod"])) + 1})


def _wrong_start(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck, lambda record: {"startTime": _moved(record["startTime"], timedelta(hours=1))})


def _mixed_runs(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck[1::2], _of_first_run)


def _late(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck, _of_first_run)


def _of_first_run(record: WireRecord) -> WireRecord:
    return {"createdDateTime": _moved(record["startTime"], timedelta(minutes=44))}


def _future_run(records: Records, struck: list[int], _rule: FaultRule) -> Records:
    return _each(records, struck, lambda _: {"createdDateTime": "2099-01-01T00:00:00Z"})


def _missing(records: Records, struck: list[int], rule: FaultRule) -> Records:
    for position in struck:
        records[position].pop(rule.field or "volume", None)
    return records


def _renamed(records: Records, struck: list[int], rule: FaultRule) -> Records:
    old, new = rule.field or "volume", rule.value or "quantity"
    for position in struck:
        record = records[position]
        records[position] = {new if name == old else name: value for name, value in record.items()}
    return records


def _set(value: WireValue, name: str) -> _Strike:
    """Return a fault that sets a field, both as the rule names them, or else to this value of this name."""

    def strike(records: Records, struck: list[int], rule: FaultRule) -> Records:
        new = value if rule.value is None else Number(rule.value) if rule.raw else rule.value
        return _each(records, struck, lambda _: {rule.field or name: new})

    return strike


def _each(records: Records, struck: list[int], change: Callable[[WireRecord], WireRecord]) -> Records:
    for position in struck:
        records[position] |= change(records[position])
    return records


def _numbered_on(records: Records, more: Records) -> Records:
    """Return copies of `more` whose sequence numbers continue those of `records`, where they have any."""
    last = len(records)
    return [
        record | ({"sequenceNumber": last + offset} if "sequenceNumber" in record else {})
        for offset, record in enumerate(more, start=1)
    ]


def _scaled_amounts(record: WireRecord, factor: Decimal) -> WireRecord:
    return {name: _scaled_value(value, factor) for name, value in record.items() if name in _AMOUNTS}


def _scaled_value(value: WireValue, factor: Decimal) -> WireValue:
    if isinstance(value, dict):
        return {name: _scaled_value(inner, factor) for name, inner in value.items()}
    return Number(EXACT.multiply(Decimal(value), factor)) if isinstance(value, Number) else value


def _moved_amounts(record: WireRecord, by: Decimal, field: str | None) -> WireRecord:
    """Return the amounts that change: a witness's first pair and its total with it, else the one field."""
    pairs = next((name for name in _PAIRED if name in record), None)
    if field is not None or pairs is None:
        name = next((name for name in ([field] if field else _SINGLE) if name in record), None)
        return {name: _added(record[name], by)} if name else {}
    group = record[pairs]
    said = dict(group) if isinstance(group, dict) else {}
    pair = next((name for name, value in said.items() if value is not None), "negative1")
    total = _PAIRED[pairs]
    return {pairs: said | {pair: _added(said.get(pair), by)}, total: _added(record[total], by)}


def _added(value: WireValue, by: Decimal) -> Number:
    return Number(plain(EXACT.add(Decimal(value) if isinstance(value, Number) else Decimal(0), by)))


def _moved(text: WireValue, by: timedelta) -> str:
    return instant(datetime.fromisoformat(str(text)) + by)


_PAIRED: Final = {"pairVolumes": "totalVolumeAccepted", "bidOfferPairCashflows": "totalCashflow"}
"""The groups of amounts by pair, each with the total that follows it."""

_SINGLE: Final = ("volume", "totalAcceptedBidVolume")

_ALL_ROWS: Final = frozenset(
    {"no_rows", "many_rows", "out_of_order", "wrong_date", "wrong_period", "mixed_runs", "future_run"}
)

_STRIKES: Final[dict[str, _Strike]] = {
    "no_rows": _no_rows,
    "dropped_row": _no_rows,
    "doubled_row": _doubled,
    "duplicate_row": _duplicate,
    "conflicting_duplicate": _conflicting,
    "flipped_sign": _flipped,
    "scaled": _scaled,
    "off_by": _off_by,
    "swapped_unit": _swapped,
    "many_rows": _many,
    "out_of_order": _reversed,
    "wrong_date": _wrong_date,
    "wrong_period": _wrong_period,
    "wrong_start_time": _wrong_start,
    "mixed_runs": _mixed_runs,
    "late_row": _late,
    "future_run": _future_run,
    "missing_field": _missing,
    "renamed_field": _renamed,
    "null_field": _set(None, "volume"),
    "bad_number": _set("12,5", "volume"),
    "set_field": _set(None, "volume"),
    "unknown_field": _set("42", "carbonIntensity"),
}
