"""`reingest versions`: the versions of a date, newest first."""

from typing import Final

from reingest.cli.arguments import AsCsv, AsJson, SettlementDate
from reingest.cli.output import Column, Output
from reingest.cli.reading import listing
from reingest.errors import NotFound

COLUMNS: Final = (
    Column("number", "version"),
    Column("state", "state"),
    Column("kind", "kind"),
    Column("energy_mwh", "so_flagged MWh", "energy"),
    Column("payment_gbp", "so_flagged GBP", "money"),
    Column("records", "records", "count"),
    Column("rejects", "rejects", "count"),
    Column("sides", "sides"),
    Column("created_at", "made"),
    Column("served_from", "served from"),
    Column("served_to", "served to"),
    Column("run_id", "run"),
    Column("reason", "reason"),
    Column("content_hash", "content"),
)


def versions(settlement_date: SettlementDate, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List the versions of a date, newest first: which is served, which were, which are held."""
    from reingest.store.listings import list_versions

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with listing() as session:
        found = list_versions(session, settlement_date)
    if not found:
        raise NotFound(
            f"{settlement_date} has no versions", settlement_date=settlement_date, next_command="reingest date {date}"
        )
    rows = [one.version.as_row("id") | {"energy_mwh": one.energy_mwh, "payment_gbp": one.payment_gbp} for one in found]
    output.write(rows, COLUMNS, rows)
