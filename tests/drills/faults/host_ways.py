"""Ways in which faults of the process and its host are made: signals, memory, clocks, a heart that stops."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from reingest.clock import SystemClock, use_clock
from reingest.store.heartbeat import Heartbeat
from tests.drills.faults.fault import Ground, plain_run
from tests.support.days import DATE
from tests.support.sites import Command, Ran

SHORT_TTL = {"REINGEST_LEASE_TTL_SECONDS": "2"}


class Ahead:
    """A clock that is ahead of the machine's; behind it where the difference is negative."""

    def __init__(self, by: timedelta, *, after_readings: int = 0) -> None:
        """Be ahead from the first reading, or after so many."""
        self._by = by
        self._left = after_readings

    def now(self) -> datetime:
        self._left -= 1
        return SystemClock().now() + (self._by if self._left < 0 else timedelta())


@contextmanager
def clock_ahead(_ground: Ground, *, hours: int, after_readings: int = 0) -> Iterator[None]:
    """Set this machine's clock against the database's; in the middle of the run after so many readings."""
    with use_clock(Ahead(timedelta(hours=hours), after_readings=after_readings)):
        yield


@contextmanager
def heart_stops(ground: Ground) -> Iterator[None]:
    """Have the heartbeat's thread end at once, and the run take longer than its lease."""
    ground.elexon.script([{"kind": "latency", "ms": 3000, "dataset": "ISPSTACK", "periods": 7, "side": "bid"}])
    with patch.object(Heartbeat, "_run", lambda _: None):
        yield
    ground.elexon.script([])


def _stopped(ground: Ground, place: str, **environment: str) -> Command:
    command = ground.site.start("date", DATE, "--json", stop_at=place, **environment)
    command.wait_until_stopped()
    return command


def run_signalled(ground: Ground, *, place: str, number: signal.Signals) -> Ran:
    """Send a signal to a run that stands at a checkpoint, and let it go on."""
    command = _stopped(ground, place)
    command.send(number)
    command.send(signal.SIGCONT)
    ran = command.finish()
    _until_gone(ground)
    return ran


def run_asleep(ground: Ground, *, place: str) -> Ran:
    """Stop a run at a checkpoint until its lease has expired, then let it go on."""
    command = _stopped(ground, place, **SHORT_TTL)
    while not ground.site.value("select expires_at < clock_timestamp() from lease"):
        time.sleep(0.05)
    command.send(signal.SIGCONT)
    return command.finish()


def run_beside_another(ground: Ground) -> Ran:
    """Run a date while another process holds it, which publishes afterwards."""
    other = _stopped(ground, "after_verify")
    ran = plain_run(ground)
    other.send(signal.SIGCONT)
    assert other.finish().exit_code == 0
    return ran


def _until_gone(ground: Ground) -> None:
    """Return when Postgres has noticed that the process is gone."""
    connected = (
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and starts_with(application_name, 'reingest ')"
    )
    deadline = time.monotonic() + 10
    while ground.site.value(connected) and time.monotonic() < deadline:
        time.sleep(0.01)
