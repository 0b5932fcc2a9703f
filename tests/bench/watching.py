"""A `reingest` process and those that it starts, watched until the end: how far they were, what they used and held."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

EVERY_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment: how many dates were done, and the MB of the largest of the processes."""

    done: int
    megabytes: float


@dataclass
class _Family:
    """A process and all that it starts: the CPU seconds of each, as last seen."""

    root: psutil.Process
    cpu: dict[int, float] = field(default_factory=dict)

    def look(self) -> float:
        """Remember what each has used, and return the MB of the largest."""
        largest = 0.0
        with suppress(psutil.NoSuchProcess):
            for process in (self.root, *self.root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess), process.oneshot():
                    self.cpu[process.pid] = _cpu_of(process)
                    largest = max(largest, process.memory_info().rss / 1e6)
        return largest


def _cpu_of(process: psutil.Process) -> float:
    """Return the CPU seconds of a process so far, user and system, without those of its children."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _cpu_of_server(postmaster: psutil.Process) -> float:
    """Return the CPU seconds of a Postgres server so far: of itself, of the backends that ended, of those that run."""
    times, seconds = postmaster.cpu_times(), _cpu_of(postmaster)
    for backend in postmaster.children():
        with suppress(psutil.NoSuchProcess):
            seconds += _cpu_of(backend)
    return float(seconds + times.children_user + times.children_system)


@dataclass(frozen=True, slots=True)
class Watched:
    """A process that has ended: its wall seconds, and what was seen of it and of those that it started.

    Attributes:
        cpu: CPU seconds of all of them, but for what the last fifth of a second used.
        server_cpu: CPU seconds that Postgres used meanwhile.
    """

    wall: float
    cpu: float
    server_cpu: float
    samples: Sequence[Sample]

    def megabytes_until(self, done: int) -> float:
        """Return the most that any one process held until so many dates were done."""
        return max((sample.megabytes for sample in self.samples if sample.done <= done), default=0)


def run_watched(
    environment: Mapping[str, str], postmaster: psutil.Process, done: Callable[[], int], *words: str
) -> Watched:
    """Run a command from the start of its process to the end, and look at it all the while.

    Args:
        environment: its environment variables.
        postmaster: the first process of the Postgres that it uses.
        done: says how many dates are done.
        words: the command's words.

    Raises:
        RuntimeError: it did not end with 0.
    """
    command = [str(Path(sys.executable).with_name("reingest")), *words]
    home = Path(environment["REINGEST_HOME"])
    began, server_cpu = time.perf_counter(), _cpu_of_server(postmaster)
    with (home / "watched.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
        family = _Family(psutil.Process(process.pid))
        try:
            samples = list(_samples(process, family, done))
        finally:
            process.kill()  # which has ended, unless looking at it failed
    wall = time.perf_counter() - began
    if process.wait():
        said = (home / "watched.log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return Watched(wall, sum(family.cpu.values()), _cpu_of_server(postmaster) - server_cpu, samples)


def _samples(process: subprocess.Popen[bytes], family: _Family, done: Callable[[], int]) -> Iterator[Sample]:
    """Look at a process until it ends."""
    while True:
        try:
            process.wait(EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            yield Sample(done(), family.look())
        else:
            return
