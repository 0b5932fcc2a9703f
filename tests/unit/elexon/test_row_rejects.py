"""What rejects one row: each row code has rows here that meet it, and the others of their payload stay."""

import json
from collections.abc import Sequence
from datetime import date
from typing import get_args

import pytest

from reingest.elexon.rejects import RowCode
from reingest.elexon.rows import STACK_SCHEMA, stack_table
from tests.support.elexon import WireRow, as_json, as_xml, column, row, stack, table, without

NEXT = row(sequenceNumber="40", acceptanceId="52015")

MANDATORY = (
    "settlementDate",
    "settlementPeriod",
    "startTime",
    "sequenceNumber",
    "volume",
    "repricedIndicator",
)

BID_ROWS: dict[str, Sequence[WireRow]] = {
    "missing_field": [
        *(without(name) for name in MANDATORY),
        *(row(**{name: None}) for name in MANDATORY),
        row(volume='" "'),
        row(volume='"NULL"'),
        row(volume='""'),
    ],
    "bad_number": [
        row(volume='"1,5"'),
        row(volume='"-1.5 MWh"'),
        row(volume='"- 1"'),
        row(volume='"."'),
        row(volume='"-1e"'),
        row(volume='"nan"'),
        row(volume='"-inf"'),
        row(volume='"0x1F"'),
        row(volume='"-1_000"'),
        row(volume='"-\u0661"'),
        row(volume="true"),
        row(originalPrice='"--1"'),
        row(tlmAdjustedCost='"£5"'),
        row(sequenceNumber="1.0"),
        row(sequenceNumber='"01"'),
        row(acceptanceId='"+5"'),
        row(bidOfferPairId="-0"),
        row(bidOfferPairId='"0x1"'),
    ],
    "out_of_range": [
        row(volume="-10000000000000000"),
        row(volume="-1e16"),
        row(volume="-1e-33"),
        row(volume="-1e999"),
        row(volume="-1e999999999"),
        row(volume="-1e-999999999"),
        row(volume=f"-0.{'1' * 33}"),
        row(volume=f"-{'9' * 5000}"),
        row(originalPrice="1e16"),
        row(finalPrice="123456789012345678"),
        row(sequenceNumber="2147483648"),
        row(acceptanceId="9223372036854775808"),
        row(acceptanceId=f"{'9' * 5000}"),
        row(bidOfferPairId="-2147483649"),
    ],
    "bad_flag": [row(soFlag="yes"), row(cadlFlag="1"), row(storProviderFlag="Y"), row(repricedIndicator="maybe")],
    "bad_time": [
        row(startTime="2026-08-06 13:00:00Z"),
        row(startTime="2026-08-06T13:00:00"),
        row(startTime="2026-08-06T13:00Z"),
        row(startTime="2026-13-06T13:00:00Z"),
        row(startTime="2026-W32-4T13:00:00Z"),
        row(createdDateTime="0001-01-01T00:00:00+23:59"),
        row(createdDateTime="yesterday"),
        row(createdDateTime="2026-08-07T13:44:36.12345678Z"),
    ],
    "bad_id": [row(id=" T_LARYW-1"), row(id="T_LARYW-1\n"), row(id="T_\tLARYW-1"), row(id="T_LARYW-1\u00a0")],
    "wrong_start_time": [row(startTime="2026-08-06T13:30:00Z"), row(startTime="2026-08-06T13:00:00.0000010Z")],
    "wrong_sign": [row(volume="0.001"), row(volume="1e-18"), row(volume='"+3"')],
    "duplicate_identity": [],
}


@pytest.mark.parametrize(
    ("code", "bad"),
    [(code, bad) for code, rows in BID_ROWS.items() for bad in rows],
    ids=[f"{code}-{place}" for code, rows in BID_ROWS.items() for place in range(len(rows))],
)
def test_code(code: str, bad: WireRow) -> None:
    """Each fault of a row rejects that row alone, with its own code, its place and its wire text."""
    result = table(bad, NEXT)
    assert column(result, "row") == [1]
    (reject,) = result.rejects
    assert (reject.code, reject.period, reject.side, reject.row) == (code, 29, "bid", 0)
    assert reject.bm_unit == "T_LARYW-1" or code == "bad_id"
    assert reject.column in bad or code == "missing_field"
    assert reject.column is not None
    assert reject.column in reject.message
    assert (
        json.loads(reject.raw)["acceptanceId"] == json.loads(as_json([bad]), parse_int=str)["data"][0]["acceptanceId"]
    )


def test_every_code_is_tested() -> None:
    """There is no row code without rows that meet it."""
    assert set(BID_ROWS) == set(get_args(RowCode))


