"""The one clock: every reading of wall time in Reingest goes through it, so that tests can set it.

Database time (`clock_timestamp()`) decides leases; this clock decides everything else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Something that knows the present instant."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands at one instant until it is set to another."""

    def __init__(self, instant: datetime) -> None:
        """Stand at `instant`, which must be aware."""
        self.instant = instant

    def now(self) -> datetime:
        """Return the instant at which the clock stands, in UTC."""
        return self.instant.astimezone(UTC)


_clock: ContextVar[Clock] = ContextVar("reingest_clock", default=SystemClock())  # noqa: B039  (stateless)


def utc_now() -> datetime:
    """Return the present instant of the clock in force, aware, in UTC."""
    return _clock.get().now()


@contextmanager
def use_clock(clock: Clock) -> Iterator[None]:
    """Put `clock` in force for the block."""
    token = _clock.set(clock)
    try:
        yield
    finally:
        _clock.reset(token)
