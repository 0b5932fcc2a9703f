"""Texts of flags, times, integers and ids to values, one value at a time; a text that is none is `Unfit`."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa

from reingest.elexon.numbers import Unfit, trimmed

_FLAGS: Final = {"true": True, "t": True, "false": False, "f": False}
# No leading zeros and no -0, so that equal integers are equal texts.
_INTEGER: Final = re.compile(r"-?[1-9][0-9]*|0")
# The live form ends in Z; older examples have seven decimals and an offset. A time without either is no instant.
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,7})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def flag(text: str | None) -> bool | None:
    """Return the flag: true, false, T or F, in any case.

    Raises:
        Unfit: `bad_flag`.
    """
    word = trimmed(text)
    if word is None:
        return None
    if word.lower() not in _FLAGS:
        raise Unfit("bad_flag", "is no flag")
    return _FLAGS[word.lower()]


def time(text: str | None) -> datetime | None:
    """Return the instant, aware, in UTC, to the microsecond.

    Raises:
        Unfit: `bad_time`.
    """
    word = trimmed(text)
    if word is None:
        return None
    if not _TIME.fullmatch(word):
        raise Unfit("bad_time", "is not an instant with its offset")
    try:
        return datetime.fromisoformat(word).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unfit("bad_time", f"is not an instant: {error}") from error


def integer(bits: int) -> Callable[[str | None], int | None]:
    """Return a reader of integers that fit a signed column of so many bits; it raises `Unfit`."""
    bound = 1 << (bits - 1)
    longest = len(str(bound)) + 1

    def read(text: str | None) -> int | None:
        word = trimmed(text)
        if word is None:
            return None
        if not _INTEGER.fullmatch(word):
            raise Unfit("bad_number", "is not an integer")
        if len(word) > longest or not -bound <= int(word) < bound:
            raise Unfit("out_of_range", f"does not fit {bits} bits")
        return int(word)

    return read


def unit_id(text: str | None) -> str | None:
    """Return a BM unit id, letter for letter; a numeric one stays text.

    An id is never tidied: a repaired id might be another unit's, and an id left untidy would quietly match no
    unit of the register, so that a wind farm's row would count as nobody's.

    Raises:
        Unfit: `bad_id` for white space at its ends or a control character.
    """
    if trimmed(text) is None:
        return None
    if text is not None and (text != text.strip() or _CONTROL.search(text)):
        raise Unfit("bad_id", "has white space at its ends or a control character")
    return text


READERS: Final[dict[pa.DataType, Callable[[str | None], object]]] = {
    pa.int32(): integer(32),
    pa.int64(): integer(64),
    pa.bool_(): flag,
    pa.timestamp("us", tz="UTC"): time,
    pa.string(): unit_id,
}
"""How the text of a column is read, by the column's Arrow type; decimals have a way of their own."""
