"""Ways in which faults of Postgres are made: statements by its owner, a rival in a transaction, a line that is slow."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from signal import SIGCONT
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.drills.faults.fault import Ground, plain_run
from tests.support.days import DATE
from tests.support.proxies import MESSAGE, CommitThief, Proxy
from tests.support.sites import Ran, Site

PATIENCE_SECONDS = 20.0

REFUSING_TRIGGER = """
create function drill_fault() returns trigger language plpgsql as $$
begin raise exception using errcode = '{0}', message = '{1}'; end $$;
create trigger drill_fault before insert on curtailment_record for each statement execute function drill_fault();
"""
NO_TRIGGER = "drop trigger drill_fault on curtailment_record; drop function drill_fault()"


@contextmanager
def altered(ground: Ground, *, before: str, after: str) -> Iterator[None]:
    """Have the database's owner run a statement before the block, and another after it."""
    _as_owner(ground.site, before)
    try:
        yield
    finally:
        _as_owner(ground.site, after)


def _as_owner(site: Site, statements: str) -> None:
    """Run statements; `{database}` in them is the name of the site's database."""
    name = conninfo_to_dict(site.database_url)["dbname"]
    with psycopg.connect(site.database_url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(statements.replace("{database}", f'"{name}"').encode())


@contextmanager
def reached_by(ground: Ground, **options: str) -> Iterator[None]:
    """Have the site connect to its database with further options for the block."""
    before = ground.site.database_url
    ground.site.database_url = make_conninfo(before, **options)
    try:
        yield
    finally:
        ground.site.database_url = before


Rival: TypeAlias = Callable[["psycopg.Connection[Any]", threading.Event], None]
"""What a rival does inside its transaction; the event says that the run is over."""


@contextmanager
def rival(ground: Ground, *, act: Rival) -> Iterator[None]:
    """Let a rival act in a transaction of its own during the block, which begins when it holds the date's row."""
    over, holds = threading.Event(), threading.Event()
    faults: list[Exception] = []

    def work() -> None:
        try:
            with psycopg.connect(ground.site.database_url) as connection:
                connection.execute("set deadlock_timeout = '1min'")  # of two in a deadlock, the run is to notice it
                connection.execute("select from settlement_day where settlement_date = %s for update", [DATE])
                holds.set()
                act(connection, over)
        except psycopg.Error as error:
            faults.append(error)
            holds.set()

    thread = threading.Thread(target=work)
    thread.start()
    holds.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not faults, faults


def run_against(ground: Ground, *, act: Rival, place: str) -> Ran:
    """Let a rival in when the run stands at a checkpoint, and let the run go on."""
    command = ground.site.start("date", DATE, "--json", stop_at=place)
    command.wait_until_stopped()
    with rival(ground, act=act):
        command.send(SIGCONT)
        return command.finish()


def only_hold(_connection: "psycopg.Connection[Any]", over: threading.Event) -> None:
    """Keep the row until the run is over."""
    assert over.wait(PATIENCE_SECONDS), "the run waited for a lock that nobody lets go"


def change_the_day(connection: "psycopg.Connection[Any]", over: threading.Event) -> None:
    """Change the row, and commit when the run waits for it."""
    connection.execute("update settlement_day set confirmed_at = clock_timestamp() where settlement_date = %s", [DATE])
    _until_a_run_waits(connection, over)


def want_the_lease(connection: "psycopg.Connection[Any]", over: threading.Event) -> None:
    """Ask for the lease's row as well, which the run holds while it waits for the rival's."""
    _until_a_run_waits(connection, over)
    connection.execute("select from lease for update")


def _until_a_run_waits(connection: "psycopg.Connection[Any]", over: threading.Event) -> None:
    waiting: LiteralString = (
        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        " and application_name like 'reingest run %%'"
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not over.is_set() and time.monotonic() < deadline:
        connection.execute("select pg_stat_clear_snapshot()")
        row = connection.execute(waiting, []).fetchone()
        if row and row[0]:
            return
        time.sleep(0.01)


class SlowLine(Proxy):
    """Passes everything on, each message of the client a little later."""

    delay_seconds = 0.01

    def relay(self, client: socket.socket, server: socket.socket) -> None:
        while True:
            readable, _, _ = select.select([client, server], [], [])
            for source, sink in ((client, server), (server, client)):
                if source not in readable:
                    continue
                data = source.recv(MESSAGE)
                if not data:
                    return
                if source is client:
                    time.sleep(self.delay_seconds)
                sink.sendall(data)


@contextmanager
def slow_line(ground: Ground) -> Iterator[None]:
    """Put a slow line before the database."""
    direct = ground.site.database_url
    with SlowLine(direct) as line:
        ground.site.database_url = line.url
        yield
    ground.site.database_url = direct


def run_losing_the_commit(ground: Ground) -> Ran:
    """Lose the connection at the commit, after the server has heard it."""
    direct = ground.site.database_url
    with CommitThief(direct) as thief:
        ground.site.database_url = thief.url
        ran = plain_run(ground)
    ground.site.database_url = direct
    assert thief.stolen == 1
    return ran


def run_cut_at(ground: Ground, *, place: str) -> Ran:
    """Have the server end the run's connection while the run stands at a checkpoint."""
    site = ground.site
    command = site.start("date", DATE, "--json", stop_at=place)
    command.wait_until_stopped()
    ended = site.rows(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and application_name = %s",
        f"reingest run {DATE}",
    )
    assert ended == [(True,)]
    command.send(SIGCONT)
    return command.finish()
