"""The same rows in JSON and in every shape of XML are the same table."""

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.elexon.rows import StackTable, stack_table
from tests.support.elexon import XML_SHAPES, Cell, WireRow, as_json, as_xml, row, stack


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """Draw a number as a source may write it: plain, with 17 and more digits, or with an exponent."""
    value = draw(st.decimals(-(10**15), 10**15, places=18, allow_nan=False, allow_infinity=False))
    return draw(st.sampled_from([str(value), f"{value:E}", str(value.normalize()), "0E-18", "0", "-0.0"]))


def texts() -> st.SearchStrategy[str]:
    """Draw what XML can carry and what means something: no control characters, no text that means null."""
    letters = st.sampled_from("ATZtnul019_-/ .,;<>&\"'{}[]\u00e9\u20ac\u65e5\U0001f300")
    return st.text(letters, min_size=1, max_size=8).filter(lambda text: text.strip() not in {"", "NULL"})


def negative(number: str) -> str:
    """Return the number as a bid's volume."""
    return f"-{number.lstrip('-')}"


IDS = st.one_of(st.none(), st.sampled_from(["T_LARYW-1", "E_RHEI-1", "1", "2"]), texts())
FLAGS = st.sampled_from([True, False, None])
INTEGERS = st.integers(-(2**31), 2**31 - 1).map(str)


@st.composite
def rows(draw: st.DrawFn) -> WireRow:
    """Draw one row, now and then with a fault, with a field left out or with one never seen before."""
    changes: dict[str, Cell] = {
        "sequenceNumber": draw(INTEGERS),
        "id": draw(IDS),
        "acceptanceId": draw(st.none() | INTEGERS),
        "bidOfferPairId": draw(st.none() | INTEGERS),
        "soFlag": draw(FLAGS),
        "cadlFlag": draw(FLAGS),
        "repricedIndicator": draw(FLAGS),
        "originalPrice": draw(st.none() | numbers()),
        "volume": draw(numbers().map(negative)),
        "parAdjustedVolume": draw(st.none() | numbers()),
        "transmissionLossMultiplier": draw(st.none() | numbers()),
        "startTime": draw(st.sampled_from(["2026-08-06T13:00:00Z", "2026-08-06T13:00:00Z", "2026-08-06T13:30:00Z"])),
    }
    if draw(st.booleans()):
        changes["newField"] = draw(texts())
    whole = row(**changes)
    lost = draw(st.sampled_from([None, None, None, *whole]))
    return {name: value for name, value in whole.items() if name != lost or name == "settlementDate"}


def contents(result: StackTable) -> tuple[object, object]:
    """Return the accepted rows, and the rejects with their raw rows, in which T is true and F is false."""
    words = {"T": "true", "F": "false"}
    rejects = []
    for reject in result.rejects:
        raw = {name: words.get(text, text) for name, text in json.loads(reject.raw).items()}
        rejects.append((reject.row, reject.code, reject.column, reject.message, reject.bm_unit, raw))
    return result.rows.to_pylist(), rejects


@settings(deadline=None)
@given(st.lists(rows(), max_size=5))
def test_equal_tables(drawn: list[WireRow]) -> None:
    """JSON and every shape of XML give equal accepted rows and equal rejects, whatever the rows say."""
    from_json = stack(as_json(drawn))
    expected = contents(stack_table([from_json]))
    for shape in XML_SHAPES:
        from_xml = stack(as_xml(drawn, shape))
        assert contents(stack_table([from_xml])) == expected
        assert from_xml.unknown_fields == from_json.unknown_fields


@settings(deadline=None)
@given(st.lists(rows(), max_size=5))
def test_nothing_is_lost(drawn: list[WireRow]) -> None:
    """Every row of a payload is accepted or rejected, once, under its own place."""
    found = stack(as_json(drawn))
    result = stack_table([found])
    places = {*result.rows.column("row").to_pylist(), *(reject.row for reject in result.rejects)}
    assert result.rows.num_rows + len(result.rejects) == found.rows
    assert places == set(range(len(drawn)))


@settings(deadline=None)
@given(st.lists(numbers(), min_size=1, max_size=20))
def test_digits(drawn: list[str]) -> None:
    """Every accepted volume equals the number that was sent, digit for digit and exactly."""
    sent = [row(sequenceNumber=str(place), volume=negative(number)) for place, number in enumerate(drawn)]
    result = stack_table([stack(as_json(sent))])
    assert result.rejects == ()
    for accepted in result.rows.to_pylist():
        assert accepted["volume"] == sent[accepted["row"]]["volume"]
        assert Decimal(accepted["volume"]) == Decimal(negative(drawn[accepted["row"]]))


@settings(deadline=None)
@given(st.lists(rows(), min_size=1, max_size=3), st.data())
def test_order_of_fields_means_nothing(drawn: list[WireRow], data: st.DataObject) -> None:
    """Rows whose fields come in any order, each row in its own, are the same rows."""
    shuffled = [dict(data.draw(st.permutations(list(one.items())))) for one in drawn]
    assert contents(stack_table([stack(as_json(shuffled))])) == contents(stack_table([stack(as_json(drawn))]))
