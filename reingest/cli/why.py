"""`reingest why`: why the figures of a date changed between two of its versions."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest import __version__
from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.figure_tables import figure_table
from reingest.cli.output import Column, Output, table_lines
from reingest.cli.progress import stage_progress
from reingest.cli.reading import reading
from reingest.curtailment.exact import plain
from reingest.curtailment.reasons import INGREDIENTS, MEASURES, PARTS, Change, Ingredient, Measure
from reingest.lake.archive import Archive
from reingest.operations.figures_text import counted, period_ranges
from reingest.settings import load_settings
from reingest.store.contents import chosen_numbers
from reingest.store.database import addresses_of
from reingest.tuning import keep_imports

if TYPE_CHECKING:
    from decimal import Decimal

    from reingest.operations.why import PayloadMove, Why

MOST_UNITS: Final = 10
"""BM units that people are shown; machines get all."""

_NUMBERS: Final = {"old": "before", "new": "after", "change": "change"} | {f"part_{part}": part for part in PARTS}
_UNKNOWN: Final[dict[Measure, str]] = {
    "energy_mwh": "MWh unknown",
    "payment_gbp": "GBP unknown",
    "indicative_cashflow_gbp": "Indicative GBP unknown (a row has no price or no loss multiplier)",
    "btc": "BTC unknown (the date is beyond the known difficulties)",
}
_CSV: Final = tuple(Column(key, key) for key in ("measure", "definition", "model", *_NUMBERS))
_UNITS: Final = (
    Column("unit", "unit"),
    Column("definition", "definition"),
    Column("energy_mwh", "MWh", "energy"),
    Column("payment_gbp", "GBP", "money"),
)


def why(
    settlement_date: SettlementDate,
    a: Annotated[int | None, typer.Argument(metavar="A", help="The older version's number.")] = None,
    b: Annotated[int | None, typer.Argument(metavar="B", help="The newer one's; the served one by default.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Split a change of energy, money and BTC into its reasons: source, register, definition, mining, code.

    Both versions are derived again from the archive, with no network; the parts add up exactly. Without numbers the
    versions are those that `reingest diff` compares. docs/figures.md says what each figure and part is.
    """
    from reingest.operations.why import why as explain
    from reingest.operations.without_network import without_network

    keep_imports()
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    archive = Archive(load_settings().archive_folder)
    with stage_progress() as progress, reading() as connection:
        older, newer = chosen_numbers(connection, settlement_date, a, b)
        with without_network(addresses_of(connection)):
            found = explain(connection, archive, settlement_date, older, newer, progress)
    rows = [_row(change) for change in found.changes] if as_csv else []
    output.write(_document(found), _CSV if as_csv else (), rows, before=[*_lines(found)])


def _row(change: Change) -> dict[str, object]:
    figure = change.figure
    row = figure._asdict() | {"old": change.old, "new": change.new, "change": change.change}
    return row | {f"part_{part}": value for part, value in change.parts.items()}


def _document(why: "Why") -> dict[str, object]:
    return {
        "settlement_date": why.settlement_date,
        "old": why.old,
        "new": why.new,
        "order": INGREDIENTS,
        "figures": [
            change.figure._asdict()
            | {"old": change.old, "new": change.new, "change": change.change, "parts": change.parts}
            for change in why.changes
        ],
        "source": {
            "payloads": why.payloads,
            "by_period": why.source.by_period,
            "by_unit": why.moved_by("source"),
        },
        "register": {
            "units_came": why.units_came,
            "units_went": why.units_went,
            "by_unit": why.moved_by("register"),
        },
        "definition": why.definitions and {"old": why.definitions[0], "new": why.definitions[1]},
        "mining": why.rates,
        "code": {
            "old": why.old.code_version,
            "new": why.new.code_version,
            "present": __version__,
            "derived_otherwise": why.derived_otherwise,
        },
    }


