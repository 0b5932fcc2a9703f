"""Somebody who restarts Postgres, and ends its connections, at moments that a seed decides."""

import random
import threading
import time
from types import TracebackType
from typing import Self

import psycopg

from reingest.store.embedded import EmbeddedPostgres

TERMINATED_SHARE = 0.25
END_CONNECTIONS = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where starts_with(application_name, 'reingest ') and pid <> pg_backend_pid()"
)


class Monkey:
    """Strikes every so many seconds, until the block ends.

    Attributes:
        restarts: How often Postgres was stopped as by a crash, and started again.
        terminations: How often all connections were ended instead.
        fault: What went wrong with the striking itself.
    """

    def __init__(
        self, server: EmbeddedPostgres, url: str, seed: int, *, seconds: tuple[float, float], most: int | None = None
    ) -> None:
        """Strike after between so many and so many seconds, again and again, or at most so often."""
        self.restarts = self.terminations = 0
        self.fault: Exception | None = None
        self._server = server
        self._url = url
        self._rng = random.Random(seed)  # noqa: S311  (the same strikes for the same seed)
        self._seconds = seconds
        self._most = most
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._strike)

    @property
    def strikes(self) -> int:
        """How often it has struck so far."""
        return self.restarts + self.terminations

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _strike(self) -> None:
        try:
            while self.strikes != self._most and not self._over.wait(self._rng.uniform(*self._seconds)):
                if self._rng.random() < TERMINATED_SHARE:
                    self._terminate()
                else:
                    self._restart()
        except Exception as error:  # noqa: BLE001  (a thread's error is nobody's; the test raises it)
            self.fault = error

    def _terminate(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(END_CONNECTIONS)
        self.terminations += 1

    def _restart(self) -> None:
        self._server.stop(immediate=True)
        self.restarts += 1
        time.sleep(self._rng.uniform(0, 0.5))
        self._server.start()
