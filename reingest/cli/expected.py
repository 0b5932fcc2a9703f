"""`reingest expected`: totals that a date must come to, stored to be checked against."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, OptionalSpan, SettlementDate, text_of
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected, listing
from reingest.curtailment.checks import ENERGY_TOLERANCE_MWH, PAYMENT_TOLERANCE_GBP
from reingest.curtailment.exact import exact_decimal
from reingest.curtailment.words import DEFAULT_DEFINITION
from reingest.operations.expected_file import definition_named, read_expected, require_sense
from reingest.store.expected import StoredExpectedTotal, retire_expected_totals, set_expected_totals

app = typer.Typer(no_args_is_help=True)

COLUMNS: Final = (
    Column("settlement_date", "date"),
    Column("definition", "definition"),
    Column("energy_mwh", "energy MWh", "energy"),
    Column("energy_tolerance_mwh", "±", "energy"),
    Column("payment_gbp", "payment GBP", "money"),
    Column("payment_tolerance_gbp", "±", "money"),
    Column("origin", "origin"),
    Column("set_at", "set at"),
)


@app.command("set")
def set_(
    settlement_date: SettlementDate,
    definition: Annotated[str, typer.Option(help="so_flagged, all_bids or net.")] = DEFAULT_DEFINITION,
    energy: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="MWH", help="Energy, positive when curtailed.")
    ] = None,
    payment: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="GBP", help="Payment, positive when paid to units.")
    ] = None,
    energy_tolerance: Annotated[
        Decimal | None,
        typer.Option(
            parser=exact_decimal, metavar="MWH", help=f"How far energy may be off; {ENERGY_TOLERANCE_MWH} by default."
        ),
    ] = None,
    payment_tolerance: Annotated[
        Decimal | None,
        typer.Option(
            parser=exact_decimal, metavar="GBP", help=f"How far payment may be off; {PAYMENT_TOLERANCE_GBP} by default."
        ),
    ] = None,
) -> None:
    """Set what a date must come to by one definition; it replaces what was set before."""
    total = require_sense(
        StoredExpectedTotal(
            settlement_date=settlement_date,
            definition=definition_named(definition),
            energy_mwh=energy,
            payment_gbp=payment,
            energy_tolerance_mwh=ENERGY_TOLERANCE_MWH if energy_tolerance is None else energy_tolerance,
            payment_tolerance_gbp=PAYMENT_TOLERANCE_GBP if payment_tolerance is None else payment_tolerance,
            origin="command line",
        )
    )
    with connected() as connection:
        set_expected_totals(connection, [total])
    typer.echo(f"{settlement_date}: {definition} is checked against this from the next run on")


@app.command("import")
def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="Columns settlement_date,definition,energy_mwh,payment_gbp[,energy_tolerance_mwh,"
            "payment_tolerance_gbp]; an empty energy or payment is not checked.",
        ),
    ],
) -> None:
    """Set expected totals from a CSV file: all of them or, where one line is wrong, none."""
    totals = read_expected(text_of(file), origin=f"file {file.name}")
    with connected() as connection:
        set_expected_totals(connection, totals)
    dates = {total.settlement_date for total in totals}
    typer.echo(f"{len(totals):,} expected totals of {len(dates):,} dates are in force")


@app.command()
def retire(
    settlement_date: SettlementDate,
    definition: Annotated[
        str | None, typer.Option(help="so_flagged, all_bids or net; without it, whatever is in force.")
    ] = None,
) -> None:
    """Take the expected totals of a date out of force; its next run is not checked against them."""
    with connected() as connection:
        retired = retire_expected_totals(
            connection, settlement_date, definition_named(definition) if definition else None
        )
    if retired:
        typer.echo(f"{settlement_date} is no longer checked by {', '.join(sorted(retired))}")
    else:
        typer.echo(f"{settlement_date}: no expected total was in force")


@app.command()
def show(span: OptionalSpan = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Show the expected totals in force; of all dates, or of a date, a month or a year."""
    from reingest.store.listings import list_expected

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    start, end = _bounds(span)
    with listing() as session:
        rows = [total.as_row("id", "retired_at") for total in list_expected(session, start, end)]
    output.write(rows, COLUMNS, rows, after=[] if rows else ["None. Next: reingest expected import FILE.csv"])


def _bounds(span: OptionalSpan) -> tuple[date | None, date | None]:
    return (span.start, span.end) if span else (None, None)