def _lines(why: "Why") -> Iterator[str]:
    old, new = why.old, why.new
    yield f"{why.settlement_date}  version {old.number} ({old.state}) to version {new.number} ({new.state})"
    for measure in MEASURES:
        yield ""
        yield from _table(why, measure)
    yield ""
    yield from _source_lines(why)
    yield from _register_lines(why)
    if why.definitions:
        yield f"Definition: {', '.join(why.definitions[0])} before, {', '.join(why.definitions[1])} after."
    for move in why.rates:
        yield f"Mining: {_rates(move.old)} before, {_rates(move.new)} after, in {_periods(move.periods)}."
    yield from _code_lines(why)
    yield ""
    yield f"Next: reingest diff {why.settlement_date} {old.number} {new.number}"


def _table(why: "Why", measure: Measure) -> list[str]:
    """Return the figures of one measure with the parts of their changes, as people read them."""
    lines = figure_table(measure, _NUMBERS, map(_row, why.changes))
    return lines or [f"{_UNKNOWN[measure]} in both versions"]


def _source_lines(why: "Why") -> Iterator[str]:
    if not why.payloads:
        yield "Source: both versions are built from the same answers."
        return
    yield f"Source: {counted(len(why.payloads), 'answer')} changed: {'; '.join(_subjects(why.payloads))}."
    yield from _unit_lines(why, "source")


def _subjects(payloads: "Iterable[PayloadMove]") -> Iterator[str]:
    """Return the answers that differ, the periods of a side together."""
    periods: dict[str, list[int]] = {}
    for one in payloads:
        how = "" if one.old and one.new else " (only after)" if one.new else " (only before)"
        name = f"{one.side}{how}" if one.side else f"{one.dataset}{how}"
        periods.setdefault(name, []).extend([one.period] if one.period is not None else [])
    return (f"{name} of {_periods(numbers)}" if numbers else name for name, numbers in periods.items())


def _periods(numbers: Sequence[int]) -> str:
    return f"period{'s' if len(numbers) > 1 else ''} {period_ranges(numbers)}"


def _register_lines(why: "Why") -> Iterator[str]:
    if not (why.units_came or why.units_went):
        if why.old.register_hash != why.new.register_hash:
            yield "Register: the same units count as wind, some with another lead party."
        return
    moved = [f"{len(units)} {how} ({_listed(units)})" for units, how in _moves(why) if units]
    yield f"Register: units that count as wind: {', '.join(moved)}."
    yield from _unit_lines(why, "register")


def _moves(why: "Why") -> tuple[tuple[tuple[str, ...], str], ...]:
    return (why.units_came, "came"), (why.units_went, "went")


def _listed(units: tuple[str, ...]) -> str:
    rest = len(units) - MOST_UNITS
    return ", ".join(units[:MOST_UNITS]) + (f" and {rest} more" if rest > 0 else "")


def _unit_lines(why: "Why", ingredient: Ingredient) -> Iterator[str]:
    """Yield what the units that moved most moved by each definition; one that they did not move is left out."""
    units = why.moved_by(ingredient)
    rows = [
        {"unit": unit, "definition": name, "energy_mwh": one.energy_mwh, "payment_gbp": one.payment_gbp}
        for unit, deltas in islice(units.items(), MOST_UNITS)
        for name, one in deltas.items()
        if one.energy_mwh or one.payment_gbp
    ]
    yield from (f"  {line}" for line in table_lines(_UNITS, rows))
    if len(units) > MOST_UNITS:
        yield f"  and {len(units) - MOST_UNITS} units more; --json has them all"


def _rates(pairs: "tuple[tuple[Decimal, Decimal], ...] | None") -> str:
    if pairs is None:
        return "unknown"
    return ", then ".join(f"difficulty {plain(difficulty)}, reward {plain(reward)}" for difficulty, reward in pairs)


def _code_lines(why: "Why") -> Iterator[str]:
    for version in (why.old, why.new):
        if version.number in why.derived_otherwise:
            yield (
                f"Code: version {version.number} was made by reingest {version.code_version}, and {__version__} derives"
                " other figures from what it was made from."
            )
