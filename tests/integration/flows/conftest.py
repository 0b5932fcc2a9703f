"""A site whose dates Prefect runs, with one worker for the tests of a module: each has a date of its own."""

import asyncio
import gc
import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from deployments.children import Child
from reingest.standin.server import StandIn
from tests.fixtures.prefect import prefect, prefect_server
from tests.support.days import A_DAY, DATE, LATER_DATE, NEXT_DATE, of_date
from tests.support.postgres import Databases
from tests.support.prefect import PrefectServer
from tests.support.sites import Site, recorded_elexon

if TYPE_CHECKING:
    from prefect import State

__all__ = ["prefect", "prefect_server"]


@pytest.fixture(scope="module")
def elexon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Return an Elexon that publishes the same rows on three dates."""
    rows = [row for day in (DATE, NEXT_DATE, LATER_DATE) for row in of_date(day, A_DAY)]
    with recorded_elexon(tmp_path_factory.mktemp("elexon"), rows) as elexon:
        yield elexon


@pytest.fixture(scope="module")
def worker_site(
    databases: Databases,
    template: str,
    tmp_path_factory: pytest.TempPathFactory,
    elexon: StandIn,
    prefect_server: PrefectServer,
) -> Iterator[Site]:
    """Return a site where nothing was ever published, and whose Prefect is the run's."""
    with databases.database(template) as url:
        home = tmp_path_factory.mktemp("site") / "home"
        yield Site(url, home, elexon.url, {"PREFECT_API_URL": prefect_server.api_url})


@pytest.fixture(scope="module")
def worker(prefect_server: PrefectServer, worker_site: Site) -> Iterator[Child]:
    """Return a worker that runs the site's dates."""
    with prefect_server.worker(worker_site.environment()) as worker:
        yield worker


@pytest.fixture
def site(worker_site: Site, elexon: StandIn, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Return the worker's site, to which this process belongs too; its Elexon answers as it should."""
    for name, value in worker_site.environment().items():
        monkeypatch.setenv(name, value)
    elexon.script([])
    elexon.reset()
    return worker_site


@pytest.fixture
def run_here(prefect: PrefectServer, site: Site) -> Iterator[Callable[..., "State[Any]"]]:
    """Return what runs a flow of the site in this process, on the run's server; a worker takes seconds more.

    A test that asks for it is marked with `filterwarnings("ignore:unclosed:ResourceWarning")`: Prefect leaves two
    sockets of each event loop to the collector.
    """

    async def ended(flow: Any, parameters: dict[str, Any]) -> "State[Any]":
        state: State[Any] = await flow(**parameters, return_state=True)
        return state

    def run(flow: Any, **parameters: Any) -> "State[Any]":
        with patch.dict(os.environ, site.environment()):
            return asyncio.run(ended(flow, parameters))

    yield run
    gc.collect()
