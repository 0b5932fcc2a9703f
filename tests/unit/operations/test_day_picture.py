import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from reingest.calendar import period_count
from reingest.curtailment.content import Content
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.exact import exact_sum
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.curtailment.totals import daily_totals
from reingest.curtailment.words import SIDES, DefinitionName, PeriodOutcome, Side
from reingest.operations.day_grid import day_grid
from reingest.operations.day_picture import CLASSES, COLOURS, MOST_ROWS, day_picture
from scripts.draw_day import PICTURE, picture_of_the_demo
from tests.support.curtailment import REAL_DATE, real_day_rows, record, records, undo

FORWARD, BACK = date(2025, 3, 30), date(2024, 10, 27)


def content(
    rows: Sequence[CurtailmentRecord],
    day: date = REAL_DATE,
    outcomes: dict[int, PeriodOutcome] | None = None,
    sides: tuple[Side, ...] = SIDES,
) -> Content:
    """What a date says whose periods were fetched, save for the given outcomes."""
    periods = range(1, period_count(day) + 1)
    return Content(
        settlement_date=day,
        sides=sides,
        outcomes={(number, side): (outcomes or {}).get(number, "fetched") for number in periods for side in sides},
        records=rows,
        totals=daily_totals(rows, definitions_for(sides)),
        mining=None,
    )


def words_of(one: etree._Element) -> str:
    return "".join(str(part) for part in one.itertext())


class Picture:
    """A picture, read as any SVG reader would."""

    def __init__(self, svg: str) -> None:
        self.root = etree.fromstring(svg.encode())
        self.words = [words_of(one) for one in self.all("text")]

    def all(self, name: str, **attributes: str) -> list[etree._Element]:
        """Return the elements of a name with these attributes."""
        found = self.root.iter(f"{{http://www.w3.org/2000/svg}}{name}")
        return [one for one in found if all(one.get(key) == value for key, value in attributes.items())]

    def columns(self, kind: str) -> list[str]:
        """Return where the rectangles of a class begin, from the left."""
        return [str(one.get("x")) for one in self.all("rect", **{"class": kind})]

    def texts(self, kind: str) -> list[str]:
        """Return the words of a class."""
        return [words_of(one) for one in self.all("text", **{"class": kind})]

    def cells(self) -> list[tuple[int, int, str]]:
        """Return the cells by row and column, in pixels, with their colours."""
        return sorted(
            (int(y), int(x), str(path.get("stroke")))
            for path in self.all("path", **{"class": "cells"})
            for x, y in re.findall(r"M(\d+) (\d+)h\d+", str(path.get("d")))
        )

    @property
    def height(self) -> int:
        return int(str(self.root.get("height")))


def drawn(rows: Iterable[CurtailmentRecord], definition: DefinitionName = "so_flagged", **fields: object) -> Picture:
    return Picture(day_picture(content(list(rows), **fields), definition=definition))  # type: ignore[arg-type]


@pytest.mark.parametrize(("day", "count"), [(REAL_DATE, 48), (FORWARD, 46), (BACK, 50)])
def test_every_period_of_the_calendar_has_a_column(day: date, count: int) -> None:
    """A day with energy in every period has as many bars and cells, and one that nobody asked for as many hatches."""
    rows = [record(period=number) for number in range(1, count + 1)]
    picture = drawn(rows, day=day)
    assert len(set(picture.columns("bar"))) == len(picture.columns("bar")) == count
    assert len({x for _, x, _ in picture.cells()}) == len(picture.cells()) == count

    unasked = drawn([], day=day, outcomes=dict.fromkeys(range(1, count + 1), "not_asked"))
    assert len(set(unasked.columns("hole"))) == count
    assert f"not asked: periods 1-{count}" in unasked.words


@pytest.mark.parametrize(
    ("day", "clock", "change"),
    [
        (REAL_DATE, ["00:00", "02:00", "04:00"], []),
        (FORWARD, ["00:00", "04:00", "06:00"], ["clocks go forward: 01:00 to 02:00 does not exist"]),
        (BACK, ["00:00", "02:00", "04:00"], ["clocks go back: 01:00 to 02:00 comes twice"]),
    ],
)
def test_the_axis_tells_local_time(day: date, clock: list[str], change: list[str]) -> None:
    """The axis has the hours that clocks in London show, and says where they change."""
    picture = drawn([record()], day=day)
    assert picture.texts("clock")[:3] == clock
    assert picture.texts("clock")[-1] == "22:00"
    assert [words for words in picture.words if words.startswith("clocks go")] == change


def test_the_heading_says_what_is_drawn() -> None:
    """Date, definition, energy, payment, units and periods stand on top, other definitions under them."""
    rows = [record(), record(period=2, so_flag=False), undo(period=2)]
    assert drawn(rows).words[:3] == [
        "Wind curtailment on 2022-01-01, so_flagged",
        "10.000 MWh, £500.00 in 1 BM unit and 1 period",
        "all_bids: 20.000 MWh, £1,000.00; net: 16.000 MWh, £800.00",
    ]


