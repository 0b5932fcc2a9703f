"""`reingest gaps`: periods that the source will never publish, accepted by a person."""

from typing import Annotated, Final

import typer

from reingest.calendar import parse_period_range
from reingest.cli.arguments import AsCsv, AsJson, OptionalSpan, Reason, SettlementDate
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected, reading
from reingest.curtailment.words import SIDES, Side
from reingest.errors import BadUsage
from reingest.store.gaps import accept_gaps, listed_gaps, retire_gaps

app = typer.Typer(no_args_is_help=True)

COLUMNS: Final = (
    Column("settlement_date", "date"),
    Column("period", "period", "count"),
    Column("side", "side"),
    Column("served", "served"),
    Column("accepted_at", "accepted"),
    Column("reason", "reason"),
)
Periods = Annotated[str, typer.Option(metavar="LIST", help="Which periods, such as 20-21 or 3,17-20.")]
OneSide = Annotated[Side | None, typer.Option(help="bid or offer; without it, both.")]


@app.command()
def accept(settlement_date: SettlementDate, periods: Periods, reason: Reason, side: OneSide = None) -> None:
    """Accept that the source will never publish these periods: unpublished, they do not hold the date.

    A period that failed is no gap: it still holds the date.
    """
    chosen = parse_period_range(periods, settlement_date)
    with connected() as connection:
        accepted = accept_gaps(connection, settlement_date, chosen, _sides(side), _said(reason))
    if accepted:
        typer.echo(f"{settlement_date}: accepted as gaps from the next run on: {_listed(accepted)}")
        typer.echo(f"Next: reingest date {settlement_date}")
    else:
        typer.echo(f"{settlement_date}: these were accepted before; nothing was changed")


@app.command()
def retire(settlement_date: SettlementDate, periods: Periods, reason: Reason, side: OneSide = None) -> None:
    """Take an accepted gap out of force: unpublished, it holds the date from the next run on."""
    chosen = parse_period_range(periods, settlement_date)
    with connected() as connection:
        retired = retire_gaps(connection, settlement_date, chosen, _sides(side), _said(reason))
    if retired:
        typer.echo(f"{settlement_date}: no longer accepted as gaps from the next run on: {_listed(retired)}")
    else:
        typer.echo(f"{settlement_date}: none of these was an accepted gap; nothing was changed")


@app.command("list")
def list_(span: OptionalSpan = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the accepted gaps in force; of all dates, or of a date, a month or a year."""
    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        gaps = listed_gaps(connection, *((span.start, span.end) if span else (None, None)))
    rows = [{column.key: getattr(gap, column.key) for column in COLUMNS} for gap in gaps]
    after = [] if rows else ["None. Next: reingest gaps accept D --periods LIST --reason TEXT"]
    output.write(gaps, COLUMNS, rows, after=after)


def _sides(side: Side | None) -> tuple[Side, ...]:
    return SIDES if side is None else (side,)


def _said(reason: str) -> str:
    if not reason.strip():
        raise BadUsage("a decision on a gap needs a reason; --reason is empty")
    return reason


def _listed(subjects: list[tuple[int, Side]]) -> str:
    return ", ".join(f"period {period} {side}" for period, side in subjects)
