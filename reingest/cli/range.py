"""`reingest range`: many dates as one run, which can be resumed."""

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.arguments import run_id as uuid_of
from reingest.cli.output import Column, Output
from reingest.cli.progress import stage_progress
from reingest.cli.reading import connected, reading
from reingest.errors import Interrupted
from reingest.operations.ranges.choosing import ONLY, choice_of, choose_dates, only_of
from reingest.operations.request import SideChoice, Source
from reingest.spans import Span, settlement_span

if TYPE_CHECKING:
    from uuid import UUID

    from reingest.operations.ranges.report import DateEnd
    from reingest.operations.ranges.request import RangeRequest
    from reingest.settings import Settings

app = typer.Typer(no_args_is_help=True)

RANGES: Final = (
    Column("id", "range"),
    Column("started_at", "started"),
    Column("kind", "kind"),
    Column("state", "state"),
    Column("first", "from"),
    Column("last", "to"),
    Column("dates", "dates", "count"),
    Column("ended", "ended", "count"),
    Column("failed", "failed", "count"),
    Column("plan", "plan"),
    Column("source", "source"),
    Column("jobs", "jobs", "count"),
    Column("holder", "who"),
    Column("host", "host"),
    Column("reason", "reason"),
)
DATES: Final = (
    Column("settlement_date", "date"),
    Column("outcome", "outcome"),
    Column("exit_code", "exit", "count"),
    Column("version", "version", "count"),
    Column("requests", "requests", "count"),
    Column("seconds", "seconds", "rate"),
    Column("change", "change"),
    Column("code", "error"),
    Column("next", "next"),
)

_START = typer.Argument(metavar="START", parser=settlement_span, help="The first date, or a month or a year.")
_END = typer.Argument(
    metavar="[END]", parser=settlement_span, help="The last date, or a month or a year to its end; without it, START's."
)
Jobs = Annotated[int | None, typer.Option(min=1, max=32, metavar="N", help="How many dates at once, a process each.")]


@app.command()
def run(
    start: Annotated[Span, _START],
    end: Annotated[Span | None, _END] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="|".join(ONLY), help="Only dates that are so; may be given several times."),
    ] = None,
    exclude: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Leave these out: dates, months or spans, as 2025-03-30,2025-05..2025-06."),
    ] = None,
    backwards: Annotated[bool, typer.Option("--backwards", help="The newest date first.")] = False,
    jobs: Jobs = 1,
    source: Annotated[
        Source, typer.Option(help="live asks Elexon; archive reads kept payloads again, with no network.")
    ] = "live",
    side: Annotated[SideChoice, typer.Option(help="Which stacks, as for one date.")] = "as-served",
    plan: Annotated[bool, typer.Option("--plan", help="Say what each date would become, and change nothing.")] = False,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; it is stored with every date.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Re-ingest many dates as one run; `reingest range START END` means this too.

    Its dates are written down before the first one runs. A date that fails stops no other. Ctrl-C lets the dates under
    way end, and the range can be resumed.
    """
    from reingest.operations.ranges.request import RangeRequest
    from reingest.settings import load_settings

    chosen_by = [only_of(one) for one in only or ()]
    choice = choice_of(start, end, only=chosen_by, exclude=exclude or "", backwards=backwards)
    with connected() as connection:
        dates = choose_dates(connection, choice)
        if not dates:
            _say("No date of these is to be run.", as_json=as_json)
            raise typer.Exit(0)
        request = RangeRequest(dates, side=side, source=source, plan=plan, jobs=jobs or 1, reason=reason)
        _tell_the_cost(load_settings(), connection, request, as_json=as_json)
    if not yes and not _wanted():
        _say("Operation cancelled.", as_json=as_json)
        raise typer.Exit(0)
    raise typer.Exit(_run(request, as_json=as_json))


@app.command()
def resume(
    range_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The range's id; without it the newest that is not done.")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a range that was interrupted, or join one that runs elsewhere; what has ended is not repeated."""
    from reingest.store.ranges import newest_open_range

    with connected() as connection:
        found = uuid_of(range_id) if range_id else newest_open_range(connection)
    raise typer.Exit(_go_on(found, jobs, as_json=as_json))


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many at most.")] = 20,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List ranges, newest first."""
    from reingest.store.ranges import list_ranges

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        ranges = list_ranges(connection, limit=limit)
    rows = [{column.key: getattr(one, column.key) for column in RANGES} | {"state": one.shown_state} for one in ranges]
    is_open = any(row["state"] == "interrupted" for row in rows)
    after = ["", "Next: reingest range resume ID"] if is_open else []
    output.write(rows, RANGES, rows, after=after if rows else ["No ranges. Next: reingest range START END"])


