"""`reingest run`: who asked for what, when, and how it ended."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer

from reingest.cli.arguments import AsCsv, AsJson, settlement_date
from reingest.cli.arguments import run_id as uuid_of
from reingest.cli.output import Column, Output, table_lines
from reingest.cli.reading import listing
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from datetime import date

    from reingest.store.listings import RunInFull
    from reingest.store.tables import Fetch, Run

app = typer.Typer(no_args_is_help=True)

COLUMNS: Final = (
    Column("id", "run"),
    Column("started_at", "started"),
    Column("kind", "kind"),
    Column("settlement_date", "date"),
    Column("outcome", "outcome"),
    Column("exit_code", "exit"),
    Column("seconds", "seconds", "rate"),
    Column("requests", "requests", "count"),
    Column("retries", "retries", "count"),
    Column("holder", "who"),
    Column("host", "host"),
    Column("reason", "reason"),
)
_NOT_OF_FAILED: Final = ("run_id", "settlement_date", "forgotten_at")
_EVENTS: Final = (
    Column("at", "at"),
    Column("stage", "stage"),
    Column("event", "event"),
    Column("detail", "detail"),
)


@app.command("list")
def list_(
    day: Annotated[str | None, typer.Option("--date", metavar="D", help="Only runs of this settlement date.")] = None,
    outcome: Annotated[
        str | None, typer.Option(metavar="OUTCOME", help="Only runs that ended so, such as held or partial.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List runs, newest first; one without an outcome is under way, or its process died."""
    from reingest.store.listings import list_runs

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    wanted: date | None = settlement_date(day) if day else None
    _require_outcome(outcome)
    with listing() as session:
        runs = list_runs(session, settlement_date=wanted, outcome=outcome, limit=limit)
    rows = [run.as_row() | {"seconds": _seconds(run)} for run in runs]
    output.write(rows, COLUMNS, rows, after=[] if rows else ["No runs. Next: reingest date D"])


@app.command()
def show(
    run_id: Annotated[str, typer.Argument(metavar="ID", help="The run's id, as run list prints it.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show one run in full: what was asked, its stages, its answers by status, its error."""
    from reingest.store.listings import run_in_full

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with listing() as session:
        run = run_in_full(session, uuid_of(run_id))
    events = [event.as_row("id", "run_id") for event in run.events]
    table = events if output.csv else [event | {"detail": _compact(event["detail"])} for event in events]
    output.write(_document(run, events), _EVENTS, table, before=_facts(run))


def _require_outcome(outcome: str | None) -> None:
    from reingest.store.runs import RunOutcome

    if outcome is not None and outcome not in get_args(RunOutcome):
        raise BadUsage(f"{outcome!r} is no outcome; they are {', '.join(get_args(RunOutcome))}")


def _document(run: "RunInFull", events: list[dict[str, object]]) -> dict[str, object]:
    return run.run.as_row() | {
        "version": run.version.number if run.version else None,
        "version_state": run.version.state if run.version else None,
        "seconds": _seconds(run.run),
        "answers": run.answers,
        "outcomes": run.outcomes,
        "attempts": run.attempts,
        "failed_answers": [fetch.as_row(*_NOT_OF_FAILED) for fetch in run.failed],
        "events": events,
    }


def _facts(run: "RunInFull") -> list[str]:
    """Return the run's own row, a fact a line, and a blank line before its events."""
    facts = {key: value for key, value in _document(run, []).items() if value not in (None, [], {})}
    facts |= {key: _compact(value) for key, value in facts.items() if isinstance(value, dict)}
    if run.failed:
        facts["failed_answers"] = "; ".join(map(_failed, run.failed))
    rows = [{"fact": key.replace("_", " "), "value": value} for key, value in facts.items()]
    lines = table_lines((Column("fact", ""), Column("value", "")), rows)
    return [line for line in lines if line.strip()] + ([""] if run.events else [])


def _failed(fetch: "Fetch") -> str:
    subject = f"period {fetch.period} {fetch.side}" if fetch.period else fetch.dataset
    attempts = f"{fetch.attempts} attempt{'s' if fetch.attempts != 1 else ''}"
    return f"{subject}: {fetch.outcome}, status {fetch.status}, {attempts}"


def _compact(detail: object) -> str:
    return json.dumps(detail, ensure_ascii=False, separators=(", ", ": ")) if detail else ""


def _seconds(run: "Run") -> Decimal | None:
    """Return how long the run took, to the millisecond; None while it is under way."""
    if run.finished_at is None:
        return None
    return Decimal((run.finished_at - run.started_at) // timedelta(milliseconds=1)).scaleb(-3)
