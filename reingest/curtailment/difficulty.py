"""Bitcoin difficulty epochs and block rewards: which were in force at an instant, and where knowledge ends.

The table `difficulty.csv` ships with the package as facts; its head names the sources. A value holds from its
block and not from midnight, so one settlement date, and even one period, can hold two.
"""

import csv
import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from importlib import resources
from itertools import pairwise
from operator import attrgetter
from typing import Final

from reingest.errors import BadUsage

BLOCKS_PER_EPOCH: Final = 2016
BLOCKS_PER_HALVING: Final = 210_000
COLUMNS: Final = ("epoch", "height", "start_time_utc", "start_time_uncertainty_s", "bits", "difficulty")

_BITS: Final = re.compile(r"[0-9a-fA-F]{8}")
_LARGEST_TARGET: Final = 0xFFFF << 208
# The table gives difficulty to 17 digits; a typing error is far larger than the last of them.
_BITS_TOLERANCE: Final = Fraction(1, 10**15)


@dataclass(frozen=True, slots=True)
class DifficultyEpoch:
    """2,016 blocks of one difficulty.

    Attributes:
        number: Epoch number; height / 2016.
        height: Its first block.
        start: Header time of that block; aware, UTC.
        start_uncertainty: How far the true start may be from `start`; zero when exact.
        bits: The compact target, as 8 hex digits.
        difficulty: Largest target / target; dimensionless.
    """

    number: int
    height: int
    start: datetime
    start_uncertainty: timedelta
    bits: str
    difficulty: Decimal


@dataclass(frozen=True, slots=True)
class Halving:
    """The block from which a reward holds: `reward` in BTC a block, from the instant of block `height` on."""

    height: int
    instant: datetime
    reward: Decimal


def _halving(height: int, instant: str, reward: str) -> Halving:
    return Halving(height, datetime.fromisoformat(instant), Decimal(reward))


# Instants are the blocks' header times.
HALVINGS: Final = (
    _halving(210_000, "2012-11-28T15:24:38+00:00", "25"),
    _halving(420_000, "2016-07-09T16:46:13+00:00", "12.5"),
    _halving(630_000, "2020-05-11T19:23:43+00:00", "6.25"),
    _halving(840_000, "2024-04-20T00:09:27+00:00", "3.125"),
)


def shipped_difficulty() -> tuple[DifficultyEpoch, ...]:
    """Return the epochs that ship with Reingest: part of the code, like a constant."""
    table = resources.files("reingest.curtailment").joinpath("difficulty.csv")
    return read_difficulty(table.read_text(encoding="utf-8"))


