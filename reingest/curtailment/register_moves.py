"""From one answer of the register to the next: what changed of which BM unit, and whether to believe it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from reingest.curtailment.unit_spans import UnitFacts

WIND: Final = "WIND"
KEPT_PERCENT: Final = 90
"""An answer that keeps fewer of the known units, or of the known wind units, looks truncated."""

_TRACKED: Final = tuple(field.name for field in fields(UnitFacts))


@dataclass(frozen=True, slots=True)
class RegisterMove:
    """What an answer of the register changes.

    Attributes:
        opened: The units that it has and the answer before had not, with their facts.
        closed: The units that it lacks.
        changed: By unit, the facts that it says otherwise; a fuel type that is only proposed is not among them.
        proposed: Known units without a fuel type that are wind by it: whether they are is for a person to decide.
        withdrawn: Units whose fuel type was proposed, and that it does not call wind any more.
    """

    opened: Mapping[str, UnitFacts]
    closed: frozenset[str]
    changed: Mapping[str, Mapping[str, Any]]
    proposed: frozenset[str]
    withdrawn: frozenset[str]


NO_MOVE: Final = RegisterMove({}, frozenset(), {}, frozenset(), frozenset())


def first_answer(units: Mapping[str, UnitFacts]) -> RegisterMove:
    """Return what the first answer of all changes: every unit is opened."""
    return RegisterMove(units, frozenset(), {}, frozenset(), frozenset())


def move_between(
    before: Mapping[str, UnitFacts],
    after: Mapping[str, UnitFacts],
    *,
    gone: Mapping[str, UnitFacts],
    undecided: Collection[str],
) -> RegisterMove:
    """Return what changes from one answer to the next.

    Args:
        before: the units of the answer before, by id.
        after: the units of this one.
        gone: what was last said of units that had left by then, by id.
        undecided: the units whose fuel type is proposed and not decided.
    """
    changed = {unit: _difference(before[unit], after[unit]) for unit in before.keys() & after.keys()}
    opened = {unit: after[unit] for unit in after.keys() - before.keys()}
    last_said = {**gone, **before}
    known = {unit for unit in before.keys() & after.keys() if "fuel_type" in changed[unit]} | (opened.keys() & gone)
    proposed = {unit for unit in known if last_said[unit].fuel_type is None and after[unit].fuel_type == WIND}
    withdrawn = {unit for unit in undecided if unit not in after or after[unit].fuel_type != WIND}
    for unit in proposed | withdrawn:
        if unit in opened:
            opened[unit] = replace(opened[unit], fuel_type=None if unit in proposed else opened[unit].fuel_type)
        elif unit in changed and (unit in proposed or after[unit].fuel_type is None):
            # What was never believed need not be taken back.
            changed[unit].pop("fuel_type", None)
    return RegisterMove(
        opened=opened,
        closed=frozenset(before.keys() - after.keys()),
        changed={unit: facts for unit, facts in changed.items() if facts},
        proposed=frozenset(proposed),
        withdrawn=frozenset(withdrawn),
    )


def looks_truncated(before: Mapping[str, UnitFacts], after: Mapping[str, UnitFacts]) -> str | None:
    """Return why an answer is not believed, in words; None where it may be.

    Elexon's register loses a few units a month. One that lacks more than a tenth of them, or of the wind units, is
    rather an answer that was cut off, or that lacks the fuel types.
    """
    kept = before.keys() & after.keys()
    if _too_few(len(kept), len(before)):
        return f"{len(kept):,} of {len(before):,} known units are in it"
    wind = {unit for unit, facts in before.items() if facts.fuel_type == WIND}
    kept_wind = {unit for unit in wind & kept if after[unit].fuel_type == WIND}
    if _too_few(len(kept_wind), len(wind)):
        return f"{len(kept_wind):,} of {len(wind):,} known wind units are in it as such"
    return None


def _too_few(kept: int, known: int) -> bool:
    return kept * 100 < known * KEPT_PERCENT


def _difference(before: UnitFacts, after: UnitFacts) -> dict[str, Any]:
    return {name: getattr(after, name) for name in _TRACKED if getattr(before, name) != getattr(after, name)}
