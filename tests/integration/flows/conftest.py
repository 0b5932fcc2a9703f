"""Sites whose dates Prefect runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reingest.standin.server import StandIn
from tests.fixtures.prefect import prefect, prefect_server
from tests.support.days import A_DAY
from tests.support.prefect import PrefectServer
from tests.support.sites import Site, recorded_elexon

__all__ = ["prefect", "prefect_server"]


@pytest.fixture
def elexon(tmp_path: Path) -> Iterator[StandIn]:
    """Return an Elexon that publishes the date by hand."""
    with recorded_elexon(tmp_path, A_DAY) as elexon:
        yield elexon


@pytest.fixture
def site(database_url: str, tmp_path: Path, elexon: StandIn, prefect_server: PrefectServer) -> Site:
    """Return a site where nothing was ever published, and whose Prefect is the run's."""
    return Site(database_url, tmp_path / "home", elexon.url, {"PREFECT_API_URL": prefect_server.api_url})
