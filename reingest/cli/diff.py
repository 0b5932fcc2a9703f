"""`reingest diff`: what differs between two versions of a date, and which of their inputs do."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output, shown, table_lines
from reingest.cli.reading import reading
from reingest.curtailment.diff import Delta, Deltas
from reingest.curtailment.diff_fields import FieldsDelta
from reingest.operations.difference import (
    IDENTITY,
    Compared,
    compare_versions,
    difference_document,
    mining_changes,
    outcome_changes,
    record_rows,
    total_rows,
)
from reingest.operations.figures_text import period_ranges
from reingest.store.contents import chosen_numbers

MOST_ROWS: Final = 60
"""Rows that a table shows: people read sums, machines rows."""

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
    *(Column(name, name) for name in IDENTITY),
    Column("field", "field"),
    Column("old", "before"),
    Column("new", "after"),
)


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
    rows = list(record_rows(compared.records))
    shown_rows = rows if output.csv else rows[:MOST_ROWS]
    rest = len(rows) - len(shown_rows)
    after = [f"and {rest:,} lines more; --csv and --json have all of them"] if rest else []
    output.write(difference_document(compared), _RECORDS, shown_rows, before=difference_lines(compared), after=after)


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
        *table_lines(_TOTALS, total_rows(compared)),
        "",
        *_section(_mining_lines(compared)),
        *_section(_outcome_lines(compared)),
        *_section(_delta_lines("period", records.by_period)),
        *_section(_delta_lines("unit", records.by_unit)),
        *_section(_field_lines(compared.by_fields)),
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


def _mining_lines(compared: Compared) -> list[str]:
    return [
        f"BTC {name} {model}: {_btc(pair['old'])} to {_btc(pair['new'])}"
        for name, models in mining_changes(compared).items()
        for model, pair in models.items()
    ]


def _btc(value: Decimal | None) -> str:
    return "unknown" if value is None else shown(value, "btc")


def _outcome_lines(compared: Compared) -> list[str]:
    """Return one line for each kind of change, with the periods that it befell."""
    periods: dict[tuple[object, object, object], list[int]] = defaultdict(list)
    for one in outcome_changes(compared):
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


def _field_lines(groups: Sequence[FieldsDelta]) -> list[str]:
    """Return a table of what changed by the fields that did; its lines of one definition add up to the change."""
    rows = [
        {
            "fields": ", ".join(group.fields) if group.fields else f"rows {group.change}",
            "rows": group.records,
            "definition": name,
            "energy_mwh": delta.energy_mwh,
            "payment_gbp": delta.payment_gbp,
        }
        for group in groups
        for name, delta in _moved(group.deltas).items()
    ]
    return table_lines((Column("fields", "by fields"), Column("rows", "rows", "count"), *_DELTAS[:3]), rows)


def _moved(deltas: Deltas) -> Deltas:
    """Return the deltas that are not zero; all of them where none is, as of a field that no figure is made from."""
    moved = {name: delta for name, delta in deltas.items() if delta.energy_mwh or delta.payment_gbp or delta.records}
    return moved or deltas
