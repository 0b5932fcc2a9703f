"""Drills: how much of them is run, from which seeds, until when, and what each of them reached."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self, TypeAlias, TypeVar

SizeName: TypeAlias = Literal["sample", "ci", "long"]
_T = TypeVar("_T")

SIZE_VARIABLE: Final = "REINGEST_DRILLS"
SEED_VARIABLE: Final = "REINGEST_DRILL_SEED"
HOURS_VARIABLE: Final = "REINGEST_DRILLS_HOURS"
SEEDS_SHOWN: Final = 10


@dataclass(frozen=True)
class DrillSize:
    """How much of the drills is run.

    Attributes:
        name: `sample` is part of every run of the tests, `ci` of every CI run; `long` goes on until it is told to end.
        first_seed: Where the seeds begin: 0 in a sample and in CI, anywhere in a long run.
        only_seed: The one seed to repeat; None for all.
        seconds: How long a long run takes; None where counts alone end it.
        ends_at: When it is over, by the monotonic clock.
    """

    name: SizeName
    first_seed: int = 0
    only_seed: int | None = None
    seconds: float | None = None
    ends_at: float | None = None

    @classmethod
    def from_environment(cls) -> Self:
        """Return the size that the environment asks for."""
        name, only = os.environ.get(SIZE_VARIABLE, "sample"), os.environ.get(SEED_VARIABLE)
        only_seed = int(only) if only else None
        if name == "long":
            seconds = float(os.environ.get(HOURS_VARIABLE, "1")) * 3600
            first_seed = random.SystemRandom().randrange(10**9)
            return cls("long", first_seed, only_seed, seconds, time.monotonic() + seconds)
        if name not in {"sample", "ci"}:
            raise ValueError(f"{SIZE_VARIABLE} is sample, ci or long, not {name!r}")
        return cls("ci" if name == "ci" else "sample", only_seed=only_seed)

    def pick(self, *, sample: _T, ci: _T, long: _T) -> _T:
        """Return what belongs to this size."""
        return {"sample": sample, "ci": ci, "long": long}[self.name]

    @property
    def is_over(self) -> bool:
        """Whether the time of a long run is spent."""
        return self.ends_at is not None and time.monotonic() >= self.ends_at


@dataclass
class Count:
    """How much of one thing was done, out of how much."""

    reached: int = 0
    wanted: int = 0


@dataclass
class Tally:
    """What one test of a drill did.

    Attributes:
        seconds: The most that it may take in a long run.
        seed: The seed that it is at; where the test fails, the one that failed.
    """

    size: DrillSize
    seconds: float | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    seed: int | None = None

    def counted(self, what: str, reached: int = 1, *, wanted: int = 0) -> None:
        """Add to the drill's line in the table: how much was done, and how much was to be done."""
        count = self.counts.setdefault(what, Count())
        count.reached += reached
        count.wanted += wanted

    def seeds(self, what: str, *, sample: int, ci: int, long: int, part: tuple[int, int] = (0, 1)) -> Iterator[int]:
        """Yield the seeds of a drill, each counted when it has been gone through.

        Args:
            what: The drill's line in the table.
            sample: How many in each run of the tests.
            ci: How many in CI.
            long: How many at most in a long run; it ends earlier where its time is spent.
            part: Which of how many tests this is; each takes its share of the seeds.
        """
        number, parts = part
        if self.size.only_seed is not None:
            seeds = [self.size.only_seed] if number == 0 else []
        else:
            seeds = [self.size.first_seed + n for n in range(self.size.pick(sample=sample, ci=ci, long=long))]
            seeds = [seed for seed in seeds if seed % parts == number]
        self.counted(what, 0, wanted=len(seeds))
        ends_at = time.monotonic() + self.seconds if self.seconds is not None else None
        for seed in seeds:
            if self.size.is_over or (ends_at is not None and time.monotonic() >= ends_at):
                break
            self.seed = seed
            yield seed
            self.counted(what)
        self.seed = None

    def as_property(self, *, failed: bool, seconds: float) -> dict[str, Any]:
        """Return the tally as a test report carries it from one process to another."""
        counts = {what: [count.reached, count.wanted] for what, count in self.counts.items()}
        return {"counts": counts, "seconds": seconds, "seed": self.seed if failed else None}


def table(tallies: list[dict[str, Any]]) -> list[str]:
    """Return the lines that say what the drills reached: one a drill, whatever number of tests it has."""
    lines: dict[str, dict[str, Any]] = {}
    for tally in tallies:
        for what, (reached, wanted) in tally["counts"].items():
            line = lines.setdefault(what, {"reached": 0, "wanted": 0, "seconds": 0.0, "seeds": []})
            line["reached"] += reached
            line["wanted"] += wanted
            line["seconds"] += tally["seconds"]
            line["seeds"] += [] if tally["seed"] is None else [str(tally["seed"])]
    width = max(map(len, lines), default=0)
    return [
        f"{what:{width}}  {line['reached']:>9,}  {_of(line['wanted']):>12}  {line['seconds']:>8.1f} s  {_failed(line)}"
        for what, line in sorted(lines.items())
    ]


def _of(wanted: int) -> str:
    return f"of {wanted:,}" if wanted else ""


def _failed(line: dict[str, Any]) -> str:
    shown = " ".join(line["seeds"][:SEEDS_SHOWN])
    return f"failed: {SEED_VARIABLE}={shown}" if shown else ""
