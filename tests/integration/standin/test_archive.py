from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reingest.errors import ArchiveError, BadUsage
from reingest.lake.archive import Archive, ManifestEntry
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, OFFERS, PRICES, STACK, get, rows_of, write_day

ASKED = datetime(2025, 3, 3, tzinfo=UTC)
# Odd on purpose: served byte for byte, or not at all.
BODY = b'{ "data" : [ {"settlementDate":"2025-03-01","volume":-1.50} ] }\n'


def archived(folder: Path, body: bytes = BODY, **fields: Any) -> None:
    """Archive one answer of the bid stack of period 5, as Reingest archives what it fetches."""
    archive = Archive(folder)
    stored = archive.put_many([body])[0]
    answered_at = fields.pop("answered_at", ASKED)
    entry: dict[str, Any] = {
        "fetch_id": f"{stored.sha256[:8]}-{answered_at:%H%M}",
        "run_id": "run-1",
        "dataset": "ISPSTACK",
        "settlement_date": DAY,
        "period": 5,
        "side": "bid",
        "wire": "json",
        "url": "https://data.elexon.co.uk/bmrs/api/v1",
        "status": 200,
        "content_type": "application/json; charset=utf-8",
        "sha256": stored.sha256,
        "size": stored.size,
        "requested_at": answered_at,
        "answered_at": answered_at,
        "attempts": 1,
    }
    archive.append_manifest([ManifestEntry(**entry | fields)])


def test_archived_answers_are_served_byte_for_byte(stand_in: StartStandIn, tmp_path: Path) -> None:
    """An archived payload comes back with its own bytes and content type."""
    archived(tmp_path, content_type="text/json")
    answer = get(stand_in(archive=tmp_path), STACK)
    assert (answer.content, answer.headers["content-type"]) == (BODY, "text/json")


def test_the_newest_good_answer_is_served(stand_in: StartStandIn, tmp_path: Path) -> None:
    """Of several answers the one answered last counts, wherever it stands, and an error status never does."""
    later = ASKED + timedelta(hours=5)
    archived(tmp_path, b'{"data":[1]}', answered_at=later)
    archived(tmp_path)
    archived(tmp_path, b"gone", answered_at=later + timedelta(hours=1), status=503)
    assert get(stand_in(archive=tmp_path), STACK).content == b'{"data":[1]}'


def test_another_format_is_better_than_none(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A format that was never archived gets what was, with its own content type; its own comes first."""
    archived(tmp_path)
    elexon = stand_in(archive=tmp_path)
    answer = get(elexon, STACK, format="xml")
    assert (answer.content, answer.headers["content-type"]) == (BODY, "application/json; charset=utf-8")
    archived(tmp_path, b"<r/>", wire="xml", content_type="", answered_at=ASKED - timedelta(hours=1))
    answer = get(stand_in(archive=tmp_path), STACK, format="xml")
    assert (answer.content, answer.headers["content-type"]) == (b"<r/>", "application/xml; charset=utf-8")


def test_what_was_not_archived_is_not_published(stand_in: StartStandIn, tmp_path: Path) -> None:
    """The rest of an archived date is empty, and so are other dates."""
    archived(tmp_path)
    elexon = stand_in(archive=tmp_path)
    assert rows_of(get(elexon, OFFERS)) == []
    assert rows_of(get(elexon, PRICES)) == []
    assert rows_of(get(elexon, STACK.replace(str(DAY), "2025-03-02"))) == []


def test_an_archived_date_stands_before_a_generated_one(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A date that is archived is not filled up with generated rows; others are generated."""
    archived(tmp_path)
    elexon = stand_in(archive=tmp_path, generate=7, small=True)
    assert get(elexon, STACK).content == BODY
    assert rows_of(get(elexon, OFFERS)) == []
    assert rows_of(get(elexon, OFFERS.replace(str(DAY), "2025-03-02")))


def test_a_recorded_date_stands_before_an_archived_one(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A date that is recorded is served from its rows although it is archived as well."""
    archived(tmp_path / "archive")
    elexon = stand_in(archive=tmp_path / "archive", days=[write_day(tmp_path / "day.csv")])
    assert len(rows_of(get(elexon, STACK))) == 5


@pytest.mark.parametrize("alone", [True, False])
def test_the_register_comes_from_the_archive_where_nothing_else_has_one(
    stand_in: StartStandIn, tmp_path: Path, alone: bool
) -> None:
    """With an archive alone its register is served; beside recorded or generated days, theirs."""
    archived(tmp_path, b"[]\n", dataset="BMUNITS", settlement_date=None, period=None, side=None)
    elexon = stand_in(archive=tmp_path) if alone else stand_in(archive=tmp_path, generate=7)
    assert (get(elexon, "/reference/bmunits/all").content == b"[]\n") is alone


def test_archived_dates_have_no_rows_to_change(stand_in: StartStandIn, tmp_path: Path) -> None:
    """Restatements and faults of rows are refused on archived dates, and faults of bodies work."""
    archived(tmp_path)
    elexon = stand_in(archive=tmp_path)
    with pytest.raises(BadUsage, match="served from an archive, byte for byte"):
        elexon.restate(DAY, drop=True)
    elexon.script([{"kind": "dropped_row"}])
    refused = get(elexon, STACK)
    assert (refused.status_code, refused.json()["code"]) == (500, "bad_usage")
    elexon.script([{"kind": "bom"}])
    assert get(elexon, STACK).content == b"\xef\xbb\xbf" + BODY


def test_an_altered_payload_is_no_answer(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A payload that is not what was archived is a 500 that names it, and never an answer."""
    archived(tmp_path)
    for path in tmp_path.glob("payloads/*/*.zst"):
        path.write_bytes(b"altered")
    answer = get(stand_in(archive=tmp_path), STACK)
    assert (answer.status_code, answer.json()["code"]) == (500, "archive")


def test_a_broken_manifest_is_refused(stand_in: StartStandIn, tmp_path: Path) -> None:
    """A manifest that cannot be read stops the stand-in before it serves."""
    archived(tmp_path)
    manifest = next(tmp_path.glob("manifest/*.jsonl"))
    manifest.write_text("nonsense\n" + manifest.read_text("utf-8"), encoding="utf-8")
    with pytest.raises(ArchiveError, match="line 1"):
        stand_in(archive=tmp_path)


def test_months_are_read_together(stand_in: StartStandIn, tmp_path: Path) -> None:
    """Dates of several months of one archive are served."""
    archived(tmp_path)
    archived(tmp_path, b"april", settlement_date=date(2025, 4, 1))
    elexon = stand_in(archive=tmp_path)
    assert get(elexon, STACK.replace(str(DAY), "2025-04-01")).content == b"april"
    assert get(elexon, STACK).content == BODY
