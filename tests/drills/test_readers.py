"""Readers as quick as they can be, while one version of a date replaces the other."""

import time
from itertools import cycle
from pathlib import Path

from tests.support.days import TINY_DATE, TINY_DAY
from tests.support.drills import Tally
from tests.support.readers import Reader, look_at
from tests.support.scenarios import Places, watched
from tests.support.sites import copy_of, recorded_elexon

LINGER_SECONDS = 0.01
WHAT = "reads while versions replace each other, 0 mixed"


def linger(checkpoint: str) -> None:
    """Stay in the middle of a publish for as long as some looks take."""
    if "publish" in checkpoint:
        time.sleep(LINGER_SECONDS)


def test_readers_see_whole_versions(places: Places, tally: Tally, tmp_path: Path) -> None:
    """Of all looks at a date that is published over and over, each sees the one version or the other, whole."""
    wanted = tally.size.pick(sample=500, ci=5_000, long=1_000_000)
    tally.counted(WHAT, 0, wanted=wanted)
    with (
        recorded_elexon(tmp_path, TINY_DAY) as elexon,
        copy_of(places.start("served"), places.databases, tmp_path / "home") as site,
    ):
        site.elexon_url = elexon.url

        def publish(price: int) -> None:
            elexon.restate(TINY_DATE, period=1, unit="T_HILLW-1", price=price)
            ran = site.date(TINY_DATE, "--periods", "1")
            assert ran.json["outcome"] == "published", ran.json["checks"]

        looks, dumps = set(), set()
        for price in (-1, -2):
            publish(price)
            looks.add(look_at(site.database_url))
            dumps.add(site.dump(TINY_DATE))
        publishes = 0
        with Reader(site.database_url, pause=0) as reader, watched(linger):
            for price in cycle((-1, -2)):
                publish(price)
                publishes += 1
                if reader.seen.reads >= wanted or tally.size.is_over:
                    break
        assert site.generation(TINY_DATE) == publishes + 3
    tally.counted(WHAT, reader.seen.reads)
    tally.counted("publishes under them", publishes)
    assert reader.seen.looks == looks
    assert reader.seen.dumps <= dumps
