"""Stack answers written by hand in JSON and in four shapes of XML, apart from the stand-in's own writer."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Literal
from xml.sax.saxutils import escape

from reingest.curtailment.words import Side
from reingest.elexon.fields import SETTLEMENT_PERIOD, STACK_FIELDS
from reingest.elexon.requests import Wire
from reingest.elexon.rows import StackTable, stack_table
from reingest.elexon.stack import RawStack, read_stack

DATE, PERIOD, START = date(2026, 8, 6), 29, "2026-08-06T13:00:00Z"

Cell = str | bool | None
WireRow = dict[str, Cell]

XmlShape = Literal["camel", "pascal", "namespaced", "legacy"]
XML_SHAPES: tuple[XmlShape, ...] = ("camel", "pascal", "namespaced", "legacy")

NUMBERS = frozenset(field.wire for field in STACK_FIELDS if field.kind in {"integer", "decimal"}) | {SETTLEMENT_PERIOD}
"""Fields that JSON writes without quotes."""


def row(**changes: Cell) -> WireRow:
    """Return one whole bid row as Elexon sends it, with some fields changed; numbers are given as their text."""
    whole: WireRow = {
        "settlementDate": "2026-08-06",
        "settlementPeriod": "29",
        "startTime": START,
        "createdDateTime": "2026-08-07T13:44:36Z",
        "sequenceNumber": "38",
        "id": "T_LARYW-1",
        "acceptanceId": "52013",
        "bidOfferPairId": "-1",
        "cadlFlag": False,
        "soFlag": True,
        "storProviderFlag": False,
        "repricedIndicator": False,
        "reserveScarcityPrice": "0E-18",
        "originalPrice": "-179.759999999999990905",
        "volume": "-10.166666666666666075",
        "dmatAdjustedVolume": "-10.166666666666666075",
        "arbitrageAdjustedVolume": "-10.166666666666666075",
        "nivAdjustedVolume": "0E-18",
        "parAdjustedVolume": None,
        "finalPrice": "-179.759999999999990905",
        "transmissionLossMultiplier": "0.99265519999999995981",
        "tlmAdjustedVolume": None,
        "tlmAdjustedCost": None,
    }
    return whole | changes


def without(name: str, **changes: Cell) -> WireRow:
    """Return a row that lacks a field."""
    return {field: value for field, value in row(**changes).items() if field != name}


def as_json(rows: Sequence[WireRow], dataset: str = "ISPSTACK") -> bytes:
    """Return the rows as Elexon's JSON, numbers bare and digit by digit."""
    text = ",".join(
        "{" + ",".join(f'"{name}":{_json(name, value)}' for name, value in one.items()) + "}" for one in rows
    )
    return f'{{"metadata":{{"datasets":["{dataset}"]}},"data":[{text}]}}'.encode()


def _json(name: str, value: Cell) -> str:
    return value if isinstance(value, str) and name in NUMBERS else json.dumps(value, ensure_ascii=False)


def as_xml(rows: Sequence[WireRow], shape: XmlShape = "camel", dataset: str = "ISPSTACK") -> bytes:
    """Return the rows in one of the four shapes of XML that may come."""
    before, name, after = _ENVELOPES[shape]
    text = "".join(f"<{name}>{''.join(_element(*cell, shape) for cell in one.items())}</{name}>" for one in rows)
    return f'<?xml version="1.0" encoding="utf-8"?>{before.format(dataset)}{text}{after}'.encode()


_ENVELOPES: dict[XmlShape, tuple[str, str, str]] = {
    "camel": (
        "<response><metadata><datasets><dataset>{}</dataset></datasets></metadata><data>",
        "item",
        "</data></response>",
    ),
    "pascal": (
        "<Response><Metadata><Datasets>{}</Datasets></Metadata><Data>",
        "SettlementStackResponse",
        "</Data></Response>",
    ),
    "namespaced": (
        '<a:Answer xmlns:a="urn:elexon" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><a:Data>',
        "a:Row",
        "</a:Data></a:Answer>",
    ),
    "legacy": (
        "<response><responseMetadata/><responseBody><dataItem>{}</dataItem><responseList>",
        "item",
        "</responseList></responseBody></response>",
    ),
}


def _element(name: str, value: Cell, shape: XmlShape) -> str:
    spelt = {
        "camel": name,
        "pascal": name[0].upper() + name[1:],
        "namespaced": f"a:{name[0].upper()}{name[1:]}",
        "legacy": "parAdjustedvolume" if name == "parAdjustedVolume" else name,
    }[shape]
    if value is None:
        empty = {"camel": "", "pascal": "<{0}/>", "namespaced": '<{0} i:nil="true"/>', "legacy": "<{0}>NULL</{0}>"}
        return empty[shape].format(spelt)
    if isinstance(value, bool):
        value = str(value)[0] if shape == "legacy" else str(value).lower()
    return f"<{spelt}>{escape(value)}</{spelt}>"


def stack(
    body: bytes, *, asked: Wire = "xml", settlement_date: date = DATE, period: int = PERIOD, side: Side = "bid"
) -> RawStack:
    """Read one answer for the usual date and period."""
    return read_stack(body, asked=asked, settlement_date=settlement_date, period=period, side=side)


def table(*rows: WireRow, side: Side = "bid") -> StackTable:
    """Return the table of one JSON answer with these rows."""
    return stack_table([stack(as_json(rows), side=side)])


def column(result: StackTable, name: str) -> list[object]:
    """Return a column of the accepted rows."""
    values: list[object] = result.rows.column(name).to_pylist()
    return values
