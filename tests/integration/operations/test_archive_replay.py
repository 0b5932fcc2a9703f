"""A date from its archived payloads: with no network and no Elexon, byte for byte what it was."""

import socket
from datetime import date
from pathlib import Path
from typing import NoReturn

import pytest

from reingest.standin.server import StandIn, StandInConfig
from tests.support.days import DATE
from tests.support.postgres import Databases
from tests.support.sites import NOWHERE, Serve, Site, copy_of

A_GENERATED_DATE = date(2025, 3, 2)


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing in this process connect through Python's sockets; Postgres' own library does not use them."""

    def refuse(*_: object) -> NoReturn:
        raise AssertionError("a run from the archive asked the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("without_network")
def test_the_served_payloads_give_what_is_served(published: Site) -> None:
    """With the network denied, the served version's payloads give the same dump, and the date is unchanged."""
    before, fetches = published.dump(DATE), published.value('select count(*) from "fetch"')
    published.elexon_url = NOWHERE
    assert published.date(DATE, "--source", "archive").json["outcome"] == "unchanged"
    forced = published.date(DATE, "--source", "archive", "--force")
    assert (forced.json["outcome"], forced.json["requests"]) == ("published", 0)
    assert published.dump(DATE) == before
    assert published.value('select count(*) from "fetch"') == fetches


def test_the_same_payloads_give_the_same_dump_in_two_databases(
    database_url: str, databases: Databases, template: str, tmp_path: Path
) -> None:
    """Two databases that read the same answers of a generated date print the same bytes."""
    with databases.database(template) as other_url:
        sites = [Site(database_url, tmp_path / "one" / "home"), Site(other_url, tmp_path / "two" / "home")]
        with StandIn(StandInConfig(generate=5, small=True)) as elexon:
            for site in sites:
                site.elexon_url = elexon.url
                assert site.date(A_GENERATED_DATE).json["outcome"] == "published"
        dumps = [site.dump(A_GENERATED_DATE) for site in sites]
    assert dumps[0] == dumps[1]
    assert len(dumps[0].splitlines()) > 200


def test_a_copied_home_and_database_replay_elsewhere(published: Site, databases: Databases, tmp_path: Path) -> None:
    """Archive and database, moved to another place, give the same bytes there."""
    before = published.dump(DATE)
    with copy_of(published, databases, tmp_path / "moved") as elsewhere:
        elsewhere.elexon_url = NOWHERE
        assert elsewhere.date(DATE, "--source", "archive", "--force").json["version"] == 2
        assert elsewhere.dump(DATE) == before


def test_without_a_version_the_newest_answers_are_taken(site: Site, serve: Serve) -> None:
    """A date that was fetched and never published is published from the newest good answer of each period."""
    faults = [{"kind": "status", "status": 500, "dataset": "ISPSTACK", "periods": 17}]
    site.elexon_url = serve(faults=faults).url
    assert site.date(DATE).exit_code == 4
    elexon = serve()
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    site.elexon_url = elexon.url
    site.date(DATE, "--plan")
    site.elexon_url = NOWHERE
    ran = site.date(DATE, "--source", "archive")
    assert ran.json["outcome"] == "published"
    assert "-21" in site.dump(DATE)


def test_from_the_archive_a_restatement_is_not_seen(published: Site, elexon: StandIn) -> None:
    """An archive run re-derives what is served, although newer answers were archived by a plan since."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE, "--plan").json["decision"] == "publish"
    assert published.date(DATE, "--source", "archive").json["outcome"] == "unchanged"


def test_a_date_that_was_never_fetched_cannot_come_from_the_archive(published: Site) -> None:
    """Without a payload no period was asked, so the date is held and nothing is served."""
    ran = published.date(date(2024, 1, 16), "--source", "archive")
    assert (ran.exit_code, ran.json["periods"]) == (1, {"expected": 48, "not_asked": 48})


@pytest.mark.parametrize("damage", ["missing", "altered"])
def test_a_damaged_archive_changes_nothing(damage: str, published: Site) -> None:
    """A payload that is gone, or not the bytes that were archived, ends the run with 4; the served version stays."""
    before = published.dump(DATE)
    sha256 = published.value("select payload_sha256 from curtailment where period = 48 limit 1")
    (path,) = published.home.rglob(f"{sha256}.zst")
    path.unlink() if damage == "missing" else path.write_bytes(path.read_bytes()[:-1])
    ran = published.date(DATE, "--source", "archive")
    assert (ran.exit_code, ran.error["code"]) == (4, "archive")
    assert published.dump(DATE) == before
    assert published.date(DATE).json["outcome"] == "unchanged"
    assert published.date(DATE, "--source", "archive").json["outcome"] == "unchanged"
