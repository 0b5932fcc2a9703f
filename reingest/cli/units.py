"""`reingest units`: the register of BM units, and which of them count as wind."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from reingest.cli import unit_reads
from reingest.cli.arguments import AsCsv, AsJson, Reason, day_or_ever, settlement_date
from reingest.cli.output import Column, Output
from reingest.cli.output import as_json as json_text
from reingest.cli.reading import connected, listing
from reingest.curtailment.exact import exact_decimal
from reingest.errors import BadUsage, NotFound

if TYPE_CHECKING:
    from reingest.operations.units import RefreshedUnits

app = typer.Typer(no_args_is_help=True)

COLUMNS: Final = (
    Column("elexon_bm_unit", "unit"),
    Column("wind", "wind"),
    Column("fuel_type", "fuel"),
    Column("decision", "decision"),
    Column("generation_capacity_mw", "capacity MW", "rate"),
    Column("lead_party_name", "lead party"),
    Column("name", "name"),
    Column("reason", "reason"),
)
OptionalReason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why; it is stored with what you did.")
]
AsOf = Annotated[
    date | None,
    typer.Option(
        "--as-of", parser=settlement_date, metavar="D", help="As of this settlement date; without it, of today."
    ),
]
Fact = Annotated[str | None, typer.Option(metavar="TEXT", help="What it is; empty for unknown.")]
Capacity = Annotated[Decimal | None, typer.Option(parser=exact_decimal, metavar="MW", help="MW.")]
BmUnitId = Annotated[str, typer.Argument(metavar="UNIT", help="Elexon BM unit id, such as T_LARYW-1.")]


@app.command()
def refresh(
    accept_shrink: Annotated[
        bool, typer.Option("--accept-shrink", help="Believe an answer that looks truncated; with --reason.")
    ] = False,
    reason: OptionalReason = None,
    as_json: AsJson = False,
) -> None:
    """Fetch the register of BM units from Elexon, archive it, and open, change and close units by what is new in it.

    An answer that lacks more than a tenth of the known units looks truncated: nothing is changed, and the exit code
    is 1. A known unit without a fuel type that the register calls wind now is proposed, see `units proposals`.
    """
    from reingest.operations.units import refresh_units
    from reingest.settings import load_settings

    output = Output.chosen(as_json=as_json, as_csv=False)
    if accept_shrink != bool(reason and reason.strip()):
        raise BadUsage("--accept-shrink needs a --reason, and --reason goes with --accept-shrink")
    with connected() as connection:
        found = asyncio.run(refresh_units(load_settings(), connection, accept_shrink=reason))
    if output.json:
        typer.echo(json_text(found))
    else:
        typer.echo("\n".join(_refreshed(found)))
    raise typer.Exit(found.exit_code)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Every unit of the register, not only wind.")] = False,
    as_of: AsOf = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the BM units that count as wind, with the decisions that made them so."""
    from reingest.calendar import settlement_date_of
    from reingest.clock import utc_now
    from reingest.store.listings import list_units

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with listing() as session:
        units = list_units(session, as_of or settlement_date_of(utc_now()), every=every)
    rows = [
        one.unit.as_row("id", "change_id")
        | {
            "wind": one.wind,
            "decision": one.override.decision if one.override else None,
            "reason": one.override.reason if one.override else None,
        }
        for one in units
    ]
    wind = sum(one.wind for one in units)
    output.write(rows, COLUMNS, rows, after=["", f"{wind:,} wind units" + (f" of {len(units):,}" if every else "")])


@app.command()
def include(unit: BmUnitId, reason: Reason) -> None:
    """Count a unit as wind from the next run on, whatever its fuel type says."""
    _decide(unit, "include", reason)
    typer.echo(f"{unit} counts as wind from the next run on")


@app.command()
def exclude(unit: BmUnitId, reason: Reason) -> None:
    """Do not count a unit as wind from the next run on, whatever its fuel type says."""
    _decide(unit, "exclude", reason)
    typer.echo(f"{unit} does not count as wind from the next run on")


@app.command()
def reset(unit: BmUnitId, reason: Reason) -> None:
    """End the decision on a unit: its fuel type decides again from the next run on."""
    _decide(unit, None, reason)
    typer.echo(f"the register's fuel type decides on {unit} from the next run on")


