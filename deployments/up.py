"""`make up`: everything that a person needs to run dates from Prefect's UI, in one process until Ctrl-C.

It starts the embedded Postgres (or uses DATABASE_URL's), Prefect's server on it, one worker, and the stand-in Elexon or
the live one, and registers the deployments. A child that dies is started again. Whatever becomes of this process, its
children end with it, and the next start ends what could not be reached (`deployments.children`).

python -m deployments.up [--source stand-in|live] [--with-parent] [--begin-empty]
"""

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import typer

from deployments.children import POLL_SECONDS, Child, die_with_parent, end_descendants, sweep
from deployments.empty_home import empty_home
from deployments.parts import Parts, Source
from deployments.prefect_settings import LOOPBACK, ensure_prefect_database
from reingest.cli.edge import describe
from reingest.clock import utc_now
from reingest.errors import PrefectUnavailable, Refused, ReingestError
from reingest.logs import configure_logs
from reingest.settings import Settings, load_settings
from reingest.store.database import connect
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.fetches import fetched_from
from reingest.store.migrate import REVISION, schema_revision, upgrade
from reingest.store.server import ensure_database

ADDRESSES: Final = "up.json"

READY_SECONDS: Final = 180.0
"""A server's very first start migrates its database, and may compile all of Prefect."""
FINISH_SECONDS: Final = 20.0
"""What a date under way is given to end by itself."""
PATIENCE_SECONDS: Final = 2.0
WATCH_SECONDS: Final = 0.5
RESTARTS: Final = 5
RESTART_WINDOW_SECONDS: Final = 60.0


def main() -> int:
    """Keep everything up until a signal; return the exit code."""
    parser = argparse.ArgumentParser(prog="make up", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--source", choices=("stand-in", "live"), default="stand-in", help="whom the worker asks")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one dies")
    parser.add_argument("--begin-empty", action="store_true", help="remove what the home has: for demos")
    arguments = parser.parse_args()
    if arguments.with_parent:
        die_with_parent()
    try:
        settings = load_settings()
        configure_logs(settings.log_level)
        with only_one(settings.prefect_folder):
            Up(settings, arguments.source, begin_empty=arguments.begin_empty).run()
    except ReingestError as error:
        typer.echo(describe(error), err=True)
        return error.exit_code
    return 0


