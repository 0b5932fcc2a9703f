"""Measure, and print each figure beside its limit. A limit that is missed is printed as such, and is no failure."""

import argparse
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.bench import copying, flow, history, publishing, ranges, replay, wall, why
from tests.bench.figures import Figure
from tests.bench.place import Place, temporary_place

SUBJECTS: Final[Mapping[str, Callable[..., Iterator[Figure]]]] = {
    "date": wall.figures,
    "copy": copying.figures,
    "publish": publishing.figures,
    "replay": replay.figures,
    "why": why.figures,
    "history": history.figures,
    "flow": flow.figures,
    "range": ranges.figures,
}


def main() -> None:
    """Measure what the command line names, or everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=SUBJECTS, action="append", help="this subject; may be given several times")
    parser.add_argument("--quick", action="store_true", help="few runs and a tenth of the records: to try it out")
    options = parser.parse_args()
    began = time.perf_counter()
    with temporary_place() as place:
        _say(_machine(place))
        for name in options.only or SUBJECTS:
            for figure in SUBJECTS[name](place, quick=options.quick):
                _say(figure.line())
    _say(f"the bench took {time.perf_counter() - began:.0f} s")


def _machine(place: Place) -> str:
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, load {load:.1f}, an fsync {place.fsync_milliseconds():.1f} ms, {platform.system()}, "
        f"Python {platform.python_version()}, PostgreSQL {place.server_version()}; limits are on medians"
    )


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  (a bench speaks to the terminal)


if __name__ == "__main__":
    main()
