"""The fields of a stack row: Elexon's name, our column, what kind of value it is, whether it may be null.

Order and nullability are those of `SettlementStackResponse` in Elexon's OpenAPI document.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import pyarrow as pa

Column: TypeAlias = "pa.Array[Any]"
"""An Arrow array of any type."""

Kind = Literal["period", "integer", "id", "flag", "time", "decimal"]

_TYPES: Final[dict[str, pa.DataType]] = {
    "id": pa.string(),
    "flag": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    # The text of the wire, checked to be a number: no digit is lost on its way to Postgres numeric.
    "decimal": pa.string(),
}


@dataclass(frozen=True, slots=True)
class StackField:
    """One field of a stack row.

    Attributes:
        wire: Elexon's name in JSON; XML may spell it in any case.
        column: The name in `STACK_SCHEMA`.
        kind: How its text is read.
        type: The Arrow type of the column.
        mandatory: A row without it is rejected.
    """

    wire: str
    column: str
    kind: Kind
    type: pa.DataType
    mandatory: bool = False


def _integer(wire: str, column: str, type_: pa.DataType, *, mandatory: bool = False) -> StackField:
    return StackField(wire, column, "integer", type_, mandatory)


def _other(kind: Kind, wire: str, column: str, *, mandatory: bool = False) -> StackField:
    return StackField(wire, column, kind, _TYPES[kind], mandatory)


SETTLEMENT_DATE: Final = "settlementDate"
SETTLEMENT_PERIOD: Final = "settlementPeriod"

STACK_FIELDS: Final[tuple[StackField, ...]] = (
    _integer("sequenceNumber", "sequence_number", pa.int32(), mandatory=True),
    _other("id", "id", "bm_unit"),
    _integer("acceptanceId", "acceptance_id", pa.int64()),
    _integer("bidOfferPairId", "pair_id", pa.int32()),
    _other("flag", "cadlFlag", "cadl_flag"),
    _other("flag", "soFlag", "so_flag"),
    _other("flag", "storProviderFlag", "stor_flag"),
    _other("flag", "repricedIndicator", "repriced", mandatory=True),
    _other("time", "startTime", "start_time", mandatory=True),
    _other("time", "createdDateTime", "created_at"),
    _other("decimal", "originalPrice", "original_price"),
    _other("decimal", "volume", "volume", mandatory=True),
    _other("decimal", "reserveScarcityPrice", "reserve_scarcity_price"),
    _other("decimal", "dmatAdjustedVolume", "dmat_adjusted_volume"),
    _other("decimal", "arbitrageAdjustedVolume", "arbitrage_adjusted_volume"),
    _other("decimal", "nivAdjustedVolume", "niv_adjusted_volume"),
    _other("decimal", "parAdjustedVolume", "par_adjusted_volume"),
    _other("decimal", "finalPrice", "final_price"),
    _other("decimal", "transmissionLossMultiplier", "transmission_loss_multiplier"),
    _other("decimal", "tlmAdjustedVolume", "tlm_adjusted_volume"),
    _other("decimal", "tlmAdjustedCost", "tlm_adjusted_cost"),
)
"""The fields that become columns of their own, in the order of `STACK_SCHEMA`."""

WIRE_NAMES: Final[tuple[str, ...]] = (SETTLEMENT_DATE, SETTLEMENT_PERIOD, *(field.wire for field in STACK_FIELDS))

_PLACE: Final[tuple["pa.Field[Any]", ...]] = (
    pa.field("period", pa.int16(), nullable=False),
    pa.field("side", pa.string(), nullable=False),
    pa.field("row", pa.int32(), nullable=False),
)

STACK_SCHEMA: Final = pa.schema(
    [
        *_PLACE,
        *(pa.field(field.column, field.type, nullable=not field.mandatory) for field in STACK_FIELDS),
        pa.field("extra", pa.string()),
    ]
)
"""One accepted row of a stack: `row` counts from 0 in its payload, decimals are their own text in MWh or
GBP/MWh (`tlm_adjusted_cost` in GBP, `transmission_loss_multiplier` bare), `extra` is JSON of unknown fields."""
