import fcntl
import hashlib
import json
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.errors import ArchiveError
from reingest.lake.archive import Archive, ManifestEntry

BODIES = [b"<response/>" * 100, b"", b'{"data": []}', bytes(range(256)) * 4000]


def sha256(body: bytes) -> str:
    """The name of a payload."""
    return hashlib.sha256(body).hexdigest()


def path_of(archive: Archive, body: bytes) -> Path:
    """The file of a payload."""
    return archive.folder / "payloads" / sha256(body)[:2] / f"{sha256(body)}.zst"


def got(archive: Archive, body: bytes) -> bytes | str:
    """What the archive says of a payload: its bytes, or that it was altered."""
    try:
        return archive.get(sha256(body))
    except ArchiveError as error:
        return "was altered" if "was altered" in str(error) else str(error)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An archive in a folder that does not exist yet."""
    return Archive(tmp_path / "home" / "archive")


ENTRY = ManifestEntry(
    fetch_id="71",
    run_id="20250322T001500-4f",
    dataset="ISPSTACK",
    settlement_date=date(2025, 3, 21),
    period=29,
    side="bid",
    wire="xml",
    url="https://data.example/balancing/settlement/stack/all/bid/2025-03-21/29?format=xml",
    status=200,
    content_type="application/xml; charset=utf-8",
    sha256="0" * 64,
    size=102_400,
    requested_at=datetime(2025, 3, 22, 0, 15, 0, 250_000, tzinfo=UTC),
    answered_at=datetime(2025, 3, 22, 0, 15, 0, 310_000, tzinfo=UTC),
    attempts=2,
)
REGISTER = replace(ENTRY, fetch_id="1", dataset="BMUNITS", settlement_date=None, period=None, side=None, wire="json")


def test_what_is_put_can_be_got(archive: Archive) -> None:
    """Each body comes back as it was put, an empty one too, and the entries follow the order of the bodies."""
    stored = archive.put_many(BODIES)
    assert [(entry.sha256, entry.size) for entry in stored] == [(sha256(body), len(body)) for body in BODIES]
    assert [archive.get(entry.sha256) for entry in stored] == BODIES
    assert [path_of(archive, body).stat().st_size for body in BODIES] == [entry.stored_size for entry in stored]


def test_the_files_are_ordinary_zstandard(archive: Archive) -> None:
    """A payload's file is one zstandard frame that any tool can read, and it is smaller than the payload."""
    (stored,) = archive.put_many([BODIES[0]])
    assert zstandard.ZstdDecompressor().decompress(path_of(archive, BODIES[0]).read_bytes()) == BODIES[0]
    assert stored.stored_size < stored.size


def test_putting_nothing(archive: Archive) -> None:
    """No bodies give no entries."""
    assert archive.put_many([]) == []


def test_a_body_given_twice_is_stored_once(archive: Archive) -> None:
    """Two equal bodies are one file and two entries."""
    first, second = archive.put_many([b"same", b"same"])
    assert first == second
    assert len(list(archive.folder.glob("payloads/*/*"))) == 1


def test_a_good_file_is_not_rewritten(archive: Archive) -> None:
    """Putting what is archived already leaves its file as it is."""
    first = archive.put_many(BODIES)
    before = [path_of(archive, body).stat() for body in BODIES]
    assert archive.put_many(BODIES) == first
    after = [path_of(archive, body).stat() for body in BODIES]
    assert [(stat.st_ino, stat.st_mtime_ns) for stat in before] == [(stat.st_ino, stat.st_mtime_ns) for stat in after]


@pytest.mark.parametrize("damage", [b"", b"not zstandard", zstandard.compress(b"another body")])
def test_a_damaged_file_is_healed_by_the_next_put(archive: Archive, damage: bytes) -> None:
    """Under a name that is a hash only one content is right, so a put replaces anything else."""
    archive.put_many([b"right"])
    path_of(archive, b"right").write_bytes(damage)
    archive.put_many([b"right"])
    assert archive.get(sha256(b"right")) == b"right"


def test_a_missing_payload(archive: Archive) -> None:
    """A payload that was never archived is an error that names it."""
    with pytest.raises(ArchiveError, match=f"payload {'a' * 64} is not in the archive"):
        archive.get("a" * 64)


@pytest.mark.parametrize("name", ["", "abc", "A" * 64, "../" + "a" * 61, "a" * 65])
def test_what_is_no_hash_is_never_a_path(archive: Archive, name: str) -> None:
    """Only a sha256 names a payload."""
    with pytest.raises(ArchiveError, match="is not a sha256"):
        archive.get(name)


