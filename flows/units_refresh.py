"""The flow that keeps the register of BM units up to date: `reingest units refresh`, with what it changed in tables.

A unit that is missing from the register is missing from every date, so it is asked once a day, before the dates are. An
answer that looks truncated ends the run as failed, so that alerts see it, and changes nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State, StateType
from pydantic import Field

from flows.states import state_of_error
from reingest.errors import ReingestError
from reingest.operations.units import RefreshedUnits, UnitChange, refresh_units
from reingest.settings import load_settings
from reingest.store.database import Connection, connect
from reingest.store.migrate import require_schema
from reingest.store.server import ensure_database
from reingest.store.unit_reads import affected_dates, unit_proposals
from reingest.tuning import tune_process

_SHOWN: Final = 1000

Rows = list[dict[str, str]]


@flow(name="reingest-units-refresh", flow_run_name="units refresh", retries=0, persist_result=False)
async def units_refresh(
    accept_shrink: Annotated[
        str, Field(json_schema_extra={"title": "Believe an answer that looks truncated, because"})
    ] = "",
) -> State[None]:
    """Fetch the register of BM units from Elexon, and open, change and close units by what is new in it.

    Args:
        accept_shrink: Why an answer that lacks a tenth of the known units is right; it is stored. Empty to refuse such
            an answer.
    """
    tune_process()
    settings = load_settings()
    try:
        with connect(ensure_database(settings), purpose="units refresh") as connection:
            require_schema(connection)
            refreshed = await refresh_units(settings, connection, accept_shrink=accept_shrink.strip() or None)
            tables = _tables(connection, refreshed)
    except ReingestError as error:
        return state_of_error(error)
    await acreate_markdown_artifact(_report(refreshed), key="units", description=_message(refreshed))
    for key, (rows, about) in tables.items():
        if rows:
            await acreate_table_artifact(rows[:_SHOWN], key=key, description=_cut(rows, about))
    kind = StateType.FAILED if refreshed.refused else StateType.COMPLETED
    return State(type=kind, name=_name(refreshed), message=_message(refreshed))


def _tables(connection: Connection, refreshed: RefreshedUnits) -> dict[str, tuple[Rows, str]]:
    """Return the rows of each table, and what it shows."""
    proposals = [_texts(asdict(one)) for one in unit_proposals(connection)]
    stale = [_texts(asdict(one)) for one in affected_dates(connection)] if refreshed.stale_dates else []
    return {
        "changes": ([_change(one) for one in refreshed.changes], "what the register says otherwise of which unit"),
        "proposals": (proposals, "wind by the register, for a person to accept: reingest units accept UNIT"),
        "stale-dates": (stale, "served dates that the register would change, by unit"),
    }


def _cut(rows: Rows, about: str) -> str:
    return about if len(rows) <= _SHOWN else f"{about}; the first {_SHOWN:,} of {len(rows):,}"


def _change(one: UnitChange) -> dict[str, str]:
    facts = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in _texts(one.facts).items())
    return {"unit": one.bm_unit, "change": one.change, "says now": facts}


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Return a row of a table, whose cells are texts."""
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _name(refreshed: RefreshedUnits) -> str:
    if refreshed.refused:
        return "Held"
    return "Refreshed" if refreshed.changed else "Unchanged"


def _message(refreshed: RefreshedUnits) -> str:
    return " ".join(_sentences(refreshed))


def _sentences(refreshed: RefreshedUnits) -> Iterator[str]:
    if refreshed.refused:
        yield f"The answer looks truncated, and nothing was changed: {refreshed.refused}."
        yield "Next: run it again; if the answer is right, say why in the form."
        return
    yield f"{refreshed.units:,} units, {refreshed.wind_units:,} of them wind."
    if refreshed.changed:
        yield f"Opened {refreshed.opened:,}, closed {refreshed.closed:,}, changed {refreshed.altered:,}."
    if refreshed.proposed:
        yield f"Wind by the register, for a person to accept: {', '.join(refreshed.proposed)}."
    if refreshed.stale_dates:
        yield f"{refreshed.stale_dates:,} served dates are stale. Next: reingest units affected"


def _report(refreshed: RefreshedUnits) -> str:
    """Return the report: what was found, and what to do."""
    lines = "\n\n".join(_sentences(refreshed))
    skipped = f"Rows without an id, skipped: {refreshed.null_ids:,}; repeated ids, collapsed: {refreshed.duplicates:,}."
    return f"# {_name(refreshed)}\n\n{lines}\n\n{skipped}\n"
