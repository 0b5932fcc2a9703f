"""Tables of single figures: MWh, GBP and BTC each in a table of its own, unknown where a figure is."""

from collections.abc import Iterable, Mapping
from typing import Final

from reingest.cli.output import Column, Kind, table_lines
from reingest.curtailment.reasons import Measure

_MEASURES: Final[Mapping[Measure, tuple[str, Kind]]] = {
    "energy_mwh": ("MWh", "energy"),
    "payment_gbp": ("GBP", "money"),
    "indicative_cashflow_gbp": ("indicative GBP", "money"),
    "btc": ("BTC", "btc"),
}


def figure_table(measure: Measure, headings: Mapping[str, str], rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Return a table of one measure, a line a definition and miner model; nothing where no row has that measure.

    Args:
        measure: which rows to show.
        headings: the columns' headings, by the key of their values.
        rows: `measure`, `definition`, `model` and the values; None is shown as unknown.
    """
    unit, kind = _MEASURES[measure]
    columns = (Column("name", f"{unit} by definition"), *(Column(key, text, kind) for key, text in headings.items()))
    return table_lines(columns, (_shown(row, headings) for row in rows if row["measure"] == measure))


def _shown(row: Mapping[str, object], keys: Iterable[str]) -> dict[str, object]:
    name = f"{row['definition']} {row['model'] or ''}".rstrip()
    return {"name": name} | {key: "unknown" if row[key] is None else row[key] for key in keys}
