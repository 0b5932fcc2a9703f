import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from reingest.standin.model import Number, WireRecord
from reingest.standin.render import XML_SHAPES, Document, XmlShape, render

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="￾￿"))
NUMBERS = st.sampled_from(["-179.759999999999990905", "1E-05", "0E-18", "0", "-0.0", "99999", "2.50"]).map(Number)
RECORDS = st.fixed_dictionaries(
    {"id": TEXTS.filter(lambda text: text == text.strip() and text), "volume": NUMBERS, "soFlag": st.booleans()},
    optional={"originalPrice": NUMBERS},
)


@given(records=st.lists(RECORDS))
def test_json_carries_every_digit(records: list[WireRecord]) -> None:
    """Numbers are numbers in JSON, with the text that they had; nothing passed through a float."""
    said = json.loads(render(Document("ISPSTACK", records), "json"), parse_float=Number, parse_int=Number)
    assert said == {"metadata": {"datasets": ["ISPSTACK"]}, "data": records}


@given(records=st.lists(RECORDS, min_size=1), shape=st.sampled_from(XML_SHAPES))
def test_every_xml_shape_says_the_same(records: list[WireRecord], shape: XmlShape) -> None:
    """Whatever the shape, the rows' elements carry the same texts, under the same names but for their case."""
    root = etree.fromstring(render(Document("ISPSTACK", records), "xml", shape))
    listed = root.iter("{*}data", "{*}Data", "{*}responseList")
    said = [{_local(field): field.text for field in row} for row in next(listed)]
    expected = [{name.lower(): _xml_text(value) for name, value in record.items()} for record in records]
    assert said == expected


def test_null_is_nil_or_absent() -> None:
    """Null is absent in the shapes without namespaces, and nil in the others."""
    document = Document("ISPSTACK", [{"id": None, "volume": Number("1")}])
    texts = {shape: render(document, "xml", shape).decode() for shape in XML_SHAPES}
    assert "<id" not in texts["camel"]
    assert "<id" not in texts["legacy"]
    assert '<Id xsi:nil="true" />' in texts["pascal"]
    assert '<Id i:nil="true" />' in texts["namespaced"]


def test_csv_has_a_header_in_pascal_case() -> None:
    """CSV begins with its header, has empty cells for null, and a header even without records."""
    record: WireRecord = {"settlementDate": "2025-03-01", "id": None, "soFlag": True, "volume": Number("-1E-05")}
    document = Document("ISPSTACK", [record], columns=tuple(record))
    assert _cells(render(document, "csv")) == [
        ["SettlementDate", "Id", "SoFlag", "Volume"],
        ["2025-03-01", "", "true", "-1E-05"],
    ]
    assert _cells(render(Document("ISPSTACK", [], columns=("id",)), "csv")) == [["Id"]]


@pytest.mark.parametrize("shape", XML_SHAPES)
def test_an_empty_list_is_a_whole_document(shape: XmlShape) -> None:
    """Without rows every shape is still well-formed, and holds no row."""
    root = etree.fromstring(render(Document("ISPSTACK", []), "xml", shape))
    assert [_local(element) for element in root.iter("{*}row", "{*}item", "{*}SettlementStackResponse")] == []


def test_nested_records_and_bare_documents() -> None:
    """Pairs stand in an object of their own; the register is a bare list and the summary a bare record."""
    pairs: WireRecord = {"pairVolumes": {"negative1": Number("-1.50"), "positive1": None}}
    assert b'"pairVolumes":{"negative1":-1.50,"positive1":null}' in render(Document("BOAV", [pairs]), "json")
    assert b"<pairVolumes><negative1>-1.50</negative1></pairVolumes>" in render(Document("BOAV", [pairs]), "xml")
    assert render(Document("BMUNITS", [], enclosed=False), "json") == b"[]"
    assert render(Document("SUMMARY", [{"adjuster": Number("0")}], single=True), "json") == b'{"adjuster":0}'


def _local(element: Any) -> str:
    return str(etree.QName(element).localname).lower()


def _xml_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cells(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline="")))
