"""Replay: what is served comes out of the archive again, byte for byte, with no network and no write."""

import asyncio
import csv
import io
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from reingest.curtailment import definitions
from reingest.curtailment.records import CurtailmentRecord, select_records
from reingest.elexon.rejects import rejected
from reingest.elexon.stack import RawStack, read_stack
from reingest.errors import Bug
from reingest.operations import archived, facts
from reingest.operations.without_network import without_network
from reingest.standin.server import StandIn, StandInConfig
from tests.support.days import DATE, NEXT_DATE, TINY_DATE
from tests.support.sites import Ran, Site

AFTER = date(2024, 1, 17)


def replayed(site: Site, *words: object, code: int = 0) -> Any:
    """Replay, require an exit code, and return the answer."""
    ran = site.reingest("replay", *words, "--json")
    assert ran.exit_code == ran.json["exit_code"] == code, ran.err
    return ran.json


def causes(answer: Any) -> list[tuple[str, str]]:
    """Return what explains the first date's difference."""
    return [(cause["kind"], cause["detail"]) for cause in answer["dates"][0]["causes"]]


def test_what_is_served_is_rebuilt(served: Site) -> None:
    """Each served date of a range is equal; one that serves nothing is listed; and no row of any table is written."""
    before = served.row_counts()
    answer = replayed(served, DATE, AFTER)
    assert [(one["settlement_date"], one["outcome"], one["version"]) for one in answer["dates"]] == [
        (str(DATE), "equal", 3),
        (str(NEXT_DATE), "equal", 1),
        (str(AFTER), "not_served", None),
    ]
    assert (answer["equal"], answer["differs"], answer["not_served"]) == (2, 0, 1)
    assert served.row_counts() == before


def test_a_database_that_takes_no_writes_will_do(history: Site) -> None:
    """A replay of a database in which every transaction is read-only is the same, and so is `why`."""
    name = history.value("select current_database()")
    history.rows(f'alter database "{name}" set default_transaction_read_only = on')
    assert replayed(history, DATE)["equal"] == 1
    assert history.reingest("why", DATE).exit_code == 0


def test_a_range_is_dates_in_order(served: Site) -> None:
    """An end before the start, and a range in which nothing is served, are refused."""
    assert served.reingest("replay", NEXT_DATE, DATE).exit_code == 2
    ran = served.reingest("replay", TINY_DATE, TINY_DATE, "--json")
    assert (ran.exit_code, ran.error["code"]) == (2, "not_found")


