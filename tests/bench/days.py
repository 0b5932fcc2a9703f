"""One date, run as the command line runs it, with what it cost this process."""

import asyncio
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from reingest.operations.reingest import reingest_date
from reingest.operations.report import DateReport
from reingest.operations.request import DateRequest
from reingest.settings import Settings
from reingest.tuning import keep_imports


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one date cost this process: wall and CPU seconds, and its report."""

    wall: float
    cpu: float
    report: DateReport


def run_date(settings: Settings, database_url: str, request: DateRequest) -> Run:
    """Run a date in this process, in an event loop of its own, as the command line does.

    Raises:
        RuntimeError: the date was held, so that what was measured is not what was meant.
    """
    keep_imports()
    wall, cpu = time.perf_counter(), cpu_seconds()
    report = asyncio.run(reingest_date(settings, database_url, request))
    run = Run(time.perf_counter() - wall, cpu_seconds() - cpu, report)
    if report.exit_code:
        raise RuntimeError(f"{request.settlement_date} ended {report.outcome}")
    return run


def median_seconds(runs: Sequence[Run]) -> str:
    """Return the median wall time of each stage of the runs, in milliseconds."""
    stages = runs[0].report.seconds
    medians = {stage: statistics.median(run.report.seconds[stage] for run in runs) for stage in stages}
    return " ".join(f"{stage} {seconds * 1000:.0f}" for stage, seconds in medians.items())


def cpu_seconds() -> float:
    """Return the CPU seconds of this process so far: all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_megabytes(maxrss: int) -> float:
    """Return `ru_maxrss` in MB of a million bytes: Linux counts KiB, macOS bytes."""
    return maxrss / 1e6 if sys.platform == "darwin" else maxrss * 1024 / 1e6
