import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.calendar import settlement_periods
from reingest.errors import BadUsage
from reingest.standin.days import REQUIRED, RecordedDays, days_between, write_rows
from reingest.standin.model import PeriodStack, StackRow
from tests.support.standin import DAY, RECORDED, period, write_day

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-9999, max_value=9999).map(str)
MAYBE_FLAG = st.none() | st.booleans()
ROWS = st.builds(
    StackRow,
    sequence_number=st.integers(1, 999),
    bm_unit=st.none() | st.sampled_from(["T_ARDGW-1", "1", "2__ABATT001"]),
    acceptance_id=st.none() | st.integers(1, 2**40),
    pair_id=st.none() | st.integers(-6, 6),
    volume=NUMBERS,
    original_price=st.none() | NUMBERS,
    cadl_flag=MAYBE_FLAG,
    so_flag=MAYBE_FLAG,
    stor_flag=MAYBE_FLAG,
    repriced=st.booleans(),
    final_price=st.none() | NUMBERS,
    transmission_loss_multiplier=st.none() | NUMBERS,
)


def test_a_recorded_row_keeps_its_text(tmp_path: Path) -> None:
    """Every digit, exponent and trailing zero of the file is in the row."""
    stack = RecordedDays([write_day(tmp_path / "day.csv")]).period(period(DAY, 5))
    assert stack
    assert [row.volume for row in stack.bids] == [
        "-10.166666666666666075",
        "-1.333333333333333259",
        "-1E-05",
        "-500",
        "-2.50",
    ]
    assert stack.bids[0].original_price == "-179.759999999999990905"


def test_empty_values_are_null(tmp_path: Path) -> None:
    """An empty id, acceptance, pair, flag or price is null, and so is every column that the file lacks."""
    stack = RecordedDays([write_day(tmp_path / "day.csv")]).period(period(DAY, 5))
    assert stack
    adjustment, nameless = stack.bids[3:]
    assert (adjustment.acceptance_id, adjustment.pair_id, adjustment.original_price) == (None, None, None)
    assert nameless.bm_unit is None
    assert stack.bids[2].so_flag is None
    assert stack.bids[0].transmission_loss_multiplier is None


def test_a_period_without_rows_is_published_and_empty(tmp_path: Path) -> None:
    """A period of a recorded date that has no rows is published empty; another date is not published."""
    days = RecordedDays([write_day(tmp_path / "day.csv")])
    empty = days.period(period(DAY, 7))
    assert empty
    assert (empty.bids, empty.offers) == ((), ())
    assert days.period(period(date(2025, 3, 2), 7)) is None


def test_creation_follows_the_period(tmp_path: Path) -> None:
    """A row is created 24 h 44 min after the period's start, unless it is set otherwise."""
    path = write_day(tmp_path / "day.csv")
    stack = RecordedDays([path]).period(period(DAY, 1))
    early = RecordedDays([path], created_after=timedelta(minutes=14)).period(period(DAY, 1))
    assert stack
    assert early
    assert stack.created_at == datetime(2025, 3, 2, 0, 44, tzinfo=UTC)
    assert early.created_at == datetime(2025, 3, 1, 0, 44, tzinfo=UTC)


def test_several_files_and_dates_are_served_together(tmp_path: Path) -> None:
    """Files add up, a file may hold several dates, and the units are those with rows, adjustments apart."""
    two_dates = [(date(2025, 3, number), *row[1:]) for number in (2, 3) for row in RECORDED]
    days = RecordedDays([write_day(tmp_path / "a.csv"), write_day(tmp_path / "b.csv", two_dates)])
    assert days.dates == (DAY, date(2025, 3, 2), date(2025, 3, 3))
    assert days.bm_units == ("T_ARDGW-1", "T_CARF-1")


def test_one_date_in_two_files_is_refused(tmp_path: Path) -> None:
    """Two files cannot both say what a date holds."""
    with pytest.raises(BadUsage, match="2025-03-01, which an earlier file holds too"):
        RecordedDays([write_day(tmp_path / "a.csv"), write_day(tmp_path / "b.csv")])


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("settlementDate", "1.3.2025", "settlementDate '1.3.2025' is not a date"),
        ("settlementPeriod", "49", "2025-03-01 has no settlement period 49"),
        ("settlementPeriod", "x", "settlementPeriod 'x' is not a whole number"),
        ("side", "bids", "side 'bids' is neither bid nor offer"),
        ("sequenceNumber", "", "sequenceNumber '' is not a whole number"),
        ("acceptanceId", "1.5", "acceptanceId '1.5' is not a whole number"),
        ("soFlag", "maybe", "soFlag 'maybe' is neither true nor false"),
        ("originalPrice", "12,5", "originalPrice '12,5' is not a number"),
        ("volume", "", "volume '' is not a number"),
        ("volume", "NaN", "volume 'NaN' is not a finite number"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(tmp_path: Path, column: str, value: str, complaint: str) -> None:
    """A bad value is refused with its file, line and column."""
    row = [value if name == column else cell for name, cell in zip(REQUIRED, RECORDED[0], strict=True)]
    with pytest.raises(BadUsage, match=f"line 2: {complaint}"):
        RecordedDays([write_day(tmp_path / "day.csv", [row])])


def test_numbers_that_json_cannot_carry_are_respelled(tmp_path: Path) -> None:
    """A number such as .5 or +5 becomes one that JSON can carry, with the same value."""
    rows = [(*RECORDED[0][:-1], text) for text in ("-.5", "+5", "5.", "007")]
    stack = RecordedDays([write_day(tmp_path / "day.csv", rows)]).period(period(DAY, 5))
    assert stack
    assert [row.volume for row in stack.bids] == ["-0.5", "5", "5", "7"]


def test_columns_are_checked(tmp_path: Path) -> None:
    """A missing column, an unknown one, a short line and a file that is not there are refused by name."""
    with pytest.raises(BadUsage, match="lacks the columns volume"):
        RecordedDays([write_day(tmp_path / "a.csv", [], REQUIRED[:-1])])
    with pytest.raises(BadUsage, match="unknown columns colour"):
        RecordedDays([write_day(tmp_path / "b.csv", [], (*REQUIRED, "colour"))])
    with pytest.raises(BadUsage, match="line 2: more or fewer values than columns"):
        RecordedDays([write_day(tmp_path / "c.csv", [RECORDED[0][:-1]])])
    with pytest.raises(BadUsage, match="cannot be read"):
        RecordedDays([tmp_path / "none.csv"])


@given(bids=st.lists(ROWS, max_size=4), offers=st.lists(ROWS, min_size=1, max_size=4))
def test_a_written_day_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, bids: list[StackRow], offers: list[StackRow]
) -> None:
    """Whatever rows are written to a file, the same rows are read from it."""
    here = settlement_periods(DAY)[4]
    text = io.StringIO()
    count = write_rows(text, [PeriodStack(here, datetime(2025, 3, 2, tzinfo=UTC), tuple(bids), tuple(offers))])
    path = tmp_path_factory.mktemp("day") / "day.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    stack = RecordedDays([path]).period(here)
    assert stack
    assert (list(stack.bids), list(stack.offers), count) == (bids, offers, len(bids) + len(offers))


def test_days_between_are_whole_days() -> None:
    """The periods between two dates are all periods of both and of what lies between."""
    periods = list(days_between(date(2025, 10, 25), date(2025, 10, 26)))
    assert (len(periods), periods[-1].number) == (98, 50)
