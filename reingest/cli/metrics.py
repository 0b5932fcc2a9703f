"""`reingest metrics`: what a Prometheus reads."""

from pathlib import Path
from typing import Annotated

import typer

from reingest.cli.reading import connected
from reingest.errors import BadUsage


def metrics(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there, whole at once, instead of printing.")
    ] = None,
) -> None:
    """Print metrics in Prometheus' text format, or write them for node_exporter's textfile collector."""
    from reingest.operations.metrics import metrics_text, write_metrics

    with connected() as connection:
        text = metrics_text(connection)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        write_metrics(out, text)
    except OSError as error:
        raise BadUsage(f"{out} cannot be written: {error.strerror or error}") from error
