"""`reingest history`: what a date served when, what each publish changed, and rows that newer answers no longer had."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output, table_lines
from reingest.cli.reading import reading
from reingest.cli.reported import exact_instant
from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.operations.expected_file import definition_named
from reingest.operations.history import DateHistory, date_history
from reingest.store.history import SpanServed, Tombstone

MOST_TOMBSTONES: Final = 40
"""Tombstones that a report shows; `--tombstones` shows all."""

_SERVED: Final = (
    Column("version", "version"),
    Column("how", "made by"),
    Column("served_from", "served from"),
    Column("served_to", "until"),
    Column("energy_mwh", "MWh", "energy"),
    Column("payment_gbp", "GBP", "money"),
    Column("records", "records", "count"),
    Column("energy_change_mwh", "MWh changed", "energy"),
    Column("payment_change_gbp", "GBP changed", "money"),
)
_TOMBSTONES: Final = (
    Column("period", "period"),
    Column("side", "side"),
    Column("bm_unit", "unit"),
    Column("acceptance_id", "acceptance"),
    Column("pair_id", "pair"),
    Column("volume", "volume"),
    Column("original_price", "price"),
    Column("so_flag", "SO flag"),
    Column("came_with", "came with"),
    Column("gone_with", "gone with"),
    Column("gone_at", "gone at"),
    Column("back_with", "back with"),
    Column("back_at", "back at"),
)


def history(
    settlement_date: SettlementDate,
    definition: Annotated[str, typer.Option(help="so_flagged, all_bids or net.")] = DEFAULT_DEFINITION,
    tombstones: Annotated[
        bool, typer.Option("--tombstones", help="Only the rows that a newer answer no longer had, all of them.")
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what a date served when, what each publish changed, and the rows that newer answers no longer had."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    name = definition_named(definition)
    with reading() as connection:
        found = date_history(connection, settlement_date)
    if tombstones:
        after = [] if found.tombstones else [f"No row of {settlement_date} is, or was, missing from a newer answer."]
        output.write(found.tombstones, _TOMBSTONES, _tombstone_rows(found.tombstones), after=after)
        return
    rows = list(_rows(found, name))
    models = sorted({key for row in rows for key in row if key.startswith("btc_")})
    columns = [*_SERVED, *(Column(key, f"BTC {key.removeprefix('btc_')} changed", "btc") for key in models)]
    before = [f"{settlement_date}  what was served when, by {name}", ""]
    output.write(found, columns, rows, before=before, after=_footing(found))


def _rows(found: DateHistory, definition: str) -> Iterator[dict[str, object]]:
    for one in found.served:
        figures = next((total for name, total in one.served.totals.items() if name == definition), None)
        change = next((changed for name, changed in (one.changed or {}).items() if name == definition), None)
        yield {
            "version": one.served.version,
            "how": _how(one.served),
            "served_from": exact_instant(one.served.served_from),
            "served_to": exact_instant(one.served.served_to),
            "energy_mwh": figures and figures.energy_mwh,
            "payment_gbp": figures and figures.payment_gbp,
            "records": figures and figures.records,
            "energy_change_mwh": change and change.energy_mwh,
            "payment_change_gbp": change and change.payment_gbp,
            **{f"btc_{model}": btc for model, btc in (change.btc if change else {}).items()},
        }


def _how(span: SpanServed) -> str:
    if not span.known:
        return "taken away"
    if span.figures_of != span.version:
        return f"taken away; as version {span.figures_of}"
    return f"restore of {span.restored_from}" if span.restored_from is not None else str(span.kind)


def _tombstone_rows(tombstones: Sequence[Tombstone]) -> Iterator[dict[str, object]]:
    return ({field: getattr(one, field) for field in one.__slots__} for one in tombstones)


def _footing(found: DateHistory) -> list[str]:
    gone = found.tombstones
    if not gone:
        return ["", "No row is, or was, missing from a newer answer."]
    back = sum(one.back_with is not None for one in gone)
    rest = len(gone) - MOST_TOMBSTONES
    return [
        "",
        f"Rows that a newer answer no longer had: {len(gone)}, of which {back} came back",
        *table_lines(_TOMBSTONES, _tombstone_rows(gone[:MOST_TOMBSTONES])),
        *([f"and {rest:,} more: reingest history {found.settlement_date} --tombstones"] if rest > 0 else []),
    ]
