"""`reingest diff`: what differs between two versions of a date, and which of their inputs do."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output, shown, table_lines
from reingest.cli.reading import reading
from reingest.curtailment.content import Content
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.diff import Delta, Deltas, RecordDiff, diff_records
from reingest.curtailment.exact import exactly
from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.totals import Totals
from reingest.curtailment.words import DEFINITION_NAMES, DefinitionName
from reingest.operations.figures_text import period_ranges
from reingest.store.contents import VersionFacts, chosen_numbers, content_of, version_facts
from reingest.store.database import Connection

INPUTS: Final = ("sides", "register_hash", "definitions", "mining_inputs_hash", "code_version")
"""What a version is made from beside its payloads; one that differs may be why a figure does."""

MOST_ROWS: Final = 60
"""Rows that a table shows: people read sums, machines rows."""

_IDENTITY: Final = ("period", "side", "bm_unit", "acceptance_id", "pair_id")
_TOTALS: Final = (
    Column("definition", "definition"),
    Column("old_energy_mwh", "MWh before", "energy"),
    Column("new_energy_mwh", "MWh after", "energy"),
    Column("energy_mwh", "change", "energy"),
    Column("old_payment_gbp", "GBP before", "money"),
    Column("new_payment_gbp", "GBP after", "money"),
    Column("payment_gbp", "change", "money"),
)
_DELTAS: Final = (
    Column("definition", "definition"),
    Column("energy_mwh", "MWh", "energy"),
    Column("payment_gbp", "GBP", "money"),
    Column("records", "records", "count"),
)
_RECORDS: Final = (
    Column("change", "change"),
    *(Column(name, name) for name in _IDENTITY),
    Column("field", "field"),
    Column("old", "before"),
    Column("new", "after"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions of one date, the older first, with their contents and what differs between their records."""

    settlement_date: date
    old: VersionFacts
    new: VersionFacts
    old_content: Content
    new_content: Content
    records: RecordDiff

    @property
    def same(self) -> bool:
        """Whether both say the same, to the last digit."""
        return self.old.content_hash == self.new.content_hash

    @property
    def inputs(self) -> dict[str, tuple[object, object]]:
        """The inputs that differ: before and after."""
        pairs = {name: (getattr(self.old, name), getattr(self.new, name)) for name in INPUTS}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def diff(
    settlement_date: SettlementDate,
    a: Annotated[int | None, typer.Argument(metavar="A", help="The older version's number.")] = None,
    b: Annotated[int | None, typer.Argument(metavar="B", help="The newer one's; the served one by default.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what differs between two versions of a date.

    Without numbers a held version that waits for a decision stands against the served one; where none waits, the
    served one against the one that it replaced.
    """
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        older, newer = chosen_numbers(connection, settlement_date, a, b)
        compared = compare_versions(connection, settlement_date, older, newer)
    # One line a field that changed, or a row that came or went: CSV has only these, a table has the sums above them.
    rows = list(_record_rows(compared.records))
    shown_rows = rows if output.csv else rows[:MOST_ROWS]
    rest = len(rows) - len(shown_rows)
    after = [f"and {rest:,} lines more; --csv and --json have all of them"] if rest else []
    output.write(difference_document(compared), _RECORDS, shown_rows, before=difference_lines(compared), after=after)


def compare_versions(connection: Connection, settlement_date: date, older: int, newer: int) -> Compared:
    """Return what differs between two versions of a date, by their numbers.

    Raises:
        NotFound: the date has no such version.
    """
    old, new = (version_facts(connection, settlement_date, number) for number in (older, newer))
    before, after = (content_of(connection, settlement_date, version) for version in (old, new))
    both = definitions_for(set(before.sides) & set(after.sides))
    return Compared(settlement_date, old, new, before, after, diff_records(before.records, after.records, both))


def difference_document(compared: Compared) -> dict[str, object]:
    """Return what differs, for `--json`: inputs, totals, mining, outcomes, sums by period and unit, records."""
    records = compared.records
    return {
        "settlement_date": compared.settlement_date,
        "old": compared.old,
        "new": compared.new,
        "same": compared.same,
        "inputs": {name: {"old": old, "new": new} for name, (old, new) in compared.inputs.items()},
        "totals": {row.pop("definition"): row for row in _total_rows(compared)},
        "mining": _mining_document(compared),
        "outcomes": _outcomes(compared),
        "by_period": records.by_period,
        "by_unit": records.by_unit,
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


def difference_lines(compared: Compared) -> list[str]:
    """Return what differs, for people: totals before and after, then the periods and units that moved."""
    old, new, records = compared.old, compared.new, compared.records
    heading = f"{compared.settlement_date}  version {old.number} ({old.state}) to version {new.number} ({new.state})"
    if compared.same:
        return [heading, "The same content."]
    counts = f"{len(records.added)} rows added, {len(records.removed)} removed, {len(records.changed)} changed"
    return [
        heading,
        *_input_lines(compared),
        "",
        *table_lines(_TOTALS, _total_rows(compared)),
        "",
        *_section(_mining_lines(compared)),
        *_section(_outcome_lines(compared)),
        *_section(_delta_lines("period", records.by_period)),
        *_section(_delta_lines("unit", records.by_unit)),
        counts,
        "",
    ]


def _section(lines: list[str]) -> list[str]:
    return [*lines, ""] if lines else []


def _input_lines(compared: Compared) -> list[str]:
    if not compared.inputs:
        return ["Register, definitions, mining inputs, sides and code are the same: the source's answers differ."]
    names = ", ".join(name.removesuffix("_hash").replace("_", " ") for name in compared.inputs)
    return [f"Inputs that differ beside the source's answers: {names}"]


def _total_rows(compared: Compared) -> Iterator[dict[str, object]]:
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


def _mining_document(compared: Compared) -> dict[str, dict[str, dict[str, Decimal | None]]]:
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


def _mining_lines(compared: Compared) -> list[str]:
    return [
        f"BTC {name} {model}: {_btc(pair['old'])} to {_btc(pair['new'])}"
        for name, models in _mining_document(compared).items()
        for model, pair in models.items()
    ]


def _btc(value: Decimal | None) -> str:
    return "unknown" if value is None else shown(value, "btc")


def _outcomes(compared: Compared) -> list[dict[str, object]]:
    before, after = compared.old_content.outcomes, compared.new_content.outcomes
    return [
        {"period": period, "side": side, "old": before.get((period, side)), "new": after.get((period, side))}
        for period, side in sorted(before.keys() | after.keys())
        if before.get((period, side)) != after.get((period, side))
    ]


def _outcome_lines(compared: Compared) -> list[str]:
    """Return one line for each kind of change, with the periods that it befell."""
    periods: dict[tuple[object, object, object], list[int]] = defaultdict(list)
    for one in _outcomes(compared):
        periods[one["side"], one["old"] or "not_asked", one["new"] or "not_asked"].append(int(str(one["period"])))
    return [
        f"{side} of periods {period_ranges(numbers)}: {old} to {new}" for (side, old, new), numbers in periods.items()
    ]


def _delta_lines(subject: str, deltas: Mapping[int, Deltas] | Mapping[str, Deltas]) -> list[str]:
    """Return a table of what changed; a definition by which nothing did is left out."""
    rows = [
        {subject: key, "definition": name, **{field: getattr(delta, field) for field in Delta.__slots__}}
        for key, by_definition in deltas.items()
        for name, delta in by_definition.items()
        if delta.energy_mwh or delta.payment_gbp or delta.records
    ]
    return table_lines((Column(subject, f"by {subject}"), *_DELTAS), rows)


def _record_rows(records: RecordDiff) -> Iterator[dict[str, object]]:
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
    return {name: getattr(record, name) for name in _IDENTITY}


def _record(record: CurtailmentRecord) -> dict[str, object]:
    return _identity(record) | {
        name: getattr(record, name) for name in ("volume", "original_price", "so_flag", "cadl_flag", "stor_flag")
    }
