"""Which datasets witness a date: what is asked of each side beside its stacks."""

from typing import Final

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
