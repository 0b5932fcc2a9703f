"""What a stack says as a whole, beside its curtailment records: the sums, runs, flags and units of all of its rows."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from reingest.curtailment.exact import exact_sum
from reingest.curtailment.records import instants, row_counts
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
    accepted = rows.select(_ACCEPTED).filter(pc.is_valid(rows["acceptance_id"]))
    volumes = _volumes(accepted)
    stack_of_row = accepted.select(["period", "side"])
    flagged = row_counts(stack_of_row.filter(pc.is_valid(accepted["so_flag"])))
    nameless = row_counts(stack_of_row.filter(pc.is_null(accepted["bm_unit"])))
    stacks = rows.group_by(["period", "side"], use_threads=False)
    runs = stacks.aggregate([("created_at", "min"), ("created_at", "max")])
    created = instants(runs["created_at_min"]), instants(runs["created_at_max"])
    subjects: Iterator[Any] = zip(runs["period"].to_pylist(), runs["side"].to_pylist(), strict=True)
    return {
        subject: StackFacts(
            accepted_mwh=exact_sum(volumes[subject]),
            created_first=first,
            created_last=last,
            flagged=subject in flagged,
            nameless=nameless.get(subject, 0),
        )
        for subject, first, last in zip(subjects, *created, strict=True)
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
