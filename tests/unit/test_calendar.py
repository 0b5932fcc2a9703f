from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import (
    PERIOD_LENGTH,
    parse_period_range,
    period_count,
    settlement_date_of,
    settlement_periods,
)
from reingest.errors import BadUsage

FIRST, LAST = date(2001, 1, 1), date(2040, 12, 31)
ALL_DATES = [FIRST + timedelta(days=days) for days in range((LAST - FIRST).days + 1)]
SPRING, AUTUMN, WINTER = date(2026, 3, 29), date(2025, 10, 26), date(2022, 1, 1)

dates = st.dates(FIRST, LAST)


def test_forty_years() -> None:
    """Of the 14,610 dates from 2001 to 2040, 14,530 have 48 periods, 40 have 46 and 40 have 50."""
    assert len(ALL_DATES) == 14_610
    assert Counter(map(period_count, ALL_DATES)) == {48: 14_530, 46: 40, 50: 40}


def test_no_gap_and_no_overlap() -> None:
    """From 2001 to 2040 every period begins where the one before it ends, across midnights and clock changes."""
    expected = datetime(2001, 1, 1, tzinfo=UTC)
    for settlement_date in ALL_DATES:
        for number, period in enumerate(settlement_periods(settlement_date), start=1):
            assert (period.settlement_date, period.number, period.start) == (settlement_date, number, expected)
            expected += PERIOD_LENGTH
            assert period.end == expected


@pytest.mark.parametrize(
    ("settlement_date", "count", "first", "last"),
    [
        (SPRING, 46, "2026-03-29T00:00+00:00", "2026-03-29T22:30+00:00"),
        (AUTUMN, 50, "2025-10-25T23:00+00:00", "2025-10-26T23:30+00:00"),
        (date(2024, 4, 20), 48, "2024-04-19T23:00+00:00", "2024-04-20T22:30+00:00"),
        (WINTER, 48, "2022-01-01T00:00+00:00", "2022-01-01T23:30+00:00"),
    ],
)
def test_known_dates(settlement_date: date, count: int, first: str, last: str) -> None:
    """The first and last periods begin when Elexon's own answers say that they do."""
    periods = settlement_periods(settlement_date)
    assert len(periods) == period_count(settlement_date) == count
    assert periods[0].start == datetime.fromisoformat(first)
    assert periods[-1].start == datetime.fromisoformat(last)
    assert periods[0].start.tzinfo is UTC


@given(dates)
def test_date_of_an_instant(settlement_date: date) -> None:
    """Every instant of a period, its start included and its end not, belongs to the period's settlement date."""
    for period in settlement_periods(settlement_date):
        assert settlement_date_of(period.start) == settlement_date
        assert settlement_date_of(period.end - timedelta.resolution) == settlement_date


def test_date_of_an_instant_elsewhere() -> None:
    """An instant with another offset belongs to London's day, not to its own."""
    tokyo = timezone(timedelta(hours=9))
    assert settlement_date_of(datetime(2022, 7, 2, 7, 30, tzinfo=tokyo)) == date(2022, 7, 1)
    assert settlement_date_of(datetime(2022, 7, 2, 8, 0, tzinfo=tokyo)) == date(2022, 7, 2)


def test_a_naive_instant_is_refused() -> None:
    """A time without an offset belongs to no date."""
    with pytest.raises(ValueError, match="no UTC offset"):
        settlement_date_of(datetime(2022, 1, 1))  # noqa: DTZ001  (naive on purpose)


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("5", (5,)),
        ("1-3", (1, 2, 3)),
        ("1-4,17", (1, 2, 3, 4, 17)),
        ("17, 2 - 3 ,2", (2, 3, 17)),
        ("48", (48,)),
        ("7-7", (7,)),
    ],
)
def test_period_ranges(text: str, periods: tuple[int, ...]) -> None:
    """A list of periods and ranges names each period once, in order."""
    assert parse_period_range(text, WINTER) == periods


@pytest.mark.parametrize("text", ["", ",", "1,", "a", "1-", "-3", "1..3", "1-2-3", "1.5", "100", "+1", "٣"])
def test_what_is_no_range(text: str) -> None:
    """Anything else is refused, and the refusal shows what was written and for which date."""
    with pytest.raises(BadUsage, match="is not a period or a range such as 1-12") as refused:
        parse_period_range(text, WINTER)
    assert refused.value.settlement_date == WINTER


def test_a_backward_range_is_refused() -> None:
    """A range that runs backwards is refused and not turned round."""
    with pytest.raises(BadUsage, match="runs backwards"):
        parse_period_range("12-1", WINTER)


@pytest.mark.parametrize(
    ("text", "settlement_date", "message"),
    [
        ("0", WINTER, "periods 1 to 48; there is no period 0"),
        ("49", WINTER, "periods 1 to 48; there is no period 49"),
        ("1-50", WINTER, "there is no period 50"),
        ("47", SPRING, "periods 1 to 46; there is no period 47"),
        ("51", AUTUMN, "periods 1 to 50; there is no period 51"),
    ],
)
def test_periods_that_the_date_does_not_have(text: str, settlement_date: date, message: str) -> None:
    """A period is judged by the date's own calendar."""
    with pytest.raises(BadUsage, match=message):
        parse_period_range(text, settlement_date)


@given(dates, st.data())
def test_ranges_round_trip(settlement_date: date, data: st.DataObject) -> None:
    """Any set of a date's periods, written as a list, reads back as that set in order."""
    numbers = data.draw(st.lists(st.integers(1, period_count(settlement_date)), min_size=1))
    assert parse_period_range(",".join(map(str, numbers)), settlement_date) == tuple(sorted(set(numbers)))
