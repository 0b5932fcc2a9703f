"""A date that another holds: refusals that name the holder, waiting, unlocking, and holders that are cut off."""

import io
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from signal import SIGCONT, SIGKILL
from typing import Any

import psycopg
import pytest

from reingest.standin.server import StandIn
from tests.integration.operations.test_two_at_once import SHORT_TTL, wait_for
from tests.support.days import DATE
from tests.support.proxies import Swallower
from tests.support.sites import Command, Ran, Site

OPERATE = Path(__file__).parents[3] / "docs" / "operate.md"
SLOW: list[dict[str, Any]] = [{"kind": "latency", "ms": 3500, "periods": 7, "side": "bid", "dataset": "ISPSTACK"}]


@pytest.fixture
def paused(published: Site, elexon: StandIn) -> Iterator[Command]:
    """Return a run that would publish version 2 and has stopped before it, holding the date."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    run = published.start("date", DATE, "--json", stop_at="after_verify")
    run.wait_until_stopped()
    yield run
    run.send(SIGKILL)
    run.finish()


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Have a person type this."""
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))


def test_a_busy_date_names_its_holder(paused: Command, published: Site) -> None:
    """Exit 3, and the error says which run holds the date, who, where, since when and until when."""
    ran = published.date(DATE)
    error = ran.error
    assert (ran.exit_code, error["code"], error["key"]) == (3, "locked", "date:2024-01-15")
    (lease,) = published.reingest("status", "--locks", "--json").json
    assert lease["pid"] == paused.pid
    assert {name: lease[name] for name in ("run_id", "holder", "host")} == {
        name: error[name] for name in ("run_id", "holder", "host")
    }
    assert datetime.fromisoformat(lease["acquired_at"]) == datetime.fromisoformat(error["since"])
    assert lease["host"] in error["message"]
    assert f"since {datetime.fromisoformat(lease['acquired_at']):%Y-%m-%d %H:%M:%SZ}, until " in error["message"]


def test_the_locks_are_listed(paused: Command, published: Site) -> None:
    """The leases are listed with holder, heartbeat and expiry in UTC, as a table, JSON and CSV, and beside the date."""
    (lease,) = published.reingest("status", "--locks", "--json").json
    assert set(lease) == {
        "key", "state", "alive", "run_id", "token", "holder", "host", "pid", "acquired_at", "heartbeat_at",
        "expires_at", "silent_seconds",
    }  # fmt: skip
    assert (lease["key"], lease["state"], lease["alive"]) == ("date:2024-01-15", "alive", True)
    assert lease["expires_at"].endswith("Z")
    assert published.reingest("status", DATE, "--json").json["lease"]["run_id"] == lease["run_id"]
    assert f"date:2024-01-15 is held by run {lease['run_id']}" in published.reingest("status", DATE).out
    assert lease["run_id"] in published.reingest("status", "--locks", "--csv").out
    paused.send(SIGKILL)
    paused.finish()
    wait_for(lambda: published.reingest("status", "--locks", "--json").json[0]["state"] == "dead")
    assert "taken over by the next run" in published.reingest("status", "--locks").out


def test_a_wait_is_for_so_long(paused: Command, published: Site, elexon: StandIn) -> None:
    """A run that waits ends locked when its time is over, and gets the date when the holder lets go in time."""
    began = time.monotonic()
    ran = published.date(DATE, "--wait", "1s")
    assert (ran.exit_code, ran.error["code"]) == (3, "locked")
    assert 1 <= time.monotonic() - began < 5
    waiting = published.start("date", DATE, "--json", "--wait", "30m")
    wait_for(lambda: len(published.runs()) == 4)
    paused.send(SIGCONT)
    assert paused.finish().exit_code == 0
    ended = waiting.finish()
    assert (ended.exit_code, ended.json["outcome"]) == (0, "unchanged")
    assert "waiting for up to 1800 s" in ended.err
    assert any(note.startswith("waited ") for note in ended.json["notes"])
    assert published.value("select count(*) from run_event where event = 'waited'") == 1


