"""Connections that are lent to one use after another, and what is read once for many dates: nothing old is kept."""

from datetime import timedelta
from decimal import Decimal

import psycopg

from reingest.curtailment.difficulty import DifficultyEpoch
from reingest.store.database import bound_lock_waits, connect
from reingest.store.lending import Connections
from reingest.store.mining_inputs import DifficultyTable, difficulty_epochs, save_difficulty
from reingest.store.unit_decisions import override_unit
from reingest.store.units import Registers, load_register
from tests.support.versions import DATE, Store


def test_a_connection_is_lent_again_as_if_it_were_new(database_url: str) -> None:
    """The next use has the same server process, under its own name, without the locks and limits of the one before."""
    with Connections(database_url) as connections:
        with connections.lend("first") as connection:
            first = connection.info.backend_pid
            bound_lock_waits(connection, 0.1)
            connection.execute("select pg_advisory_lock(5)")
        with connections.lend("second") as connection:
            assert connection.info.backend_pid == first
            ((name, limit),) = connection.execute(
                "select current_setting('application_name'), current_setting('lock_timeout')"
            ).fetchall()
            assert (name, limit) == ("reingest second", "0")
            mine = "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
            assert connection.execute(mine).fetchone() == (0,)


def test_two_uses_at_once_have_two_connections(database_url: str) -> None:
    """What is lent is nobody else's until it is given back."""
    with Connections(database_url) as connections, connections.lend("one") as one, connections.lend("other") as other:
        assert one.info.backend_pid != other.info.backend_pid


def test_a_connection_that_broke_is_not_lent_again(database_url: str) -> None:
    """One that the server ended while nobody used it, or that was closed in use, is replaced by a new one."""
    with Connections(database_url) as connections:
        with connections.lend("first") as connection:
            first = connection.info.backend_pid
        with psycopg.connect(database_url) as other:
            other.execute("select pg_terminate_backend(%s, 5000)", [first])
        with connections.lend("second") as connection:
            second = connection.info.backend_pid
            assert second != first
            connection.close()
        with connections.lend("third") as connection:
            assert connection.info.backend_pid not in {first, second}


def test_a_connection_left_in_a_transaction_is_not_lent_again(database_url: str) -> None:
    """What its last use left open is rolled back with the connection."""
    with Connections(database_url) as connections:
        with connections.lend("first") as connection:
            first = connection.info.backend_pid
            connection.execute("begin")
        with connections.lend("second") as connection:
            assert connection.info.backend_pid != first


def test_no_connection_outlives_the_lender(database_url: str) -> None:
    """At the end of the block every connection is closed."""
    with Connections(database_url) as connections, connections.lend("reader") as connection:
        pass
    assert connection.closed


def test_a_register_is_read_anew_when_anything_is_decided(database_url: str) -> None:
    """Dates share what was read of the register, and see each decision on a unit at once."""
    Store(database_url).publish()
    registers = Registers()
    with connect(database_url, purpose="test") as connection:
        first = registers.of_date(connection, DATE)
        assert registers.of_date(connection, DATE + timedelta(days=1)) is first
        override_unit(connection, "T_DRAXX-1", "include", "a trial")
        after = registers.of_date(connection, DATE)
        assert after == load_register(connection, DATE)
        assert after != first


def test_a_register_holds_for_the_dates_between_the_bounds_of_facts(database_url: str) -> None:
    """A date on which a unit's facts begin to be true, and the one before, each has its own register."""
    Store(database_url).publish()
    begin = DATE + timedelta(days=3)
    registers = Registers()
    with connect(database_url, purpose="test") as connection:
        with psycopg.connect(database_url) as owner:
            owner.execute(
                "insert into bm_unit (elexon_bm_unit, fuel_type, valid_from, recorded_from, change_id) "
                "select 'T_LATER-1', 'WIND', %s, recorded_at, id from register_change order by id desc limit 1",
                [begin],
            )
        for day in (DATE, begin - timedelta(days=1), begin, begin + timedelta(days=1), DATE):
            register = registers.of_date(connection, day)
            assert register == load_register(connection, day)
            assert register is not None
            assert ("T_LATER-1" in register.wind_units) == (day >= begin)


def test_difficulties_are_read_anew_when_one_comes(database_url: str) -> None:
    """The epochs are those of the table at every look, though they are fetched only when something came."""
    table = DifficultyTable()
    with connect(database_url, purpose="test") as connection:
        before = table.epochs(connection)
        assert before == difficulty_epochs(connection)
        assert table.epochs(connection) is before
        last = before[-1]
        save_difficulty(connection, [_after(last)])
        assert table.epochs(connection) == difficulty_epochs(connection) == (*before, _after(last))


def _after(epoch: DifficultyEpoch) -> DifficultyEpoch:
    return DifficultyEpoch(
        epoch.number + 1,
        epoch.height + 2016,
        epoch.start + timedelta(days=14),
        timedelta(),
        epoch.bits,
        Decimal(epoch.difficulty),
    )


def test_before_the_first_register_there_is_none(database_url: str) -> None:
    """Where no register was ever fetched, nothing is remembered of that either."""
    registers = Registers()
    with connect(database_url, purpose="test") as connection:
        assert registers.of_date(connection, DATE) is None
        Store(database_url).publish()
        assert registers.of_date(connection, DATE) is not None
