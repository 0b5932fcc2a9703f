from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from reingest.curtailment.difficulty import (
    BLOCKS_PER_EPOCH,
    COLUMNS,
    HALVINGS,
    DifficultyEpoch,
    difficulty_at,
    extend_difficulty,
    known_until,
    read_difficulty,
    reward_at,
    shipped_difficulty,
)
from reingest.errors import BadUsage

HEADER = ",".join(COLUMNS)
EPOCH_439 = "439,885024,2025-02-23T20:29:38Z,4,17028bb1,110568428300952.69"
EPOCH_440 = "440,887040,2025-03-09T15:58:46Z,0,17028281,112149504190349.28"
EPOCH_441 = "441,889056,2025-03-23T11:15:42Z,0,1702796c,113757508810854.0"
TICK = timedelta.resolution


def table(*rows: str) -> tuple[DifficultyEpoch, ...]:
    """The epochs of these rows."""
    return read_difficulty("\n".join((HEADER, *rows)))


def epochs_at(*starts: datetime, first: int = 440) -> list[DifficultyEpoch]:
    """Contiguous epochs that begin at these instants, of one difficulty each."""
    return [
        DifficultyEpoch(number, number * BLOCKS_PER_EPOCH, start, timedelta(), "1d00ffff", Decimal(number))
        for number, start in enumerate(starts, start=first)
    ]


def test_the_shipped_table() -> None:
    """The shipped table has the 204 epochs from 2018-10 to 2026-06, without a gap, and every target agrees."""
    epochs = shipped_difficulty()
    assert [epoch.number for epoch in epochs] == list(range(270, 474))
    assert epochs[0].start == datetime(2018, 10, 4, 7, 49, 22, tzinfo=UTC)
    assert epochs[-1].difficulty == Decimal("124932866006548.16")
    assert sum(epoch.start_uncertainty == timedelta() for epoch in epochs) == 169


def test_the_shipped_table_is_the_reference_one(shared: Path) -> None:
    """The shipped table says what the reference table says, row by row."""
    assert shipped_difficulty() == read_difficulty((shared / "bitcoin/difficulty.csv").read_text(encoding="utf-8"))


def test_halvings_fall_into_their_epochs() -> None:
    """Each halving's block lies in the epoch that its instant lies in, and rewards halve."""
    epochs = shipped_difficulty()
    for halving in HALVINGS[2:]:
        (epoch,) = [epoch for epoch in epochs if 0 <= halving.height - epoch.height < BLOCKS_PER_EPOCH]
        assert difficulty_at(halving.instant, epochs) == epoch.difficulty
    assert all(later.reward * 2 == earlier.reward for earlier, later in pairwise(HALVINGS))
    assert [halving.height for halving in HALVINGS] == [210_000, 420_000, 630_000, 840_000]


def test_comments_and_blank_lines_are_passed_over() -> None:
    """A table may say where it comes from."""
    text = f"# from block headers\n\n{HEADER}\n{EPOCH_440}\n# end\n"
    assert read_difficulty(text) == table(EPOCH_440)


@pytest.mark.parametrize("text", ["", "# nothing\n", "epoch,difficulty\n440,1\n", f"{EPOCH_440}\n"])
def test_another_header_is_refused(text: str) -> None:
    """A table with other columns, or without any, is refused."""
    with pytest.raises(BadUsage, match="a difficulty table has the columns"):
        read_difficulty(text)


