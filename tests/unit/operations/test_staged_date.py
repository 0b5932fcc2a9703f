"""What a staged date lacks: the calendar decides, on every date, whatever was staged in whatever order."""

from datetime import UTC, date, datetime, timedelta
from itertools import product
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import period_count
from reingest.curtailment.stack_facts import Subject
from reingest.curtailment.words import SIDES, Side
from reingest.errors import StagedIncomplete
from reingest.operations.staging.staged_date import StagedDate
from reingest.operations.staging.staged_text import age_text, staged_lines, staged_rows
from reingest.store.staging import StagedOutcome, StagedStack

DAYS = {46: date(2024, 3, 31), 48: date(2024, 1, 15), 50: date(2024, 10, 27)}
RUN = uuid4()
THEN = datetime(2024, 11, 1, 10, tzinfo=UTC)


def stack(period: int, side: Side, outcome: StagedOutcome = "fetched", *, overtaken: bool = False) -> StagedStack:
    return StagedStack(
        period,
        side,
        outcome,
        int(outcome == "fetched"),
        1,
        RUN,
        THEN,
        THEN,
        timedelta(hours=3),
        "ann",
        "north",
        overtaken,
    )


def whole(day: date, sides: tuple[Side, ...] = SIDES) -> dict[Subject, StagedStack]:
    return {(period, side): stack(period, side) for period, side in product(range(1, period_count(day) + 1), sides)}


@given(day=st.sampled_from(list(DAYS.values())), sides=st.sampled_from([SIDES, ("bid",), ("offer",)]), data=st.data())
def test_a_date_is_complete_when_nothing_of_its_calendar_lacks(
    day: date, sides: tuple[Side, ...], data: st.DataObject
) -> None:
    """Whatever is left out is what is missing, of the sides that anything is staged of; without it, it is complete."""
    every = whole(day, sides)
    left_out = data.draw(st.sets(st.sampled_from(sorted(every)), max_size=len(every) - 1))
    staged = StagedDate(day, [one for subject, one in every.items() if subject not in left_out])
    there = {side for _, side in every.keys() - left_out}
    missing = {subject for subject in left_out if subject[1] in there}
    assert set(staged.lacking) == missing
    assert staged.is_complete == (not missing)
    assert staged.ready_periods == period_count(day) - len({period for period, _ in missing})
    assert len(staged_rows(staged)) == period_count(day) * len(there)
    assert len(list(staged_lines(staged))[2].strip()) == period_count(day)


@pytest.mark.parametrize(("count", "day"), DAYS.items())
def test_the_calendar_decides_how_many_periods_there_are(count: int, day: date) -> None:
    """The first 46 periods complete a date of 46 and no other; a date of 50 needs its last."""
    first_46 = [one for (period, _), one in whole(day).items() if period <= 46]
    staged = StagedDate(day, first_46)
    assert (staged.expected, staged.is_complete) == (count, count == 46)
    assert StagedDate(day, list(whole(day).values())).is_complete
    if count > 46:
        assert staged.next_command == f"reingest date {day} --stage 47-{count}"


def test_an_unpublished_period_lacks_until_it_is_an_accepted_gap() -> None:
    """An empty answer of what was not published counts as missing, unless a person accepted that very side as a gap."""
    every = whole(DAYS[48]) | {(20, "bid"): stack(20, "bid", "not_published")}
    staged = list(every.values())
    assert StagedDate(DAYS[48], staged).lacking == {(20, "bid"): "not_published"}
    assert StagedDate(DAYS[48], staged, frozenset({(20, "offer")})).lacking == {(20, "bid"): "not_published"}
    assert StagedDate(DAYS[48], staged, frozenset({(20, "bid")})).is_complete


def test_what_is_older_than_what_is_served_lacks() -> None:
    """A staged answer that what is served has overtaken does not count, and the refusal says so."""
    every = whole(DAYS[48], ("bid",)) | {(3, "bid"): stack(3, "bid", overtaken=True)}
    del every[7, "bid"]
    with pytest.raises(StagedIncomplete) as refused:
        StagedDate(DAYS[48], list(every.values())).require_complete()
    assert str(refused.value) == (
        "46 of 48 periods can be published: period 3 is older than what is served; period 7 is not staged"
    )
    assert refused.value.next_command == "reingest date 2024-01-15 --stage 3,7 --side bid"


def test_what_lacks_one_side_only_is_told_by_its_side() -> None:
    """Where the bids of a period are staged and its offers are not, the sentence names the offers."""
    every = whole(DAYS[48])
    staged = [one for (period, side), one in every.items() if side == "bid" or period > 12]
    assert StagedDate(DAYS[48], staged).lacks_sentence() == "offers of periods 1-12 are not staged"
    staged = [one for one in staged if one.period != 20]
    lacking = StagedDate(DAYS[48], staged).lacks_sentence()
    assert lacking == "offers of periods 1-12 are not staged; period 20 is not staged"


@pytest.mark.parametrize(
    ("age", "text"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=47), "1 day"),
        (timedelta(days=9, hours=1), "9 days"),
    ],
)
def test_an_age_is_told_in_its_largest_unit(age: timedelta, text: str) -> None:
    """Ages are for people, so the largest whole unit is enough."""
    assert age_text(age) == text
