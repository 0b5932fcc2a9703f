"""Curtailment records: the rows of a stack that belong to wind and turn it down, or undo a turn-down."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from reingest.curtailment.words import Side


class CurtailmentRecord(NamedTuple):
    """One stack row of a wind BM unit: a bid of negative volume, or an offer in a negative pair.

    A named tuple, because a date has some 4,000 of them and it is the cheapest immutable row there is. The
    fields are Elexon's ISPSTACK fields (`elexon/stack.py` maps the names). A Decimal keeps every digit of the
    wire's text, so no text travels beside it.

    Attributes:
        period: Settlement period, 1 to 50.
        side: The stack that the row stands in.
        sequence_number: Rank within its stack; it moves between calculation runs without meaning.
        bm_unit: Elexon BM unit id.
        acceptance_id: Bid-offer acceptance; not unique across units.
        pair_id: Bid-offer pair; negative pairs turn down.
        so_flag: System operator flag; None where the wire has none, which a filter takes for false.
        cadl_flag: Continuous acceptance duration limit flag.
        stor_flag: Short term operating reserve flag.
        repriced: Whether the imbalance calculation repriced the row.
        original_price: As submitted, GBP per MWh; None only where the source has none.
        volume: MWh of the half hour; negative for bids, positive for offers.
        final_price: After repricing, GBP per MWh; never used for payments.
        transmission_loss_multiplier: None means unknown, never 1.
        created_at: When Elexon calculated the row; aware, UTC.
        row: Position in its payload, from 0.
        extra: JSON of fields that the row has and Reingest does not know.
    """

    period: int
    side: Side
    sequence_number: int
    bm_unit: str
    acceptance_id: int | None
    pair_id: int | None
    so_flag: bool | None
    cadl_flag: bool | None
    stor_flag: bool | None
    repriced: bool | None
    original_price: Decimal | None
    volume: Decimal
    final_price: Decimal | None
    transmission_loss_multiplier: Decimal | None
    created_at: datetime | None
    row: int
    extra: str | None


_ZERO: Final = pa.scalar(0, pa.int32())
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBERS: Final = frozenset({"original_price", "volume", "final_price", "transmission_loss_multiplier"})
Mask: TypeAlias = pa.BooleanArray
"""Which rows of a table are meant; null is no. A plan made of expressions takes four times longer for a small table."""


def may_curtail(rows: pa.Table) -> Mask:
    """Return which stack rows could be curtailment records, by their side and pair; of a bid its sign is still open."""
    return pc.or_kleene(pc.equal(rows["side"], pa.scalar("bid")), pc.less(rows["pair_id"], _ZERO))


def select_records(rows: pa.Table, wind_units: Collection[str]) -> tuple[CurtailmentRecord, ...]:
    """Return the curtailment records among one date's stack rows, in the order of the table.

    Args:
        rows: Accepted stack rows; at least the columns that `CurtailmentRecord` names, as in `STACK_SCHEMA`.
        wind_units: Elexon ids of the wind BM units, from the register of the version.
    """
    candidates = rows.filter(pc.and_kleene(of_units(rows, wind_units), may_curtail(rows)))
    columns = [_python_values(candidates, name) for name in CurtailmentRecord._fields]
    records = map(CurtailmentRecord._make, zip(*columns, strict=True))
    # The sign is judged on the Decimal: no float and no reading of the text comes between it and the wire.
    return tuple(record for record in records if record.side == "offer" or record.volume < 0)


def wind_row_counts(rows: pa.Table, wind_units: Collection[str]) -> dict[tuple[int, Side], int]:
    """Return how many rows of wind units each period and side has; those with none are left out."""
    return row_counts(rows.select(["period", "side"]).filter(of_units(rows, wind_units)))


def row_counts(rows: pa.Table) -> dict[tuple[int, Side], int]:
    """Return how many rows each period and side has; those with none are left out."""
    counted = rows.group_by(["period", "side"], use_threads=False).aggregate([([], "count_all")])
    return {(row["period"], row["side"]): row["count_all"] for row in counted.to_pylist()}


def earliest_created(rows: pa.Table) -> dict[int, datetime | None]:
    """Return each period's earliest `createdDateTime` over all of its rows; None where no row has one."""
    found = rows.group_by("period", use_threads=False).aggregate([("created_at", "min")])
    periods: list[Any] = found["period"].to_pylist()
    return dict(zip(periods, instants(found["created_at_min"]), strict=True))


def of_units(rows: pa.Table, wind_units: Collection[str]) -> Mask:
    """Return which stack rows are of these units; a row without a unit is of none."""
    return pc.is_in(rows["bm_unit"], value_set=pa.array(sorted(wind_units), pa.string()))


def _python_values(rows: pa.Table, name: str) -> list[Any]:
    values = rows[name]
    if name == "created_at":
        return instants(values)
    if name in _NUMBERS:
        return [None if text is None else Decimal(text) for text in values.to_pylist()]
    return values.to_pylist()


def instants(values: "pa.ChunkedArray[Any]") -> list[datetime | None]:
    """Return a column's instants, aware, in the standard library's UTC.

    From their microseconds: Arrow takes ten times as long, and which class it gives them depends on what is installed.
    """
    since = values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return [None if one is None else _EPOCH + timedelta(microseconds=one) for one in since]
