"""What a difference between two versions comes to by the fields that changed: groups that add up to the whole."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reingest.curtailment.definitions import Definition
from reingest.curtailment.diff import Deltas, RecordDiff, delta_of
from reingest.curtailment.records import CurtailmentRecord


@dataclass(frozen=True, slots=True)
class FieldsDelta:
    """Records that changed in the same way, and what that comes to.

    Attributes:
        fields: Which fields of the records changed, in the order of a record; none of rows that came or went.
        records: How many there are.
        deltas: New less old by definition.
    """

    change: Literal["added", "removed", "changed"]
    fields: tuple[str, ...]
    records: int
    deltas: Deltas


def deltas_by_fields(difference: RecordDiff, definitions: Sequence[Definition]) -> tuple[FieldsDelta, ...]:
    """Return the difference by the fields that changed: rows added, rows removed, then each set of changed fields.

    A record stands in one group, so that the groups' deltas add up to the difference of the totals.

    Raises:
        decimal.Inexact: a difference does not fit 100 digits.
    """
    changed: dict[tuple[str, ...], list[tuple[CurtailmentRecord, CurtailmentRecord]]] = defaultdict(list)
    for one in difference.changed:
        changed[one.fields].append((one.old, one.new))
    groups = [
        _group("added", (), [], difference.added, definitions),
        _group("removed", (), difference.removed, [], definitions),
        *(
            _group("changed", fields, [old for old, _ in pairs], [new for _, new in pairs], definitions)
            for fields, pairs in sorted(changed.items())
        ),
    ]
    return tuple(group for group in groups if group.records)


def _group(
    change: Literal["added", "removed", "changed"],
    fields: tuple[str, ...],
    old: Sequence[CurtailmentRecord],
    new: Sequence[CurtailmentRecord],
    definitions: Sequence[Definition],
) -> FieldsDelta:
    deltas = {definition.name: delta_of(definition, old, new) for definition in definitions}
    return FieldsDelta(change, fields, max(len(old), len(new)), deltas)
