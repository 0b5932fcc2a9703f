"""Kills at moments that nobody chose."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from tests.support.readers import Reader, look_at
from tests.support.scenarios import MODES, Places, Prepared
from tests.support.sites import Command, Site, copy_of
from tests.support.states import left_open, state_of

PARTS: Final = 2
STARTED: Final = "select count(*) from run where outcome is null"


@pytest.mark.drill(share=2)
@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_killed_at_any_moment(
    part: int,
    places: Places,
    seeds: Callable[..., Iterator[int]],
    counted: Callable[..., None],
    tmp_path: Path,
) -> None:
    """A kill -9 at a random millisecond of a run leaves the old date or the new; a re-run ends like a clean one."""
    for seed in seeds("kills at random milliseconds", sample=4, ci=100, long=1000, part=(part, PARTS)):
        prepared = places.prepared(MODES[seed // PARTS % len(MODES)])
        late = kill(places, prepared, random.Random(seed), tmp_path / str(seed) / "home")  # noqa: S311  (a moment)
        counted("of which the run had ended before", int(late))


def kill(places: Places, prepared: Prepared, chance: random.Random, home: Path) -> bool:
    """Kill a run at a random moment, run again at once, and compare; return whether the kill came too late."""
    words = prepared.scenario.words
    with copy_of(prepared.site, places.databases, home) as site:
        with Reader(site.database_url) as reader:
            command = site.start(*words)
            wait_for_a_run(site, command)
            moment = chance.uniform(0, prepared.seconds)
            time.sleep(moment)
            command.send(SIGKILL)
            late = command.finish().exit_code != -SIGKILL
            story = f"{prepared.scenario.name}, killed after {moment * 1000:.0f} ms"
            assert look_at(site.database_url) in prepared.looks, story
            again = site.reingest(*words)
        assert again.exit_code == 0, f"{story}: {again.err}"
        assert state_of(site) == prepared.new, story
        assert left_open(site) == [], story
        assert reader.seen.looks <= prepared.looks, story
    return late


def wait_for_a_run(site: Site, command: Command) -> None:
    """Return when the command has begun its run: what comes before is Python's start."""
    while not command.ended and not site.value(STARTED):
        time.sleep(0.001)