class Up:
    """What is up, from its start to its end."""

    def __init__(self, settings: Settings, source: Source, *, begin_empty: bool = False) -> None:
        """Name what will be started, in a home that is emptied first or not; nothing is started yet."""
        self._settings = settings
        self._source: Source = source
        self._begin_empty = begin_empty
        self._postgres = None if settings.database_url else EmbeddedPostgres(settings.postgres_folder)
        self._addresses = settings.prefect_folder / ADDRESSES
        self._parts: Parts | None = None
        self._asked_to_stop = 0
        self._signal = ""

    def run(self) -> None:
        """Start everything, keep it running until SIGINT, SIGTERM or SIGHUP, and stop it.

        Raises:
            Refused: the database has days of another source.
            PrefectUnavailable: a part could not be started, or kept dying.
            DatabaseError: Postgres cannot be used.
        """
        with self._signals():
            try:
                self._watch(self._start())
            except _Stopped:
                pass
            finally:
                self._stop()

    def _start(self) -> Parts:
        began = time.monotonic()
        self._clear_up()
        url = ensure_database(self._settings)
        parts = self._parts = Parts.of(self._settings, self._source, ensure_prefect_database(self._settings, url))
        for child in (parts.server, parts.register, parts.stand_in):
            if child is not None:
                child.start()
        if schema_revision(url) != REVISION:
            upgrade(url)
        refuse_mixture(url, self._source, self._settings.elexon_url)
        self._wait(parts.server_answers, "Prefect's server", parts.server)
        since = utc_now()
        parts.worker.start()
        self._wait(lambda: parts.register.exit_code is not None, "the registration")
        if parts.register.exit_code:
            raise _failed("the registration", parts.register)
        self._wait(lambda: parts.worker_is_online(since), "the worker", parts.worker)
        self._write_addresses(parts)
        typer.echo(f"{parts.describe()}\n\nUp in {time.monotonic() - began:.1f} s. Ctrl-C stops everything.")
        return parts

    def _clear_up(self) -> None:
        """End and remove what a start that was killed left; where an empty home is wanted, everything else too."""
        self._addresses.unlink(missing_ok=True)
        swept = sweep(self._settings.home)
        if swept:
            typer.echo(f"{swept} process(es) of an earlier start, which was killed, were ended")
        shutil.rmtree(self._settings.prefect_folder / "tmp", ignore_errors=True)
        if self._begin_empty:
            empty_home(self._settings, self._source)

    def _write_addresses(self, parts: Parts) -> None:
        unfinished = self._addresses.with_suffix(".new")
        unfinished.write_text(json.dumps({"pid": os.getpid(), **parts.addresses()}, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self._addresses)

    def _watch(self, parts: Parts) -> None:
        """Start again whatever dies, until a signal."""
        while True:
            for child in parts.lasting:
                if child.exit_code is not None:
                    self._start_again(child)
                    self._write_addresses(parts)
            if self._postgres is not None and self._postgres.url() is None:
                typer.echo("Postgres ended; it is started again")
                self._postgres.start()
            self._pause(WATCH_SECONDS)

    def _start_again(self, child: Child) -> None:
        recent = [start for start in child.starts if time.monotonic() - start < RESTART_WINDOW_SECONDS]
        if len(recent) > RESTARTS:
            raise _failed(f"{child.name} (started {len(recent)} times in a minute)", child)
        typer.echo(f"{child.name} ended ({child.exit_code}); it is started again, see {child.log}")
        child.start()

    def _stop(self) -> None:
        self._addresses.unlink(missing_ok=True)
        typer.echo(f"Stopping{self._signal and f' ({self._signal})'}")
        if self._parts is not None:
            self._let_runs_finish(self._parts.worker)
            for child in (self._parts.register, *self._parts.lasting[::-1]):
                child.end()
        sweep(self._settings.home)
        if self._postgres is not None:
            self._postgres.stop()

    def _let_runs_finish(self, worker: Child) -> None:
        """Give the dates under way time to end; a second signal, or the end of it, ends them where they are."""
        worker.ask_to_end()
        asked, began, said = self._asked_to_stop, time.monotonic(), False
        while worker.pid is not None:
            waited = time.monotonic() - began
            if self._asked_to_stop > asked or waited > FINISH_SECONDS:
                # The server still runs, so that they can tell it that they were ended.
                end_descendants(worker.pid)
                return
            if waited > PATIENCE_SECONDS and not said:
                typer.echo("Waiting for the runs under way; Ctrl-C again ends them.")
                said = True
            time.sleep(POLL_SECONDS)

    def _wait(self, until: Callable[[], bool], what: str, child: Child | None = None) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not until():
            if child is not None and (child.exit_code is not None or time.monotonic() > deadline):
                raise _failed(what, child)
            self._pause(POLL_SECONDS)

    def _pause(self, seconds: float) -> None:
        if self._asked_to_stop:
            raise _Stopped
        time.sleep(seconds)  # a signal ends it early only where its handler raises, which is not worth the trouble

    @contextmanager
    def _signals(self) -> Iterator[None]:
        def ask(number: int, _frame: FrameType | None) -> None:
            self._asked_to_stop += 1
            self._signal = signal.Signals(number).name

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def refuse_mixture(database_url: str, source: Source, elexon_url: str) -> None:
    """Keep the stand-in's days, which are made up, and real ones out of each other's database.

    Raises:
        Refused: the database has answers of the other source.
    """
    with connect(database_url, purpose="make up") as connection:
        of_stand_in, of_others = fetched_from(connection)
    if source == "stand-in" and of_others:
        raise Refused("the database has real days; the stand-in's are made up", next_command="make up SOURCE=live")
    if source == "live" and of_stand_in and not elexon_url.startswith(f"http://{LOOPBACK}:"):
        raise Refused(
            "the database has days that the stand-in made up", next_command="REINGEST_HOME=DIR make up SOURCE=live"
        )


class _Stopped(Exception):
    """A signal asked to stop."""


def _failed(what: str, child: Child) -> PrefectUnavailable:
    ended = "does not answer" if child.exit_code is None else f"ended ({child.exit_code})"
    return PrefectUnavailable(f"{what} {ended}; {child.log} says:\n{child.last_words()}", next_command="make up")


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the folder for the block; one that is being stopped is waited for.

    Raises:
        Refused: another is up.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Not inherited by children, so that it is free as soon as this process is gone.
    with (folder / "up.lock").open("w") as lock:
        deadline = time.monotonic() + 2 * FINISH_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if (folder / ADDRESSES).exists() or time.monotonic() > deadline:
                    raise Refused("another is up already", next_command=f"cat {folder / ADDRESSES}") from None
                time.sleep(POLL_SECONDS)
        yield


if __name__ == "__main__":
    sys.exit(main())
