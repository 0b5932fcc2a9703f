from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.cli.arguments import settlement_date, text_of
from reingest.curtailment.exact import exact_decimal
from reingest.errors import BadUsage
from reingest.operations.expected_file import read_expected
from reingest.spans import settlement_span

dates = st.dates(date(2001, 1, 1), date(2040, 12, 31))
HEADER = "settlement_date,definition,energy_mwh,payment_gbp"


@given(dates)
def test_a_date_reads_back(day: date) -> None:
    """Every date of the calendar is read from its ISO text, as a date and as a span of one day."""
    assert settlement_date(day.isoformat()) == day
    span = settlement_span(day.isoformat())
    assert (span.kind, list(span.dates), str(span)) == ("day", [day], day.isoformat())


@given(dates)
def test_months_and_years_hold_all_their_dates(day: date) -> None:
    """A month's and a year's span begin on their first date and end after their last."""
    month, year = settlement_span(f"{day:%Y-%m}"), settlement_span(f"{day:%Y}")

    assert {one.month for one in month.dates} == {day.month}
    assert month.start.day == month.end.day == 1
    assert (year.start, year.end - timedelta(days=1)) == (date(day.year, 1, 1), date(day.year, 12, 31))
    assert (str(month), str(year)) == (f"{day:%Y-%m}", f"{day:%Y}")


@pytest.mark.parametrize(
    "text", ["", "x", "2022-02-30", "2022-13", "2022-1-1", "20220101", "2022-01-01T00:00", "2000", "2041-01-01", "٢٠٢٢"]
)
def test_what_is_no_date_is_refused_with_a_sentence(text: str) -> None:
    """Anything but a date, month or year of the calendar is bad usage that quotes it."""
    with pytest.raises(BadUsage) as refused:
        settlement_span(text)
    assert repr(text) in str(refused.value)


def test_a_month_is_not_a_date() -> None:
    """Where one date is needed a month is refused."""
    with pytest.raises(BadUsage, match="is not one date"):
        settlement_date("2022-01")


@pytest.mark.parametrize(("text", "value"), [("62399.044", "62399.044"), (" -1e3 ", "-1000"), ("0", "0")])
def test_a_number_keeps_its_digits(text: str, value: str) -> None:
    """A number on the command line is exact, E-notation too."""
    assert exact_decimal(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "1,5"])
def test_what_is_no_number_is_refused(text: str) -> None:
    """Words, infinities and not-a-number are bad usage."""
    with pytest.raises(BadUsage):
        exact_decimal(text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """A folder, a missing file and bytes that are not UTF-8 are bad usage; a byte order mark is no harm."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbfx")
    for name in ("missing", "binary", "."):
        with pytest.raises(BadUsage, match="cannot be read"):
            text_of(tmp_path / name)

    assert text_of(tmp_path / "marked") == "x"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the column settlement_date is missing"),
        ("settlement_date,definition,energy_mwh\n", "line 1: the column payment_gbp is missing"),
        (f"{HEADER},colour\n", "line 1: there is no column 'colour'"),
        (f"{HEADER}\n", "the file has no line below its header"),
        (f"{HEADER}\n2022-01-01,net,1\n", "line 2: it has another number of values than the header"),
        (f"{HEADER}\n2022-01-01,net,1,2,3\n", "line 2: it has another number of values than the header"),
        (f"{HEADER}\n2022-01-01,gross,1,2\n", "line 2: 'gross' is no definition"),
        (f"{HEADER}\n2022-01-32,net,1,2\n", "line 2: "),
        (f"{HEADER}\n20220101,net,1,2\n", "line 2: '20220101' is not a date such as 2022-01-31"),
        (f"{HEADER}\n2022-01-01,net,,\n", "line 2: neither energy nor payment is given"),
        (f"{HEADER}\n2022-01-01,net,inf,\n", "line 2: energy_mwh 'inf' is not a finite number"),
        (f"{HEADER}\n2022-01-01,net,1,\n2022-01-01,net,1,\n", "line 3: 2022-01-01 net stands in the file twice"),
        (f"{HEADER},energy_tolerance_mwh\n2022-01-01,net,1,,-1\n", "line 2: a tolerance is zero or more"),
        (f'{HEADER}\n2022-01-01,net,"1"x,2\n', "line 2: "),
    ],
)
def test_a_file_of_expected_totals_names_its_bad_line(text: str, message: str) -> None:
    """Every fault of a file of expected totals is refused with its line."""
    with pytest.raises(BadUsage) as refused:
        read_expected(text, origin="file")
    assert str(refused.value).startswith(message)
