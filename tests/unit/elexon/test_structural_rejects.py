"""What rejects a whole payload: each structural code has answers here that meet it."""

import json
from collections.abc import Sequence
from typing import get_args

import pytest

from reingest.elexon import payload
from reingest.elexon.rejects import MEANINGS, ROW_MEANINGS, STRUCTURAL_MEANINGS, RowCode, StructuralCode
from reingest.elexon.sniff import LARGEST_BODY
from reingest.errors import PayloadRejected
from tests.support.elexon import DATE, PERIOD, XML_SHAPES, XmlShape, as_json, as_xml, row, stack

DEEP = 100_000
LEGACY = "<response><responseMetadata>{}</responseMetadata><responseBody><responseList/></responseBody></response>"


def json_with(**changes: object) -> bytes:
    return json.dumps({"metadata": {"datasets": ["ISPSTACK"]}, "data": []} | changes).encode()


ANSWERS: dict[str, Sequence[bytes]] = {
    "empty_body": [b"", b" \r\n\t", b"\xef\xbb\xbf"],
    "bad_encoding": [
        as_xml([row(id="T_É-1")]).decode().encode("latin-1"),
        as_json([row(id="T_É-1")]).decode().encode("latin-1"),
        as_json([row()]).decode().encode("utf-16"),
        as_xml([row()]).decode().encode("utf-16-le"),
        b"\xff\xfe",
        as_json([row(id="T_\0-1")]),
        b'{"data":[{"volume":"\\ud800"}]}',
    ],
    "html_page": [
        b"<!DOCTYPE html><html><body>Service unavailable</body></html>",
        b"  <!doctype HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>",
        b"<HTML><head/></HTML>",
        b'<?xml version="1.0"?>\n<!-- gateway --><html xmlns="http://www.w3.org/1999/xhtml"/>',
    ],
    "doctype": [
        b'<!DOCTYPE response [<!ENTITY v "-1">]><response><data/></response>',
        b'<?xml version="1.0"?><!DOCTYPE r SYSTEM "file:///etc/passwd"><r><data/></r>',
        b'<!DOCTYPE r [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><r><data>&c;</data></r>',
    ],
    "xml_syntax": [
        b"<response><data></response>",
        b"<response><data/></response><more/>",
        b"<response><data>&nothing;</data></response>",
        b"<",
        b"<a>" * 300 + b"</a>" * 300,
    ],
    "json_syntax": [
        b'{"data":[',
        b'{"data":[]}x',
        as_json([row(volume="NaN")]),
        as_json([row(volume="-Infinity")]),
        as_json([row(volume="01")]),
        as_json([row(volume="1,5")]),
        b"[" * DEEP + b"]" * DEEP,
        b'{"data":[{"volume":' + b"[" * DEEP + b"]" * DEEP + b"}]}",
    ],
    "duplicate_field": [
        b'{"data":[{"volume":-1,"volume":-2}]}',
        b'{"data":[{"volume":-1,"Volume":-2}]}',
        b'{"data":[],"data":[]}',
        b'{"data":[],"Data":[]}',
        b"<r><data><item><volume>-1</volume><volume>-2</volume></item></data></r>",
        b"<r><data><item><volume>-1</volume><Volume>-2</Volume></item></data></r>",
    ],
    "unknown_shape": [
        b"Too many requests",
        b"settlementDate,settlementPeriod\r\n",
        b"[]",
        as_json([row()])[len(b'{"metadata":{"datasets":["ISPSTACK"]},"data":') : -1],
        b"{}",
        b'{"rows":[]}',
        json_with(data=None),
        json_with(data={}),
        json_with(data=[1]),
        json_with(data=[{}]),
        json_with(data=[{"price": "1"}]),
        json_with(data=[{"volume": {"value": "1"}}]),
        json_with(data=[{"volume": ["1"]}]),
        b"<response/>",
        b"<response><rows/></response>",
        b"<response><data/><data/></response>",
        b"<response><data>nothing found</data></response>",
        b'<r xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><data i:nil="true"/></r>',
        b"<response><data><item/></data></response>",
        b"<response><data><item>text</item></data></response>",
        b"<response><data><item><price>1</price></item></data></response>",
        b"<response><data><item><volume>1</volume></item><row><volume>1</volume></row></data></response>",
        b"<response><data><item><volume>-1<b/>0</volume></item></data></response>",
        b"<response><responseBody><items/></responseBody></response>",
        b"<response><responseBody/></response>",
        b"<msgGrp><msg><row><SD>2026-08-06</SD></row></msg></msgGrp>",
    ],
    "source_error_body": [
        b'{"statusCode": 404, "message": "Resource not found"}',
        b'{"type":"about:blank","title":"One or more validation errors occurred.","status":400,"errors":{}}',
        b"<error><message>overloaded</message></error>",
        LEGACY.format("<httpCode>403</httpCode><errorType>Forbidden</errorType>").encode(),
        b"<response><responseMetadata><httpCode>204</httpCode></responseMetadata></response>",
    ],
    "capped": [
        LEGACY.format("<httpCode>200</httpCode><cappingApplied>Yes</cappingApplied>").encode(),
        LEGACY.format("<bid><cappingApplied>Yes</cappingApplied><cappingLimit>9</cappingLimit></bid>").encode(),
    ],
    "wrong_dataset": [
        json_with(metadata={"datasets": ["DISEBSP"]}),
        as_xml([], "camel", "DISEBSP"),
        as_xml([], "pascal", "DISEBSP"),
        as_xml([], "legacy", "B1770"),
    ],
    "wrong_date": [
        as_json([row(), row(sequenceNumber="39", settlementDate="2026-08-05")]),
        as_xml([row(settlementDate="06/08/2026")]),
    ],
    "wrong_period": [
        as_json([row(), row(sequenceNumber="39", settlementPeriod="30")]),
        as_xml([row(settlementPeriod="029")]),
    ],
}
ELSEWHERE = {"too_large": "test_too_large", "bad_row": "test_system_prices.py and test_bm_units.py"}


