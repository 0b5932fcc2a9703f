"""What was served at an instant in the past, asked with the command line and with SQL."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

import psycopg
import pytest
from psycopg import sql

from reingest.store.database import connect
from tests.integration.cli.conftest import Command
from tests.support.versions import A_DAY, DATE, Store

NEXT_YEAR: Final = date(2025, 1, 1)
VIEWS: Final = (
    "day", "day_unit", "day_mining", "month", "month_mining", "year", "year_mining",
)  # fmt: skip
SPANS: Final = "select version, served_from, served_to from served_history where settlement_date = %s order by 2"


def rows(url: str, query: LiteralString | sql.SQL, *parameters: object) -> list[tuple[Any, ...]]:
    with connect(url, purpose="test", role="reingest_reader") as connection:
        return connection.execute(query, parameters).fetchall()


def published_twice(store: Store) -> list[tuple[int, datetime, datetime | None]]:
    """Publish a date with four records and then with one; return what it served when."""
    store.publish()
    store.publish(A_DAY[:1])
    return rows(store.url, SPANS, DATE)


def test_as_of_gives_what_was_served_then(store: Store, reingest: Command) -> None:
    """At every instant of its span a version's energy, payment and BTC are told; from the swap on, the next one's."""
    (_, began, swapped), (_, _, ended) = published_twice(store)
    assert swapped is not None
    told = [
        reingest("as-of", DATE, "--reported", instant.isoformat(), "--json").json
        for instant in (began, swapped - timedelta(microseconds=1), swapped)
    ]

    assert [one["version"] for one in told] == [1, 1, 2]
    assert [one["totals"]["so_flagged"]["energy_mwh"] for one in told] == ["14.623456789", "14.623456789", "10.5"]
    assert told[0]["mining"]["net"]["S9"] == store_mining(store, 1)
    assert told[2]["totals"] == reingest("show", DATE, "--json").json["totals"]
    assert told[2]["mining"] == reingest("show", DATE, "--json").json["mining"]
    assert (told[0]["served_to"], told[2]["served_to"], ended) == (told[2]["served_from"], None, None)


def store_mining(store: Store, number: int) -> str:
    (btc,) = rows(
        store.url,
        "select btc from daily_mining_history where version = %s and definition = 'net' and miner_model = 'S9'",
        number,
    )
    return str(btc[0].normalize())


def test_as_of_says_which_version_and_when(store: Store, reingest: Command) -> None:
    """The report names instant, zone, version and span, and its instants can be asked for again."""
    (_, _, swapped), _ = published_twice(store)
    assert swapped is not None
    lines = reingest("as-of", DATE, "--reported", (swapped - timedelta(seconds=1e-6)).isoformat()).lines

    assert lines[0].startswith(f"{DATE} as of ")
    assert lines[1].startswith("Version 1 was served, from ")
    until = lines[1].rpartition(" until ")[2].removesuffix(".")
    assert reingest("as-of", DATE, "--reported", until, "--json").json["version"] == 2
    csv = reingest("as-of", DATE, "--reported", until, "--csv", "--definition", "net").lines
    assert csv[0].startswith(
        "span,reported,version,served_from,served_to,provisional,verification,definition,energy_mwh,"
    )
    assert len(csv) == 2
    assert csv[1].startswith(f"{DATE},{until},2,{until},,false,unverified,net,")


def test_months_and_years_are_summed_over_what_was_served_then(store: Store, reingest: Command) -> None:
    """A month and a year give the sums, units and counts of days that their views gave at that instant."""
    store.publish()
    store.publish(settlement_date=DATE + timedelta(days=1))
    first = {span: reingest("show", span, "--json").json for span in ("2024-03", "2024")}
    then = now(store.url)
    store.publish(A_DAY[:1])
    store.publish(A_DAY[1:], settlement_date=DATE + timedelta(days=2))
    store.publish(settlement_date=NEXT_YEAR)
    for span, shown in first.items():
        told = reingest("as-of", span, "--reported", then, "--json").json
        assert told["days_published"] == 2
        assert {name: told[name] for name in shown} == shown
        assert (told["days_unknown"], told["unknown"]) == (0, [])
    later = reingest("as-of", "2024", "--reported", now(store.url), "--json").json
    assert (later["days_published"], later["days_expected"]) == (3, 366)
    assert "2025" in reingest("as-of", "2025", "--reported", now(store.url)).lines[0]


def test_units_as_of(store: Store, reingest: Command) -> None:
    """`--by unit` gives what each BM unit came to then, over a date or a month."""
    store.publish()
    then = now(store.url)
    store.publish(A_DAY[1:2])
    words = ("--reported", then, "--by", "unit", "--definition", "so_flagged")
    units = reingest("as-of", "2024-03", *words, "--json").json["units"]

    assert [(one["bm_unit"], one["energy_mwh"], one["days"]) for one in units] == [
        ("T_LARYW-1", "10.5", 1),
        ("T_MOWEO-1", "4.123456789", 1),
    ]
    assert reingest("as-of", DATE, *words, "--csv").lines[1].split(",")[2:6] == [
        "so_flagged", "T_LARYW-1", "London Array Limited", "10.5",
    ]  # fmt: skip


def test_the_functions_are_the_views_of_an_instant(store: Store) -> None:
    """What each SQL function gives for an instant is what its view gave then, in all columns that both have."""
    names = {view: shared_columns(store.url, view) for view in VIEWS}
    assert min(map(len, names.values())) >= 4
    seen = []
    for records in (A_DAY, A_DAY[:2], A_DAY[2:]):
        store.publish(records, provisional_until=datetime(2024, 5, 1, tzinfo=UTC))
        store.publish(records, settlement_date=DATE + timedelta(days=3), mining=records is not A_DAY)
        seen.append((now(store.url), {view: figures(store.url, view, names[view]) for view in VIEWS}))

    assert all(len({str(one[view]) for _, one in seen}) == 3 for view in VIEWS)
    for instant, before in [*seen, ("infinity", seen[-1][1])]:
        told = {view: figures(store.url, f"{view}_as_of('{instant}')", names[view]) for view in VIEWS}
        assert told == before


def test_verified_is_told_as_it_was(store: Store, reingest: Command) -> None:
    """A verdict of the witnesses counts from the instant at which it was given, and not before."""
    store.publish()
    before = now(store.url)
    with connect(store.url, purpose="test") as connection:
        connection.execute(
            "insert into witness_verdict (version_id, run_id, rule, rules, status, compared, not_compared, differences)"
            " select id, run_id, 'a', 'v0', 'verified', 1, 0, 0 from version"
        )
    words = [("as-of", DATE, "--reported", instant, "--json") for instant in (before, now(store.url))]

    assert [reingest(*one).json["verification"] for one in words] == ["unverified", "verified"]
    assert rows(store.url, "select verification from day where definition = 'net'") == [("verified",)]
    months = [reingest("as-of", "2024-03", *one[2:]).json["days_verified"] for one in words]
    assert months == [0, 1]


def shared_columns(url: str, view: str) -> list[str]:
    """Return the columns that a view and its function have, in the function's order."""
    return [name for name in columns(url, f"{view}_as_of(now())") if name in columns(url, view)]


