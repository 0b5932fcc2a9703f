"""Faults of bodies and answers: bytes that are not the document that was asked for."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Final

from reingest.clock import utc_now
from reingest.standin.faults.rules import FaultRule
from reingest.standin.render import CONTENT_TYPES, Document, Wire, XmlShape, render
from reingest.standin.reply import Reply

_DECLARATION_END: Final = "?>"
_HTML: Final = (
    "<!DOCTYPE html>\n<html><head><title>Service unavailable</title></head>\n"
    "<body><h1>Service unavailable</h1><p>The gateway did not get a timely answer.</p></body></html>\n"
)
_NESTED: Final = 100_000


@dataclass(frozen=True, slots=True)
class Rendering:
    """A document with the wire format and XML shape in which it was asked for; None where only bytes are known."""

    document: Document | None
    wire: Wire
    xml_shape: XmlShape

    def text(self, wire: Wire) -> str:
        """Return the document in a wire format; an empty one where only bytes are known."""
        return render(self.document or Document("ISPSTACK", ()), wire, self.xml_shape).decode()


def strike_body(reply: Reply, rule: FaultRule, rendering: Rendering) -> Reply:
    """Return the reply with the bytes that the fault makes of it."""
    if rule.kind in _XML_STRIKES:
        # These are faults of XML, so they answer in XML whatever was asked.
        text = _XML_STRIKES[rule.kind](rendering.text("xml"))
        return replace(reply, body=text.encode(), content_type=CONTENT_TYPES["xml"], _gzipped=None)
    return replace(_STRIKES[rule.kind](reply, rule, rendering), _gzipped=None)


def faulty_answer(rule: FaultRule) -> Reply:
    """Return the answer that a fault of place `answer` gives instead of the right one."""
    if rule.kind == "redirect":
        return Reply(rule.status or 301, "", b"", {"location": rule.location or ""})
    headers = {} if rule.retry_after is None else {"retry-after": _retry_after(rule.retry_after)}
    body = b"" if rule.status in _WITHOUT_BODY else f"scripted status {rule.status}".encode()
    return Reply(rule.status or 500, "text/plain; charset=utf-8" if body else "", body, headers)


def _retry_after(value: float | str) -> str:
    """Return the header's text: seconds, an HTTP date for `date:N`, or the text itself, sense or nonsense."""
    text = str(value)
    if text.startswith("date:"):
        return format_datetime(utc_now() + timedelta(seconds=float(text.removeprefix("date:"))), usegmt=True)
    return text


_WITHOUT_BODY: Final = frozenset({204, 205, 304})


def _cut(reply: Reply, rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, body=reply.body[: cut_at(reply.body, rule)])


def cut_at(body: bytes, rule: FaultRule) -> int:
    """Return after how many bytes a fault cuts: where the rule says, else in the middle."""
    return len(body) // 2 if rule.bytes is None else rule.bytes


def _empty(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, body=b"")


def _html(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, body=_HTML.encode(), content_type="text/html; charset=utf-8")


def _as(wire: Wire) -> "_Strike":
    def strike(reply: Reply, _rule: FaultRule, rendering: Rendering) -> Reply:
        return replace(reply, body=rendering.text(wire).encode(), content_type=CONTENT_TYPES[wire])

    return strike


def _content_type(reply: Reply, rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, content_type=rule.value or "")


def _unknown_shape(reply: Reply, _rule: FaultRule, rendering: Rendering) -> Reply:
    xml = "<envelope><things><thing><quantity>1</quantity></thing></things></envelope>"
    texts = {"xml": xml, "json": '{"results":[{"quantity":1}]}', "csv": "Quantity\r\n1\r\n"}
    return replace(reply, body=texts[rendering.wire].encode())


def _garbage(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, body=reply.body + b"\nTraceback: the exporter went on after the end <")


