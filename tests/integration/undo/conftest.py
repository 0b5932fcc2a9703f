"""Sites whose dates have histories: versions that were published and superseded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.operations.conftest import published_site
from tests.support.days import A_DAY, DATE, NEXT_DATE, of_date
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of, recorded_elexon

__all__ = ["published_site"]


@pytest.fixture(scope="session")
def history_site(
    published_site: Site, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Return a site to be copied: a date published three times, each time with other figures, and the day after."""
    folder = tmp_path_factory.mktemp("history")
    elexon = recorded_elexon(folder, (*A_DAY, *of_date(NEXT_DATE)))
    with elexon, copy_of(published_site, databases, folder / "home") as site:
        site.elexon_url = elexon.url
        for factor in ("2", "1.5"):
            elexon.restate(DATE, unit="T_HILLW-1", volume_factor=factor)
            assert site.date(DATE).json["outcome"] == "published"
        assert site.date(NEXT_DATE).json["outcome"] == "published"
        site.elexon_url = Site.elexon_url
        yield site


@pytest.fixture
def history(history_site: Site, databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """Return a site with three versions of a date and one of the next; its Elexon is out of reach."""
    with copy_of(history_site, databases, tmp_path / "home") as site:
        yield site


@pytest.fixture(scope="session")
def changed_site(history_site: Site, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site to be copied that was backed up and has published the date twice since."""
    with copy_of(history_site, databases, tmp_path_factory.mktemp("changed") / "home") as site:
        assert site.reingest("backup", "create").exit_code == 0
        assert site.reingest("restore", DATE, "--version", 1, "--reason", "a change").exit_code == 0
        assert site.date(DATE, "--source", "archive", "--force").json["outcome"] == "published"
        yield site


@pytest.fixture
def changed(changed_site: Site, databases: Databases, tmp_path: Path) -> Iterator[tuple[Site, Path]]:
    """Return a site that has changed since it was backed up, and the backup."""
    with copy_of(changed_site, databases, tmp_path / "home") as site:
        (path,) = (site.home / "backups").glob("*.dump")
        yield site, path
