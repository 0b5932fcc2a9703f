"""A live date: its wall time beside the ideal of its requests, its CPU seconds, its memory."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from reingest.operations.request import DateRequest
from reingest.settings import Settings
from tests.bench.days import Run, median_seconds, run_date
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure, spread
from tests.bench.place import Place, in_own_process
from tests.bench.processes import Process, run_process

OVERHEAD_SECONDS: Final = 0.35
CPU_SECONDS: Final = 0.5
MEGABYTES: Final = 200.0
WITNESS_REQUESTS: Final = 6


@dataclass(frozen=True, slots=True)
class Plan:
    """How often to measure at one latency: dates in one process, and whole processes."""

    latency_ms: int
    dates: int
    processes: int


PLANS: Final = (Plan(50, dates=11, processes=5), Plan(300, dates=5, processes=3))
QUICK_PLANS: Final = (Plan(50, dates=3, processes=1), Plan(300, dates=1, processes=1))


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Measure dates that were never published, both sides, in one process and in a process each."""
    for plan in QUICK_PLANS if quick else PLANS:
        runs, processes = _measure(place, plan)
        yield from _wall_figures(plan, runs, processes)
        yield from _cost_figures(plan, runs, processes)
    yield from _witness_figures(place, 2 if quick else 7)


def _witness_figures(place: Place, number: int) -> Iterator[Figure]:
    """Measure the same dates without their witnesses and with them, each way in a process of its own."""
    days, latency_ms = windy_dates(2 + number), PLANS[0].latency_ms
    with (
        standin(days, latency_ms, witnesses=True) as elexon_url,
        place.database("without") as without_url,
        place.database("with") as with_url,
    ):
        alone, heard = place.settings(elexon_url), place.settings(elexon_url, witnesses="on")
        without = in_own_process(_run_dates, alone, without_url, days[:-1])[1:]
        runs = in_own_process(_run_dates, heard, with_url, days[:-1])[1:]
        environment = place.environment(elexon_url, with_url) | {"REINGEST_WITNESSES": "on"}
        (process,) = in_own_process(_run_processes, environment, days[-1:])
    if {run.report.verification for run in runs} != {"verified"}:
        raise RuntimeError("a date with witnesses was not verified, so that what was measured is not what was meant")
    more = runs[0].report.requests - without[0].report.requests
    cpu, cpu_without = (statistics.median(run.cpu for run in some) for some in (runs, without))
    yield Figure.at_most("requests that witnesses add to a date", [more], WITNESS_REQUESTS, "", places=0)
    yield Figure(f"  wall with them, {latency_ms} ms latency", spread([run.wall for run in runs], "s"))
    yield Figure("  by stage, ms", median_seconds(runs))
    yield Figure("  CPU with them", spread([run.cpu for run in runs], "s"))
    yield Figure("  verification's share of a date's CPU", f"{1 - cpu_without / cpu:.0%}: {cpu - cpu_without:.2f} s")
    yield Figure.at_most("  peak memory of the whole process", [process.megabytes], MEGABYTES, "MB", places=0)


def _measure(place: Place, plan: Plan) -> tuple[list[Run], list[Process]]:
    first, *days = windy_dates(1 + plan.dates + plan.processes)
    with (
        place.database(f"live_{plan.latency_ms}") as database_url,
        standin([first, *days], plan.latency_ms) as elexon_url,
    ):
        # The first date fetches the register and imports what is imported late; it is not counted.
        runs = in_own_process(_run_dates, place.settings(elexon_url), database_url, [first, *days[: plan.dates]])[1:]
        # From a process of its own too: a child's peak memory begins with that of the process that started it.
        environment = place.environment(elexon_url, database_url)
        return runs, in_own_process(_run_processes, environment, days[plan.dates :])


def _wall_figures(plan: Plan, runs: Sequence[Run], processes: Sequence[Process]) -> Iterator[Figure]:
    report = runs[0].report
    ideal = plan.latency_ms / 1000 * math.ceil(report.requests / Settings().concurrency)
    walls = [run.wall for run in runs]
    yield Figure.at_most(f"wall of a date, {plan.latency_ms} ms latency", walls, ideal + OVERHEAD_SECONDS, "s")
    yield Figure(f"  beyond the ideal of {report.requests} requests", spread([wall - ideal for wall in walls], "s"))
    yield Figure("  by stage, ms", median_seconds(runs))
    yield Figure("  the whole `reingest date` process", spread([process.wall for process in processes], "s"))


def _cost_figures(plan: Plan, runs: Sequence[Run], processes: Sequence[Process]) -> Iterator[Figure]:
    latency = f"{plan.latency_ms} ms latency"
    cpu, megabytes = [process.cpu for process in processes], [process.megabytes for process in processes]
    yield Figure.at_most(f"CPU of a date, {latency}", [run.cpu for run in runs], CPU_SECONDS, "s")
    yield Figure.at_most("  with imports: the whole process", cpu, CPU_SECONDS, "s")
    yield Figure.at_most("  peak memory of the whole process", megabytes, MEGABYTES, "MB", places=0)


def _run_dates(settings: Settings, database_url: str, days: list[date]) -> list[Run]:
    return [run_date(settings, database_url, DateRequest(day)) for day in days]


def _run_processes(environment: dict[str, str], days: list[date]) -> list[Process]:
    return [run_process(environment, "date", day.isoformat()) for day in days]
