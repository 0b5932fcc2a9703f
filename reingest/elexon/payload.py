"""From the bytes of an answer to its rows: sniffed first, then read as what it is."""

from collections.abc import Iterable

from reingest.elexon.rejects import rejected
from reingest.elexon.sniff import sniff, utf8_text
from reingest.elexon.wire_json import json_rows
from reingest.elexon.wire_rows import RowCollector, WireRows
from reingest.elexon.wire_xml import local_name, xml_rows


def read_rows(body: bytes, fields: Iterable[str], dataset: str) -> WireRows:
    """Return the rows of an enveloped answer, in XML or JSON, whichever it is.

    Raises:
        PayloadRejected: a structural fault; its `reject_code` says which (`reingest.elexon.rejects`).
    """
    found, content = sniff(body)
    if found == "xml":
        return xml_rows(content, RowCollector(fields, local_name), dataset)
    try:
        return json_rows(utf8_text(content), RowCollector(fields), dataset)
    except RecursionError as error:
        raise rejected("json_syntax", "the JSON is nested deeper than any answer") from error
