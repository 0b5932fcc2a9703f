"""A date by way of Prefect: what that adds to the bare stages, what Prefect is asked, and what it takes up."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import psutil

from deployments.prefect_settings import plain_environment, worker_environment
from reingest.operations.request import DateRequest
from reingest.settings import Settings
from reingest.tuning import tune_process
from tests.bench.days import cpu_seconds, run_date
from tests.bench.elexon import standin, windy_dates
from tests.bench.figures import Figure, spread
from tests.bench.growth import figure_of_what_stays, growth_figures, size
from tests.bench.place import Place, own_process
from tests.bench.prefect_place import PrefectPlace, server
from tests.support.prefect import wait_until

LATENCY_MS: Final = 50
WARM_SECONDS: Final = 0.4
WORKER_SECONDS: Final = 1.5
CALLS: Final = 40
DATES: Final = 15
QUICK_DATES: Final = 3

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took: wall and CPU seconds."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Flow:
    """A date that ran as a flow, beside the same date run bare.

    Attributes:
        flow: What the flow took; by a worker, from its taking the run to its outcome, and its whole process's CPU.
        calls: How often Prefect's API was asked.
        since_submitted: The seconds from the submission to the outcome; None where nothing was submitted.
    """

    bare: Took
    flow: Took
    calls: int
    since_submitted: float | None = None


@dataclass(frozen=True)
class Site:
    """Where dates run: a home and a database for the bare ones, and others for the flows, which help nobody else."""

    process: ProcessPoolExecutor
    bare_settings: Settings
    bare_url: str
    prefect: PrefectPlace

    def bare(self, day: date) -> Took:
        """Run a date's bare stages in the warm process."""
        return self.process.submit(_run_bare, self.bare_settings, self.bare_url, day).result()

    def warm(self, day: date) -> Flow:
        """Run a date bare, and as a flow in the same process, in either order."""
        calls = len(self.prefect.calls())
        bare, flow = _by_turns(day, self.bare, lambda day: self.process.submit(_run_flow, day).result())
        return Flow(bare, flow, len(self.prefect.calls()) - calls)

    def worked(self, day: date, worker: int | None) -> Flow:
        """Run a date bare, and as a flow by the worker of this process number, in either order."""
        calls = len(self.prefect.calls())
        bare, (run, cpu) = _by_turns(day, self.bare, lambda day: _run_by_worker(self.prefect, day, worker))
        seconds = self.prefect.seconds_since
        flow = Took(seconds("Pending", run), cpu)
        return Flow(bare, flow, len(self.prefect.calls()) - calls, seconds("Scheduled", run))


def figures(place: Place, *, quick: bool) -> Iterator[Figure]:
    """Run dates bare and as flows, first in one warm process, then by a worker; at last let Prefect forget them."""
    number = QUICK_DATES if quick else DATES
    first, *days = windy_dates(1 + 2 * number)
    with place.database("prefect", copied_from="template0") as prefect_url:
        with (
            standin([first, *days], LATENCY_MS) as elexon_url,
            place.database("flows") as flows_url,
            server(place, prefect_url) as prefect,
            _site(place, prefect, elexon_url, flows_url) as site,
        ):
            prefect.api.require_registered()
            before = size(prefect_url, compacted=True)
            site.warm(first)  # imports what is imported late
            yield from _warm_figures([site.warm(day) for day in days[:number]])
            with prefect.api.worker(place.variables(elexon_url, flows_url)) as worker:
                yield from _worker_figures([site.worked(day, worker.pid) for day in days[number:]])
                yield from _memory_figures(server=prefect.child.pid, worker=worker.pid)
            after = size(prefect_url)
        flows = 1 + 2 * number
        yield from growth_figures(before, after, flows)
        yield figure_of_what_stays(place, prefect_url, before, flows)