def test_duplicates_are_rejected_every_one() -> None:
    """Rows of one identity are all rejected, never merged, whatever else they say."""
    rows = [row(), NEXT, row(), row(volume="-1"), row(acceptanceId="1")]
    result = table(*rows)
    assert [(reject.row, reject.code, reject.column) for reject in result.rejects] == [
        (0, "duplicate_identity", None),
        (2, "duplicate_identity", None),
        (3, "duplicate_identity", None),
    ]
    assert "3 rows" in result.rejects[0].message
    assert column(result, "row") == [1, 4]


def test_nulls_are_equal_in_an_identity() -> None:
    """Two balancing adjustments with one number and no acceptance are duplicates, as the database has it."""
    rows = [row(id=one, acceptanceId=None, bidOfferPairId=None) for one in ("1", "1", "2", None, None)]
    assert [reject.row for reject in table(*rows).rejects] == [0, 1, 3, 4]


def test_white_space_makes_no_other_identity() -> None:
    """A number with white space around it is the same number, so its row is the same row."""
    assert len(table(row(), row(sequenceNumber='" 38 "')).rejects) == 2


def test_a_twin_at_fault_still_makes_a_duplicate() -> None:
    """Where one of two equal rows cannot be read, the other is not accepted in its place."""
    result = table(row(volume='"x"'), row())
    assert [reject.code for reject in result.rejects] == ["bad_number", "duplicate_identity"]


def test_same_identity_on_both_sides() -> None:
    """The same unit, acceptance, pair and number on the other side, or in another period, is another row."""
    bids = stack(as_json([row()]))
    offers = stack(as_json([row(volume="10")]), side="offer")
    assert stack_table([bids, offers]).rejects == ()


def test_several_rows_of_a_unit_are_normal() -> None:
    """Two acceptances of a unit in a pair and period are two rows, even at one price and volume."""
    assert table(row(), row(acceptanceId="52014", sequenceNumber="39")).rows.num_rows == 2


@pytest.mark.parametrize(("side", "volume"), [("offer", "-0.001"), ("bid", "0.001")])
def test_wrong_sign(side: str, volume: str) -> None:
    """An offer below zero and a bid above are rejected, and the message says which it is."""
    (reject,) = table(row(volume=volume), side="offer" if side == "offer" else "bid").rejects
    assert (reject.code, side in reject.message) == ("wrong_sign", True)


@pytest.mark.parametrize("side", ["bid", "offer"])
@pytest.mark.parametrize("volume", ["0", "-0", "0.0", "0E-18", "-0.000"])
def test_zero_has_no_sign(side: str, volume: str) -> None:
    """A volume of zero is fine on both sides, however it is written."""
    assert table(row(volume=volume), side="offer" if side == "offer" else "bid").rejects == ()


@pytest.mark.parametrize(
    "text",
    [
        "-9999999999999999.99999999999999999999999999999999",
        "-0.00000000000000011102230246251565",
        "-1.1102230246251565E-16",
        "-4.1666666666666667e-3",
        "-1E+5",
        "-00000000000000000001.5",
        "-.5",
        "-5.",
    ],
)
def test_every_digit_is_kept(text: str) -> None:
    """A number reaches the table in the very text in which it came, exponents and all."""
    assert column(table(row(volume=f'"{text}"')), "volume") == [text]


@pytest.mark.parametrize("flag", ["true", "True", "TRUE", "T", "t"])
def test_flags(flag: str) -> None:
    """A flag is true or T in any case, with or without quotes; a null one stays null, which is not false."""
    opposite = {"true": "false", "True": "False", "TRUE": "FALSE", "T": "F", "t": "f"}[flag]
    result = table(row(soFlag=flag, cadlFlag=opposite))
    assert column(result, "so_flag") == [True]
    assert column(result, "cadl_flag") == [False]
    assert column(table(row(soFlag=None)), "so_flag") == [None]


@pytest.mark.parametrize(
    "text", ["2026-08-06T13:00:00Z", "2026-08-06T13:00:00.0000000+00:00", "2026-08-06T14:00:00+01:00"]
)
def test_times(text: str) -> None:
    """An instant is read in the live form, with seven decimals, and at any offset."""
    result = table(row(startTime=text))
    assert column(result, "start_time")[0] == column(table(row()), "start_time")[0]


def test_created_time_may_be_null() -> None:
    """A row without createdDateTime is accepted with a null."""
    assert column(table(row(createdDateTime=None)), "created_at") == [None]


