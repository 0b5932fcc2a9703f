"""What a stack says as a whole, beside its curtailment records: the sums, runs, flags and units of all of its rows."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from reingest.curtailment.exact import exact_sum
from reingest.curtailment.records import in_utc
from reingest.curtailment.words import Side

Subject: TypeAlias = tuple[int, Side]
"""A period and a side: what one stack request is about."""

_ACCEPTED: Final = ["period", "side", "bm_unit", "acceptance_id", "so_flag", "volume"]


@dataclass(frozen=True, slots=True)
class StackFacts:
    """One side of one period, over its accepted rows of every unit.

    Attributes:
        accepted_mwh: The volume of the rows that have an acceptance: what DISEBSP totals, signed.
        created_first: The earliest `createdDateTime`; None where no row has one.
        created_last: The latest.
        flagged: Whether any row with an acceptance says what its SO flag is.
        nameless: How many rows have an acceptance and name no unit.
    """

    accepted_mwh: Decimal
    created_first: datetime | None
    created_last: datetime | None
    flagged: bool
    nameless: int


def stack_facts(rows: pa.Table) -> dict[Subject, StackFacts]:
    """Return what each side of each period says; one without accepted rows is left out.

    Args:
        rows: Accepted stack rows of one date; at least period, side, acceptance_id, volume, so_flag and created_at.

    Raises:
        decimal.Inexact: a sum does not fit 100 digits.
    """
    # A filter copies what it keeps: of the whole table that would be the most memory that a run takes.
    accepted = rows.select(_ACCEPTED).filter(pc.field("acceptance_id").is_valid())
    volumes = _volumes(accepted)
    flagged = _counts(accepted.filter(pc.field("so_flag").is_valid()))
    nameless = _counts(accepted.filter(pc.field("bm_unit").is_null()))
    runs = rows.group_by(["period", "side"]).aggregate([("created_at", "min"), ("created_at", "max")])
    return {
        (row["period"], row["side"]): StackFacts(
            accepted_mwh=exact_sum(volumes[row["period"], row["side"]]),
            created_first=in_utc(row["created_at_min"]),
            created_last=in_utc(row["created_at_max"]),
            flagged=(row["period"], row["side"]) in flagged,
            nameless=nameless.get((row["period"], row["side"]), 0),
        )
        for row in runs.to_pylist()
    }


def units_named(rows: pa.Table, rejected: Iterable[str | None]) -> frozenset[str]:
    """Return every id that a row bears, accepted or rejected; numeric ones are adjustments, not units."""
    named = {*pc.unique(rows["bm_unit"]).to_pylist(), *rejected}
    return frozenset(one for one in named if one is not None and not one.isdecimal())


def _volumes(rows: pa.Table) -> Mapping[Subject, list[Decimal]]:
    volumes: dict[Subject, list[Decimal]] = defaultdict(list)
    columns = (rows[name].to_pylist() for name in ("period", "side", "volume"))
    for period, side, volume in zip(*columns, strict=True):
        volumes[period, side].append(Decimal(volume))
    return volumes


def _counts(rows: pa.Table) -> dict[Subject, int]:
    found = rows.group_by(["period", "side"]).aggregate([([], "count_all")])
    return {(row["period"], row["side"]): row["count_all"] for row in found.to_pylist()}
