"""JSON answers: `{"metadata": …, "data": [rows]}`, read so that every number keeps its text.

A float would lose digits that the source sent (17 and more), so numbers never become Python numbers here.
"""

import json
import re
from typing import Any, Final, NoReturn

from reingest.elexon.rejects import rejected
from reingest.elexon.wire_rows import NULLS, RowCollector, WireRows, to_json

_WORDS: Final[dict[object, str | None]] = {True: "true", False: "false", **dict.fromkeys(NULLS)}
"""What is not its own text already: flags, and the texts that mean null."""

_NUL: Final = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_ERROR_KEYS: Final = frozenset({"statuscode", "status", "error", "errors", "message", "title", "detail"})
_ENVELOPE: Final = frozenset({"metadata", "data"})


def read_json(text: str) -> Any:  # noqa: ANN401  (JSON is what it is)
    """Return the document with each number as its text.

    Raises:
        PayloadRejected: `json_syntax`, `duplicate_field`, or `bad_encoding` for text that UTF-8 cannot hold.
        RecursionError: it is nested deeper than any answer.
    """
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise rejected("json_syntax", f"the JSON cannot be read: {error}") from error
    if "\\u" in text:
        _refuse_unstorable(document)
    return document


def json_rows(text: str, collector: RowCollector, dataset: str) -> WireRows:
    """Return the rows of an enveloped answer.

    Raises:
        PayloadRejected: what `read_json` raises, and `source_error_body`, `unknown_shape`, `wrong_dataset`.
    """
    envelope = read_json(text)
    if not isinstance(envelope, dict):
        raise rejected("unknown_shape", "the JSON is not an object with metadata and data")
    named = _by_lower_name(envelope)
    if "data" not in named:
        _refuse_without_data(named, text)
    require_dataset(_datasets(named.get("metadata")), dataset)
    rows = named["data"]
    if not isinstance(rows, list):
        raise rejected("unknown_shape", f"data is not a list: {text[:80]!r}")
    for place, row in enumerate(rows):
        if not isinstance(row, dict):
            raise rejected("unknown_shape", f"a row is not an object: {to_json(row)[:80]}")
        _collect(row, collector)
        rows[place] = None  # a whole day of rows and of columns need not be held at once
    return collector.rows("json", envelope_unknown=(name for name in envelope if name.lower() not in _ENVELOPE))


def require_dataset(named: list[str], dataset: str) -> None:
    """Refuse an answer that says it is of another dataset; one that names none is taken at its word.

    Raises:
        PayloadRejected: `wrong_dataset`.
    """
    if named and dataset not in named:
        raise rejected("wrong_dataset", f"the answer is of {', '.join(named)}, not of {dataset}")


def _collect(row: dict[str, Any], collector: RowCollector) -> None:
    # Taken out, so that what is left can be looked up at once; written in another case it goes the slower way.
    group = collector.group if collector.group in row else None
    held = row.pop(group) if group else None
    try:
        values = [_WORDS.get(value, value) for value in row.values()]
    except TypeError:  # a list or an object, which has no hash
        values = [_text(name, value, collector) for name, value in row.items()]
    names = list(row)
    if group:
        names.append(group)
        values.append(held)
    collector.add(names, values)


def _text(name: str, value: Any, collector: RowCollector) -> Any:  # noqa: ANN401
    if not isinstance(value, dict | list):
        return _WORDS.get(value, value)
    if collector.is_group(name):
        return value
    if collector.knows(name):
        raise rejected("unknown_shape", f"{name} is not one value: {to_json(value)[:80]}")
    return value


def _by_lower_name(envelope: dict[str, Any]) -> dict[str, Any]:
    named = {name.lower(): value for name, value in envelope.items()}
    if len(named) < len(envelope):
        raise rejected("duplicate_field", "the envelope names a field twice")
    return named


def _refuse_without_data(named: dict[str, Any], text: str) -> NoReturn:
    if named.keys() & _ERROR_KEYS:
        raise rejected("source_error_body", f"the body says: {' '.join(text.split())[:200]}")
    raise rejected("unknown_shape", f"the JSON has no data: {text[:80]!r}")


def _datasets(metadata: object) -> list[str]:
    named = metadata.get("datasets") if isinstance(metadata, dict) else None
    return [str(name) for name in named] if isinstance(named, list) else []


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build one object; the standard library would keep the last of two equal names and say nothing."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise rejected(
            "duplicate_field", f"an object names a field twice: {', '.join(name for name, _ in pairs)[:200]}"
        )
    return made


def _not_a_number(word: str) -> NoReturn:
    raise rejected("json_syntax", f"the JSON holds {word}, which is no number")


def _refuse_unstorable(document: object) -> None:
    r"""Refuse what only an escape can smuggle in: \u0000, and half of a surrogate pair."""
    text = json.dumps(document, ensure_ascii=False)
    if _NUL.search(text):
        raise rejected("bad_encoding", "a text holds a NUL, which no database text can")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise rejected("bad_encoding", f"a text holds half a surrogate pair at character {error.start}") from error


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=str, parse_int=str, parse_constant=_not_a_number
)
