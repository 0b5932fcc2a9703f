"""The register of BM units, read: which units count as wind on a settlement date, now and as a version had it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from reingest.store.database import Connection, database_errors
from reingest.store.sql import query


@dataclass(frozen=True, slots=True)
class Register:
    """The wind units of a settlement date.

    Attributes:
        id: The newest register then.
        hash: sha256 over the wind units and their lead parties: all that a date's figures take from the register.
        lead_parties: The lead party by BM unit id, of every unit that counts as wind.
        recorded_at: As of when the register was read: when it was changed last.
        units: The ids of all units of the date, wind or not.
    """

    id: int
    hash: str
    lead_parties: Mapping[str, str | None]
    recorded_at: datetime
    units: frozenset[str] = frozenset()

    @property
    def wind_units(self) -> frozenset[str]:
        """The BM unit ids that count as wind."""
        return frozenset(self.lead_parties)


@dataclass(frozen=True, slots=True)
class _Span:
    """Dates that follow each other; without an end where None, the last one exclusive."""

    first: date | None
    end: date | None

    def __contains__(self, settlement_date: date) -> bool:
        return (self.first is None or self.first <= settlement_date) and (
            self.end is None or settlement_date < self.end
        )


class Registers:
    """The registers of dates that are asked for one after the other; those that are the same are read once.

    What was recorded as of an instant never changes. So one that was read holds for every date until an act on the
    register is recorded, as far around its own date as no unit's facts begin or end to be true.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: tuple[date, Register] | None = None
        self._span: _Span | None = None

    def of_date(self, connection: Connection, settlement_date: date) -> Register | None:
        """Return the wind units of a settlement date as recorded now, or None where the register was never fetched."""
        if self._known is not None:
            known_date, register = self._known
            if _newest_change(connection) == (register.id, register.recorded_at):
                self._span = self._span or _span_of(connection, known_date, register.recorded_at)
                if settlement_date in self._span:
                    return register
        found = load_register(connection, settlement_date)
        self._known, self._span = (settlement_date, found) if found else None, None
        return found


def load_register(connection: Connection, settlement_date: date) -> Register | None:
    """Return the wind units of a settlement date as recorded now, or None where the register was never fetched."""
    return _register(connection, "register_of_date", settlement_date=settlement_date)


def register_named(connection: Connection, register_id: int, register_hash: str) -> Register | None:
    """Return the wind units that a version names, whatever was recorded since.

    Versions of one hash have the same wind units with the same lead parties, so any of them tells date and instant.
    None where what was recorded then does not give that hash.
    """
    named = {"register_id": register_id, "register_hash": register_hash}
    register = _register(connection, "register_named", **named)
    return register if register is not None and register.hash == register_hash else None


def _register(connection: Connection, name: str, **parameters: object) -> Register | None:
    with database_errors():
        row: tuple[Any, ...] | None = connection.execute(query(name), parameters).fetchone()
    if row is None:
        return None
    register_id, recorded_at, register_hash, wind, lead_parties, units = row
    return Register(
        id=register_id,
        hash=register_hash,
        lead_parties=dict(zip(wind, lead_parties, strict=True)),
        recorded_at=recorded_at,
        units=frozenset(units),
    )


def _newest_change(connection: Connection) -> tuple[int, datetime] | None:
    with database_errors():
        return connection.execute(query("newest_register_change")).fetchone()


def _span_of(connection: Connection, settlement_date: date, recorded_at: datetime) -> _Span:
    """Return the dates around one with the same register as recorded at an instant."""
    asked = {"settlement_date": settlement_date, "recorded_at": recorded_at}
    with database_errors():
        row = connection.execute(query("register_span"), asked).fetchone()
    return _Span(*row) if row else _Span(settlement_date, settlement_date)
