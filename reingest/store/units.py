"""The register of BM units, and which of them count as wind."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reingest.checkpoints import checkpoint
from reingest.store.database import Connection, database_errors
from reingest.store.sql import query

UNIT_FIELDS = (
    "elexon_bm_unit", "national_grid_bm_unit", "name", "fuel_type", "lead_party_name", "lead_party_id",
    "bm_unit_type", "generation_capacity", "demand_capacity", "gsp_group_id", "gsp_group_name", "interconnector_id",
    "eic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Register:
    """The wind units in force.

    Attributes:
        id: The register row that they come from.
        hash: sha256 over that register and the overrides in force: what a version records.
        lead_parties: The lead party by BM unit id, of every unit that counts as wind.
        units: The ids of all units, wind or not.
    """

    id: int
    hash: str
    lead_parties: Mapping[str, str | None]
    units: frozenset[str] = frozenset()

    @property
    def wind_units(self) -> frozenset[str]:
        """The BM unit ids that count as wind."""
        return frozenset(self.lead_parties)


def load_register(connection: Connection) -> Register | None:
    """Return the wind units in force, or None where the register was never fetched."""
    with database_errors(), connection.transaction():
        # Units and hash of one moment: a decision or a refresh may be committed between the statements.
        connection.execute("set transaction isolation level repeatable read, read only")
        newest = connection.execute(query("newest_register")).fetchone()
        if newest is None:
            return None
        parties: dict[str, str | None] = dict(connection.execute(query("wind_units")).fetchall())
        units = frozenset(row[0] for row in connection.execute(query("unit_ids"), {"register_id": newest[0]}))
        overrides = connection.execute(query("overrides_in_force")).fetchall()
    return Register(id=newest[0], hash=_digest([newest[1], overrides]), lead_parties=parties, units=units)


def register_named(connection: Connection, register_id: int, register_hash: str) -> Register | None:
    """Return the wind units that a version names: its register with the overrides that were in force when it was made.

    The state of the overrides is found by the hash; None where no state that they ever had gives it.
    """
    with database_errors():
        named = connection.execute(query("register_by_id"), {"register_id": register_id}).fetchone()
        if named is None:
            return None
        for (instant,) in connection.execute(query("override_instants")).fetchall():
            overrides = connection.execute(query("overrides_at"), {"instant": instant}).fetchall()
            if _digest([named[0], overrides]) == register_hash:
                at = {"register_id": register_id, "instant": instant}
                parties: dict[str, str | None] = dict(connection.execute(query("wind_units_at"), at).fetchall())
                return Register(id=register_id, hash=register_hash, lead_parties=parties)
    return None


def save_register(
    connection: Connection, units: Sequence[Any], *, fetch_id: int, null_ids: int, duplicates: int
) -> bool:
    """Store the register where it differs from every stored one; return whether it did.

    Args:
        connection: an autocommitting connection.
        units: BM units with the attributes of `UNIT_FIELDS`, ids not null and unique.
        fetch_id: the fetch whose payload they were read from.
        null_ids: rows of the answer without an id, which were skipped.
        duplicates: rows of the answer that repeated an id, which were collapsed.
    """
    rows = sorted((tuple(getattr(unit, field) for field in UNIT_FIELDS) for unit in units), key=lambda row: row[0])
    summary = {"fetch_id": fetch_id, "units": len(rows), "null_ids": null_ids, "duplicates": duplicates}
    with database_errors(), connection.transaction():
        added = connection.execute(query("add_register"), summary | {"hash": _digest(rows)}).fetchone()
        if added is None:
            return False
        checkpoint("register_row_added")
        with connection.cursor() as cursor, cursor.copy(query("copy_bm_units")) as copy:
            for row in rows:
                copy.write_row((added[0], *row))
        checkpoint("before_register_commit")
    checkpoint("after_register")
    return True


def override_unit(
    connection: Connection, bm_unit: str, decision: Literal["include", "exclude"] | None, reason: str
) -> None:
    """Record that a unit counts as wind, or does not, whatever the register says; None ends the override."""
    with database_errors(), connection.transaction():
        connection.execute(query("retire_override"), {"bm_unit": bm_unit})
        checkpoint("override_retired")
        if decision is not None:
            connection.execute(query("add_override"), {"bm_unit": bm_unit, "decision": decision, "reason": reason})
            checkpoint("override_added")


def _digest(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
