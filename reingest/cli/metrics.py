"""`reingest metrics`: what a Prometheus reads."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from reingest.cli.output import write_text
from reingest.cli.reading import connected


def metrics(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there, whole at once, instead of printing.")
    ] = None,
    doctor: Annotated[
        bool, typer.Option("--doctor", help="Examine the site too, as doctor --quick does, and count its findings.")
    ] = False,
) -> None:
    """Print metrics in Prometheus' text format, or write them for node_exporter's textfile collector."""
    from reingest.operations.metrics import metrics_text

    findings = _findings() if doctor else None
    with connected() as connection:
        text = metrics_text(connection, findings)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)


def _findings() -> dict[str, int]:
    """Return how often the doctor finds what now, by the id of each kind there is."""
    from reingest.cli.progress import stage_progress
    from reingest.operations.doctor.examine import examine
    from reingest.operations.doctor.finding import KINDS
    from reingest.operations.doctor.site import Examined
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    with stage_progress() as progress:
        examination = examine(settings, ensure_database(settings), Examined(quick=True), progress)
    found = Counter(finding.id for finding in examination.findings)
    return {kind: found[kind] for kind in KINDS}
