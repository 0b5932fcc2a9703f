"""What differs between the records of two versions of one date, row by row, by period and by BM unit.

Sequence numbers and `createdDateTime` move between calculation runs without meaning, so rows are matched by
what stays: (period, side, BM unit, acceptance, pair), and inside such a group by what they say, as a multiset.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Final, TypeVar

from reingest.curtailment.definitions import Definition
from reingest.curtailment.exact import exactly
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import totals_of
from reingest.curtailment.words import DefinitionName

COMPARED_FIELDS: Final = (
    "original_price",
    "volume",
    "so_flag",
    "cadl_flag",
    "stor_flag",
    "repriced",
    "final_price",
    "transmission_loss_multiplier",
)
"""What a record says beside its identity: the fields of the content's dump."""

_IDENTITY_FIELDS: Final = ("period", "side", "bm_unit", "acceptance_id", "pair_id")
_identity = attrgetter(*_IDENTITY_FIELDS)
_says = attrgetter(*COMPARED_FIELDS)
_whole = attrgetter(*_IDENTITY_FIELDS, *COMPARED_FIELDS)
_Key = TypeVar("_Key")
_Subject = TypeVar("_Subject", int, str)


@dataclass(frozen=True, slots=True)
class Delta:
    """New less old: energy in MWh, payment in GBP, records."""

    energy_mwh: Decimal
    payment_gbp: Decimal
    records: int


Deltas = dict[DefinitionName, Delta]


@dataclass(frozen=True, slots=True)
class ChangedRecord:
    """A row that both versions have and that says something else: old, new, and the fields that differ."""

    old: CurtailmentRecord
    new: CurtailmentRecord
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordDiff:
    """What differs between two versions.

    Attributes:
        added: Rows that only the new version has, by period, side, unit, acceptance and pair.
        removed: Rows that only the old version has, likewise.
        changed: Rows of both with other values, likewise.
        by_period: New less old by settlement period and definition, for periods where rows differ.
        by_unit: New less old by BM unit and definition, for units whose rows differ.
    """

    added: tuple[CurtailmentRecord, ...]
    removed: tuple[CurtailmentRecord, ...]
    changed: tuple[ChangedRecord, ...]
    by_period: dict[int, Deltas]
    by_unit: dict[str, Deltas]

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.added or self.removed or self.changed)


NO_DIFFERENCE: Final = RecordDiff(added=(), removed=(), changed=(), by_period={}, by_unit={})


def diff_records(
    old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord], definitions: Sequence[Definition]
) -> RecordDiff:
    """Return what differs between the records of two versions of one date.

    Args:
        old: Records of the version served now; none where there is no such version.
        new: Records of the candidate.
        definitions: By which to sum the differences; those that both versions can be totalled by.

    Raises:
        decimal.Inexact: a difference does not fit 100 digits.
    """
    removed, added, changed = [], [], []
    for gone, come in _leftovers(old, new):
        # Only a group of the same size on both sides lets a row be called the same row, changed.
        if len(gone) == len(come):
            changed += [_changed(before, after) for before, after in zip(gone, come, strict=True)]
        else:
            removed += gone
            added += come
    before = [*removed, *(change.old for change in changed)]
    after = [*added, *(change.new for change in changed)]
    return RecordDiff(
        added=tuple(added),
        removed=tuple(removed),
        changed=tuple(changed),
        by_period=_deltas(before, after, definitions, attrgetter("period")),
        by_unit=_deltas(before, after, definitions, attrgetter("bm_unit")),
    )


def delta_of(definition: Definition, old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord]) -> Delta:
    """Return what new records come to by one definition, less what old ones do.

    Raises:
        decimal.Inexact: it does not fit 100 digits.
    """
    before, after = totals_of(definition.select(old)), totals_of(definition.select(new))
    with exactly():
        return Delta(
            energy_mwh=after.energy_mwh - before.energy_mwh,
            payment_gbp=after.payment_gbp - before.payment_gbp,
            records=after.records - before.records,
        )


def _leftovers(
    old: Sequence[CurtailmentRecord], new: Sequence[CurtailmentRecord]
) -> Iterator[tuple[list[CurtailmentRecord], list[CurtailmentRecord]]]:
    """Yield, for each identity with differences, the rows without an equal on the other side, in order.

    An equal has the same identity too, so equals can be struck out before anything is grouped.
    """
    gone, come = _grouped(_without(old, new), _identity), _grouped(_without(new, old), _identity)
    for identity in sorted(gone.keys() | come.keys(), key=_nulls_first):
        yield sorted(gone.get(identity, []), key=_value_order), sorted(come.get(identity, []), key=_value_order)


def _without(records: Iterable[CurtailmentRecord], others: Iterable[CurtailmentRecord]) -> Iterator[CurtailmentRecord]:
    """Yield the records less the others, as multisets of identity and what is said."""
    unmatched = Counter(map(_whole, others))
    for record in records:
        whole = _whole(record)
        if unmatched[whole]:
            unmatched[whole] -= 1
        else:
            yield record


def _value_order(record: CurtailmentRecord) -> tuple[object, ...]:
    return _nulls_first(_says(record))


def _nulls_first(values: Iterable[object]) -> tuple[object, ...]:
    return tuple((value is not None, value) for value in values)


def _changed(old: CurtailmentRecord, new: CurtailmentRecord) -> ChangedRecord:
    pairs = zip(COMPARED_FIELDS, _says(old), _says(new), strict=True)
    return ChangedRecord(old, new, tuple(name for name, before, after in pairs if before != after))


def _deltas(
    old: Iterable[CurtailmentRecord],
    new: Iterable[CurtailmentRecord],
    definitions: Sequence[Definition],
    key: Callable[[CurtailmentRecord], _Subject],
) -> dict[_Subject, Deltas]:
    before, after = _grouped(old, key), _grouped(new, key)
    return {
        value: {
            definition.name: delta_of(definition, before.get(value, []), after.get(value, []))
            for definition in definitions
        }
        for value in sorted(before.keys() | after.keys())
    }


def _grouped(
    records: Iterable[CurtailmentRecord], key: Callable[[CurtailmentRecord], _Key]
) -> dict[_Key, list[CurtailmentRecord]]:
    groups: dict[_Key, list[CurtailmentRecord]] = defaultdict(list)
    for record in records:
        groups[key(record)].append(record)
    return groups