def columns(url: str, relation: str) -> list[str]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(sql.SQL(f"select * from {relation} limit 0"))  # noqa: S608
        return [column.name for column in cursor.description or ()]


def figures(url: str, relation: str, names: list[str]) -> list[tuple[Any, ...]]:
    query = sql.SQL(f"select {', '.join(names)} from {relation} order by {', '.join(names[:3])}")  # noqa: S608
    return rows(url, query)


def test_a_date_that_served_nothing_then_says_so(store: Store, reingest: Command) -> None:
    """Before its first publish nothing was served: exit code 2, as with `show`, and since when something is."""
    before = now(store.url)
    store.publish()
    for span in (DATE, "2024-03", "2024"):
        ran = reingest("as-of", span, "--reported", before, "--json")
        assert (ran.code, ran.error["code"]) == (2, "not_found")
        assert f"nothing of {span} was served at" in ran.error["message"]
        assert "something of it is served since" in ran.error["message"]
    ran = reingest("as-of", "2023-05", "--reported", before, "--json")
    assert "nor ever" in ran.error["message"]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("2025-10-26T01:30", "twice in Europe/London"),
        ("2025-03-30T01:30", "the clocks go forward then"),
        ("2025-04-01", "is not an instant"),
        ("yesterday", "is not an instant"),
        ("2025-02-30T09:00", "is not in the calendar"),
        ("2999-01-01T00:00Z", "is in the future"),
    ],
)
def test_an_instant_that_cannot_be_meant_is_refused(written: str, why: str, store: Store, reingest: Command) -> None:
    """An ambiguous hour, one that the clocks skip, a bare date and the future are refused with what to write."""
    store.publish()
    ran = reingest("as-of", DATE, "--reported", written, "--json")

    assert ran.code == 2
    assert why in ran.err


def test_a_time_without_a_zone_is_local(store: Store, reingest: Command) -> None:
    """Without a zone the clock of Europe/London is meant, and the output says so; with one it is what it says."""
    store.publish()
    with psycopg.connect(store.url) as connection:
        connection.execute("update served_span set served_from = '2025-06-01 08:00Z'")
    told = reingest("as-of", DATE, "--reported", "2025-06-01T09:00")

    assert told.lines[0] == (
        f"{DATE} as of 2025-06-01 09:00 Europe/London, as no zone was given (2025-06-01T08:00:00Z)"
    )
    assert reingest("as-of", DATE, "--reported", "2025-06-01T09:00+01:00", "--json").json["assumed_local"] is False
    assert reingest("as-of", DATE, "--reported", "2025-06-01T08:59").code == 2
    assert reingest("as-of", DATE, "--reported", "2025-06-01T07:59:59Z").code == 2


def now(url: str) -> str:
    """Return the database's clock, as it is written for --reported."""
    with psycopg.connect(url) as connection:
        connection.execute("set timezone to 'UTC'")
        row = connection.execute("select clock_timestamp()").fetchone()
        assert row is not None
        return str(row[0].isoformat().replace("+00:00", "Z"))


def test_provisional_is_told_as_it_was(store: Store, reingest: Command) -> None:
    """A date was provisional until a run confirmed it, and as-of knows when that was."""
    store.publish(provisional_until=datetime(2024, 4, 1, tzinfo=UTC))
    before = now(store.url)
    with connect(store.url, purpose="test") as connection:
        connection.execute("update settlement_day set provisional_until = null")
    told = [
        reingest("as-of", DATE, "--reported", instant, "--json").json["provisional"]
        for instant in (before, now(store.url))
    ]

    assert told == [True, False]
    assert reingest("as-of", "2024", "--reported", before, "--json").json["days_provisional"] == 1
