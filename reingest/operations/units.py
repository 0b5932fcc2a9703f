"""The register of BM units: fetched from Elexon, archived, stored where it differs."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reingest.calendar import settlement_date_of
from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.curtailment.register_moves import NO_MOVE, RegisterMove
from reingest.curtailment.unit_spans import UnitFacts
from reingest.elexon.bm_units import Register as ReadRegister
from reingest.elexon.bm_units import read_bm_units
from reingest.elexon.client import ElexonClient
from reingest.elexon.requests import bm_units_request
from reingest.errors import BadUsage, Bug, ReingestError, SourceError
from reingest.lake.archive import Archive
from reingest.operations.asking import elexon_client
from reingest.operations.date_run import DateRun
from reingest.operations.intake import Intake
from reingest.settings import Settings
from reingest.store.database import Connection, url_of
from reingest.store.fetches import judge_fetches
from reingest.store.register_answers import Answer, TakenIn, take_in
from reingest.store.runs import EXIT_CODES, Run, begin_run, end_run
from reingest.store.units import Register, load_register

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class UnitChange:
    """What the register says otherwise of one unit.

    Attributes:
        change: That it is new, that it is gone, or that a tracked fact is another.
        facts: What it says now: every fact of a new unit, those that changed, and none of one that is gone.
    """

    bm_unit: str
    change: Literal["opened", "closed", "changed"]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefreshedUnits:
    """What a refresh found, and what it changed.

    Attributes:
        units: Units with an id.
        null_ids: Rows without one, which were skipped.
        duplicates: Repeated ids, which were collapsed.
        changed: Whether the answer differs from the one before.
        refused: Why the answer was not believed, so that nothing changed; None where it was.
        wind_units: The units that count as wind today.
        opened: Units that are new.
        closed: Units that are gone.
        altered: Units of which a tracked fact changed.
        proposed: Units that are wind by the answer and had no fuel type: a person decides.
        stale_dates: How many served dates are stale after it.
        changes: What it changed of which unit; empty for the first answer of all, which opens every unit.
    """

    units: int
    null_ids: int
    duplicates: int
    changed: bool
    refused: str | None
    wind_units: int
    opened: int = 0
    closed: int = 0
    altered: int = 0
    proposed: tuple[str, ...] = ()
    stale_dates: int = 0
    changes: tuple[UnitChange, ...] = ()

    @property
    def outcome(self) -> Literal["published", "unchanged", "held"]:
        """How the run ended."""
        if self.refused:
            return "held"
        return "published" if self.changed else "unchanged"

    @property
    def exit_code(self) -> int:
        """The exit code of the outcome."""
        return EXIT_CODES[self.outcome]


async def refresh_units(
    settings: Settings, connection: Connection, *, accept_shrink: str | None = None
) -> RefreshedUnits:
    """Fetch the register of BM units, and open, change and close units by what it says otherwise.

    Args:
        settings: of the site.
        connection: an autocommitting connection.
        accept_shrink: a person's reason to believe an answer that looks truncated.

    Raises:
        SourceError: Elexon did not give it, or gave something else.
        DatabaseUnreachable: Postgres cannot be reached.
    """
    run = Run(kind="units", reason=accept_shrink)
    begin_run(connection, run)
    try:
        archive = Archive(settings.archive_folder)
        asking = elexon_client(settings, url_of(connection))
        async with Intake(archive, connection, run) as intake, asking as client:
            refreshed = await _refresh(client, intake, connection, accept_shrink)
    except ReingestError as error:
        end_run(connection, run, "source_failed", error)
        raise
    end_run(connection, run, refreshed.outcome)
    return refreshed


async def register_for(run: DateRun) -> Register:
    """Return the register in force for a run; the first run of all fetches it.

    Raises:
        BadUsage: no register was ever fetched, and the run may not use the network.
        SourceError: Elexon did not give it.
    """
    register = run.services.registers.of_date(run.connection, run.settlement_date)
    if register is not None:
        return register
    if run.request.source == "archive":
        raise BadUsage(
            "there is no register of BM units yet, and a run from the archive does not fetch one",
            settlement_date=run.settlement_date,
            next_command="reingest units refresh",
        )
    log.info("the register of BM units is fetched for the first time")
    asking = elexon_client(run.settings, run.database_url)
    async with Intake(run.archive, run.connection, run.run) as intake, asking as client:
        await _refresh(client, intake, run.connection)
    return _require(load_register(run.connection, run.settlement_date))


async def _refresh(
    client: ElexonClient, intake: Intake, connection: Connection, accept_shrink: str | None = None
) -> RefreshedUnits:
    answer = await client.ask(bm_units_request())
    fetch_id = await intake.keep(answer)
    checkpoint("after_register_fetch")
    try:
        found = read_bm_units(answer.require_ok().body)
    except SourceError:
        judge_fetches(connection, {fetch_id: "unreadable" if answer.is_ok else "refused"})
        raise
    judge_fetches(connection, {fetch_id: "fetched"})
    today = settlement_date_of(utc_now())
    taken = take_in(
        connection,
        Answer(found.units, fetch_id, found.null_ids, found.duplicates, today),
        accept_shrink=accept_shrink,
    )
    return _refreshed(found, taken, _require(load_register(connection, today)))


def _refreshed(found: ReadRegister, taken: TakenIn, register: Register) -> RefreshedUnits:
    move = taken.move or NO_MOVE
    return RefreshedUnits(
        units=len(found.units),
        null_ids=found.null_ids,
        duplicates=found.duplicates,
        changed=taken.changed and taken.refused is None,
        refused=taken.refused,
        wind_units=len(register.wind_units),
        opened=len(move.opened),
        closed=len(move.closed),
        altered=len(move.changed),
        proposed=tuple(sorted(move.proposed)),
        stale_dates=taken.stale,
        changes=() if len(move.opened) == len(found.units) else tuple(_changes(move)),
    )


def _changes(move: RegisterMove) -> Iterator[UnitChange]:
    for unit in sorted(move.opened):
        yield UnitChange(unit, "opened", _known(move.opened[unit]))
    for unit in sorted(move.closed):
        yield UnitChange(unit, "closed", {})
    for unit in sorted(move.changed):
        yield UnitChange(unit, "changed", dict(move.changed[unit]))


def _known(facts: UnitFacts) -> dict[str, Any]:
    return {name: one for name, one in asdict(facts).items() if one is not None}


def _require(register: Register | None) -> Register:
    if register is None:
        raise Bug("a register was stored and is not there")
    return register
