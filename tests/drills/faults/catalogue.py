"""The catalogue of faults: all groups, their trials one by one, and the table for the docs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.drills.faults.data import DATA
from tests.drills.faults.fault import Fault, Group, Trial
from tests.drills.faults.http import HTTP
from tests.drills.faults.process import PROCESS
from tests.drills.faults.store import STORE

CATALOGUE: Final[dict[Group, tuple[Fault, ...]]] = {"http": HTTP, "data": DATA, "store": STORE, "process": PROCESS}


@dataclass(frozen=True)
class Place:
    """One trial with its place in the catalogue."""

    group: Group
    fault: Fault
    number: int

    @property
    def trial(self) -> Trial:
        """The trial itself."""
        return self.fault.trials[self.number]

    @property
    def is_last(self) -> bool:
        """Whether its fault has no further trial."""
        return self.number == len(self.fault.trials) - 1

    def __str__(self) -> str:
        name = f"{self.fault.name}: {self.trial.how}" if len(self.fault.trials) > 1 else self.fault.name
        return f"{self.group}: {name}"


def places() -> Iterator[Place]:
    """Yield every trial of every fault."""
    for group, faults in CATALOGUE.items():
        for fault in faults:
            for number in range(len(fault.trials)):
                yield Place(group, fault, number)
