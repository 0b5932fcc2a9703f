"""`reingest backup`: what Postgres holds as one file, and back."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.output import Column, Output, table_lines
from reingest.cli.output import as_json as json_text
from reingest.cli.progress import stage_progress

if TYPE_CHECKING:
    from reingest.operations.backup import RestorePlan
    from reingest.store.backups import Backup, Served

app = typer.Typer(no_args_is_help=True)

NOT_IN_IT: Final = "Archived payloads are not in it: copy the folder {archive} too."
_COLUMNS: Final = (
    Column("created_at", "made"),
    Column("dates", "dates served", "count"),
    Column("rows", "rows", "count"),
    Column("size", "bytes", "count"),
    Column("revision", "schema"),
    Column("server_version", "PostgreSQL"),
    Column("reason", "reason"),
    Column("path", "file"),
)
_ROWS: Final = (Column("table", "table"), Column("now", "rows now", "count"), Column("then", "in the backup", "count"))

UnderstoodFlag = Annotated[bool, typer.Option("--i-understand", help="What is there now goes; this says so.")]
NoBackup = Annotated[bool, typer.Option("--no-backup", help="Do not back up first what goes.")]
PlanFlag = Annotated[bool, typer.Option("--plan", help="Say what would change, and change nothing.")]
OptionalReason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is stored with what you did.")]


@app.command()
def create(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it; REINGEST_HOME/backups by default.")
    ] = None,
    reason: OptionalReason = "by hand",
    as_json: AsJson = False,
) -> None:
    """Write a backup of the database with the server's own pg_dump, and a manifest beside it."""
    # Imported when it runs: `--help` needs none of it.
    from reingest.operations.backup import make_backup
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    with stage_progress() as progress:
        progress("pg_dump", 0, 1)
        backup = make_backup(settings, ensure_database(settings), reason, out)
    if as_json:
        typer.echo(json_text(_row(backup)))
        return
    typer.echo(
        f"{backup.path}: {backup.size:,} bytes, {backup.rows:,} rows, {_span(backup.served)}\n"
        f"{NOT_IN_IT.format(archive=settings.archive_folder)}\n"
        f"Next: reingest backup restore {backup.path} --plan"
    )


@app.command("list")
def list_(as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the backups in REINGEST_HOME/backups, newest first."""
    from reingest.settings import load_settings
    from reingest.store.backups import list_backups

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    rows = [_row(backup) for backup in list_backups(load_settings().backups_folder)]
    output.write(rows, _COLUMNS, rows, after=[] if rows else ["No backups. Next: reingest backup create"])


@app.command()
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The backup: a path, or a name in REINGEST_HOME/backups.")
    ],
    reason: OptionalReason = "",
    plan: PlanFlag = False,
    i_understand: UnderstoodFlag = False,
    no_backup: NoBackup = False,
    as_json: AsJson = False,
) -> None:
    """Put a backup back: everything in the database is replaced in one transaction, while no run holds a date.

    Version numbers, generations and places in the feed of changes go on from the highest there ever were.
    """
    from reingest.operations.backup import BackupToRestore, plan_restore_backup, restore_backup
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    database_url = ensure_database(settings)
    wanted = BackupToRestore(file, reason, understood=i_understand, backup_first=not no_backup)
    planned = plan_restore_backup(settings, database_url, wanted)
    if not as_json:
        typer.echo("\n".join(_plan_lines(planned)))
    elif plan:
        typer.echo(json_text(asdict(planned)))
    if plan:
        return
    with stage_progress() as progress:
        progress("put back", 0, 1)
        restored = restore_backup(settings, database_url, wanted, planned)
    if as_json:
        typer.echo(json_text(asdict(restored)))
        return
    kept = f"What was there is in {restored.backup_before}.\n" if restored.backup_before else ""
    typer.echo(f"Put back: {restored.path}, {_span(restored.served)}\n{kept}Next: reingest status")


def _plan_lines(plan: "RestorePlan") -> list[str]:
    tables = sorted(plan.rows.keys() | plan.backup.tables.keys())
    rows = [{"table": name, "now": plan.rows.get(name), "then": plan.backup.tables.get(name)} for name in tables]
    return [
        f"{plan.backup.path}: made {plan.backup.created_at:%Y-%m-%d %H:%M:%SZ} ({plan.backup.reason})",
        f"Served now: {_span(plan.there)}. In the backup: {_span(plan.backup.served)}.",
        *table_lines(_ROWS, rows),
        f"Before that, what is there is backed up to {plan.backup_first}"
        if plan.backup_first
        else "No backup is made.",
        "Archived payloads stay as they are.",
        "",
    ]


def _row(backup: "Backup") -> dict[str, object]:
    return asdict(backup) | {"dates": backup.served.dates, "rows": backup.rows}


def _span(served: "Served") -> str:
    return f"{served.dates} dates served" + (f", {served.first} to {served.last}" if served.dates else "")
