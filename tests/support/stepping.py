"""Workers stepped through their checkpoints, one at a time, in an order that a seed decides."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar, copy_context
from typing import Final, Generic, TypeVar

import psycopg

from tests.support.scenarios import watched

_T = TypeVar("_T")

_BEATING: Final = frozenset({"before_beat_commit", "after_beat"})
_LOOK_SECONDS: Final = 0.005
_SLOW_SECONDS: Final = 0.5
"""A worker that takes longer from one checkpoint to the next may wait for a file that another has locked."""
_LOCKED: Final = """
select count(*) from pg_stat_activity
where datname = current_database() and state = 'active' and wait_event_type = 'Lock'
"""

_worker: ContextVar["_Worker | None"] = ContextVar("worker", default=None)


class _Worker:
    """Parked at a checkpoint, on the way to the next one, or done; its answers are kept by a thread that parks, too."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.at = ""
        self.go = threading.Semaphore(0)
        self.parked = 0
        self.ended = False
        self.released_at = 0.0


class Stepper(Generic[_T]):
    """Runs works at once, of which only one moves; at each checkpoint the seed decides which goes on.

    A worker that waits for a lock of Postgres, or for a file, is left waiting, and another moves.

    Args:
        seed: Decides the order.
        database_url: Where it is seen who waits for a lock.
        upset: Called once, between two steps that the seed chooses, if the seed wants it: something that happens to the
            workers from outside, such as the end of a lease.
    """

    def __init__(self, seed: int, database_url: str, upset: Callable[[], None] | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311  (an order, no secret)
        self._url = database_url
        self._upset = upset
        self._changed = threading.Condition()
        self.steps: list[tuple[int, str]] = []

    def run(self, works: Sequence[Callable[[], _T]]) -> list[_T | BaseException]:
        """Return what each work returned or raised, in their order."""
        workers = [_Worker(number) for number in range(len(works))]
        results: list[_T | BaseException] = [RuntimeError("never ran") for _ in works]

        def live(worker: _Worker, work: Callable[[], _T]) -> None:
            _worker.set(worker)
            try:
                self._park("start")
                results[worker.number] = work()
            except BaseException as error:  # noqa: BLE001  (whoever asked for the work looks at it)
                results[worker.number] = error
            finally:
                with self._changed:
                    worker.ended = True
                    self._changed.notify_all()

        threads = [
            threading.Thread(target=copy_context().run, args=(live, worker, work), name=f"worker {worker.number}")
            for worker, work in zip(workers, works, strict=True)
        ]
        upset_at = self._random.randrange(1, 120) if self._upset and self._random.random() < 2 / 3 else None
        with watched(self._park), psycopg.connect(self._url, autocommit=True) as looking:
            for thread in threads:
                thread.start()
            while chosen := self._next(workers, looking):
                if len(self.steps) == upset_at and self._upset:
                    self.steps.append((-1, "upset"))
                    self._upset()
                self.steps.append((chosen.number, chosen.at))
                self._release(chosen)
            for thread in threads:
                thread.join()
        return results

    def _park(self, name: str) -> None:
        worker = _worker.get()
        if worker is None or name in _BEATING:
            return
        with self._changed:
            worker.at = name
            worker.parked += 1
            self._changed.notify_all()
        worker.go.acquire()

    def _release(self, worker: _Worker) -> None:
        with self._changed:
            worker.parked -= 1
            worker.released_at = time.monotonic()
        worker.go.release()

    def _next(self, workers: Sequence[_Worker], looking: "psycopg.Connection[tuple[int]]") -> _Worker | None:
        """Return the worker to move, once every other is parked, waiting, or done; None when all are done."""
        while True:
            with self._changed:
                running = [worker for worker in workers if not worker.parked and not worker.ended]
                if running:
                    self._changed.wait(_LOOK_SECONDS)
                running = [worker for worker in workers if not worker.parked and not worker.ended]
                parked = [worker for worker in workers if worker.parked]
            if not running:
                return self._random.choice(parked) if parked else None
            if parked and self._all_wait(running, looking):
                return self._random.choice(parked)

    @staticmethod
    def _all_wait(running: Sequence[_Worker], looking: "psycopg.Connection[tuple[int]]") -> bool:
        slow = [worker for worker in running if time.monotonic() - worker.released_at > _SLOW_SECONDS]
        if len(slow) == len(running):
            return True
        row = looking.execute(_LOCKED).fetchone()
        return row is not None and row[0] >= len(running)
