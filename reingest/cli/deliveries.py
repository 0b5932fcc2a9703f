"""What `outbox deliver` and `notices deliver` share: how a delivery is run, and what is printed of it."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from reingest.cli.output import Column, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from reingest.operations.deliveries.passes import DeliveryReport, Progress
    from reingest.settings import Settings

    Deliver = Callable[[Settings, str, Progress], Coroutine[Any, Any, DeliveryReport]]

Every = Annotated[
    bool,
    typer.Option("--all/--once", help="Until nothing is pending, waits included; or once, what is due now."),
]


@dataclass(frozen=True, slots=True)
class Words:
    """How a delivery is spoken of.

    Attributes:
        command: The group of commands that it belongs to.
        place: What a message is delivered to: a sink, a channel.
        none_here: What is said where none is configured.
    """

    command: str
    place: str
    none_here: str

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of its table."""
        return (
            Column(self.place, self.place),
            Column("configured", "configured"),
            Column("delivered", "delivered", "count"),
            Column("failed", "failed attempts", "count"),
            Column("pending", "pending", "count"),
            Column("dead", "dead", "count"),
            Column("oldest_pending_seconds", "oldest pending, s", "count"),
            Column("last_error", "last error"),
        )


def deliver_and_exit(deliver: "Deliver", words: Words, output: Output) -> None:
    """Deliver, print what came of it, and exit: 1 where something stays pending or dead.

    Raises:
        typer.Exit: always.
    """
    from reingest.cli.progress import stage_progress
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    with stage_progress() as progress:
        report = asyncio.run(deliver(settings, ensure_database(settings), progress))
    rows = [{words.place: row.pop("sink"), **row} for row in report.as_rows()]
    output.write(rows, words.columns, rows, after=_next_steps(report, words))
    raise typer.Exit(1 if report.left else 0)


def _next_steps(report: "DeliveryReport", words: Words) -> list[str]:
    command = f"reingest {words.command}"
    if not report.sinks:
        return [words.none_here]
    if any(lag.dead for lag in report.left):
        return ["", f"Next: {command} list --dead"]
    if report.left:
        return ["", f"Next: {command} deliver --all, or wait for the next attempt: {command} list --pending"]
    return []
