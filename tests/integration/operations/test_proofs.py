"""Proofs: what a version says and was made from, checked against the archive alone; nothing in one can be changed."""

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reingest.lake.archive import Archive
from reingest.operations.proofs.document import Proof
from reingest.operations.proofs.verifying import verify_proof
from reingest.operations.sealed_files import sealed_text
from reingest.standin.server import StandIn, StandInConfig
from tests.support.curtailment import REAL_DATE
from tests.support.days import DATE
from tests.support.postgres import Databases
from tests.support.sites import NOWHERE, Site, copy_of


@dataclass(frozen=True)
class Proven:
    """A proof's file, and the archive that it is of."""

    content: bytes
    archive: Archive

    @property
    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = json.loads(self.content)
        return values


@pytest.fixture(scope="module")
def proven(published_site: Site, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proven]:
    """Return the proof of the date by hand; nobody changes its archive."""
    with copy_of(published_site, databases, tmp_path_factory.mktemp("proven") / "home") as site:
        ran = site.reingest("proof", DATE)
        assert ran.exit_code == 0, ran.err
        yield Proven(ran.out.encode(), Archive(site.home / "archive"))


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process connect, to a database or anywhere, nor start a program."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a check of a proof left the archive")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(psycopg.Connection, "connect", refuse)
    monkeypatch.setattr(subprocess, "Popen", refuse)


@pytest.mark.usefixtures("alone")
def test_an_archive_is_all_that_a_check_needs(proven: Proven, tmp_path: Path) -> None:
    """With database, network and programs denied the proof is proven from a copy of the archive; nothing is written."""
    folder, file = tmp_path / "archive", tmp_path / "proof.json"
    shutil.copytree(proven.archive.folder, folder)
    file.write_bytes(proven.content)
    elsewhere = Site("postgresql://nobody@127.0.0.1:9/nowhere", tmp_path / "home", NOWHERE)
    ran = elsewhere.reingest("verify-proof", file, "--archive", folder)
    assert (ran.exit_code, "PROVEN: version 1" in ran.out) == (0, True), ran.out + ran.err
    said = elsewhere.reingest("verify-proof", file, "--archive", folder, "--json").json
    assert (said["proven"], {part["status"] for part in said["parts"]}) == (True, {"pass"})
    assert not elsewhere.home.exists()


def test_a_proof_says_what_is_served(published: Site, tmp_path: Path) -> None:
    """Totals, BTC, digest and seal in the file are those of the date; the command says how big it is, and what next."""
    file = tmp_path / "proof.json"
    ran = published.reingest("proof", DATE, "--out", file)
    proof, shown = json.loads(file.read_text(encoding="utf-8")), published.show(DATE)
    assert f"{file.stat().st_size:,} bytes" in ran.out
    assert proof["content_digest"] == published.dump(DATE).split()[-1]
    assert [(proof["seal"], proof["previous_seal"])] == published.rows("select seal, previous_seal from day_digest")
    for name, totals in proof["totals"].items():
        said = shown["totals"][name] | {"btc": shown["mining"][name]}
        assert totals == {figure: said[figure] for figure in totals}
    assert ran.out.splitlines()[-1] == f"Next: reingest verify-proof {file}"
    assert published.reingest("verify-proof", file).exit_code == 0


@settings(deadline=None)
@given(st.data())
def test_no_byte_can_be_changed(proven: Proven, data: st.DataObject) -> None:
    """A proof with any one byte exchanged, left out or added, and one that was cut anywhere, is not proven."""
    content, place = proven.content, data.draw(st.integers(0, len(proven.content) - 1))
    other = bytes([data.draw(st.integers(0, 255))])
    spoilt = data.draw(
        st.sampled_from(
            [
                content[:place] + other + content[place + 1 :],
                content[:place] + content[place + 1 :],
                content[:place] + other + content[place:],
                content[:place],
            ]
        )
    )
    if spoilt != content:
        assert not verify_proof(spoilt, proven.archive).proven


