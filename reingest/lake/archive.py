"""The archive of payloads: every answer's bytes, kept under their hash before anything reads them.

    payloads/ab/abcd….zst        the bytes of one answer, compressed, named by the sha256 of the bytes themselves
    payloads/new/                files being written; nothing ever reads them
    manifest/2025-03.jsonl       one line a fetch, by month of settlement date; mirrors the rows of table `fetch`
    manifest/undated.jsonl       fetches that belong to no settlement date, such as the register of BM units
    manifest/replaced/           manifests that the doctor found spoilt, as they were; nothing ever reads them
    strays/                      files that the doctor found among the payloads and no fetch knows; likewise

A file appears under its name only whole: it is written under another name, synced, renamed, and its folder is
synced. So a crash leaves a stray file in `payloads/new` or a torn last line in a manifest, and both count for
nothing. With the manifest a bare archive can be read without a database.
"""

import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import zstandard

from reingest.checkpoints import checkpoint
from reingest.clock import utc_now
from reingest.curtailment.words import Side
from reingest.errors import ArchiveError
from reingest.lake.appending import alone_with, append_lines, locked, sync

log = logging.getLogger(__name__)

UNDATED: Final = "undated"
PATIENCE_SECONDS: Final = 5.0
"""How long a manifest is waited for that another process has to itself, which takes it milliseconds unless stopped."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
# The most that a payload may claim to hold; a damaged frame can claim anything, and memory is asked for it.
_LARGEST_PAYLOAD: Final = 2**31


@dataclass(frozen=True, slots=True)
class StoredPayload:
    """A payload in the archive: the hash of its bytes, how many they are, and how many they take compressed."""

    sha256: str
    size: int
    stored_size: int


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One answered request: what was asked, and which payload came when.

    Attributes:
        fetch_id: Id of the row in table `fetch`.
        run_id: The run that asked.
        dataset: `ISPSTACK`, `DISEBSP` or `BMUNITS`.
        settlement_date: None where the dataset has no date.
        period: Settlement period; None where one answer holds the whole date.
        side: None where the dataset has no sides.
        wire: The format asked for: `xml`, `json` or `csv`.
        url: The address, whole.
        status: HTTP status.
        content_type: As the answer names it; empty where it does not.
        sha256: The payload.
        size: Its bytes, uncompressed.
        requested_at: When the last attempt was sent; aware, UTC.
        answered_at: When its answer was complete; aware, UTC.
        attempts: How many attempts it took.
    """

    fetch_id: str
    run_id: str
    dataset: str
    settlement_date: date | None
    period: int | None
    side: Side | None
    wire: str
    url: str
    status: int
    content_type: str
    sha256: str
    size: int
    requested_at: datetime
    answered_at: datetime
    attempts: int


