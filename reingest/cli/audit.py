"""`reingest audit`: where the figures of a date come from, and whether all of it still agrees."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output, instant, table_lines
from reingest.cli.reading import reading

if TYPE_CHECKING:
    from reingest.operations.audit import Audit

ANSWERS: Final = (
    Column("period", "period", "count"),
    Column("side", "side"),
    Column("dataset", "dataset"),
    Column("outcome", "outcome"),
    Column("rows", "rows", "count"),
    Column("accepted", "accepted", "count"),
    Column("rejects", "rejects", "count"),
    Column("wind_rows", "of wind", "count"),
    Column("records", "records", "count"),
    Column("answered_at", "answered"),
    Column("fetched_by", "asked by run"),
    Column("payload", "file"),
    Column("path", "path"),
)
_TOTALS: Final = (
    Column("definition", "definition"),
    Column("energy_mwh", "energy MWh", "energy"),
    Column("payment_gbp", "payment GBP", "money"),
    Column("records", "records", "count"),
    Column("bm_units", "units", "count"),
    Column("periods", "periods", "count"),
)
_CHECKS: Final = (Column("status", "check"), Column("name", "name"), Column("actual", "actual"))


def audit(
    settlement_date: SettlementDate,
    version: Annotated[int | None, typer.Option(metavar="N", help="Which version; the served one by default.")] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show which run made what is served, from which payloads and files, with how many rows, to which totals.

    Every file is read and hashed, and the totals are counted again. Exit code 0: all of it agrees; 1: not all.
    """
    # Imported when it runs: `--help` needs none of it.
    from reingest.lake.archive import Archive
    from reingest.operations.audit import audit as audited
    from reingest.settings import load_settings
    from reingest.store.contents import current_number

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        number = version if version is not None else current_number(connection, settlement_date)
        found = audited(connection, Archive(load_settings().archive_folder), settlement_date, number)
    document = found.as_dict()
    output.write(document, ANSWERS, document["answers"], before=list(_heading(found)), after=list(_footing(found)))
    raise typer.Exit(1 if found.faults else 0)


def _heading(found: "Audit") -> Iterator[str]:
    version = found.version
    served = f"served from {instant(version.served_from)}" if version.served_from else "never served"
    until = f" until {instant(version.served_to)}" if version.served_to else ""
    yield f"{found.settlement_date}  version {version.number}  {version.state}, {served}{until}"
    yield (
        f"run {version.run_id}: {version.run_kind} from {version.source}, by {version.holder} on {version.host} "
        f"(process {version.pid}), {instant(version.started_at)} to {instant(version.finished_at) or 'no end'}: "
        f"{version.outcome or 'no outcome'}"
    )
    if version.flow_run_id:
        yield f"flow run {version.flow_run_id}"
    if reason := version.run_reason or version.reason:
        yield f"reason: {reason}"
    yield f"reingest {version.code_version}; register {version.register_hash}"
    yield ""


def _footing(found: "Audit") -> Iterator[str]:
    yield ""
    totals = ({"definition": name} | _fields(figures) for name, figures in found.totals.items())
    yield from table_lines(_TOTALS, totals)
    yield ""
    yield from table_lines(_CHECKS, map(_fields, found.checks))
    yield ""
    yield f"content {found.version.content_hash}"
    if found.faults:
        yield f"DOES NOT AGREE: {'; '.join(found.faults)}"
        yield f"Next: reingest doctor {found.settlement_date}"
    else:
        yield "AGREES: every file holds the bytes that were archived, every total is what the records come to."


def _fields(value: object) -> dict[str, object]:
    names: tuple[str, ...] = getattr(type(value), "__slots__", ()) or getattr(type(value), "_fields", ())
    return {name: getattr(value, name) for name in names}
