"""The units that do not count as wind: what their rows would come to if they did. Pure.

Whether a unit counts as wind may be decided later, for dates long published. What a unit did on a date is known from
this without reading the date's payloads again.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from reingest.curtailment.exact import exact_sum
from reingest.curtailment.records import may_curtail, of_units


@dataclass(frozen=True, slots=True)
class OtherUnit:
    """A unit that does not count as wind, on one date.

    Attributes:
        bm_unit: Elexon BM unit id.
        rows: Its stack rows that would be curtailment records if it counted as wind.
        energy_mwh: What its bids among them come to, positive.
    """

    bm_unit: str
    rows: int
    energy_mwh: Decimal


def other_units(rows: pa.Table, wind_units: Collection[str]) -> tuple[OtherUnit, ...]:
    """Return the units with rows that would be curtailment records if they counted as wind, by id.

    Numeric ids are balancing adjustments and no units.

    Args:
        rows: Accepted stack rows of one date; at least bm_unit, side, pair_id and volume.
        wind_units: Elexon ids of the wind BM units.

    Raises:
        decimal.Inexact: a sum does not fit 100 digits.
    """
    is_other = pc.invert(pc.or_(pc.is_null(rows["bm_unit"]), of_units(rows, wind_units)))
    found = rows.select(["bm_unit", "side", "volume"]).filter(pc.and_kleene(may_curtail(rows), is_other))
    bids: dict[str, list[Decimal]] = defaultdict(list)
    counts: dict[str, int] = defaultdict(int)
    columns = (found[name].to_pylist() for name in ("bm_unit", "side", "volume"))
    for unit, side, text in zip(*columns, strict=True):
        if side == "bid":
            volume = Decimal(text)
            if volume >= 0:
                continue
            bids[unit].append(-volume)
        counts[unit] += 1
    return tuple(
        OtherUnit(unit, count, exact_sum(bids[unit])) for unit, count in sorted(counts.items()) if not unit.isdecimal()
    )