def test_a_person_s_publish_waits_too(paused: Command, published: Site) -> None:
    """Publishing a held version waits for the date as a run does."""
    ran = published.reingest("publish", DATE, "--version", 1, "--reason", "it is right", "--wait", "1s", "--json")
    assert (ran.exit_code, ran.error["code"]) == (3, "locked")


def test_a_live_holder_is_not_unlocked(paused: Command, published: Site) -> None:
    """Without --force the lease of a holder that lives is refused, and stays."""
    ran = published.reingest("unlock", DATE, "--reason", "in my way", "--yes", "--json")
    assert (ran.exit_code, ran.error["code"]) == (2, "refused")
    assert "--force" in ran.error["message"]
    assert published.value("select count(*) from lease") == 1
    assert published.value("select count(*) from operator_action") == 0


def test_an_unlocked_holder_publishes_nothing(paused: Command, published: Site, elexon: StandIn) -> None:
    """A holder whose lease was ended by force ends with lease_lost, and what another run published meanwhile stays."""
    ran = published.reingest("unlock", DATE, "--reason", "it hangs", "--force", "--yes")
    assert ran.exit_code == 0, ran.err
    assert "can publish nothing any more" in ran.out
    ((action, reason, detail),) = published.rows("select action, reason, detail from operator_action")
    assert (action, reason) == ("unlock", "it hangs")
    assert (detail["key"], detail["alive"], detail["forced"]) == ("date:2024-01-15", True, True)
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="2")
    assert published.date(DATE).json["outcome"] == "published"
    after = published.dump(DATE)
    paused.send(SIGCONT)
    ended = paused.finish()
    assert (ended.exit_code, ended.error["code"]) == (5, "lease_lost")
    assert published.dump(DATE) == after


def test_an_unlocked_holder_without_a_successor_publishes_nothing(paused: Command, published: Site) -> None:
    """A holder whose lease was ended by force changes nothing, even where nobody took the date."""
    before = published.dump(DATE)
    assert published.reingest("unlock", DATE, "--reason", "it hangs", "--force", "--yes").exit_code == 0
    paused.send(SIGCONT)
    ended = paused.finish()
    assert (ended.exit_code, ended.error["code"]) == (5, "lease_lost"), ended.err
    assert published.dump(DATE) == before
    assert published.generation(DATE) == 1


