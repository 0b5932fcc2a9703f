"""`reingest outbox`: facts about publishes, and whether the sinks have them."""

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsCsv, AsJson, Reason
from reingest.cli.deliveries import Every, Words, deliver_and_exit
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected, reading
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

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
WORDS: Final = Words(
    "outbox",
    "sink",
    "No sink is configured here (webhook_url, outbox_log). Facts can be read: reingest changes --since 0",
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
def deliver(every: Every = False, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Deliver facts to the configured sinks; exit code 1 where some stay pending or dead."""
    from reingest.operations.outbox.delivering import deliver_all, deliver_due

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    deliver_and_exit(deliver_all if every else deliver_due, WORDS, output)


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
