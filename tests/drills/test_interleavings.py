"""Two workers on one date, stepped through their checkpoints by a seeded scheduler: as if one came after the other."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from reingest.errors import Locked, Moved
from reingest.operations.publish_held import publish_held
from reingest.operations.reingest import reingest_date
from reingest.operations.report import DateReport
from reingest.operations.request import DateRequest
from reingest.operations.restore import Restored, RestoreRequest, restore_version
from reingest.settings import Settings
from tests.support.days import TINY_DATE, TINY_DAY
from tests.support.readers import Reader, look_at
from tests.support.scenarios import DATE_OF_BIDS, Places
from tests.support.sites import Site, copy_of, recorded_elexon
from tests.support.states import left_open
from tests.support.stepping import Stepper

PARTS: Final = 4
TRIES: Final = 3
PERIODS: Final[dict[str, tuple[int, ...] | None]] = {"whole": None, "period 1": (1,), "period 46": (46,)}
PAIRS: Final = (
    ("whole", "whole"),
    ("period 1", "period 46"),
    ("whole", "period 46"),
    ("period 1", "restore"),
    ("publish held", "period 46"),
    ("restore", "publish held"),
)
ALLOWED: Final = (Locked, Moved)
"""How a worker may end that met another: locked, conflict or lease lost."""
TOLD: Final = "select generation from outbox order by generation"

Generation: TypeAlias = int | None
Work: TypeAlias = Callable[[], Generation]
"""Does something to the date; returns the generation that it published, None where it published nothing."""


@dataclass
class Pair:
    """Two works on one site, and what each order of them leads to when nothing comes between.

    Attributes:
        dumps: What is served, by which of them published, in order: nobody, one, or both.
        looks: What a reader may see.
    """

    site: Site
    kinds: tuple[str, str]
    dumps: dict[tuple[int, ...], str] = field(default_factory=dict)
    looks: set[str | None] = field(default_factory=set)

    def served(self, site: Site, published: tuple[int, ...]) -> None:
        """Remember what a site serves after these works."""
        self.dumps[published] = site.dump(TINY_DATE)
        self.looks.add(look_at(site.database_url))


@pytest.fixture(scope="module")
def start(places: Places) -> Site:
    """Return a site with two published versions of the date, of which the second is served, and a held one."""
    site = places.copy(places.start("served"))
    for factor, words in (("5", ()), ("1.1", ("--expect-energy", "1"))):
        with recorded_elexon(site.home, TINY_DAY) as elexon:
            elexon.restate(TINY_DATE, unit="T_HILLW-1", volume_factor=factor)
            site.elexon_url = elexon.url
            assert site.reingest(*DATE_OF_BIDS, *words).exit_code == len(words) // 2
    return site


@pytest.fixture(scope="module")
def pairs(start: Site, places: Places, tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, str]], Pair]:
    """Return what gives a pair of works, with what they lead to one after the other."""

    @cache
    def pair_of(kinds: tuple[str, str]) -> Pair:
        pair = Pair(start, kinds)
        pair.served(start, ())
        for order in ((0, 1), (1, 0)):
            home = tmp_path_factory.mktemp("serial") / "home"
            with copy_of(start, places.databases, home) as site:
                done: tuple[int, ...] = ()
                for number in order:
                    if outcome_of(work_of(kinds[number], number, site, places)) is not None:
                        done = (*done, number)
                    pair.served(site, done)
        return pair

    return pair_of


@pytest.mark.parametrize("part", range(PARTS))
def test_two_workers_interleaved(
    part: int,
    pairs: Callable[[tuple[str, str]], Pair],
    places: Places,
    seeds: Callable[..., Iterator[int]],
    counted: Callable[..., None],
    tmp_path: Path,
) -> None:
    """However two workers alternate, what they publish is what they would have published one after the other."""
    for seed in seeds("interleavings of two workers", sample=4, ci=200, long=2000, part=(part, PARTS)):
        pair = pairs(PAIRS[seed // PARTS % len(PAIRS)])
        with copy_of(pair.site, places.databases, tmp_path / str(seed) / "home") as site:
            published = interleave(pair, site, places, seed)
            counted(f"interleavings in which {('nobody', 'one', 'both')[len(published)]} published")


def interleave(pair: Pair, site: Site, places: Places, seed: int) -> tuple[int, ...]:
    """Step the pair's works on a copy of its site, and compare; return which published, in order."""
    stepper = Stepper[Generation](seed, site.database_url, upset=lambda: end_leases(site))
    before = site.generation(TINY_DATE)
    with Reader(site.database_url) as reader:
        results = stepper.run(
            [partial(persistently, work_of(kind, n, site, places)) for n, kind in enumerate(pair.kinds)]
        )
    story = f"{pair.kinds} ended as {results} after {stepper.steps}"
    for result in results:
        assert not isinstance(result, BaseException) or isinstance(result, ALLOWED), story
    generations = {result: n for n, result in enumerate(results) if isinstance(result, int)}
    published = tuple(generations[generation] for generation in sorted(generations))
    assert published in pair.dumps, story
    assert site.dump(TINY_DATE) == pair.dumps[published], story
    assert site.generation(TINY_DATE) == before + len(published), story
    assert [told for (told,) in site.rows(TOLD)] == list(range(1, before + len(published) + 1)), story
    assert left_open(site) == [], story
    assert reader.seen.looks <= pair.looks, story
    assert reader.seen.dumps <= set(pair.dumps.values()), story
    return published


def end_leases(site: Site) -> None:
    """Have every lease expire, as if its holder had been silent for too long; one that a publish holds now does not."""
    # A worker may have been stopped while it holds the row: to wait for it would be to wait for ever.
    site.rows(
        "with free as (select key from lease for update skip locked)"
        " update lease set acquired_at = acquired_at - interval '1 day',"
        " heartbeat_at = heartbeat_at - interval '1 day',"
        " expires_at = expires_at - interval '1 day' from free where free.key = lease.key"
    )


def work_of(kind: str, number: int, site: Site, places: Places) -> Work:
    """Return a work of that kind on a site; the two workers' Elexons say different things."""
    settings = Settings(home=site.home, elexon_url=places.of_worker(number).url, requests_per_second=0, attempts=1)
    url = site.database_url
    if kind == "publish held":
        return lambda: publish_held(settings, url, TINY_DATE, 3, "it is right").generation
    if kind == "restore":
        return lambda: published_as(restore_version(settings, url, RestoreRequest(TINY_DATE, 1, "it was right")))
    request = DateRequest(TINY_DATE, periods=PERIODS[kind], sides=("bid",))
    return lambda: published_as(asyncio.run(reingest_date(settings, url, request)))


def published_as(done: DateReport | Restored) -> Generation:
    """Return the generation that was published, None where nothing was."""
    return done.generation if done.outcome == "published" else None


def outcome_of(work: Work) -> Generation:
    """Return the generation that a work published, None where it was refused."""
    try:
        return work()
    except ALLOWED:
        return None


def persistently(work: Work) -> Generation:
    """Try a work again where another holds the date."""
    for _ in range(TRIES - 1):
        with suppress(Locked):
            return work()
    return work()