def test_every_flipped_bit_is_found(archive: Archive) -> None:
    """A payload of which any one bit was flipped on disk is never returned."""
    body = b"<volume>-10.166666666666666075</volume>" * 3
    archive.put_many([body])
    path = path_of(archive, body)
    good = path.read_bytes()
    for position in range(len(good) * 8):
        flipped = bytearray(good)
        flipped[position // 8] ^= 1 << position % 8
        path.write_bytes(flipped)
        # A bit that the format does not use may flip without changing what the file stands for.
        assert got(archive, body) in {body, "was altered"}


def test_every_truncation_is_found(archive: Archive) -> None:
    """A payload's file that was cut anywhere, or continued, is never returned."""
    body = BODIES[0]
    archive.put_many([body])
    path = path_of(archive, body)
    good = path.read_bytes()
    for damaged in [*(good[:length] for length in range(len(good))), good + b"\0", good + good]:
        path.write_bytes(damaged)
        with pytest.raises(ArchiveError, match="was altered"):
            archive.get(sha256(body))


def test_another_payload_under_the_name_is_found(archive: Archive) -> None:
    """A whole file that holds another payload is never returned."""
    archive.put_many([b"one", b"two"])
    path_of(archive, b"one").write_bytes(path_of(archive, b"two").read_bytes())
    with pytest.raises(ArchiveError, match="was altered"):
        archive.get(sha256(b"one"))


def test_a_frame_that_claims_too_much_is_altered(archive: Archive) -> None:
    """A damaged frame that claims to hold more than any payload does is refused before memory is asked for it."""
    archive.put_many([b"one"])
    claim = b"\x28\xb5\x2f\xfd\xe0" + (2**60).to_bytes(8, "little")
    path_of(archive, b"one").write_bytes(claim)
    with pytest.raises(ArchiveError, match="was altered"):
        archive.get(sha256(b"one"))


def test_a_payload_that_is_a_folder(archive: Archive) -> None:
    """What cannot be read is an error of the archive, and what cannot be written too."""
    path_of(archive, b"one").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="cannot be read"):
        archive.get(sha256(b"one"))
    with pytest.raises(ArchiveError, match="payloads cannot be archived"):
        archive.put_many([b"one"])


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where the archive's folder cannot be made, putting and appending are errors of the archive."""
    (tmp_path / "file").write_text("in the way")
    archive = Archive(tmp_path / "file" / "archive")
    with pytest.raises(ArchiveError, match="payloads cannot be archived"):
        archive.put_many([b"one"])
    with pytest.raises(ArchiveError, match=r"the manifest in .* cannot be written"):
        archive.append_manifest([ENTRY])


def test_a_crash_before_the_rename_leaves_nothing_to_read(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed before the rename leaves a file that is never read, and the next put succeeds."""

    def killed(self: Path, target: Path) -> Path:
        os._exit(9)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Path, "rename", killed)
        archive.put_many(BODIES)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert len(list((archive.folder / "payloads" / "new").iterdir())) == len(BODIES)
    for body in BODIES:
        with pytest.raises(ArchiveError, match="is not in the archive"):
            archive.get(sha256(body))
    archive.put_many(BODIES)
    assert [archive.get(sha256(body)) for body in BODIES] == BODIES


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the names of open files are read from /proc")
def test_files_are_synced_before_they_get_their_name(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every payload is synced under another name, then renamed, then its folder is synced."""
    events: list[tuple[str, str]] = []
    sync, rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        events.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink().name.partition(".")[0]))
        sync(descriptor)

    def renamed(self: Path, target: Path) -> Path:
        events.append(("rename", target.name.partition(".")[0]))
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    archive.put_many(BODIES)
    for body in BODIES:
        name = sha256(body)
        assert events.index(("sync", name)) < events.index(("rename", name)) < _last(events, ("sync", name[:2]))
    assert events[-1][0] == "sync"
    assert _last(events, ("sync", "payloads")) > max(
        index for index, (what, _) in enumerate(events) if what == "rename"
    )


def test_a_failed_put_leaves_no_stray_file(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put that fails halfway removes what it wrote under other names."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    archive.put_many([b"first"])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchiveError, match="No space left on device"):
        archive.put_many([b"second", b"third"])
    assert list((archive.folder / "payloads" / "new").iterdir()) == []


def _put_repeatedly(folder: Path, bodies: Sequence[bytes]) -> None:
    for _ in range(5):
        Archive(folder).put_many(bodies)
        Archive(folder).append_manifest([replace(ENTRY, fetch_id=f"{os.getpid()}")] * 20)


def test_two_processes_put_at_once(archive: Archive) -> None:
    """Two processes that put the same payloads and append to the same manifest both succeed, and nothing is torn."""
    bodies = [f"payload {number}".encode() * 50 for number in range(40)]
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_put_repeatedly, args=(archive.folder, order)) for order in (bodies, bodies[::-1])
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert [archive.get(sha256(body)) for body in bodies] == bodies
    assert len(list(archive.folder.glob("payloads/*/*"))) == len(bodies)
    assert len(list(archive.read_manifest())) == 2 * 5 * 20


