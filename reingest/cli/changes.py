"""`reingest changes`: every publish in order, for consumers that ask instead of being told."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson
from reingest.cli.output import Column, Output
from reingest.cli.reading import connected
from reingest.curtailment.words import DEFAULT_DEFINITION

if TYPE_CHECKING:
    from reingest.store.outbox import Change

COLUMNS: Final = (
    Column("position", "position", "count"),
    Column("timestamp", "at"),
    Column("type", "what"),
    Column("settlement_date", "date"),
    Column("generation", "generation", "count"),
    Column("version", "version", "count"),
    Column("provisional", "provisional"),
    Column("energy_mwh", "so_flagged MWh", "energy"),
    Column("payment_gbp", "so_flagged GBP", "money"),
    Column("energy_change_mwh", "change MWh", "energy"),
    Column("payment_change_gbp", "change GBP", "money"),
    Column("dedupe_key", "dedupe key"),
)


def changes(
    since: Annotated[
        int, typer.Option(min=0, metavar="G", help="The last position that you have seen; 0 for the beginning.")
    ],
    limit: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many at most.")] = 1000,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List publishes after a position, in order; none is missed by who remembers the last position."""
    from reingest.store.outbox import changes_since

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with connected() as connection:
        found = changes_since(connection, since, limit=limit)
    following = found[-1].position if found else since
    document = {"since": since, "next": following, "changes": [change.message for change in found]}
    after = ["", f"Next: reingest changes --since {following}"]
    output.write(document, COLUMNS, map(_row, found), after=after if found else after[1:])


def _row(change: "Change") -> dict[str, object]:
    """Return a change with its totals by the default definition."""
    from decimal import Decimal

    message = change.message
    totals, delta = ((message.get(name) or {}).get(DEFAULT_DEFINITION, {}) for name in ("totals", "change"))
    figures = {
        "energy_mwh": totals.get("energy_mwh"),
        "payment_gbp": totals.get("payment_gbp"),
        "energy_change_mwh": delta.get("energy_mwh"),
        "payment_change_gbp": delta.get("payment_gbp"),
    }
    return message | {key: None if text is None else Decimal(text) for key, text in figures.items()}
