"""`reingest publish`: publish a held version, with a reason."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from reingest.cli.arguments import AsJson, Reason, SettlementDate, Wait


def publish(
    settlement_date: SettlementDate,
    version: Annotated[int, typer.Option(help="Number of the held version; `reingest versions D` lists them.")],
    reason: Reason,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish a version that a failed check held."""
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.outbox.delivering import deliver_soon
    from reingest.operations.publish_held import publish_held
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    database_url = ensure_database(settings)
    published = publish_held(settings, database_url, settlement_date, version, reason, wait or 0)
    if as_json:
        typer.echo(json.dumps(asdict(published), default=str, indent=2))
    else:
        typer.echo(
            f"{published.settlement_date}: published, version {published.version}, "
            f"generation {published.generation} (run {published.run_id})"
        )
    asyncio.run(deliver_soon(settings, database_url, settlement_date))
