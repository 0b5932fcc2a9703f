"""What `reingest units` shows: a unit's history, proposals, dates that the register affects, units nobody mapped."""

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer

from reingest.cli.arguments import AsCsv, AsJson, instant, settlement_date
from reingest.cli.output import Column, Output
from reingest.cli.output import instant as shown_instant
from reingest.cli.reading import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reingest.store.unit_reads import AffectedDate, RecordedUnit, UnitHistory

HISTORY: Final = (
    Column("valid_from", "valid from"),
    Column("valid_to", "until before"),
    Column("fuel_type", "fuel"),
    Column("lead_party_name", "lead party"),
    Column("generation_capacity_mw", "capacity MW", "rate"),
    Column("recorded_from", "recorded from"),
    Column("recorded_to", "until"),
    Column("kind", "by"),
    Column("reason", "reason"),
)
HISTORY_CSV: Final = (
    *(Column(name, name) for name in ("elexon_bm_unit", "valid_from", "valid_to", "recorded_from", "recorded_to")),
    *(Column(name, name) for name in ("fuel_type", "lead_party_name", "lead_party_id", "name")),
    *(Column(name, name) for name in ("generation_capacity_mw", "demand_capacity_mw", "gsp_group_id")),
    *(Column(name, name) for name in ("gsp_group_name", "kind", "who", "reason")),
)
PROPOSALS: Final = (
    Column("elexon_bm_unit", "unit"),
    Column("fuel_type", "proposed"),
    Column("valid_from", "from"),
    Column("generation_capacity_mw", "capacity MW", "rate"),
    Column("lead_party_name", "lead party"),
    Column("name", "name"),
    Column("state", "state"),
    Column("reason", "reason"),
)
AFFECTED: Final = (
    Column("settlement_date", "date"),
    Column("bm_unit", "unit"),
    Column("effect", "effect"),
    Column("rows", "rows", "count"),
    Column("energy_mwh", "MWh", "energy"),
    Column("stale_since", "stale since"),
)
UNMAPPED: Final = (
    Column("bm_unit", "unit"),
    Column("energy_mwh", "MWh of bids", "energy"),
    Column("rows", "rows", "count"),
    Column("dates", "dates", "count"),
    Column("first", "first"),
    Column("last", "last"),
    Column("registered", "in the register"),
    Column("lead_party_name", "lead party"),
    Column("name", "name"),
)

First = Annotated[
    date | None, typer.Option("--from", parser=settlement_date, metavar="D", help="From this settlement date on.")
]
Last = Annotated[
    date | None, typer.Option("--to", parser=settlement_date, metavar="D", help="To this settlement date, included.")
]


def show(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Elexon BM unit id, such as T_LARYW-1.")],
    as_of: Annotated[
        date | None,
        typer.Option("--as-of", parser=settlement_date, metavar="D", help="Only what is true of this settlement date."),
    ] = None,
    recorded_at: Annotated[
        datetime | None,
        typer.Option("--recorded-at", parser=instant, metavar="T", help="Only what was recorded as of this instant."),
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what was taken to be true of a unit, for which dates and as of when; what is true now comes first."""
    from reingest.store.unit_reads import unit_history

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        found = unit_history(connection, unit, as_of=as_of, recorded_at=recorded_at)
    rows = [{"elexon_bm_unit": unit} | _history_row(one, people=not as_csv) for one in found.recorded]
    output.write(found, HISTORY_CSV if as_csv else HISTORY, rows, before=[unit, ""], after=_history_footing(found))


def proposals(
    every: Annotated[bool, typer.Option("--all", help="Those that were decided or withdrawn, too.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List known units without a fuel type that the register calls wind by now; a person accepts or declines each."""
    from reingest.store.unit_reads import unit_proposals

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        found = unit_proposals(connection, every=every)
    rows = [asdict(one) for one in found]
    waiting = any(one.state == "open" for one in found)
    after = ["", "Next: reingest units accept UNIT [--valid-from D] --reason TEXT, or units decline"] if waiting else []
    output.write(rows, PROPOSALS, rows, after=after or ["Nothing is proposed."])


def affected(
    units: Annotated[
        list[str] | None, typer.Argument(metavar="[UNIT]...", help="Only by these BM units; all without any.")
    ] = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the served dates whose figures the register as it is now would change, by which unit, and how."""
    from reingest.store.unit_reads import affected_dates

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        found = affected_dates(connection, units or ())
    rows = [asdict(one) for one in found]
    output.write(rows, AFFECTED, rows, after=_affected_footing(found))


def unmapped(first: First = None, last: Last = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List units with bids on served dates of which nobody said what they burn, with the energy of those bids."""
    from reingest.store.unit_reads import unmapped_units

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with reading() as connection:
        found = unmapped_units(connection, first, last)
    rows = [asdict(one) for one in found]
    after = ["", "Next, where one is wind: reingest units correct UNIT --valid-from D --fuel-type WIND --reason TEXT"]
    output.write(rows, UNMAPPED, rows, after=after if rows else ["No unit without a fuel type has bids."])


def _history_row(one: "RecordedUnit", *, people: bool) -> dict[str, object]:
    row = asdict(one)
    if people:
        row |= {"valid_from": one.valid_from or "ever", "valid_to": one.valid_to or "for ever"}
    return row


def _history_footing(found: "UnitHistory") -> list[str]:
    lines = [""]
    for one in found.decisions:
        until = f", until {shown_instant(one.retired_at)}" if one.retired_at else ""
        lines.append(f"{one.decision}d from {shown_instant(one.decided_at)}{until}: {one.reason}")
    lines += [f"{one.fuel_type} from {one.valid_from} is proposed: {one.state}" for one in found.proposals]
    if found.said is not None and found.said["gone"]:
        lines.append(f"gone from the register since {shown_instant(found.said['said_at'])}")
    return lines if len(lines) > 1 else []


def _affected_footing(found: "Sequence[AffectedDate]") -> list[str]:
    if not found:
        return ["No served date would change."]
    dates = sorted({one.settlement_date for one in found})
    return ["", f"{len(dates):,} served dates would change. Next: reingest date {dates[0]} --source archive"]
