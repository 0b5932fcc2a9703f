"""An answer of the register, taken in: what it says otherwise is stored, and units open, change and close by it."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final

from reingest.checkpoints import checkpoint
from reingest.curtailment.register_moves import WIND, RegisterMove, first_answer, looks_truncated, move_between
from reingest.curtailment.unit_spans import EVER, FOR_EVER, Spans, UnitFacts, changed, filled, without
from reingest.errors import Bug
from reingest.store.database import Connection, database_errors
from reingest.store.register_acts import (
    FACT_FIELDS,
    Change,
    begin_change,
    copy_rows,
    lock_register,
    mark_stale,
    rewrite,
)
from reingest.store.runs import add_operator_action
from reingest.store.sql import query

UNIT_FIELDS: Final = (
    "elexon_bm_unit", "national_grid_bm_unit", "name", "fuel_type", "lead_party_name", "lead_party_id",
    "bm_unit_type", "generation_capacity", "demand_capacity", "gsp_group_id", "gsp_group_name", "interconnector_id",
    "eic",
)  # fmt: skip
"""What a register says of a unit, in the order of the columns of `register_entry`."""

_Entry = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the register.

    Attributes:
        units: BM units with the attributes of `UNIT_FIELDS`, ids not null and unique.
        fetch_id: The fetch whose payload they were read from.
        null_ids: Rows of the answer without an id, which were skipped.
        duplicates: Rows of the answer that repeated an id, which were collapsed.
        day: The settlement date from which it is true; the first answer of all is true of every date.
    """

    units: Sequence[Any]
    fetch_id: int
    null_ids: int
    duplicates: int
    day: date


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of an answer of the register.

    Attributes:
        changed: Whether it differs from the answer before in anything.
        refused: Why it was not believed, so that nothing was changed; None where it was.
        move: What it changes of the tracked facts.
        stale: How many served dates are stale after it.
    """

    changed: bool
    refused: str | None = None
    move: RegisterMove | None = None
    stale: int = 0


@dataclass(frozen=True, slots=True)
class _Said:
    """What was last said of every unit that was ever in the register."""

    entries: Mapping[str, _Entry]
    gone: frozenset[str]

    def facts(self, *, gone: bool) -> dict[str, UnitFacts]:
        return {unit: _facts(entry) for unit, entry in self.entries.items() if (unit in self.gone) == gone}


def take_in(connection: Connection, answer: Answer, *, accept_shrink: str | None = None) -> TakenIn:
    """Take in an answer: store what it says otherwise, and open, change and close units by it, in one transaction.

    Args:
        connection: an autocommitting connection.
        answer: the answer, read.
        accept_shrink: a person's reason to believe an answer that looks truncated.
    """
    entries = {unit.elexon_bm_unit: tuple(getattr(unit, field) for field in UNIT_FIELDS) for unit in answer.units}
    digest = _digest([entries[unit] for unit in sorted(entries)])
    with database_errors(), connection.transaction():
        lock_register(connection)
        newest = connection.execute(query("newest_register")).fetchone()
        if newest is not None and newest[1] == digest:
            return TakenIn(changed=False)
        said = _last_said(connection)
        after = {unit: _facts(entry) for unit, entry in entries.items()}
        why = looks_truncated(said.facts(gone=False), after)
        if why is not None and accept_shrink is None:
            return TakenIn(changed=True, refused=why)
        action_id = add_operator_action(connection, "units_shrink", accept_shrink) if why and accept_shrink else None
        move = _move(connection, said, after) if newest is not None else first_answer(after)
        register_id = _add_register(connection, answer, digest)
        copy_rows(connection, "copy_register_entries", _new_entries(register_id, said, entries))
        checkpoint("register_entries_added")
        change = begin_change(connection, "refresh", register_id=register_id, action_id=action_id)
        since = answer.day if newest is not None else EVER
        rewrite(connection, change, _rewritten(move, since))
        _propose(connection, change, register_id, move, answer.day)
        stale = mark_stale(connection, since)
        checkpoint("before_register_commit")
    checkpoint("after_register")
    return TakenIn(changed=True, move=move, stale=stale)


def _last_said(connection: Connection) -> _Said:
    rows = connection.execute(query("newest_entries")).fetchall()
    return _Said({row[0]: tuple(row[:-1]) for row in rows}, frozenset(row[0] for row in rows if row[-1]))


def _move(connection: Connection, said: _Said, after: Mapping[str, UnitFacts]) -> RegisterMove:
    undecided = [row[0] for row in connection.execute(query("open_proposals")).fetchall()]
    return move_between(said.facts(gone=False), after, gone=said.facts(gone=True), undecided=undecided)


def _add_register(connection: Connection, answer: Answer, digest: str) -> int:
    summary = {
        "hash": digest,
        "fetch_id": answer.fetch_id,
        "units": len(answer.units),
        "null_ids": answer.null_ids,
        "duplicates": answer.duplicates,
    }
    added = connection.execute(query("add_register"), summary).fetchone()
    if added is None:
        raise Bug("an insert returned no register")
    checkpoint("register_row_added")
    return int(added[0])


def _new_entries(register_id: int, said: _Said, entries: Mapping[str, _Entry]) -> Iterable[tuple[Any, ...]]:
    """Yield what the answer says that was not said last, and which units it lacks that were there."""
    for unit, entry in entries.items():
        if unit in said.gone or said.entries.get(unit) != entry:
            yield (register_id, *entry, False)
    for unit in said.entries.keys() - said.gone - entries.keys():
        yield (register_id, *said.entries[unit], True)


def _rewritten(move: RegisterMove, since: date) -> dict[str, Callable[[Spans], Spans]]:
    """Return what becomes of the spans of each unit that moves, from a date on."""
    return {
        **{unit: partial(filled, start=since, end=FOR_EVER, facts=facts) for unit, facts in move.opened.items()},
        **{unit: partial(changed, start=since, end=FOR_EVER, changes=facts) for unit, facts in move.changed.items()},
        **{unit: partial(without, start=since, end=FOR_EVER) for unit in move.closed},
    }


def _propose(connection: Connection, change: Change, register_id: int, move: RegisterMove, day: date) -> None:
    for unit in sorted(move.withdrawn):
        withdrawn = {"bm_unit": unit, "state": "withdrawn", "at": change.recorded_at, "action_id": None}
        connection.execute(query("decide_proposal"), withdrawn)
    for unit in sorted(move.proposed):
        proposal = {"bm_unit": unit, "register_id": register_id, "fuel_type": WIND, "valid_from": day}
        connection.execute(query("add_proposal"), proposal | {"at": change.recorded_at})
    checkpoint("proposals_made")


def _facts(entry: _Entry) -> UnitFacts:
    values = dict(zip(UNIT_FIELDS, entry, strict=True))
    return UnitFacts(**{field: values[field] for field in FACT_FIELDS})


def _digest(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
