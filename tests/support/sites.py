"""A site: one database, one home and one Elexon, and the command line that works with them."""

import contextlib
import io
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, TypeAlias
from unittest.mock import patch

import psutil
import psycopg
import psycopg.conninfo
from psycopg import sql

from reingest import checkpoints
from reingest.cli import main
from reingest.standin.server import StandIn, StandInConfig
from tests.support.days import REGISTER, Row, Unit, write_day, write_register
from tests.support.postgres import Databases

# Processes of commands are forked from one that has imported what they need, which takes a second each otherwise; what
# libraries import when they are first used is half of that.
_FORK_SERVER = get_context("forkserver")
_FORK_SERVER.set_forkserver_preload(
    [
        "anyio._backends._asyncio",
        "dateutil.relativedelta",
        "httpcore",
        "pyarrow.dataset",
        "rich.console",
        "reingest.cli.app",
        "reingest.cli.date",
        "reingest.operations.doctor.consult",
        "reingest.operations.plans.sealing",
        "reingest.operations.reconciliation.running",
        "reingest.operations.reingest",
        "reingest.operations.report_text",
        "reingest.store.server",
        "tests.support.sites",
    ]
)

NOWHERE = "http://127.0.0.1:9/bmrs/api/v1"
"""An Elexon that nobody serves."""


Day: TypeAlias = date
Serve: TypeAlias = Callable[..., StandIn]
"""Serves recorded rows (the date by hand without any) as Elexon would; takes the fields of `StandInConfig`."""


@dataclass(frozen=True)
class Ran:
    """A command that has ended."""

    exit_code: int
    out: str
    err: str

    @cached_property
    def json(self) -> Any:
        """What it printed, read as JSON."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        """The error that it reported with `--json`."""
        error: dict[str, Any] = json.loads(self.err.splitlines()[-1])["error"]
        return error


@dataclass
class Site:
    """Where Reingest runs in a test; `settings` are further environment variables."""

    database_url: str
    home: Path
    elexon_url: str = NOWHERE
    settings: dict[str, str] = field(default_factory=dict)
    _kept: psycopg.Connection[Any] | None = field(default=None, init=False, repr=False)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment variables of the site."""
        return {
            "DATABASE_URL": self.database_url,
            "REINGEST_HOME": str(self.home),
            "REINGEST_ELEXON_URL": self.elexon_url,
            "REINGEST_REQUESTS_PER_SECOND": "0",
            "REINGEST_ATTEMPTS": "1",
            # Answers come at once here: more connections would idle, and httpcore asks each of them at every request.
            "REINGEST_CONCURRENCY": "4",
            "NO_COLOR": "1",
            **self.settings,
            **more,
        }

    def reingest(self, *words: object, **environment: str) -> Ran:
        """Run a command in this process, through the command line's own way in."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.dict(os.environ, self.environment(**environment)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            _logging_restored(),
        ):
            exit_code = main(self._line(words))
        return Ran(exit_code, *(stream.buffer.getvalue().decode() for stream in (out, err)))

    def date(self, day: Day, *words: object, **environment: str) -> Ran:
        """Run `reingest date D --json`; the report stands in `.json`, an error in `.error`."""
        return self.reingest("date", day, "--json", *words, **environment)

    def start(self, *words: object, stop_at: str = "", **environment: str) -> "Command":
        """Start a command in a process of its own; at the checkpoint `stop_at` it stops, until SIGCONT."""
        output = Path(tempfile.mkdtemp(dir=self.home.parent))
        process = _FORK_SERVER.Process(
            target=_command, args=(self._line(words), self.environment(**environment), output, stop_at), daemon=True
        )
        process.start()
        return Command(process, output)

    def _line(self, words: Iterable[object]) -> list[str]:
        """Return the words of a command; `{home}` in one is the site's home."""
        return [str(word).replace("{home}", str(self.home)) for word in words]

    def dump(self, day: Day) -> str:
        """Return the dump of what the date serves; empty where it serves nothing."""
        ran = self.reingest("dump", day)
        assert ran.exit_code in (0, 2), ran.err
        return ran.out

    def show(self, span: object) -> Any:
        """Return what `reingest show --json` says of a date, a month or a year."""
        ran = self.reingest("show", span, "--json")
        assert ran.exit_code == 0, ran.err
        return ran.json

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query, asked as the database's owner."""
        with self._connection() as connection:
            cursor = connection.execute(query, parameters)
            return list(cursor.fetchall()) if cursor.description else []

    @contextlib.contextmanager
    def keeping_a_connection(self) -> Iterator[None]:
        """Ask every question of the block over one connection: for tests that ask thousands."""
        with self._connection() as self._kept:
            yield
        self._kept = None

    def _connection(self) -> contextlib.AbstractContextManager[psycopg.Connection[Any]]:
        if self._kept is not None:
            return contextlib.nullcontext(self._kept)
        return psycopg.connect(self.database_url, autocommit=True)

    def value(self, query: str, *parameters: object) -> Any:
        """Return the one value of a query."""
        ((value,),) = self.rows(query, *parameters)
        return value

    def row_counts(self) -> dict[str, int]:
        """Return how many rows each table has."""
        tables = self.rows("select tablename from pg_tables where schemaname = 'public' order by 1")
        count = sql.SQL("select count(*) from {}")
        with psycopg.connect(self.database_url) as connection:
            counted = {name: connection.execute(count.format(sql.Identifier(name))).fetchone() for (name,) in tables}
        return {name: row[0] for name, row in counted.items() if row}

    def runs(self) -> list[tuple[str, int]]:
        """Return outcome and exit code of each stored run, in order."""
        return [tuple(row) for row in self.rows("select outcome, exit_code from run order by started_at, id")]

    def states(self, day: Day) -> dict[int, str]:
        """Return the state of each version of a date, by number."""
        return dict(self.rows("select number, state from version where settlement_date = %s order by number", day))

    def generation(self, day: Day) -> int:
        """Return the date's generation; 0 where it was never published."""
        rows = self.rows("select generation from settlement_day where settlement_date = %s", day)
        return int(rows[0][0]) if rows else 0


