"""When requests may go out: a time budget for all of them, and even gaps between them.

A token bucket would let twice its rate through after a pause; here no two requests are ever closer than the gap.
"""

import asyncio
import time
from typing import Protocol

from reingest.errors import SourceTooSlow


class Waits(Protocol):
    """Something that measures durations and can wait: the machine, or a test's own time."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment; never runs backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class RealWaits:
    """The machine's own durations."""

    def monotonic(self) -> float:
        """Return seconds since some fixed moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let other tasks run for that many seconds."""
        await asyncio.sleep(seconds)


class Budget:
    """The time that all requests of one run may take, waits included."""

    def __init__(self, seconds: float, waits: Waits) -> None:
        """Start the budget now."""
        self.seconds = seconds
        self._waits = waits
        self._end = waits.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; negative when it is overspent."""
        return self._end - self._waits.monotonic()

    def require(self, seconds: float = 0.0) -> None:
        """Refuse to go on where fewer than `seconds` are left.

        Raises:
            SourceTooSlow: the budget is spent, or would be by that wait.
        """
        left = self.left
        if left <= seconds:
            wish = f"; a wait of {seconds:.1f} s is asked and {max(left, 0):.1f} s are left" if seconds else ""
            raise SourceTooSlow(f"the {self.seconds:g} s for all requests of this run are spent{wish}")

    async def sleep(self, seconds: float) -> None:
        """Wait, but never in vain: a wait beyond the budget is refused at once.

        Raises:
            SourceTooSlow: the wait is longer than what is left.
        """
        self.require(seconds)
        await self._waits.sleep(seconds)


class Pacer:
    """Lets requests out one by one, in the order in which they came, `1 / rate` seconds apart."""

    def __init__(self, requests_per_second: float, budget: Budget, waits: Waits) -> None:
        """Pace at that rate; 0 means no gap, though a pause that the source asks for still holds."""
        self._gap = 1 / requests_per_second if requests_per_second else 0.0
        self._budget = budget
        self._waits = waits
        self._next = waits.monotonic()
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Return when the next request may go out.

        Raises:
            SourceTooSlow: that would be after the end of the budget.
        """
        async with self._queue:
            # Looked at again after each sleep, because a pause may have begun meanwhile.
            while (early := self._next - self._waits.monotonic()) > 0:
                await self._budget.sleep(early)
            self._budget.require()
            # From now, not from the slot: a late wake-up must not bring the next request closer.
            self._next = self._waits.monotonic() + self._gap

    def pause(self, seconds: float) -> None:
        """Hold every request for so long, since a source that says "too many" means all of them."""
        self._next = max(self._next, self._waits.monotonic() + seconds)