def test_an_unlock_asks(paused: Command, published: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead holder's lease is shown with its heartbeat's age, kept on n and where nobody answers, and freed on y."""
    paused.send(SIGKILL)
    paused.finish()
    wait_for(lambda: not published.reingest("status", "--locks", "--json").json[0]["alive"])

    def unlock(answer: str) -> Ran:
        answering(monkeypatch, answer)
        return published.reingest("unlock", DATE, "--reason", "its machine is gone")

    refused = unlock("n\n")
    assert (refused.exit_code, refused.out) == (1, "Operation cancelled.\n")
    assert "Its last heartbeat is " in refused.err
    assert "the holder is dead" in refused.err
    assert unlock("").exit_code == 2
    assert published.value("select count(*) from lease") == 1
    assert unlock("y\n").exit_code == 0
    assert published.value("select count(*) from lease") == 0
    assert published.value("select count(*) from operator_action") == 1


def test_an_unlock_that_is_killed_did_nothing(paused: Command, published: Site) -> None:
    """A kill -9 before the commit leaves the lease as it was and no action on record; the same command ends it then."""
    words = ("unlock", DATE, "--reason", "it hangs", "--force", "--yes")
    assert published.start(*words, REINGEST_CRASH_AT="before_unlock_commit").finish().exit_code == -SIGKILL
    assert published.value("select count(*) from lease") == 1
    assert published.value("select count(*) from operator_action") == 0
    assert published.reingest(*words).exit_code == 0
    assert published.value("select count(*) from operator_action") == 1
    assert published.value("select count(*) from run_event where event = 'unlocked'") == 1


def test_nothing_to_unlock(published: Site) -> None:
    """Where no lease is held the command says so and succeeds, for a date and for everything."""
    for what in (DATE, "exclusive"):
        ran = published.reingest("unlock", what, "--reason", "to be sure")
        assert (ran.exit_code, ran.out[:23]) == (0, "No lease currently held")


def test_the_documented_sql_releases_a_lease(paused: Command, published: Site) -> None:
    """The SQL of the operator's page ends the lease and records it; the holder publishes nothing any more."""
    (statements,) = re.findall(r"```sql\n(.*?)```", OPERATE.read_text(encoding="utf-8"), re.DOTALL)
    with psycopg.connect(published.database_url, autocommit=True) as owner:
        owner.execute(statements.replace("2025-03-21", DATE.isoformat()))
    assert published.rows("select action, settlement_date from operator_action") == [("unlock", DATE)]
    paused.send(SIGCONT)
    assert paused.finish().exit_code == 5
    assert published.generation(DATE) == 1


def test_the_documented_python_holds_a_date(published: Site) -> None:
    """The Python of the operator's page holds a date for its block, and releases it."""
    (code,) = re.findall(r"```python\n(.*?)```", OPERATE.read_text(encoding="utf-8"), re.DOTALL)
    seen: list[object] = []
    names = {"database_url": published.database_url, "settlement_date": DATE, "look": lambda: seen.append(held())}

    def held() -> object:
        return published.value("select count(*) from lease")

    exec(code.replace("...", "look()"), names)  # noqa: S102  (the page's own example)
    assert (seen, held()) == ([1], 0)


def test_another_owner_s_lease_is_not_released(paused: Command, published: Site) -> None:
    """With --owner only that run's lease is ended: the wrong run's is kept with exit 1, the right one's goes."""
    words = ("unlock", DATE, "--reason", "it hangs", "--force", "--yes", "--owner")
    ran = published.reingest(*words, "00000000-0000-0000-0000-000000000000")
    assert ran.exit_code == 1
    assert "not released" in ran.out
    (lease,) = published.reingest("status", "--locks", "--json").json
    assert published.reingest(*words, lease["run_id"]).exit_code == 0
    assert published.value("select count(*) from lease") == 0


def test_the_time_to_live_is_a_setting(site: Site) -> None:
    """A time to live of an hour is what the lease has."""
    run = site.start("date", DATE, stop_at="after_lease", REINGEST_LEASE_TTL_SECONDS="3600")
    run.wait_until_stopped()
    assert site.value("select expires_at - heartbeat_at from lease") == timedelta(hours=1)
    run.send(SIGKILL)
    run.finish()


@pytest.mark.parametrize("value", ["0", "-1", "off", "none", "false", "1.9", "3601", "inf", "nan"])
def test_no_setting_turns_leases_off(value: str, site: Site) -> None:
    """A time to live that would be no lease is refused before anything is begun."""
    ran = site.date(DATE, REINGEST_LEASE_TTL_SECONDS=value)
    assert (ran.exit_code, ran.error["code"]) == (2, "bad_setting")


def test_a_holder_cut_off_is_overtaken(published: Site, elexon: StandIn) -> None:
    """A holder that the database hears nothing of is overtaken within its time to live and five seconds, and stops."""
    elexon.restate(DATE, unit="T_HILLW-1", volume_factor="3")
    elexon.script(SLOW)
    direct = published.database_url
    with Swallower(direct) as network:
        published.database_url = network.url
        cut_off = published.start("date", DATE, "--json", **SHORT_TTL)
        published.database_url = direct
        wait_for(lambda: published.value('select count(*) from "fetch" join run on run.id = run_id') > 150)
        elexon.script([])
        network.swallowing.set()
        began = time.monotonic()
        overtaker = published.date(DATE, "--wait", "20s", **SHORT_TTL)
        assert (overtaker.exit_code, overtaker.json["outcome"]) == (0, "published")
        assert time.monotonic() - began < 2 + 5
        network.swallowing.clear()
        ended = cut_off.finish()
    assert (ended.exit_code, ended.error["code"]) == (5, "lease_lost"), ended.err
    assert published.generation(DATE) == 2
