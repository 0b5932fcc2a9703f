"""Sealed plans of every kind, and under everything that may move before they are applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.days import A_DAY, DATE
from tests.support.drills import DrillSize
from tests.support.plans import MOVES, applied, planned
from tests.support.postgres import Databases
from tests.support.sites import Site, copy_of, recorded_elexon

WAYS = (("--periods", "1-2"), ("--side", "bid"), ("--source", "archive", "--force"))
A_SAMPLE = DrillSize.from_environment().name == "sample"
CHOSEN = tuple(MOVES)[:1] if A_SAMPLE else tuple(MOVES)


@pytest.fixture(scope="module")
def restated(databases: Databases, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a site, to be copied, whose Elexon says something else by now than what is served, with a plan."""
    folder = tmp_path_factory.mktemp("restated")
    with databases.database(template) as url, recorded_elexon(folder, A_DAY) as elexon:
        site = Site(url, folder / "home", elexon.url)
        assert site.date(DATE).exit_code == 0
        elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
        planned(site)
        yield site


@pytest.mark.parametrize("words", WAYS[:1] if A_SAMPLE else WAYS, ids=" ".join)
def test_every_way_of_asking_can_be_planned(
    words: tuple[str, ...], restated: Site, databases: Databases, tmp_path: Path
) -> None:
    """A plan of some periods, of one side, or from the archive publishes what a run asked the same way does."""
    with (
        copy_of(restated, databases, tmp_path / "run" / "home") as other,
        copy_of(restated, databases, tmp_path / "plan" / "home") as site,
    ):
        ran = other.date(DATE, *words).json
        planned(site, *words)
        report = applied(site).json
        for said in ("outcome", "version", "content_hash", "sides", "diff", "periods", "totals", "checks"):
            assert report[said] == ran[said], said
        kind = "select kind, sides from version where number = 2"
        assert site.rows(kind) == other.rows(kind)


@pytest.mark.parametrize("name", CHOSEN)
def test_what_moved_is_named(name: str, restated: Site, databases: Databases, tmp_path: Path) -> None:
    """Whatever moved since the plan is named, the command ends with 5, and nothing that is served has changed."""
    with copy_of(restated, databases, tmp_path / "home") as site:
        MOVES[name].move(site)
        before, versions = site.dump(DATE), site.states(DATE)
        ran = applied(site)
        assert (ran.exit_code, ran.error["code"]) == (5, "plan_moved")
        for part, moved in zip(MOVES[name].said, ran.error["moved"], strict=True):
            assert part in moved
        assert (site.dump(DATE), site.states(DATE)) == (before, versions)
