import asyncio
from bisect import bisect_left
from itertools import pairwise

import pytest

from reingest.elexon.pacing import Budget, Pace, Pacer, RealWaits, SharedPacer, Waits
from reingest.errors import SourceTooSlow


async def departures(pacer: Pace, waits: Waits, count: int) -> list[float]:
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
    await pacer.pause(7)
    await waiting
    assert waits.monotonic() - start == pytest.approx(7.05)


async def test_pause_never_shortens(waits: Waits) -> None:
    """A shorter pause asked for later does not end a longer one."""
    pacer = Pacer(0, Budget(900, waits), waits)
    await pacer.pause(7)
    await pacer.pause(1)
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


class FakeGate:
    """A gate in this process, whose slots follow the test's own time; each answer takes one of `trips`, then none."""

    def __init__(self, waits: Waits) -> None:
        self.waits = waits
        self.next_at = waits.monotonic()
        self.trips: list[float] = []
        self.slots: list[float] = []

    async def take(self, gap_seconds: float) -> float:
        slot = max(self.next_at, self.waits.monotonic())
        self.next_at = slot + gap_seconds
        self.slots.append(slot)
        wait = slot - self.waits.monotonic()
        if self.trips and (trip := self.trips.pop(0)):
            await self.waits.sleep(trip)
        return wait

    async def pause(self, seconds: float) -> None:
        self.next_at = max(self.next_at, self.waits.monotonic() + seconds)


def most_in_a_second(went: list[float]) -> int:
    """Return how many of these instants, in order, lie in one second at the most, the second's end left out."""
    return max(bisect_left(went, start + 1 - 1e-9) - index for index, start in enumerate(went))


async def test_shared_slots(waits: Waits) -> None:
    """Two clients at one gate leave one after the other, a gap of 1/rate apart but for what a request may be late."""
    gate, budget = FakeGate(waits), Budget(900, waits)
    pacers = [SharedPacer(gate, 20, budget, waits) for _ in range(2)]
    went: list[float] = []

    async def go(pacer: SharedPacer) -> None:
        await pacer.turn()
        went.append(waits.monotonic())

    await asyncio.gather(*(go(pacer) for pacer in pacers * 15))
    assert [later - earlier for earlier, later in pairwise(gate.slots)] == pytest.approx([0.05] * (len(gate.slots) - 1))
    assert min(later - earlier for earlier, later in pairwise(went)) >= 0.05 - pacers[0].tolerance - 1e-9
    assert most_in_a_second(went) <= 21


async def test_a_pause_holds_all_clients(waits: Waits) -> None:
    """A pause that one client was asked for holds the other one too, but for a request that had its slot already."""
    gate, budget = FakeGate(waits), Budget(900, waits)
    asked, other = (SharedPacer(gate, 20, budget, waits) for _ in range(2))
    start = waits.monotonic()
    await asked.turn()
    waiting = asyncio.gather(asked.turn(), asked.turn())
    await asyncio.sleep(0)
    await asked.pause(7)
    await other.turn()
    assert waits.monotonic() - start >= 7
    await waiting
    assert waits.monotonic() - start == pytest.approx(7.1, abs=0.06)


async def test_a_late_request_gives_its_slot_up(waits: Waits) -> None:
    """A request that hears from the gate too late for its slot takes another one, and does not crowd the next."""
    gate = FakeGate(waits)
    pacer = SharedPacer(gate, 20, Budget(900, waits), waits)
    await pacer.turn()
    gate.trips = [0.0, 0.2]
    await pacer.turn()
    went = [waits.monotonic()]
    await pacer.turn()
    assert len(gate.slots) == 4
    assert waits.monotonic() - gate.slots[-1] == pytest.approx(0)
    assert waits.monotonic() - went[0] >= 0.2


async def test_a_gate_far_away_delays_and_does_not_stop(waits: Waits) -> None:
    """Where each answer takes several gaps the requests still go out: what delays all alike crowds nobody."""
    gate = FakeGate(waits)
    gate.trips = [0.001] + [0.12] * 400
    pacer = SharedPacer(gate, 20, Budget(900, waits), waits)
    went = await departures(pacer, waits, 20)
    assert went[-1] - went[-10] <= 9 * 0.121


@pytest.mark.parametrize("rate", [0.5, 1, 3, 20, 200, 1000])
def test_lateness_has_room(rate: float, waits: Waits) -> None:
    """Requests that are as late for their slots as is allowed, or not at all, never exceed rate + 1 in a second."""
    pacer = SharedPacer(FakeGate(waits), rate, Budget(900, waits), waits)
    slots = [n * pacer.gap for n in range(int(3 * rate) + 4)]
    worst = [slot + pacer.tolerance if slot < 1.5 else slot for slot in slots]
    assert max(most_in_a_second(sorted(worst)), most_in_a_second(slots)) <= rate + 1


async def test_the_budget_ends_a_shared_wait(waits: Waits) -> None:
    """A slot beyond the time budget is refused at once."""
    gate = FakeGate(waits)
    await gate.pause(60)
    with pytest.raises(SourceTooSlow, match=r"60\.0 s is asked and 10\.0 s are left"):
        await SharedPacer(gate, 20, Budget(10, waits), waits).turn()
