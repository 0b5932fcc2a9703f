"""`reingest publish`: publish what is staged of a date, or, with a reason, a held version."""

import asyncio
import json
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from reingest.cli.arguments import AsJson, SettlementDate, Wait
from reingest.cli.progress import stage_progress
from reingest.errors import BadUsage
from reingest.tuning import keep_imports


def publish(
    settlement_date: SettlementDate,
    version: Annotated[
        int | None,
        typer.Option(help="Number of a held version; `reingest versions D` lists them. Without it, what is staged."),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored. A held version needs one.")
    ] = "",
    plan: Annotated[
        bool, typer.Option("--plan", help="Of what is staged: say what would change, and change nothing.")
    ] = False,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish what is staged of a date, when its calendar is complete; with --version, a version that a check held."""
    if version is None:
        raise typer.Exit(_publish_staged(settlement_date, reason, plan=plan, wait=wait or 0, as_json=as_json))
    if plan:
        raise BadUsage("--plan is for what is staged; of a held version there is: reingest diff D")
    _publish_held(settlement_date, version, reason, wait=wait or 0, as_json=as_json)


def _publish_staged(settlement_date: date, reason: str, *, plan: bool, wait: float, as_json: bool) -> int:
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.reingest import reingest_date
    from reingest.operations.report_text import report_lines
    from reingest.operations.staging.publishing import staged_request
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    keep_imports()
    settings = load_settings()
    request = staged_request(settlement_date, plan=plan, reason=reason or None, wait_seconds=wait)
    with stage_progress() as progress:
        report = asyncio.run(reingest_date(settings, ensure_database(settings), request, progress))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report_lines(report)))
    return report.exit_code


def _publish_held(settlement_date: date, version: int, reason: str, *, wait: float, as_json: bool) -> None:
    from reingest.operations.outbox.delivering import deliver_soon
    from reingest.operations.publish_held import publish_held
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    database_url = ensure_database(settings)
    published = publish_held(settings, database_url, settlement_date, version, reason, wait)
    if as_json:
        typer.echo(json.dumps(asdict(published), default=str, indent=2))
    else:
        typer.echo(
            f"{published.settlement_date}: published, version {published.version}, "
            f"generation {published.generation} (run {published.run_id})"
        )
    asyncio.run(deliver_soon(settings, database_url, settlement_date))
