"""A standby by streaming replication that lags behind, made with the embedded server's own programs."""

from tests.drills.faults.fault import Ground
from tests.support.sites import Ran


def run_on_a_replica(ground: Ground) -> Ran:
    raise NotImplementedError
