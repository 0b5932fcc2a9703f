"""What differs between two versions of a date: inputs, totals, mining, outcomes and records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from reingest.curtailment.content import Content
from reingest.curtailment.definitions import Definition, definitions_for
from reingest.curtailment.diff import RecordDiff, diff_records
from reingest.curtailment.diff_fields import FieldsDelta, deltas_by_fields
from reingest.curtailment.exact import exactly
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName
from reingest.store.contents import VersionFacts, content_of, version_facts
from reingest.store.database import Connection

INPUTS: Final = ("sides", "register_hash", "definitions", "mining_inputs_hash", "code_version")
"""What a version is made from beside its payloads; one that differs may be why a figure does."""

IDENTITY: Final = ("period", "side", "bm_unit", "acceptance_id", "pair_id")
"""What a record is matched by, before what it says."""


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions of one date, the older first, with their contents and what differs between their records.

    Attributes:
        definitions: Those that both can be totalled by.
    """

    settlement_date: date
    old: VersionFacts
    new: VersionFacts
    old_content: Content
    new_content: Content
    records: RecordDiff
    definitions: tuple[Definition, ...]

    @property
    def same(self) -> bool:
        """Whether both say the same, to the last digit."""
        return self.old.content_hash == self.new.content_hash

    @property
    def by_fields(self) -> tuple[FieldsDelta, ...]:
        """What differs by the fields that changed."""
        return deltas_by_fields(self.records, self.definitions)

    @property
    def inputs(self) -> dict[str, tuple[object, object]]:
        """The inputs that differ: before and after."""
        pairs = {name: (getattr(self.old, name), getattr(self.new, name)) for name in INPUTS}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def compare_versions(connection: Connection, settlement_date: date, older: int, newer: int) -> Compared:
    """Return what differs between two versions of a date, by their numbers.

    Raises:
        NotFound: the date has no such version.
    """
    old, new = (version_facts(connection, settlement_date, number) for number in (older, newer))
    before, after = (content_of(connection, settlement_date, version) for version in (old, new))
    both = definitions_for(set(before.sides) & set(after.sides))
    return Compared(settlement_date, old, new, before, after, diff_records(before.records, after.records, both), both)


def difference_document(compared: Compared) -> dict[str, object]:
    """Return what differs, for `--json`: inputs, totals, mining, outcomes, sums by period and unit, records."""
    records = compared.records
    return {
        "settlement_date": compared.settlement_date,
        "old": compared.old,
        "new": compared.new,
        "same": compared.same,
        "inputs": {name: {"old": old, "new": new} for name, (old, new) in compared.inputs.items()},
        "totals": {row.pop("definition"): row for row in total_rows(compared)},
        "mining": mining_changes(compared),
        "outcomes": outcome_changes(compared),
        "by_period": records.by_period,
        "by_unit": records.by_unit,
        "by_fields": compared.by_fields,
        "records": {
            "added": [_record(one) for one in records.added],
            "removed": [_record(one) for one in records.removed],
            "changed": [
                _identity(one.new)
                | {"fields": {name: [getattr(one.old, name), getattr(one.new, name)] for name in one.fields}}
                for one in records.changed
            ],
        },
    }


def total_rows(compared: Compared) -> Iterator[dict[str, object]]:
    """Yield a row for each definition: MWh, GBP and records before and after, and the change."""
    before, after = compared.old_content.totals, compared.new_content.totals
    for name in (name for name in DEFINITION_NAMES if name in before or name in after):
        old, new = before.get(name), after.get(name)
        yield {
            "definition": name,
            "old_energy_mwh": old and old.energy_mwh,
            "new_energy_mwh": new and new.energy_mwh,
            "energy_mwh": _change(old, new, "energy_mwh"),
            "old_payment_gbp": old and old.payment_gbp,
            "new_payment_gbp": new and new.payment_gbp,
            "payment_gbp": _change(old, new, "payment_gbp"),
            "old_records": old and old.records,
            "new_records": new and new.records,
        }


def _change(old: Totals | None, new: Totals | None, field: str) -> Decimal | None:
    if old is None or new is None:
        return None
    with exactly():
        change: Decimal = getattr(new, field) - getattr(old, field)
    return change


def mining_changes(compared: Compared) -> dict[str, dict[str, dict[str, Decimal | None]]]:
    """Return BTC before and after, by definition and model, where the two differ."""
    before, after = compared.old_content.mining or {}, compared.new_content.mining or {}
    document: dict[str, dict[str, dict[str, Decimal | None]]] = {}
    for name, model in sorted(before.keys() | after.keys(), key=_definition_order):
        old, new = before.get((name, model)), after.get((name, model))
        if old != new:
            document.setdefault(name, {})[model] = {"old": old, "new": new}
    return document


def _definition_order(key: tuple[DefinitionName, str]) -> tuple[int, str]:
    return DEFINITION_NAMES.index(key[0]), key[1]


def outcome_changes(compared: Compared) -> list[dict[str, object]]:
    """Return the sides of periods whose outcome is another, before and after."""
    before, after = compared.old_content.outcomes, compared.new_content.outcomes
    return [
        {"period": period, "side": side, "old": before.get((period, side)), "new": after.get((period, side))}
        for period, side in sorted(before.keys() | after.keys())
        if before.get((period, side)) != after.get((period, side))
    ]


def record_rows(records: RecordDiff) -> Iterator[dict[str, object]]:
    """Yield a row for each field of a record that changed, and for the figures of one that came or went."""
    for change, rows in (("added", records.added), ("removed", records.removed)):
        place = "new" if change == "added" else "old"
        for one in rows:
            for field in ("volume", "original_price", "so_flag"):
                yield {"change": change, **_identity(one), "field": field, place: getattr(one, field)}
    for changed in records.changed:
        for field in changed.fields:
            values = {"old": getattr(changed.old, field), "new": getattr(changed.new, field)}
            yield {"change": "changed", **_identity(changed.new), "field": field, **values}


def _identity(record: CurtailmentRecord) -> dict[str, object]:
    return {name: getattr(record, name) for name in IDENTITY}


def _record(record: CurtailmentRecord) -> dict[str, object]:
    return _identity(record) | {
        name: getattr(record, name) for name in ("volume", "original_price", "so_flag", "cadl_flag", "stor_flag")
    }
