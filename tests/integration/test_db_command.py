import json
from pathlib import Path

import psycopg
import pytest

from reingest.cli import main


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, open_folder: Path) -> None:
    monkeypatch.setenv("REINGEST_HOME", str(open_folder))


def test_a_server_from_start_to_stop(open_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Start, url, upgrade, status and stop act on the server in the home, and each says what it did."""

    def said(*words: str) -> str:
        assert main(["db", *words]) == 0
        return capsys.readouterr().out.strip()

    assert said("status") == f"embedded server: not running; data in {open_folder}/postgres/data"
    assert said("start").startswith("started: PostgreSQL 18")
    assert said("start").startswith("already running: PostgreSQL 18")
    url = said("url")
    with psycopg.connect(url) as connection:
        assert connection.info.dbname == "reingest"
    assert "revision none" in said("status")
    first = said("upgrade")
    assert first.endswith("; it was at none")
    assert said("upgrade") == first.removesuffix("; it was at none")
    status = json.loads(said("status", "--json"))
    assert status["uses"] == "embedded"
    assert status["schema"]["revision"] == status["schema"]["needed"]
    assert status["embedded"]["running"] is True
    assert status["embedded"]["url"] == url
    assert status["embedded"]["folder"] == f"{open_folder}/postgres"
    assert said("stop", "--immediate") == f"stopped: {open_folder}/postgres"
    assert said("stop") == f"was not running: {open_folder}/postgres"


def test_the_url_of_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a server there is no URL, and the next command is told."""
    assert main(["db", "url"]) == 2
    assert "Next: reingest db start" in capsys.readouterr().err


def test_a_server_of_your_own(
    empty_database_url: str, open_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where DATABASE_URL names a server it is used, its password is not shown, and no other is started."""
    monkeypatch.setenv("DATABASE_URL", empty_database_url.replace("reingest@", "reingest:hidden@"))
    for command in ("start", "status", "stop"):
        assert main(["db", command]) == 0
        output = capsys.readouterr().out
        assert "that server is used and the embedded one is not" in output
        assert "hidden" not in output
    assert main(["db", "upgrade"]) == 0
    assert main(["db", "status", "--json"]) == 0
    assert '"uses": "database_url"' in capsys.readouterr().out
    assert not (open_folder / "postgres").exists()
