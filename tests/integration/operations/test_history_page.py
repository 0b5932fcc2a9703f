"""docs/history.md: its commands and queries, run as they stand on a date with the history that the page tells."""

import re
import shlex
from pathlib import Path
from typing import Final

import psycopg
import pytest

from reingest.standin.server import StandIn
from tests.support.days import DATE
from tests.support.sites import Site

PAGE: Final = (Path(__file__).parents[3] / "docs" / "history.md").read_text(encoding="utf-8")
_BLOCK: Final = re.compile(r"^```(?P<kind>console|sql)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
_COMMAND: Final = re.compile(
    r"^\$ reingest (?P<words>.+?)(?: +# exit (?P<exit>\d+))?\n(?P<shown>(?:(?!\$).*\n)*)", re.MULTILINE
)
_SPANS: Final = {1: ("2024-02-01T06:10:00Z", "2024-03-03T06:12:00Z"), 2: ("2024-03-03T06:12:00Z", None)}
"""When the versions were served, as the page tells it."""


@pytest.fixture
def restated(published: Site, elexon: StandIn) -> Site:
    """Return a site whose date was published twice, on the days of the page."""
    elexon.restate(DATE, period=1, side="bid", unit="T_HILLW-1", volume_factor="2")
    elexon.restate(DATE, period=2, unit="E_MOORW-1", drop=True)
    assert published.date(DATE, "--fresh").exit_code == 0
    for number, (since, until) in _SPANS.items():
        published.rows(
            "update served_span set served_from = %s, served_to = %s where number = %s", since, until, number
        )
    return published


def blocks(kind: str) -> list[str]:
    """Return the texts of the page's blocks of a kind."""
    return [found["text"] for found in _BLOCK.finditer(PAGE) if found["kind"] == kind]


def test_the_commands_of_the_page(restated: Site) -> None:
    """Each command of the page ends as the page says, and prints what the page shows."""
    commands = [found for block in blocks("console") for found in _COMMAND.finditer(block)]
    assert len(commands) >= 7
    assert sum(bool(found["shown"]) for found in commands) >= 3
    for found in commands:
        ran = restated.reingest(*shlex.split(found["words"]))
        assert ran.exit_code == int(found["exit"] or 0), f"{found[0]}: {ran}"
        if found["shown"]:
            assert (ran.out or ran.err).rstrip("\n") == found["shown"].rstrip("\n")


def test_the_queries_of_the_page(restated: Site) -> None:
    """Each query of the page may be asked by the role for people, and finds something."""
    queries = [query for block in blocks("sql") for query in block.split(";") if query.strip()]
    assert len(queries) >= 6
    with psycopg.connect(restated.database_url, autocommit=True) as connection:
        connection.execute("set role reingest_reader")
        for query in queries:
            assert connection.execute(query).fetchall(), query
