"""Sites whose served date faults may threaten."""

import pytest

from tests.drills.faults.catalogue import places
from tests.fixtures.drills import size_key
from tests.integration.operations.conftest import published_site

__all__ = ["published_site"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every way of every fault, or, in a sample, a few."""
    if "place" in metafunc.fixturenames:
        size = metafunc.config.stash[size_key]
        chosen = [place for place in places() if size.name != "sample" or place.trial.sample]
        metafunc.parametrize("place", chosen, ids=str)
