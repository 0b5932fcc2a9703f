"""The register of BM units: fetched from Elexon, archived, stored where it differs."""

import logging
from dataclasses import dataclass

from reingest.checkpoints import checkpoint
from reingest.elexon.bm_units import read_bm_units
from reingest.elexon.client import ElexonClient
from reingest.elexon.requests import bm_units_request
from reingest.errors import BadUsage, Bug, ReingestError, SourceError
from reingest.lake.archive import Archive
from reingest.operations.date_run import DateRun
from reingest.operations.intake import Intake
from reingest.settings import Settings
from reingest.store.database import Connection
from reingest.store.fetches import judge_fetches
from reingest.store.runs import Run, begin_run, end_run
from reingest.store.units import Register, load_register, save_register

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RefreshedUnits:
    """What a refresh found: units with an id, rows without one, repeated ids, and whether anything was new."""

    units: int
    null_ids: int
    duplicates: int
    changed: bool
    wind_units: int


async def refresh_units(settings: Settings, connection: Connection) -> RefreshedUnits:
    """Fetch the register of BM units and store it where it differs from every stored one.

    Raises:
        SourceError: Elexon did not give it, or gave something else.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    run = Run(kind="units")
    begin_run(connection, run)
    try:
        archive = Archive(settings.archive_folder)
        async with Intake(archive, connection, run) as intake, ElexonClient(settings) as client:
            refreshed = await _refresh(client, intake, connection)
    except ReingestError as error:
        end_run(connection, run, "source_failed", error)
        raise
    end_run(connection, run, "published" if refreshed.changed else "unchanged")
    return refreshed


async def register_for(run: DateRun) -> Register:
    """Return the register in force for a run; the first run of all fetches it.

    Raises:
        BadUsage: no register was ever fetched, and the run may not use the network.
        SourceError: Elexon did not give it.
    """
    register = load_register(run.connection)
    if register is not None:
        return register
    if run.request.source == "archive":
        raise BadUsage(
            "there is no register of BM units yet, and a run from the archive does not fetch one",
            settlement_date=run.settlement_date,
            next_command="reingest units refresh",
        )
    log.info("the register of BM units is fetched for the first time")
    async with Intake(run.archive, run.connection, run.run) as intake, ElexonClient(run.settings) as client:
        await _refresh(client, intake, run.connection)
    return _require(load_register(run.connection))


async def _refresh(client: ElexonClient, intake: Intake, connection: Connection) -> RefreshedUnits:
    answer = await client.ask(bm_units_request())
    fetch_id = await intake.keep(answer)
    checkpoint("after_register_fetch")
    try:
        found = read_bm_units(answer.require_ok().body)
    except SourceError:
        judge_fetches(connection, {fetch_id: "unreadable" if answer.is_ok else "refused"})
        raise
    judge_fetches(connection, {fetch_id: "fetched"})
    changed = save_register(
        connection, found.units, fetch_id=fetch_id, null_ids=found.null_ids, duplicates=found.duplicates
    )
    register = _require(load_register(connection))
    return RefreshedUnits(
        len(found.units), found.null_ids, found.duplicates, changed, wind_units=len(register.wind_units)
    )


def _require(register: Register | None) -> Register:
    if register is None:
        raise Bug("a register was stored and is not there")
    return register
