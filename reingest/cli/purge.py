"""`reingest purge`: versions that were never served, staged periods, and old log lines."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.calendar import parse_period_range
from reingest.cli.arguments import AsJson, Reason, SettlementDate
from reingest.cli.output import Column, table_lines
from reingest.cli.output import as_json as json_text
from reingest.cli.progress import stage_progress
from reingest.cli.reading import connected
from reingest.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reingest.curtailment.stack_facts import Subject
    from reingest.operations.purging import Purged, PurgePlan
    from reingest.store.purging import Size

app = typer.Typer(no_args_is_help=True)

_SIZES: Final = (Column("name", "table"), Column("rows", "rows", "count"), Column("bytes", "bytes", "count"))
NOTHING_TO_PURGE: Final = "Nothing to purge."

PlanFlag = Annotated[bool, typer.Option("--plan", help="Say what would go, and change nothing.")]
YesFlag = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def versions(
    abandoned: Annotated[bool, typer.Option("--abandoned", help="Only versions that a dead run left.")] = False,
    held: Annotated[bool, typer.Option("--held", help="Only versions that a failed check held.")] = False,
    keep: Annotated[int, typer.Option(min=0, metavar="N", help="Leave the newest N of each date.")] = 0,
    pending: Annotated[
        bool, typer.Option("--pending", help="Held ones too that are the newest of their date, and wait for you.")
    ] = False,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored.")] = "",
    plan: PlanFlag = False,
    yes: YesFlag = False,
    as_json: AsJson = False,
) -> None:
    """Delete abandoned and held versions with all their rows; never one that was served. Numbers are not used again.

    Without --abandoned or --held it is both. A date that a run holds is left as it is; the command then ends with 3.
    """
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.purging import PurgeRequest, plan_purge
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    states = PurgeRequest().states if abandoned == held else (("abandoned",) if abandoned else ("held",))
    database_url = ensure_database(load_settings())
    planned = plan_purge(database_url, PurgeRequest(states, keep, pending))
    if plan or not as_json:
        typer.echo(json_text(asdict(planned)) if as_json else "\n".join(_plan_lines(planned)))
    if plan or not _wanted(bool(planned.versions), yes=yes):
        return
    raise typer.Exit(_purge(database_url, planned, reason, as_json=as_json))


@app.command()
def events(
    days: Annotated[int, typer.Option(min=1, metavar="N", help="Leave the log lines of the last N days.")] = 30,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored.")] = "by age",
    plan: PlanFlag = False,
    yes: YesFlag = False,
    as_json: AsJson = False,
) -> None:
    """Delete old log lines of runs that have ended; the runs, their answers and their versions stay."""
    from reingest.operations.purging import plan_purge_events, purge_old_events
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    database_url = ensure_database(load_settings())
    older_than, size = plan_purge_events(database_url, days)
    document = {"older_than": older_than, "takes": [size]}
    if plan or not as_json:
        heading = f"Log lines from before {older_than:%Y-%m-%d %H:%M:%SZ}:"
        typer.echo(json_text(document) if as_json else "\n".join([heading, *_size_lines([size])]))
    if plan or not _wanted(bool(size.rows), yes=yes):
        return
    deleted = purge_old_events(database_url, older_than, reason)
    typer.echo(json_text(document | {"deleted": deleted}) if as_json else f"Purged {deleted:,} log lines.")


@app.command()
def staged(
    settlement_date: SettlementDate,
    reason: Reason,
    periods: Annotated[
        str | None, typer.Option(metavar="LIST", help="Only these periods, such as 1-12; without it, all.")
    ] = None,
    plan: PlanFlag = False,
    yes: YesFlag = False,
    as_json: AsJson = False,
) -> None:
    """Drop what is staged of a date and not published; the answers stay archived. Nothing that is served changes."""
    from reingest.operations.staging.staged_date import read_staged_date
    from reingest.store.staging import drop_staged

    if not reason.strip():
        raise BadUsage("what is staged is dropped with a reason; --reason is empty", settlement_date=settlement_date)
    chosen = parse_period_range(periods, settlement_date) if periods else None
    with connected() as connection:
        there = read_staged_date(connection, settlement_date).stacks
        taken = [(one.period, one.side) for one in there if chosen is None or one.period in chosen]
        document = {"settlement_date": settlement_date, "takes": taken}
        if plan or not as_json:
            typer.echo(json_text(document) if as_json else _staged_line(taken))
        if not plan and _wanted(bool(taken), yes=yes):
            document |= {"dropped": drop_staged(connection, settlement_date, chosen, reason)}
            typer.echo(json_text(document) if as_json else "Dropped; nothing that is served has changed.")


def _staged_line(taken: "Sequence[Subject]") -> str:
    from reingest.operations.figures_text import counted, period_ranges

    if not taken:
        return NOTHING_TO_PURGE
    return f"Staged periods {period_ranges({period for period, _ in taken})}, {counted(len(taken), 'stack')}."


def _wanted(anything: bool, *, yes: bool) -> bool:
    from reingest.cli.asking import confirmed

    if not anything:
        return False
    if yes or confirmed("Purge them?"):
        return True
    typer.echo("Operation cancelled.")
    return False


def _purge(database_url: str, planned: "PurgePlan", reason: str, *, as_json: bool) -> int:
    from reingest.operations.purging import purge
    from reingest.settings import load_settings

    with stage_progress() as progress:
        purged = purge(load_settings(), database_url, planned, reason, progress)
    if as_json:
        typer.echo(json_text(asdict(purged) | {"exit_code": purged.exit_code}))
    else:
        typer.echo("\n".join(_done_lines(purged)))
    return purged.exit_code


def _done_lines(purged: "Purged") -> list[str]:
    lines = [f"Purged {purged.versions} versions."]
    if purged.locked:
        dates = ", ".join(map(str, purged.locked))
        lines += [f"Left as they are, because a run holds them: {dates}", "Next: reingest status --locks"]
    return lines


def _plan_lines(planned: "PurgePlan") -> list[str]:
    if not planned.versions:
        return [NOTHING_TO_PURGE]
    dates = len({one.settlement_date for one in planned.versions})
    return [
        f"{len(planned.versions)} versions of {dates} dates, {planned.bytes:,} bytes:",
        *(f"  {one.settlement_date}  version {one.number}  {one.state}" for one in planned.versions),
        *_size_lines(planned.takes),
    ]


def _size_lines(sizes: "Iterable[Size]") -> list[str]:
    return table_lines(_SIZES, [asdict(size) for size in sizes])
