"""`reingest date`: rebuild one settlement date, or plan it."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from reingest.cli.arguments import AsJson, SettlementDate, Wait
from reingest.cli.output import write_text
from reingest.cli.progress import stage_progress
from reingest.curtailment.words import DEFAULT_DEFINITION, DefinitionName
from reingest.errors import BadUsage
from reingest.operations.request import (
    DateRequest,
    SideChoice,
    Source,
    WantedTotals,
    date_request,
    staging_request,
)
from reingest.tuning import keep_imports

if TYPE_CHECKING:
    from reingest.operations.plans.document import SealedPlan


def date(
    settlement_date: SettlementDate,
    periods: Annotated[
        str | None, typer.Option(metavar="LIST", help="Ask only these periods again, such as 1-12 or 3,17-20.")
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Fetch these periods and stage them: `reingest publish D` publishes the date."
        ),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Say what would change, and change nothing.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Seal the plan in a file, which `reingest apply` publishes.")
    ] = None,
    side: Annotated[
        SideChoice,
        typer.Option(
            help="as-served is both, or, with --periods or from the archive, what the served version has; "
            "bid halves the requests, and leaves out the net definition."
        ),
    ] = "as-served",
    source: Annotated[
        Source, typer.Option(help="live asks Elexon; archive reads kept payloads again, with no network.")
    ] = "live",
    expect_energy: Annotated[str | None, typer.Option(metavar="MWH", help="The energy the date must come to.")] = None,
    expect_payment: Annotated[
        str | None, typer.Option(metavar="GBP", help="The payment the date must come to.")
    ] = None,
    expect_definition: Annotated[DefinitionName, typer.Option(help="By which definition.")] = DEFAULT_DEFINITION,
    expect_energy_tolerance: Annotated[
        str | None, typer.Option(metavar="MWH", help="How far off it may be; 0.001 by default.")
    ] = None,
    expect_payment_tolerance: Annotated[
        str | None, typer.Option(metavar="GBP", help="How far off it may be; 0.01 by default.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is stored with the run.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish a new version even where the content is the same.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask all again, also what a run that broke off within the hour got.")
    ] = False,
    with_disptav: Annotated[
        bool, typer.Option("--with-disptav", help="Archive DISPTAV beside the witnesses; nothing is judged by it.")
    ] = False,
    wait: Wait = None,
    via: Annotated[
        Literal["prefect"] | None, typer.Option(help="prefect has its worker do it, and follows the run.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild one settlement date from Elexon, prove the result, and swap it in."""
    wanted = WantedTotals(
        expect_definition, expect_energy, expect_payment, expect_energy_tolerance, expect_payment_tolerance
    )
    request = date_request(
        settlement_date,
        periods=periods,
        side=side,
        wanted=wanted,
        plan=plan,
        source=source,
        reason=reason,
        force=force,
        wait_seconds=wait or 0,
        fresh=fresh,
        with_disptav=with_disptav,
    )
    if stage is not None:
        raise typer.Exit(_stage(staging_request(request, stage), here=not (out or via), as_json=as_json))
    if out and (via or not plan):
        raise BadUsage("--out is for a plan that is made here: --plan, without --via")
    raise typer.Exit(_follow(request, as_json=as_json) if via else _run(request, out, as_json=as_json))


def _stage(request: DateRequest, *, here: bool, as_json: bool) -> int:
    from reingest.operations.staging.stage_run import stage_periods
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    if not here:
        raise BadUsage("--stage is done here, or by the deployment staged-reingest; leave --out and --via out")
    keep_imports()
    settings = load_settings()
    with stage_progress() as progress:
        database_url = ensure_database(settings)
        report = asyncio.run(stage_periods(settings, database_url, request, progress))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report.lines()))
    return 0


def _follow(request: DateRequest, *, as_json: bool) -> int:
    from reingest.cli.via_prefect import follow

    return follow(request, as_json=as_json)


def _run(request: DateRequest, out: Path | None, *, as_json: bool) -> int:
    # Imported when a run begins: `--help` and a refused value need none of it.
    from reingest.operations.plans.sealing import plan_date
    from reingest.operations.reingest import reingest_date
    from reingest.operations.report_text import report_lines
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    keep_imports()
    settings = load_settings()
    with stage_progress() as progress:
        database_url = ensure_database(settings)
        if out is None:
            report = asyncio.run(reingest_date(settings, database_url, request, progress))
        else:
            report, sealed = asyncio.run(plan_date(settings, database_url, request, progress))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report_lines(report)))
    if out is not None:
        _seal(sealed, out, quiet=as_json)
    return report.exit_code


def _seal(plan: "SealedPlan", out: Path, *, quiet: bool) -> None:
    from reingest.operations.sealed_files import sealed_text

    text = sealed_text(plan)
    write_text(out, text)
    if not quiet:
        typer.echo(f"  Sealed in {out}, {len(text.encode()):,} bytes; `reingest apply` publishes exactly this.")
        typer.echo(f"  Next: reingest apply {out}")
