import hashlib
import random
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reingest.curtailment.content import Content, content_hash, dump_lines
from reingest.curtailment.definitions import definitions_for
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.curtailment.totals import Totals, daily_totals
from reingest.curtailment.words import SIDES
from tests.support.curtailment import REAL_DATE, real_day_rows, record, records, undo


def content(rows: list[CurtailmentRecord]) -> Content:
    """A version of two periods with these records."""
    return Content(
        settlement_date=date(2022, 1, 1),
        sides=("bid", "offer"),
        outcomes={
            (10, "bid"): "fetched",
            (2, "offer"): "confirmed_empty",
            (2, "bid"): "fetched",
            (10, "offer"): "fetched",
        },
        records=rows,
        totals={
            "so_flagged": Totals(Decimal("10.500"), Decimal("-5E+2"), 1, 1, 1, Decimal(-3)),
            "net": Totals(Decimal("6.50"), Decimal("0E-9"), 2, 1, 1, None),
        },
        mining={("net", "S9"): Decimal("0.001500000000000000"), ("net", "M20S"): Decimal("0E-18")},
    )


def test_the_whole_format() -> None:
    """A dump has one line a fact, in one order, with plain numbers, dashes for null, and its hash at the end."""
    rows = [
        undo(period=10, transmission_loss_multiplier="0.99265519999999995981"),
        record(period=2, acceptance_id=None, pair_id=None, so_flag=None, original_price=None, volume="-1E-3"),
        record(period=2, bm_unit="E_RHEI-1", final_price="-50.10", repriced=True),
    ]
    lines = list(dump_lines(content(rows)))
    assert lines[:-1] == [
        "reingest-content\t1",
        "settlement_date\t2022-01-01",
        "sides\tbid\toffer",
        "period\t2\tbid\tfetched",
        "period\t2\toffer\tconfirmed_empty",
        "period\t10\tbid\tfetched",
        "period\t10\toffer\tfetched",
        "record\t2\tbid\tE_RHEI-1\t52013\t-1\ttrue\tfalse\tfalse\ttrue\t-50\t-10\t-50.1\t-",
        "record\t2\tbid\tT_LARYW-1\t-\t-\t-\tfalse\tfalse\tfalse\t-\t-0.001\t-\t-",
        "record\t10\toffer\tT_LARYW-1\t52013\t-1\tfalse\tfalse\tfalse\tfalse\t-50\t4\t-\t0.99265519999999995981",
        "total\tnet\t6.5\t0\t2\t1\t1",
        "total\tso_flagged\t10.5\t-500\t1\t1\t1",
        "mining\tnet\tM20S\t0",
        "mining\tnet\tS9\t0.0015",
    ]
    text = "".join(f"{line}\n" for line in lines[:-1])
    assert lines[-1] == f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def test_the_format_never_changes() -> None:
    """The hash of one content stays what it was when the format got its number."""
    rows = [record(period=2, volume="-10.166666666666666075"), undo(period=10)]
    assert content_hash(content(rows)) == "0f091081e3537f219261ba8c86fb5f2a63d3e113e253c1f221e7db4d5ac75a6b"


def test_unavailable_mining_is_said() -> None:
    """A date beyond the known difficulties says so in one line, which is not the same as no BTC."""
    known = content([])
    lines = list(dump_lines(replace(known, mining=None)))
    assert lines[-2] == "mining\tunavailable"
    assert content_hash(replace(known, mining={})) != content_hash(replace(known, mining=None))


@pytest.mark.parametrize(
    ("unit", "text"),
    [("-", "\\-"), ("a\tb", "a\\tb"), ("a\nb\r", "a\\nb\\r"), ("a\\tb", "a\\\\tb"), ("T_ÉOL-1", "T_ÉOL-1")],
)
def test_text_cannot_break_the_format(unit: str, text: str) -> None:
    """A unit id that holds a separator, or looks like null, is written so that it reads back as itself only."""
    lines = list(dump_lines(content([record(bm_unit=unit)])))
    assert f"record\t1\tbid\t{text}\t52013\t" in lines[7]


@given(st.lists(records(), max_size=10), st.randoms())
def test_how_a_date_came_about_is_not_content(rows: list[CurtailmentRecord], chance: random.Random) -> None:
    """Order, sequence numbers, positions, creation times and unknown fields change nothing in the dump."""
    other = [
        row._replace(
            sequence_number=chance.randrange(999),
            row=chance.randrange(999),
            created_at=chance.choice([None, datetime(2022, 1, 3, tzinfo=UTC)]),
            extra=chance.choice([None, "{}"]),
        )
        for row in rows
    ]
    chance.shuffle(other)
    assert list(dump_lines(content(other))) == list(dump_lines(content(rows)))


@given(st.lists(records(), max_size=10))
def test_the_hash_is_the_dumps(rows: list[CurtailmentRecord]) -> None:
    """The content hash is the one that the dump ends with."""
    assert list(dump_lines(content(rows)))[-1] == f"sha256 {content_hash(content(rows))}"


@given(st.lists(records(), max_size=10))
def test_written_forms_of_a_number_are_one(rows: list[CurtailmentRecord]) -> None:
    """Trailing zeros and exponents do not make another content."""
    padded = [row._replace(volume=row.volume.quantize(Decimal("1E-24"))) for row in rows]
    assert content_hash(content(padded)) == content_hash(content(rows))


@pytest.mark.parametrize(
    "change",
    [
        {"period": 2},
        {"bm_unit": "E_RHEI-1"},
        {"acceptance_id": None},
        {"acceptance_id": 0},
        {"pair_id": -2},
        {"pair_id": None},
        {"so_flag": False},
        {"so_flag": None},
        {"cadl_flag": True},
        {"stor_flag": True},
        {"repriced": True},
        {"original_price": "-50.0000000000000000001"},
        {"original_price": None},
        {"volume": "-10.0000000000000000001"},
        {"final_price": "0"},
        {"transmission_loss_multiplier": "1"},
    ],
)
def test_what_a_record_says_is_content(change: dict[str, object]) -> None:
    """Another value of any field that means something makes another content."""
    assert content_hash(content([record(**change)])) != content_hash(content([record()]))


def test_the_rest_of_what_a_version_says_is_content() -> None:
    """Date, sides, outcomes, totals, mining and the number of equal rows each make another content."""
    base = content([record()])
    others = [
        content([]),
        content([record(), record()]),
        replace(base, settlement_date=date(2022, 1, 2)),
        replace(base, sides=("bid",)),
        replace(base, outcomes={}),
        replace(base, totals={}),
        replace(base, mining={}),
    ]
    assert len({content_hash(each) for each in [base, *others]}) == len(others) + 1


def test_the_real_day_dumps_whole(shared: Path) -> None:
    """The real day's dump has a line for each of its 3,791 records and each of its totals."""
    rows, wind_units = real_day_rows(shared)
    found = select_records(rows, wind_units)
    totals = daily_totals(found, definitions_for(SIDES))
    lines = list(dump_lines(Content(REAL_DATE, SIDES, {}, found, totals, None)))
    assert sum(line.startswith("record\t") for line in lines) == 3791
    assert "total\tso_flagged\t62399.044124435\t4418777.64000892021\t3525\t65\t45" in lines
