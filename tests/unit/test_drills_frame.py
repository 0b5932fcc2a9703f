"""What the drills say that they reached."""

import time

from tests.support.drills import DrillSize, Tally, table


def test_a_seed_counts_when_it_was_gone_through() -> None:
    """The table has the seeds that passed out of those wanted, and names the one that failed."""
    tally = Tally(DrillSize("ci"))
    for seed in tally.seeds("kills", sample=1, ci=5, long=9):
        if seed == 3:
            break
    (line,) = table([tally.as_property(failed=True, seconds=2)])
    assert line.split() == ["kills", "3", "of", "5", "2.0", "s", "failed:", "REINGEST_DRILL_SEED=3"]


def test_parts_have_every_seed_once() -> None:
    """Tests that share a drill have its seeds between them, each once, and one line in the table."""
    tallies = [Tally(DrillSize("long", first_seed=1000)) for _ in range(3)]
    found = [
        list(tally.seeds("kills", sample=1, ci=2, long=7, part=(number, 3))) for number, tally in enumerate(tallies)
    ]
    assert sorted(seed for part in found for seed in part) == list(range(1000, 1007))
    (line,) = table([tally.as_property(failed=False, seconds=1) for tally in tallies])
    assert line.split() == ["kills", "7", "of", "7", "3.0", "s"]


def test_a_long_drill_ends_with_its_time() -> None:
    """A drill whose time is spent yields no further seed, and the table shows what is missing."""
    tally = Tally(DrillSize("long", seconds=60, ends_at=time.monotonic() + 60), seconds=0)
    assert list(tally.seeds("kills", sample=1, ci=1, long=5)) == []
    assert (tally.counts["kills"].reached, tally.counts["kills"].wanted) == (0, 5)


def test_one_seed_is_repeated() -> None:
    """A seed that was named is the only one, and one part alone has it."""
    size = DrillSize("sample", only_seed=77)
    assert list(Tally(size).seeds("kills", sample=5, ci=5, long=5, part=(0, 2))) == [77]
    assert list(Tally(size).seeds("kills", sample=5, ci=5, long=5, part=(1, 2))) == []