def test_a_day_of_bids_alone_draws_no_net() -> None:
    """Where offers were not fetched, the heading leaves out net, and drawing it is refused."""
    bids = content([record()], sides=("bid",))
    assert Picture(day_picture(bids)).words[2] == "all_bids: 10.000 MWh, £500.00"
    with pytest.raises(KeyError):
        day_picture(bids, definition="net")


@given(st.lists(records(), max_size=12), st.sampled_from(["so_flagged", "all_bids", "net"]))
def test_every_units_energy_is_there(rows: list[CurtailmentRecord], definition: DefinitionName) -> None:
    """The grid comes to the day's exact totals, by unit and by period, and each cell that is not zero shows."""
    day = content(rows, day=BACK)
    counted = next(one for one in definitions_for(SIDES) if one.name == definition).select(rows)
    for most_rows in (2, MOST_ROWS):
        grid = day_grid(day, definition, most_rows)
        assert len(grid.rows) <= most_rows
        assert exact_sum(mwh for row in grid.rows for mwh in row.energy_mwh.values()) == grid.totals.energy_mwh
        assert exact_sum(row.totals.payment_gbp for row in grid.rows) == grid.totals.payment_gbp
        assert exact_sum(period.energy_mwh for period in grid.by_period.values()) == grid.totals.energy_mwh
        assert {unit for row in grid.rows for unit in row.bm_units} == {one.bm_unit for one in counted}
    picture = Picture(day_picture(day, definition=definition))
    assert len(picture.cells()) == sum(bool(mwh) for row in grid.rows for mwh in row.energy_mwh.values())
    assert len(picture.columns("bar")) == sum(bool(totals.energy_mwh) for totals in grid.by_period.values())
    assert len(picture.texts("unit")) == len(grid.rows)


def test_units_stand_largest_first() -> None:
    """Units are in order of energy and, where that is equal, of id; each with its figures and its lead party."""
    rows = [record(bm_unit="T_B-1"), record(bm_unit="T_A-1"), record(bm_unit="T_C-1", volume="-10.0004")]
    parties = {"T_C-1": "Caledon Renewables Limited", "T_A-1": None}
    picture = Picture(day_picture(content(rows), parties))
    assert picture.texts("unit") == ["T_C-1", "T_A-1", "T_B-1"]
    assert picture.texts("mwh") == ["10.000", "10.000", "10.000"]
    assert "Caledon Renewables…" in picture.words


def test_a_hundred_units_stay_small() -> None:
    """A day of a hundred units in all periods has forty rows, the last one for the rest, and is under 60 kB."""
    rows = [
        record(bm_unit=f"T_W{unit:03}-1", period=period, volume=f"-{1000 - unit}.{period:018}")
        for unit in range(100)
        for period in range(1, 51)
    ]
    svg = day_picture(content(rows, day=BACK), {f"T_W{unit:03}-1": "A party of this name" for unit in range(100)})
    assert Picture(svg).texts("unit")[-2:] == ["T_W038-1", "61 more units"]
    assert len(svg.encode()) < 60_000


def test_one_unit_more_than_there_is_room_for() -> None:
    """As many units as there are rows each have their own; with one more, the last row sums two."""
    rows = [record(bm_unit=f"T_W{unit:03}-1") for unit in range(MOST_ROWS + 1)]
    assert drawn(rows[:-1]).texts("unit")[-1] == f"T_W{MOST_ROWS - 1:03}-1"
    assert drawn(rows).texts("unit")[-1] == "2 more units"
    assert len(drawn(rows).texts("unit")) == MOST_ROWS


@pytest.mark.parametrize("number", range(len(COLOURS)))
def test_colours_are_classes_of_energy(number: int) -> None:
    """A cell at a class's end has its colour, one that is a little more has the next; the legend names the ends."""
    ends = [*map(str, CLASSES), "99999"]
    picture = drawn([record(volume=f"-{ends[number]}"), record(period=2, volume=f"-{ends[number]}.0001")])
    colours = [colour for _, _, colour in picture.cells()]
    assert colours == [COLOURS[number], COLOURS[min(number + 1, len(COLOURS) - 1)]]
    assert [words for words in picture.words if words in ends] == ends[:-1]


def test_a_day_without_curtailment() -> None:
    """A zero day says so, and has no colours to explain."""
    picture = drawn([], outcomes=dict.fromkeys(range(1, 49), "confirmed_empty"))
    assert "no curtailment" in picture.words
    assert "0.000 MWh, £0.00 in 0 BM units and 0 periods" in picture.words
    assert (picture.cells(), picture.columns("bar"), picture.columns("hole")) == ([], [], [])
    assert "MWh, one unit" not in picture.words


