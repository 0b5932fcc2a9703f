"""Sealed plans in tests: made, applied, and everything that may move in between."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import psycopg

from tests.support.days import DATE
from tests.support.sites import NOWHERE, Ran, Site

PLAN: Final = "{home}/plan.json"


def planned(site: Site, *words: object, day: date = DATE) -> dict[str, Any]:
    """Seal a plan; return what is in its file."""
    ran = site.date(day, "--plan", "--out", PLAN, *words)
    assert ran.exit_code == 0, ran.err
    return plan_of(site)


def applied(site: Site) -> Ran:
    """Apply the plan, with an Elexon that cannot be reached."""
    site.elexon_url = NOWHERE
    return site.reingest("apply", PLAN, "--json")


def plan_of(site: Site) -> dict[str, Any]:
    """Return what is in the file of the site's plan."""
    values: dict[str, Any] = json.loads((site.home / "plan.json").read_text(encoding="utf-8"))
    return values


@dataclass(frozen=True)
class Move:
    """Something that moves after a plan was made, and a part of each sentence that says so."""

    move: Callable[[Site], None]
    said: tuple[str, ...]


def publish_another(site: Site) -> None:
    assert site.date(DATE, "--source", "archive", "--force").exit_code == 0


def exclude_a_unit(site: Site) -> None:
    assert site.reingest("units", "exclude", "T_HILLW-1", "--reason", "a test").exit_code == 0


def expect_a_total(site: Site) -> None:
    assert site.reingest("expected", "set", DATE, "--energy", "1").exit_code == 0


def change_the_difficulty(site: Site) -> None:
    site.rows("update difficulty_epoch set difficulty = difficulty * 2")


def of_payload(site: Site) -> Path:
    (path,) = site.home.rglob(f"{plan_of(site)['payloads'][5]['sha256']}.zst")
    return path


def lose_a_payload(site: Site) -> None:
    of_payload(site).unlink()


def alter_a_payload(site: Site) -> None:
    path = of_payload(site)
    path.write_bytes(path.read_bytes()[:-1])


def lose_a_fetch(site: Site) -> None:
    fetch = plan_of(site)["payloads"][5]["fetch_id"]
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute('delete from "fetch" where id = %s', [fetch])


MOVES: Final[dict[str, Move]] = {
    "the date is published again": Move(publish_another, ("the date's generation: 1 in the plan, 2 now",)),
    "a unit is wind no more": Move(exclude_a_unit, ("the register: ", "the content: ")),
    "another total is expected": Move(
        expect_a_total, ("the expected totals: none in the plan, so_flagged 1 ± 0.001 MWh now", "the check ")
    ),
    "difficulty is known better": Move(change_the_difficulty, ("the mining inputs: ", "the content: ")),
    "a payload is gone": Move(lose_a_payload, ("is not in the archive",)),
    "a payload is altered": Move(alter_a_payload, ("was altered",)),
    "a fetch is gone": Move(lose_a_fetch, ("this database has no such fetch",)),
}
