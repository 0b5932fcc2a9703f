"""The inputs of a stored version: what its facts can be derived from again, whatever is in force now."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeAlias

from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import SIDES
from reingest.elexon.system_prices import SystemPrice, read_system_prices
from reingest.lake.archive import Archive
from reingest.operations.archived import EmptyOnce
from reingest.operations.date_inputs import DateInputs, FetchedStack
from reingest.store.contents import VersionFacts
from reingest.store.database import Connection
from reingest.store.fetches import Fetch, fetches_of_version
from reingest.store.mining_inputs import rates_of_version
from reingest.store.units import Register

ReadStack: TypeAlias = Callable[[Archive, date, Fetch], FetchedStack]
"""Reads one archived stack; what is wrong with its content stands in the result."""


def inputs_of_version(
    connection: Connection,
    archive: Archive,
    settlement_date: date,
    version: VersionFacts,
    register: Register,
    read: ReadStack | None = None,
) -> DateInputs:
    """Return what a version was derived from: its payloads, the mining rates stored with it, and a register.

    Args:
        connection: to the database that has the version.
        archive: where its payloads are.
        settlement_date: the version's date.
        version: which one.
        register: the wind units that it named; `register_named` finds them.
        read: reads each of its stacks; None reads them from their payloads.

    Raises:
        ArchiveError: a payload is missing or altered.
        PayloadRejected: its system prices cannot be read any more.
    """
    fetches = fetches_of_version(connection, version.id)
    sides = tuple(side for side in SIDES if side in version.sides)
    return DateInputs(
        settlement_date=settlement_date,
        sides=sides,
        fetched=_stacks(archive, settlement_date, fetches, read or EmptyOnce()),
        system_prices=_system_prices(archive, settlement_date, fetches),
        wind_units=register.wind_units,
        definitions=definitions_for(sides),
        rates=rates_of_version(connection, version.id, settlement_date)
        if version.mining_state == "available"
        else None,
    )


def _stacks(
    archive: Archive, settlement_date: date, fetches: Iterable[Fetch], read: ReadStack
) -> dict[Subject, FetchedStack]:
    stacks = (read(archive, settlement_date, fetch) for fetch in fetches if fetch.dataset == "ISPSTACK")
    return {(stack.period, stack.side): stack for stack in stacks}


def _system_prices(archive: Archive, settlement_date: date, fetches: Iterable[Fetch]) -> dict[int, SystemPrice]:
    return {
        price.period: price
        for fetch in fetches
        if fetch.dataset == "DISEBSP"
        for price in read_system_prices(archive.get(fetch.payload_sha256), settlement_date=settlement_date)
    }
