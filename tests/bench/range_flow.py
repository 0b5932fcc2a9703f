"""A range as one flow run: what Prefect is asked for each of its dates."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from deployments.prefect_settings import plain_environment, worker_environment
from tests.bench.elexon import backfill_standin
from tests.bench.figures import Figure
from tests.bench.flow import begin_warm_process
from tests.bench.place import Place, own_process
from tests.bench.prefect_place import server

CALLS: Final = 12
JOBS: Final = 2


def figures(place: Place, shared: Path, first: date, last: date) -> Iterator[Figure]:
    """Back-fill dates as the flow `reingest-range`, and count the calls that stand in the log of Prefect's server."""
    number = (last - first).days + 1
    with (
        place.database("range_prefect", copied_from="template0") as prefect_url,
        place.database("range_flow") as database_url,
        backfill_standin(shared) as elexon_url,
        server(place, prefect_url) as prefect,
    ):
        of_worker = worker_environment(prefect.api.folder, prefect.api.api_url)
        environment = plain_environment() | of_worker | place.variables(elexon_url, database_url)
        with own_process(begin_warm_process, environment, place.home / "range_flow.log") as process:
            state = process.submit(_run_flow, first, last).result()
        calls = prefect.calls()
    if state != f"{number} Published":
        raise RuntimeError(f"the flow run of the range ended {state}")
    yield Figure.at_most(f"Prefect API calls a date, {number} dates", [len(calls) / number], CALLS, "calls", places=1)
    most = Counter(call.partition("/api")[2].split("/")[1] for call in calls).most_common(4)
    yield Figure("  most of them", ", ".join(f"{name} {count / number:.1f}" for name, count in most))


def _run_flow(first: date, last: date) -> str | None:
    """Run the flow in this process, as its engine does it; return the name of its state."""
    from flows.reingest_range import reingest_range  # noqa: PLC0415  (slow to import)

    async def run() -> str | None:
        state = await reingest_range(first.isoformat(), last.isoformat(), jobs=JOBS, return_state=True)
        return state.name

    return asyncio.run(run())
