from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reingest.errors import NotFound
from reingest.standin.asked import Asked
from reingest.standin.days import RecordedDays
from reingest.standin.documents import published
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import GeneratedDays
from reingest.standin.model import StackRow
from reingest.standin.publication import LATER_RUN, Publication, Restatement
from reingest.standin.units import generated_register
from tests.support.standin import DAY, write_day

OTHER_DAY = date(2025, 3, 2)


@pytest.fixture
def publication(tmp_path: Path) -> Publication:
    recorded = RecordedDays([write_day(tmp_path / "day.csv")])
    return Publication(generated_register(), recorded=recorded)


def volumes(publication: Publication, number: int = 5) -> tuple[list[str], list[str]]:
    stack = publication.period(DAY, number)
    assert stack
    return [row.volume for row in stack.bids], [row.volume for row in stack.offers]


def test_a_factor_multiplies_exactly(publication: Publication) -> None:
    """A factor changes the volumes of units exactly, leaves adjustments alone, and moves createdDateTime."""
    before = publication.period(DAY, 5)
    assert publication.restate(Restatement(DAY, period=5, volume_factor=Decimal("1.1"))) == (5,)
    bids, offers = volumes(publication)
    assert bids == ["-11.1833333333333326825", "-1.4666666666666665849", "-0.000011", "-500", "-2.750"]
    assert offers == ["0.55", "157.5"]
    after = publication.period(DAY, 5)
    assert before
    assert after
    assert after.created_at == before.created_at + LATER_RUN


def test_only_what_is_named_changes(publication: Publication) -> None:
    """A unit, a side and a period narrow a restatement; other periods keep their run."""
    changed = publication.restate(Restatement(DAY, side="offer", bm_unit="T_CARF-1", volume_factor=Decimal(2)))
    assert changed == (6,)
    assert volumes(publication, 6)[1] == ["50"]
    untouched = publication.period(DAY, 5)
    assert untouched
    assert untouched.created_at == datetime(2025, 3, 2, 2, 44, tzinfo=UTC)
    assert (publication.revision(DAY), publication.revision(OTHER_DAY), publication.revision(None)) == (1, 0, 0)


def test_columns_that_repeat_the_volume_follow_it() -> None:
    """The DMAT, arbitrage and NIV volumes of a restated row follow its volume where they were equal to it."""
    register = generated_register()
    publication = Publication(register, generated=GeneratedDays(7, fleet_of(register)))
    publication.restate(Restatement(DAY, period=5, volume_factor=Decimal(2)))
    stack = publication.period(DAY, 5)
    assert stack
    large = [row for row in stack.bids if row.dmat_adjusted_volume != "0.0" and not row.is_adjustment]
    assert all(row.dmat_adjusted_volume == row.volume for row in large)


def test_dropped_rows_renumber_the_rest(publication: Publication) -> None:
    """Dropping a unit's rows takes them away and ranks the others anew, since sequence numbers are ranks."""
    publication.restate(Restatement(DAY, bm_unit="T_ARDGW-1", drop=True))
    stack = publication.period(DAY, 5)
    assert stack
    assert [(row.sequence_number, row.bm_unit) for row in stack.bids] == [(1, "T_CARF-1"), (2, "1"), (3, None)]


def test_new_rows_and_prices(publication: Publication) -> None:
    """A restatement can add rows, replace prices, and name its own createdDateTime."""
    moment = datetime(2025, 4, 1, tzinfo=UTC)
    late = StackRow(1, "T_LATEW-1", 9, -1, "-1.5", "-20")
    publication.restate(Restatement(DAY, period=5, add=(late,), created_at=moment))
    publication.restate(Restatement(DAY, period=5, side="offer", add=(late,), bm_unit="-", created_at=moment))
    publication.restate(Restatement(DAY, period=6, original_price="-7.5"))
    stack = publication.period(DAY, 5)
    repriced = publication.period(DAY, 6)
    assert stack
    assert repriced
    assert stack.created_at == moment
    assert [row.bm_unit for row in stack.bids][-1] == "T_LATEW-1"
    assert [row.sequence_number for row in stack.offers] == [1, 2, 3]
    assert [row.original_price for row in repriced.offers] == ["-7.5"]


def test_the_replaced_run_is_remembered(publication: Publication) -> None:
    """What a restatement replaced can still be had; without one, it is the provisional first run."""
    before = publication.period(DAY, 5)
    assert before
    first = publication.before_restatement(before)
    assert first.created_at == before.period.end + timedelta(minutes=14)
    publication.restate(Restatement(DAY, period=5, drop=True))
    after = publication.period(DAY, 5)
    assert after
    assert publication.before_restatement(after) == before


@pytest.mark.parametrize(
    "change",
    [
        Restatement(OTHER_DAY, drop=True),
        Restatement(DAY, bm_unit="T_NOBODY-1", drop=True),
        Restatement(DAY, period=49, drop=True),
    ],
)
def test_nothing_to_restate_is_said(publication: Publication, change: Restatement) -> None:
    """A restatement that changes nothing is refused: a date that is not published, or no such unit or period."""
    with pytest.raises(NotFound):
        publication.restate(change)


def test_unserved_dates_are_not_published(publication: Publication) -> None:
    """A date of no source has no periods, and no date has a period 49 or 0 that is not in the calendar."""
    assert publication.day(OTHER_DAY) == ()
    assert publication.period(DAY, 49) is None
    assert publication.period(DAY, 0) is None
    assert len(publication.day(DAY)) == 48


def test_recorded_days_stand_before_generated_ones(tmp_path: Path) -> None:
    """A recorded date is served as recorded, every other one as generated."""
    register = generated_register()
    recorded = RecordedDays([write_day(tmp_path / "day.csv")])
    publication = Publication(register, recorded=recorded, generated=GeneratedDays(7, fleet_of(register)))
    assert len(volumes(publication)[0]) == 5
    assert len(publication.day(OTHER_DAY)) == 48


def test_a_request_is_about_its_periods(publication: Publication) -> None:
    """A request is about one period, all of its date, or nothing where the dataset has no date."""
    counts = [
        len(published(asked, publication))
        for asked in (Asked("DISEBSP", settlement_date=DAY, period=5), Asked("DISEBSP", settlement_date=DAY))
    ]
    assert counts == [1, 48]
    assert published(Asked("BMUNITS"), publication) == []
