import time
from datetime import UTC, date, datetime

import pytest

from reingest.cli.status import grid_lines
from reingest.clock import FixedClock, use_clock
from reingest.store.status import DateStatus
from tests.integration.cli.conftest import Command
from tests.support.versions import A_DAY, DATE, Store

A_YEAR = """
with base as (select * from version where number = 1 and settlement_date = '2024-03-29'), made as (
    insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id,
        register_hash, definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records,
        content_hash, served_from)
    select day::date, 1, 'published', kind, sides, 0, run_id, register_id, register_hash, definitions,
        mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, now()
    from base, generate_series('2022-01-01'::date, '2022-12-31'::date, interval '1 day') day
    returning id, settlement_date
), served as (
    insert into settlement_day (settlement_date, current_version_id, generation)
    select settlement_date, id, 1 from made
)
insert into version_period (version_id, period, side, outcome, fetch_id)
select made.id, period.period, period.side, period.outcome, period.fetch_id
from made, version_period period join base on base.id = period.version_id
"""


def test_a_date_is_one_line_with_a_character_a_period(store: Store, reingest: Command) -> None:
    """Each period is one character: fetched, proven empty, not published, failed, not asked."""
    day = date(2024, 10, 27)
    store.publish(settlement_date=day, outcomes={7: "failed", 8: "not_published", 50: "not_asked"})

    assert reingest("status", day).lines == [
        "date        state       1     7     13    19    25    31    37    43    49",
        f"2024-10-27  v1          ##0000!?{'0' * 41}-",
        "",
        "# fetched  0 confirmed empty  ? not published  ! failed  - not asked  . no version  * provisional  ~ stale",
        "1 date: 1 published",
    ]


def test_cells_are_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal that wants colours each run of like cells has its own."""
    monkeypatch.setattr("reingest.cli.status.colours_wanted", lambda: True)
    one = DateStatus(
        DATE,
        "published",
        1,
        None,
        provisional=False,
        verification="verified",
        periods={1: "fetched", 2: "fetched", 3: "failed", 4: "confirmed_empty"},
    )

    assert grid_lines([one])[1].endswith("  \x1b[32m##\x1b[0m\x1b[31m!\x1b[0m\x1b[36m0\x1b[0m")


def test_a_month_has_a_line_for_every_date(store: Store, reingest: Command) -> None:
    """Dates without a version are listed too, held and provisional ones are marked, and the last line counts them."""
    store.publish(provisional_until=datetime(2024, 3, 31, tzinfo=UTC))
    store.hold(A_DAY[:1])
    store.hold(settlement_date=date(2024, 3, 31))
    lines = reingest("status", "2024-03").lines

    assert len(lines) == 1 + 31 + 3
    assert lines[1] == f"2024-03-01  -           {'.' * 48}"
    assert lines[29] == f"2024-03-29  v1*         ##{'0' * 46}  v2 held"
    assert lines[31] == f"2024-03-31  held v1     ##{'0' * 44}"
    assert lines[-1] == "31 dates: 1 published, 1 provisional, 2 with a held version, 29 with nothing"


def test_a_year_renders_in_under_a_second(store: Store, reingest: Command) -> None:
    """365 dates of 48 periods are read and drawn, a line a month, in less than a second."""
    store.publish()
    with store.connect() as connection:
        connection.execute("reset role")
        connection.execute(A_YEAR)
    reingest("status", DATE)  # imports are paid once a process
    started = time.perf_counter()
    lines = reingest("status", "2022").lines

    assert time.perf_counter() - started < 1
    assert lines[0] == "month    1    6    11   16   21   26   31  published"
    assert lines[2] == f"2022-02  {'+' * 28}     28 of 28"
    assert lines[-2:] == ["365 dates: 365 published", "One month in full: reingest status 2022-MM"]


def test_a_year_shows_the_gravest_thing_of_each_date(store: Store, reingest: Command) -> None:
    """Of a year each date is one character: published, provisional, held, or nothing."""
    store.publish(provisional_until=datetime(2024, 3, 31, tzinfo=UTC))
    store.hold(settlement_date=date(2024, 3, 31))
    march = reingest("status", "2024").lines[3]
    assert march == f"2024-03  {'.' * 28}*.h   1 of 31"


def test_json_names_each_period_s_outcome(store: Store, reingest: Command) -> None:
    """JSON has the outcome of each period in words, the worse one of its sides."""
    store.publish(outcomes={3: "failed"})
    shown = reingest("status", DATE, "--json").json

    assert {key: shown[key] for key in ("settlement_date", "state", "version", "held_version", "provisional")} == {
        "settlement_date": "2024-03-29",
        "state": "published",
        "version": 1,
        "held_version": None,
        "provisional": False,
    }
    assert list(shown["periods"].values())[:4] == ["fetched", "fetched", "failed", "confirmed_empty"]
    assert len(shown["periods"]) == 48


def test_csv_has_a_column_a_period(store: Store, reingest: Command) -> None:
    """CSV has one line a date and one column a period, 50 of them, empty where the date has no such period."""
    store.publish()
    header, *rows = (line.split(",") for line in reingest("status", "2024-03", "--csv").lines)

    named = ["settlement_date", "state", "version", "held_version", "provisional", "stale", "verification"]
    assert header == [*named, *map(str, range(1, 51))]
    assert len(rows) == 31
    assert rows[28][:7] == ["2024-03-29", "published", "1", "", "false", "false", "unverified"]
    assert rows[28][7:9] == ["fetched", "fetched"]
    assert rows[28][-3:] == ["confirmed_empty", "", ""]
    assert set(rows[0][7:]) == {""}


def test_a_year_under_way_ends_today(store: Store, reingest: Command) -> None:
    """Dates that have not begun in London are left out."""
    with use_clock(FixedClock(datetime(2024, 3, 31, 23, 30, tzinfo=UTC))):  # 00:30 of 1 April in London
        dates = [one["settlement_date"] for one in reingest("status", "2024", "--json").json]

    assert dates[-1] == "2024-04-01"


@pytest.mark.parametrize("span", ["2024-04-02", "2024-05", "2025"])
def test_the_future_has_no_status(store: Store, reingest: Command, span: str) -> None:
    """A span that has not begun is refused as a future date."""
    with use_clock(FixedClock(datetime(2024, 4, 1, 12, tzinfo=UTC))):
        ran = reingest("status", span, "--json")

    assert (ran.code, ran.error["code"]) == (2, "future_date")


def test_without_a_span_each_month_is_summed_up(store: Store, reingest: Command) -> None:
    """`status` alone says how far each month is that has any version."""
    store.publish()
    store.hold(settlement_date=date(2024, 3, 31))
    store.publish(settlement_date=date(2023, 2, 1), provisional_until=datetime(2023, 2, 3, tzinfo=UTC))

    assert reingest("status", "--json").json == [
        {"month": "2023-02", "published": 1, "expected": 28, "provisional": 1, "held": 0, "stale": 0},
        {"month": "2024-03", "published": 1, "expected": 31, "provisional": 0, "held": 1, "stale": 0},
    ]
    assert reingest("status").lines[-1] == "2 dates published. One month in full: reingest status YYYY-MM"


def test_an_empty_store_says_so(store: Store, reingest: Command) -> None:
    """Without any version, `status` says so and what to run."""
    assert reingest("status").out == "Nothing is published yet. Next: reingest date D\n"