def figures(values: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each figure that the payloads tell of: what the database alone knows is left out."""
    if isinstance(values, dict):
        for key in values.keys() - {"served_from", "version", "register_hash", "code_version", "format", "sha256"}:
            yield from figures(values[key], (*path, key))
    elif isinstance(values, list):
        for place, value in enumerate(values):
            yield from figures(value, (*path, place))
    elif values is not None:
        yield path


def altered(values: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return the values with another figure at a path."""
    copy: dict[str, Any] = json.loads(json.dumps(values))
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    if isinstance(old, int):
        inner[path[-1]] = old + 1
    else:
        digit = max(place for place, letter in enumerate(old) if letter.isalnum())
        inner[path[-1]] = old[:digit] + ("2" if old[digit] != "2" else "3") + old[digit + 1 :]
    return copy


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_no_figure_can_be_forged(proven: Proven, data: st.DataObject) -> None:
    """Who changes any figure that payloads tell of, and seals the file again, is found out by the payloads."""
    values = proven.values
    del values["sha256"]
    used = {unit for unit in values["wind_units"] if unit in ("T_HILLW-1", "T_HILLW-2", "E_MOORW-1")}
    paths = [path for path in figures(values) if path[0] != "wind_units" or values["wind_units"][path[1]] in used]
    forged = altered(values, data.draw(st.sampled_from(sorted(paths, key=str))))
    try:
        text = sealed_text(Proof.model_validate_json(json.dumps(forged)))
    except ValueError:
        return  # no such proof can be written at all
    verified = verify_proof(text.encode(), proven.archive)
    assert verified.parts[0].status == "pass"
    assert not verified.proven


def lose(archive: Path, sha256: str) -> None:
    (archive / "payloads" / sha256[:2] / f"{sha256}.zst").unlink()


def alter(archive: Path, sha256: str) -> None:
    path = archive / "payloads" / sha256[:2] / f"{sha256}.zst"
    path.write_bytes(path.read_bytes()[:-1])


def forget(archive: Path, sha256: str) -> None:
    path = archive / "manifest" / f"{DATE:%Y-%m}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if sha256 not in line), encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "part", "skipped"), [(lose, "payloads", 3), (alter, "payloads", 3), (forget, "manifest", 0)]
)
def test_what_is_wrong_with_the_archive_is_named(
    spoil: Callable[[Path, str], None], part: str, skipped: int, proven: Proven, tmp_path: Path
) -> None:
    """A payload that is gone or altered, or that the archive's own list does not know, fails the part that says so."""
    folder = tmp_path / "archive"
    shutil.copytree(proven.archive.folder, folder)
    spoil(folder, proven.values["payloads"][1]["sha256"])
    verified = verify_proof(proven.content, Archive(folder))
    assert [one.name for one in verified.parts if one.status == "fail"] == [part]
    assert [one.status for one in verified.parts].count("skipped") == skipped
    assert not verified.proven


def test_every_version_that_was_published_has_a_proof(published: Site, elexon: StandIn, tmp_path: Path) -> None:
    """One superseded, one of some periods and one restored are proven, each with its own seal; the chain is in them."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--periods", "1").exit_code == 0
    assert published.reingest("restore", DATE, "--version", 1, "--reason", "a test").exit_code == 0
    seals = []
    for number in (1, 2, 3):
        file = tmp_path / f"{number}.json"
        assert published.reingest("proof", DATE, "--version", number, "--out", file).exit_code == 0
        assert published.reingest("verify-proof", file).exit_code == 0
        proof = json.loads(file.read_text(encoding="utf-8"))
        seals.append((proof["previous_seal"], proof["seal"]))
    assert [previous for previous, _ in seals] == ["-", *(seal for _, seal in seals[:-1])]


def test_what_was_not_published_has_no_proof(published: Site) -> None:
    """A held version, one that is not there, and one whose rows were changed by hand are refused: exit code 2."""
    assert published.date(DATE, "--force", "--expect-energy", "1").exit_code == 1
    held, none = (published.reingest("proof", DATE, "--version", number, "--json") for number in (2, 9))
    assert (held.error["code"], none.error["code"]) == ("bad_usage", "not_found")
    published.rows("set session_replication_role = replica; update curtailment_record set volume = volume * 2")
    changed = published.reingest("proof", DATE, "--json")
    assert (changed.exit_code, changed.error["next"]) == (2, f"reingest doctor {DATE}")


def test_the_proof_of_a_real_day_is_small(database_url: str, tmp_path: Path, shared: Path) -> None:
    """The recorded day of 2022-01-01, both sides and witnesses, has a proof of less than 20 kB that is proven."""
    file = tmp_path / "proof.json"
    with StandIn(StandInConfig(days=[shared / "elexon/days/2022-01-01.csv"])) as elexon:
        site = Site(database_url, tmp_path / "home", elexon.url)
        assert site.date(REAL_DATE).exit_code == 0
    assert site.reingest("proof", REAL_DATE, "--out", file).exit_code == 0
    assert site.reingest("verify-proof", file).exit_code == 0
    assert file.stat().st_size < 20_000
