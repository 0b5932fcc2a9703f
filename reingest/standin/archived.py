"""An archive folder as a source: each request is answered with the newest payload that it once got, byte for byte."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from reingest.curtailment.words import Side
from reingest.lake.archive import Archive, ManifestEntry
from reingest.standin.render import CONTENT_TYPES, Wire

_SERVED: Final = 200


@dataclass(frozen=True, slots=True)
class ArchivedAnswer:
    """The bytes of an archived answer and how they were labelled."""

    content_type: str
    body: bytes


class ArchivedAnswers:
    """The answers of an archive that were given with status 200.

    A request in a wire format that was never archived gets what was archived in another one, with its own content
    type: that is what the archive can prove, and clients look at the content before they parse it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the folder's manifests.

        Raises:
            ArchiveError: a manifest cannot be read.
        """
        self._archive = Archive(folder)
        self._newest: dict[tuple[str, date | None, int | None, Side | None], dict[str, ManifestEntry]] = {}
        for entry in sorted(self._archive.read_manifest(), key=lambda entry: entry.answered_at):
            if entry.status == _SERVED:
                asked = (entry.dataset, entry.settlement_date, entry.period, entry.side)
                self._newest.setdefault(asked, {})[entry.wire] = entry
        self._dates = frozenset(settlement_date for _, settlement_date, _, _ in self._newest)

    def serves(self, settlement_date: date) -> bool:
        """Whether any answer of the date is archived."""
        return settlement_date in self._dates

    def answer(
        self, dataset: str, settlement_date: date | None, period: int | None, side: Side | None, wire: Wire
    ) -> ArchivedAnswer | None:
        """Return the newest answer to a request, or None where none is archived.

        Raises:
            ArchiveError: the payload is missing or altered.
        """
        by_wire = self._newest.get((dataset, settlement_date, period, side))
        if not by_wire:
            return None
        entry = by_wire.get(wire) or max(by_wire.values(), key=lambda entry: entry.answered_at)
        content_type = entry.content_type or CONTENT_TYPES[wire]
        return ArchivedAnswer(content_type, self._archive.get(entry.sha256))
