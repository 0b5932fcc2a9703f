"""Mutations of payloads, decided by a seed: of the document's parts, of its text, and of its bytes."""

import json
import random
from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from tests.drills.fuzz.corpus import Payload
from tests.support.elexon import WireRow, row

NUMBERS: Final = (
    "0", "-0", "-0.0", "1E-05", "-1e-18", "1E400", "-1E400", "1e999999999", "NaN", "Infinity", "-INF", "12,5", "1_000",
    "0x1F", "+5", ".5", "5.", "-", "--5", "1.2.3", "\u0661\u0662", "\uff11", "9" * 40, "0." + "1" * 200, "007", " 5 ",
    "-1000000000000000000", "2147483648", "-2147483649", "9223372036854775808", "5\n", "true", "null",
)  # fmt: skip
TEXTS: Final = (
    "", " ", "NULL", "null", "T", "F", "true", "FALSE", "perhaps", "T_LARYW-1", "t_laryw-1", " T_LARYW-1 ", "1",
    "\u00e9\u20ac\u65e5\U0001f32c", "T_\u200bLARYW-1", "a" * 5000, "2026-08-06", "2026-08-05", "2026-08-06T13:00:00Z",
    "2026-08-06T13:00:00", "2026-08-06T13:00:00.0000000+00:00", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59-23:59",
    "29", "0", "51", "]]>", "<b>",
)  # fmt: skip
NAMES: Final = (
    "volume", "Volume", "VOLUME", "id", "Id", "settlementDate", "settlementPeriod", "data", "Data", "metadata",
    "datasets", "responseBody", "responseList", "quantity", "soFlag", "startTime", "httpCode", "error", "elexonBmUnit",
    "x" * 300,
)  # fmt: skip
TOKENS: Final = (
    b"<!DOCTYPE r [<!ENTITY a 'b'>]>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?x y?>", b"&a;", b"&amp;", b"&#48;",
    b"&#0;", b"&#xFFFFFFFF;", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3\x28", b"\\u0000", b"\\ud800", b'"', b"{",
    b"}", b"[", b"]", b"<", b">", b"</data>", b"<data>", b"null", b"NULL", b"NaN", b"1e999", b"\r\n", b" " * 300,
    b"<a " * 50, b"[" * 3000, b"<a>" * 3000, b'xmlns="urn:x"', b"<html>", b"</response>", b",", b":", b'{"data":[]}',
    b"<data/>",
)  # fmt: skip

FLAGS: Final = frozenset({"cadlFlag", "soFlag", "storProviderFlag", "repricedIndicator"})
"""Fields of which the legacy XML writes true and false as T and F."""

Mutate = Callable[[random.Random, bytes], bytes]


def mutated(rng: random.Random, payload: Payload) -> bytes:
    """Return a payload with one to four mutations of its parts, and now and then of its bytes."""
    parts = _mutated_xml if payload.is_xml else _mutated_json
    body = payload.body
    if rng.random() < 0.8:
        body = parts(rng, body, rng.randint(1, 4))
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        body = rng.choice(_OF_BYTES)(rng, body)
    return body


def noise(rng: random.Random) -> bytes:
    """Return bytes that were never a payload: random ones, or the words of both formats in any order."""
    if rng.random() < 0.3:
        return rng.randbytes(rng.randint(0, 400))
    return b"".join(rng.choice(TOKENS) for _ in range(rng.randint(0, 30)))


def mutated_rows(rng: random.Random) -> list[WireRow]:
    """Return rows that both formats can carry, with strange values, lost fields and new ones."""
    rows = [row(sequenceNumber=str(place)) for place in range(rng.randint(0, 4))]
    for one in rows:
        for _ in range(rng.randint(0, 3)):
            _change_row(rng, one)
    return rows


_KEPT: Final = frozenset({"settlementDate", "settlementPeriod", "newField"})
"""Fields that both formats must have alike: one of them writes null as an absent element, and a new field that is
absent is not news."""


def _change_row(rng: random.Random, one: WireRow) -> None:
    name = rng.choice([name for name in one if name not in _KEPT])
    match rng.randint(0, 5):
        case 0:
            del one[name]
        case 1:
            one["newField"] = rng.choice(TEXTS)
        case 2:
            one[name] = rng.choice((True, False, None)) if name in FLAGS else None
        case _:
            one[name] = rng.choice(NUMBERS + TEXTS)


# --- JSON -------------------------------------------------------------------------------------------------------------


class _Pairs(list[tuple[str, Any]]):
    """An object as the pairs that it was written as, so that a name can be there twice."""


class _Bare(str):
    """A number as it was written."""

    __slots__ = ()