@app.command()
def show(
    range_id: Annotated[str, typer.Argument(metavar="ID", help="The range's id, as range list prints it.")],
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show one range: every date with how it ended, what changed, and the next command."""
    from reingest.operations.ranges.report_text import counts_text
    from reingest.operations.ranges.running import report_of_range

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        report = report_of_range(connection, uuid_of(range_id))
    if output.json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
        return
    before = [f"Range {report.range_id}: {report.shown_state}; {counts_text(report)}", ""]
    after = ["", f"Next: {report.next_command}"] if report.next_command else []
    output.write(None, DATES, map(_row, report.ends), before=before, after=after)


def _tell_the_cost(settings: "Settings", connection: Any, request: "RangeRequest", *, as_json: bool) -> None:  # noqa: ANN401
    from reingest.operations.ranges.cost import card_lines, cost_of_range

    for line in card_lines(cost_of_range(settings, connection, request), request, settings):
        _say(line, as_json=as_json)


def _say(line: str, *, as_json: bool) -> None:
    """Print a line for people: not where a machine reads."""
    typer.echo(line, err=as_json)


def _wanted() -> bool:
    """Ask at a terminal; a schedule or a script has said what it wants."""
    from reingest.cli.asking import confirmed

    return not sys.stdin.isatty() or confirmed("Run them?")


def _run(request: "RangeRequest", *, as_json: bool) -> int:
    from reingest.operations.ranges.running import freeze_range
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    range_id = freeze_range(ensure_database(load_settings()), request)
    return _go_on(range_id, None, as_json=as_json)


def _go_on(range_id: "UUID", jobs: int | None, *, as_json: bool) -> int:
    """Work on a range to its end, or until somebody stops it; print what came of it, and return the exit code."""
    from reingest.cli.stopping import run_until_stopped
    from reingest.operations.ranges.lanes import Stopping
    from reingest.operations.ranges.report import resume_command
    from reingest.operations.ranges.report_text import range_lines
    from reingest.operations.ranges.running import resume_range
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database
    from reingest.tuning import keep_imports

    keep_imports()
    settings, stopping = load_settings(), Stopping()
    typer.echo(f"Range {range_id}; if it breaks off: {resume_command(range_id)}", err=True)
    with stage_progress() as progress:
        going_on = resume_range(settings, ensure_database(settings), range_id, progress, jobs=jobs, stopping=stopping)
        report = run_until_stopped(going_on, stopping, next_command=resume_command(range_id))
    typer.echo(json.dumps(report.as_dict(), indent=2) if as_json else "\n".join(range_lines(report)))
    if stopping.asked and report.state != "done":
        raise Interrupted("the range was asked to stop", next_command=resume_command(range_id))
    return report.exit_code


def _row(end: "DateEnd") -> dict[str, object]:
    from reingest.operations.ranges.report_text import change_text

    return {
        "settlement_date": end.settlement_date,
        "outcome": end.outcome or "pending",
        "exit_code": end.exit_code,
        "version": end.version,
        "requests": end.requests,
        "seconds": Decimal(f"{end.seconds:.3f}"),
        "change": change_text(end),
        "code": end.error.code if end.error else None,
        "next": end.error.next_command if end.error else None,
    }
