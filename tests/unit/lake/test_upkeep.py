"""Upkeep of the archive: what a file is worth, what is there too much, and manifests that are written anew."""

import fcntl
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from reingest.errors import ArchiveError
from reingest.lake.archive import Archive, ManifestEntry, manifest_line
from reingest.lake.upkeep import (
    manifest_faults,
    mirror_lines,
    move_aside,
    payload_files,
    payload_state,
    remove_unfinished,
    unfinished_files,
)

MONTH = date(2025, 3, 1)
ENTRY = ManifestEntry(
    fetch_id="1",
    run_id="run-1",
    dataset="ISPSTACK",
    settlement_date=date(2025, 3, 21),
    period=29,
    side="bid",
    wire="xml",
    url="https://data.example/29",
    status=200,
    content_type="application/xml",
    sha256="0" * 64,
    size=10,
    requested_at=datetime(2025, 3, 22, 0, 15, tzinfo=UTC),
    answered_at=datetime(2025, 3, 22, 0, 15, 0, 310_000, tzinfo=UTC),
    attempts=1,
)
ENTRIES = [replace(ENTRY, fetch_id=str(number), period=number) for number in range(1, 5)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Return an archive in a folder that does not exist yet."""
    return Archive(tmp_path / "archive")


def test_the_state_of_a_payload(archive: Archive) -> None:
    """A payload is good, missing, or altered; a flipped bit shows to who reads it, a cut file also to who does not."""
    (stored,) = archive.put_many([b"<response/>" * 100])
    path = archive.payload_path(stored.sha256)

    def states() -> list[str]:
        return [payload_state(archive, stored.sha256, stored.stored_size, read=read) for read in (True, False)]

    assert states() == ["good", "good"]
    content = path.read_bytes()
    path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
    assert states() == ["altered", "good"]
    path.write_bytes(content[:-3])
    assert states() == ["altered", "altered"]
    path.unlink()
    assert states() == ["missing", "missing"]


def test_files_that_are_there_too_much(archive: Archive) -> None:
    """Every file is listed with the payload it is named after; one that nobody knows is moved, never deleted."""
    assert list(payload_files(archive)) == list(unfinished_files(archive)) == []
    (stored,) = archive.put_many([b"known"])
    odd = archive.folder / "payloads" / "ab" / "notes.txt"
    odd.parent.mkdir(exist_ok=True)
    odd.write_text("mine")
    (archive.folder / "payloads" / "new" / "left").write_text("half")
    assert {(file.path, file.sha256) for file in payload_files(archive)} == {
        (f"payloads/{stored.sha256[:2]}/{stored.sha256}.zst", stored.sha256),
        ("payloads/ab/notes.txt", None),
    }
    assert move_aside(archive, "payloads/ab/notes.txt") == "strays/notes.txt"
    odd.write_text("another")
    assert move_aside(archive, "payloads/ab/notes.txt").startswith("strays/notes.txt.")
    assert (archive.folder / "strays" / "notes.txt").read_text() == "mine"
    (left,) = unfinished_files(archive)
    remove_unfinished(archive, left.path)
    assert not list(unfinished_files(archive))
    with pytest.raises(ArchiveError, match="cannot be moved aside"):
        move_aside(archive, "payloads/ab/notes.txt")


def test_a_manifest_is_compared_line_by_line() -> None:
    """A line that is missing, says something else, stands twice or cannot be read is a fault of its own kind."""
    lines = [manifest_line(entry) for entry in ENTRIES]
    assert not manifest_faults(lines, ENTRIES)
    lost = manifest_faults(lines[1:], ENTRIES)
    assert (lost.missing, lost.only_missing) == (ENTRIES[:1], True)
    spoilt = manifest_faults([lines[0], lines[0], lines[1].replace(b"200", b"500"), b"{", lines[2]], ENTRIES)
    assert ([one.fetch_id for one in spoilt.missing], spoilt.unlike, spoilt.unreadable) == (["4"], 2, 1)
    assert manifest_faults(lines, ENTRIES[:3]).unlike == 1


def test_a_manifest_is_written_anew(archive: Archive) -> None:
    """A spoilt manifest becomes the mirror of the rows, runs under way keep their lines, and the old file is kept."""
    archive.append_manifest([ENTRIES[0], replace(ENTRIES[1], status=500)])
    archive.append_manifest([replace(ENTRIES[3], run_id="live")])
    rows = [*ENTRIES[:3], replace(ENTRIES[3], run_id="live"), replace(ENTRY, fetch_id="5", run_id="live")]
    kept = archive.rewrite_manifest(MONTH, lambda old: mirror_lines(old, rows, {"live"}))
    assert list(archive.read_manifest()) == rows[:4]
    assert kept is not None
    assert kept.read_bytes().count(b"\n") == 3
    archive.append_manifest(rows[4:])
    assert list(archive.read_manifest(ENTRY.settlement_date)) == rows


def test_a_stopped_appender_holds_nobody_up(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a process that was stopped has a manifest to itself, it is read as it is, and new lines are left out."""
    monkeypatch.setattr("reingest.lake.archive.PATIENCE_SECONDS", 0.05)
    archive.append_manifest(ENTRIES[:1])
    with (archive.folder / "manifest" / "2025-03.jsonl").open("rb") as stopped:
        fcntl.flock(stopped, fcntl.LOCK_EX)
        assert archive.append_manifest(ENTRIES[1:]) is False
        assert list(archive.read_manifest()) == ENTRIES[:1]
        with pytest.raises(ArchiveError, match="cannot be written"):
            archive.rewrite_manifest(MONTH, lambda old: old)
    assert archive.append_manifest(ENTRIES[1:]) is True
    assert list(archive.read_manifest()) == ENTRIES


def test_an_appender_that_waited_finds_the_new_manifest(archive: Archive) -> None:
    """Lines appended while a manifest is written anew stand in the new one, not in the one that was replaced."""
    archive.append_manifest(ENTRIES[:1])
    appender = threading.Thread(target=archive.append_manifest, args=[ENTRIES[1:2]])

    def start_appender(old: list[bytes]) -> list[bytes]:
        appender.start()
        appender.join(0.2)
        assert appender.is_alive()
        return old

    archive.rewrite_manifest(MONTH, start_appender)
    appender.join()
    assert list(archive.read_manifest()) == ENTRIES[:2]
