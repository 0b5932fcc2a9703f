"""Figures beside their limits, and how they are printed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure.

    Attributes:
        name: What was measured; indented where it explains the figure above it.
        shown: The figure in words and numbers.
        limit: The limit in words; empty where none is set.
        reached: Whether the figure keeps to its limit; None where none is set.
    """

    name: str
    shown: str
    limit: str = ""
    reached: bool | None = None

    @classmethod
    def at_most(cls, name: str, values: Sequence[float], limit: float, unit: str, *, places: int = 2) -> Self:
        """Return several runs beside a limit from above, which is on the median: the worst may be the machine's."""
        within = statistics.median(values) <= limit
        return cls(name, spread(values, unit, places), f"<= {limit:.{places}f} {unit}", within)

    @classmethod
    def at_least(cls, name: str, value: float, limit: float, unit: str) -> Self:
        """Return one figure beside a limit from below."""
        return cls(name, f"{value:.2f} {unit}", f">= {limit:.0f} {unit}", value >= limit)

    def line(self) -> str:
        """Return the figure as one line: name, figure, limit, verdict."""
        verdict = {True: "reached", False: "NOT REACHED", None: ""}[self.reached]
        return f"{self.name:<42}  {self.shown:<47}  {self.limit:<21}  {verdict}".rstrip()


def spread(values: Sequence[float], unit: str, places: int = 2) -> str:
    """Return median and worst of several runs, and how many they were."""
    median, worst = statistics.median(values), max(values)
    return f"{median:.{places}f} {unit} median, {worst:.{places}f} worst of {len(values)}"
