"""Where a bench runs: a temporary home, an embedded Postgres with its usual durability, databases in it."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, LiteralString, ParamSpec, TypeVar
from urllib.parse import urlsplit

import psutil
import psycopg
from psycopg import sql

from deployments.children import MARK
from reingest.settings import Settings
from reingest.store.embedded import EmbeddedPostgres
from reingest.store.migrate import upgrade
from reingest.tuning import tune_process
from tests.support.prefect import hide_prefect_home
from tests.support.runs import make_run_folder, remove_run, sweep_killed_runs

P = ParamSpec("P")
R = TypeVar("R")

PREFIX = "reingest-bench-"
TEMPLATE = "bench_template"


@dataclass(frozen=True, slots=True)
class Place:
    """The home of a bench and the URL of its server.

    Attributes:
        server_home: Where the server is, if not in `home`.
    """

    home: Path
    server_url: str
    server_home: Path | None = None

    def settings(self, elexon_url: str, *, witnesses: Literal["on", "off"] = "off") -> Settings:
        """Return settings for this home, with no pacing: what is measured is us, not our courtesy.

        Witnesses are left out, as limits mean a date of 97 requests; what they cost is measured by itself.
        """
        return Settings(home=self.home, elexon_url=elexon_url, requests_per_second=0, witnesses=witnesses)

    def within(self, name: str) -> "Place":
        """Return a place with a home of its own, beside the same server."""
        own = Place(self.home / name, self.server_url, self.server_home or self.home)
        own.home.mkdir(exist_ok=True)
        return own

    def environment(self, elexon_url: str, database_url: str) -> dict[str, str]:
        """Return the environment of a `reingest` process that works here."""
        return {**os.environ, **self.variables(elexon_url, database_url)}

    def variables(self, elexon_url: str, database_url: str) -> dict[str, str]:
        """Return the settings of a `reingest` process that works here."""
        return {
            "DATABASE_URL": database_url,
            "NO_COLOR": "1",
            "REINGEST_ELEXON_URL": elexon_url,
            "REINGEST_HOME": str(self.home),
            "REINGEST_REQUESTS_PER_SECOND": "0",
            "REINGEST_WITNESSES": "off",
        }

    @contextmanager
    def database(self, name: str, copied_from: str = TEMPLATE) -> Iterator[str]:
        """Give the URL of a new database with the present schema, or a copy of another; drop it in the end."""
        self._execute("create database {} template {}", name, copied_from)
        try:
            yield url_of(self.server_url, name)
        finally:
            self._execute("drop database {} with (force)", name)

    def make_template(self) -> None:
        """Make the migrated database that the others are copied from."""
        self._execute("create database {}", TEMPLATE)
        upgrade(url_of(self.server_url, TEMPLATE))

    @contextmanager
    def server_on_core(self, core: int) -> Iterator[None]:
        """Keep the server and every backend that it starts to one core, where the system can."""
        if not hasattr(os, "sched_setaffinity"):
            yield
            return
        postmaster = self._postmaster()
        everywhere = os.sched_getaffinity(postmaster)
        _pin(postmaster, {core})
        try:
            yield
        finally:
            _pin(postmaster, everywhere)

    def fsync_milliseconds(self) -> float:
        """Return the median time to bring one appended block to disk: every commit and payload waits for that."""
        times = []
        with (self.home / "fsync").open("wb") as file:
            for _ in range(50):
                began = time.perf_counter()
                file.write(bytes(4096))
                file.flush()
                os.fsync(file.fileno())
                times.append(time.perf_counter() - began)
        return statistics.median(times) * 1000

    def postmaster(self) -> psutil.Process:
        """Return the server's first process, whose children are its backends."""
        return psutil.Process(self._postmaster())

    def server_version(self) -> str:
        """Return the server's version, such as 18.6."""
        return self._server().status().version or "unknown"

    def _server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres((self.server_home or self.home) / "postgres")

    def _postmaster(self) -> int:
        pid = self._server().status().pid
        if pid is None:
            raise RuntimeError("the bench's Postgres does not run")
        return pid

    def _execute(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as server:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def temporary_place() -> Iterator[Place]:
    """Give a place with a running server; stop it and remove everything in the end."""
    sweep_killed_runs(PREFIX)
    home = make_run_folder(PREFIX)
    _hide_settings(home)
    try:
        place = Place(home, EmbeddedPostgres(home / "postgres").start())
        place.make_template()
        yield place
    finally:
        remove_run(home)


def _hide_settings(home: Path) -> None:
    """Hide the settings of whoever runs the bench; mark the processes that it starts, so that a sweep finds them."""
    for name in [*os.environ]:
        if name == "DATABASE_URL" or name.startswith("REINGEST_"):
            del os.environ[name]
    hide_prefect_home(home)
    os.environ[MARK] = str(home)


def url_of(server_url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return urlsplit(server_url)._replace(path=f"/{database}").geturl()


def in_own_process(act: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """Return what the function returns in a new Python process: its CPU, memory and cores are its own.

    It is tuned as every process is that rebuilds dates.
    """
    with own_process() as process:
        return process.submit(act, *arguments, **named).result()


def own_process(prepare: Callable[..., None] = tune_process, *arguments: object) -> ProcessPoolExecutor:
    """Return a new Python process that does one thing after another until its block ends; prepared by a function."""
    return ProcessPoolExecutor(1, get_context("spawn"), initializer=prepare, initargs=arguments)


def _pin(process: int, cores: set[int]) -> None:
    for pid in [process, *(child.pid for child in psutil.Process(process).children(recursive=True))]:
        with suppress(ProcessLookupError):  # a backend may end at any moment
            os.sched_setaffinity(pid, cores)