@contextmanager
def _site(place: Place, prefect: PrefectPlace, elexon_url: str, flows_url: str) -> Iterator[Site]:
    """Give a site whose warm process has the environment of a worker's flow runs."""
    of_worker = worker_environment(prefect.api.folder, prefect.api.api_url) | place.variables(elexon_url, flows_url)
    apart = place.within("bare")
    with (
        place.database("bare") as bare_url,
        own_process(begin_warm_process, plain_environment() | of_worker, place.home / "warm.log") as process,
    ):
        yield Site(process, apart.settings(elexon_url), bare_url, prefect)


def begin_warm_process(environment: dict[str, str], log: Path) -> None:
    """Be the warm process: what Prefect tells the terminal goes to a file."""
    os.environ.update(environment)
    os.chdir(log.parent)  # Prefect reads the settings of whatever project it is started in
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    tune_process()


def _run_bare(settings: Settings, database_url: str, day: date) -> Took:
    run = run_date(settings, database_url, DateRequest(day))
    return Took(run.wall, run.cpu)


def _run_flow(day: date) -> Took:
    """Run a flow in this process, in an event loop of its own, as its engine does it."""
    wall, cpu = time.perf_counter(), cpu_seconds()
    state = asyncio.run(_flow_state(day))
    took = Took(time.perf_counter() - wall, cpu_seconds() - cpu)
    _require_published(day, state)
    return took


async def _flow_state(day: date) -> str | None:
    from flows.reingest_date import reingest_date  # noqa: PLC0415  (slow to import)

    state = await reingest_date(day, return_state=True)
    return state.name


def _run_by_worker(prefect: PrefectPlace, day: date, worker: int | None) -> tuple[str, float]:
    """Return the flow run's id and the CPU seconds of its process, once that has ended."""
    before = psutil.Process(worker).cpu_times()
    run = prefect.submit(day)
    wait_until(lambda: prefect.has_ended(run), f"the flow run of {day} ends")
    wait_until(lambda: not psutil.Process(worker).children(), f"the process of {day} ends")
    _require_published(day, prefect.state(run))
    after = psutil.Process(worker).cpu_times()
    return run, sum(after[2:4]) - sum(before[2:4])  # of ended children, user and system


def _require_published(day: date, state: str | None) -> None:
    if state != "Published":
        raise RuntimeError(f"the flow run of {day} ended {state}")


def _by_turns(day: date, bare: Callable[[date], A], flow: Callable[[date], B]) -> tuple[A, B]:
    """Return what both return; the one that goes first on this day goes second on the next."""
    if day.toordinal() % 2:
        return bare(day), flow(day)
    of_flow = flow(day)
    return bare(day), of_flow


def _warm_figures(flows: Sequence[Flow]) -> Iterator[Figure]:
    yield from _wall_figures("flow in a warm process", flows, WARM_SECONDS)


def _worker_figures(flows: Sequence[Flow]) -> Iterator[Figure]:
    yield from _wall_figures("flow by a worker", flows, WORKER_SECONDS)
    submitted = [flow.since_submitted for flow in flows if flow.since_submitted is not None]
    yield Figure("  from its submission to its outcome", spread(submitted, "s"))
    yield Figure.at_most("Prefect API calls of a date", [flow.calls for flow in flows], CALLS, "calls", places=0)


def _wall_figures(name: str, flows: Sequence[Flow], limit: float) -> Iterator[Figure]:
    """Each date beside itself: differences, of which the machine's changes of speed are no part."""
    beyond = [one.flow.wall - one.bare.wall for one in flows]
    yield Figure.at_most(f"{name}, beyond bare", beyond, limit, "s")
    yield Figure("  the flow", spread([one.flow.wall for one in flows], "s"))
    yield Figure("  the bare stages of the same dates", spread([one.bare.wall for one in flows], "s"))
    # Of which a busy machine tells more than of walls.
    yield Figure("  CPU beyond bare", spread([one.flow.cpu - one.bare.cpu for one in flows], "s"))


def _memory_figures(**processes: int | None) -> Iterator[Figure]:
    for name, pid in processes.items():
        resident = psutil.Process(pid).memory_info().rss / 1e6
        yield Figure(f"memory of Prefect's {name}", f"{resident:.0f} MB resident")