@app.command()
def correct(
    unit: BmUnitId,
    reason: Reason,
    valid_from: Annotated[
        date, typer.Option(parser=day_or_ever, metavar="D|ever", help="The first settlement date of which it is true.")
    ],
    valid_to: Annotated[
        date | None, typer.Option(parser=settlement_date, metavar="D", help="The last one; without it, no end.")
    ] = None,
    fuel_type: Fact = None,
    lead_party: Fact = None,
    lead_party_id: Fact = None,
    name: Fact = None,
    gsp_group: Fact = None,
    capacity: Capacity = None,
    demand_capacity: Capacity = None,
    gone: Annotated[bool, typer.Option("--gone", help="The unit did not exist on these dates.")] = False,
) -> None:
    """Say what is true of a unit, from a date on or for a time; what was recorded before stays on the record."""
    from reingest.store.unit_decisions import Correction, correct_unit

    texts = {"fuel_type": fuel_type, "lead_party_name": lead_party, "lead_party_id": lead_party_id, "name": name}
    facts: dict[str, object] = {
        field: text or None for field, text in (texts | {"gsp_group_id": gsp_group}).items() if text is not None
    }
    numbers = {"generation_capacity": capacity, "demand_capacity": demand_capacity}
    facts |= {field: number for field, number in numbers.items() if number is not None}
    if gone == bool(facts):
        raise BadUsage("say what is true of the unit, such as --fuel-type WIND, or that it was --gone")
    end = None if valid_to is None else valid_to + timedelta(days=1)
    if end is not None and end <= valid_from:
        raise BadUsage(f"--valid-to {valid_to} is before --valid-from {valid_from}")
    _require_known(unit, reason)
    with connected() as connection:
        stale = correct_unit(connection, Correction(unit, valid_from, end, None if gone else facts), reason)
    typer.echo(f"recorded of {unit}. Next: reingest units show {unit}")
    _say_stale(stale)


@app.command()
def accept(
    unit: BmUnitId,
    reason: Reason,
    valid_from: Annotated[
        date | None,
        typer.Option(
            parser=day_or_ever, metavar="D|ever", help="From which date; without it, from when the register said so."
        ),
    ] = None,
) -> None:
    """Let a unit have the fuel type that the register proposes, see `units proposals`."""
    from reingest.store.unit_decisions import accept_proposal

    _require_known(unit, reason)
    with connected() as connection:
        stale = accept_proposal(connection, unit, valid_from, reason)
    typer.echo(f"{unit} has the fuel type that the register gives it")
    _say_stale(stale)


@app.command()
def decline(unit: BmUnitId, reason: Reason) -> None:
    """Leave a unit without the fuel type that the register proposes."""
    from reingest.store.unit_decisions import decline_proposal

    _require_known(unit, reason)
    with connected() as connection:
        decline_proposal(connection, unit, reason)
    typer.echo(f"{unit} stays without a fuel type")


app.command()(unit_reads.show)
app.command()(unit_reads.proposals)
app.command()(unit_reads.affected)
app.command()(unit_reads.unmapped)


def _refreshed(found: "RefreshedUnits") -> Iterator[str]:
    """Yield what a refresh found, for people."""
    if found.refused:
        yield f"the answer looks truncated, and nothing was changed: {found.refused}"
        yield "Next: reingest units refresh; if it is right, reingest units refresh --accept-shrink --reason TEXT"
        return
    said = "a new register is in force" if found.changed else "the register has not changed"
    yield f"{said}: {found.units:,} units, {found.wind_units:,} of them wind"
    yield f"rows without an id, skipped: {found.null_ids:,}; repeated ids, collapsed: {found.duplicates:,}"
    if found.changed:
        yield f"opened {found.opened:,}, closed {found.closed:,}, changed {found.altered:,}"
    if found.proposed:
        yield f"wind by the register, for a person to accept: {', '.join(found.proposed)}"
        yield "Next: reingest units proposals"
    if found.stale_dates:
        yield f"{found.stale_dates:,} served dates are stale. Next: reingest units affected"


def _decide(unit: str, decision: Literal["include", "exclude"] | None, reason: str) -> None:
    from reingest.store.unit_decisions import override_unit

    _require_known(unit, reason)
    with connected() as connection:
        stale = override_unit(connection, unit, decision, reason)
    _say_stale(stale)


def _require_known(unit: str, reason: str) -> None:
    from reingest.store.listings import has_unit

    if not reason.strip():
        raise BadUsage("a decision on a unit needs a reason; --reason is empty")
    with listing() as session:
        known = has_unit(session, unit)
    if known is False:
        raise NotFound(f"the register has no BM unit {unit}", next_command="reingest units list --all")


def _say_stale(stale: int) -> None:
    if stale:
        typer.echo(f"{stale:,} served dates are stale. Next: reingest units affected")
