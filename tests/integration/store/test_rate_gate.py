"""The rate gate: one row a source, from which all processes take their slots, also when Postgres goes away."""

import asyncio
import logging
from collections.abc import AsyncIterator
from itertools import pairwise

import psycopg
import pytest

from reingest.errors import DatabaseUnreachable
from reingest.store import rate_gate
from reingest.store.rate_gate import AFTER_LOSS_SECONDS, RateGate

SOURCE = "elexon.test"
NOWHERE = "postgresql://nobody@127.0.0.1:9/nothing?connect_timeout=2"
CUT = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
where datname = current_database() and application_name = 'reingest gate'
"""


@pytest.fixture
async def gate(database_url: str) -> AsyncIterator[RateGate]:
    async with RateGate(database_url, SOURCE) as gate:
        yield gate


def value(database_url: str, query: str) -> object:
    with psycopg.connect(database_url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return row and row[0]


async def test_slots_follow_each_other(gate: RateGate, database_url: str) -> None:
    """Slots that two gates of one source take are a gap apart, and another source's are its own."""
    async with RateGate(database_url, SOURCE) as second, RateGate(database_url, "other.test") as other:
        waits = [await one.take(100) for one in (gate, second, gate, second)]
        assert all(99 < later - earlier <= 100 for earlier, later in pairwise(waits))
        assert -1 < await other.take(100) < 1


async def test_what_nobody_took_is_not_saved_up(gate: RateGate) -> None:
    """After an idle while the next slot is now, and the one after it a gap away."""
    await gate.take(0.01)
    await asyncio.sleep(0.05)
    first, second = await gate.take(50), await gate.take(50)
    assert (first <= 0.01, second > 45) == (True, True)


async def test_a_pause_moves_everyone(gate: RateGate, database_url: str) -> None:
    """A pause is waited for by whoever asks next, wherever; a shorter one does not end it."""
    await gate.pause(100)
    await gate.pause(1)
    async with RateGate(database_url, SOURCE) as other:
        assert 99 < await other.take(1) <= 100
    assert value(database_url, "select pauses from rate_gate") == 2


async def test_a_lost_connection_is_replaced(
    gate: RateGate, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A gate whose connection is cut takes its next slot over another one, a second later, and says so."""
    await gate.take(0.01)
    value(database_url, CUT)
    with caplog.at_level(logging.WARNING):
        wait = await gate.take(0.01)
    assert wait == pytest.approx(AFTER_LOSS_SECONDS, abs=0.2)
    assert [record.message[:40] for record in caplog.records] == [
        "no request goes out while the rate gate ",
        "the rate gate can be reached again",
    ]
    assert await gate.take(0.01) > 0


async def test_a_gate_without_postgres(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """While there is no Postgres nobody gets a slot, and after a while that is the end; a pause is let be."""
    monkeypatch.setattr(rate_gate, "PATIENCE_SECONDS", 0.5)
    async with RateGate(NOWHERE, SOURCE) as gate:
        with pytest.raises(DatabaseUnreachable):
            await gate.take(0.01)
        await gate.pause(5)
    assert "the other processes could not be told to wait" in caplog.text


async def test_a_gate_is_closed_while_it_waits() -> None:
    """A gate whose run ends while it waits for Postgres lets go within a moment."""
    async with asyncio.timeout(5), RateGate(NOWHERE, SOURCE) as gate:
        waiting = asyncio.create_task(gate.take(0.01))
        await asyncio.sleep(0.1)
        waiting.cancel()


async def test_the_event_loop_goes_on(gate: RateGate, database_url: str) -> None:
    """While the row is locked by another the event loop is free, and the slot comes when the lock goes."""
    await gate.take(0.01)
    with psycopg.connect(database_url) as locker:
        locker.execute("select from rate_gate for update")
        waiting = asyncio.create_task(gate.take(0.01))
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert not waiting.done()
        locker.rollback()
        assert await waiting <= 0.01
    assert value(database_url, "select waited_seconds >= 0 and slots = 2 from rate_gate") is True
