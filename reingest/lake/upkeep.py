"""Upkeep of the archive: whether its files are what they should be, what is there too much, and how to set it right.

Nothing here deletes a payload: a file that nobody knows is moved to `strays`, beside `payloads`.
"""

import json
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

from reingest.checkpoints import checkpoint
from reingest.errors import ArchiveError
from reingest.lake.archive import Archive, ManifestEntry, manifest_line

PayloadState = Literal["good", "missing", "altered"]

STRAYS: Final = "strays"


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """A file among the payloads: its path in the archive, when it was written, and the payload that it is named after.

    `sha256` is None where it is named as no payload is, or stands where that payload does not belong.
    """

    path: str
    written_at: datetime
    sha256: str | None


@dataclass(slots=True)
class ManifestFaults:
    """How a manifest differs from the entries that it should mirror."""

    missing: list[ManifestEntry] = field(default_factory=list)
    unlike: int = 0
    unreadable: int = 0

    @property
    def only_missing(self) -> bool:
        """Whether appending the missing lines is all that it takes."""
        return not self.unlike and not self.unreadable

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self.missing or self.unlike or self.unreadable)


def payload_state(archive: Archive, sha256: str, stored_size: int | None, *, read: bool) -> PayloadState:
    """Return whether a payload's file is good.

    Args:
        archive: the archive.
        sha256: the payload.
        stored_size: the bytes that its file should have, compressed; None where that is not known.
        read: read it and compare its bytes with their hash; otherwise only its size is looked at.
    """
    path = archive.payload_path(sha256)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    if not read:
        return "altered" if stored_size is not None and size != stored_size else "good"
    try:
        archive.get(sha256)
    except ArchiveError:
        return "altered" if path.exists() else "missing"
    return "good"


def payload_files(archive: Archive) -> Iterator[PayloadFile]:
    """Yield every file among the payloads, but those that are being written."""
    payloads = archive.folder / "payloads"
    for path in sorted(path for path in payloads.glob("**/*") if path.is_file()):
        if path.parent != payloads / "new":
            yield from _file(archive, path, _named_after(archive, path))


def unfinished_files(archive: Archive) -> Iterator[PayloadFile]:
    """Yield the files that are being written, or were when their writer died."""
    for path in sorted((archive.folder / "payloads" / "new").glob("*")):
        yield from _file(archive, path, None)


def remove_unfinished(archive: Archive, path: str) -> None:
    """Remove a file that its writer left.

    Raises:
        ArchiveError: it cannot be removed.
    """
    try:
        (archive.folder / path).unlink(missing_ok=True)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be removed: {error}") from error


def move_aside(archive: Archive, path: str) -> str:
    """Move a file that nobody knows to `strays`, and return where it is now.

    Raises:
        ArchiveError: it cannot be moved.
    """
    there = archive.folder / STRAYS / Path(path).name
    try:
        there.parent.mkdir(parents=True, exist_ok=True)
        if there.exists():
            there = there.with_name(f"{there.name}.{secrets.token_hex(4)}")
        (archive.folder / path).rename(there)
        checkpoint("stray_moved")
    except OSError as error:
        raise ArchiveError(f"{path} cannot be moved aside: {error}") from error
    return str(there.relative_to(archive.folder))


def manifest_faults(lines: Iterable[bytes], rows: Iterable[ManifestEntry]) -> ManifestFaults:
    """Compare the lines of a manifest with the entries that it should mirror, those of one settlement month.

    Args:
        lines: the manifest's lines, read before `rows` were: a row is written before its line.
        rows: what it should mirror.
    """
    faults = ManifestFaults()
    expected = {entry.fetch_id: entry for entry in rows}
    seen: set[str] = set()
    for line in lines:
        values = _values(line)
        if values is None:
            faults.unreadable += 1
            continue
        fetch_id = str(values.get("fetch_id"))
        if fetch_id in seen or fetch_id not in expected or not _mirrors(values, expected[fetch_id]):
            faults.unlike += 1
        seen.add(fetch_id)
    faults.missing = [entry for fetch_id, entry in expected.items() if fetch_id not in seen]
    return faults


def mirror_lines(old: Iterable[bytes], rows: Iterable[ManifestEntry], under_way: Collection[str]) -> list[bytes]:
    """Return the lines of a manifest that mirrors `rows`.

    Args:
        old: the lines that it has.
        rows: what it should mirror.
        under_way: runs that append their own lines: those that they have written stay, and no other is added.
    """
    own = [line for line in old if (_values(line) or {}).get("run_id") in under_way]
    return [manifest_line(entry) for entry in rows if entry.run_id not in under_way] + own


def _values(line: bytes) -> dict[str, Any] | None:
    try:
        values = json.loads(line)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _mirrors(values: Mapping[str, Any], entry: ManifestEntry) -> bool:
    return all(values.get(name) == value for name, value in json.loads(manifest_line(entry)).items())


def _named_after(archive: Archive, path: Path) -> str | None:
    """Return the payload that the file is named after, None where it is not that payload's own file."""
    sha256 = path.name.removesuffix(".zst")
    try:
        return sha256 if archive.payload_path(sha256) == path else None
    except ArchiveError:
        return None


def _file(archive: Archive, path: Path, sha256: str | None) -> Iterator[PayloadFile]:
    """Yield the file, unless its writer has taken it away since it was listed."""
    with suppress(FileNotFoundError):
        written_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        yield PayloadFile(str(path.relative_to(archive.folder)), written_at, sha256)
