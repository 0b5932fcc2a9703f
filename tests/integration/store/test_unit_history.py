"""The history of BM units in valid and recorded time, against a plain model of it; and databases from before it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reingest.curtailment.unit_spans import EVER, FOR_EVER, UnitFacts
from reingest.errors import BadUsage
from reingest.store.database import Connection, connect
from reingest.store.fetches import add_fetches
from reingest.store.register_answers import UNIT_FIELDS, Answer, take_in
from reingest.store.runs import Run, begin_run
from reingest.store.unit_decisions import Correction, correct_unit
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
