"""`reingest as-of`: what was served of a date, a month or a year at an instant in the past."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.output import Column, Output
from reingest.cli.reading import reading
from reingest.cli.reported import Reported, ReportedAt, exact_instant
from reingest.curtailment.words import DefinitionName
from reingest.operations.as_of import DayAsOf, SpanAsOf, day_as_of, span_as_of, units_as_of
from reingest.operations.expected_file import definition_named
from reingest.spans import Span, settlement_span
from reingest.store.database import Connection
from reingest.store.history import UnitThen

VERIFICATIONS: Final = {
    "verified": "verified by Elexon's other datasets",
    "unverified": "not verified by Elexon's other datasets",
    "differs": "contradicted by Elexon's other datasets",
}
DATES_NAMED: Final = 5
"""How many dates a line names."""
_FIGURES: Final = (
    Column("definition", "definition"),
    Column("energy_mwh", "energy MWh", "energy"),
    Column("payment_gbp", "payment GBP", "money"),
    Column("records", "records", "count"),
    Column("bm_units", "units", "count"),
    Column("indicative_cashflow_gbp", "indicative GBP", "money"),
)
_SERVED: Final = (
    Column("span", "span"),
    Column("reported", "reported"),
    Column("version", "version"),
    Column("served_from", "served from"),
    Column("served_to", "served to"),
    Column("provisional", "provisional"),
    Column("verification", "verification"),
)
_DAYS: Final = (
    Column("days_published", "published", "count"),
    Column("days_expected", "of days", "count"),
    Column("days_provisional", "provisional", "count"),
    Column("days_verified", "verified", "count"),
    Column("days_unknown", "unknown", "count"),
)
_UNITS: Final = (
    Column("definition", "definition"),
    Column("bm_unit", "unit"),
    Column("lead_party", "lead party"),
    Column("energy_mwh", "energy MWh", "energy"),
    Column("payment_gbp", "payment GBP", "money"),
    Column("records", "records", "count"),
    Column("days", "days", "count"),
)


def as_of(
    span: Annotated[
        Span, typer.Argument(parser=settlement_span, metavar="D|YYYY-MM|YYYY", help="A date, a month or a year.")
    ],
    reported: Reported,
    definition: Annotated[
        str | None, typer.Option(help="Only so_flagged, all_bids or net; all of them by default.")
    ] = None,
    by: Annotated[Literal["unit"] | None, typer.Option(help="Figures by BM unit, which have no BTC.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what was served of a date, a month or a year at an instant, whatever was published since.

    Where nothing was served then, or its figures were taken away since, it says so and ends with 2.
    """
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    name = definition_named(definition) if definition else None
    with reading() as connection:
        answer = _answer(connection, span, reported, name)
        units = units_as_of(connection, span.start, span.end, reported.instant, name) if by else None
    document = _document(answer, span, reported, units)
    before = _heading(answer, span, reported)
    if units is not None:
        columns = (Column("span", "span"), Column("reported", "reported"), *_UNITS) if output.csv else _UNITS
        output.write(document, columns, _unit_rows(units, span, reported), before=before)
        return
    rows = list(_rows(answer, span, reported))
    after = [] if rows else [f"It was not totalled by {name}: not both sides had been fetched."]
    output.write(document, _columns(answer, whole=output.csv), rows, before=before, after=after)


def _answer(
    connection: Connection, span: Span, reported: ReportedAt, definition: DefinitionName | None
) -> DayAsOf | SpanAsOf:
    answer: DayAsOf | SpanAsOf
    if span.kind == "day":
        answer = day_as_of(connection, span.start, reported.instant)
    else:
        answer = span_as_of(connection, span.kind, span.start, span.end, reported.instant)
    return answer.only(definition) if definition else answer


def _columns(answer: DayAsOf | SpanAsOf, *, whole: bool) -> list[Column]:
    """Return the columns of the figures; in CSV, which has no heading, with what the heading says."""
    then = answer if isinstance(answer, DayAsOf) else answer.figures
    models = sorted({model for mining in then.mining.values() for model in mining})
    btc = [Column(f"btc_{model}", f"BTC {model}", "btc") for model in models]
    if isinstance(answer, DayAsOf):
        return [*(_SERVED if whole else ()), *_FIGURES, Column("periods", "periods", "count"), *btc]
    days_estimated = Column("days_estimated", "days with BTC", "count")
    return [*(_SERVED[:2] if whole else ()), *_DAYS, *_FIGURES, *btc, days_estimated]


def _rows(answer: DayAsOf | SpanAsOf, span: Span, reported: ReportedAt) -> Iterator[dict[str, object]]:
    then = answer if isinstance(answer, DayAsOf) else answer.figures
    for name, figures in then.totals.items():
        yield {
            "span": str(span),
            "reported": reported.instant,
            **_served(answer),
            "definition": name,
            **{field: getattr(figures, field) for field in figures.__slots__},
            **{f"btc_{model}": btc for model, btc in then.mining.get(name, {}).items()},
        }


def _unit_rows(units: Sequence[UnitThen], span: Span, reported: ReportedAt) -> Iterator[dict[str, object]]:
    for unit in units:
        figures = {field: getattr(unit, field) for field in unit.__slots__}
        yield {"span": str(span), "reported": reported.instant, **figures}


def _document(
    answer: DayAsOf | SpanAsOf, span: Span, reported: ReportedAt, units: Sequence[UnitThen] | None
) -> dict[str, object]:
    then = answer if isinstance(answer, DayAsOf) else answer.figures
    subject = "settlement_date" if span.kind == "day" else span.kind
    document = {
        subject: str(span),
        "reported": reported.instant,
        "assumed_local": reported.assumed_local,
        **_served(answer),
        "totals": then.totals,
        "mining": then.mining,
    }
    return document if units is None else document | {"units": units}


def _served(answer: DayAsOf | SpanAsOf) -> dict[str, object]:
    if isinstance(answer, DayAsOf):
        of_day = ("version", "served_from", "served_to", "provisional", "figures_of")
        return {name: getattr(answer.served, name) for name in of_day} | {"verification": answer.verification}
    of_span = ("days_expected", "days_published", "days_provisional", "days_verified")
    unknown = [one.settlement_date for one in answer.unknown]
    return {name: getattr(answer.figures, name) for name in of_span} | {
        "days_unknown": len(unknown),
        "unknown": unknown,
    }


def _heading(answer: DayAsOf | SpanAsOf, span: Span, reported: ReportedAt) -> list[str]:
    lines = [f"{span} as of {reported}"]
    if isinstance(answer, DayAsOf):
        served = answer.served
        until = f"until {exact_instant(served.served_to)}" if served.served_to else "and is served still"
        lines.append(f"Version {served.version} was served, from {exact_instant(served.served_from)} {until}.")
        provisional = "provisional, " if served.provisional else ""
        lines.append(f"By then it was {provisional}{VERIFICATIONS[answer.verification]}.")
        if served.figures_of != served.version:
            lines.append(
                f"It was taken away since; its figures are those of version {served.figures_of}, the same content."
            )
    elif answer.unknown:
        dates = ", ".join(str(one.settlement_date) for one in answer.unknown[:DATES_NAMED])
        rest = len(answer.unknown) - DATES_NAMED
        more = f" and {rest} more" if rest > 0 else ""
        lines.append(f"Not in these figures: {dates}{more}, served then, whose figures were taken away since.")
    return [*lines, ""]
