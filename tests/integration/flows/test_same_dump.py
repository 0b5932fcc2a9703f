"""The flow and the command line: two ways in, one result."""

import asyncio
import gc
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from reingest.standin.server import StandIn, StandInConfig
from tests.support.postgres import Databases
from tests.support.prefect import PrefectServer
from tests.support.sites import Site

LONG_DAY = date(2024, 10, 27)
"""It has 50 periods."""


@pytest.fixture
def elexon() -> Iterator[StandIn]:
    """Return an Elexon that publishes generated days."""
    with StandIn(StandInConfig(generate=321, small=True)) as elexon:
        yield elexon


@pytest.fixture
def by_command(databases: Databases, template: str, tmp_path: Path, elexon: StandIn) -> Iterator[Site]:
    """Return a site for the command line."""
    with databases.database(template) as url:
        yield Site(url, tmp_path / "by-command", elexon.url)


@pytest.fixture
def by_flow(
    database_url: str, prefect: PrefectServer, tmp_path: Path, elexon: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Site]:
    """Return a site for the flow, to which this process belongs."""
    site = Site(database_url, tmp_path / "by-flow", elexon.url)
    for name, value in site.environment().items():
        monkeypatch.setenv(name, value)
    yield site
    # Prefect leaves two sockets of each event loop to the collector; they go here, where that is allowed.
    gc.collect()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_the_flow_and_the_command_give_the_same_dump(by_flow: Site, by_command: Site, elexon: StandIn) -> None:
    """From the same payloads both publish the same bytes: of a whole date, of a range of periods, of one side."""
    dumps = []
    for words, parameters in (
        ((), {}),
        (("--periods", "3-9,47-50"), {"periods": "3-9,47-50"}),
        (("--side", "bid"), {"side": "bid"}),
    ):
        assert asyncio.run(outcome(**parameters)) == "Published"
        assert by_command.date(LONG_DAY, *words).json["outcome"] == "published"
        dumps.append(by_flow.dump(LONG_DAY))
        assert by_command.dump(LONG_DAY) == dumps[-1]
        elexon.restate(LONG_DAY, volume_factor="1.1")
    assert len({*dumps}) == 3


async def outcome(**parameters: str) -> str | None:
    """Run the flow of the long day in this process, and return its state's name."""
    from flows.reingest_date import reingest_date  # noqa: PLC0415  (Prefect is slow to import)

    return (await reingest_date(LONG_DAY, **parameters, return_state=True)).name
