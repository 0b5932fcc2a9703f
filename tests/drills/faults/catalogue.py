"""The catalogue of faults: all groups, their trials one by one, and the table for the docs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.drills.faults.data import DATA
from tests.drills.faults.fault import Fault, Group, Serves, Trial
from tests.drills.faults.http import HTTP
from tests.drills.faults.process import PROCESS
from tests.drills.faults.store import STORE

SERVED: Final[dict[Serves, str]] = {"old": "the date as it was", "new": "the right new date"}
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


def fault_table(group: Group) -> str:
    """Return a group's table for the docs: each fault, how it was made, and what is stated of it."""
    head = ["| fault | made by | outcome | exit | code or check | served afterwards |", "|---|---|---|---|---|---|"]
    rows = [row for fault in CATALOGUE[group] for row in _rows(fault)]
    return "\n".join([*head, *rows])


def _rows(fault: Fault) -> Iterator[str]:
    if fault.not_yet:
        yield f"| {fault.name} | not tried: {fault.not_yet} | | | | |"
    for trial in fault.trials:
        stated = trial.stated
        code = f"`{stated.code}`" if stated.code else ""
        code += f": {stated.says}" if code and stated.says else ""
        how = trial.how.replace("|", "\\|")
        yield f"| {fault.name} | {how} | {stated.outcome} | {stated.exit_code} | {code} | {SERVED[stated.serves]} |"


def places() -> Iterator[Place]:
    """Yield every trial of every fault."""
    for group, faults in CATALOGUE.items():
        for fault in faults:
            for number in range(len(fault.trials)):
                yield Place(group, fault, number)