def test_periods_that_are_not_known_do_not_pass_for_zero() -> None:
    """What failed, was not published or not asked is hatched in strip and rows, named in the legend, and counted."""
    lost: dict[int, PeriodOutcome] = {5: "failed", 6: "failed", 7: "failed", 9: "not_published", 48: "not_asked"}
    picture = drawn([record(period=1)], outcomes=lost)
    assert len(picture.columns("hole")) == 2 * len(lost)
    assert picture.words[-3:] == ["failed: periods 5-7", "not published: period 9", "not asked: period 48"]
    assert picture.words[1].endswith("; 5 of 48 periods missing")
    assert "no curtailment in the 43 of 48 periods at hand" in drawn([], outcomes=lost).words


def test_a_period_that_one_side_lacks_is_hatched() -> None:
    """A period is no better known than the worse of its sides; one that the content does not name was not asked."""
    day = content([])
    outcomes = {**day.outcomes, (3, "offer"): "failed"}
    del outcomes[4, "bid"]
    picture = Picture(day_picture(Content(day.settlement_date, SIDES, outcomes, (), day.totals, None)))
    assert picture.words[-2:] == ["failed: period 3", "not asked: period 4"]


def test_payment_below_zero_shows() -> None:
    """A unit that pays, and a period in which units pay, are marked, and the legend says what the mark means."""
    rows = [record(bm_unit="T_PAYS-1", original_price="10"), record(bm_unit="T_PAID-1", period=2)]
    picture = drawn(rows)
    inks = {words_of(one): one.get("fill") for one in picture.all("text", **{"class": "unit"})}
    assert inks["T_PAYS-1"] != inks["T_PAID-1"]
    assert "-£100.00" in picture.words
    assert picture.words[-1] == "payment below zero: the unit pays"
    assert len(picture.all("path", **{"class": "pays"})) == 1
    assert picture.words[1] == "20.000 MWh, £400.00 in 2 BM units and 2 periods"
    assert drawn(rows[:1]).words[1] == "10.000 MWh, -£100.00 (paid by the units) in 1 BM unit and 1 period"


def test_energy_below_zero_shows() -> None:
    """Offers that undo more than bids took are dashes without a colour, and their bar hangs down."""
    rows = [record(volume="-30"), undo(period=2, volume="10")]
    picture = drawn(rows, definition="net")
    assert picture.words[-1] == "energy below zero: offers undid more than bids took"
    assert [colour in COLOURS for _, _, colour in picture.cells()] == [True, False]
    bars = picture.all("rect", **{"class": "bar"})
    tops, heights = ([int(str(bar.get(key))) for bar in bars] for key in ("y", "height"))
    assert tops[1] == tops[0] + heights[0]
    assert heights == [48, 16]
    assert drawn([undo(volume="0.5")], definition="net").words[-1] == picture.words[-1]


@given(st.text(), st.text())
def test_any_name_is_well_formed(unit: str, party: str) -> None:
    """Whatever text a unit or a party is called by, the picture is well-formed, and so encoded."""
    svg = day_picture(content([record(bm_unit=unit)]), {unit: party})
    assert len(Picture(svg).texts("unit")) == 1


def test_names_are_escaped() -> None:
    """Markup in a name is text, and a character that XML does not have is replaced."""
    assert drawn([record(bm_unit='T_<"&\x00\ud800>')]).texts("unit") == ['T_<"&\ufffd\ufffd>']


@given(st.lists(records(), max_size=8), st.randoms(use_true_random=False))
def test_equal_content_gives_equal_bytes(rows: list[CurtailmentRecord], chance: Random) -> None:
    """The order of records makes no difference to a single byte."""
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert day_picture(content(rows, day=BACK)) == day_picture(content(shuffled, day=BACK))


def test_a_period_that_the_date_does_not_have() -> None:
    """A record outside the calendar is a fault of the caller, not a column."""
    with pytest.raises(ValueError, match=r"periods that the date does not have: \[47\]"):
        drawn([record(period=47)], day=FORWARD)


def test_the_real_day(shared: Path) -> None:
    """The real day has 39 units of its own and 26 more, and the totals of the reference data."""
    rows, wind_units = real_day_rows(shared)
    picture = drawn(select_records(rows, wind_units))
    assert picture.words[1] == "62,399.044 MWh, £4,418,777.64 in 65 BM units and 45 periods"
    assert picture.texts("unit")[-1] == "26 more units"
    shown = [Decimal(words.replace(",", "")) for words in picture.texts("mwh")]
    assert exact_sum(shown).quantize(Decimal(1)) == Decimal(62399)


def test_the_picture_in_the_docs_is_fresh() -> None:
    """docs/pictures has the picture that scripts/draw_day.py would draw."""
    assert PICTURE.read_text(encoding="utf-8") == picture_of_the_demo()
