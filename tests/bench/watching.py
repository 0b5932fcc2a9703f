"""A `reingest` process and those that it starts, watched until the end: how far they were, and what each one held."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

EVERY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment: how many dates were done, and the MB of the largest of the processes."""

    done: int
    megabytes: float


@dataclass(frozen=True, slots=True)
class Watched:
    """A process that has ended: its wall seconds, and what was seen of it and of those that it started."""

    wall: float
    samples: Sequence[Sample]

    def megabytes_until(self, done: int) -> float:
        """Return the most that any one process held until so many dates were done."""
        return max((sample.megabytes for sample in self.samples if sample.done <= done), default=0)


def run_watched(environment: Mapping[str, str], done: Callable[[], int], *words: str) -> Watched:
    """Run a command from the start of its process to the end, and look at it all the while.

    Args:
        environment: its environment variables.
        done: says how many dates are done.
        words: the command's words.

    Raises:
        RuntimeError: it did not end with 0.
    """
    command = [str(Path(sys.executable).with_name("reingest")), *words]
    home, samples = Path(environment["REINGEST_HOME"]), []
    began = time.perf_counter()
    with (home / "watched.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(EVERY_SECONDS)
            wall = time.perf_counter() - began
            if process.returncode is not None:
                break
            samples.append(Sample(done(), max(_megabytes(process.pid), default=0)))
    if process.returncode:
        said = (home / "watched.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return Watched(wall, samples)


def _megabytes(pid: int) -> Iterator[float]:
    """Yield the resident memory of a process and of each that it started."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                yield process.memory_info().rss / 1e6