def test_an_empty_table_is_refused() -> None:
    """A header alone is no table."""
    with pytest.raises(BadUsage, match="at least one epoch"):
        table()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("440,887040,2025-03-09T15:58:46Z,0,17028281", "cannot be read"),
        ("x,887040,2025-03-09T15:58:46Z,0,17028281,112149504190349.28", "cannot be read"),
        ("440,887040,yesterday,0,17028281,112149504190349.28", "cannot be read"),
        ("440,887040,2025-03-09T15:58:46Z,soon,17028281,112149504190349.28", "cannot be read"),
        ("440,887040,2025-03-09T15:58:46Z," + "9" * 30 + ",17028281,112149504190349.28", "cannot be read"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,much", "cannot be read"),
        ("440,887040,2025-03-09T15:58:46Z,0,0x17028281,112149504190349.28", "not 8 hex digits"),
        ("440,887040,2025-03-09T15:58:46Z,0,02028281,112149504190349.28", "cannot be read"),
        ("440,887040,2025-03-09T15:58:46,0,17028281,112149504190349.28", "no UTC offset"),
        ("440,887041,2025-03-09T15:58:46Z,0,17028281,112149504190349.28", "begins at block 887040"),
        ("-1,-2016,2025-03-09T15:58:46Z,0,17028281,112149504190349.28", "begins at block"),
        ("440,887040,2025-03-09T15:58:46Z,-1,17028281,112149504190349.28", "uncertainty is negative"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,0", "is no difficulty"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,-112149504190349.28", "is no difficulty"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,NaN", "is no difficulty"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,Infinity", "is no difficulty"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,1E+999999", "is no difficulty"),
        ("440,887040,2025-03-09T15:58:46Z,0,17028281,112149504190349.5", "is not the difficulty of 17028281"),
        ("440,887040,2025-03-09T15:58:46Z,0,17000000,112149504190349.28", "is not the difficulty of 17000000"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused(row: str, message: str) -> None:
    """A value that cannot be read, or that its own target contradicts, refuses the table and names the row."""
    with pytest.raises(BadUsage, match=message):
        table(row)


def test_a_gap_is_refused() -> None:
    """Epochs follow each other."""
    with pytest.raises(BadUsage, match="epoch 441 follows 439"):
        table(EPOCH_439, EPOCH_441)
    with pytest.raises(BadUsage, match="epoch 440 follows 441"):
        table(EPOCH_441, EPOCH_440)


def test_times_rise() -> None:
    """An epoch begins later than the one before it."""
    with pytest.raises(BadUsage, match="epoch 441 begins no later"):
        table(EPOCH_440, EPOCH_441.replace("2025-03-23T11:15:42Z", "2025-03-09T15:58:46Z"))


def test_a_value_holds_from_its_block() -> None:
    """Difficulty changes at the instant of the epoch's first block and not before; before the first none is known."""
    epochs = table(EPOCH_440, EPOCH_441)
    assert difficulty_at(epochs[0].start - TICK, epochs) is None
    assert difficulty_at(epochs[0].start, epochs) == Decimal("112149504190349.28")
    assert difficulty_at(epochs[1].start - TICK, epochs) == Decimal("112149504190349.28")
    assert difficulty_at(epochs[1].start, epochs) == Decimal(113757508810854)


def test_a_reward_holds_from_its_block() -> None:
    """The reward halves at the instant of the halving's block; before the first halving none is known here."""
    assert reward_at(HALVINGS[0].instant - TICK) is None
    assert reward_at(HALVINGS[0].instant) == 25
    assert reward_at(HALVINGS[3].instant - TICK) == Decimal("6.25")
    assert reward_at(HALVINGS[3].instant) == Decimal("3.125")


def test_the_last_epoch_is_trusted_as_long_as_the_shortest() -> None:
    """The last epoch is trusted for as long as the shortest epoch of the table lasted."""
    start = datetime(2025, 1, 1, tzinfo=UTC)
    epochs = epochs_at(start, start + timedelta(days=14), start + timedelta(days=25), start + timedelta(days=40))
    assert known_until(epochs) == epochs[-1].start + timedelta(days=11)


def test_one_epoch_alone_is_not_trusted() -> None:
    """A single epoch does not say how long epochs last, so nothing after its start is known."""
    (epoch,) = table(EPOCH_440)
    assert known_until([epoch]) == epoch.start


def test_an_unknown_halving_ends_what_is_known() -> None:
    """An epoch that holds the next halving, of unknown instant, is not trusted from its start on."""
    start = datetime(2028, 1, 1, tzinfo=UTC)
    epochs = epochs_at(*(start + timedelta(days=14 * index) for index in range(4)), first=518)
    assert known_until(epochs) == epochs[2].start
    assert known_until(epochs[:2]) == epochs[1].start + timedelta(days=14)


def test_extending() -> None:
    """Epochs of another table are added, at either end, and those of both are kept once."""
    both = table(EPOCH_440, EPOCH_441)
    assert extend_difficulty(table(EPOCH_440), both) == both
    assert extend_difficulty(table(EPOCH_441), table(EPOCH_440)) == both
    assert extend_difficulty(both, both) == both
    assert extend_difficulty((), both) == both
    assert extend_difficulty(both, ()) == both


def test_extending_leaves_no_gap() -> None:
    """A table that does not reach the one it extends is refused."""
    epochs = shipped_difficulty()
    with pytest.raises(BadUsage, match="epoch 441 follows 439"):
        extend_difficulty(epochs[:170], table(EPOCH_441))


def test_a_contradiction_is_refused() -> None:
    """Two tables that give one epoch another difficulty, target or start are refused, whichever came first."""
    known = table(EPOCH_440)
    for contradiction in (
        replace(known[0], difficulty=known[0].difficulty + 1),
        replace(known[0], bits="17028282"),
        replace(known[0], start=known[0].start + timedelta(seconds=1)),
        replace(known[0], start=known[0].start - timedelta(seconds=1)),
    ):
        with pytest.raises(BadUsage, match="epoch 440: the tables contradict each other"):
            extend_difficulty(known, [contradiction])


@pytest.mark.parametrize("seconds", [-600, 0, 600])
def test_a_start_may_be_known_better(seconds: int) -> None:
    """A start within the stated uncertainty agrees, and the more certain of the two is taken, whichever came first."""
    (exact,) = table(EPOCH_440)
    estimate = replace(exact, start=exact.start + timedelta(seconds=seconds), start_uncertainty=timedelta(seconds=600))
    assert extend_difficulty([estimate], [exact]) == (exact,)
    assert extend_difficulty([exact], [estimate]) == (exact,)
    with pytest.raises(BadUsage, match="contradict"):
        extend_difficulty([exact], [replace(estimate, start=exact.start + timedelta(seconds=601))])