def test_a_changed_parser_is_seen_before_anything_is_published(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that reads a payload otherwise shows as a difference in MWh, GBP and BTC, and what is served stays."""

    def without_a_unit(rows: pa.Table, wind: Collection[str]) -> tuple[CurtailmentRecord, ...]:
        return select_records(rows, set(wind) - {"E_MOORW-1"})

    before = served.dump(DATE)
    monkeypatch.setattr(facts, "select_records", without_a_unit)
    answer = replayed(served, DATE, NEXT_DATE, code=1)
    assert (answer["differs"], served.dump(DATE)) == (2, before)
    assert causes(answer) == [
        ("parser", "this code reads other records out of the same payloads: 0 records more, 1 fewer, 0 changed")
    ]
    figures = {(one["measure"], one["definition"]): one for one in answer["dates"][0]["figures"]}
    assert figures["energy_mwh", "all_bids"]["change"] == "-4"
    assert figures["payment_gbp", "all_bids"]["change"] == "50"
    assert Decimal(figures["btc", "all_bids"]["change"]) < 0
    assert ("energy_mwh", "so_flagged") not in figures
    ran = served.reingest("replay", DATE)
    assert ran.exit_code == 1
    assert f"Next: reingest date {DATE} --source archive --plan" in ran.out
    rows = [*csv.DictReader(io.StringIO(served.reingest("replay", DATE, AFTER, "--csv").out))]
    assert {row["causes"] for row in rows} == {"parser", ""}
    assert (rows[0]["settlement_date"], rows[0]["change"], rows[-1]["outcome"]) == (str(DATE), "-4", "not_served")


@pytest.mark.parametrize("version", [1, 2], ids=["unsaid", "said"])
def test_a_changed_definition_is_seen(version: int, served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that counts other records shows as a difference by it alone, whether or not its version says so."""
    first, bids, net = definitions.DEFINITIONS
    changed = replace(bids, version=version, matches=lambda record: record.original_price == Decimal("-50.25"))
    monkeypatch.setattr(definitions, "DEFINITIONS", (first, changed, net))
    answer = replayed(served, DATE, code=1)
    (cause,) = causes(answer)
    assert cause[0] == "definition"
    assert ("all_bids@2" in cause[1]) == (version == 2)
    assert {one["definition"] for one in answer["dates"][0]["figures"]} == {"all_bids"}


def test_a_parser_that_refuses_is_named(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payload that this code cannot read any more is named with its period and side, and costs its energy."""

    def stricter(body: bytes, **asked: Any) -> RawStack:
        if (asked["period"], asked["side"]) == (48, "bid"):
            raise rejected("unknown_shape", "a stricter parser")
        return read_stack(body, **asked)

    monkeypatch.setattr(archived, "read_stack", stricter)
    answer = replayed(served, DATE, code=1)
    assert [kind for kind, _ in causes(answer)] == ["parser", "outcomes"]
    assert causes(answer)[0][1] == "this code cannot read bid of period 48: a stricter parser"
    assert answer["dates"][0]["figures"][0]["change"] == "-2.123456789012345678"


def test_damage_is_told_apart(history: Site) -> None:
    """Altered rows, a missing payload and a register that is gone are each named, and the other dates go on."""
    history.rows("alter table curtailment_record disable trigger all")
    history.rows("update curtailment_record set volume = -1 where version_id = 3 and bm_unit = 'E_MOORW-1'")
    altered = replayed(history, DATE, NEXT_DATE, code=1)
    assert causes(altered) == [("rows", "the stored rows are not what was published")]
    assert altered["dates"][1]["outcome"] == "equal"
    sha256 = history.value(
        "select payload_sha256 from version_payload where version_id = 3 and period = 1 and side = 'bid'"
    )
    (path,) = history.home.rglob(f"{sha256}.zst")
    path.unlink()
    (cause,) = causes(replayed(history, DATE, NEXT_DATE, code=1))
    assert cause[0] == "payload"
    assert sha256 in cause[1]
    history.rows("alter table version disable trigger all")
    history.rows("update version set register_hash = repeat('0', 64)")
    answer = replayed(history, DATE, NEXT_DATE, code=1)
    assert [one["causes"][0]["kind"] for one in answer["dates"]] == ["register", "register"]


def test_another_dump_is_the_codes(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code that writes the same content otherwise differs too, and nobody is accused of altering rows."""
    monkeypatch.setattr("reingest.curtailment.content.FORMAT_LINE", "reingest-content\t2")
    answer = replayed(served, DATE, code=1)
    assert causes(answer) == [("code", "this code says the same content in other words")]
    assert answer["dates"][0]["figures"] == []


def test_other_miner_models_are_seen(history: Site) -> None:
    """Miner models that are not those of the version explain another BTC; energy and payment are as served."""
    history.rows("update miner_model set power_w = power_w * 2 where name = 'S9'")
    answer = replayed(history, DATE, code=1)
    assert [kind for kind, _ in causes(answer)] == ["mining"]
    assert {(one["measure"], one["model"]) for one in answer["dates"][0]["figures"]} == {("btc", "S9")}


def by_socket() -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=1)


def by_httpx() -> None:
    httpx.get("http://127.0.0.1:9")


def by_name() -> None:
    urllib.request.urlopen("http://elexon.invalid")


def by_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))


def by_asyncio() -> None:
    asyncio.run(asyncio.open_connection("127.0.0.1", 9))


def by_another_process() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


def by_unix_socket() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.connect("/tmp/nobody")  # noqa: S108


WAYS = (by_socket, by_httpx, by_name, by_datagram, by_asyncio, by_another_process, by_unix_socket)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_network_is_denied(way: Callable[[], None]) -> None:
    """Whoever asks for another address, a name or another process is refused, however it asks."""
    with pytest.raises(Bug, match="the network is denied"), without_network(frozenset()):
        way()


def test_the_database_is_not_denied() -> None:
    """The addresses that are allowed can be reached meanwhile, and every one afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = ("127.0.0.1", server.getsockname()[1])
        with without_network(frozenset({address})):
            socket.create_connection(address).close()
        with pytest.raises(Bug), without_network(frozenset()):
            socket.create_connection(address)
        socket.create_connection(address).close()


def test_a_replay_that_asks_the_network_ends(served: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that would fetch something ends the replay with 70, and nothing was asked of anybody."""
    with StandIn(StandInConfig(generate=1, small=True)) as elexon:

        def curious(*arguments: Any, **named: Any) -> Any:
            httpx.get(elexon.url)

        monkeypatch.setattr(archived, "read_stack", curious)
        ran = served.reingest("replay", DATE, "--json")
        assert (ran.exit_code, elexon.requests()) == (70, [])
    assert "the network is denied" in ran.error["message"]


def test_a_database_that_is_gone_is_said(served: Site) -> None:
    """However many processes were asked for, a database that cannot be reached ends it with 69."""
    for jobs in (1, 2):
        ran = served.reingest("--database-url", "host=/nowhere", "replay", DATE, AFTER, "--jobs", jobs, "--json")
        assert (ran.exit_code, ran.error["code"]) == (69, "database_unreachable")


def test_an_installation_elsewhere(served: Site, tmp_path: Path) -> None:
    """The archive of the home is what is read: without it no date can be rebuilt, and nothing falls back on Elexon."""
    ran: Ran = served.reingest("--home", tmp_path / "empty", "replay", DATE, "--json")
    assert (ran.exit_code, ran.json["dates"][0]["causes"][0]["kind"]) == (1, "payload")
