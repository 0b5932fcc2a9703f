"""A running stand-in: for tests a context manager in this process, for the command line a server until a signal.

with StandIn(StandInConfig(generate=7)) as elexon:
    settings = Settings(elexon_url=elexon.url)
"""

import asyncio
import http.client
import json
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import uvicorn

from reingest.errors import BadUsage
from reingest.standin.answers import Answers
from reingest.standin.app import StandInApp
from reingest.standin.archived import ArchivedAnswers
from reingest.standin.asked import BASE_PATH
from reingest.standin.control import CONTROL_PATH
from reingest.standin.days import FINAL_RUN, RecordedDays
from reingest.standin.faults.delivery import OpenConnection
from reingest.standin.faults.rules import FaultRule, FaultScript, fault_rules, read_faults
from reingest.standin.fleet import fleet_of
from reingest.standin.generate import REAL_ROWS, SMALL_ROWS, GeneratedDays
from reingest.standin.journal import SeenRequest, seen_requests
from reingest.standin.publication import Publication
from reingest.standin.register import Register, read_register, wind_register
from reingest.standin.render import XmlShape
from reingest.standin.units import generated_register

LOOPBACK: Final = "127.0.0.1"
_START_SECONDS: Final = 30.0
_CONTROL_SECONDS: Final = 60.0
_START: Final = "reingest stand-in serve --help"
_HELP: Final = "reingest stand-in restate --help"


