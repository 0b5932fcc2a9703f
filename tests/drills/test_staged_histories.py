"""Staged histories: whatever is staged, restated, run, dropped or killed before, a publish serves what a run would."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any, Final

from reingest.standin.server import StandIn
from tests.support.days import TINY_DATE, TINY_DAY
from tests.support.drills import DrillSize
from tests.support.scenarios import DATE_OF_BIDS, Places
from tests.support.sites import Site, copy_of, recorded_elexon
from tests.support.states import left_open

PERIODS: Final = 46
WIND: Final = ("T_HILLW-1", "E_MOORW-1", "T_HILLW-2")


class History:
    """Acts on one site, each with what must hold after it."""

    def __init__(self, site: Site, elexon: StandIn, random: Random) -> None:
        self._site = site
        self._elexon = elexon
        self._random = random

    def act(self) -> None:
        """Do anything."""
        acts = (self.stage, self.stage, self.stage_and_die, self.restate, self.run, self.drop, self.publish)
        self._random.choice(acts)()

    def stage(self) -> None:
        """Stage some periods: what is served stays."""
        served = self._site.dump(TINY_DATE)
        assert self._site.reingest(*self._staging(), *self._random.choice(((), ("--fresh",)))).exit_code == 0
        assert self._site.dump(TINY_DATE) == served

    def stage_and_die(self) -> None:
        """Stage some periods, and die after the first one: what is served stays."""
        served = self._site.dump(TINY_DATE)
        assert self._site.start(*self._staging(), REINGEST_CRASH_AT="answer_staged").finish().exit_code == -SIGKILL
        assert self._site.dump(TINY_DATE) == served

    def restate(self) -> None:
        """Have Elexon say something else."""
        self._elexon.restate(TINY_DATE, unit=self._random.choice(WIND), volume_factor="1.5")

    def run(self) -> None:
        """Run the date, or some periods of it."""
        words = self._random.choice(((), ("--periods", self._range())))
        assert self._site.reingest(*DATE_OF_BIDS, *words).exit_code in (0, 1)

    def drop(self) -> None:
        """Drop some of what is staged."""
        words = ("--periods", self._range(), "--reason", "a drill", "--yes")
        assert self._site.reingest("purge", "staged", TINY_DATE, *words).exit_code == 0

    def publish(self) -> None:
        """Publish what is staged: refused and nothing changed where it lacks something, else what a run would serve."""
        served, before = self._site.dump(TINY_DATE), self._staged()
        ran = self._site.reingest("publish", TINY_DATE, "--json")
        if before is None or not before["complete"]:
            assert (ran.exit_code, ran.error["code"]) == (2, "staged_incomplete")
            assert (self._site.dump(TINY_DATE), bool(self._staged())) == (served, before is not None)
            return
        assert ran.exit_code == 0, ran.err
        assert self._staged() is None
        plan = self._site.reingest(*DATE_OF_BIDS, "--plan").json
        assert (plan["decision"], plan["content_hash"]) == ("unchanged", ran.json["content_hash"])

    def complete(self) -> None:
        """Stage what is missing, and publish."""
        missing = [one["period"] for one in (self._staged() or {"missing": []})["missing"]]
        periods = ",".join(map(str, missing)) or f"1-{PERIODS}"
        assert self._site.reingest("date", TINY_DATE, "--side", "bid", "--stage", periods).exit_code == 0
        self.publish()
        assert left_open(self._site) == []

    def _staging(self) -> tuple[object, ...]:
        return ("date", TINY_DATE, "--side", "bid", "--stage", self._range(), "--json")

    def _range(self) -> str:
        """Return some periods, all of them half of the time."""
        if self._random.random() < 0.5:
            return f"1-{PERIODS}"
        first = self._random.randint(1, PERIODS)
        return f"{first}-{self._random.randint(first, PERIODS)}"

    def _staged(self) -> Any:
        return self._site.reingest("status", TINY_DATE, "--json").json["staged"]


def test_a_publish_of_what_is_staged_serves_what_a_run_would(
    seeds: Callable[..., Iterator[int]], places: Places, drill_size: DrillSize, tmp_path: Path
) -> None:
    """After any history of staging, restating, running and dying, what is published is what Elexon says by then."""
    acts = drill_size.pick(sample=3, ci=12, long=20)
    for seed in seeds("staged histories", sample=1, ci=10, long=1_000_000):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with (
            copy_of(places.start("served"), places.databases, folder / "home") as site,
            recorded_elexon(folder, TINY_DAY) as elexon,
        ):
            site.elexon_url = elexon.url
            history = History(site, elexon, Random(seed))  # noqa: S311  (a drill is repeated by its seed)
            for _ in range(acts):
                history.act()
            history.complete()
