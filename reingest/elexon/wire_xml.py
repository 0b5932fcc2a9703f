"""XML answers, matched by local name in any case, with or without a namespace.

No recording of the live XML exists, so nothing is taken for granted: an answer is one of the shapes below, or
it is refused. `i:nil`, an empty element and an absent one all mean null.

- `<any><metadata/><data><row>…</row>…</data></any>`, in camelCase or PascalCase;
- `<response><responseMetadata/><responseBody><responseList><item>…</item>…`, the legacy one, whose own
  `httpCode` may say that the source failed although the transport said 200.
"""

from collections.abc import Iterator
from typing import Final

from lxml import etree

from reingest.elexon.rejects import rejected
from reingest.elexon.sniff import utf8_text
from reingest.elexon.wire_json import require_dataset
from reingest.elexon.wire_rows import NULLS, Group, RowCollector, WireRows, camel_case

_ERROR_ROOTS: Final = frozenset({"error", "errors", "errorresponse", "exception", "fault", "problem", "problemdetails"})
_ENVELOPE: Final = frozenset({"metadata", "data", "responsemetadata", "responseheader", "responsebody"})
_DEEPER_THAN_FIELDS: Final = etree.XPath("boolean(*/*/*)")


def parse_xml(content: bytes) -> etree._Element:
    """Return the root of a document that `sniff` let through.

    Raises:
        PayloadRejected: `xml_syntax` or `bad_encoding`.
    """
    # A parser of its own for each document: it is cheap, and nothing of one answer can reach another. Its encoding
    # is stated because Elexon writes UTF-8, and a document must not declare its digits to be other letters.
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        utf8_text(content)
        raise rejected("xml_syntax", f"the XML is not well-formed: {error}") from error


def xml_rows(content: bytes, collector: RowCollector, dataset: str) -> WireRows:
    """Return the rows of an answer.

    Raises:
        PayloadRejected: what `parse_xml` raises, and `unknown_shape`, `source_error_body`, `capped`, `wrong_dataset`,
            `duplicate_field`.
    """
    root = parse_xml(content)
    if local_name(root.tag).lower() in _ERROR_ROOTS:
        raise rejected("source_error_body", f"the body says: {' '.join(_words(root))[:200]}")
    parts = _children(root)
    if "responsemetadata" in parts:
        _require_success(parts["responsemetadata"])
    rows = _legacy_list(parts["responsebody"], dataset) if "responsebody" in parts else _data_list(parts, dataset)
    _require_list(rows)
    null_words = b"NULL" in content or (b"!" in content and b"<![CDATA[" in content)
    for names, values in _deep_rows(rows, collector) if _DEEPER_THAN_FIELDS(rows) else _flat_rows(rows):
        collector.add(names, list(map(_without_null_word, values)) if null_words else values)
    drift = [local_name(part.tag) for name, part in parts.items() if name not in _ENVELOPE]
    return collector.rows("xml", envelope_unknown=drift)


def _flat_rows(rows: etree._Element) -> Iterator[tuple[list[str], list[str | None]]]:
    """Yield names and values of each row, where every field holds text and no more.

    All elements are walked once and none is kept, which takes two thirds of the time of asking row by row.
    """
    names: list[str] = []
    values: list[str | None] = []
    for element in rows.iterdescendants():
        names.append(element.tag)
        values.append(element.text)
    end = 0
    for row in rows:
        begin, end = end + 1, end + 1 + len(row)
        yield names[begin:end], values[begin:end]


def _deep_rows(rows: etree._Element, collector: RowCollector) -> Iterator[tuple[list[str], list[Group | str | None]]]:
    """Yield names and values of each row, where some field holds elements."""
    for row in rows:
        yield [field.tag for field in row], [_value(field, collector) for field in row]


def local_name(tag: str) -> str:
    """Return the name without its namespace, which lxml writes in braces before it."""
    return tag.rpartition("}")[2]


def _children(parent: etree._Element) -> dict[str, etree._Element]:
    """Return an envelope's children by lower-case local name."""
    named = {local_name(child.tag).lower(): child for child in parent}
    if len(named) < len(parent):
        raise rejected("unknown_shape", f"{local_name(parent.tag)} holds several children of one name")
    return named


def _data_list(parts: dict[str, etree._Element], dataset: str) -> etree._Element:
    if "data" not in parts:
        raise rejected("unknown_shape", f"the root holds {', '.join(parts) or 'nothing'}, and no data")
    if "metadata" in parts:
        named = [child for child in parts["metadata"] if local_name(child.tag).lower() == "datasets"]
        require_dataset([word for child in named for word in _words(child)], dataset)
    return parts["data"]


def _legacy_list(response_body: etree._Element, dataset: str) -> etree._Element:
    body = _children(response_body)
    if "dataitem" in body:
        require_dataset(_words(body["dataitem"]), dataset)
    if "responselist" not in body:
        raise rejected("unknown_shape", f"responseBody holds {', '.join(body) or 'nothing'}, and no responseList")
    return body["responselist"]


def _require_success(metadata: etree._Element) -> None:
    said = {local_name(element.tag).lower(): (element.text or "").strip() for element in metadata.iter()}
    if said.get("httpcode", "200") != "200":
        raise rejected("source_error_body", f"the body says: {' '.join(_words(metadata))[:200]}")
    if said.get("cappingapplied", "No").lower() == "yes":
        raise rejected(
            "capped", f"the source cut its answer at {said.get('cappinglimit', 'an unstated number of')} rows"
        )


def _require_list(rows: etree._Element) -> None:
    """Refuse what may only look like an empty list, and a list of different things."""
    if (rows.text or "").strip():
        raise rejected("unknown_shape", f"{local_name(rows.tag)} holds text: {_words(rows)[0][:80]!r}")
    if any(local_name(str(name)) == "nil" and value in {"true", "1"} for name, value in rows.attrib.items()):
        raise rejected("unknown_shape", f"{local_name(rows.tag)} is nil, which is not an empty list")
    if len(names := {str(row.tag) for row in rows}) > 1:
        raise rejected("unknown_shape", f"rows have several names: {', '.join(sorted(map(local_name, names)))}")


def _without_null_word(value: Group | str | None) -> Group | str | None:
    return None if isinstance(value, str) and value in NULLS else value


def _value(field: etree._Element, collector: RowCollector) -> Group | str | None:
    """Return a field's text, or a group's texts; an unknown field that holds elements is kept as its own XML."""
    if collector.is_group(field.tag):
        return _group(field)
    if not len(field):
        return field.text
    if collector.knows(field.tag):
        raise rejected("unknown_shape", f"{local_name(field.tag)} holds elements, not one value")
    return etree.tostring(field, encoding="unicode", with_tail=False)


def _group(field: etree._Element) -> Group:
    """Return the texts of a field that holds fields of its own; an empty one says nothing."""
    if (field.text or "").strip() or any(len(part) for part in field):
        raise rejected("unknown_shape", f"{local_name(field.tag)} holds {' '.join(_words(field))[:80]!r}")
    texts = {camel_case(local_name(part.tag)): part.text for part in field}
    if len(texts) < len(field):
        raise rejected("duplicate_field", f"{local_name(field.tag)} names a field more than once")
    return texts


def _words(element: etree._Element) -> list[str]:
    return [word for text in element.itertext() if (word := str(text).strip())]
