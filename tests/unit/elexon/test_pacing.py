import asyncio
from itertools import pairwise

import pytest

from reingest.elexon.pacing import Budget, Pacer, RealWaits, Waits
from reingest.errors import SourceTooSlow


async def departures(pacer: Pacer, waits: Waits, count: int) -> list[float]:
    """Let so many requests ask for their turn at once; return when each went, from the first on."""
    times = []

    async def go() -> None:
        await pacer.turn()
        times.append(waits.monotonic())

    await asyncio.gather(*(go() for _ in range(count)))
    return [time - times[0] for time in times]


async def test_even_gaps(waits: Waits) -> None:
    """Requests that all ask at once leave evenly, one every 1/rate seconds, and never in a burst."""
    pacer = Pacer(20, Budget(900, waits), waits)
    assert await departures(pacer, waits, 6) == pytest.approx([0, 0.05, 0.1, 0.15, 0.2, 0.25])


async def test_no_credit_for_idle_time(waits: Waits) -> None:
    """After an idle while requests are no closer than before: what was not used is not saved up."""
    pacer = Pacer(20, Budget(900, waits), waits)
    await pacer.turn()
    await waits.sleep(10)
    assert await departures(pacer, waits, 3) == pytest.approx([0, 0.05, 0.1])


async def test_no_pacing(waits: Waits) -> None:
    """A rate of 0 lets everything out at once."""
    assert await departures(Pacer(0, Budget(900, waits), waits), waits, 5) == [0, 0, 0, 0, 0]


async def test_pause(waits: Waits) -> None:
    """A pause that the source asks for holds every request, those already in the queue too."""
    pacer = Pacer(20, Budget(900, waits), waits)
    start = waits.monotonic()
    await pacer.turn()
    waiting = asyncio.gather(pacer.turn(), pacer.turn())
    await asyncio.sleep(0)
    pacer.pause(7)
    await waiting
    assert waits.monotonic() - start == pytest.approx(7.05)


async def test_pause_never_shortens(waits: Waits) -> None:
    """A shorter pause asked for later does not end a longer one."""
    pacer = Pacer(0, Budget(900, waits), waits)
    pacer.pause(7)
    pacer.pause(1)
    start = waits.monotonic()
    await pacer.turn()
    assert waits.monotonic() - start == pytest.approx(7)


async def test_no_vain_wait(waits: Waits) -> None:
    """A wait that would outlive the budget is refused at once, and says how much was asked and left."""
    budget = Budget(10, waits)
    start = waits.monotonic()
    with pytest.raises(SourceTooSlow, match=r"a wait of 60\.0 s is asked and 10\.0 s are left"):
        await budget.sleep(60)
    assert waits.monotonic() == start


async def test_spent_budget(waits: Waits) -> None:
    """Once the budget is spent nothing more goes out."""
    budget = Budget(10, waits)
    pacer = Pacer(0, budget, waits)
    await budget.sleep(9)
    await pacer.turn()
    await waits.sleep(2)
    with pytest.raises(SourceTooSlow, match=r"the 10 s for all requests of this run are spent$"):
        await pacer.turn()


async def test_real_time() -> None:
    """On the machine's own time a pace of 50 a second lets five requests take at least 80 ms."""
    waits = RealWaits()
    went = await departures(Pacer(50, Budget(10, waits), waits), waits, 5)
    assert all(later - earlier >= 0.02 for earlier, later in pairwise(went))
