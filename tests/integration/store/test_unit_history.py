"""The history of BM units in valid and recorded time, against a plain model of it; and databases from before it."""

import copy
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import TypeAlias

import psycopg
import pytest
from alembic import command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from reingest.curtailment.unit_spans import EVER, FOR_EVER, UnitFacts
from reingest.errors import BadUsage
from reingest.store.database import Connection, connect
from reingest.store.fetches import add_fetches
from reingest.store.migrate import alembic_config, upgrade
from reingest.store.register_answers import UNIT_FIELDS, Answer, take_in
from reingest.store.runs import Run, begin_run
from reingest.store.unit_decisions import Correction, correct_unit
from reingest.store.units import register_named
from tests.support.postgres import Databases
from tests.support.versions import a_fetch

TODAY = date(2026, 3, 1)
CELLS = [EVER, *(TODAY + timedelta(days=offset) for offset in range(6))]
"""The dates that are looked at; the first stands for all before, the last for all after."""
UNITS = ("T_A-1", "T_B-1", "T_C-1")

Known: TypeAlias = dict[str, list[UnitFacts | None]]
"""By unit, what is true of it on each of the dates."""

FACTS = st.builds(
    UnitFacts,
    fuel_type=st.sampled_from([None, "WIND", "CCGT"]),
    lead_party_name=st.sampled_from(["A Ltd", "B Ltd"]),
)
REFRESHES = st.dictionaries(st.sampled_from(UNITS), FACTS, min_size=1)
CORRECTIONS = st.builds(
    lambda unit, first, length, fuel: (unit, first, length, fuel),
    st.sampled_from(UNITS),
    st.integers(0, len(CELLS) - 1),
    st.none() | st.integers(1, 3),
    st.sampled_from([None, "WIND", "CCGT"]),
)


BEFORE = """
insert into payload (sha256, size, stored_size) values (repeat('0', 64), 1, 1);
insert into run (id, kind, holder, host, pid, code_version) values (gen_random_uuid(), 'units', 'ann', 'host', 1, '1');
insert into "fetch" (run_id, dataset, wire, url, status, content_type, payload_sha256, requested_at, answered_at,
    attempts)
select id, 'BMUNITS', 'json', 'https://elexon.test', 200, 'application/json', repeat('0', 64), started_at, started_at, 1
from run;
update unit_override set decided_at = '2025-12-01';
insert into register (hash, fetch_id, recorded_at, units, null_ids, duplicates)
select hash, "fetch".id, day, 2, 0, 0
from "fetch", (values ('one', '2026-01-01T12:00Z'::timestamptz), ('two', '2026-02-02T12:00Z'), ('three',
    '2026-03-02T12:00Z')) said (hash, day);
insert into bm_unit (register_id, elexon_bm_unit, fuel_type, lead_party_name) values
    (1, 'T_A-1', 'WIND', 'A Ltd'), (1, 'T_B-1', 'WIND', 'B Ltd'),
    (2, 'T_A-1', 'WIND', 'A Ltd'),
    (3, 'T_A-1', 'WIND', 'New Ltd'), (3, 'T_C-1', null, 'C Ltd');
insert into unit_override (elexon_bm_unit, decision, reason, decided_at) values
    ('T_C-1', 'include', 'it is wind', '2026-03-03');
insert into version (settlement_date, number, kind, sides, basis_generation, run_id, register_id, register_hash,
    definitions, mining_inputs_hash, mining_state, code_version, rows, rejects, records, content_hash, created_at)
select '2024-03-29', number, 'ingest', '{bid}', 0, run.id, register_id, '', '{}', '', 'available', '1', 0, 0, 0, '', at
from run, (values (1, 1, '2026-01-02'::timestamptz), (2, 2, '2026-02-03'), (3, 3, '2026-03-04'), (4, 3, '2026-03-05'))
    made (number, register_id, at);
"""
"""What a database held before: a register that lost a unit, then gained one; a decision; and four versions, the last of
which names a register that never was."""


