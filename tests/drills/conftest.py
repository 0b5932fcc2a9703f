"""Places that drills may copy and break."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.postgres import Databases
from tests.support.scenarios import Places


@pytest.fixture(scope="session")
def places(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """Return the Elexons and sites that drills begin from."""
    with ExitStack() as until:
        yield Places(databases, template, tmp_path_factory.mktemp("places"), until)