def _mutated_json(rng: random.Random, body: bytes, times: int) -> bytes:
    document = json.loads(body, object_pairs_hook=_Pairs, parse_float=_Bare, parse_int=_Bare)
    for _ in range(times):
        parts = _json_parts(document)
        if parts:
            _change_json(rng, rng.choice(parts))
    return _written(document, escaped=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _json_parts(value: Any) -> list[Any]:
    """Return every object and list of a document."""
    if not isinstance(value, list):
        return []
    inner = [one for _, one in value] if isinstance(value, _Pairs) else list(value)
    return [value, *(part for one in inner for part in _json_parts(one))]


def _change_json(rng: random.Random, part: Any) -> None:
    is_object = isinstance(part, _Pairs)
    if not part:
        part.append((rng.choice(NAMES), _json_value(rng)) if is_object else _json_value(rng))
        return
    place = rng.randrange(len(part))
    one = part[place]
    match rng.randint(0, 6):
        case 0:
            del part[place]
        case 1:
            part.append(one)
        case 2:
            rng.shuffle(part)
        case 3 if is_object:
            part[place] = (rng.choice(NAMES), one[1])
        case 4:
            part[place] = (one[0], [one[1]]) if is_object else [one]
        case 5 if len(part) < 50:
            part.extend([one] * rng.randint(1, 50))
        case _:
            part[place] = (one[0], _json_value(rng)) if is_object else _json_value(rng)


def _json_value(rng: random.Random) -> Any:
    number = _Bare(rng.choice(NUMBERS))
    return rng.choice((None, True, False, [], _Pairs(), number, str(number), rng.choice(TEXTS), "\ud800", "\0"))


def _written(value: Any, *, escaped: bool) -> str:
    if isinstance(value, _Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(one, escaped=escaped)}" for name, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(one, escaped=escaped) for one in value) + "]"
    return str(value) if isinstance(value, _Bare) else json.dumps(value, ensure_ascii=escaped)


# --- XML --------------------------------------------------------------------------------------------------------------

_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def _mutated_xml(rng: random.Random, body: bytes, times: int) -> bytes:
    root = etree.fromstring(body)
    for _ in range(times):
        _change_xml(rng, rng.choice([*root.iter(etree.Element)]))
    return etree.tostring(root, xml_declaration=rng.random() < 0.5, encoding="utf-8")


def _change_xml(rng: random.Random, element: "etree._Element") -> None:
    parent = element.getparent()
    if parent is not None and rng.random() < 0.3:
        _change_children(rng, parent, element)
        return
    match rng.randint(0, 6):
        case 0:
            element.tag = rng.choice(NAMES)
        case 1:
            element.append(etree.Comment(" x "))
            element[-1].tail = "5"
        case 2:
            element.insert(0, etree.ProcessingInstruction("x", "y"))
        case 3:
            element.text = etree.CDATA(rng.choice(("5", "-1.5", "NULL", "")))
        case 4:
            etree.SubElement(element, rng.choice(NAMES)).text = rng.choice(("5", "x"))
        case 5:
            element.set(_NIL, rng.choice(("true", "1", "false", "0")))
        case _:
            element.text = rng.choice(NUMBERS + TEXTS)


def _change_children(rng: random.Random, parent: "etree._Element", element: "etree._Element") -> None:
    """Take a child away, or add copies of it."""
    if rng.random() < 0.4:
        parent.remove(element)
        return
    for _ in range(rng.choice((1, 1, 2, 30)) if len(parent) < 50 else 1):
        parent.append(etree.fromstring(etree.tostring(element, with_tail=False)))


# --- bytes ------------------------------------------------------------------------------------------------------------


def _place(rng: random.Random, body: bytes) -> int:
    return rng.randint(0, len(body))


def _truncated(rng: random.Random, body: bytes) -> bytes:
    return body[: _place(rng, body)]


def _flipped(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]


def _inserted(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + rng.choice(TOKENS) + body[at:]


def _lost(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + body[at + rng.randint(1, 60) :]


def _repeated(rng: random.Random, body: bytes) -> bytes:
    at = _place(rng, body)
    return body[:at] + body[at : at + rng.randint(1, 400)] * rng.randint(2, 20) + body[at:]


def _spliced(rng: random.Random, body: bytes) -> bytes:
    return body[: _place(rng, body)] + body[_place(rng, body) :]


def _recoded(rng: random.Random, body: bytes) -> bytes:
    encoding = rng.choice(("utf-16", "utf-16-le", "latin-1", "utf-32"))
    return body.decode("utf-8", "replace").encode(encoding, "replace")


_OF_BYTES: Final[tuple[Mutate, ...]] = (
    _truncated, _flipped, _flipped, _inserted, _inserted, _inserted, _lost, _repeated, _spliced, _recoded,
)  # fmt: skip
