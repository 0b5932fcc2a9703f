"""Stored versions derived again by the present code: the one way, for the doctor, for `why` and for replay."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol

from reingest.curtailment.words import Side
from reingest.elexon.requests import Wire
from reingest.lake.archive import Archive
from reingest.operations.archived import read_archived
from reingest.operations.date_inputs import DateInputs, FetchedStack
from reingest.operations.facts import mining_hash
from reingest.operations.version_inputs import ReadStack, inputs_of_version
from reingest.store.contents import VersionFacts
from reingest.store.database import Connection
from reingest.store.fetches import Fetch
from reingest.store.mining_inputs import miner_models
from reingest.store.units import Register, register_named


class NamesRegister(Protocol):
    """A version, as far as it names a register."""

    @property
    def register_id(self) -> int:
        """The register's row."""

    @property
    def register_hash(self) -> str:
        """The hash of what counted as wind by it."""


@dataclass
class Rederiver:
    """Gives what stored versions were derived from; what several of them share is read once.

    Attributes:
        connection: To the database that has the versions.
        archive: Where their payloads are.
        read: Reads one archived stack; None reads it from its payload.
    """

    connection: Connection
    archive: Archive
    read: ReadStack | None = None
    _registers: dict[tuple[int, str], Register | None] = field(default_factory=dict)

    def register(self, version: NamesRegister) -> Register | None:
        """Return the register that a version names; None where nothing that is stored gives its hash."""
        key = version.register_id, version.register_hash
        if key not in self._registers:
            self._registers[key] = register_named(self.connection, *key)
        return self._registers[key]

    def inputs(self, settlement_date: date, version: VersionFacts, register: Register) -> DateInputs:
        """Return what a version was derived from.

        Raises:
            ArchiveError: a payload is missing or altered.
            PayloadRejected: its system prices cannot be read any more.
        """
        return inputs_of_version(self.connection, self.archive, settlement_date, version, register, self.read)

    def mining_known(self, version: VersionFacts, inputs: DateInputs) -> bool:
        """Tell whether the version's mining rates are still what it was made with; its miner models are not stored."""
        if inputs.rates is None:
            return True
        return mining_hash(inputs.rates, miner_models(self.connection)) == version.mining_inputs_hash


@dataclass
class ReadOnce:
    """Reads archived stacks of one date, each payload once, however many versions name it."""

    _known: dict[tuple[str, int | None, Side | None, Wire], FetchedStack] = field(default_factory=dict)

    def __call__(self, archive: Archive, settlement_date: date, fetch: Fetch) -> FetchedStack:
        """Read one archived stack; what is wrong with its content stands in the result.

        Raises:
            ArchiveError: the payload is missing or altered.
        """
        key = fetch.payload_sha256, fetch.period, fetch.side, fetch.wire
        if key not in self._known:
            self._known[key] = read_archived(archive, settlement_date, fetch)
        return replace(self._known[key], fetch_id=fetch.id, answered_at=fetch.answered_at)
