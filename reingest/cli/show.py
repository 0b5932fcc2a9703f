"""`reingest show`: totals, mining, periods and checks of a date; totals and mining of a month or a year."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from reingest.cli.arguments import AsCsv, AsJson, OptionalSpan
from reingest.cli.output import Column, Output, instant, table_lines
from reingest.cli.reading import reading
from reingest.errors import NotFound
from reingest.spans import FIRST_YEAR, LAST_YEAR, Span
from reingest.store.reads import ShownDay, ShownSpan, show_day, show_spans

_FIGURES: Final = (
    Column("definition", "definition"),
    Column("energy_mwh", "energy MWh", "energy"),
    Column("payment_gbp", "payment GBP", "money"),
    Column("indicative_cashflow_gbp", "indicative GBP", "money"),
    Column("records", "records", "count"),
    Column("bm_units", "units", "count"),
)
_DAY: Final = (Column("settlement_date", "date"), Column("version", "version"), Column("state", "state"))
_SPAN: Final = (
    Column("span", "span"),
    Column("days_published", "published", "count"),
    Column("days_expected", "of days", "count"),
    Column("days_provisional", "provisional", "count"),
    Column("days_verified", "verified", "count"),
)
_CHECKS: Final = (
    Column("status", "check"),
    Column("name", "name"),
    Column("expected", "expected"),
    Column("actual", "actual"),
    Column("detail", "detail"),
)


def show(span: OptionalSpan = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Show what is served of a date, a month or a year; without one, every year."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    if span is not None and span.kind == "day":
        _show_day(output, span.start)
    else:
        _show_spans(output, span)


def _show_day(output: Output, settlement_date: date) -> None:
    with reading() as connection:
        day = show_day(connection, settlement_date)
    models = next(iter(day.mining.values()), {})
    columns = (*_FIGURES, Column("periods", "periods", "count"), *_btc_columns(models))
    # In a table the heading says which date and version; a CSV has to say it in each row.
    output.write(
        day,
        (*_DAY, Column("provisional", "provisional"), Column("verification", "verification"), *columns)
        if output.csv
        else columns,
        _day_rows(day),
        before=_day_heading(day),
        after=_day_footing(day),
    )


def _day_rows(day: ShownDay) -> Iterator[dict[str, object]]:
    for name, figures in day.totals.items():
        yield {
            "settlement_date": day.settlement_date,
            "version": day.version,
            "state": day.state,
            "provisional": day.provisional,
            "verification": day.verification,
            "definition": name,
            "energy_mwh": figures.energy_mwh,
            "payment_gbp": figures.payment_gbp,
            "indicative_cashflow_gbp": figures.indicative_cashflow_gbp,
            "records": figures.records,
            "bm_units": figures.bm_units,
            "periods": figures.periods,
            **{f"btc_{model}": btc for model, btc in day.mining[name].items()},
        }


def _day_heading(day: ShownDay) -> list[str]:
    lines = [f"{day.settlement_date}  version {day.version}  {day.state}"]
    if day.state == "held":
        lines.append(
            f"Nothing is served for this date. Publish it: {_publish_command(day.settlement_date, day.version)}"
        )
    elif day.held_version is not None:
        command = _publish_command(day.settlement_date, day.held_version)
        lines.append(f"Version {day.held_version} is held beside it. Publish that: {command}")
    if day.provisional:
        lines.append(f"Provisional until {instant(day.provisional_until)}: Elexon will calculate some periods again.")
    lines.append(_verification_line(day))
    if day.accepted_gaps:
        lines.append(f"{day.accepted_gaps} periods are gaps of the source that a person accepted (reingest gaps list).")
    if day.mining_state == "unavailable":
        lines.append("BTC is not known: the difficulty table does not reach this date (reingest mining extend FILE).")
    return [*lines, ""]


def _verification_line(day: ShownDay) -> str:
    said = ", ".join(f"{one.rule} {one.status}" for one in day.witnesses)
    more = f" The differences: reingest witnesses {day.settlement_date}" if day.verification == "differs" else ""
    return f"Witnesses: {day.verification}" + (f" ({said})." if said else ".") + more


def _day_footing(day: ShownDay) -> list[str]:
    counts = ", ".join(
        f"{count} {name.replace('_', ' ')}" for name, count in day.periods.items() if count and name != "expected"
    )
    checks = table_lines(_CHECKS, ({key: getattr(check, key) for key in check.__slots__} for check in day.checks))
    sides = " and ".join(day.sides)
    return [
        "",
        f"{day.periods['expected']} periods: {counts}; {sides} stacks, {day.rows:,} rows, {day.rejects:,} rejected",
        *(["", *checks] if checks else []),
        "",
        f"content {day.content_hash}",
        f"register {day.register_hash}",
    ]


def _show_spans(output: Output, span: Span | None) -> None:
    start, end = (span.start, span.end) if span else (date(FIRST_YEAR, 1, 1), date(LAST_YEAR + 1, 1, 1))
    kind = "month" if span is not None and span.kind == "month" else "year"
    with reading() as connection:
        spans = show_spans(connection, "month" if kind == "month" else "year", start, end)
    if span is not None and not spans:
        raise NotFound(f"no date of {span} is served", next_command=f"reingest date {span.start}", settlement_date=None)
    models = sorted({model for one in spans for mining in one.mining.values() for model in mining})
    output.write(
        _span_document(spans, kind, single=span is not None),
        (*_SPAN, *_FIGURES, *_btc_columns(models), Column("days_estimated", "days with BTC", "count")),
        [row for one in spans for row in _span_rows(one)],
        after=[] if spans else ["Nothing is served yet. Next: reingest date D"],
    )


def _span_document(spans: Sequence[ShownSpan], kind: str, *, single: bool) -> object:
    documents = [
        {
            kind: one.span,
            "days_expected": one.days_expected,
            "days_published": one.days_published,
            "days_provisional": one.days_provisional,
            "days_verified": one.days_verified,
            "totals": one.totals,
            "mining": one.mining,
        }
        for one in spans
    ]
    return documents[0] if single else documents


def _span_rows(span: ShownSpan) -> Iterator[dict[str, object]]:
    for name, figures in span.totals.items():
        yield {
            "span": span.span,
            "days_expected": span.days_expected,
            "definition": name,
            **{key: getattr(figures, key) for key in figures.__slots__},
            **{f"btc_{model}": btc for model, btc in span.mining.get(name, {}).items()},
        }


def _btc_columns(models: Iterable[str]) -> list[Column]:
    return [Column(f"btc_{model}", f"BTC {model}", "btc") for model in models]


def _publish_command(settlement_date: date, version: int) -> str:
    return f"reingest publish {settlement_date} --version {version} --reason TEXT"
