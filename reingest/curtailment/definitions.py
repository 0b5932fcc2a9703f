"""What counts as curtailment: named, versioned filters over curtailment records, each stated once.

A total without its definition is meaningless; others publish figures by different ones. `so_flagged` and
`all_bids` are gross. `net` also takes the offers that undo a turn-down, so it needs both stacks.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from reingest.curtailment.records import CurtailmentRecord
from reingest.curtailment.words import DefinitionName, Side


@dataclass(frozen=True, slots=True)
class Definition:
    """A filter over curtailment records.

    Attributes:
        name: What totals are named by.
        version: Rises when the filter's meaning changes; recorded with each version of a date.
        sides: The stacks that must have been fetched for the filter to mean anything.
        describe: One sentence for people.
        matches: Whether a record counts.
    """

    name: DefinitionName
    version: int
    sides: frozenset[Side]
    describe: str
    matches: Callable[[CurtailmentRecord], bool]

    @property
    def named(self) -> str:
        """Name and version, as versions of a date record it: `so_flagged@1`."""
        return f"{self.name}@{self.version}"

    def select(self, records: Iterable[CurtailmentRecord]) -> list[CurtailmentRecord]:
        """Return the records that count, in their order."""
        return [record for record in records if self.matches(record)]


def _so_flagged(record: CurtailmentRecord) -> bool:
    return record.so_flag is True and record.side == "bid"


def _all_bids(record: CurtailmentRecord) -> bool:
    return record.side == "bid"


def _net(record: CurtailmentRecord) -> bool:
    return record.pair_id is not None and record.pair_id < 0


DEFINITIONS: Final[tuple[Definition, ...]] = (
    Definition(
        name="so_flagged",
        version=1,
        sides=frozenset({"bid"}),
        describe="Wind bids that the system operator flagged (soFlag true; a missing flag is not true). Gross.",
        matches=_so_flagged,
    ),
    Definition(
        name="all_bids",
        version=1,
        sides=frozenset({"bid"}),
        describe="Every wind bid, whatever its flags. Gross.",
        matches=_all_bids,
    ),
    Definition(
        name="net",
        version=1,
        sides=frozenset({"bid", "offer"}),
        describe="Every wind row in a negative pair: bids, less the offers that undo them.",
        matches=_net,
    ),
)


EARLIER: Final[tuple[Definition, ...]] = ()
"""Definitions as they were before their meaning changed, so that versions made by them can still be explained."""


def definition_named(named: str) -> Definition | None:
    """Return the definition that a version names, as in `so_flagged@1`; None where this code has no such one."""
    return next((one for one in (*DEFINITIONS, *EARLIER) if one.named == named), None)


def definitions_for(sides: Collection[Side]) -> tuple[Definition, ...]:
    """Return the definitions that mean something where these sides were fetched."""
    return tuple(definition for definition in DEFINITIONS if definition.sides <= frozenset(sides))
