"""Just enough SVG: elements as text, with whatever stands in them escaped."""

import re
from html import escape
from typing import Final

# XML 1.0 has no way to write these characters, not even escaped.
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, content: str = "", /, **attributes: object) -> str:
    """Return an element.

    Args:
        name: Its tag.
        content: What stands inside, as SVG already; none makes it an empty element.
        attributes: Written in their order, `_` in names as `-`; a trailing `_` keeps Python's own words apart.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(str(value))}"' for key, value in attributes.items()
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: int, y: int, words: str, /, **attributes: object) -> str:
    """Return words at a place, on one baseline."""
    return element("text", escaped(words), x=x, y=y, **attributes)


def escaped(words: str) -> str:
    """Return the words as XML can hold them; a character that it cannot is shown as the replacement character."""
    return escape(_NOT_IN_XML.sub("\ufffd", words))


def shortened(words: str, most: int) -> str:
    """Return the words, cut with an ellipsis where they are longer than `most` characters."""
    return words if len(words) <= most else f"{words[: most - 1].rstrip()}…"
