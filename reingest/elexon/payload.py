"""From the bytes of an answer to its rows: sniffed first, then read as what it is."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from reingest.elexon.rejects import rejected
from reingest.elexon.sniff import sniff, utf8_text
from reingest.elexon.wire_json import json_rows
from reingest.elexon.wire_rows import RowCollector, WireRows
from reingest.elexon.wire_xml import local_name, xml_rows


def read_rows(
    body: bytes, fields: Iterable[str], dataset: str, *, group: str | None = None, keep_unknown: bool = True
) -> WireRows:
    """Return the rows of an enveloped answer, in XML or JSON, whichever it is.

    Args:
        body: The answer, decompressed.
        fields: The fields that become columns, by Elexon's names.
        dataset: What the answer must be of, where it says what it is of.
        group: A field that holds fields of its own, where the dataset has one.
        keep_unknown: Whether what other fields say is kept.

    Raises:
        PayloadRejected: a structural fault; its `reject_code` says which (`reingest.elexon.rejects`).
    """
    found, content = sniff(body)
    with _no_collection():
        if found == "xml":
            collector = RowCollector(fields, local_name, group=group, keep_unknown=keep_unknown)
            return xml_rows(content, collector, dataset)
        try:
            return json_rows(utf8_text(content), RowCollector(fields, group=group, keep_unknown=keep_unknown), dataset)
        except RecursionError as error:
            raise rejected("json_syntax", "the JSON is nested deeper than any answer") from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python from looking for cycles for the block.

    A whole day of a witness is a hundred thousand new objects without a cycle among them, and looking for one took a
    third of the reading.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
