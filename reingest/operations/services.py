"""What a process lends to the dates that it rebuilds: open connections, and what the database says of all dates."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from reingest.store.lending import Connections
from reingest.store.mining_inputs import DifficultyTable
from reingest.store.units import Registers


@dataclass(frozen=True, slots=True)
class DateServices:
    """What dates share that one process rebuilds, one after the other or side by side in one event loop.

    None of it is taken for granted: a connection is looked at before it is lent again, and whether register and
    difficulties are still what was read is asked for every date.
    """

    connections: Connections
    registers: Registers = field(default_factory=Registers)
    difficulty: DifficultyTable = field(default_factory=DifficultyTable)


@contextmanager
def date_services(database_url: str) -> Iterator[DateServices]:
    """Give the services for dates of one database; connections are closed at the block's end."""
    with Connections(database_url) as connections:
        yield DateServices(connections)
