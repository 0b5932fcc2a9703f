"""`reingest restore`: publish an older version's content again, as a new version."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from reingest.cli.arguments import AsJson, SettlementDate, Wait
from reingest.cli.output import as_json as json_text
from reingest.cli.progress import stage_progress

if TYPE_CHECKING:
    from datetime import date

    from reingest.operations.difference import Compared
    from reingest.operations.restore import Restored


def restore(
    settlement_date: SettlementDate,
    version: Annotated[int, typer.Option(metavar="N", help="The version to have back; `reingest versions D` lists.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; it is stored with what you did.")] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Say what would change, and change nothing.")] = False,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Publish the content of an older version of a date as a new version; nothing is deleted.

    What differs from the version served is shown first. Where another version is published between the two, nothing
    is restored, and the command ends with 5.
    """
    # Imported when it runs: `--help` needs none of it.
    from reingest.cli.diff import difference_lines
    from reingest.operations.difference import difference_document
    from reingest.operations.outbox.delivering import deliver_soon
    from reingest.operations.restore import RestoreRequest, restore_version
    from reingest.settings import load_settings
    from reingest.store.server import ensure_database

    settings = load_settings()
    with stage_progress() as progress:
        progress("compare", 0, 2)
        generation, compared = _look(settlement_date, version)
        if compared and not as_json:
            typer.echo("\n".join(difference_lines(compared)))
        progress("restore", 1, 2)
        request = RestoreRequest(settlement_date, version, reason, generation, plan=plan, wait_seconds=wait or 0)
        database_url = ensure_database(settings)
        restored = restore_version(settings, database_url, request)
    if as_json:
        difference = difference_document(compared) if compared else None
        typer.echo(json_text(asdict(restored) | {"exit_code": restored.exit_code, "difference": difference}))
    else:
        typer.echo("\n".join(_lines(restored)))
    if restored.outcome == "published":
        asyncio.run(deliver_soon(settings, database_url, settlement_date))
    raise typer.Exit(restored.exit_code)


def _look(settlement_date: "date", number: int) -> "tuple[int, Compared | None]":
    """Return the date's generation, and what differs between the version served then and the one wanted."""
    from reingest.cli.reading import reading
    from reingest.operations.difference import compare_versions
    from reingest.store.versions import current_version

    with reading() as connection:
        current = current_version(connection, settlement_date)
        if current.number is None:
            return current.generation, None
        return current.generation, compare_versions(connection, settlement_date, current.number, number)


def _lines(restored: "Restored") -> list[str]:
    day, source = restored.settlement_date, restored.restored_from
    match restored.outcome:
        case "published":
            return [
                f"{day}: version {source} is served again, as version {restored.version} (run {restored.run_id})",
                "Nothing was deleted. A later run of the date may publish the source's newer answers over it.",
                f"Next: reingest show {day}",
            ]
        case "held":
            return [
                f"{day}: version {restored.version}, the copy of version {source}, does not add up and is held",
                "Next: reingest doctor",
            ]
        case "planned" if restored.decision == "publish":
            return [
                f"{day}: a restore would publish the content of version {source} as a new version",
                f"Next: reingest restore {day} --version {source} --reason TEXT",
            ]
    return [f"{day}: unchanged; version {restored.version} serves the content of version {source}"]
