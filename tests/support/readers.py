"""Readers that look at a date all the while, as somebody's report would, and keep what they saw."""

import threading
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Final, Self

import psycopg

from reingest.curtailment.content import dump_lines
from reingest.errors import NotFound
from reingest.store.contents import content_of, current_number, version_facts
from reingest.store.database import Connection, connect, snapshot
from tests.support.days import TINY_DATE

# All that is served of a date, in one statement: totals, units, mining, rows; and that it is current, and told.
_LOOK: Final = """
select md5(string_agg(line, E'\\n' order by line)) from (
    select concat_ws(' ', 'day', definition, energy_mwh, payment_gbp, records, bm_units, periods,
        indicative_cashflow_gbp) as line
    from day where settlement_date = %(date)s
    union all
    select concat_ws(' ', 'unit', definition, bm_unit, lead_party, energy_mwh, payment_gbp, records, periods)
    from day_unit where settlement_date = %(date)s
    union all
    select concat_ws(' ', 'mining', definition, miner_model, btc) from day_mining where settlement_date = %(date)s
    union all
    select concat_ws(' ', 'row', period, side, bm_unit, acceptance_id, pair_id, so_flag, original_price, volume,
        energy_mwh, payment_gbp) from curtailment where settlement_date = %(date)s
    union all
    select concat_ws(' ', 'month', definition, energy_mwh, payment_gbp, records, days_published)
    from month where month = date_trunc('month', %(date)s::date)
    union all
    select concat_ws(' ', 'current', version.state, version.served_to, day.generation - told.generation)
    from settlement_day day
    join version on version.id = day.current_version_id
    cross join (select max(generation) as generation from outbox where settlement_date = %(date)s) told
    where day.settlement_date = %(date)s
    union all
    select concat_ws(' ', 'published', count(*))
    from version where settlement_date = %(date)s and state = 'published' having count(*) > 0
) served
"""
LOOKS_A_DUMP: Final = 8


@dataclass
class Seen:
    """Distinct sights of a date, and how many looks they took; None stands for a date that serves nothing."""

    looks: set[str | None] = field(default_factory=set)
    dumps: set[str] = field(default_factory=set)
    reads: int = 0


class Reader:
    """Reads in a thread for as long as its block lasts: totals with one statement, whole dumps with several."""

    def __init__(self, database_url: str, day: date = TINY_DATE, *, pause: float = 0.002) -> None:
        self._url = database_url
        self._day = day
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reader")
        self._error: BaseException | None = None
        self.seen = Seen()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def _read(self) -> None:
        try:
            with (
                connect(self._url, purpose="reader looks", role=None) as looking,
                connect(self._url, purpose="reader dumps", role=None) as dumping,
            ):
                while not self._stop.wait(self._pause):
                    self.seen.looks.add(look(looking, self._day))
                    if self.seen.reads % LOOKS_A_DUMP == 0:
                        self.seen.dumps.add(dump(dumping, self._day))
                    self.seen.reads += 1
        except BaseException as error:  # noqa: BLE001  (a thread's error is the test's)
            self._error = error


def look(connection: Connection, day: date) -> str | None:
    """Return a digest of everything that is served of a date."""
    ((digest,),) = connection.execute(_LOOK, {"date": day}).fetchall()
    return None if digest is None else str(digest)


def look_at(database_url: str, day: date = TINY_DATE) -> str | None:
    """Return the same over a connection of its own."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return look(connection, day)


def dump(connection: Connection, day: date) -> str:
    """Return the dump of what a date serves, read as `reingest dump` reads it; empty where it serves nothing."""
    with snapshot(connection):
        try:
            facts = version_facts(connection, day, current_number(connection, day))
        except NotFound:
            return ""
        return "".join(f"{line}\n" for line in dump_lines(content_of(connection, day, facts)))
