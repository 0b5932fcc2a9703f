"""`reingest apply`: publish exactly what a sealed plan says, or refuse with what moved since."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from reingest.cli.arguments import AsJson, Wait
from reingest.cli.progress import stage_progress
from reingest.errors import BadUsage


def apply(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `reingest date D --plan --out FILE` wrote.")],
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish exactly what a sealed plan says, from the archived payloads and with no request to Elexon.

    Where anything that the plan was made from has moved, nothing is published, everything that moved is named, and the
    command ends with 5. A plan that was applied before is unchanged.
    """
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.plans.applying import request_of
    from reingest.operations.plans.document import SealedPlan
    from reingest.operations.reingest import reingest_date
    from reingest.operations.report_text import report_lines
    from reingest.operations.sealed_files import read_sealed
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    try:
        content = file.read_bytes()
    except OSError as error:
        raise BadUsage(f"{file} cannot be read: {error.strerror or error}") from error
    request = request_of(read_sealed(content, SealedPlan), wait or 0)
    settings = load_settings()
    with stage_progress() as progress:
        report = asyncio.run(reingest_date(settings, ensure_database(settings), request, progress))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(report_lines(report)))
    raise typer.Exit(report.exit_code)
