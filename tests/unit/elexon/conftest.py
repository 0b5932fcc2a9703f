import asyncio
import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def recorded(shared: Path) -> Path:
    """Return the folder of answers that were recorded from Elexon."""
    return shared / "elexon" / "recorded"


@pytest.fixture(scope="session")
def shared_spec(shared: Path) -> dict[str, object]:
    """Return the paths of Elexon's OpenAPI document."""
    document = json.loads((shared / "elexon" / "insights-openapi.settlement.json").read_text())
    paths: dict[str, object] = document["paths"]
    return paths


class FakeWaits:
    """Time that passes only when someone waits: each sleeper wakes when its moment is the earliest left."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        event = asyncio.Event()
        self._sleepers.append((self.now + seconds, len(self.slept), event))
        # Everyone who can run gets to run before time moves on.
        for _ in range(20):
            await asyncio.sleep(0)
        while not event.is_set():
            moment, _, earliest = min(self._sleepers, key=lambda sleeper: sleeper[:2])
            self._sleepers = [sleeper for sleeper in self._sleepers if sleeper[2] is not earliest]
            self.now = max(self.now, moment)
            earliest.set()
            await asyncio.sleep(0)


@pytest.fixture
def waits() -> FakeWaits:
    """Return a time of the test's own, in which no wait takes any."""
    return FakeWaits()
