"""Checkpoints: named places at which a drill may kill the process; nothing happens there otherwise.

One stands after everything that becomes durable, and inside each transaction. `REINGEST_CRASH_AT=after_archive` kills
the process where it first passes the place of that name, `REINGEST_CRASH_AT=after_archive:3` where it does so for the
third time. The kill is SIGKILL, so no handler, `finally` or transaction end runs: what a crash at that place leaves
behind is what the next run finds.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from typing import Final

VARIABLE: Final = "REINGEST_CRASH_AT"

Watch = Callable[[str], None]


def checkpoint(name: str) -> None:
    """Pass the place of that name."""
    if _watch is not None:
        _watch(name)


def watch(watcher: Watch | None) -> None:
    """Have every checkpoint of this process call the watcher with its name; None ends that."""
    global _watch  # noqa: PLW0603  (the alternative is a parameter through every layer)
    _watch = watcher


def signaller(place: str, number: signal.Signals = signal.SIGKILL) -> Watch:
    """Return a watcher that sends the process a signal at a place: a name, or name:n for the n-th time there."""
    name, _, nth = place.partition(":")
    passes: Counter[str] = Counter()

    def send(passed: str) -> None:
        passes[passed] += 1
        if passed == name and passes[name] == int(nth or 1):
            os.kill(os.getpid(), number)

    return send


_watch: Watch | None = signaller(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None