def read_difficulty(text: str) -> tuple[DifficultyEpoch, ...]:
    """Read a table of difficulty epochs.

    Args:
        text: CSV with the columns of `COLUMNS`; lines that begin with `#` are comments.

    Returns:
        The epochs in order, without a gap.

    Raises:
        BadUsage: another header, a value that cannot be used, a gap, or times that do not rise; it names the row.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = csv.reader(lines)
    header = tuple(next(rows, ()))
    if header != COLUMNS:
        raise BadUsage(f"a difficulty table has the columns {','.join(COLUMNS)}; this one has {','.join(header)!r}")
    return _contiguous([_epoch(row) for row in rows])


def extend_difficulty(
    epochs: Sequence[DifficultyEpoch], more: Iterable[DifficultyEpoch]
) -> tuple[DifficultyEpoch, ...]:
    """Return the epochs with those of another table added.

    Rows of both tables must agree. Where one of them knows the start better, within the other's uncertainty,
    the better one is taken.

    Raises:
        BadUsage: the tables contradict each other, or together leave a gap; it names the epoch.
    """
    merged = {epoch.number: epoch for epoch in epochs}
    for epoch in more:
        known = merged.get(epoch.number)
        merged[epoch.number] = epoch if known is None else _better(known, epoch)
    return _contiguous([merged[number] for number in sorted(merged)])


def known_until(epochs: Sequence[DifficultyEpoch], halvings: Sequence[Halving] = HALVINGS) -> datetime:
    """Return the instant from which difficulty or reward is not known; there is at least one epoch.

    The last epoch has no known end. It is trusted for as long as the shortest epoch of the table lasted: none of
    them was over so soon, and any later the next retarget may have come. One epoch alone does not say how long
    epochs last, so it is not trusted at all. An epoch that holds a halving whose instant is not known is not
    trusted either, from its start.
    """
    lengths = [later.start - earlier.start for earlier, later in pairwise(epochs)]
    trusted = epochs[-1].start + min(lengths, default=timedelta())
    next_halving = halvings[-1].height + BLOCKS_PER_HALVING
    doubtful = [epoch.start for epoch in epochs if epoch.height + BLOCKS_PER_EPOCH > next_halving]
    return min([trusted, *doubtful])


def difficulty_at(instant: datetime, epochs: Sequence[DifficultyEpoch]) -> Decimal | None:
    """Return the difficulty in force at the instant; None before the first epoch."""
    index = bisect_right(epochs, instant, key=attrgetter("start"))
    return epochs[index - 1].difficulty if index else None


def reward_at(instant: datetime, halvings: Sequence[Halving] = HALVINGS) -> Decimal | None:
    """Return the reward in BTC a block at the instant; None before the first halving known."""
    index = bisect_right(halvings, instant, key=attrgetter("instant"))
    return halvings[index - 1].reward if index else None


def _epoch(row: Sequence[str]) -> DifficultyEpoch:
    try:
        number, height, start, uncertainty, bits, difficulty = row
        epoch = DifficultyEpoch(
            number=int(number),
            height=int(height),
            start=datetime.fromisoformat(start),
            start_uncertainty=timedelta(seconds=int(uncertainty)),
            bits=bits,
            difficulty=Decimal(difficulty),
        )
        target = _target(bits)
    except (ValueError, InvalidOperation, OverflowError) as error:
        raise BadUsage(f"difficulty row {','.join(row)!r} cannot be read: {error}") from error
    _require_sense(epoch, target)
    return epoch


def _target(bits: str) -> int:
    """Return the target that the compact form stands for: a mantissa of three bytes and a length in bytes."""
    if not _BITS.fullmatch(bits):
        raise ValueError(f"bits {bits!r} are not 8 hex digits")
    compact = int(bits, 16)
    length, mantissa = compact >> 24, compact & 0x7FFFFF
    return mantissa << 8 * (length - 3)


def _require_sense(epoch: DifficultyEpoch, target: int) -> None:
    if epoch.start.tzinfo is None:
        raise BadUsage(f"difficulty epoch {epoch.number}: start {epoch.start.isoformat()} has no UTC offset")
    if epoch.number < 0 or epoch.height != epoch.number * BLOCKS_PER_EPOCH:
        raise BadUsage(f"difficulty epoch {epoch.number} begins at block {epoch.number * BLOCKS_PER_EPOCH}")
    if epoch.start_uncertainty < timedelta():
        raise BadUsage(f"difficulty epoch {epoch.number}: its uncertainty is negative")
    # Bounds first: a fraction of a number with a huge exponent would fill the memory.
    if not (epoch.difficulty.is_finite() and 1 <= epoch.difficulty <= _LARGEST_TARGET):
        raise BadUsage(f"difficulty epoch {epoch.number}: {epoch.difficulty} is no difficulty; the least is 1")
    ratio = Fraction(epoch.difficulty) * target / _LARGEST_TARGET
    if not 1 - _BITS_TOLERANCE <= ratio <= 1 + _BITS_TOLERANCE:
        raise BadUsage(f"difficulty epoch {epoch.number}: {epoch.difficulty} is not the difficulty of {epoch.bits}")


def _contiguous(epochs: Sequence[DifficultyEpoch]) -> tuple[DifficultyEpoch, ...]:
    if not epochs:
        raise BadUsage("a difficulty table has at least one epoch")
    for earlier, later in pairwise(epochs):
        if later.number != earlier.number + 1:
            raise BadUsage(f"difficulty epoch {later.number} follows {earlier.number}")
        if later.start <= earlier.start:
            raise BadUsage(f"difficulty epoch {later.number} begins no later than the one before it")
    return tuple(epochs)


def _better(known: DifficultyEpoch, other: DifficultyEpoch) -> DifficultyEpoch:
    doubt = known.start_uncertainty + other.start_uncertainty
    same_difficulty = (known.bits.lower(), known.difficulty) == (other.bits.lower(), other.difficulty)
    if not (same_difficulty and -doubt <= other.start - known.start <= doubt):
        raise BadUsage(f"difficulty epoch {known.number}: the tables contradict each other: {known} and {other}")
    return other if other.start_uncertainty < known.start_uncertainty else known
