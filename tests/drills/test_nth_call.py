"""Fail the n-th call, for n = 1, 2, 3 until there is none left; one plain re-run ends like a clean run."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from tests.support.days import TINY_DATE
from tests.support.drills import DrillSize, Tally
from tests.support.failing import KINDS, Layer, failing
from tests.support.scenarios import MODES, Places, Prepared, Scenario
from tests.support.sites import copy_of
from tests.support.states import State, left_open, state_of

# A run that breaks off cancels its requests, and leaves the connections that they had begun to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

DECLARED = {0, 1, 4, 5, 69}
"""How a run may end when a call under it failed: never as a fault of the program's own."""

SAMPLES: dict[Layer, tuple[int, ...]] = {"database": (31, 58, 77), "files": (9,), "http": (2,)}
"""Some calls of every mode, for each run of the tests."""


def fail(places: Places, prepared: Prepared, layer: Layer, kind: str, nth: int, home: Path) -> bool:
    """Fail a run's n-th call, run again, and compare; return whether there was such a call."""
    words = prepared.scenario.words
    with copy_of(prepared.site, places.databases, home) as site:
        with failing(layer, kind, nth, site.home) as calls:
            ran = site.reingest(*words)
        if not calls.failed:
            return False
        story = f"call {nth}, {calls.failed}, ended with {ran.exit_code}: {ran.err}"
        assert ran.exit_code in DECLARED, story
        assert site.dump(TINY_DATE) in {prepared.old.dump, prepared.new.dump}, story
        again = site.reingest(*words)
        assert again.exit_code in prepared.scenario.exits, f"{story}\nagain: {again.err}"
        assert unheld(state_of(site)) == prepared.new, story
        assert left_open(site) == [], story
    return True


def unheld(state: State) -> State:
    """Return the state without held versions: where the system prices could not be had, a date is held."""
    return replace(state, in_force=[fact for fact in state.in_force if fact[2] != "held"])


@pytest.mark.parametrize(("layer", "kind"), [(layer, kind) for layer, kinds in KINDS.items() for kind in kinds])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_the_nth_call_fails(
    mode: Scenario, layer: Layer, kind: str, places: Places, tally: Tally, tmp_path: Path
) -> None:
    """Whichever call fails, the run ends as declared, with the old date or the new, and a re-run mends the rest."""
    prepared = places.prepared(mode)
    for nth in numbers_of(tally.size, mode, layer, kind):
        tally.seed = nth
        if tally.size.is_over or not fail(places, prepared, layer, kind, nth, tmp_path / str(nth) / "home"):
            break
        tally.counted(f"n-th {layer} call fails")
    tally.seed = None
    gc.collect()  # so that what was left is not found in another test


def numbers_of(size: DrillSize, mode: Scenario, layer: Layer, kind: str) -> Iterator[int]:
    """Return which calls are to fail: in a sample a few, otherwise all, for as long as there are any."""
    if size.only_seed is not None:
        return iter((size.only_seed,))
    if size.name == "sample":
        return iter(SAMPLES[layer][KINDS[layer].index(kind) :: len(KINDS[layer])])
    kinds = KINDS[layer]
    # CI has time for each call to fail in one way; the ways take turns, other ones in each mode.
    turn = kinds.index(kind) + MODES.index(mode)
    return (nth for nth in count(1) if size.name == "long" or (nth + turn) % len(kinds) == 0)