@dataclass(frozen=True, slots=True)
class StandInConfig:
    """What a stand-in serves and how.

    Attributes:
        days: CSV files of recorded days.
        archive: An archive folder, served byte for byte.
        register: A CSV file of BM units; without it the recorded units are wind, and the generated fleet is its own.
        generate: Seed of generated days; without it only recorded and archived dates are published.
        small: Generated days have a few rows a side and period, instead of 70 to 180.
        created_after: From a period's end to its createdDateTime; 14 minutes makes every date provisional.
        latency_ms: From a request to the first byte of its answer, at least.
        faults: A script, a list of rules or of tables, or a TOML or JSON file.
        fault_seed: Seed of the chances of a list of rules.
        refuse: `xml` answers 400 to `format=xml`.
        xml_shape: The shape of XML answers.
    """

    days: Sequence[Path] = ()
    archive: Path | None = None
    register: Path | None = None
    generate: int | None = None
    small: bool = False
    created_after: timedelta = FINAL_RUN
    latency_ms: float = 0.0
    faults: Path | Sequence[FaultRule | dict[str, Any]] = ()
    fault_seed: int = 0
    refuse: Literal["xml"] | None = None
    xml_shape: XmlShape = "camel"

    def app(self) -> StandInApp:
        """Read what the configuration names and return the application that serves it.

        Raises:
            BadUsage: a file that cannot be used.
            ArchiveError: a manifest that cannot be read.
        """
        answers = Answers(self._publication(), xml_shape=self.xml_shape, refuse_xml=self.refuse == "xml")
        return StandInApp(answers, self._script(), latency=self.latency_ms / 1000)

    def _publication(self) -> Publication:
        recorded = RecordedDays(self.days, created_after=self.created_after) if self.days else None
        register = self._register(recorded)
        return Publication(
            register,
            recorded=recorded,
            archived=ArchivedAnswers(self.archive) if self.archive else None,
            generated=None if self.generate is None else self.generated_days(register),
        )

    def generated_days(self, register: Register) -> GeneratedDays:
        """Return the generated days of this configuration, whose fleet comes from `register`."""
        rows = SMALL_ROWS if self.small else REAL_ROWS
        fleet = fleet_of(register if self.register else generated_register())
        return GeneratedDays(self.generate or 0, fleet, rows=rows, created_after=self.created_after)

    def _register(self, recorded: RecordedDays | None) -> Register:
        if self.register:
            return read_register(self.register)
        own = wind_register(recorded.bm_units) if recorded else Register(())
        return own if self.generate is None else own.merged(generated_register())

    def _script(self) -> FaultScript:
        if isinstance(self.faults, Path):
            return read_faults(self.faults)
        return FaultScript(fault_rules(self.faults), seed=self.fault_seed)


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it listens, ends at once whatever it does, and exits 0 on a signal."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell_started = started
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """End the server; from any thread, or from a signal handler."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self._tell_started()

    async def main_loop(self) -> None:
        # uvicorn looks ten times a second; a test that starts and stops a stand-in would wait for it.
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), timeout=1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Whoever stops the stand-in does not wait for its answers; a scripted hang would keep it for an hour.
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()
        await asyncio.gather(*self.server_state.tasks, return_exceptions=True)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGTERM and SIGINT, and leave it at that: uvicorn would raise them again, and die of them."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, lambda *_: self.stop()) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class StandIn:
    """A stand-in that runs in a thread of this process, on a free port of the loopback interface."""

    def __init__(self, config: StandInConfig, *, port: int = 0) -> None:
        """Read what the configuration names; nothing listens before `__enter__`.

        Raises:
            BadUsage: see `StandInConfig.app`.
            ArchiveError: see `StandInConfig.app`.
        """
        self.config = config
        self.app = config.app()
        self._port = port
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None
        self._origin = ""

    @property
    def url(self) -> str:
        """The base address for `REINGEST_ELEXON_URL`, Elexon's base path included."""
        return self._origin + BASE_PATH

    def __enter__(self) -> Self:
        """Listen, and return when requests are answered.

        Raises:
            BadUsage: the port is taken.
        """
        listener = _listener(self._port)
        self._origin = _origin(listener)
        started = threading.Event()
        self._server = _server(self.app, started.set)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="stand-in", daemon=True)
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise TimeoutError(f"the stand-in did not start within {_START_SECONDS:.0f} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop, whatever is still being answered; stopping twice is no fault."""
        if self._server is not None and self._thread is not None and self._thread.is_alive():
            self._server.stop()
            self._thread.join()

    def requests(self) -> list[SeenRequest]:
        """Return what was asked, in order."""
        return seen_requests(self._control("GET", "requests")["asked"])

    def restate(self, settlement_date: date, **changes: object) -> list[int]:
        """Change what is published of a date, and return the periods that changed.

        Args:
            settlement_date: The date.
            changes: Fields of `control.RestateRequest`: period, side, unit, volume_factor, price, drop, rows.

        Raises:
            BadUsage: nothing is published there that could change, or the changes cannot be used.
        """
        body = {"settlement_date": settlement_date.isoformat(), **changes}
        periods: list[int] = self._control("POST", "restate", body)["periods"]
        return periods

    def script(self, rules: Sequence[dict[str, Any]], *, seed: int = 0) -> None:
        """Replace the fault script.

        Raises:
            BadUsage: a rule that cannot be used.
        """
        self._control("PUT", "faults", {"seed": seed, "rule": list(rules)})

    def reset(self) -> None:
        """Forget what was asked, so that attempts count from 1 again."""
        self._control("POST", "reset")

    def warm(self, settlement_date: date, wire: str = "xml") -> None:
        """Make all answers of a date beforehand, so that a measurement does not count the making."""
        self._control("POST", "warm", {"settlement_date": settlement_date.isoformat(), "wire": wire})

    def _control(self, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return control(self._origin, method, name, body)


def control(origin: str, method: str, name: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Ask a stand-in's own endpoint, and return its answer; `origin` may carry Elexon's base path.

    Raises:
        BadUsage: nothing answers there, it is no stand-in, or it refuses what is asked.
    """
    parts = urlsplit(origin)
    if parts.scheme != "http" or parts.hostname not in {LOOPBACK, "localhost"}:
        raise BadUsage(f"{origin} is not on this machine, so it is no stand-in", next_command=_START)
    content = None if body is None else json.dumps(body, default=str)
    try:
        with closing(http.client.HTTPConnection(parts.hostname, parts.port, timeout=_CONTROL_SECONDS)) as connection:
            connection.request(method, f"{CONTROL_PATH}/{name}", content)
            answer = connection.getresponse()
            result = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise BadUsage(f"no stand-in answers at {origin}: {error}", next_command=_START) from error
    if answer.status != http.HTTPStatus.OK or not isinstance(result, dict):
        raise BadUsage(f"the stand-in at {origin} refused: {result.get('message', result)}", next_command=_HELP)
    return result


def serve(config: StandInConfig, port: int, announce: Callable[[str], None]) -> None:
    """Serve on a port of the loopback interface until SIGTERM or SIGINT; port 0 is a free one.

    Args:
        config: What to serve.
        port: Where.
        announce: Called with the base address when requests are answered.

    Raises:
        BadUsage: the port is taken, or the configuration cannot be used.
        ArchiveError: a manifest that cannot be read.
    """
    app = config.app()
    listener = _listener(port)
    _server(app, lambda: announce(_origin(listener) + BASE_PATH)).run([listener])


def _server(app: StandInApp, started: Callable[[], None]) -> _Server:
    config = uvicorn.Config(
        app.starlette(),
        http=OpenConnection,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        server_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    return _Server(config, started)


def _listener(port: int) -> socket.socket:
    """Return a socket bound to the loopback interface alone: nobody else shall take it for Elexon."""
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it every answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise BadUsage(f"port {port} of {LOOPBACK} cannot be used: {error}") from error
    return listener


def _origin(listener: socket.socket) -> str:
    return f"http://{LOOPBACK}:{listener.getsockname()[1]}"