@pytest.mark.parametrize(
    ("code", "body"),
    [(code, body) for code, bodies in ANSWERS.items() for body in bodies],
    ids=[f"{code}-{place}" for code, bodies in ANSWERS.items() for place in range(len(bodies))],
)
def test_code(code: str, body: bytes) -> None:
    """Each structural fault rejects the payload with its own code, and says the date, the period and why."""
    with pytest.raises(PayloadRejected) as caught:
        stack(body)
    assert caught.value.reject_code == code
    assert caught.value.detail
    assert (caught.value.settlement_date, caught.value.period) == (DATE, PERIOD)


def test_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body larger than any answer is rejected before anything reads it, from the archive too."""
    monkeypatch.setattr("reingest.elexon.sniff.LARGEST_BODY", 1000)
    with pytest.raises(PayloadRejected) as caught:
        stack(b" " * 1001)
    assert caught.value.reject_code == "too_large"
    assert LARGEST_BODY == 64 * 1024 * 1024


def test_every_code_is_tested() -> None:
    """There is no structural code without an answer that meets it."""
    assert {*ANSWERS, *ELSEWHERE} == set(get_args(StructuralCode)) == set(STRUCTURAL_MEANINGS)


def test_every_code_has_a_meaning() -> None:
    """Each code has one line that says what it means, and no code is of both kinds."""
    assert set(ROW_MEANINGS) == set(get_args(RowCode))
    assert not set(ROW_MEANINGS) & set(STRUCTURAL_MEANINGS)
    assert set(MEANINGS) == set(ROW_MEANINGS) | set(STRUCTURAL_MEANINGS)
    assert all(meaning and "\n" not in meaning for meaning in MEANINGS.values())


@pytest.mark.parametrize("body", [as_json([]), *(as_xml([], shape) for shape in XML_SHAPES), b"<r><data>\n</data></r>"])
def test_an_empty_list_is_an_answer(body: bytes) -> None:
    """An empty list has 0 rows and is no fault: whether it is true is decided by the system prices."""
    assert stack(body).rows == 0


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_byte_order_mark(shape: XmlShape) -> None:
    """A byte-order mark and white space before an answer change nothing."""
    for body in (as_xml([row()], shape), as_json([row()])):
        assert stack(b"\xef\xbb\xbf" + body) == stack(body)
        assert stack(b"\r\n " + body) == stack(body)


def test_declared_encoding_is_not_believed() -> None:
    """An answer is UTF-8 whatever its XML declares, so that no digit or letter is read as another."""
    body = as_xml([row(id="T_É-1")]).replace(b'encoding="utf-8"', b'encoding="iso-8859-1"')
    assert stack(body).columns["id"] == ["T_É-1"]


def test_comments_do_not_cut_a_value_short() -> None:
    """A comment or a processing instruction inside a number leaves the number whole."""
    body = as_xml([row(volume="-10.5")]).replace(b"-10.5", b"-1<!-- x -->0<?pi?>.<![CDATA[5]]>")
    assert stack(body).columns["volume"] == ["-10.5"]


def test_json_where_xml_was_asked() -> None:
    """JSON where XML was asked is parsed as JSON, and the stack says both."""
    found = stack(as_json([row()]), asked="xml")
    assert (found.asked, found.wire, found.rows) == ("xml", "json", 1)
    found = stack(as_xml([row()]), asked="json")
    assert (found.asked, found.wire, found.rows) == ("json", "xml", 1)


def test_backslashes_are_not_escapes() -> None:
    r"""A text that holds a backslash before u0000 holds no NUL."""
    body = as_json([row()])[:-2].rstrip(b"}") + b',"note":"\\\\u0000"}]}'
    assert json.loads(stack(body).extras[0] or "") == {"note": "\\u0000"}


def test_nul_by_escape() -> None:
    """A NUL smuggled in by an escape is refused even in a field that is unknown."""
    with pytest.raises(PayloadRejected) as caught:
        stack(as_json([row(note="a\0b")]))
    assert caught.value.reject_code == "bad_encoding"


def test_envelope_drift() -> None:
    """A field of the envelope that was never seen before is reported and stops nothing."""
    assert stack(json_with(nextPage="x")).unknown_fields == {"nextPage"}
    assert stack(b"<R><Data/><NextPage/></R>").unknown_fields == {"nextPage"}


def test_metadata_that_names_no_dataset() -> None:
    """An answer whose metadata names no dataset is taken at its word."""
    for metadata in (None, {}, {"datasets": None}):
        assert payload.read_rows(json_with(metadata=metadata), ["volume", "id"], "ISPSTACK").rows == 0
    assert stack(b"<r><metadata><other>DISEBSP</other></metadata><data/></r>").rows == 0
