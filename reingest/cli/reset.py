"""`reingest reset`: three separate acts that take something away, each planned first, backed up and recorded."""

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsJson
from reingest.cli.arguments import settlement_date as a_date
from reingest.cli.output import Column, table_lines
from reingest.cli.output import as_json as json_text
from reingest.cli.progress import stage_progress
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from reingest.operations.resets.plan import ResetDone, ResetPlan, ResetRequest
    from reingest.store.resetting import DateSpan

app = typer.Typer(no_args_is_help=True)

_SIZES: Final = (Column("name", "table"), Column("rows", "rows", "count"), Column("bytes", "bytes", "count"))

PlanFlag = Annotated[bool, typer.Option("--plan", help="Say what would go, and change nothing.")]
Understood = Annotated[bool, typer.Option("--i-understand", help="What the plan lists goes; this says so.")]
NoBackup = Annotated[bool, typer.Option("--no-backup", help="Do not back the database up first.")]
OptionalReason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored with what you did.")]
Every = Annotated[bool, typer.Option("--all", help="Every date.")]


@app.command()
def state(
    settlement_date: Annotated[
        date | None, typer.Argument(parser=a_date, metavar="[D]", help="Settlement date, such as 2022-01-31.")
    ] = None,
    every: Every = False,
    reason: OptionalReason = "",
    plan: PlanFlag = False,
    i_understand: Understood = False,
    no_backup: NoBackup = False,
    as_json: AsJson = False,
) -> None:
    """Forget what runs remember: the next run of the date does every step again. What is served stays.

    Versions that are held, or were left open, are abandoned; answers of broken runs are not used again; nothing stays
    staged.
    """
    from reingest.operations.resets.plan import ResetRequest
    from reingest.store.resetting import DateSpan

    if (settlement_date is None) != every:
        raise BadUsage("name a date, or say --all", next_command="reingest reset state --help")
    request = ResetRequest(
        "state",
        DateSpan(settlement_date, settlement_date),
        reason,
        understood=i_understand,
        backup_first=not no_backup,
    )
    _run(request, plan=plan, as_json=as_json)


@app.command()
def ops(
    keep_run_logs: Annotated[bool, typer.Option("--keep-run-logs", help="Leave runs and their log lines.")] = False,
    reason: OptionalReason = "",
    plan: PlanFlag = False,
    i_understand: Understood = False,
    no_backup: NoBackup = False,
    as_json: AsJson = False,
) -> None:
    """Delete run logs, runs that nothing refers to, and delivered facts; what is served and archived stays.

    The newest fact of each date stays in the feed of changes.
    """
    from reingest.operations.resets.plan import ResetRequest

    request = ResetRequest(
        "ops",
        reason=reason,
        run_logs=not keep_run_logs,
        understood=i_understand,
        backup_first=not no_backup,
    )
    _run(request, plan=plan, as_json=as_json)


@app.command()
def data(
    settlement_date: Annotated[
        date | None, typer.Option("--date", parser=a_date, metavar="D", help="One date.")
    ] = None,
    first: Annotated[
        date | None, typer.Option("--from", parser=a_date, metavar="D", help="The first date of several.")
    ] = None,
    last: Annotated[
        date | None, typer.Option("--to", parser=a_date, metavar="D", help="The last date, included.")
    ] = None,
    every: Every = False,
    reason: OptionalReason = "",
    plan: PlanFlag = False,
    i_understand: Understood = False,
    no_backup: NoBackup = False,
    as_json: AsJson = False,
) -> None:
    """Delete all versions of dates, served ones too. The archive stays, and gives each date back.

    Version numbers and generations go on from where they were; consumers are told that the dates were withdrawn.
    """
    from reingest.operations.resets.plan import ResetRequest

    span = _span(settlement_date, first, last, every=every)
    request = ResetRequest("data", span, reason, understood=i_understand, backup_first=not no_backup)
    _run(request, plan=plan, as_json=as_json)


def _span(one: date | None, first: date | None, last: date | None, *, every: bool) -> "DateSpan":
    """Return the dates that the flags name.

    Raises:
        BadUsage: none, or more than one way of naming them, or a span that ends before it begins.
    """
    from reingest.store.resetting import DateSpan

    if [one is not None, first is not None or last is not None, every].count(True) != 1:
        raise BadUsage("say --date D, or --from D --to D, or --all", next_command="reingest reset data --help")
    if one is not None or every:
        return DateSpan(one, one)
    if first is None or last is None or last < first:
        raise BadUsage("--from and --to are both needed, and in this order", next_command="reingest reset data --help")
    return DateSpan(first, last)


def _run(request: "ResetRequest", *, plan: bool, as_json: bool) -> None:
    """Show what would go and, unless that is all that was asked, do it."""
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.resets.acting import plan_reset, reset
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    database_url = ensure_database(settings)
    shown = plan_reset(settings, database_url, request)
    if plan or not as_json:
        typer.echo(json_text(_document(shown)) if as_json else "\n".join(_plan_lines(shown, request)))
    if plan:
        return
    with stage_progress() as progress:
        progress(f"reset {request.act}", 0, 1)
        done = reset(settings, database_url, request, shown)
    typer.echo(json_text(asdict(done)) if as_json else "\n".join(_done_lines(done)))


def _document(plan: "ResetPlan") -> dict[str, object]:
    return asdict(plan) | {"rows": plan.rows, "bytes": plan.bytes}


def _plan_lines(plan: "ResetPlan", request: "ResetRequest") -> list[str]:
    from reingest.operations.resets.plan import KEEPS

    what = "" if request.act == "ops" else f" of {plan.span}"
    served = [f"{plan.served_dates} dates serve nothing afterwards."] if plan.served_dates else []
    backup = f"Before that the database is backed up to {plan.backup}" if plan.backup else "No backup is made."
    return [
        f"reset {request.act}{what}: {plan.rows:,} rows, {plan.bytes:,} bytes",
        *table_lines(_SIZES, [asdict(size) for size in plan.takes]),
        *served,
        KEEPS[request.act],
        backup,
        "",
    ]


def _done_lines(done: "ResetDone") -> list[str]:
    kept = [f"The database as it was: {done.backup}"] if done.backup else []
    following = done.next_commands or ["reingest status"]
    return [
        f"Done: {sum(done.rows.values()):,} rows.",
        *kept,
        *(f"Next: {command}" for command in following),
    ]