@settings(max_examples=25)
@given(st.lists(st.binary(max_size=300), max_size=5))
def test_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    """Any bytes whatever come back as they were."""
    archive = Archive(tmp_path_factory.mktemp("archive"))
    assert [archive.get(stored.sha256) for stored in archive.put_many(bodies)] == bodies


def test_a_manifest_entry_comes_back_whole(archive: Archive) -> None:
    """Every field of a fetch is read back as it was written, null ones too."""
    archive.append_manifest([ENTRY, REGISTER])
    assert list(archive.read_manifest()) == [ENTRY, REGISTER]


def test_manifests_are_by_settlement_month(archive: Archive) -> None:
    """A fetch stands in the manifest of its settlement month, one JSON object a line; dateless ones stand apart."""
    april = replace(ENTRY, settlement_date=date(2025, 4, 1))
    archive.append_manifest([april, ENTRY, REGISTER])
    archive.append_manifest([april])
    lines = {path.name: path.read_text().splitlines() for path in (archive.folder / "manifest").iterdir()}
    assert {name: len(found) for name, found in lines.items()} == {
        "2025-03.jsonl": 1,
        "2025-04.jsonl": 2,
        "undated.jsonl": 1,
    }
    assert json.loads(lines["2025-03.jsonl"][0])["settlement_date"] == "2025-03-21"
    assert list(archive.read_manifest()) == [ENTRY, april, april, REGISTER]


def test_a_manifest_is_read_by_date(archive: Archive) -> None:
    """The fetches of one date come in the order in which they were appended, without those of other dates."""
    other = replace(ENTRY, settlement_date=date(2025, 3, 22))
    again = replace(ENTRY, fetch_id="72")
    archive.append_manifest([ENTRY, other, REGISTER])
    archive.append_manifest([again])
    assert list(archive.read_manifest(date(2025, 3, 21))) == [ENTRY, again]
    assert list(archive.read_manifest(date(2025, 3, 23))) == []


def test_an_empty_archive_has_no_fetches(archive: Archive) -> None:
    """An archive that was never written to has no fetches, and reading it makes no folder."""
    assert list(archive.read_manifest()) == []
    assert list(archive.read_manifest(date(2025, 3, 21))) == []
    assert not archive.folder.exists()


def test_a_torn_last_line_counts_for_nothing(archive: Archive) -> None:
    """A line cut short by a crash is passed over, and the next append does not run into it."""
    archive.append_manifest([ENTRY, ENTRY])
    path = archive.folder / "manifest" / "2025-03.jsonl"
    whole = path.read_bytes()
    line = len(whole) // 2
    for length in range(line, 2 * line):
        path.write_bytes(whole[:length])
        assert list(archive.read_manifest()) == [ENTRY]
    archive.append_manifest([replace(ENTRY, fetch_id="72")])
    assert list(archive.read_manifest()) == [ENTRY, replace(ENTRY, fetch_id="72")]
    path.write_bytes(b'{"fetch')
    archive.append_manifest([ENTRY])
    assert list(archive.read_manifest()) == [ENTRY]


@pytest.mark.parametrize("line", [b"not json", b"[]", b"{}", b'{"fetch_id": "71"}', b"\xff\xfe", b""])
def test_a_damaged_line_is_said(archive: Archive, line: bytes) -> None:
    """A whole line that is not a fetch is an error that names the file and the line."""
    archive.append_manifest([ENTRY])
    with (archive.folder / "manifest" / "2025-03.jsonl").open("ab") as file:
        file.write(line + b"\n")
    with pytest.raises(ArchiveError, match=r"2025-03\.jsonl, line 2, is not a fetch"):
        list(archive.read_manifest())


def test_a_manifest_that_cannot_be_read(archive: Archive) -> None:
    """A manifest that is there and cannot be read is an error, never an empty list."""
    (archive.folder / "manifest" / "2025-03.jsonl").mkdir(parents=True)
    with pytest.raises(ArchiveError, match="cannot be read"):
        list(archive.read_manifest())


def test_a_writer_waits_for_the_lock(archive: Archive) -> None:
    """A manifest that another process holds is not appended to until it is let go."""
    archive.append_manifest([ENTRY])
    path = archive.folder / "manifest" / "2025-03.jsonl"
    worker = multiprocessing.get_context("spawn").Process(target=archive.append_manifest, args=([ENTRY],))
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = path.stat().st_size
        worker.start()
        worker.join(timeout=0.5)
        assert path.stat().st_size == size
    worker.join()
    assert worker.exitcode == 0
    assert list(archive.read_manifest()) == [ENTRY, ENTRY]


def _last(events: list[tuple[str, str]], event: tuple[str, str]) -> int:
    return max(index for index, found in enumerate(events) if found == event)
