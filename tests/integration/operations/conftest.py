"""Sites for the stages of a date: empty ones, and ones where the date by hand is published already."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reingest.standin.server import StandIn
from tests.support.days import A_DAY, DATE, NEXT_DATE, Row, of_date
from tests.support.postgres import Databases
from tests.support.sites import Serve, Site, copy_of, recorded_elexon
from tests.support.small_sites import small_site
from tests.support.versions import Store
from tests.support.webhooks import Webhook, running_webhook


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return what serves recorded rows as Elexon would, until the test ends."""
    with ExitStack() as running:

        def start(rows: tuple[Row, ...] = A_DAY, **config: Any) -> StandIn:
            return running.enter_context(recorded_elexon(tmp_path, rows, **config))

        yield start


@pytest.fixture
def elexon(serve: Serve) -> StandIn:
    """Return an Elexon that publishes the date by hand, and the same rows on the day after."""
    return serve((*A_DAY, *of_date(NEXT_DATE)))


@pytest.fixture
def site(database_url: str, tmp_path: Path, elexon: StandIn) -> Site:
    """Return a site where nothing was ever published."""
    return Site(database_url, tmp_path / "home", elexon.url)


@pytest.fixture
def published(published_site: Site, databases: Databases, tmp_path: Path, elexon: StandIn) -> Iterator[Site]:
    """Return a site where the date by hand is published as version 1."""
    with copy_of(published_site, databases, tmp_path / "home") as site:
        site.elexon_url = elexon.url
        yield site


@pytest.fixture(scope="session")
def published_site(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site to be copied, where the date by hand is published as version 1; nobody runs anything in it."""
    folder = tmp_path_factory.mktemp("published")
    with databases.database(template) as url, recorded_elexon(folder, A_DAY) as elexon:
        site = Site(url, folder / "home", elexon.url)
        ran = site.date(DATE)
        assert ran.exit_code == 0, ran.err
        site.elexon_url = Site.elexon_url
        yield site


@pytest.fixture(scope="session")
def small_to_copy(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site to be copied, where two of three small dates are served; nobody runs anything in it."""
    with small_site(databases, template, tmp_path_factory.mktemp("small")) as site:
        yield site


@pytest.fixture
def small(small_to_copy: Site, databases: Databases, tmp_path: Path, elexon: StandIn) -> Iterator[Site]:
    """Return a site of its own, where two of three small dates are served."""
    with copy_of(small_to_copy, databases, tmp_path / "home") as site:
        site.elexon_url = elexon.url
        yield site


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    """Return a webhook that takes everything until it is told otherwise."""
    with running_webhook() as webhook:
        yield webhook


@pytest.fixture
def place(database_url: str, tmp_path: Path, webhook: Webhook) -> Site:
    """Return a site whose webhook is known, and which waits 0.1 s at most after a first failure."""
    settings = {"REINGEST_WEBHOOK_URL": webhook.url, "REINGEST_OUTBOX_RETRY_SECONDS": "0.1"}
    site = Site(database_url, tmp_path / "home", settings=settings)
    assert site.reingest("outbox", "deliver").exit_code == 0
    return site


@pytest.fixture
def store(database_url: str) -> Store:
    """Return what publishes small versions of any date into the test's database."""
    return Store(database_url)
