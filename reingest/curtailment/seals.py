"""Seals: what binds a version to its payloads, and to the version that it replaced.

A seal is the sha256 of a text whose format never changes under its number:

    reingest-seal  1
    content        <the version's content digest: the hash that its dump ends with>
    payload        BOAV      -  bid  <sha256>
    payload        DISEBSP   -  -    <sha256>
    payload        ISPSTACK  1  bid  <sha256>
    previous       <the seal of the version that it replaced>

Fields are separated by tabs, each line ends with a line feed, `-` is none. Payloads are those that the version names:
the stacks and system prices that it was built from, and the witnesses that its own run had, each once, in the order of
dataset, period (none first), side and sha256. `previous` is `-` for the first version of a date.

Postgres seals a version in its publish transaction (`version_seal` in SQL); this is the same for who has no database.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reingest.curtailment.words import Side

FORMAT_LINE: Final = "reingest-seal\t1"
NO_SEAL: Final = "-"
"""What stands for the previous seal of a date's first version."""


@dataclass(frozen=True, slots=True)
class NamedPayload:
    """A payload of a version: what it was asked for (no period: the whole date; no side: both), and its hash."""

    dataset: str
    period: int | None
    side: Side | None
    sha256: str

    @property
    def order(self) -> tuple[str, int, str, str]:
        """Its place in lists of payloads."""
        return self.dataset, self.period or 0, self.side or NO_SEAL, self.sha256


def seal_of(content_digest: str, payloads: Iterable[NamedPayload], previous: str) -> str:
    """Return a version's seal: 64 hex digits.

    Args:
        content_digest: the hash that its dump ends with.
        payloads: those that it names, in any order.
        previous: the seal of the version that it replaced, or `NO_SEAL`.
    """
    named = sorted(set(payloads), key=lambda one: one.order)
    lines = [FORMAT_LINE, f"content\t{content_digest}", *map(_line, named), f"previous\t{previous}"]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _line(payload: NamedPayload) -> str:
    period = NO_SEAL if payload.period is None else payload.period
    return f"payload\t{payload.dataset}\t{period}\t{payload.side or NO_SEAL}\t{payload.sha256}"
