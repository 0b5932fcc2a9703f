"""What a kill at each checkpoint of the three modes leaves, and what the re-run says: held true, and a table of docs/.

    WRITE_GUARANTEES=1 .venv/bin/python -m pytest -n0 tests/drills/test_crash_matrix.py -k guarantees

writes the table anew.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from tests.support.scenarios import Prepared

PAGE: Final = Path(__file__).parents[2] / "docs" / "guarantees.md"
COMMIT: Final = "after_publish_commit"
"""The first checkpoint at which the new version is served."""
Promise: TypeAlias = tuple[Literal["old", "new"], Literal["published", "unchanged"]]
BEFORE: Final[Promise] = ("old", "published")
AFTER: Final[Promise] = ("new", "unchanged")
_TABLE: Final = re.compile(r"(?<=<!-- drilled: crashes -->\n).*?(?=<!-- end -->)", re.DOTALL)


def promised(prepared: Prepared, point: str) -> Promise:
    """Return what is served after a kill at a checkpoint of a mode, and what a plain re-run ends with."""
    return AFTER if prepared.points.index(point) >= prepared.points.index(COMMIT) else BEFORE


def table(modes: Sequence[Prepared]) -> str:
    """Return the table of the page: a line a checkpoint, in the order in which a run passes them, a column a mode."""
    lines = [
        "| killed at | " + " | ".join(mode.scenario.name for mode in modes) + " |",
        "|---" * (len(modes) + 1) + "|",
        *(
            f"| `{point}` | " + " | ".join(_cell(mode, point) for mode in modes) + " |"
            for point in _merged([mode.points for mode in modes])
        ),
    ]
    return "\n".join(lines) + "\n"


def page_with(drilled: str) -> str:
    """Return the page with this table in its place."""
    return _TABLE.sub(lambda _: drilled, PAGE.read_text(encoding="utf-8"), count=1)


def _merged(orders: Sequence[Sequence[str]]) -> list[str]:
    """Return all the points, each after the one that it follows where it is passed."""
    merged: list[str] = []
    for order in orders:
        place = 0
        for point in order:
            if point not in merged:
                merged.insert(place, point)
            place = merged.index(point) + 1
    return merged


def _cell(mode: Prepared, point: str) -> str:
    return "{}, `{}`".format(*promised(mode, point)) if point in mode.points else "not passed"