class Command:
    """A command in a process of its own."""

    def __init__(self, process: ForkServerProcess, output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def ended(self) -> bool:
        return not self._process.is_alive()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; a command that has ended hears none."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait_until_stopped(self) -> None:
        """Return when the command has stopped at its checkpoint."""
        process = psutil.Process(self.pid)
        while not self.ended:
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_STOPPED:
                    return
            time.sleep(0.005)
        raise AssertionError(f"the command ended and did not stop: {self.finish()}")

    def finish(self, timeout: float = 60) -> Ran:
        """Wait for the end; a negative exit code is the signal that ended it."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()
            raise TimeoutError(f"the command did not end within {timeout} s: {self._read('err')}")
        return Ran(self._process.exitcode, self._read("out"), self._read("err"))

    def _read(self, name: str) -> str:
        return (self._output / name).read_text(encoding="utf-8")


def _command(words: list[str], environment: dict[str, str], output: Path, stop_at: str) -> None:
    """Be the process of a command: its output goes to files, and its end is `main`'s exit code."""
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT), number)
    os.environ.update(environment)
    os.chdir(output)
    # As at a terminal: tests that run in the background hand on that they ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    watchers = [checkpoints.signaller(stop_at, signal.SIGSTOP)] if stop_at else []
    if place := environment.get(checkpoints.VARIABLE):
        watchers.append(checkpoints.signaller(place))
    if watchers:
        checkpoints.watch(_all_of(watchers))
    sys.exit(main(words))


def _all_of(watchers: Sequence[checkpoints.Watch]) -> checkpoints.Watch:
    def watch(name: str) -> None:
        for watcher in watchers:
            watcher(name)

    return watch


@contextlib.contextmanager
def _logging_restored() -> Iterator[None]:
    root, package = logging.getLogger(), logging.getLogger("reingest")
    handlers, level, package_level = root.handlers, root.level, package.level
    try:
        yield
    finally:
        root.handlers = handlers
        root.setLevel(level)
        package.setLevel(package_level)


@contextlib.contextmanager
def copy_of(site: Site, databases: Databases, home: Path) -> Iterator[Site]:
    """Give a copy of a site, database and home; the original must have no connection open."""
    shutil.copytree(site.home, home)
    with databases.database(str(psycopg.conninfo.conninfo_to_dict(site.database_url)["dbname"])) as url:
        yield Site(url, home, site.elexon_url, dict(site.settings))


def recorded_elexon(folder: Path, rows: Iterable[Row], *, units: Iterable[Unit] = REGISTER, **config: Any) -> StandIn:
    """Return a stand-in, not yet started, that serves these rows with this register."""
    own = Path(tempfile.mkdtemp(dir=folder))
    day, register = write_day(own / "day.csv", rows), write_register(own / "register.csv", units)
    return StandIn(StandInConfig(days=[day], register=register, **config))
