"""`reingest outbox`: facts about publishes, and whether the sinks have them."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsCsv, AsJson, Reason
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected, reading
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reingest.operations.deliveries.passes import DeliveryReport
    from reingest.store.outbox import FactState

app = typer.Typer(no_args_is_help=True)

FACTS: Final = (
    Column("id", "id", "count"),
    Column("settlement_date", "date"),
    Column("generation", "generation", "count"),
    Column("version", "version", "count"),
    Column("position", "position", "count"),
    Column("sink", "sink"),
    Column("state", "state"),
    Column("attempts", "attempts", "count"),
    Column("created_at", "published"),
    Column("next_attempt_at", "next attempt"),
    Column("delivered_at", "delivered"),
    Column("last_error", "last error"),
    Column("dedupe_key", "dedupe key"),
)
SINKS: Final = (
    Column("sink", "sink"),
    Column("configured", "configured"),
    Column("delivered", "delivered", "count"),
    Column("failed", "failed attempts", "count"),
    Column("pending", "pending", "count"),
    Column("dead", "dead", "count"),
    Column("oldest_pending_seconds", "oldest pending, s", "count"),
    Column("last_error", "last error"),
)


@app.command("list")
def list_(
    pending: Annotated[bool, typer.Option("--pending", help="Only what is to be delivered.")] = False,
    dead: Annotated[bool, typer.Option("--dead", help="Only dead letters: every attempt failed.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Also what was delivered, and what no sink is owed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help="How many at most.")] = 1000,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List facts and their deliveries, newest first; without a choice those that are pending or dead."""
    from reingest.store.outbox import list_outbox

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    states = _states(pending=pending, dead=dead, every=every)
    with reading() as connection:
        facts = list_outbox(connection, states, limit=limit)
    rows = [{column.key: getattr(fact, column.key) for column in FACTS} for fact in facts]
    output.write(rows, FACTS, rows, after=_next_steps({fact.state for fact in facts}))


@app.command()
def deliver(
    every: Annotated[
        bool,
        typer.Option("--all/--once", help="Until nothing is pending, waits included; or once, what is due now."),
    ] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Deliver facts to the configured sinks; exit code 1 where some stay pending or dead."""
    from reingest.cli.progress import stage_progress
    from reingest.operations.outbox.delivering import deliver_all, deliver_due
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    settings = load_settings()
    with stage_progress() as progress:
        act = deliver_all if every else deliver_due
        report = asyncio.run(act(settings, ensure_database(settings), progress=progress))
    rows = report.as_rows()
    output.write(rows, SINKS, rows, after=_after_delivery(report))
    raise typer.Exit(1 if report.left else 0)


@app.command()
def retry(
    fact: Annotated[int | None, typer.Argument(metavar="[ID]", help="The fact's id, as outbox list prints it.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Every dead letter.")] = False,
    no_sink: Annotated[
        bool, typer.Option("--no-sink", help="Every fact that no sink is owed, to the sinks known now.")
    ] = False,
) -> None:
    """Make facts due now: one by its id, every dead letter, or those from before there was a sink."""
    from reingest.store.outbox import retry_dead, retry_fact, retry_no_sink

    if (fact is not None) + dead + no_sink != 1:
        raise BadUsage("say which: an id, --dead or --no-sink", next_command="reingest outbox list")
    with connected() as connection:
        if fact is not None:
            count = retry_fact(connection, fact)
        else:
            count = retry_dead(connection) if dead else retry_no_sink(connection)
    typer.echo(f"{count} to be delivered. Next: reingest outbox deliver" if count else "Nothing to deliver again.")


@app.command()
def forget(
    sink: Annotated[
        Literal["log", "prefect", "webhook"], typer.Argument(metavar="SINK", help="log, prefect or webhook.")
    ],
    reason: Reason,
) -> None:
    """Owe a sink nothing any more; where it is configured, the next publish or delivery makes it known again."""
    from reingest.store.outbox import forget_sink

    with connected() as connection:
        dropped = forget_sink(connection, sink, reason)
    typer.echo(f"{sink} is forgotten; {dropped} facts will not be delivered there.")


def _states(*, pending: bool, dead: bool, every: bool) -> "Sequence[FactState]":
    from reingest.store.outbox import FACT_STATES

    if pending + dead + every > 1:
        raise BadUsage("--pending, --dead and --all exclude each other")
    if every:
        return FACT_STATES
    return ("pending",) if pending else ("dead",) if dead else ("pending", "dead")


def _next_steps(states: set[str]) -> list[str]:
    if "dead" in states:
        return ["", "Dead letters are not tried again by themselves. Next: reingest outbox retry --dead"]
    if "pending" in states:
        return ["", "Next: reingest outbox deliver"]
    return [] if states else ["Nothing is pending or dead."]


def _after_delivery(report: "DeliveryReport") -> list[str]:
    if not report.sinks:
        return ["No sink is configured here (webhook_url, outbox_log). Facts can be read: reingest changes --since 0"]
    if any(lag.dead for lag in report.left):
        return ["", "Next: reingest outbox list --dead"]
    if report.left:
        return ["", "Next: reingest outbox deliver --all, or wait for the next attempt: reingest outbox list --pending"]
    return []
