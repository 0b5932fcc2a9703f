"""What every act on the register shares: its turn, its instant, the rewriting of units, and the dates it makes stale.

What was recorded is never rewritten: an act ends the recorded time of the rows that it contradicts and adds those that
it puts in their place, all as of one instant. The dates whose figures it changes are marked stale by the same commit.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal

from reingest.checkpoints import checkpoint
from reingest.curtailment.unit_spans import EVER, FOR_EVER, Spans, UnitFacts, UnitSpan
from reingest.errors import Bug, NotFound
from reingest.store.database import Connection
from reingest.store.sql import query

FACT_FIELDS: Final = (
    "name", "fuel_type", "lead_party_name", "lead_party_id", "generation_capacity", "demand_capacity", "gsp_group_id",
    "gsp_group_name",
)  # fmt: skip
"""The fields of `UnitFacts`, in the order of the columns of `bm_unit`."""

ChangeKind = Literal["refresh", "correct", "accept", "include", "exclude", "reset"]


@dataclass(frozen=True, slots=True)
class Change:
    """An act on the register under way: its row, and the instant as of which everything of it is recorded."""

    id: int
    recorded_at: datetime


def lock_register(connection: Connection) -> None:
    """Wait for the acts on the register that are under way; the turn ends with the transaction."""
    connection.execute(query("lock_register"))


def begin_change(
    connection: Connection, kind: ChangeKind, *, register_id: int | None = None, action_id: int | None = None
) -> Change:
    """Begin an act; the caller has the register's turn.

    Args:
        connection: in a transaction.
        kind: what is done.
        register_id: the register in force from now on; None for the one that is.
        action_id: the person's decision behind it, if one is.

    Raises:
        NotFound: there is no register to be changed yet.
    """
    newest = connection.execute(query("newest_register")).fetchone()
    instant = connection.execute(query("register_instant")).fetchone()
    if newest is None or instant is None:
        raise NotFound("the register of BM units was never fetched", next_command="reingest units refresh")
    row = {"recorded_at": instant[0], "kind": kind, "register_id": register_id or newest[0], "action_id": action_id}
    added = connection.execute(query("add_register_change"), row).fetchone()
    if added is None:
        raise Bug("an insert returned no change of the register")
    checkpoint("register_change_added")
    return Change(added[0], instant[0])


def spans_in_force(connection: Connection, bm_units: Collection[str]) -> dict[str, dict[UnitSpan, int]]:
    """Return what is recorded now of each of the units, as spans with the ids of their rows."""
    rows = connection.execute(query("spans_in_force"), {"bm_units": [*bm_units]}).fetchall()
    found: dict[str, dict[UnitSpan, int]] = defaultdict(dict)
    for row_id, bm_unit, valid_from, valid_to, *facts in rows:
        found[bm_unit][UnitSpan(valid_from or EVER, valid_to or FOR_EVER, UnitFacts(*facts))] = row_id
    return found


def rewrite(connection: Connection, change: Change, bm_units: Mapping[str, Callable[[Spans], Spans]]) -> int:
    """Put each unit's spans as they should be in the place of those that are recorded; return how many units moved.

    Args:
        connection: in the transaction of the change.
        change: the act.
        bm_units: by unit, what makes its new spans of the old ones.
    """
    recorded = spans_in_force(connection, bm_units)
    ended: list[int] = []
    begun: list[tuple[Any, ...]] = []
    moved = 0
    for bm_unit, make in bm_units.items():
        old = recorded.get(bm_unit, {})
        new = make(tuple(old))
        ended += [row_id for span, row_id in old.items() if span not in new]
        begun += [_row(bm_unit, span, change) for span in new if span not in old]
        moved += set(new) != old.keys()
    connection.execute(query("close_spans"), {"ids": ended, "recorded_at": change.recorded_at})
    checkpoint("unit_spans_ended")
    copy_rows(connection, "copy_bm_units", begun)
    checkpoint("unit_spans_begun")
    return moved


def copy_rows(connection: Connection, name: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Write rows by a COPY block."""
    with connection.cursor() as cursor, cursor.copy(query(name)) as copy:
        for row in rows:
            copy.write_row(row)


def mark_stale(connection: Connection, first: date, last: date | None = None) -> int:
    """Mark the served dates from `first` on whose figures the register would change now; return how many are stale."""
    bounds = {"first": None if first == EVER else first, "last": last}
    marked = connection.execute(query("mark_stale"), bounds).fetchone()
    checkpoint("dates_marked_stale")
    return int(marked[0]) if marked else 0


def _row(bm_unit: str, span: UnitSpan, change: Change) -> tuple[Any, ...]:
    valid_from = None if span.valid_from == EVER else span.valid_from
    valid_to = None if span.valid_to == FOR_EVER else span.valid_to
    facts = (getattr(span.facts, field) for field in FACT_FIELDS)
    return (bm_unit, valid_from, valid_to, *facts, change.recorded_at, change.id)
