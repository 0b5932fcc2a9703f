"""`reingest units`: the register of BM units, and which of them count as wind."""

import asyncio
from typing import Annotated, Final, Literal

import typer

from reingest.cli.arguments import AsCsv, AsJson, Reason
from reingest.cli.output import Column, Output
from reingest.cli.output import as_json as json_text
from reingest.cli.reading import connected, listing
from reingest.errors import BadUsage, NotFound

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
BmUnitId = Annotated[str, typer.Argument(metavar="UNIT", help="Elexon BM unit id, such as T_LARYW-1.")]


@app.command()
def refresh(as_json: AsJson = False) -> None:
    """Fetch the register of BM units from Elexon, archive it, and put it in force if it differs."""
    from reingest.operations.units import refresh_units
    from reingest.settings import load_settings

    output = Output.chosen(as_json=as_json, as_csv=False)
    with connected() as connection:
        found = asyncio.run(refresh_units(load_settings(), connection))
    if output.json:
        typer.echo(json_text(found))
    else:
        said = "a new register is in force" if found.changed else "the register has not changed"
        typer.echo(f"{said}: {found.units:,} units, {found.wind_units:,} of them wind")
        typer.echo(f"rows without an id, skipped: {found.null_ids:,}; repeated ids, collapsed: {found.duplicates:,}")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Every unit of the register, not only wind.")] = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the BM units that count as wind, with the decisions that made them so."""
    from reingest.store.listings import list_units

    output = Output.chosen(as_json=as_json, as_csv=as_csv)
    with listing() as session:
        units = list_units(session, every=every)
    rows = [
        one.unit.as_row("register_id")
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


def _decide(unit: str, decision: Literal["include", "exclude"] | None, reason: str) -> None:
    from reingest.checkpoints import checkpoint
    from reingest.store.listings import has_unit
    from reingest.store.runs import add_operator_action
    from reingest.store.units import override_unit

    if not reason.strip():
        raise BadUsage("a decision on a unit needs a reason; --reason is empty")
    with listing() as session:
        known = has_unit(session, unit)
    if known is False:
        raise NotFound(f"the register has no BM unit {unit}", next_command="reingest units list --all")
    with connected() as connection, connection.transaction():
        override_unit(connection, unit, decision, reason)
        add_operator_action(connection, f"unit_{decision or 'reset'}", reason, bm_unit=unit)
    checkpoint("after_unit_decision")
