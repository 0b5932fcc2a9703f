"""The stored moves: every step of a version or a fetch that is not in the table is refused by Postgres."""

from collections.abc import Callable
from itertools import product

import psycopg
import pytest

from reingest.store.fetches import add_fetches, forget_fetches, judge_fetches
from reingest.store.runs import Run, begin_run
from tests.support.versions import DATE, Store, a_fetch

VERSION_STATES = ("staging", "candidate", "published", "superseded", "held", "abandoned")
VERSION_MOVES = {
    ("staging", "candidate"),
    ("staging", "abandoned"),
    ("candidate", "published"),
    ("candidate", "held"),
    ("candidate", "abandoned"),
    ("held", "published"),
    ("held", "abandoned"),
    ("published", "superseded"),
}
FETCH_OUTCOMES = ("answered", "fetched", "empty", "refused", "unreadable")
FETCH_MOVES = {("answered", after) for after in FETCH_OUTCOMES[1:]}

BEGIN_AS = """
insert into version (settlement_date, number, state, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, served_from,
    served_to)
select settlement_date, 99, %(state)s, kind, sides, 1, run_id, register_id, register_hash, definitions,
    mining_inputs_hash, mining_state, code_version, 0, 0, 0, content_hash,
    case when %(state)s in ('published', 'superseded') then now() end, case when %(state)s = 'superseded' then now() end
from version where number = 1
"""
MOVE_TO = """
update version set state = %(state)s,
    served_from = coalesce(served_from, case when %(state)s in ('published', 'superseded') then now() end),
    served_to = coalesce(served_to, case when %(state)s = 'superseded' then now() end)
where number = 99
"""


def refusal(act: Callable[[], object]) -> str | None:
    """Return what Postgres refused the act with, if it did."""
    try:
        act()
    except psycopg.errors.CheckViolation as error:
        return error.diag.message_primary
    return None


def test_every_illegal_move_of_a_version_is_refused(database_url: str) -> None:
    """Of the 30 steps between six states the eight of the table pass, and the others are refused, also the owner's."""
    Store(database_url).hold()
    outcomes = {}
    with psycopg.connect(database_url) as owner:
        for before, after in product(VERSION_STATES, repeat=2):
            owner.execute(BEGIN_AS, {"state": before})
            outcomes[before, after] = refusal(lambda after=after: owner.execute(MOVE_TO, {"state": after}))  # type: ignore[misc]
            owner.rollback()
    passed = {move for move, message in outcomes.items() if message is None}
    assert passed == VERSION_MOVES | {(state, state) for state in VERSION_STATES}
    for (before, after), message in outcomes.items():
        assert message in (None, f"version 99 of 2024-03-29 cannot go from {before} to {after}")


def test_a_version_begins_in_staging(database_url: str) -> None:
    """The application can begin a version in no other state."""
    store = Store(database_url)
    store.hold()
    with store.connect() as connection:
        begun = {state: refusal(lambda state=state: begin(connection, state)) for state in VERSION_STATES}  # type: ignore[misc]
    assert [state for state, message in begun.items() if message is None] == ["staging"]
    assert begun["published"] == "version 99 of 2024-03-29 cannot begin as published"


def begin(connection: psycopg.Connection[tuple[object, ...]], state: str) -> None:
    with connection.transaction(force_rollback=True):
        connection.execute(BEGIN_AS, {"state": state})


def test_every_illegal_move_of_a_fetch_is_refused(database_url: str) -> None:
    """An answer is judged once: of the 20 steps between five outcomes four pass."""
    passed = set()
    with Store(database_url).connect() as connection:
        run = Run("reingest", settlement_date=DATE)
        begin_run(connection, run)
        for before, after in product(FETCH_OUTCOMES, repeat=2):
            (fetch_id,) = add_fetches(connection, run.id, [a_fetch("ISPSTACK", DATE, 1, "bid")])
            if before != "answered":
                judge_fetches(connection, {fetch_id: before})  # type: ignore[dict-item]
            if refusal(lambda after=after, fetch_id=fetch_id: move(connection, fetch_id, after)) is None:  # type: ignore[misc]
                passed.add((before, after))
        stored = connection.execute("select subject, before, after from state_move").fetchall()
    assert passed == FETCH_MOVES | {(outcome, outcome) for outcome in FETCH_OUTCOMES}
    assert {(before, after) for subject, before, after in stored if subject == "fetch"} == FETCH_MOVES
    assert {(before, after) for subject, before, after in stored if subject == "version"} == VERSION_MOVES


def move(connection: psycopg.Connection[tuple[object, ...]], fetch_id: int, outcome: str) -> None:
    connection.execute('update "fetch" set outcome = %s where id = %s', [outcome, fetch_id])


def test_a_judgement_stays(database_url: str) -> None:
    """A second judgement of an answer changes nothing, whoever comes later."""
    with Store(database_url).connect() as connection:
        run = Run("reingest", settlement_date=DATE)
        begin_run(connection, run)
        ids = add_fetches(connection, run.id, [a_fetch("ISPSTACK", DATE, period, "bid") for period in (1, 2)])
        judge_fetches(connection, {ids[0]: "fetched"})
        judge_fetches(connection, {ids[0]: "empty", ids[1]: "empty"})
        assert connection.execute('select outcome from "fetch" order by id').fetchall() == [("fetched",), ("empty",)]


@pytest.mark.parametrize(("dates", "forgotten"), [([DATE], 1), (None, 2), ([], 0)])
def test_answers_are_forgotten_by_date(dates: list[object] | None, forgotten: int, database_url: str) -> None:
    """What is forgotten is that of the dates named, or of all; answers that concern no date stay."""
    with Store(database_url).connect() as connection:
        run = Run("reingest", settlement_date=DATE)
        begin_run(connection, run)
        other = DATE.replace(day=30)
        fetches = [a_fetch("ISPSTACK", day, 1, "bid") for day in (DATE, other)] + [a_fetch("BMUNITS", None, None, None)]
        add_fetches(connection, run.id, fetches)
        assert forget_fetches(connection, dates) == forgotten  # type: ignore[arg-type]
        assert forget_fetches(connection, dates) == 0  # type: ignore[arg-type]
