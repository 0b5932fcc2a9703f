import csv
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from reingest.cli import main
from reingest.standin.faults.kinds import KINDS
from tests.fixtures.standin import StartStandIn
from tests.support.standin import DAY, STACK, TLS, get, rows_of, write_day

COMMAND = (sys.executable, "-c", "import sys; from reingest.cli import main; sys.exit(main())", "stand-in")


@contextmanager
def serving(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_its_address_and_ends_on_a_signal(number: signal.Signals) -> None:
    """The first line is the base address, requests are answered from then on, and a signal ends it with 0."""
    with serving("--generate", "7", "--small") as (server, url):
        assert url.endswith("/bmrs/api/v1")
        with httpx.Client(verify=TLS) as client:
            assert client.get(url + STACK).json()["data"]
            server.send_signal(number)
            output, errors = server.communicate(timeout=10)
        assert (server.returncode, output, errors) == (0, "", "")


def test_serve_listens_on_this_machine_alone() -> None:
    """The stand-in listens on 127.0.0.1, and not on the machine's other addresses."""
    with serving("--generate", "7", "--small") as (_, url):
        address = urlsplit(url)
        assert address.hostname == "127.0.0.1"
        with pytest.raises(OSError, match=r"refused|unreachable|timed out"):
            socket.create_connection(("127.0.0.2", address.port), timeout=0.5).close()


def test_serve_takes_every_option(tmp_path: Path) -> None:
    """Recorded days, a register, generated days, latency, faults, a refused format and a shape go together."""
    day = write_day(tmp_path / "day.csv")
    units, faults = tmp_path / "units.csv", tmp_path / "faults.toml"
    units.write_text("elexonBmUnit,fuelType\nT_ARDGW-1,WIND\nT_CARF-1,CCGT\n", encoding="utf-8")
    faults.write_text('[[rule]]\nkind = "status"\nstatus = 503\nattempts = 1\n', encoding="utf-8")
    options = ("--day", str(day), "--register", str(units), "--generate", "7", "--small", "--latency-ms", "5")
    more = ("--faults", str(faults), "--xml-shape", "legacy", "--created-after-minutes", "14")
    with serving(*options, *more) as (_, url):
        first, second = (httpx.get(url + STACK, params={"format": "xml"}, verify=TLS) for _ in range(2))
    assert first.status_code == 503
    assert "<responseList><item>" in second.text
    assert "<createdDateTime>2025-03-01T02:44:00Z</createdDateTime>" in second.text


@pytest.mark.parametrize(
    "arguments",
    [
        ("--refuse", "json"),
        ("--xml-shape", "snake"),
        ("--day", "nowhere.csv"),
        ("--faults", "nowhere.toml"),
        ("--port", "70000"),
        ("--register", "nowhere.csv"),
    ],
)
def test_serve_refuses_what_it_cannot_use(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong option ends with exit code 2, a sentence, what is safe and the next command."""
    assert main(["stand-in", "serve", *arguments]) == 2
    assert "Next: reingest" in capsys.readouterr().err


def test_restate_changes_what_is_served(
    stand_in: StartStandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command restates a running stand-in, which REINGEST_ELEXON_URL may name, and says which periods changed."""
    elexon = stand_in(generate=7, small=True)
    before = rows_of(get(elexon, STACK))
    arguments = ["stand-in", "restate", "--date", str(DAY), "--period", "5"]
    assert main([*arguments, "--url", elexon.url, "--factor", "1.1"]) == 0
    assert capsys.readouterr().out == "2025-03-01: restated in 1 periods: 5\n"
    assert rows_of(get(elexon, STACK)) != before
    monkeypatch.setenv("REINGEST_ELEXON_URL", elexon.url)
    assert main([*arguments, "--side", "bid", "--drop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"settlement_date": "2025-03-01", "periods": [5]}
    assert main([*arguments, "--side", "both", "--price", "-5"]) == 2
    assert main([*arguments, "--side", "offer", "--price", "-5", "--unit", "T_NOBODY-1"]) == 2


def test_requests_are_printed(stand_in: StartStandIn, capsys: pytest.CaptureFixture[str]) -> None:
    """What was asked is printed for people, as JSON and as CSV."""
    elexon = stand_in(generate=7, small=True, faults=[{"kind": "status", "status": 429}])
    get(elexon, STACK)
    assert main(["stand-in", "requests", "--url", elexon.url]) == 0
    assert f"1  429  {STACK}  status" in capsys.readouterr().out
    assert main(["stand-in", "requests", "--url", elexon.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1
    assert main(["stand-in", "requests", "--url", elexon.url, "--csv"]) == 0
    assert next(csv.DictReader(capsys.readouterr().out.splitlines()))["path"] == STACK


def test_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Every kind of fault is listed, for people and as JSON."""
    assert main(["stand-in", "faults"]) == 0
    listed = capsys.readouterr().out
    assert all(f"{name} " in listed for name in KINDS)
    assert main(["stand-in", "faults", "--json"]) == 0
    assert [kind["name"] for kind in json.loads(capsys.readouterr().out)] == list(KINDS)


def test_an_exported_day_is_the_generated_one(
    stand_in: StartStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A generated day written to a file and served from it gives the bytes of the generated day."""
    path = tmp_path / "day.csv"
    arguments = [str(DAY), "--until", "2025-03-02", "--generate", "7", "--small", "--out", str(path)]
    assert main(["stand-in", "export", *arguments]) == 0
    rows = int(capsys.readouterr().out.split()[1])
    assert rows == len(path.read_text("utf-8").splitlines()) - 1
    generated, recorded = stand_in(generate=7, small=True), stand_in(days=[path])
    for number in (1, 5, 48):
        asked = STACK.replace("/5", f"/{number}")
        assert get(generated, asked).content == get(recorded, asked).content
    assert main(["stand-in", "export", str(DAY), "--generate", "7", "--out", str(tmp_path)]) == 2


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Serving writes no file."""
    before = sorted(tmp_path.iterdir())
    with serving("--generate", "7", "--small") as (_, url):
        httpx.get(url + STACK, verify=TLS)
    assert sorted(tmp_path.iterdir()) == before
