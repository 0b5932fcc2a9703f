"""When requests may go out: a time budget for all of them, and even gaps between them.

A token bucket would let twice its rate through after a pause; here no two requests are ever closer than the gap. One
process keeps its own gaps (`Pacer`); several that share a rate take their slots at one gate (`SharedPacer`).
"""

import asyncio
import math
import time
from typing import Final, Protocol

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


class Gate(Protocol):
    """Gives out slots, one after the other, to every process that shares a rate."""

    async def take(self, gap_seconds: float) -> float:
        """Take the next free slot, and leave a gap behind it; return the seconds until it begins.

        Raises:
            DatabaseError: the gate cannot be reached, or not used.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Give out no slot for so long; whoever has one already keeps it. Where nobody is reached, it is let be."""
        ...


class Pace(Protocol):
    """Lets the requests of one client out."""

    async def turn(self) -> None:
        """Return when the next request may go out.

        Raises:
            SourceTooSlow: that would be after the end of the budget.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Hold every request for so long, since a source that says "too many" means all of them."""
        ...


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

    async def pause(self, seconds: float) -> None:
        """Hold every request for so long, since a source that says "too many" means all of them."""
        self._next = max(self._next, self._waits.monotonic() + seconds)


LATE_SECONDS: Final = 0.005
"""How late a request may be for its slot at the least: finer than this no event loop wakes up."""
_FORGETTING: Final = 1.1


class SharedPacer:
    """Lets requests out in slots of a gate, so that all processes that share it keep the rate together.

    Slots are a gap apart, requests are not quite: a process wakes up late, or its answer from the gate is slow. A
    request that is late for its slot by more than `tolerance` would crowd the ones behind it, so it gives the slot up
    and takes another one. In any second then go out at most rate + 1.
    """

    def __init__(self, gate: Gate, requests_per_second: float, budget: Budget, waits: Waits) -> None:
        """Pace at that rate, which is more than 0, with whoever else uses the gate."""
        self._gate = gate
        self._budget = budget
        self._waits = waits
        self._held_until = waits.monotonic()
        self._shortest_trip = math.inf
        self._queue = asyncio.Lock()
        self.tolerance = max(0.5 / requests_per_second, LATE_SECONDS)
        # A second has room for (1 + tolerance) / gap + 1 requests: rate + 1 at rates up to 200, whose gap stays 1/rate.
        self.gap = max(1 / requests_per_second, (1 + self.tolerance) / (requests_per_second + 1))

    async def turn(self) -> None:
        """Return when the next request may go out.

        Raises:
            SourceTooSlow: that would be after the end of the budget.
            DatabaseError: the gate cannot be reached, or not used.
        """
        async with self._queue:
            while not await self._in_a_slot():
                self._budget.require()

    async def pause(self, seconds: float) -> None:
        """Hold every request for so long, also those of whoever else uses the gate."""
        if seconds > 0:
            self._held_until = max(self._held_until, self._waits.monotonic() + seconds)
            await self._gate.pause(seconds)

    async def _in_a_slot(self) -> bool:
        """Take a slot and wait for it; False where it was missed."""
        asked = self._waits.monotonic()
        wait = await self._gate.take(self.gap)
        answered = self._waits.monotonic()
        # What every answer takes delays all alike and crowds nobody. It is forgotten slowly, for a way may grow longer.
        self._shortest_trip = min(self._shortest_trip * _FORGETTING, answered - asked)
        # The gate counted from some moment between the two: never go before the later one of what that may mean.
        while (early := max(answered + wait, self._held_until) - self._waits.monotonic()) > 0:
            await self._budget.sleep(early)
        self._budget.require()
        late = self._waits.monotonic() - (asked + self._shortest_trip + wait)
        return late <= self.tolerance
