"""What tests of the outbox need to know of it."""

import time
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from tests.support.sites import Site

FIRST: Final = date(2024, 3, 1)
SECOND: Final = date(2024, 3, 2)


def facts(site: Site, *which: str) -> list[dict[str, Any]]:
    """Return what `outbox list` says, oldest first; everything without a choice."""
    rows: list[dict[str, Any]] = site.reingest("outbox", "list", *(which or ["--all"]), "--json").json
    return rows[::-1]


def states(site: Site) -> list[str]:
    """Return the state of each delivery, oldest first."""
    return [fact["state"] for fact in facts(site)]


def key(day: date, number: int) -> str:
    """Return the dedupe key of a publish."""
    return f"date_published:{day}:{number}"


def wait_until(is_so: Callable[[], object], seconds: float = 15) -> None:
    """Return when it is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
