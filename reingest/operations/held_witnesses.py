"""What a run holds of its witnesses: the rows of BOAV and EBOCF until they are judged, and which answers they were."""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from reingest.curtailment.statements import Statement
from reingest.curtailment.words import Side
from reingest.elexon.acceptance_volumes import read_acceptance_volumes
from reingest.elexon.cashflows import read_cashflows
from reingest.elexon.requests import WitnessDataset
from reingest.settings import Settings

_JUDGING: Final[tuple[WitnessDataset, ...]] = ("BOAV", "EBOCF")
_NOT_JUDGING: Final[tuple[WitnessDataset, ...]] = ("DISPTAV",)


def datasets_of(settings: Settings, *, with_disptav: bool) -> tuple[WitnessDataset, ...]:
    """Return what is asked of each side of a date beside its stacks; DISEBSP, which has no sides, always is.

    Args:
        settings: `witnesses` may leave out those that judge.
        with_disptav: archive DISPTAV too; its parts overlap, so that nothing can be judged by it.
    """
    return (_JUDGING if settings.witnesses == "on" else ()) + (_NOT_JUDGING if with_disptav else ())


def read_witness(dataset: WitnessDataset, body: bytes, settlement_date: date) -> tuple[Statement, ...]:
    """Read one side of a witness; DISPTAV, which nobody judges by, has no rows here.

    Raises:
        PayloadRejected: it cannot be read, or is of another date.
    """
    if dataset == "BOAV":
        return read_acceptance_volumes(body, settlement_date=settlement_date)
    return read_cashflows(body, settlement_date=settlement_date) if dataset == "EBOCF" else ()


@dataclass
class HeldWitnesses:
    """The witnesses of one run, by side; a side that is left out could not be had.

    Attributes:
        fetch_ids: The fetches whose payloads were read, or archived on request.
    """

    acceptance_volumes: dict[Side, tuple[Statement, ...]] = field(default_factory=dict)
    cashflows: dict[Side, tuple[Statement, ...]] = field(default_factory=dict)
    fetch_ids: list[int] = field(default_factory=list)

    def take(self, dataset: WitnessDataset, side: Side, rows: tuple[Statement, ...], fetch_id: int) -> None:
        """Take in what was read of one side, in `fetch_id`."""
        if dataset == "BOAV":
            self.acceptance_volumes[side] = rows
        elif dataset == "EBOCF":
            self.cashflows[side] = rows
        self.fetch_ids.append(fetch_id)

    def release(self) -> None:
        """Let go of the rows, once they are judged."""
        self.acceptance_volumes, self.cashflows = {}, {}