def test_white_space_around_values() -> None:
    """Indented XML is read as if it were not, except an id, which is never tidied."""
    body = as_xml([row()]).replace(b"<volume>", b"<volume>\n  ").replace(b"</soFlag>", b"\t</soFlag>")
    body = body.replace(b"<acceptanceId>52013<", b"<acceptanceId>\n<").replace(b">T_LARYW-1<", b">\n<")
    body = body.replace(b">false</cadlFlag>", b"> </cadlFlag>")
    (accepted,) = stack_table([stack(body)]).rows.to_pylist()
    assert (accepted["volume"], accepted["cadl_flag"]) == ("-10.166666666666666075", None)
    assert (accepted["so_flag"], accepted["acceptance_id"], accepted["bm_unit"]) == (True, None, None)


def test_an_untidy_id_names_its_unit() -> None:
    """A row with white space around its id is rejected under the unit that it means, so that a wind unit's shows."""
    (reject,) = table(row(id=" T_LARYW-1 ")).rejects
    assert (reject.code, reject.bm_unit) == ("bad_id", "T_LARYW-1")


@pytest.mark.parametrize("number", ["1", "007", "1e5", "-1"])
def test_numeric_ids_stay_text(number: str) -> None:
    """A numeric id is a balancing adjustment's, and keeps its letters."""
    assert column(table(row(id=number)), "bm_unit") == [number]


def test_unknown_fields() -> None:
    """A field never seen before is kept beside its row, reported by name, and rejects nothing."""
    found = stack(as_json([row(newField="5", flag=True), NEXT]))
    assert found.unknown_fields == {"newField", "flag"}
    result = stack_table([found])
    assert [json.loads(str(extra)) if extra else None for extra in column(result, "extra")] == [
        {"newField": "5", "flag": "true"},
        None,
    ]


def test_unknown_fields_with_structure() -> None:
    """An unknown field that holds more than one value is kept whole, in JSON and in XML."""
    body = as_json([row()]).replace(b'"id"', b'"links":{"next":[1.50,null]},"id"')
    assert json.loads(stack(body).extras[0] or "") == {"links": {"next": ["1.50", None]}}
    body = as_xml([row()]).replace(b"<id>", b"<Links><next>1.50</next></Links><id>")
    found = stack(body)
    assert json.loads(found.extras[0] or "") == {"links": "<Links><next>1.50</next></Links>"}
    assert found.columns["id"] == ["T_LARYW-1"]


def test_raw_of_a_reject() -> None:
    """A reject keeps the row's wire text with its unknown fields, and what it lacks as null."""
    (reject,) = table(without("sequenceNumber", volume="-1.50", newField="é")).rejects
    raw = json.loads(reject.raw)
    assert (raw["volume"], raw["newField"], raw["sequenceNumber"], raw["soFlag"]) == ("-1.50", "é", None, "true")


def test_long_values_are_cut_in_messages() -> None:
    """A message stays short however long the value at fault is."""
    (reject,) = table(row(volume=f'"{"x" * 10_000}"')).rejects
    assert len(reject.message) < 200


def test_rejects_of_several_stacks() -> None:
    """Rejects lead back to their own payload: period, side and place in it, in the order of the payloads."""
    bids = stack(as_json([row(), row(sequenceNumber="39", soFlag="x")]))
    offers = stack(as_json([row(volume="-1"), row(sequenceNumber="39", volume="1")]), side="offer")
    later = stack(
        as_json([row(settlementPeriod="30", startTime="2026-08-06T13:30:00Z", volume='"?"')]), period=30, side="bid"
    )
    rejects = stack_table([bids, offers, later]).rejects
    assert [(reject.period, reject.side, reject.row, reject.code) for reject in rejects] == [
        (29, "bid", 1, "bad_flag"),
        (29, "offer", 0, "wrong_sign"),
        (30, "bid", 0, "bad_number"),
    ]


def test_schema() -> None:
    """The table has the one schema, with rows or without."""
    assert stack_table([]).rows.schema == STACK_SCHEMA
    assert table(row(), row(volume='"x"')).rows.schema == STACK_SCHEMA
    assert table().rows.schema == STACK_SCHEMA


def test_faults_of_the_caller() -> None:
    """Stacks of two dates, one stack twice, and a period that the date does not have are the caller's faults."""
    one = stack(as_json([]))
    with pytest.raises(ValueError, match="several settlement dates"):
        stack_table([one, stack(as_json([]), settlement_date=date(2026, 8, 7))])
    with pytest.raises(ValueError, match="twice"):
        stack_table([one, one])
    with pytest.raises(ValueError, match="2026-08-06 has no period 49"):
        stack_table([stack(as_json([]), period=49)])
