"""The three wire formats: JSON, XML in four shapes, and CSV.

JSON is the contract. The live XML is documented nowhere, so the stand-in speaks every shape that Reingest reads:

| shape | root, rows and fields | null |
|---|---|---|
| `camel` | `response/data/row`, `settlementDate` | absent |
| `pascal` | `Response/Data/SettlementStackResponse`, `SettlementDate` | `xsi:nil` |
| `namespaced` | the same with a data-contract namespace | `i:nil` |
| `legacy` | `response/responseBody/responseList/item`, as BMRS v1 did | absent |
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args
from xml.sax.saxutils import escape

from reingest.standin.model import Number, WireRecord, WireValue

Wire = Literal["json", "xml", "csv"]
XmlShape = Literal["camel", "pascal", "namespaced", "legacy"]
XML_SHAPES: Final[tuple[XmlShape, ...]] = get_args(XmlShape)

CONTENT_TYPES: Final[dict[Wire, str]] = {
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
}

_DECLARATION: Final = '<?xml version="1.0" encoding="utf-8"?>'
_INSTANCE: Final = "http://www.w3.org/2001/XMLSchema-instance"
_CONTRACT: Final = "http://schemas.datacontract.org/2004/07/Insights.Api.Models.Responses"
_ROW_NAMES: Final = {
    "ISPSTACK": "SettlementStackResponse",
    "DISEBSP": "SystemPriceResponse",
    "BOAV": "AcceptanceVolumeResponse",
    "EBOCF": "IndicativeCashflowResponse",
    "DISPTAV": "IndicativeVolumeResponse",
    "BMUNITS": "BmUnitData",
    "SUMMARY": "SettlementSummaryResponse",
}


@dataclass(frozen=True, slots=True)
class Document:
    """What an answer says, before it takes a wire format.

    Attributes:
        dataset: Elexon's name of the dataset; it stands in the metadata.
        records: The elements of `data`.
        enclosed: Whether the records stand in the envelope with metadata (`/reference/bmunits/all` has none).
        single: Whether the answer is one record and no list (the summary).
        columns: The fields of a CSV file, which has its header even without records.
    """

    dataset: str
    records: Sequence[WireRecord]
    enclosed: bool = True
    single: bool = False
    columns: tuple[str, ...] = ()


def render(document: Document, wire: Wire, xml_shape: XmlShape = "camel") -> bytes:
    """Return the document as bytes in UTF-8."""
    if wire == "json":
        return _json_document(document).encode()
    if wire == "csv":
        return _csv_document(document).encode()
    return _xml_document(document, xml_shape).encode()


def _json_document(document: Document) -> str:
    if document.single:
        return _json(document.records[0])
    rows = f"[{','.join(_json(record) for record in document.records)}]"
    if not document.enclosed:
        return rows
    return f'{{"metadata":{{"datasets":["{document.dataset}"]}},"data":{rows}}}'


def _json(value: WireValue) -> str:
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{_json(inner)}' for name, inner in value.items())}}}"
    # A number goes out digit by digit as it stands; a float would cost it its last ones.
    return value if isinstance(value, Number) else json.dumps(value)


def _csv_document(document: Document) -> str:
    columns = field_names(document)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_pascal(name) for name in columns)
    writer.writerows([_text(record.get(name)) for name in columns] for record in document.records)
    return text.getvalue()


def _xml_document(document: Document, shape: XmlShape) -> str:
    if shape == "legacy":
        return _legacy_document(document)
    if shape == "camel":
        datasets = f"<metadata><datasets><dataset>{document.dataset}</dataset></datasets></metadata>"
        rows = "".join(f"<row>{_elements(record, shape)}</row>" for record in document.records)
        return f"{_DECLARATION}<response>{datasets}<data>{rows}</data></response>"
    return _pascal_document(document, shape)


def _pascal_document(document: Document, shape: XmlShape) -> str:
    prefix = "i" if shape == "namespaced" else "xsi"
    row = _ROW_NAMES.get(document.dataset, "DataStatusResponse")
    root = f"ResponseWithMetadataOf{row}" if shape == "namespaced" else "Response"
    namespaces = f' xmlns:{prefix}="{_INSTANCE}"' + (f' xmlns="{_CONTRACT}"' if shape == "namespaced" else "")
    rows = "".join(f"<{row}>{_elements(record, shape)}</{row}>" for record in document.records)
    metadata = f"<Metadata><Datasets><string>{document.dataset}</string></Datasets></Metadata>"
    return f"{_DECLARATION}<{root}{namespaces}>{metadata}<Data>{rows}</Data></{root}>"


def _legacy_document(document: Document) -> str:
    items = "".join(f"<item>{_elements(record, 'legacy')}</item>" for record in document.records)
    return (
        f"{_DECLARATION}<response><responseMetadata><httpCode>200</httpCode><errorType>Ok</errorType>"
        "<description>Success</description><cappingApplied>No</cappingApplied></responseMetadata>"
        f"<responseBody><dataItem>{document.dataset}</dataItem><responseList>{items}</responseList></responseBody>"
        "</response>"
    )


def _elements(record: WireRecord, shape: XmlShape) -> str:
    return "".join(_element(name, value, shape) for name, value in record.items())


def _element(name: str, value: WireValue, shape: XmlShape) -> str:
    cased = _pascal(name) if shape in {"pascal", "namespaced"} else name
    if isinstance(value, dict):
        return f"<{cased}>{_elements(value, shape)}</{cased}>"
    if value is not None:
        return f"<{cased}>{escape(_text(value))}</{cased}>"
    if shape == "pascal":
        return f'<{cased} xsi:nil="true" />'
    return f'<{cased} i:nil="true" />' if shape == "namespaced" else ""


def _text(value: WireValue) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def field_names(document: Document) -> tuple[str, ...]:
    """Return the document's fields: its columns, then what else occurs, in the order of its first occurrence."""
    return tuple(dict.fromkeys([*document.columns, *(name for record in document.records for name in record)]))