@dataclass
class Model:
    """What is known of units, date by date: slow, and plain enough to be believed."""

    known: Known = field(default_factory=lambda: {unit: [None] * len(CELLS) for unit in UNITS})
    said: dict[str, UnitFacts] = field(default_factory=dict)
    last_said: dict[str, UnitFacts] = field(default_factory=dict)
    undecided: set[str] = field(default_factory=set)

    def refresh(self, answer: dict[str, UnitFacts], today: int) -> None:
        """Let the register say something, from a cell on."""
        for unit in UNITS:
            before, after = self.said.get(unit), answer.get(unit)
            fuel_is_news = True
            known_before = before or self.last_said.get(unit)
            if after and known_before and known_before.fuel_type is None and after.fuel_type == "WIND":
                self.undecided.add(unit)
                fuel_is_news = False
            elif unit in self.undecided and (after is None or after.fuel_type != "WIND"):
                self.undecided.remove(unit)
                fuel_is_news = after is not None and after.fuel_type is not None
            for cell in range(today, len(CELLS)):
                self._say(unit, cell, before, after, fuel_is_news=fuel_is_news)
        self.said = dict(answer)
        self.last_said |= answer

    def _say(
        self, unit: str, cell: int, before: UnitFacts | None, after: UnitFacts | None, *, fuel_is_news: bool
    ) -> None:
        row, now = self.known[unit], self.known[unit][cell]
        if after is None:
            if before is not None:
                row[cell] = None
        elif before is None:
            row[cell] = now or (after if fuel_is_news else replace(after, fuel_type=None))
        elif now is not None:
            if fuel_is_news and before.fuel_type != after.fuel_type:
                now = replace(now, fuel_type=after.fuel_type)
            if before.lead_party_name != after.lead_party_name:
                now = replace(now, lead_party_name=after.lead_party_name)
            row[cell] = now

    def correct(self, unit: str, first: int, length: int | None, fuel: str | None) -> bool:
        """Let a person say what a unit burns; return whether anything was another way before."""
        row = self.known[unit]
        known = [cell for cell, facts in enumerate(row) if facts is not None]
        if not known:
            return False
        last = first + length if length else (known[-1] + 1 if first <= known[-1] else len(CELLS))
        old = list(row)
        for cell in range(first, min(last, len(CELLS))):
            nearest = next((old[one] for one in known if one >= cell), old[known[-1]])
            assert nearest is not None
            row[cell] = replace(nearest, fuel_type=fuel)
        return row != old


@pytest.fixture(scope="module")
def connection(databases: Databases, template: str) -> Iterator[Connection]:
    """Return a connection to a database whose register was never fetched; each example is rolled back."""
    with databases.database(template) as url, connect(url, purpose="test") as connection:
        yield connection


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), REFRESHES) | CORRECTIONS, min_size=2, max_size=7))
def test_the_history_is_what_a_plain_model_says(
    connection: Connection, acts: list[tuple[int, dict[str, UnitFacts]] | tuple[str, int, int | None, str | None]]
) -> None:
    """Whatever refreshes and corrections come, every date is as the model has it, now and as of each act before."""
    model, today = Model(), 1
    states: list[tuple[datetime, Known]] = []
    with connection.transaction(force_rollback=True):
        for act in acts:
            if len(act) == 2:
                today = min(today + act[0], len(CELLS) - 1)
                if not refresh(connection, act[1], CELLS[today]):
                    continue
                model.refresh(act[1], today if states else 0)
            elif not any(model.known[act[0]]):
                continue
            else:
                assert correct(connection, act) == model.correct(*act)
            states.append((newest(connection), copy.deepcopy(model.known)))
        for moment, known in states:
            for cell, day in enumerate(CELLS):
                expected = {unit: facts for unit in UNITS if (facts := known[unit][cell]) is not None}
                assert recorded(connection, day, moment) == expected


def refresh(connection: Connection, answer: dict[str, UnitFacts], day: date) -> bool:
    """Take in an answer of the register; return whether it says something else than the one before."""
    run = Run("units")
    begin_run(connection, run)
    (fetch_id,) = add_fetches(connection, run.id, [a_fetch("BMUNITS", None, None, None)])
    units = [
        SimpleNamespace(
            **dict.fromkeys(UNIT_FIELDS)
            | {"elexon_bm_unit": unit, "fuel_type": facts.fuel_type, "lead_party_name": facts.lead_party_name}
        )
        for unit, facts in answer.items()
    ]
    return take_in(connection, Answer(units, fetch_id, 0, 0, day), accept_shrink="it is a model").changed