class Archive:
    """The payload archive in one folder, which is made on the first write.

    Any number of processes may write at once: names come from content, so two writers of one name write the
    same bytes, and manifests are appended to under a file lock.
    """

    def __init__(self, folder: Path) -> None:
        """Use `folder`; reading alone writes nothing, so it may be read-only."""
        self.folder = folder
        self._payloads = folder / "payloads"
        self._manifest = folder / "manifest"
        self._new = self._payloads / "new"

    def put_many(self, bodies: Sequence[bytes]) -> list[StoredPayload]:
        """Archive payloads; when this returns, a power cut does not lose them.

        A payload that is there already is read back and left as it is. A damaged file in its place is replaced:
        under a name that is a hash, only one content is right.

        Returns:
            One entry a body, in the order of `bodies`.

        Raises:
            ArchiveError: the folder cannot be written.
        """
        try:
            return self._put_many(bodies)
        except OSError as error:
            raise ArchiveError(f"payloads cannot be archived in {self.folder}: {error}") from error

    def get(self, sha256: str) -> bytes:
        """Return the bytes of an archived payload, after comparing them with their hash.

        Raises:
            ArchiveError: there is no such payload, or its file does not hold the bytes that were archived.
        """
        path = self._path(sha256)
        try:
            body = _decompressed(path.read_bytes())
        except FileNotFoundError as error:
            raise ArchiveError(f"payload {sha256} is not in the archive {self.folder}") from error
        except OSError as error:
            raise ArchiveError(f"payload {sha256} cannot be read: {error}") from error
        if body is None or hashlib.sha256(body).hexdigest() != sha256:
            raise ArchiveError(f"payload {sha256} was altered: {path} does not hold the bytes that were archived")
        return body

    def append_manifest(self, entries: Sequence[ManifestEntry]) -> bool:
        """Append fetches to the manifests of their settlement months; when this returns, they are on disk.

        A process that was stopped while it had a manifest to itself holds nobody up: lines that cannot be appended
        within some seconds are left out, and the doctor appends them from the fetch rows.

        Returns:
            Whether all of them were appended.

        Raises:
            ArchiveError: the folder cannot be written.
        """
        months: dict[str, list[ManifestEntry]] = defaultdict(list)
        for entry in entries:
            months[_month(entry.settlement_date)].append(entry)
        try:
            _make_folders(self._manifest)
            for month, of_month in months.items():
                lines = b"".join(manifest_line(entry) + b"\n" for entry in of_month)
                append_lines(self._manifest / f"{month}.jsonl", lines, patience_seconds=PATIENCE_SECONDS)
            sync(self._manifest)
            checkpoint("after_manifest")
        except TimeoutError as error:
            log.warning("manifest lines are left out, and reingest doctor --fix appends them: %s", error)
            return False
        except OSError as error:
            raise ArchiveError(f"the manifest in {self.folder} cannot be written: {error}") from error
        return True

    def read_manifest(self, settlement_date: date | None = None) -> Iterator[ManifestEntry]:
        """Yield the fetches of a settlement date, or all of them, in the order in which they were appended.

        Without a date they come month by month, and those that belong to no date come last. A torn last line,
        left by a crash, was never acknowledged to anyone, and is passed over.

        Raises:
            ArchiveError: a manifest cannot be read, or a line before the last is not a fetch.
        """
        if settlement_date is None:
            paths = sorted(self._manifest.glob("*.jsonl"))
        else:
            paths = [self._manifest / f"{_month(settlement_date)}.jsonl"]
        for path in paths:
            for entry in _read_lines(path):
                if settlement_date in (None, entry.settlement_date):
                    yield entry

    def payload_path(self, sha256: str) -> Path:
        """Return where the file of a payload is, or would be.

        Raises:
            ArchiveError: that is not a sha256.
        """
        return self._path(sha256)

    def manifest_lines(self, month: date | None) -> list[bytes]:
        """Return the whole lines of a settlement month's manifest as they stand; None for fetches without a date.

        Raises:
            ArchiveError: the manifest cannot be read.
        """
        return _whole_lines(self._manifest / f"{_month(month)}.jsonl")

    def rewrite_manifest(self, month: date | None, lines_of: Callable[[list[bytes]], list[bytes]]) -> Path | None:
        """Write a manifest anew; return where the old one is kept, None where there was none.

        Args:
            month: a date of the settlement month; None for fetches without a date.
            lines_of: makes the new lines of the old ones; called while no other process can append.

        Raises:
            ArchiveError: the folder cannot be written.
        """
        path = self._manifest / f"{_month(month)}.jsonl"
        try:
            _make_folders(self._manifest / "replaced")
            return _rewrite(path, lines_of)
        except OSError as error:
            raise ArchiveError(f"the manifest {path} cannot be written: {error}") from error

    def _put_many(self, bodies: Sequence[bytes]) -> list[StoredPayload]:
        hashes = [hashlib.sha256(body).hexdigest() for body in bodies]
        distinct = dict(zip(hashes, bodies, strict=True))
        sizes: dict[str, int] = {}
        for sha256, body in distinct.items():
            if (size := _good_size(self._path(sha256), body)) is not None:
                sizes[sha256] = size
        sizes |= self._write({sha256: body for sha256, body in distinct.items() if sha256 not in sizes})
        self._sync_folders(distinct)
        return [StoredPayload(sha256, len(body), sizes[sha256]) for sha256, body in zip(hashes, bodies, strict=True)]

    def _write(self, bodies: dict[str, bytes]) -> dict[str, int]:
        """Write payloads in sweeps over all of them, and return their stored sizes.

        All are written before the first is synced: the first sync then makes the file system write most of what
        the others would wait for.
        """
        _make_folders(self._new)
        written: dict[str, Path] = {}
        try:
            compressor = zstandard.ZstdCompressor()
            sizes = {}
            for sha256, body in bodies.items():
                written[sha256] = self._new / f"{sha256}.{secrets.token_hex(8)}"
                sizes[sha256] = _write_new(written[sha256], compressor.compress(body))
            checkpoint("payloads_written")
            for path in written.values():
                sync(path)
            checkpoint("payloads_synced")
            for sha256, path in written.items():
                self._path(sha256).parent.mkdir(exist_ok=True)
                path.rename(self._path(sha256))
                checkpoint("payload_renamed")
        finally:
            for path in written.values():
                path.unlink(missing_ok=True)
        return sizes

    def _sync_folders(self, hashes: Iterable[str]) -> None:
        """Sync the folders of payloads, also of those that another process may have renamed a moment ago."""
        for folder in {self._path(sha256).parent for sha256 in hashes} | {self._payloads}:
            sync(folder)
        checkpoint("payload_folders_synced")

    def _path(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise ArchiveError(f"{sha256!r} is not a sha256")
        return self._payloads / sha256[:2] / f"{sha256}.zst"


def _good_size(path: Path, body: bytes) -> int | None:
    """Return the stored size of a file that holds the body, None where it is missing or damaged."""
    try:
        stored = path.read_bytes()
    except FileNotFoundError:
        return None
    return len(stored) if _decompressed(stored) == body else None


def _decompressed(stored: bytes) -> bytes | None:
    """Return what the file's bytes stand for, None where they are not one whole frame."""
    try:
        if zstandard.frame_content_size(stored) > _LARGEST_PAYLOAD:
            return None
        return zstandard.ZstdDecompressor().decompress(stored, allow_extra_data=False)
    except zstandard.ZstdError:
        return None


def _write_new(path: Path, content: bytes) -> int:
    with path.open("xb") as file:
        return file.write(content)


def _make_folders(folder: Path) -> None:
    """Make the folder and its parents, each entered in its parent on disk."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    checkpoint("archive_folder_made")
    sync(folder.parent)


def _month(settlement_date: date | None) -> str:
    return f"{settlement_date:%Y-%m}" if settlement_date else UNDATED


def _rewrite(path: Path, lines_of: Callable[[list[bytes]], list[bytes]]) -> Path | None:
    with alone_with(path, PATIENCE_SECONDS) as old:
        old.seek(0)
        before = old.read()
        new = path.parent / "replaced" / f"{path.name}.{secrets.token_hex(8)}"
        with new.open("xb") as file:
            file.writelines(line + b"\n" for line in lines_of(before.split(b"\n")[:-1]))
            file.flush()
            os.fsync(file.fileno())
        checkpoint("manifest_rewritten")
        kept = _kept(path) if before else None
        new.rename(path)
        checkpoint("manifest_replaced")
        sync(path.parent)
    return kept


def _kept(path: Path) -> Path:
    """Give the file a second name, under which it stays when the first one is taken from it."""
    kept = path.parent / "replaced" / f"{path.name}.{utc_now():%Y%m%dT%H%M%S}.{secrets.token_hex(2)}"
    kept.hardlink_to(path)
    sync(kept.parent)
    return kept


def _read_lines(path: Path) -> list[ManifestEntry]:
    return [_entry(line, path, number) for number, line in enumerate(_whole_lines(path), start=1)]


def _whole_lines(path: Path) -> list[bytes]:
    try:
        content = _read_in_turn(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ArchiveError(f"the manifest {path} cannot be read: {error}") from error
    return content.split(b"\n")[:-1]


def _read_in_turn(path: Path) -> bytes:
    """Read between two appenders; beside one that does not end, who was stopped, as it is."""
    with path.open("rb") as file:
        try:
            with locked(file, fcntl.LOCK_SH, PATIENCE_SECONDS):
                return file.read()
        except TimeoutError:
            return file.read()


def manifest_line(entry: ManifestEntry) -> bytes:
    """Return the line of an entry, without its end."""
    return json.dumps(asdict(entry), default=_iso).encode()


def _iso(value: date | datetime) -> str:
    return value.isoformat()


def _entry(line: bytes, path: Path, number: int) -> ManifestEntry:
    try:
        values: dict[str, Any] = json.loads(line)
        values["settlement_date"] = values["settlement_date"] and date.fromisoformat(values["settlement_date"])
        values["requested_at"] = datetime.fromisoformat(values["requested_at"])
        values["answered_at"] = datetime.fromisoformat(values["answered_at"])
        return ManifestEntry(**values)
    except (ValueError, TypeError, KeyError) as error:
        raise ArchiveError(f"the manifest {path}, line {number}, is not a fetch: {error!r}") from error