def _inserted(what: bytes) -> "_Strike":
    """Return a fault that puts bytes into the first text of the body: after the dataset's name, or at the front."""

    def strike(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
        for place in (b"ISPSTACK", b"DISEBSP", b"BOAV", b"EBOCF", b"DISPTAV"):
            if place in reply.body:
                return replace(reply, body=reply.body.replace(place, place + what, 1))
        return replace(reply, body=what + reply.body)

    return strike


def _bom(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
    return replace(reply, body=b"\xef\xbb\xbf" + reply.body)


def _utf16(reply: Reply, _rule: FaultRule, _rendering: Rendering) -> Reply:
    text = reply.body.decode().replace('encoding="utf-8"', 'encoding="utf-16"')
    content_type = reply.content_type.replace("utf-8", "utf-16")
    return replace(reply, body=text.encode("utf-16"), content_type=content_type)


def _deep(reply: Reply, _rule: FaultRule, rendering: Rendering) -> Reply:
    xml = f"<response>{'<data>' * _NESTED}{'</data>' * _NESTED}</response>"
    texts = {"xml": xml, "json": f'{{"data":{"[" * _NESTED}{"]" * _NESTED}}}', "csv": '"' * _NESTED}
    return replace(reply, body=texts[rendering.wire].encode())


def _huge(reply: Reply, rule: FaultRule, _rendering: Rendering) -> Reply:
    """Put white space before the last character, where it means nothing in JSON and nearly nothing in XML."""
    padding = b" " * ((rule.megabytes or 64) * 2**20)
    return replace(reply, body=reply.body[:-1] + padding + reply.body[-1:])


def _with_doctype(subset: str, reference: str = "") -> Callable[[str], str]:
    """Return a fault that declares a document type, and refers to its entity inside the dataset's name."""

    def strike(text: str) -> str:
        declaration, _, rest = text.partition(_DECLARATION_END)
        root = re.sub(r"[\s>].*", "", rest.lstrip("<"), flags=re.DOTALL)
        closing = re.search(r"</(dataset|string|dataItem)>", rest)
        if reference and closing:
            rest = rest[: closing.start()] + reference + rest[closing.start() :]
        return f"{declaration}{_DECLARATION_END}<!DOCTYPE {root}{subset}>{rest}"

    return strike


def _in_number(before: str, after: str = "") -> Callable[[str], str]:
    """Return a fault that puts markup into the first volume, before its last digit, or around it whole."""

    def strike(text: str) -> str:
        def marked(match: re.Match[str]) -> str:
            digits, last = (match[2], match[3]) if not after else ("", match[2] + match[3])
            return f"<{match[1]}>{digits}{before}{last}{after}</"

        return re.sub(_VOLUME, marked, text, count=1)

    return strike


_VOLUME: Final = re.compile(r"<([Vv]olume)>(-?[0-9.]*)([0-9])</")

_LAUGHS: Final = "".join(f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' for level in range(1, 10))

_XML_STRIKES: Final[dict[str, Callable[[str], str]]] = {
    "doctype": _with_doctype(""),
    "external_entity": _with_doctype(' [<!ENTITY x SYSTEM "file:///etc/hostname">]', "&x;"),
    "entity_bomb": _with_doctype(f' [<!ENTITY l0 "lol">{_LAUGHS}]', "&l9;"),
    "quadratic_blowup": _with_doctype(f' [<!ENTITY long "{"x" * 100_000}">]', "&long;" * 10_000),
    "comment_in_number": _in_number("<!-- revised -->"),
    "instruction_in_number": _in_number("<?revised now?>"),
    "cdata": _in_number("<![CDATA[", "]]>"),
}

_Strike = Callable[[Reply, FaultRule, Rendering], Reply]

_STRIKES: Final[dict[str, _Strike]] = {
    "cut": _cut,
    "empty_body": _empty,
    "html": _html,
    "json_for_xml": _as("json"),
    "xml_for_json": _as("xml"),
    "content_type": _content_type,
    "unknown_shape": _unknown_shape,
    "trailing_garbage": _garbage,
    "control_character": _inserted(b"\x01"),
    "bom": _bom,
    "utf16": _utf16,
    "latin1": _inserted(b"\xe9"),
    "deep_nesting": _deep,
    "huge_body": _huge,
}
