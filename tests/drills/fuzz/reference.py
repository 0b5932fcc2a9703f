"""A second parser, written apart from the first: `json` and expat, strict, and of nothing but stacks.

It says how many rows an answer has, and what their fields say, or that it does not know. It shares no line with
`reingest.elexon`, so that the two cannot be wrong in the same way.
"""

import json
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

Row = dict[str, str]


class Unsure(Exception):
    """The reference makes no claim about the answer."""


def reference_rows(body: bytes) -> list[Row]:
    """Return the rows of an answer: what each field says by its lower-case local name, absent where it is null.

    Raises:
        Unsure: it is not a document of which the reference is sure.
    """
    content = body.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return _json_rows(content) if content[:1] == b"{" else _xml_rows(content)
    except (ValueError, expat.ExpatError, RecursionError, LookupError) as error:
        raise Unsure(str(error)) from error


def _json_rows(content: bytes) -> list[Row]:
    document = json.loads(content.decode("utf-8"), parse_float=str, parse_int=str, object_pairs_hook=_without_repeats)
    data = [value for name, value in document.items() if name.lower() == "data"]
    if len(data) != 1 or not isinstance(data[0], list):
        raise Unsure("no one list of data")
    return [_json_row(row) for row in data[0]]


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name.lower() for name, _ in pairs}) < len(pairs):
        raise Unsure("a name is there twice")
    return dict(pairs)


def _json_row(row: Any) -> Row:
    if not isinstance(row, dict):
        raise Unsure("a row is no object")
    said = {}
    for name, value in row.items():
        if isinstance(value, bool):
            said[name.lower()] = "true" if value else "false"
        elif isinstance(value, str):
            said[name.lower()] = value
        elif value is not None:
            raise Unsure("a value is not one value")
    return _present(said)


def _present(row: Row) -> Row:
    """Leave out what means null."""
    return {name: value for name, value in row.items() if value not in {"", "NULL"}}


@dataclass
class _Walk:
    """What has been met of an XML document so far: the names on the way down, and the rows."""

    path: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    text: str = ""

    def begin(self, tag: str, _attributes: dict[str, str]) -> None:
        self.path.append(tag.rpartition(":")[2].lower())
        self.text = ""
        if self._in_list(1):
            self.rows.append({})
        if self._in_list(3):
            raise Unsure("a field holds elements")

    def end(self, _tag: str) -> None:
        if self._in_list(2):
            name = self.path[-1]
            if name in self.rows[-1]:
                raise Unsure("a name is there twice")
            self.rows[-1][name] = self.text
        self.path.pop()

    def _in_list(self, depth: int) -> bool:
        return self.path[1:-depth] in (["data"], ["responsebody", "responselist"])


def _xml_rows(content: bytes) -> list[Row]:
    walk = _Walk()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = walk.begin
    parser.EndElementHandler = walk.end

    def add(text: str) -> None:
        walk.text += text

    def refuse(*_: Any) -> None:
        raise Unsure("a document type")

    parser.CharacterDataHandler = add
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
    return [_present(row) for row in walk.rows]
