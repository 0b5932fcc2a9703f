"""Sites whose dates have versions that differ, and why is known."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.undo.conftest import history, history_site, published_site
from tests.support.days import A_DAY, DATE
from tests.support.sites import Site, recorded_elexon

__all__ = ["history", "history_site", "published_site"]


@pytest.fixture
def served(history_site: Site) -> Site:
    """Return a site with three versions of a date and one of the next, to be read and never written."""
    return history_site


@pytest.fixture
def elexon_of_the_day(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Return what serves the date by hand after a restatement; it gives the address."""
    with ExitStack() as running:

        def restated(**changes: object) -> str:
            elexon = running.enter_context(recorded_elexon(tmp_path, A_DAY))
            elexon.restate(DATE, **changes)
            return elexon.url

        yield restated
