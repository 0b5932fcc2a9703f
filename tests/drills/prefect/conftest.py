"""Flow runs that drills may kill; none of them is part of a sample, because a boot of Prefect takes ten seconds."""

import pytest

from tests.integration.flows.conftest import elexon, prefect, prefect_server, site, worker, worker_site
from tests.support.drills import DrillSize

__all__ = ["elexon", "prefect", "prefect_server", "site", "worker", "worker_site"]


@pytest.fixture(autouse=True, scope="session")
def _not_in_a_sample(drill_size: DrillSize) -> None:
    if drill_size.name == "sample":
        pytest.skip("takes minutes: make drills-ci")
