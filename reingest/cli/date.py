"""`reingest date`: rebuild one settlement date, or plan it."""

import asyncio
import json
from datetime import date as Date  # noqa: N812  (the command itself is called date)
from decimal import Decimal
from typing import Annotated, Literal

import typer

from reingest.calendar import parse_period_range
from reingest.cli.arguments import AsJson, SettlementDate, exact_decimal
from reingest.cli.progress import stage_progress
from reingest.collector import tune_collector
from reingest.curtailment.checks import ENERGY_TOLERANCE_MWH, PAYMENT_TOLERANCE_GBP, ExpectedTotal
from reingest.curtailment.words import DefinitionName, Side
from reingest.operations.request import DateRequest, Source

_SIDES: dict[str, tuple[Side, ...]] = {"bid": ("bid",), "both": ("bid", "offer")}


def date(
    settlement_date: SettlementDate,
    periods: Annotated[
        str | None, typer.Option(metavar="LIST", help="Ask only these periods again, such as 1-12 or 3,17-20.")
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would change, and change nothing.")] = False,
    side: Annotated[
        Literal["bid", "both"] | None,
        typer.Option(help="bid halves the requests, and leaves out the net definition; both is the default."),
    ] = None,
    source: Annotated[
        Source, typer.Option(help="live asks Elexon; archive reads kept payloads again, with no network.")
    ] = "live",
    expect_energy: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="MWH", help="The energy the date must come to.")
    ] = None,
    expect_payment: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="GBP", help="The payment the date must come to.")
    ] = None,
    expect_definition: Annotated[DefinitionName, typer.Option(help="By which definition.")] = "so_flagged",
    expect_energy_tolerance: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="MWH", help="How far off it may be; 0.001.")
    ] = None,
    expect_payment_tolerance: Annotated[
        Decimal | None, typer.Option(parser=exact_decimal, metavar="GBP", help="How far off it may be; 0.01.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is stored with the run.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish a new version even where the content is the same.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild one settlement date from Elexon, prove the result, and swap it in."""
    expected = ExpectedTotal(
        definition=expect_definition,
        energy_mwh=expect_energy,
        payment_gbp=expect_payment,
        energy_tolerance_mwh=ENERGY_TOLERANCE_MWH if expect_energy_tolerance is None else expect_energy_tolerance,
        payment_tolerance_gbp=PAYMENT_TOLERANCE_GBP if expect_payment_tolerance is None else expect_payment_tolerance,
    )
    request = DateRequest(
        settlement_date=settlement_date,
        periods=_periods(periods, settlement_date),
        plan=plan,
        sides=_SIDES[side] if side else None,
        source=source,
        expected=() if expect_energy is None and expect_payment is None else (expected,),
        reason=reason,
        force=force,
    )
    raise typer.Exit(_run(request, as_json=as_json))


def _periods(text: str | None, settlement_date: Date) -> tuple[int, ...] | None:
    return parse_period_range(text, settlement_date) if text else None


def _run(request: DateRequest, *, as_json: bool) -> int:
    # Imported when a run begins: `--help` and a refused value need none of it.
    from reingest.operations.reingest import reingest_date
    from reingest.operations.report_text import report_lines
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    tune_collector()
    settings = load_settings()
    with stage_progress() as progress:
        report = asyncio.run(reingest_date(settings, ensure_database(settings), request, progress))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report_lines(report)))
    return report.exit_code
