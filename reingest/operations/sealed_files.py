"""Sealed files: JSON in one canonical form with the hash of everything in it, so that no byte can be changed unseen.

A file is one line of JSON with sorted keys and no spaces. Its member `sha256` is the hash of the line that it would be
without that member. Decimals are text with no exponent and no trailing zeros. The hash tells that a file is as it was
written; who would forge one can make it again, so what is in a file is held against what it is about.
"""

import hashlib
import json
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, PlainSerializer, StringConstraints

from reingest.curtailment.exact import plain
from reingest.errors import BadUsage

LARGEST_BYTES: Final = 2**20
"""More than any sealed file has: it names two hundred payloads at most."""

Exact = Annotated[Decimal, PlainSerializer(plain, return_type=str)]
"""A decimal, as text in its one form."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

_Document = TypeVar("_Document", bound=BaseModel)


class Sealed(BaseModel):
    """What can be in a sealed file: nothing but its fields, each of its own type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def sealed_text(document: BaseModel) -> str:
    """Return the content of the document's file."""
    values = document.model_dump(mode="json")
    return _canonical(values | {"sha256": hashlib.sha256(_canonical(values).encode()).hexdigest()})


def read_sealed(content: bytes, kind: type[_Document]) -> _Document:
    """Read a sealed file.

    Args:
        content: of the file.
        kind: what should be in it; its field `format` says so.

    Raises:
        BadUsage: it is not such a file, or not as it was written.
    """
    if len(content) > LARGEST_BYTES:
        raise BadUsage(f"this is not a file that Reingest sealed: it has {len(content)} bytes")
    try:
        text = content.decode()
        values = json.loads(text)
        del values["sha256"]
        _require_format(values["format"], kind)
        document = kind.model_validate_json(_canonical(values))
        as_written = sealed_text(document)
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        raise BadUsage(f"this is not a file that Reingest sealed: {_first_line(error)}") from error
    if text != as_written:
        raise BadUsage("the file was altered since it was sealed: its hash is not that of what it says")
    return document


def _require_format(found: object, kind: type[BaseModel]) -> None:
    (wanted,) = get_args(kind.model_fields["format"].annotation)
    if found != wanted:
        raise ValueError(f"its format is {str(found)[:40]!r}, not {wanted!r}")


def _canonical(values: dict[str, Any]) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