def correct(connection: Connection, act: tuple[str, int, int | None, str | None]) -> bool:
    """Record a correction; return whether anything was another way before."""
    unit, first, length, fuel = act
    end = length and (CELLS[first + length] if first + length < len(CELLS) else FOR_EVER)
    try:
        correct_unit(connection, Correction(unit, CELLS[first], end or None, {"fuel_type": fuel}), "it is a model")
    except BadUsage:
        return False
    return True


def hash_before(connection: psycopg.Connection[tuple[object, ...]], register: str) -> str:
    """Return the hash of a register with the decisions in force, as versions named it before the history."""
    decisions = connection.execute(
        "select elexon_bm_unit, decision from unit_override where %s in ('three', 'none') or decided_at < '2026-01-01' "
        "order by elexon_bm_unit",
        [register],
    ).fetchall()
    text = json.dumps([register, decisions], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def upgrade_to(url: str, revision: str) -> None:
    """Bring a database to an older revision than this code's."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    with engine.begin() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def newest(connection: Connection) -> datetime:
    row = connection.execute("select max(recorded_at) from register_change").fetchone()
    assert row is not None
    moment: datetime = row[0]
    return moment


def recorded(connection: Connection, day: date, moment: datetime) -> dict[str, UnitFacts]:
    rows = connection.execute(
        "select elexon_bm_unit, fuel_type, lead_party_name from bm_unit "
        "where daterange(valid_from, valid_to) @> %s and tstzrange(recorded_from, recorded_to) @> %s",
        (date(1990, 1, 1) if day == EVER else day, moment),
    )
    return {unit: UnitFacts(fuel_type=fuel, lead_party_name=party) for unit, fuel, party in rows}


def test_what_was_recorded_cannot_be_written_over(connection: Connection) -> None:
    """Postgres refuses two truths of one unit, date and instant, and another end of what ended."""
    a_row = (
        "insert into bm_unit (elexon_bm_unit, valid_from, recorded_from, change_id) "
        "select 'T_A-1', '2026-01-01', recorded_at, id from register_change"
    )
    with connection.transaction(force_rollback=True):
        assert refresh(connection, {"T_A-1": UnitFacts(fuel_type="WIND")}, TODAY)
        with pytest.raises(psycopg.errors.ExclusionViolation), connection.transaction():
            connection.execute(a_row)
        connection.execute("update bm_unit set recorded_to = clock_timestamp()")
        with pytest.raises(psycopg.errors.CheckViolation, match="is not rewritten"), connection.transaction():
            connection.execute("update bm_unit set recorded_to = null")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("update bm_unit set fuel_type = 'CCGT'")


def test_versions_from_before_the_history_find_their_register(empty_database_url: str) -> None:
    """A database of three registers and a decision keeps them as they were in force, and goes on with a history."""
    upgrade_to(empty_database_url, "0006")
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute(BEFORE)
        for number, register in enumerate(("one", "two", "three", "none"), start=1):
            connection.execute(
                "update version set register_hash = %s where number = %s", [hash_before(connection, register), number]
            )
    upgrade(empty_database_url)
    with connect(empty_database_url, purpose="test", role=None) as connection:
        named = connection.execute("select register_id, register_hash from version order by number").fetchall()
        found = [register_named(connection, *one) for one in named]
        assert [one and one.lead_parties for one in found] == [
            {"T_A-1": "A Ltd", "T_B-1": "B Ltd"},
            {"T_A-1": "A Ltd"},
            {"T_A-1": "New Ltd", "T_C-1": "C Ltd"},
            None,
        ]
        spans = connection.execute(
            "select elexon_bm_unit, lead_party_name, valid_from::text, valid_to::text from bm_unit "
            "where recorded_to is null order by 1, 3 nulls first"
        ).fetchall()
        assert spans == [
            ("T_A-1", "A Ltd", None, "2026-03-02"),
            ("T_A-1", "New Ltd", "2026-03-02", None),
            ("T_B-1", "B Ltd", None, "2026-02-02"),
            ("T_C-1", "C Ltd", "2026-03-02", None),
        ]
        entries = connection.execute(
            "select register_id, elexon_bm_unit, gone from register_entry order by 1, 2"
        ).fetchall()
        assert entries == [
            (1, "T_A-1", False), (1, "T_B-1", False), (2, "T_B-1", True), (3, "T_A-1", False), (3, "T_C-1", False),
        ]  # fmt: skip
