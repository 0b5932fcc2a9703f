"""What an answer is, judged by its content and never by what was asked or what its header claims."""

import codecs
import re
from typing import Final, Literal

from reingest.elexon.rejects import rejected

LARGEST_BODY: Final = 64 * 1024 * 1024
"""Bytes, decompressed. The largest real answer, a whole day of another dataset, has 8 MB."""

_SPACE: Final = b" \t\r\n"
_HTML: Final = re.compile(rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_HTML_HEAD: Final = 4096
_SHOWN: Final = 60


def sniff(body: bytes) -> tuple[Literal["xml", "json"], bytes]:
    """Return the format of an answer, and its content without byte-order mark and leading white space.

    The content stays bytes, because a second and third copy of it cost more than reading it.

    Raises:
        PayloadRejected: `too_large`, `empty_body`, `bad_encoding`, `html_page`, `doctype`, or `unknown_shape` for
            what is neither XML nor JSON.
    """
    if len(body) > LARGEST_BODY:
        raise rejected("too_large", f"the body has {len(body)} bytes, more than {LARGEST_BODY}")
    if b"\0" in body:
        raise rejected("bad_encoding", f"the body holds a NUL at byte {body.index(0)}; it may be UTF-16")
    content = body.removeprefix(codecs.BOM_UTF8).lstrip(_SPACE)
    match content[:1]:
        case b"":
            raise rejected("empty_body", "the body is empty")
        case b"<":
            _refuse_page(content)
            return "xml", content
        case b"{" | b"[":
            return "json", content
    start = utf8_text(content)[:_SHOWN]
    raise rejected("unknown_shape", f"the body begins {start!r}, which is neither XML nor JSON")


def utf8_text(content: bytes) -> str:
    """Return the content's text.

    Raises:
        PayloadRejected: `bad_encoding`.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise rejected("bad_encoding", f"the body is not UTF-8: {error.reason} at byte {error.start}") from error


def _refuse_page(content: bytes) -> None:
    if _HTML.match(content[:_HTML_HEAD]):
        raise rejected("html_page", f"the body begins {content[:_SHOWN]!r}")
    # Looked for in the bytes, before any parser runs: entities cost time and memory while they are parsed, and a
    # parser told not to resolve them silently cuts the text short. A DOCTYPE inside CDATA is refused as well. Most
    # answers have no "!" at all, which is found out a hundred times faster.
    if b"!" in content and b"<!DOCTYPE" in content:
        raise rejected("doctype", "the XML has a DOCTYPE")
